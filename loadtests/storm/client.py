"""One member of the storm: joins over the WebSocket, connects, and looks at what comes first."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import pylibsrtp
from OpenSSL import SSL

from loadtests.reception import Reception
from loadtests.storm.association import Association, certificate, connectivity_check
from loadtests.storm.socket import MemberSocket
from signaling import VERSION
from signaling.messages import Join, Joined, ServerMessage, Waiting

PATIENCE_S = 10.0
CHECK_AGAIN_S = 0.1
CONSENT_S = 4.0
"""Who does not check now and then is taken for gone (RFC 7675)."""

FIRST_BURST_S = 0.2
"""A keyframe that is whole so long after the first packet was in the first burst."""

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)

_OFFER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0 1\r
a=fingerprint:sha-256 {fingerprint}\r
a=ice-ufrag:stor\r
a=ice-pwd:stormstormstormstormstorm\r
a=setup:actpass\r
m=video 9 UDP/TLS/RTP/SAVPF 96 97\r
c=IN IP4 0.0.0.0\r
a=mid:0\r
a=recvonly\r
a=rtcp-mux\r
a=rtpmap:96 VP8/90000\r
a=rtcp-fb:96 nack\r
a=rtcp-fb:96 nack pli\r
a=rtpmap:97 rtx/90000\r
a=fmtp:97 apt=96\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
c=IN IP4 0.0.0.0\r
a=mid:1\r
a=recvonly\r
a=rtcp-mux\r
a=rtpmap:111 opus/48000/2\r
"""


@dataclass
class Outcome:
    """What one member met; times in ms since the `join` message left.

    Attributes:
        waited: it was told its place at the door.
        keyframe: a whole keyframe came in the first burst.
        lost: packets of the video that never came, of `packets`.
        error: why there was no media.
    """

    answered_ms: float | None = None
    checked_ms: float | None = None
    established_ms: float | None = None
    first_packet_ms: float | None = None
    waited: bool = False
    keyframe: bool = False
    packets: int = 0
    lost: int = 0
    error: str | None = None


@dataclass
class Keyframe:
    """Finds a whole VP8 keyframe among the packets of one picture (RFC 7741)."""

    timestamp: int | None = None
    first: int | None = None
    last: int | None = None
    seen: set[int] = field(default_factory=set)

    def add(self, rtp: bytes) -> bool:
        """Take a packet; whether the keyframe is whole now."""
        sequence, timestamp = int.from_bytes(rtp[2:4]), int.from_bytes(rtp[4:8])
        payload = _payload(rtp)
        if _begins_keyframe(payload):
            self.timestamp, self.first, self.last, self.seen = timestamp, sequence, None, set()
        if timestamp != self.timestamp:
            return False
        self.seen.add(sequence)
        if rtp[1] & 0x80:
            self.last = sequence
        if self.first is None or self.last is None:
            return False
        return len(self.seen) == ((self.last - self.first) & 0xFFFF) + 1


class Client(asyncio.DatagramProtocol):
    """One member.

    Args:
        address: the HTTP server's host and port.
        session, token: where it joins.
    """

    def __init__(self, address: tuple[str, int], session: str, token: str | None) -> None:
        self._address, self._session, self._token = address, session, token
        self.outcome = Outcome()
        self._association = Association()
        self._reception, self._keyframe = Reception(), Keyframe()
        self._began = self._first_at = 0.0
        self._media = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._check = b""
        self._video_ssrc = 0

    async def attend(self, stay: Callable[[], Any]) -> Outcome:
        """Join, wait for media, then for `stay()`, and leave."""
        socket = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                socket = await MemberSocket.open(*self._address)
                await self._join(socket)
                await self._media.wait()
            await stay()
        except TimeoutError:
            self.outcome.error = "no media in time" if self._began else "the socket did not open in time"
        except (OSError, ValueError, SSL.Error, EOFError) as error:
            self.outcome.error = f"{type(error).__name__}: {error}"
        finally:
            if socket is not None:
                socket.close()
            if self._transport is not None:
                self._transport.close()
        self.outcome.packets, self.outcome.lost = self._reception.packets, self._reception.lost
        return self.outcome

    async def _join(self, socket: MemberSocket) -> None:
        offer = _OFFER.format(fingerprint=certificate().fingerprint)
        join = Join(v=VERSION, session=self._session, token=self._token, name="Storm", offer=offer)
        self._began = time.perf_counter()
        socket.send(msgspec.json.encode(join))
        while isinstance(joined := _decoder.decode(await socket.receive()), Waiting):
            self.outcome.waited = True
        if not isinstance(joined, Joined) or joined.answer is None:
            raise ValueError(f"not joined: {joined}")
        self.outcome.answered_ms = self._ms()
        found = re.search(r"a=ice-ufrag:(\S+)\r\na=ice-pwd:(\S+)", joined.answer)
        to = re.search(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) ", joined.answer)
        ssrc = re.search(r"a=ssrc:(\d+) cname", joined.answer)
        if found is None or to is None or ssrc is None:
            raise ValueError("the answer names no way to the media")
        self._check, self._video_ssrc = connectivity_check(found[1], found[2]), int(ssrc[1])
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=(to[1], int(to[2])))
        self._send_check()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by inheritance

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Something came from the node."""
        if not data:
            return
        if data[0] < 4:
            self.outcome.checked_ms = self.outcome.checked_ms or self._ms()
        elif 20 <= data[0] < 64:
            self._shake_hands(data)
        elif data[0] >> 6 == 2 and not 192 <= data[1] <= 223:
            self._take_media(data)

    def _shake_hands(self, data: bytes) -> None:
        try:
            answer = self._association.handshake(data)
        except SSL.Error as error:
            self.outcome.error = f"DTLS: {error}"
            return
        if answer and self._transport is not None:
            self._transport.sendto(answer)
        if self._association.established:
            self.outcome.established_ms = self.outcome.established_ms or self._ms()

    def _take_media(self, data: bytes) -> None:
        if self.outcome.first_packet_ms is None:
            self._first_at = time.perf_counter()
            self.outcome.first_packet_ms = self._ms()
            self._media.set()
        if int.from_bytes(data[8:12]) != self._video_ssrc:
            return
        self._reception.add(int.from_bytes(data[2:4]), len(data))
        if (
            not self.outcome.keyframe
            and time.perf_counter() - self._first_at < FIRST_BURST_S
            and self._association.established
        ):
            try:
                self.outcome.keyframe = self._keyframe.add(self._association.open(data))
            except pylibsrtp.Error as error:
                self.outcome.error = f"SRTP: {error}"

    def _send_check(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.sendto(self._check)
        again_s = CHECK_AGAIN_S if self.outcome.checked_ms is None else CONSENT_S
        asyncio.get_running_loop().call_later(again_s, self._send_check)

    def _ms(self) -> float:
        return (time.perf_counter() - self._began) * 1e3


def _payload(rtp: bytes) -> bytes:
    begin = 12 + 4 * (rtp[0] & 15)
    if rtp[0] & 0x10:
        begin += 4 + 4 * int.from_bytes(rtp[begin + 2 : begin + 4])
    return rtp[begin : len(rtp) - rtp[-1]] if rtp[0] & 0x20 else rtp[begin:]


def _begins_keyframe(payload: bytes) -> bool:
    """Start of partition 0, whose first bit is 0 for a keyframe (RFC 7741 sections 4.2 and 4.3)."""
    if len(payload) < 4 or payload[0] & 0x17 != 0x10:
        return False
    at = 1
    if payload[0] & 0x80:
        flags, at = payload[1], 2
        if flags & 0x80:
            at += 2 if payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return at < len(payload) and payload[at] & 1 == 0
