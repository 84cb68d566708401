"""How a node's media port is bound and announced, and what it does for those behind it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MediaConfig:
    """Of one node.

    Args:
        host: address to bind; "::" takes IPv4 too.
        port: UDP port; 0 lets the kernel choose.
        tcp: take connections on the TCP port of the same number, and announce it, for networks without UDP.
        udp_announced: announce UDP; False where no UDP comes through to the port.
        announced: where clients are to send to, best first; `Announced.parse` reads them.
        workers: the plane's worker threads, 1 to 64.
        redundant_audio: take RED audio (RFC 2198) of publishers who prefer it: earlier frames in each packet, which repair
            what their uplink loses, for about twice the audio bitrate.
        adaptation: show each viewer what its link bears; otherwise the best, whatever comes of it.
    """

    host: str = "0.0.0.0"
    port: int = 8081
    tcp: bool = True
    udp_announced: bool = True
    announced: tuple[str, ...] = ("127.0.0.1",)
    workers: int = 1
    redundant_audio: bool = True
    adaptation: bool = True
