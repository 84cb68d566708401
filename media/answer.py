"""The SDP answer: ICE-lite, one bundle, a section for each of the offer in its order (RFC 9429, RFC 8839, RFC 9143)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from media.negotiation import DtlsRole
from media.offer import Offer, OfferedCodec, OfferedSection

_HOST_TYPE = 126
_HOST_TCP_TYPE = 90
"""Type preferences (RFC 8445 section 5.1.2.2); that of TCP is what browsers give it."""

VIDEO_FEEDBACK = ("ccm fir", "nack", "nack pli")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where the media port is reached. By TCP the peer opens the connection (RFC 6544)."""

    protocol: Literal["udp", "tcp"]
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Transport:
    """What all sections share. `candidates` are the best first within each protocol."""

    ufrag: str
    pwd: str
    fingerprint: str
    role: DtlsRole
    candidates: Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class Stream:
    """What a section of ours sends; `rtx_ssrc` and `fec_ssrc` are 0 where there is none. Streams with the same `stream_id` are played in sync."""

    ssrc: int
    rtx_ssrc: int
    fec_ssrc: int
    cname: str
    stream_id: str
    track_id: str


@dataclass(frozen=True, slots=True)
class AnsweredSection:
    """Our side of a section. `stream` is set where we send, `receives` where we receive; neither: inactive or rejected.
    `adaptive`: what we send is to be reported; `fec`: repair packets are sent as this."""

    codecs: Sequence[OfferedCodec] = ()
    extensions: dict[str, int] | None = None
    stream: Stream | None = None
    receives: bool = False
    fec: OfferedCodec | None = None
    adaptive: bool = False


def write(offer: Offer, answers: Sequence[AnsweredSection], transport: Transport, version: int = 1) -> str:
    """The answer to `offer`, one of `answers` for each of its sections; `version` as the o-line counts it."""
    mids = [section.mid for section, _ in _accepted(offer, answers)]
    lines = [
        "v=0",
        f"o=- 1 {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]
    for section, answer in zip(offer.sections, answers, strict=True):
        if answer.codecs:
            lines += _section(section, answer, transport)
        else:
            lines += _rejected(section)
    return "\r\n".join(lines) + "\r\n"


def candidate_lines(candidates: Sequence[Candidate]) -> list[str]:
    """What stands behind `a=candidate:` (RFC 8839 section 5.1), the best first within each protocol."""
    return [_candidate(index, candidate) for index, candidate in enumerate(candidates, start=1)]


def write_fragment(offer: Offer, answers: Sequence[AnsweredSection], transport: Transport) -> str:
    """Our ICE credentials and candidates alone, as trickle-ice-sdpfrag (RFC 8840 section 9): of the section whose transport all share."""
    accepted = _accepted(offer, answers)
    section, answer = accepted[0]
    lines = [
        "a=ice-lite",
        f"a=group:BUNDLE {' '.join(section.mid for section, _ in accepted)}",
        f"m={section.kind} 9 {section.protocol} {answer.codecs[0].payload_type}",
        f"a=mid:{section.mid}",
        *_ice(transport),
    ]
    return "\r\n".join(lines) + "\r\n"


def _accepted(offer: Offer, answers: Sequence[AnsweredSection]) -> list[tuple[OfferedSection, AnsweredSection]]:
    return [(section, answer) for section, answer in zip(offer.sections, answers, strict=True) if answer.codecs]


def _ice(transport: Transport) -> list[str]:
    return [
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.pwd}",
        *(f"a=candidate:{line}" for line in candidate_lines(transport.candidates)),
        "a=end-of-candidates",
    ]


def _section(section: OfferedSection, answer: AnsweredSection, transport: Transport) -> list[str]:
    payload_types = [codec.payload_type for codec in answer.codecs]
    payload_types += [codec.rtx_payload_type for codec in answer.codecs if codec.rtx_payload_type is not None]
    payload_types += [answer.fec.payload_type] if answer.fec else []
    direction = "sendonly" if answer.stream else "recvonly" if answer.receives else "inactive"
    lines = [
        f"m={section.kind} 9 {section.protocol} {' '.join(map(str, payload_types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=fingerprint:sha-256 {transport.fingerprint}",
        f"a=setup:{'active' if transport.role == 'client' else 'passive'}",
    ]
    lines += _ice(transport)
    lines += [f"a=extmap:{number} {uri}" for uri, number in (answer.extensions or {}).items()]
    for codec in answer.codecs:
        lines += _codec(codec, section.kind, _link_feedback(section, answer))
    if answer.fec:
        lines += _codec(answer.fec, "", ())
    if answer.stream:
        lines += _stream(answer.stream)
    if answer.receives and section.rids:
        lines += [f"a=rid:{rid} recv" for rid in section.rids]
        lines.append(f"a=simulcast:recv {';'.join(section.rids)}")
    return lines


def _rejected(section: OfferedSection) -> list[str]:
    return [
        f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        "a=inactive",
    ]


def _codec(codec: OfferedCodec, kind: str, link_feedback: Sequence[str]) -> list[str]:
    lines = [f"a=rtpmap:{codec.payload_type} {codec.encoding}"]
    if codec.fmtp:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.fmtp}")
    feedback = [*(VIDEO_FEEDBACK if kind == "video" else ()), *link_feedback]
    lines += [f"a=rtcp-fb:{codec.payload_type} {value}" for value in feedback]
    if codec.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={codec.payload_type}")
    return lines


def _stream(stream: Stream) -> list[str]:
    lines = [f"a=msid:{stream.stream_id} {stream.track_id}"]
    if stream.rtx_ssrc:
        lines.append(f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}")
    if stream.fec_ssrc:
        lines.append(f"a=ssrc-group:FEC-FR {stream.ssrc} {stream.fec_ssrc}")
    # Without a=ssrc Chromium shows nothing and reports no error; older aiortc needs it too.
    for ssrc in filter(None, (stream.ssrc, stream.rtx_ssrc, stream.fec_ssrc)):
        lines.append(f"a=ssrc:{ssrc} cname:{stream.cname}")
        lines.append(f"a=ssrc:{ssrc} msid:{stream.stream_id} {stream.track_id}")
    return lines


def _link_feedback(section: OfferedSection, answer: AnsweredSection) -> Sequence[str]:
    """By what a sender learns what its link bears: arrival times, or for video at least a bound."""
    if not (answer.receives or answer.adaptive):
        return ()
    if any("transport-wide-cc" in uri for uri in answer.extensions or {}):
        return ("transport-cc",)
    return ("goog-remb",) if section.kind == "video" else ()


def _candidate(index: int, candidate: Candidate) -> str:
    kind = " tcptype passive" if candidate.protocol == "tcp" else ""
    return (
        f"{index} 1 {candidate.protocol} {_priority(index, candidate)} "
        f"{candidate.address} {candidate.port} typ host{kind}"
    )


def _priority(index: int, candidate: Candidate) -> int:
    """RFC 8445 section 5.1.2.1: of component 1, the earlier the better, and any UDP before any TCP."""
    if candidate.protocol == "udp":
        return (_HOST_TYPE << 24) | ((65535 - index) << 8) | 255
    # RFC 6544 section 4.2: three bits for the direction, of which passive is 4, then thirteen for the order.
    return (_HOST_TCP_TYPE << 24) | ((4 << 13 | 8191 - index) << 8) | 255
