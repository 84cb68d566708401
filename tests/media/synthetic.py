"""The answer that a page writes itself, from its offer and a ticket alone."""

from media import answer, sections
from media.answer import AnsweredSection, Candidate, Transport
from media.offer import Offer
from media.tickets import Ticket


def synthetic_answer(sdp: str, ticket: Ticket) -> str:
    offer = Offer.parse(sdp)
    ssrcs = {stream.slot: (stream.ssrc, stream.rtx_ssrc, stream.fec_ssrc) for stream in (*ticket.video, *ticket.audio)}
    adaptive = "transport-cc" in ticket.feedback
    answers = [
        sections.sending_answer(section, slot, ssrcs.__getitem__, adaptive=adaptive) if slot else AnsweredSection()
        for section, slot in zip(offer.sections, sections.slot_names(offer), strict=True)
    ]
    candidates = [_candidate(line) for line in ticket.candidates]
    return answer.write(offer, answers, Transport(ticket.ufrag, ticket.pwd, ticket.fingerprint, "client", candidates))


def _candidate(line: str) -> Candidate:
    fields = line.split(" ")
    return Candidate("tcp" if fields[2] == "tcp" else "udp", fields[4], int(fields[5]))
