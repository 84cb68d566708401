"""From the RTP payloads of a picture to what a decoder takes, and the ids in payload descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass

START_CODE = b"\0\0\0\1"
TEMPORAL_DELIMITER = b"\x12\0"


@dataclass(frozen=True)
class Ids:
    """Of a VP8 or VP9 descriptor; None where it has none."""

    picture_id: int | None = None
    tl0picidx: int | None = None
    temporal_id: int = 0
    spatial_id: int = 0


def coded_picture(codec: str, payloads: Sequence[bytes]) -> bytes:
    """All layers of a picture, one behind the other."""
    name = codec.split("/")[0]
    if name == "H264":
        return _annex_b(payloads)
    if name == "AV1":
        return TEMPORAL_DELIMITER + _low_overhead(payloads)
    return b"".join(payload[descriptor(codec, payload)[0] :] for payload in payloads)


def descriptor(codec: str, payload: bytes) -> tuple[int, Ids]:
    """The length of a payload's descriptor, and its ids."""
    name = codec.split("/")[0]
    if name == "VP8":
        return _vp8(payload)
    return _vp9(payload) if name == "VP9" else (0, Ids())


def begins_keyframe(codec: str, payload: bytes) -> bool:
    """Whether a decoder can begin here."""
    coded = payload[descriptor(codec, payload)[0] :]
    match codec.split("/")[0]:
        case "VP8":
            return payload[0] & 0x17 == 0x10 and coded[0] & 1 == 0
        case "VP9":
            return payload[0] & 0x48 == 0x08 and descriptor(codec, payload)[1].spatial_id == 0
        case "H264":
            return payload[0] & 31 in (7, 24)
        case _:
            return payload[0] & 0x88 == 0x08


def _vp8(payload: bytes) -> tuple[int, Ids]:
    """RFC 7741 section 4.2."""
    if not payload[0] & 0x80:
        return 1, Ids()
    flags, at = payload[1], 2
    picture_id = tl0picidx = None
    if flags & 0x80:
        picture_id, at = _picture_id(payload, at)
    if flags & 0x40:
        tl0picidx, at = payload[at], at + 1
    temporal = payload[at] >> 6 if flags & 0x20 else 0
    return at + bool(flags & 0x30), Ids(picture_id, tl0picidx, temporal)


def _vp9(payload: bytes) -> tuple[int, Ids]:
    """RFC 9628 section 4.2."""
    first, at = payload[0], 1
    picture_id = tl0picidx = None
    temporal = spatial = 0
    if first & 0x80:
        picture_id, at = _picture_id(payload, at)
    if first & 0x20:
        temporal, spatial, at = payload[at] >> 5, payload[at] >> 1 & 7, at + 1
        if not first & 0x10:
            tl0picidx, at = payload[at], at + 1
    if first & 0x50 == 0x50:
        while payload[at] & 1:
            at += 1
        at += 1
    if first & 0x02:
        at = _behind_structure(payload, at)
    return at, Ids(picture_id, tl0picidx, temporal, spatial)


def _picture_id(payload: bytes, at: int) -> tuple[int, int]:
    if payload[at] & 0x80:
        return (payload[at] & 0x7F) << 8 | payload[at + 1], at + 2
    return payload[at], at + 1


def _behind_structure(payload: bytes, at: int) -> int:
    head, at = payload[at], at + 1
    if head & 0x10:
        at += 4 * ((head >> 5) + 1)
    if head & 0x08:
        pictures, at = payload[at], at + 1
        for _ in range(pictures):
            at += 1 + (payload[at] >> 2 & 3)
    return at


def _annex_b(payloads: Sequence[bytes]) -> bytes:
    """RFC 6184: single units, STAP-A and FU-A."""
    stream = bytearray()
    for payload in payloads:
        kind = payload[0] & 31
        if kind == 24:
            at = 1
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                stream += START_CODE + payload[at + 2 : at + 2 + size]
                at += 2 + size
        elif kind == 28:
            if payload[1] & 0x80:
                stream += START_CODE + bytes([payload[0] & 0xE0 | payload[1] & 31])
            stream += payload[2:]
        else:
            stream += START_CODE + payload
    return bytes(stream)


def _low_overhead(payloads: Sequence[bytes]) -> bytes:
    """OBU elements (AV1 RTP payload format, section 4.4) as OBUs with sizes."""
    elements: list[bytearray] = []
    for payload in payloads:
        for number, element in enumerate(_elements(payload)):
            if number == 0 and payload[0] & 0x80:
                elements[-1] += element
            else:
                elements.append(bytearray(element))
    return b"".join(_sized(bytes(element)) for element in elements)


def _elements(payload: bytes) -> list[bytes]:
    count, at = payload[0] >> 4 & 3, 1
    elements = []
    while at < len(payload):
        if len(elements) + 1 == count:
            size = len(payload) - at
        else:
            size, at = _leb128(payload, at)
        elements.append(payload[at : at + size])
        at += size
    return elements


def _sized(obu: bytes) -> bytes:
    """With obu_has_size_field, which RTP leaves out."""
    header = 2 if obu[0] & 0x04 else 1
    if obu[0] & 0x02:
        return obu
    body = obu[header:]
    return bytes([obu[0] | 0x02]) + obu[1:header] + _to_leb128(len(body)) + body


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def _to_leb128(value: int) -> bytes:
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])
