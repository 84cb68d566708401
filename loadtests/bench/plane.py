"""The forwarding plane itself, on real sockets: receive, open, rewrite, seal, send."""

import select
import socket
import time
from typing import Literal, Self

from livetrial_plane import Codec, Plane
from loadtests.bench import stream
from loadtests.bench.contender import Sample
from loadtests.bench.cpu import cpu_ns, measured_cpu, pin, thread_named
from loadtests.bench.generator import Generator
from loadtests.bench.srtp import Key
from loadtests.bench.subscribers import LOCAL_PWD, Sinks, check

PUBLISHER = 1
VIDEO_SOURCE, AUDIO_SOURCE = 1, 2
SUBSCRIBER_EXTENSIONS = {"mid": 4, "abs-send-time": 2}
WORKER = "plane-0"
GUARD_S = 10.0


class PlaneSession:
    """One publisher of a plane; each subscriber has a video and an audio sink that show it.

    publisher: what the publisher seals with.
    host: the plane's address.
    """

    def __init__(self, plane: Plane, publisher: Key, *, host: str = "127.0.0.1") -> None:
        self._plane, self._host = plane, host
        plane.add_peer(PUBLISHER, local_ufrag=f"ufrag{PUBLISHER}", local_pwd=LOCAL_PWD, extensions=stream.EXTENSIONS)
        self._set_keys(PUBLISHER, send=Key(), receive=publisher)
        kinds: list[tuple[int, Literal["audio", "video"], str, int, Codec]] = [
            (VIDEO_SOURCE, "video", stream.VIDEO_MID, stream.VIDEO_SSRC, VIDEO_CODEC),
            (AUDIO_SOURCE, "audio", stream.AUDIO_MID, stream.AUDIO_SSRC, AUDIO_CODEC),
        ]
        for source, kind, mid, ssrc, codec in kinds:
            plane.add_source(source, peer=PUBLISHER, kind=kind, mid=mid, codecs=[codec], rids=[], ssrcs=[(ssrc, 0)])

    def subscribe(self, sockets: list[socket.socket]) -> None:
        """A connected subscriber for each socket; they are peers `PUBLISHER` + 1 and so on."""
        plane = self._plane
        for peer, sock in enumerate(sockets, PUBLISHER + 1):
            self.add_peer(peer)
            video, audio = 2 * peer, 2 * peer + 1
            plane.add_sink(video, peer=peer, mid="0", ssrc=video, rtx_ssrc=0, cname="bench", codecs=[VIDEO_CODEC])
            plane.add_sink(audio, peer=peer, mid="1", ssrc=audio, rtx_ssrc=0, cname="bench", codecs=[AUDIO_CODEC])
            plane.route(video, VIDEO_SOURCE)
            plane.route(audio, AUDIO_SOURCE)
            sock.sendto(check(f"ufrag{peer}"), (self._host, plane.port))
            self._await_connection(peer)

    def add_peer(self, peer: int) -> None:
        """A peer that has keys and answers to the ufrag `ufrag{peer}`, and has not connected yet."""
        self._plane.add_peer(peer, local_ufrag=f"ufrag{peer}", local_pwd=LOCAL_PWD, extensions=SUBSCRIBER_EXTENSIONS)
        self._set_keys(peer, send=Key(), receive=Key())

    def _await_connection(self, peer: int) -> None:
        # Not select(2): with thousands of sockets the descriptor is beyond what that can watch.
        poll = select.poll()
        poll.register(self._plane.fileno(), select.POLLIN)
        if not poll.poll(GUARD_S * 1e3):
            raise TimeoutError(f"the check of peer {peer} was not answered")
        self._plane.events()

    def _set_keys(self, peer: int, *, send: Key, receive: Key) -> None:
        self._plane.set_keys(
            peer,
            profile="AEAD_AES_128_GCM",
            send_key=send.key,
            send_salt=send.salt,
            receive_key=receive.key,
            receive_salt=receive.salt,
        )


class PlaneContender:
    """A plane with one publisher; each subscriber has a video and an audio sink that show it."""

    def __init__(self, sinks: Sinks, *, speed: float, spread_s: float) -> None:
        self._subscribers = len(sinks.sockets)
        host = sinks.network.server
        self._plane = Plane(host=host, liveness_timeout_s=3600.0)
        # Once the worker answers it has named itself.
        self._plane.stats()
        self._worker = thread_named(WORKER)
        pin(self._worker, measured_cpu())
        publisher = Key()
        PlaneSession(self._plane, publisher, host=host).subscribe(sinks.sockets)
        first = check(f"ufrag{PUBLISHER}")
        self._generator = Generator(self._plane.port, publisher, speed=speed, first=first, spread_s=spread_s, host=host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._generator.__exit__()
        self._plane.close()

    def run(self, seconds: float) -> Sample:
        """Forward for that long."""
        before, cpu_before = self._plane.stats(), cpu_ns(self._worker)
        expected = self._generator.run(seconds) * self._subscribers
        self._settle(before["rtp_received"] + expected // self._subscribers)
        after, cpu_after = self._plane.stats(), cpu_ns(self._worker)
        packets = after["rtp_sent"] - before["rtp_sent"]
        dropped = sum(after[name] - before[name] for name in after if name.startswith("udp_dropped"))
        return Sample(
            cpu_ns=cpu_after - cpu_before,
            packets=packets,
            sends=after["udp_sends"] - before["udp_sends"],
            missing=expected - packets + dropped,
        )

    def _settle(self, received: int) -> None:
        """Wait until the last packets are through, unless some were lost on their way in."""
        guard = time.monotonic() + 0.5
        while self._plane.stats()["rtp_received"] < received and time.monotonic() < guard:
            time.sleep(0.01)


VIDEO_CODEC = Codec("VP8", stream.VIDEO_PAYLOAD_TYPE, clock_rate=90_000)
AUDIO_CODEC = Codec("opus", stream.AUDIO_PAYLOAD_TYPE, clock_rate=48_000)
