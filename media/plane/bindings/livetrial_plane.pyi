"""The forwarding plane: RTP in, RTP out, without the interpreter.

Calls only post commands to the plane's worker threads and return at once; a command that names an id unknown to the
plane is counted (`stats()["unknown_id"]`) and ignored, because the thing may have ended in between. Ids are chosen by
the caller, are never reused, and are separate for peers, sources and sinks. A command that takes what is taken (an id, a
ufrag, an SSRC that the peer sends or has sent with, keys that are set) is counted (`command_refused`) and ignored, because
keys and SSRC used anew would repeat packet indices under one key. All calls are thread-safe.
"""

from typing import Literal, Self, TypedDict, final

import numpy as np
import numpy.typing as npt

__all__ = ["Codec", "Event", "Plane"]

EventKind = Literal["dtls", "connected", "ticket", "began", "worsened", "lost", "encoding"]

class EncodingStats(TypedDict):
    """What arrives of an encoding; see `Plane.source_stats`."""

    ssrc: int
    packets: int
    bytes: int
    keyframes: int
    lost: int
    active: int
    spatial_layers: int
    temporal_layers: int
    layer_bytes: list[list[int]]
    target_kbps: int
    width: int
    height: int
    media_ms: int

@final
class Event:
    """Something Python must know. Frozen. Fields that do not belong to `kind` hold their default."""

    kind: EventKind
    """`dtls`: a DTLS datagram arrived from the peer's checked address. `connected`: an authenticated binding request was
    answered, and the peer had no address before: its first, or the first since its only connection closed. `lost`: nothing
    authenticated arrived for the liveness timeout. `ticket`: a check with a ticket was answered; its peer waits for `add_peer`.
    `began`: the media gate to a peer with sinks opened, and what the cache serves has begun to leave. `worsened`: by
    its transport-wide feedback the estimate of a subscriber's link fell by 30 % or more at once or went on falling, a policer was found, or it began to lose much.
    `encoding`: an encoding of a source began or ceased to arrive: it is silent
    for 1.5 s (DTX sends every 400 ms, a screen that stands still every second), or for 0.5 s while another one goes on."""
    peer: int  # dtls, connected, began, worsened, lost, ticket (an id of the plane's, 2**31 or more); the publishing peer for encoding
    source: int  # encoding; else 0
    encoding: int  # encoding: index in the source's encodings, lowest first; else 0
    active: bool  # encoding
    data: bytes  # dtls: the datagram; ticket: its ufrag
    address: str  # connected, ticket: "ip:port"; else ""
    protocol: str  # connected, ticket: "udp" or "tcp"; else ""

@final
class Codec:
    """One payload type of a peer. Source and sink are matched by `name`, which is canonical: "VP8", "VP9/0", "AV1/0" (profile), "H264/42e0/1", "opus".

    "red" is RED of the other audio codec (RFC 2198), at the same clock rate. A source with it may send either; a sink with it
    is sent RED as it came, one without is sent the packet's own frame. What the uplink lost and a later packet repeats goes to both.
    """

    def __new__(cls, name: str, payload_type: int, *, clock_rate: int, rtx_payload_type: int | None = None) -> Self: ...

@final
class Plane:
    """One media node.

    Args:
        host: address to bind, IPv4 or IPv6 ("::" for both).
        port: UDP port; 0 lets the kernel choose (see `port`).
        tcp: take connections too, on the TCP port of the same number: passive candidates (RFC 6544), frames (RFC 4571).
        workers: worker threads, 1 to 64, each with its own SO_REUSEPORT socket and its own peers. A peer is placed where the fewest sinks
            are; what a source sends crosses to the other workers that have sinks which show it.
        liveness_timeout_s: silence after which a peer is `lost`. Browsers check consent every 5 s at most (RFC 7675), so 15 s.
        keyframe_interval_ms: two keyframe requests to a source are at least so far apart; in steady state a second, or two while
            keyframes take more than 40 % of its bitrate.

    Raises:
        OSError: the port cannot be bound, by UDP or by TCP.
        ValueError: an argument is out of range.
    """

    def __new__(
        cls,
        *,
        host: str = "0.0.0.0",
        port: int = 0,
        tcp: bool = True,
        workers: int = 1,
        liveness_timeout_s: float = 15.0,
        keyframe_interval_ms: int = 500,
    ) -> Self: ...
    @property
    def port(self) -> int: ...
    def fileno(self) -> int:
        """An eventfd, readable while events wait."""
    def events(self) -> list[Event]:
        """Take all waiting events and rearm the eventfd."""
    def add_peer(self, peer: int, *, local_ufrag: str, local_pwd: str, extensions: dict[str, int]) -> None:
        """Answer binding requests for `local_ufrag` (RFC 8445, lite) and keep this peer.

        extensions: header extension ids of this peer's bundle (RFC 8285), by short name: "mid", "rid", "repaired-rid",
        "transport-cc", "abs-send-time", "audio-level", "video-orientation", "playout-delay", "abs-capture-time",
        "dependency-descriptor", "video-layers-allocation". Unknown names raise ValueError.
        A publisher without "transport-cc" is sent REMB: a bound that follows its losses.
        """
    def accept_tickets(self, key: bytes) -> None:
        """Answer checks whose ufrag is a ticket made under this key (32 octets), each once, without having been told of the peer.

        A ufrag is 66 lower-case hexadecimal digits: version 1 (1 octet), expiry in seconds since 1970 (4), session tag (8), nonce (8),
        and the first 12 octets of HMAC-SHA-256(key, "mac" and these 21 octets). Its password are the first 24 octets of
        HMAC-SHA-256(key, "pwd" and the ufrag), in hexadecimal too. What such a check makes is a provisional peer, reported
        by `ticket`; `add_peer` with its ufrag claims it under an id of the caller's, and without that it is forgotten after 5 s.
        400 begin at once and 400 a second, the rest is counted (`tickets_limited`).
        """
    def set_extensions(self, peer: int, *, extensions: dict[str, int]) -> None:
        """The extension ids of a peer that was added before its offer came; as in `add_peer`."""
    def restart_ice(self, peer: int, *, local_ufrag: str, local_pwd: str) -> None:
        """Answer binding requests for this ufrag too (RFC 8445 section 9).

        The former credentials, the address and the keys stay in use until the peer nominates a pair with the new ones; a restart
        that is not completed before the next is given up. A ufrag that is taken is counted (`command_refused`).
        """
    def remove_peer(self, peer: int) -> None:
        """Forget the peer, its sources and its sinks."""
    def send_dtls(self, peer: int, datagram: bytes) -> None:
        """Send to the peer's current address; dropped and counted when it has none, or when its connection has no room."""
    def set_keys(
        self,
        peer: int,
        *,
        profile: Literal["AEAD_AES_128_GCM", "AES128_CM_SHA1_80"],
        send_key: bytes,
        send_salt: bytes,
        receive_key: bytes,
        receive_salt: bytes,
        media_after_ms: int = 0,
    ) -> None:
        """Open the media gate, once. Key 16 octets; salt 12 (GCM, RFC 7714) or 14 (CM, RFC 3711). ValueError otherwise.

        media_after_ms: media wait so long (up to 1000) behind our last flight of DTLS, which a browser is still busy with.
        """
    def follow_checks(self, peer: int, datagrams: list[bytes]) -> None:
        """Send these DTLS datagrams (four at most) again behind every answered check, to where the check came from, until the
        peer's first DTLS datagram arrives. A ClientHello that comes before the answer to a check is lost in browsers."""
    def gather(self, on: bool) -> None:
        """While on, commands leave together when it is off again, which is cheaper than one by one. Their order stays."""
    def show_again(self, peer: int) -> None:
        """Begin what the peer is shown anew, from the cache or at a keyframe: it was sent before the peer had its keys.
        A keyframe request within a second of the keys does the same, once."""
    def add_source(
        self,
        source: int,
        *,
        peer: int,
        kind: Literal["audio", "video"],
        mid: str,
        codecs: list[Codec],
        rids: list[str],
        ssrcs: list[tuple[int, int]],
    ) -> None:
        """A published track.

        rids: RTP stream ids of the encodings, lowest first; empty without simulcast.
        ssrcs: (ssrc, rtx ssrc or 0) of each encoding where SDP told them; empty where only mid and rid in the packets tell.
        """
    def remove_source(self, source: int) -> None: ...
    def add_sink(
        self,
        sink: int,
        *,
        peer: int,
        mid: str,
        ssrc: int,
        rtx_ssrc: int,
        cname: str,
        codecs: list[Codec],
    ) -> None:
        """A sending stream of a subscriber, negotiated once; what it carries is set by `route`."""
    def add_fec(self, sink: int, *, ssrc: int, payload_type: int) -> None:
        """Repair packets of the sink (draft-ietf-payload-flexible-fec-scheme-03) go out under this SSRC and payload type (0 to
        127), where `protect` asks for them."""
    def remove_sink(self, sink: int) -> None: ...
    def route(
        self,
        sink: int,
        source: int | None,
        *,
        encoding: int = 0,
        spatial: int | None = None,
        temporal: int | None = None,
    ) -> None:
        """Show an encoding of a source in the sink, with layers of it up to `spatial` and `temporal` (0 to 7; None: all); None shows nothing.

        Where the packet cache holds a short group of pictures the sink begins with that, at once. Otherwise it goes on with
        what it showed of the same source until the next keyframe, which is asked of the publisher; a sink that shows nothing
        gets the last keyframe as a still meanwhile. Layers change between pictures. Fewer are sent from the next one on; more
        temporal layers from a switching point on (VP8's Y, VP9's U or references, Switch in a dependency descriptor), and more
        spatial ones from a keyframe or a descriptor's Switch on, again from the cache where it serves.
        """
    def want_bitrate(self, peer: int, bitrate: int) -> None:
        """Find out whether a subscriber's link carries `bitrate` bit/s, by padding now and then; 0 (nothing is wanted) ends it.

        Padding goes out on the retransmission stream of one of its sinks: without one nothing is sent.
        """
    def protect(
        self,
        peer: int,
        *,
        copies: int = 0,
        redundant_copies: int = 0,
        picture_copies: int = 0,
        spacing_ms: int = 0,
        retransmissions: int = 0,
        retransmission_spacing_ms: int = 0,
        fec_percent: int = 0,
        playout_ms: int = 0,
        plain_audio: bool = False,
    ) -> None:
        """Protect a subscriber's media against losses of its link from now on; without arguments not at all, as at first.

        copies: how often each audio packet is sent again, 0 to 15: the identical octets, which a receiver's replay protection
        drops where the packet arrived (RFC 3711 section 3.3.2), so nothing is negotiated.
        redundant_copies: the same of one that goes out as RED (RFC 2198): what is lost of it the next one mostly brings.
        picture_copies: how often each packet of pictures is sent again, 0 to 15, 16 ms apart.
        spacing_ms: between an audio packet and its copy, and between copies, 0 to 200.
        retransmissions: how often each retransmission (RFC 4588) is sent again, 0 to 15; one that is asked for again
        gets another where anything is protected, and what transport-wide feedback tells as lost is sent again unasked.
        Copies of pictures and of retransmissions take a quarter of the link at most (`copies_dropped`).
        retransmission_spacing_ms: between a retransmission and its copy, and between copies, 0 to 200, but at least 8.
        fec_percent: repair packets (FlexFEC) for each 100 packets of pictures that others need, 0 to 100: of other
        pictures what is above 60, of keyframes half as much again. Of sinks that `add_fec` gave a stream for it.
        playout_ms: how long pictures are kept before they are shown, at least, 0 to 4000, told by the playout delay extension
        where it is negotiated; 0 ends it, and nothing is told where it was never more.
        plain_audio: send audio without the frames that it repeats (RED, RFC 2198), which take more than half of it.
        No copies and no repair packets on connections (RFC 6544), which repeat by themselves. Of at most 256 packets of a peer copies are due (`copies_dropped`).
        """
    def request_keyframe(self, source: int) -> None: ...
    def snapshot(self) -> npt.NDArray[np.void]:
        """A row a sink: fields sink, peer, source (0: none), encoding (-1: none yet), spatial and temporal
        (the highest layers sent; 255: all), packets, bytes, retransmissions,
        lost (packets since the beginning, sent again or not), fraction_lost (0..1, between the last two receiver reports),
        rtt_ms (nan: unknown), switches; and of the subscriber's link, the same in all its rows:

        - estimate_bps: bit/s that the link is believed to carry, RTP header and SRTP tag included, UDP and IP not. From
          transport-wide feedback where "transport-cc" is among the peer's extensions, else what it told by REMB in the last
          5 s (and twice that for 4 s now and then, where REMB is bound by what is sent), else from the losses in its receiver
          reports; nan until something tells.
        - link_rtt_ms: round trip of the newest packet reported, with what its report waited (nan: unknown).
        - queue_ms: least time that packets of the last report waited in the link's queue (nan: unknown).
        - link_loss: share of packets lost, smoothed, 0..1 (nan: unknown); of what was sent first, whether or not a copy arrived.
        - link_missed: the same with what the link's full queue drops (nan: unknown).
        - lost_run_ms: how long all that is sent is lost at a time: the longest burst of late that is no outage and
          that chance does not explain (nan: unknown).
        - link_bytes: octets sent with a transport-wide number, retransmissions, padding and copies included.
        - copied_bytes: octets of copies and repair packets sent; see `protect`.
        - contended: 1 where others are believed to use the link too; pushed_aside: 1 where they keep its queue full whatever is sent.
        - paced_bytes: octets that wait in the pacer for their turn on the link; paced_ms: how long they take to leave.

        `lost` and `fraction_lost` are of the subscriber's own link: of what was sent to it. What the publisher's uplink lost
        is in its receiver reports, but not in these.
        """
    def stats(self) -> dict[str, int]:
        """Counters since start, of everything received, sent, dropped (by reason), repaired and switched; gauges of peers, sources, sinks.

        Of repair upstream: `nack_sent` numbers asked of publishers, repeats included; `rtx_received`; `nack_given_up` numbers that
        will not come (asked for ten times, missing for 2 s, before a keyframe, or more than 1000 at once); `keyframes_for_losses`
        wanted because of those; `fillers_sent` empty packets, also in their places; `round_trips_measured` by extended reports
        (RFC 3611), which space the repeats; `red_received`, and `red_recovered` audio packets that a later one repeated.
        Of repair downstream: `nack_received` numbers that subscribers asked for; of these `rtx_sent` answered,
        `copies_sent` of audio and of retransmissions;
        `nack_suppressed` asked for again too soon, `nack_never_had` lost by the publisher's uplink, `nack_missed` no longer there,
        `nack_obsolete` older than a keyframe that is there or to come (`repairs_given_up`: how often that was because too much was missing).
        """
    def worker_stats(self) -> list[dict[str, int]]:
        """The same of each worker by itself, in the order of their threads' names: "plane-0" and so on."""
    def audio_levels(self) -> dict[int, float]:
        """Audio sources that speak, with their smoothed level in dBov (-90 to 0): above -45 for a syllable until below -55.

        Levels are those of RFC 6464; a source without "audio-level", or without packets for a second, does not speak; in the
        silences of DTX the level falls as if silence were sent. Waits
        for a turn of each worker (2 ms at most), so ask a few times a second.
        """
    def source_stats(self, source: int) -> list[EncodingStats]:
        """Per encoding, lowest first: ssrc, packets, bytes, keyframes, lost, active (0 or 1), spatial_layers and
        temporal_layers (how many arrived in the last second or two), layer_bytes (payload octets by spatial and temporal layer, four of
        each), what the publisher's layers allocation says, 0 where it says nothing: target_kbps, width, height; media_ms, the publisher's
        time by its sender reports of what arrives now (ms since 1970; 0: no report yet). Empty if the source is unknown."""
    def close(self) -> None:
        """Stop the workers and free the port. Idempotent; later calls raise RuntimeError."""
