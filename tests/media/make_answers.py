"""Writes `web_client/tests/answers.json`: the server's answers to real offers, which the page must write the same way.

`python -m tests.media.make_answers` after a change of what is answered; `test_own_answers.py` fails until then.
"""

import json
from dataclasses import asdict
from pathlib import Path

from media import answer, negotiation, sections
from media.answer import Candidate
from media.tickets import LIFETIME_S, Ticket, Tickets, TicketStream
from media.views import AUDIO_SLOTS, VIDEO_SLOTS
from tests.media.synthetic import synthetic_answer

OFFERS = Path(__file__).parent / "offers"
WRITTEN = Path(__file__).parents[2] / "web_client" / "tests" / "answers.json"


def ticket() -> Ticket:
    """The same one each time."""
    tickets = Tickets(bytes(range(32)), lambda: 1_700_000_000.0)
    ufrag = "01" + "ab" * 32
    candidates = [
        Candidate("udp", "192.0.2.1", 8081),
        Candidate("udp", "2001:db8::1", 8081),
        Candidate("tcp", "192.0.2.1", 8081),
    ]

    def streams(slots: tuple[str, ...]) -> list[TicketStream]:
        return [TicketStream(slot, *tickets.ssrcs(ufrag, slot), *sections.names_of(slot)) for slot in slots]

    return Ticket(
        ufrag=ufrag,
        pwd=tickets.password(ufrag),
        lifetime_s=LIFETIME_S,
        fingerprint=":".join(["AB"] * 32),
        candidates=answer.candidate_lines(candidates),
        codecs=negotiation.receivable_names(),
        extensions=negotiation.passed_on_uris(adaptive=True),
        feedback=[*answer.VIDEO_FEEDBACK, "transport-cc"],
        video=streams(VIDEO_SLOTS),
        audio=streams(AUDIO_SLOTS),
    )


def offers() -> dict[str, str]:
    """What browsers offer, and variants of it."""
    real = {path.stem: path.read_bytes().decode() for path in sorted(OFFERS.glob("*.sdp"))}
    chromium = real["chromium"]
    head, *media = chromium.split("m=")
    return {
        **real,
        "one pair": (head + "m=" + media[0] + "m=" + media[4]).replace("BUNDLE 0 1 2 3 4 5 6 7", "BUNDLE 0 4"),
        "a sending section": chromium.replace("a=recvonly", "a=sendonly", 1),
        "no retransmissions": "\r\n".join(
            line for line in chromium.split("\r\n") if "apt=" not in line and " rtx/" not in line
        ),
        "more sections than slots": chromium.replace("BUNDLE 0", "BUNDLE 9 0")
        + "m="
        + media[0].replace("a=mid:0", "a=mid:9"),
        "H.264 alone": "\r\n".join(
            line
            for line in chromium.split("\r\n")
            if not any(f" {codec}/90000" in line for codec in ("VP8", "VP9", "AV1"))
        ),
    }


def text() -> str:
    """The file's contents."""
    used = ticket()
    answers = {name: {"offer": sdp, "answer": synthetic_answer(sdp, used)} for name, sdp in offers().items()}
    return json.dumps({"ticket": {"session": "demo", **asdict(used)}, "answers": answers}, indent=1) + "\n"


if __name__ == "__main__":
    WRITTEN.write_text(text())
