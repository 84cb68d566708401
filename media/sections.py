"""What a section of an offer becomes on our side: a source's kind, or a receiver's slot, and the answer to it."""

import secrets
from collections.abc import Callable, Iterable

from media import negotiation
from media.answer import AnsweredSection, Stream
from media.errors import BadOffer, UnsupportedMedia
from media.offer import Offer, OfferedSection
from media.views import AUDIO_SLOTS, VIDEO_SLOTS, SourceKind


def published_sections(offer: Offer) -> Iterable[SourceKind | None]:
    """What each section publishes, None where it is not used."""
    free: dict[str, list[SourceKind]] = {"audio": ["microphone"], "video": ["camera", "screen"]}
    used = False
    for section in offer.sections:
        sends = not section.rejected and section.direction in ("sendonly", "sendrecv")
        kinds = free.get(section.kind, [])
        if not sends:
            yield None
        elif not kinds:
            raise BadOffer(
                f"section {section.mid!r} is one {section.kind} too many: one audio, a camera and a screen are taken"
            )
        else:
            used = True
            yield kinds.pop(0)
    if not used:
        raise UnsupportedMedia("the offer sends nothing: no audio or video section is sendonly or sendrecv")


def slot_names(offer: Offer) -> Iterable[str | None]:
    """The slot of each section, None where it is not used."""
    free = {"audio": list(AUDIO_SLOTS), "video": list(VIDEO_SLOTS)}
    used = False
    for section in offer.sections:
        receives = not section.rejected and section.direction in ("recvonly", "sendrecv")
        names = free.get(section.kind, [])
        if not receives or not names:
            yield None
        else:
            used = True
            yield names.pop(0)
    if not used:
        raise UnsupportedMedia("the offer receives nothing: no audio or video section is recvonly or sendrecv")


def receiving_answer(section: OfferedSection, *, redundant_audio: bool = True) -> AnsweredSection:
    """Our side of a section that publishes; `redundant_audio` takes RED where it is offered.

    Raises:
        UnsupportedMedia: no codec in common.
    """
    return AnsweredSection(
        codecs=negotiation.published(section, redundant_audio=redundant_audio),
        extensions=negotiation.accepted_extensions(section, publishing=True),
        receives=True,
    )


def sending_answer(
    section: OfferedSection,
    slot: str,
    ssrcs: Callable[[str], tuple[int, int, int]] | None = None,
    *,
    adaptive: bool = False,
) -> AnsweredSection:
    """Our side of a section that receives `slot`.

    Args:
        section: of the offer.
        slot: what it shows.
        ssrcs: of a slot's media, retransmissions and repair packets; None: random ones.
        adaptive: have the receiver report what arrives, where it can.

    Raises:
        UnsupportedMedia: no codec in common.
    """
    codecs = negotiation.receivable(section)
    repairs = section.kind == "video" and any(codec.rtx_payload_type is not None for codec in codecs)
    fec = negotiation.repair_codec(section) if adaptive else None
    ssrc, rtx_ssrc, fec_ssrc = ssrcs(slot) if ssrcs else _distinct_ssrcs()
    cname, stream_id = names_of(slot)
    stream = Stream(
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc if repairs else 0,
        fec_ssrc=fec_ssrc if fec else 0,
        cname=cname,
        stream_id=stream_id,
        track_id=slot,
    )
    return AnsweredSection(
        codecs=codecs,
        extensions=negotiation.accepted_extensions(section, publishing=False, adaptive=adaptive),
        stream=stream,
        fec=fec,
        adaptive=adaptive,
    )


def names_of(slot: str) -> tuple[str, str]:
    """Canonical name and stream id: the two slots of a pair share them, so that browsers keep them in sync."""
    pair = AUDIO_SLOTS.index(slot) if slot in AUDIO_SLOTS else VIDEO_SLOTS.index(slot)
    return f"livetrial-{pair}", VIDEO_SLOTS[pair]


def _distinct_ssrcs() -> tuple[int, int, int]:
    random = secrets.token_bytes(12)  # one call of the system, where each of three would be one
    first, second, third = (
        (int.from_bytes(random[4 * place : 4 * place + 4]) % (2**32 // 3 - 1) + 1) * 3 + place for place in range(3)
    )
    return first, second, third
