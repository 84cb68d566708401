"""aiortc as a member that receives and counts, and does not decode.

A receiver of aiortc has a decoder thread, which would cost a core for a few viewers. `DrainingReceiver` ends it as soon as
it has begun; aiortc itself then drops whole frames where it would have handed them over. All that the server sees stays as
it is: receiver reports, NACK, PLI and bandwidth messages go on, since they come before decoding.
"""

import re
from collections.abc import Callable

import aioice.ice
import aiortc.rtcpeerconnection
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.codecs import is_rtx
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import RtpPacket

from loadtests.reception import Reception

LOOPBACK = ["127.0.0.1", "::1"]


class DrainingReceiver(RTCRtpReceiver):  # type: ignore[misc]  # aiortc has no stubs
    """A receiver without a decoder. `on_packet` is called for each packet of media, after it was counted."""

    def __init__(self, kind: str, transport: object) -> None:
        super().__init__(kind, transport)
        self.reception = Reception()
        self.on_packet: Callable[[], None] = lambda: None
        self._rtx: set[int] = set()

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        """Start; then end the decoder thread, which is what aiortc does for a receiver whose transport is gone."""
        self._rtx = {codec.payloadType for codec in parameters.codecs if is_rtx(codec)}
        await super().receive(parameters)
        self._handle_disconnect()

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if packet.payload_type not in self._rtx:
            self.reception.add(packet.sequence_number, len(packet.payload))
            self.on_packet()
        elif len(packet.payload) >= 2:  # RFC 4588 section 4: the original's number stands first
            self.reception.add(int.from_bytes(packet.payload[:2]), len(packet.payload) - 2)
        await super()._handle_rtp_packet(packet, arrival_time_ms)


def install() -> None:
    """Let this process's aiortc make draining receivers, and gather candidates on loopback, which aioice leaves out."""
    aiortc.rtcpeerconnection.RTCRtpReceiver = DrainingReceiver
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: LOOPBACK


def peer_connection() -> RTCPeerConnection:
    """A connection that receives one video and one audio (the slots `main` and `audio-1`)."""
    # Without servers of its own choice aiortc asks a public STUN server.
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    pc.addTransceiver("video", "recvonly")
    pc.addTransceiver("audio", "recvonly")
    return pc


def on_loopback(answer: str, address: str) -> str:
    """The answer with candidates of this machine alone, whatever addresses the server announces."""
    return re.sub(r"^(a=candidate:\S+ \d+ udp \d+) \S+ ", rf"\g<1> {address} ", answer, flags=re.MULTILINE)
