"""What we take of an offer: codecs, header extensions, DTLS role."""

from collections.abc import Iterable
from typing import Literal

from livetrial_plane import Codec
from media.errors import UnsupportedMedia
from media.offer import Offer, OfferedCodec, OfferedSection

DtlsRole = Literal["client", "server"]

_EXTENSIONS = {
    "urn:ietf:params:rtp-hdrext:sdes:mid": "mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": "rid",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id": "repaired-rid",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": "transport-cc",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level": "audio-level",
    "urn:3gpp:video-orientation": "video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay": "playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time": "abs-capture-time",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension": "dependency-descriptor",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00": "video-layers-allocation",
}

_PASSED_ON = {
    "mid",
    "audio-level",
    "video-orientation",
    "playout-delay",
    "abs-capture-time",
    "dependency-descriptor",
}
"""What a subscriber gets; the rest concerns the publisher's own link."""

_EVERYWHERE = ("VP8", "VP9/0", "AV1/0", "opus")
"""What every browser decodes. H264 is missing where a browser comes without its licence."""


def publishable(section: OfferedSection) -> OfferedCodec:
    """The codec that a publisher is to send: the first of its own order that every browser decodes, else the best H264.

    Raises:
        UnsupportedMedia: there is none.
    """
    ranked = [(rank, codec) for codec in section.codecs if (rank := _rank(codec)) is not None]
    if not ranked:
        wanted = "opus" if section.kind == "audio" else "VP8, VP9, AV1 or H264 with packetization-mode=1"
        raise UnsupportedMedia(f"section {section.mid!r} offers no {wanted}")
    return min(ranked, key=lambda candidate: candidate[0])[1]


def redundancy(section: OfferedSection, codec: OfferedCodec) -> OfferedCodec | None:
    """The payload type under which the section offers RED of this codec (RFC 2198): "111/111" in its format parameters."""
    primary = str(codec.payload_type)
    return next(
        (
            red
            for red in section.codecs
            if section.kind == "audio"
            and red.name == "red"
            and red.encoding.partition("/")[2] == codec.encoding.partition("/")[2]
            and red.fmtp.split("/")[0].strip() == primary
        ),
        None,
    )


def published(section: OfferedSection, *, redundant_audio: bool) -> tuple[OfferedCodec, ...]:
    """What a publisher may send: one codec, and for audio RED of it, in the order of the offer.

    A browser sends RED where it stands first, so the order is the publisher's choice; `redundant_audio` accepts it.

    Raises:
        UnsupportedMedia: there is none.
    """
    codec = publishable(section)
    red = redundancy(section, codec) if redundant_audio else None
    return tuple(offered for offered in section.codecs if offered in (codec, red))


def receivable(section: OfferedSection) -> tuple[OfferedCodec, ...]:
    """All codecs that a subscriber takes of those that publishers may send, and RED of them, in its own order.

    Raises:
        UnsupportedMedia: there is none.
    """
    codecs = [codec for codec in section.codecs if _rank(codec) is not None]
    if not codecs:
        publishable(section)
    redundant = [redundancy(section, codec) for codec in codecs]
    return tuple(offered for offered in section.codecs if offered in codecs or offered in redundant)


def repair_codec(section: OfferedSection) -> OfferedCodec | None:
    """As what a subscriber takes repair packets (draft-ietf-payload-flexible-fec-scheme-03), if it does."""
    return next((codec for codec in section.codecs if section.kind == "video" and codec.name == "flexfec-03"), None)


def accepted_extensions(section: OfferedSection, *, publishing: bool, adaptive: bool = False) -> dict[str, int]:
    """Header extension ids by URI; `adaptive` has a subscriber report what arrives. Only ids that fit the one-byte form: Firefox takes no other, and no browser needs one."""
    return {
        uri: number
        for uri, number in section.extensions.items()
        if number <= 14 and (name := _EXTENSIONS.get(uri)) and (publishing or _is_passed_on(name, adaptive))
    }


def plane_extensions(accepted: Iterable[dict[str, int]]) -> dict[str, int]:
    """The ids of a whole bundle by the plane's names; in a bundle an id means the same everywhere (RFC 9143 section 9.2)."""
    return {_EXTENSIONS[uri]: number for section in accepted for uri, number in section.items()}


def plane_codecs(codecs: Iterable[OfferedCodec]) -> list[Codec]:
    """Codecs as the plane takes them."""
    return [
        Codec(codec.name, codec.payload_type, clock_rate=codec.clock_rate, rtx_payload_type=codec.rtx_payload_type)
        for codec in codecs
    ]


def dtls_role(offer: Offer, *, prefer_passive: bool) -> DtlsRole:
    """Our DTLS role (RFC 8842 section 5). As client media leave a round trip sooner, so that is what we choose where we may."""
    if offer.setup == "actpass":
        return "server" if prefer_passive else "client"
    return "client" if offer.setup == "passive" else "server"


def receivable_names() -> list[str]:
    """The names of the codecs that `receivable` takes; `*` stands for anything."""
    return [*_EVERYWHERE, "H264/*/1"]


def passed_on_uris(*, adaptive: bool = False) -> list[str]:
    """The header extensions that a subscriber gets where it offers them; `adaptive` as in `accepted_extensions`."""
    return [uri for uri, name in _EXTENSIONS.items() if _is_passed_on(name, adaptive)]


def _is_passed_on(name: str, adaptive: bool) -> bool:
    return name in _PASSED_ON or (adaptive and name == "transport-cc")


def _rank(codec: OfferedCodec) -> int | None:
    """Lower is better; None cannot be used."""
    if codec.name in _EVERYWHERE:
        return 0
    if codec.name.startswith("H264/42e0") and codec.name.endswith("/1"):
        return 1
    if codec.name.startswith("H264/") and codec.name.endswith("/1"):
        return 2
    return None
