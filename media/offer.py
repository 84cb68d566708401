"""An SDP offer as typed values: everything that the answer and the plane need, checked once."""

from dataclasses import dataclass
from typing import Literal

from media import sdp
from media.errors import BadOffer

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["actpass", "active", "passive"]

MAX_ENCODINGS = 4
MAX_FINGERPRINTS = 8


@dataclass(frozen=True, slots=True)
class OfferedCodec:
    """A payload type (RFC 8866 rtpmap). `name` is canonical, so that sources and sinks can be matched by it."""

    name: str
    payload_type: int
    encoding: str  # as in rtpmap: "VP8/90000"
    clock_rate: int
    fmtp: str
    rtx_payload_type: int | None


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """A media section. `ssrcs` are (ssrc, rtx ssrc or 0) per encoding; `rids` the sending RTP stream ids in the order of a=simulcast."""

    mid: str
    kind: str
    protocol: str
    formats: tuple[str, ...]
    direction: Direction
    codecs: tuple[OfferedCodec, ...]
    extensions: dict[str, int]  # by URI
    rids: tuple[str, ...]
    ssrcs: tuple[tuple[int, int], ...]
    rejected: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A whole offer. `fingerprints` are (hash algorithm, value) pairs (RFC 8122)."""

    sections: tuple[OfferedSection, ...]
    fingerprints: tuple[tuple[str, str], ...]
    setup: Setup

    @classmethod
    def parse(cls, text: str) -> "Offer":
        """Read and check an offer.

        Raises:
            BadOffer: what is wrong, in words for the client's developer.
        """
        description = sdp.parse(text)
        used = [section for section in description.media if not _rejected(section)]
        if not used:
            raise BadOffer("the offer has no media section in use")
        transport = _bundled_transport(description, used)
        return cls(
            sections=tuple(_section(section, index) for index, section in enumerate(description.media)),
            fingerprints=_fingerprints(description.session, transport),
            setup=_setup(description.session, transport),
        )


def _bundled_transport(description: sdp.Description, used: list[sdp.Section]) -> sdp.Section:
    """The section whose transport all share (RFC 9143): the first of the BUNDLE group."""
    groups = [group.split() for group in description.session.every("group")]
    bundle = next((group[1:] for group in groups if group[:1] == ["BUNDLE"]), None)
    if bundle is None and len(used) > 1:
        raise BadOffer("several media sections without a=group:BUNDLE; use bundlePolicy max-bundle")
    if bundle:
        missing = [section.first("mid") for section in used if section.first("mid") not in bundle]
        if missing:
            raise BadOffer(f"section {missing[0]!r} is not in the BUNDLE group; all sections share one transport here")
        return next((section for section in used if section.first("mid") == bundle[0]), used[0])
    return used[0]


def _fingerprints(session: sdp.Section, transport: sdp.Section) -> tuple[tuple[str, str], ...]:
    lines = transport.every("fingerprint") or session.every("fingerprint")
    pairs = [tuple(line.split()) for line in lines[:MAX_FINGERPRINTS]]
    fingerprints = tuple((pair[0].lower(), pair[1]) for pair in pairs if len(pair) == 2)
    if not any(algorithm in ("sha-256", "sha-384", "sha-512") for algorithm, _ in fingerprints):
        raise BadOffer(
            "the offer has no a=fingerprint with sha-256, sha-384 or sha-512; media are encrypted with DTLS only"
        )
    return fingerprints


def _setup(session: sdp.Section, transport: sdp.Section) -> Setup:
    setup = transport.first("setup") or session.first("setup") or "actpass"
    if setup not in ("actpass", "active", "passive"):
        raise BadOffer(f"a=setup:{setup[:20]} is not actpass, active or passive")
    return setup  # type: ignore[return-value]  # narrowed by the check above


def _section(section: sdp.Section, index: int) -> OfferedSection:
    rejected = _rejected(section)
    if not rejected and section.kind in ("audio", "video") and "rtcp-mux" not in section.attributes:
        raise BadOffer(f"section {index} has no a=rtcp-mux; RTP and RTCP share one port here")
    try:
        return OfferedSection(
            mid=_mid(section, index),
            kind=section.kind,
            protocol=section.protocol,
            formats=section.formats,
            direction=_direction(section),
            codecs=_codecs(section),
            extensions=_extensions(section),
            rids=_rids(section),
            ssrcs=_ssrcs(section),
            rejected=rejected,
        )
    except ValueError as error:
        raise BadOffer(f"section {index}: {error}") from error


def _rejected(section: sdp.Section) -> bool:
    # Port 0 means rejected, except for a section that lives in the bundle only: Firefox offers all but the first so (RFC 9143).
    return section.port == "0" and "bundle-only" not in section.attributes


def _mid(section: sdp.Section, index: int) -> str:
    mid = section.first("mid")
    if mid is None:
        return str(index)
    # It travels in a header extension of one-byte form (RFC 9143 section 15): at most 16 octets.
    if not 1 <= len(mid.encode()) <= 16 or not mid.isprintable() or " " in mid:
        raise ValueError(f"a=mid {mid[:20]!r} is not a token of 1 to 16 characters")
    return mid


def _direction(section: sdp.Section) -> Direction:
    for direction in ("sendrecv", "sendonly", "recvonly", "inactive"):
        if direction in section.attributes:
            return direction
    return "sendrecv"


def _codecs(section: sdp.Section) -> tuple[OfferedCodec, ...]:
    fmtp = dict(map(_payload_line, section.every("fmtp")))
    maps = dict(map(_payload_line, section.every("rtpmap")))
    rtx = {}
    for payload_type, encoding in maps.items():
        if encoding.lower().startswith("rtx/"):
            parameters = format_parameters(fmtp.get(payload_type, ""))
            rtx[int(parameters.get("apt", "-1"))] = payload_type
    ordered = (
        [int(value) for value in section.formats if value.isdecimal()] if section.kind in ("audio", "video") else []
    )
    return tuple(
        OfferedCodec(
            name=canonical_name(maps[payload_type], fmtp.get(payload_type, "")),
            payload_type=payload_type,
            encoding=maps[payload_type],
            clock_rate=int(maps[payload_type].split("/")[1]),
            fmtp=fmtp.get(payload_type, ""),
            rtx_payload_type=rtx.get(payload_type),
        )
        for payload_type in ordered
        if maps.get(payload_type, "").count("/") >= 1 and not maps[payload_type].lower().startswith("rtx/")
    )


def canonical_name(encoding: str, fmtp: str) -> str:
    """The name by which sources and sinks are matched.

    A decoder for one profile cannot be given another, so it is part of the name: of H264 with the packetization mode
    ("H264/42e0/1", RFC 6184 section 8.1), of VP9 and AV1 alone ("VP9/0", RFC 9628 section 6; "AV1/0").
    """
    name = encoding.split("/")[0]
    parameters = format_parameters(fmtp)
    match name.upper():
        case "H264":
            profile = parameters.get("profile-level-id", "42000a").lower()[:4]
            return f"H264/{profile}/{parameters.get('packetization-mode', '0')}"
        case "VP9":
            return f"VP9/{parameters.get('profile-id', '0')}"
        case "AV1":
            return f"AV1/{parameters.get('profile', '0')}"
    return {"vp8": "VP8", "opus": "opus", "red": "red"}.get(name.lower(), name)


def format_parameters(fmtp: str) -> dict[str, str]:
    """`a=1;b=2` as a dictionary."""
    pairs = (part.strip().partition("=") for part in fmtp.split(";"))
    return {key.strip().lower(): value.strip() for key, _, value in pairs if key}


def _payload_line(line: str) -> tuple[int, str]:
    payload_type, _, value = line.partition(" ")
    if not payload_type.isdecimal() or int(payload_type) > 127:
        raise ValueError(f"{payload_type[:20]!r} is not a payload type")
    return int(payload_type), value.strip()


def _extensions(section: sdp.Section) -> dict[str, int]:
    extensions = {}
    for line in section.every("extmap"):
        identifier, _, uri = line.partition(" ")
        number = identifier.partition("/")[0]
        if not number.isdecimal() or not 1 <= int(number) <= 255:
            raise ValueError(f"a=extmap id {number[:20]!r} is not 1 to 255")
        extensions[uri.split(" ")[0]] = int(number)
    return extensions


def _rids(section: sdp.Section) -> tuple[str, ...]:
    sending = {parts[0] for parts in (line.split() for line in section.every("rid")) if parts[1:2] == ["send"]}
    simulcast = (section.first("simulcast") or "").split()
    if simulcast[:1] != ["send"] or len(simulcast) < 2:
        return ()
    # Alternatives of one stream are separated by commas, paused streams marked by a tilde (RFC 8853): the first will do.
    listed = [stream.split(",")[0].lstrip("~") for stream in simulcast[1].split(";")]
    rids = tuple(rid for rid in listed if rid in sending)
    if len(rids) > MAX_ENCODINGS:
        raise ValueError(f"{len(rids)} simulcast encodings; at most {MAX_ENCODINGS} are taken")
    return rids


def _ssrcs(section: sdp.Section) -> tuple[tuple[int, int], ...]:
    announced = []
    for line in section.every("ssrc"):
        ssrc = _ssrc(line.split(" ")[0])
        if ssrc not in announced:
            announced.append(ssrc)
    groups = [line.split() for line in section.every("ssrc-group")]
    pairs = {_ssrc(group[1]): _ssrc(group[2]) for group in groups if group[:1] == ["FID"] and len(group) == 3}
    repairs = set(pairs.values())
    media = [ssrc for ssrc in announced if ssrc not in repairs]
    return tuple((ssrc, pairs.get(ssrc, 0)) for ssrc in media[:MAX_ENCODINGS])


def _ssrc(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 2**32:
        raise ValueError(f"{text[:20]!r} is not an SSRC")
    return int(text)
