"""What a section of an offer becomes on our side: a source's kind, or a receiver's slot, and the answer to it."""

import secrets
from collections.abc import Iterable

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


def sending_answer(section: OfferedSection, slot: str, *, adaptive: bool = False) -> AnsweredSection:
    """Our side of a section that receives `slot`; `adaptive` has its receiver report what arrives, where it can.

    Raises:
        UnsupportedMedia: no codec in common.
    """
    codecs = negotiation.receivable(section)
    # The two slots of a pair share stream and canonical name, so that browsers keep them in sync.
    pair = AUDIO_SLOTS.index(slot) if slot in AUDIO_SLOTS else VIDEO_SLOTS.index(slot)
    repairs = section.kind == "video" and any(codec.rtx_payload_type is not None for codec in codecs)
    stream = Stream(
        ssrc=_ssrc(),
        rtx_ssrc=_ssrc() if repairs else 0,
        cname=f"livetrial-{pair}",
        stream_id=VIDEO_SLOTS[pair],
        track_id=slot,
    )
    return AnsweredSection(
        codecs=codecs,
        extensions=negotiation.accepted_extensions(section, publishing=False, adaptive=adaptive),
        stream=stream,
        adaptive=adaptive,
    )


def _ssrc() -> int:
    return secrets.randbelow(2**32 - 1) + 1
