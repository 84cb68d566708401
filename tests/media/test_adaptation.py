"""From what subscribers tell of their links to what their slots may show, on a real plane."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from aiortc.rtp import RtcpPsfbPacket, pack_remb_fci

from livetrial_plane import Codec, Plane
from media.adaptation import Adaptation
from media.layer_rates import NOMINAL_BPS, Bound
from media.policy import PolicyConfig
from media.protection import ProtectionConfig
from media.room import Publication, Receiver, Room, Slot, Source
from media.views import Publisher, SourceView
from tests.plane.peers import Peer, until

CONFIG = PolicyConfig()
SOURCE = 7


@pytest.fixture
def plane() -> Iterator[Plane]:
    plane = Plane(host="127.0.0.1")
    yield plane
    plane.close()


def member(plane: Plane, number: int) -> Peer:
    """A subscriber without transport-wide feedback, with one video sink of the same id."""
    peer = Peer(plane, number)
    peer.join(plane)
    codecs = [Codec("VP8", 96, clock_rate=90_000, rtx_payload_type=97)]
    plane.add_sink(number, peer=number, mid="0", ssrc=number, rtx_ssrc=number + 1000, cname="c", codecs=codecs)
    return peer


def tell(plane: Plane, peer: Peer, bps: int) -> None:
    """The subscriber asks for no more than this, and the plane has heard it."""
    heard = plane.stats()["rtcp_received"]
    remb = RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=pack_remb_fci(bps, [peer.id]))
    peer.socket.send(peer.outbound.protect_rtcp(bytes(remb)))
    until(plane, "rtcp_received", heard + 1)


def test_each_viewer_is_bound_by_its_own_link_and_only_when_that_changes(plane: Plane) -> None:
    adaptation = Adaptation(plane, CONFIG)
    told: list[tuple[int, Bound | None]] = []
    with member(plane, 31) as fast, member(plane, 12) as slow:
        for peer in (fast, slow):
            viewer = adaptation.add(peer.id, lambda bounds, peer=peer: told.append((peer.id, bounds["main"])))  # type: ignore[misc]
            adaptation.wish(viewer, "main", SOURCE, 2)
        adaptation.run(0.1)
        assert told == [], "nothing is known yet"
        tell(plane, fast, 5_000_000)
        tell(plane, slow, 700_000)
        adaptation.run(0.2)
        adaptation.run(0.3)
        assert told == [(12, Bound(1))]
        assert adaptation.quality() == {"full": 1, "reduced": 1, "sound": 0}
        tell(plane, slow, 90_000)
        adaptation.run(0.4)
        assert told[1:] == [(12, Bound(-1))], "sound alone"
        assert adaptation.quality() == {"full": 1, "reduced": 0, "sound": 1}
        tell(plane, slow, 5_000_000)
        for tenth in range(5, 12):
            adaptation.run(tenth / 10)
        assert told[2:] == [(12, None)]


def test_a_bound_is_carried_out_by_the_room(plane: Plane) -> None:
    room, adaptation = Room(plane, lambda people: None), Adaptation(plane, CONFIG)
    source = Source(SOURCE, "camera", "VP8", SourceView("ann", "ann", "camera", "p"), [True] * 3)
    room.publish(Publication("p", Publisher("ann", "ann"), [source]))
    with member(plane, 12) as peer:
        receiver = Receiver([Slot("main", "0", 12, frozenset({"VP8"}))], lambda views: None)
        viewer = adaptation.add(peer.id, lambda bounds: room.bound(receiver, bounds))
        receiver.wishes = lambda slot, source, encoding: adaptation.wish(viewer, slot, source, encoding)
        slot = receiver.slots[0]
        views = room.receive(receiver)
        assert slot.routed == (SOURCE, 2, (None, None))
        tell(plane, peer, 700_000)
        adaptation.run(0.1)
        assert slot.routed == (SOURCE, 1, (None, None))
        room.prefer(receiver, "main", 0)
        assert slot.routed == (SOURCE, 0, (None, None))
        room.prefer(receiver, "main", None)
        assert slot.routed == (SOURCE, 1, (None, None)), "a preference does not widen the link"
        tell(plane, peer, 50_000)
        adaptation.run(0.2)
        assert slot.routed is None
        assert receiver.told == views, "the picture pauses; it is not gone"
        room.leave(receiver)
        adaptation.remove(viewer)


def test_sources_are_forgotten_with_their_last_viewer(plane: Plane) -> None:
    adaptation = Adaptation(plane, CONFIG)
    viewers = [adaptation.add(peer, lambda bounds: None) for peer in (9, 3, 5)]
    for viewer in viewers:
        adaptation.wish(viewer, "main", 7, 2)
        adaptation.wish(viewer, "stage-1", 8, 0)
        adaptation.wish(viewer, "audio-1", 6, 0)
    assert adaptation.sources == {7, 8}
    adaptation.wish(viewers[0], "main", 4, 1)
    adaptation.run(1.0)
    for viewer in viewers[1:]:
        adaptation.remove(viewer)
    assert adaptation.sources == {4, 8}
    adaptation.remove(viewers[0])
    assert adaptation.sources == set()
    adaptation.run(2.0)


class Losing:
    """A plane that tells of the link of a viewer who wishes 500 kbit/s, and what it is asked to do: copies and repairs alone must decide
    whether a picture fits."""

    def __init__(self, plane: Plane) -> None:
        with member(plane, 12):
            self.row = np.zeros(1, plane.snapshot().dtype)
        self.row["peer"], self.row["estimate_bps"], self.row["link_rtt_ms"] = 5, 700_000, 100
        self.protected: list[dict[str, int]] = []
        self.wanted = 0
        self.bounds: list[Bound | None] = []
        self.now = 0.0
        self.adaptation = Adaptation(self, CONFIG)  # type: ignore[arg-type]
        viewer = self.adaptation.add(5, lambda told: self.bounds.append(told["main"]))
        self.adaptation.wish(viewer, "main", SOURCE, 1)

    def copying(self, bps: int, passes: int) -> None:
        """Passes in which so much goes into copies and repair packets."""
        for _ in range(passes):
            self.now += CONFIG.interval_s
            self.row["copied_bytes"] += bps // 80
            self.adaptation.run(self.now)

    def snapshot(self) -> npt.NDArray[np.void]:
        return self.row

    def source_stats(self, source: int) -> list[dict[str, int]]:
        return []

    def want_bitrate(self, peer: int, bitrate: int) -> None:
        self.wanted = bitrate

    def protect(self, peer: int, **protection: int) -> None:
        self.protected.append({"peer": peer} | protection)


def test_repairs_of_a_picture_never_take_the_least_one_away(plane: Plane) -> None:
    losing = Losing(plane)
    bounds = losing.bounds
    losing.copying(0, 20)
    losing.row["link_loss"] = 0.4
    # More than the link carries, as where all that is large is lost and repaired again and again.
    losing.copying(2_000_000, 50)
    assert bounds[-1] is not None
    assert bounds[-1].encoding == 0
    # However much it is held for: a policer's losses grow with what is sent, and end with sending less.
    losing.row["estimate_bps"] = 6_000_000
    losing.copying(0, 600)
    assert bounds[-1] is None
    losing.copying(6_000_000, 50)
    assert bounds[-1] is not None
    assert bounds[-1].encoding == 0
    losing.row["estimate_bps"] = 700_000
    losing.copying(200_000, 50)
    # Here those of sound take what the picture needs.
    losing.row["estimate_bps"] = 200_000
    losing.copying(200_000, 1)
    assert bounds[-1] == Bound(-1)


def test_a_picture_that_does_not_fit_with_its_repairs_is_not_tried_over_and_over(plane: Plane) -> None:
    losing = Losing(plane)
    losing.row["estimate_bps"], losing.row["link_loss"] = 1_400_000, 0.4
    for _ in range(600):
        bound = losing.bounds[-1] if losing.bounds else None
        losing.copying(240_000 + NOMINAL_BPS[bound.encoding if bound else 1] * 3 // 2, 1)
    assert losing.bounds == [Bound(0)]
    # What would bring it is looked for, with repairs as they were known when it was given up: without any it takes 670 kbit/s.
    assert losing.wanted > 1_300_000


def test_who_is_pushed_aside_goes_up_after_a_whole_tooth_and_has_pictures_protected(plane: Plane) -> None:
    losing = Losing(plane)
    losing.row["contended"] = losing.row["pushed_aside"] = 1
    losing.row["estimate_bps"], losing.row["queue_ms"], losing.row["link_missed"] = 300_000, 200, 0.06
    losing.copying(0, 40)
    assert losing.bounds == [Bound(0)]
    assert losing.protected[-1]["fec_percent"] == ProtectionConfig().queued_fec_percent
    losing.row["estimate_bps"] = 5_000_000
    losing.copying(0, round(CONFIG.tooth_s / CONFIG.interval_s) - 5)
    assert losing.bounds == [Bound(0)]
    losing.copying(0, 10)
    assert losing.bounds == [Bound(0), None]


def test_what_copies_take_is_taken_off_the_room_for_pictures(plane: Plane) -> None:
    losing = Losing(plane)
    bounds = losing.bounds
    losing.copying(0, 20)
    assert (bounds, losing.protected) == ([], [])
    losing.row["link_loss"] = 0.4
    losing.copying(200_000, 20)
    told = {
        "copies": 5,
        "redundant_copies": 3,
        "picture_copies": 0,
        "spacing_ms": 32,
        "retransmissions": 1,
        "retransmission_spacing_ms": 0,
        "fec_percent": ProtectionConfig().opening_fec_percent,
        "playout_ms": ProtectionConfig().playout.hard_ms,
        "plain_audio": False,
    }
    assert losing.protected == [{"peer": 5, **told}]
    assert bounds == [Bound(0)], "500 kbit/s fit the link, but not beside 200 kbit/s of copies"
