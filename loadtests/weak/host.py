"""The host of the bench: goes live over WHIP, and sends a loop in three encodings, or in one with layers, at next to no cost."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self, cast

import httpx
from pylibsrtp import Error as SrtpError

from loadtests.storm.association import Association, certificate, connectivity_check
from loadtests.weak.media import SAMPLES_PER_PACKET, Loop
from loadtests.weak.rtp import AUDIO_TYPE, RED_TYPE, Simulcast, Stream, keyframes_wanted, redundant
from loadtests.weak.svc import SvcLoop
from loadtests.weak.svc_rtp import Svc
from server.demo_picture import FRAMES_PER_S, SAMPLES_PER_S

VIDEO_RATE = 90_000
RIDS = ("q", "h", "f")
CHECK_EVERY_S = 2.0
FIRST_CHECK_AGAIN_S = 0.1
REPORT_EVERY_S = 1.0
PATIENCE_S = 20.0
STALL_S = 0.05
"""What is sent so late is missed by somebody."""

_OFFER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0 1\r
a=fingerprint:sha-256 {fingerprint}\r
a=ice-ufrag:weak\r
a=ice-pwd:weakweakweakweakweakweak\r
a=setup:passive\r
m=audio 9 UDP/TLS/RTP/SAVPF {audio}\r
c=IN IP4 0.0.0.0\r
a=mid:0\r
a=sendonly\r
a=rtcp-mux\r
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r
a=rtpmap:111 opus/48000/2\r
a=fmtp:111 minptime=10;useinbandfec=1\r
{red}a=ssrc:{audio_ssrc} cname:weak\r
m=video 9 UDP/TLS/RTP/SAVPF 96\r
c=IN IP4 0.0.0.0\r
a=mid:1\r
a=sendonly\r
a=rtcp-mux\r
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r
{video}a=rtcp-fb:96 nack\r
a=rtcp-fb:96 nack pli\r
"""
_SIMULCAST = """a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r
a=rtpmap:96 VP8/90000\r
a=rid:q send\r
a=rid:h send\r
a=rid:f send\r
a=simulcast:send q;h;f\r
"""
_SVC = """a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r
a=extmap-allow-mixed\r
a=rtpmap:96 VP9/90000\r
a=fmtp:96 profile-id=0\r
a=ssrc:{ssrc} cname:weak\r
"""
_RED = "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"


class Host(asyncio.DatagramProtocol):
    """A publisher.

    Args:
        loop: what it sends, but
        svc: its picture, where that has spatial layers.
        red: whether its audio is redundant, as a page's is; else plain Opus with in-band FEC.
    """

    def __init__(self, loop: Loop, *, red: bool, svc: SvcLoop | None = None) -> None:
        self._loop, self._red = loop, red
        self._association = Association()
        self._audio = Stream(0x20000001, "0", "", SAMPLES_PER_S)
        streams = [Stream(0x10000001 + n, "1", rid, VIDEO_RATE) for n, rid in enumerate(("",) if svc else RIDS)]
        self._video: list[Simulcast] | list[Svc]
        if svc:
            self._video = [Svc(streams[0], svc.pictures)]
        else:
            self._video = [Simulcast(stream, frames) for stream, frames in zip(streams, loop.video, strict=True)]
        self._ready = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._check = ("", "")
        self.keyframes = 0
        """How many were asked for."""
        self.stalls: list[dict[str, int]] = []
        """When it sent late and by how much, as the link tells its own: `at_ns` of the monotonic clock, `late_ns`."""

    @classmethod
    @asynccontextmanager
    async def live(
        cls,
        whip_url: str,
        token: str,
        media: tuple[str, int],
        loop: Loop,
        *,
        red: bool = True,
        svc: SvcLoop | None = None,
    ) -> AsyncIterator[Self]:
        """Be live for as long as the context lasts; `media` is the node's own address, past any link."""
        host = cls(loop, red=red, svc=svc)
        await host._offer(whip_url, token)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: host, remote_addr=media)
        tasks = [asyncio.create_task(host._keep_checking())]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await host._ready.wait()
            tasks += [asyncio.create_task(part()) for part in (host._send_video, host._send_audio, host._report)]
            yield host
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if host._transport is not None:
                host._transport.close()

    async def _offer(self, url: str, token: str) -> None:
        offer = _OFFER.format(
            fingerprint=certificate().fingerprint,
            audio="63 111" if self._red else "111",
            red=_RED if self._red else "",
            audio_ssrc=self._audio.ssrc,
            video=_SIMULCAST if len(self._video) > 1 else _SVC.format(ssrc=self._video[0].stream.ssrc),
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        async with httpx.AsyncClient(trust_env=False) as http:
            response = await http.post(url, content=offer, headers=headers)
            response.raise_for_status()
        answer = response.text
        found = re.search(r"a=ice-ufrag:(\S+)\r\na=ice-pwd:(\S+)", answer)
        if found is None:
            raise ValueError(f"the answer names no way to the media:\n{answer}")
        self._check = (found[1], found[2])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by inheritance

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Something came from the node: DTLS, or RTCP."""
        if not data:
            return
        if 20 <= data[0] < 64:
            answer = self._association.handshake(data)
            if answer:
                self._send(answer)
            if self._association.established:
                self._ready.set()
        elif data[0] >> 6 == 2 and self._association.established:
            try:
                wanted = keyframes_wanted(self._association.open_rtcp(data))
            except SrtpError:
                return
            for encoding in self._video:
                if encoding.stream.ssrc in wanted:
                    self.keyframes += encoding.begin_anew()

    async def _keep_checking(self) -> None:
        while True:
            self._send(connectivity_check(*self._check))
            await asyncio.sleep(CHECK_EVERY_S if self._association.established else FIRST_CHECK_AGAIN_S)

    async def _send_video(self) -> None:
        clock = asyncio.get_running_loop().time
        began, count = clock(), 0
        while True:
            timestamp = count * VIDEO_RATE // FRAMES_PER_S
            for encoding in self._video:
                for packet in encoding.packets(timestamp):
                    self._seal(packet)
            count += 1
            await asyncio.sleep(began + count / FRAMES_PER_S - clock())

    async def _send_audio(self) -> None:
        clock = asyncio.get_running_loop().time
        began, count = clock(), 0
        before: bytes | None = None
        while True:
            frame = self._loop.audio[count % len(self._loop.audio)]
            payload = redundant(frame, before, SAMPLES_PER_PACKET) if self._red else frame
            payload_type = RED_TYPE if self._red else AUDIO_TYPE
            self._seal(self._audio.packet(payload_type, count * SAMPLES_PER_PACKET, payload, marker=False))
            before, count = frame, count + 1
            due = began + count * SAMPLES_PER_PACKET / SAMPLES_PER_S
            await asyncio.sleep(due - clock())
            if (late := clock() - due) >= STALL_S:
                self.stalls.append({"at_ns": round(due * 1e9), "late_ns": round(late * 1e9)})

    async def _report(self) -> None:
        began = asyncio.get_running_loop().time()
        while True:
            since = asyncio.get_running_loop().time() - began
            for stream in (self._audio, *(encoding.stream for encoding in self._video)):
                report = stream.sender_report(time.time(), round(since * stream.clock_rate))
                self._send(self._association.seal_rtcp(report))
            await asyncio.sleep(REPORT_EVERY_S)

    def _seal(self, packet: bytes) -> None:
        self._send(self._association.seal(packet))

    def _send(self, datagram: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram)
