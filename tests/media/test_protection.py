"""How losses of a link become copies: enough of them, none on a clean link, within bounds, without wavering."""

import numpy as np
import pytest

from media.links import Links
from media.protection import Protection, ProtectionConfig

CONFIG = ProtectionConfig()
SETTLED_S = CONFIG.hold_s + 5


class Viewers:
    """So many viewers, seen ten times a second."""

    def __init__(self, count: int = 1) -> None:
        self.protection = Protection(CONFIG)
        self.count, self.now = count, 0.0
        self.copied = np.zeros(count)
        self.changes = 0

    def see(
        self,
        loss: float | list[float],
        seconds: float = 0.1,
        estimate: float = 5e6,
        copied_bps: float = 0,
        queue: float = 0.0,
        rtt: float = np.nan,
        run: float = np.nan,
        missed: float | None = None,
        pictures_bps: float = 0.0,
        aside: bool = False,
    ) -> None:
        for _ in range(max(1, round(seconds * 10))):
            self.now += 0.1
            self.copied = self.copied + copied_bps / 80
            links = Links.unknown(self.count)
            links.loss[:], links.estimate[:], links.copied[:] = loss, estimate, self.copied
            links.missed[:] = loss if missed is None else missed
            links.queue_ms[:], links.rtt_ms[:], links.run_ms[:] = queue, rtt, run
            links.pushed_aside[:] = aside
            self.changes += len(self.protection.decide(self.now, links, pictures_bps))

    @property
    def row(self) -> tuple[int, int, int]:
        protection = self.protection
        return int(protection.copies[0]), int(protection.spacing_ms[0]), int(protection.retransmissions[0])


def test_a_clean_link_is_sent_nothing_more_and_told_nothing() -> None:
    viewers = Viewers(4)
    for loss in (0.0, 0.005, 0.02, 0.029, float("nan")):
        viewers.see(loss, 10)
    assert viewers.changes == 0
    assert not viewers.protection.copies.any()
    assert not viewers.protection.retransmissions.any()
    assert not viewers.protection.overhead.bps.any()


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
def test_copies_leave_no_more_lost_than_what_fec_or_red_fill(loss: float) -> None:
    viewers = Viewers()
    viewers.see(loss, SETTLED_S)
    copies, spacing_ms, _ = viewers.row
    assert loss ** (copies + 1) <= CONFIG.residual
    assert copies * spacing_ms <= CONFIG.span_ms, "all of them within the jitter buffer"
    assert copies == 1 or loss**copies > CONFIG.residual, "and no more than that"


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
def test_sound_that_repeats_itself_has_fewer_copies(loss: float) -> None:
    viewers = Viewers()
    viewers.see(loss, SETTLED_S)
    copies = int(viewers.protection.redundant_copies[0])
    lost = loss ** (copies + 1)
    assert lost <= CONFIG.redundant_residual
    assert lost**2 <= 0.001, "a frame comes in two packets"
    assert 1 <= copies <= viewers.row[0]


def test_copies_that_a_narrowed_link_does_not_carry_are_not_held() -> None:
    viewers = Viewers()
    viewers.see(0.6, SETTLED_S)
    assert viewers.row[0] == 9
    viewers.see(0.6, 0.1, estimate=200_000)
    assert viewers.row[0] == viewers.protection.redundant_copies[0] == 2


def test_pictures_have_copies_where_most_is_lost_and_only_there() -> None:
    viewers = Viewers()
    viewers.see(0.4, SETTLED_S)
    assert viewers.protection.of(0)["picture_copies"] == 0
    viewers.see(0.6, SETTLED_S)
    assert viewers.protection.of(0)["picture_copies"] == CONFIG.picture_copies
    rates = np.array([[[100e3, 300e3]]])
    assert viewers.protection.costs(rates)[0, 0].tolist() == [200e3, 3900e3], "copies have a quarter of the link"
    viewers.see(0.5, 2 * CONFIG.hold_s)
    assert viewers.protection.of(0)["picture_copies"] == CONFIG.picture_copies, "a loss that wavers changes nothing"
    viewers.see(0.3, SETTLED_S)
    assert viewers.protection.of(0)["picture_copies"] == 0


def test_a_burst_takes_what_repeats_itself_too() -> None:
    viewers = Viewers()
    viewers.see(0.3, SETTLED_S, run=120)
    assert viewers.protection.redundant_copies[0] == viewers.row[0]


def test_where_bursts_are_long_copies_are_spread_over_more_time_than_one_takes() -> None:
    short, long = Viewers(), Viewers()
    short.see(0.2, SETTLED_S, run=60)
    long.see(0.2, SETTLED_S, run=120)
    assert short.row == (2, 80, 1)
    assert long.row == (3, 80, 1)
    assert (
        short.protection.of(0)["retransmission_spacing_ms"],
        long.protection.of(0)["retransmission_spacing_ms"],
    ) == (0, CONFIG.run_spacing_ms)
    before = long.changes
    long.see(0.2, 2, run=60)
    assert long.protection.of(0)["retransmission_spacing_ms"] == 0
    assert long.changes > before, "told at once"
    long.see(0.0, CONFIG.hold_s + 20)
    assert long.protection.of(0)["retransmission_spacing_ms"] == 0


def test_at_the_worst_there_are_as_many_as_are_allowed() -> None:
    viewers = Viewers()
    viewers.see(0.8)
    assert viewers.row == (9, 17, 2)


def test_retransmissions_at_thirty_percent_cost_no_more_than_the_picture() -> None:
    viewers = Viewers()
    viewers.see(0.3)
    assert viewers.row[2] == 1
    # Each loss is answered twice, and again while both are lost. Of the pictures that others need (two fifths) repair packets go along.
    answers = sum(2 * 0.3 * 0.09**again for again in range(10))
    assert answers + 0.4 * viewers.protection.fec_percent[0] / 100 <= 0.8


def test_copies_come_at_once_and_go_when_they_were_not_needed_for_a_while() -> None:
    viewers = Viewers()
    viewers.see(0.4)
    assert viewers.row[0] == 5
    viewers.see(0.0, CONFIG.hold_s - 0.2)
    assert viewers.row[0] == 5
    viewers.see(0.0, 0.4)
    assert viewers.row == (0, 0, 0)


def test_a_loss_that_wavers_changes_nothing() -> None:
    viewers = Viewers()
    viewers.see(0.22)
    before = viewers.row
    for _ in range(60):
        viewers.see(0.17)
        viewers.see(0.22)
    assert viewers.row == before
    assert viewers.changes == 2, "it began, and browsers keep pictures back by now"


def test_a_picture_is_repaired_by_as_much_as_the_link_loses_and_the_round_trip_takes() -> None:
    for loss, rtt, fec, playout in (
        (0.05, 120, 10, 300),
        (0.12, 120, 10, 450),
        (0.3, 120, 20, 450),
        (0.3, 60, 10, 350),
        (0.3, 400, 60, 450),
    ):
        viewers = Viewers()
        viewers.see(loss, SETTLED_S, rtt=rtt)
        protection = viewers.protection
        assert (protection.fec_percent[0], protection.playout_ms[0]) == (fec, playout)


def test_until_pictures_are_kept_back_they_are_repaired_without_a_round_trip() -> None:
    for estimate, percent in ((1e6, CONFIG.opening_fec_percent), (5e6, CONFIG.ample_fec_percent)):
        viewers = Viewers()
        viewers.see(0.2, rtt=100, estimate=estimate)
        assert viewers.protection.of(0)["fec_percent"] == percent
        viewers.see(0.2, CONFIG.opening_s - 0.3, rtt=100, estimate=3e6)
        assert viewers.protection.of(0)["fec_percent"] == percent, "what it began with"
        before = viewers.changes
        viewers.see(0.2, 0.4, rtt=100)
        assert (viewers.protection.of(0)["fec_percent"], viewers.changes - before) == (10, 1)


def test_pictures_are_kept_no_longer_when_a_link_is_clean_again() -> None:
    viewers = Viewers()
    viewers.see(0.2, rtt=100)
    viewers.see(0.0, CONFIG.hold_s - 0.2, rtt=100)
    assert viewers.protection.playout_ms[0] == 250
    viewers.see(0.0, 0.4, rtt=100)
    assert viewers.protection.of(0) == dict.fromkeys(viewers.protection.of(0), 0)


def test_pictures_of_a_link_that_loses_most_are_not_kept_because_sound_would_be_too() -> None:
    viewers = Viewers()
    viewers.see(0.45, SETTLED_S, rtt=100)
    assert viewers.protection.playout_ms[0] == CONFIG.playout.hard_ms
    viewers.see(0.7, SETTLED_S, rtt=100)
    assert viewers.protection.playout_ms[0] == 0


def test_pictures_are_kept_as_long_as_repairs_wait_for_a_burst_to_end() -> None:
    for loss, run, playout in ((0.2, 60, 400), (0.2, 120, 400), (0.2, 240, 500), (0.05, 240, 500), (0.2, 400, 700)):
        viewers = Viewers()
        viewers.see(loss, SETTLED_S, rtt=100, run=run)
        assert viewers.protection.playout_ms[0] == playout, (loss, run)


def test_the_longest_burst_of_late_wavers_and_the_picture_does_not_move() -> None:
    viewers = Viewers()
    viewers.see(0.2, CONFIG.opening_s + 0.1, rtt=100, run=260)
    before = viewers.changes
    for _ in range(20):
        viewers.see(0.2, rtt=100, run=350)
        viewers.see(0.2, rtt=100, run=240)
    assert viewers.protection.playout_ms[0] == 600
    assert viewers.changes == before


def test_bursts_with_clean_spells_between_leave_nobody_bare() -> None:
    viewers = Viewers()
    viewers.see(0.2, rtt=100, run=200)
    for _ in range(10):
        # At the moment at which the hold would be over the link has lost nothing for two seconds.
        viewers.see(0.3, 0.3, rtt=100, run=200)
        viewers.see(0.0, 2.3, rtt=100, run=200)
        assert viewers.protection.copies[0] > 0
        assert viewers.protection.playout_ms[0] == 500


def test_a_clean_link_is_told_nothing_of_a_burst_long_ago() -> None:
    viewers = Viewers()
    viewers.see(0.01, 10, rtt=100, run=300)
    assert viewers.changes == 0


def test_a_round_trip_that_wavers_does_not_move_the_picture() -> None:
    viewers = Viewers()
    viewers.see(0.2, CONFIG.opening_s + 0.1, rtt=80)
    before = viewers.changes
    for _ in range(20):
        viewers.see(0.2, rtt=70)
        viewers.see(0.2, rtt=79)
    assert viewers.changes == before


def test_what_a_long_queue_loses_begins_nothing_and_neither_does_what_is_left_of_it() -> None:
    viewers = Viewers()
    viewers.see(0.2, 1.5, queue=250)
    viewers.see(0.05, CONFIG.drained_s - 0.2, queue=5)
    assert viewers.changes == 0
    viewers.see(0.05, 0.4, queue=5)
    assert viewers.row[0] == 2, "without a queue it is the link itself that loses"
    viewers.see(0.5, 3, queue=250)
    assert viewers.row[0] == 2, "nor is there more of what there is"


def test_where_others_keep_the_queue_full_pictures_are_repaired_and_sound_is_not_sent_again() -> None:
    viewers = Viewers()
    viewers.see(0.0, queue=280, rtt=400, missed=0.06, aside=True)
    told = viewers.protection.of(0)
    assert told["fec_percent"] == CONFIG.queued_fec_percent
    assert told["retransmissions"] == 1
    assert told["copies"] == told["redundant_copies"] == told["picture_copies"] == 0
    assert viewers.changes == 1
    viewers.see(0.0, 30, queue=5, rtt=100)
    assert viewers.protection.of(0)["fec_percent"] == viewers.protection.of(0)["retransmissions"] == 0
    viewers.see(0.0, 2, queue=280, rtt=400, missed=0.06)
    assert viewers.protection.of(0)["fec_percent"] == 0, "it may be ours, and drains when less is sent"


def test_one_moments_loss_is_not_taken_for_the_links() -> None:
    viewers = Viewers()
    viewers.see(0.2, 3)
    before = viewers.protection.of(0)
    for _ in range(50):
        viewers.see(0.26, 0.1)
        viewers.see(0.16, 0.1)
    assert viewers.protection.of(0)["fec_percent"] <= before["fec_percent"] + CONFIG.fec_step_percent
    viewers.see(0.45, 0.1)
    assert viewers.protection.copies[0] == 5, "what is far more counts at once"


def test_on_a_narrow_link_copies_leave_the_picture_half_and_there_is_always_one() -> None:
    viewers = Viewers()
    viewers.see(0.6, estimate=300_000)
    assert viewers.row[0] == 3
    narrow = Viewers()
    narrow.see(0.6, estimate=50_000)
    assert narrow.row[0] == 1


def test_where_sound_alone_fits_its_copies_do_not_crowd_it_out() -> None:
    viewers = Viewers()
    viewers.see(0.2, estimate=90_000)
    assert viewers.row[0] == 0
    viewers.see(0.2, estimate=160_000)
    assert viewers.row[0] == 1


def test_a_narrow_link_is_sent_sound_without_repetitions_until_there_is_room_again() -> None:
    viewers = Viewers()
    plain = []
    for estimate in (5e6, 250_000, 100_000, 250_000, 310_000, 330_000, 250_000, float("nan"), 90_000, float("nan")):
        viewers.see(0.0, estimate=estimate)
        plain.append(bool(viewers.protection.plain_audio[0]))
    assert plain == [False, False, True, True, True, False, False, False, True, False]
    assert viewers.changes == 4
    viewers.see(0.0, estimate=90_000)
    viewers.protection.reset(0)
    assert not viewers.protection.plain_audio[0]


def test_what_is_spent_is_told() -> None:
    viewers = Viewers()
    viewers.see(0.4, 8, copied_bps=200_000)
    assert viewers.protection.overhead.bps[0] == pytest.approx(200_000, rel=0.02)
    viewers.see(0.4, 8)
    assert viewers.protection.overhead.bps[0] < 1000


def test_a_larger_picture_costs_as_many_more_repairs_as_it_is_larger_and_copies_of_sound_none() -> None:
    viewers = Viewers()
    protection = viewers.protection
    rates = np.array([[[100e3, 400e3, 1000e3]]])
    # Five copies of sound, 48 kbit/s each, and 400 kbit/s for a picture of 400.
    viewers.see(0.4, 10, copied_bps=640_000, pictures_bps=400_000)
    assert protection.overhead.bps[0] == pytest.approx(640_000, rel=0.02)
    assert protection.overhead.audio_bps[0] == pytest.approx(240_000)
    assert protection.overhead.repaired[0] == pytest.approx(1.0, rel=0.02)
    # What is spent now is taken off elsewhere.
    assert protection.costs(rates)[0, 0] == pytest.approx([100e3, 400e3, 1600e3], rel=0.02)
    # With a smaller one there is less of that, and larger ones are as dear as before.
    viewers.see(0.4, 2, copied_bps=340_000, pictures_bps=100_000)
    assert protection.costs(rates)[0, 0] == pytest.approx([100e3, 700e3, 1900e3], rel=0.1)
    # Nothing is shown, because repairs cost much more than the picture: the least one is tried nevertheless.
    viewers.see(0.4, 8, copied_bps=9e6, pictures_bps=100_000)
    viewers.see(0.4, 8, copied_bps=240_000)
    assert protection.costs(rates)[0, 0] == pytest.approx([200e3, 2000e3, 5000e3], rel=0.02)


def test_what_repairs_take_is_known_within_seconds_and_forgotten_slowly_but_not_without_a_picture() -> None:
    viewers = Viewers()
    viewers.see(0.2, 3, copied_bps=400_000, pictures_bps=300_000)
    known = viewers.protection.overhead.repaired[0]
    assert known > 0.8
    viewers.see(0.2, 30)
    assert viewers.protection.overhead.repaired[0] == known, "nothing was shown that could tell"
    viewers.see(0.0, 3, pictures_bps=300_000)
    assert 0.3 * known < viewers.protection.overhead.repaired[0] < 0.9 * known
    viewers.see(0.0, 30, pictures_bps=300_000)
    assert viewers.protection.overhead.repaired[0] < 0.01
    viewers.protection.reset(0)
    assert viewers.protection.overhead.repaired[0] == 0


def test_each_viewer_has_its_own_and_a_row_begins_bare() -> None:
    viewers = Viewers(3)
    viewers.see([0.0, 0.4, 0.05])
    assert viewers.protection.copies.tolist() == [0, 5, 2], "what has begun is taken for more than it is read as"
    viewers.see([0.0, 0.4, 0.05], SETTLED_S)
    assert viewers.protection.copies.tolist() == [0, 5, 1]
    viewers.protection.reset(1)
    assert viewers.protection.copies.tolist() == [0, 0, 1]


def test_passes_that_come_sooner_smooth_no_less() -> None:
    usual, hurried = Protection(CONFIG), Protection(CONFIG)
    for protection, tenths in ((usual, 10), (hurried, 40)):
        copied = 0.0
        for tick in range(tenths):
            now = (tick + 1) / tenths
            copied += 40_000 / 8 / tenths
            links = Links.unknown(1)
            links.loss[:], links.estimate[:], links.copied[:], links.rtt_ms[:] = 0.2, 5e6, copied, 100.0
            protection.decide(now, links)
    assert usual.overhead.bps[0] == pytest.approx(hurried.overhead.bps[0], rel=0.05)
