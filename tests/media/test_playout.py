"""How long pictures are kept before they are shown: by what losses and queues ask for, and no longer than sound may wait."""

import numpy as np

from media.links import Links
from media.playout import Playout, PlayoutConfig

CONFIG = PlayoutConfig()


class Viewer:
    """One viewer, seen ten times a second."""

    def __init__(self) -> None:
        self.playout = Playout(CONFIG)
        self.playout.grow(1)
        self.changes = 0

    def see(
        self,
        loss: float,
        seconds: float = 0.1,
        *,
        rtt: float = 100,
        run: float = 0,
        queue: float = 0,
        missed: float = 0,
        aside: bool = False,
    ) -> int:
        """What it is told then. Protected is what loses 3 % and more."""
        links = Links.unknown(1)
        links.queue_ms[:], links.missed[:], links.run_ms[:] = queue, missed, run
        links.pushed_aside[:] = aside
        for _ in range(round(seconds * 10)):
            changed = self.playout.decide(links, np.full(1, loss), np.full(1, rtt), np.full(1, loss >= 0.03), 1.0)
            self.changes += int(changed[0])
        return int(self.playout.ms[0])


def test_where_most_is_lost_sound_counts_and_a_loss_that_wavers_does_not_move_it() -> None:
    viewer = Viewer()
    assert viewer.see(0.3) == 400
    assert viewer.see(0.4) == CONFIG.hard_ms
    before = viewer.changes
    for _ in range(20):
        viewer.see(0.34)
        viewer.see(0.42)
    assert viewer.changes == before
    assert viewer.see(0.4, run=300) == CONFIG.hard_ms, "nor does a burst"
    assert viewer.see(0.3) == 400
    for _ in range(20):
        assert viewer.see(0.35) == 400


def test_behind_a_queue_that_others_keep_full_a_repair_takes_its_time_too() -> None:
    viewer = Viewer()
    assert viewer.see(0.0, 10, rtt=400, queue=280, missed=0.08) == 600
    before = viewer.changes
    assert viewer.see(0.0, 10, rtt=370, queue=220, missed=0.05) == 600
    assert viewer.changes == before
    assert viewer.see(0.0, 30, rtt=110, queue=5) == 0


def test_a_queue_known_for_others_counts_at_once_and_for_as_long_as_any() -> None:
    viewer = Viewer()
    assert viewer.see(0.0, 0.1, rtt=400, queue=280, missed=0.05, aside=True) == 600
    assert viewer.playout.queued[0]
    viewer.see(0.0, 2, rtt=110, queue=5, missed=0.05)
    assert viewer.playout.queued[0], "they come again"
    assert viewer.see(0.0, 30, rtt=110, queue=5) == 0
    assert not viewer.playout.queued[0]
    for queue, missed in ((60, 0.05), (280, 0.01)):
        assert viewer.see(0.0, 1, rtt=400, queue=queue, missed=missed, aside=True) == 0, "short, or nothing is dropped"


def test_a_link_that_narrows_is_no_such_queue_and_neither_is_one_that_drops_nothing() -> None:
    viewer = Viewer()
    for _ in range(3):
        assert viewer.see(0.0, 0.6, rtt=300, queue=280, missed=0.4) == 0
        assert viewer.see(0.0, 6, rtt=110, queue=5) == 0
    assert viewer.see(0.0, 20, rtt=400, queue=280, missed=0.005) == 0


def test_a_row_begins_with_nothing() -> None:
    viewer = Viewer()
    viewer.see(0.4, 10, rtt=400, queue=280, missed=0.4)
    viewer.playout.reset(0)
    assert viewer.see(0.0) == 0
    assert viewer.see(0.34) == 400, "it has never lost most"
