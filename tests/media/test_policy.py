"""What viewers are shown by what their links carry: decisions, in time that the tests make."""

import numpy as np
import numpy.typing as npt
import pytest

import media.links
from media.policy import LEVELS, NOTHING, SLOTS, UNBOUND, Policy, PolicyConfig, level_of

CONFIG = PolicyConfig()
RATES = (150_000.0,) * 3 + (500_000.0,) * 2 + (1_700_000.0,) * 2 + (np.inf,) * 2
"""Three encodings without layers."""

LAYERED = (60_000.0, 90_000.0, 150_000.0, 300_000.0, 500_000.0, 1_020_000.0, 1_700_000.0, np.inf, np.inf)
"""Three encodings in three temporal layers each, as libwebrtc divides VP8's bitrate: 40, 20 and 40 %."""

LEAST, MIDDLE, BEST = level_of(0), level_of(1), level_of(2)


class Links:
    """Viewers of a host in `main` and one guest on the stage, with links that the test sets."""

    def __init__(self, viewers: int = 1, *, guest: bool = False, rates: tuple[float, ...] = RATES) -> None:
        self.policy = Policy(CONFIG)
        self.rows = [self.policy.add() for _ in range(viewers)]
        self.now = 0.0
        self.estimates = np.full(self.policy.rows, np.nan)
        self.links = media.links.Links.unknown(self.policy.rows)
        self.loss = np.zeros(self.policy.rows)
        self.rates = np.full((self.policy.rows, SLOTS, LEVELS), np.inf)
        self.wishes = np.full((self.policy.rows, SLOTS), NOTHING, np.int8)
        self.rates[self.rows, :2] = rates
        self.wishes[self.rows, 0] = BEST
        if guest:
            self.wishes[self.rows, 1] = LEAST

    def run(
        self, seconds: float, bps: float, *, contended: bool = False, pushed_aside: bool = False
    ) -> list[tuple[float, list[int]]]:
        """The bounds of the first viewer whenever they change, with the time since the call."""
        began, changes = self.now, []
        self.estimates[self.rows] = bps
        self.links.contended[:], self.links.pushed_aside[:] = contended or pushed_aside, pushed_aside
        for _ in range(round(seconds / CONFIG.interval_s)):
            self.now += CONFIG.interval_s
            if self.rows[0] in self.decide():
                changes.append((round(self.now - began, 2), self.policy.bounds[self.rows[0]].tolist()[:2]))
        return changes

    def decide(self) -> npt.NDArray[np.intp]:
        return self.policy.decide(self.now, self.estimates, self.links, self.loss, self.rates, self.wishes)


def test_who_tells_nothing_or_has_room_is_bound_by_nothing() -> None:
    links = Links()
    assert links.run(10, np.nan) == []
    assert links.run(10, 5e6) == []


def test_down_within_one_pass_and_up_once_better_has_fitted_for_a_while() -> None:
    links = Links()
    links.run(5, 3e6)
    assert links.run(5, 700_000) == [(0.1, [MIDDLE, UNBOUND])]
    assert links.run(5, 250_000) == [(0.1, [LEAST, UNBOUND])]
    assert links.run(5, 3e6) == [(pytest.approx(0.65, abs=0.1), [UNBOUND, UNBOUND])]


def test_below_what_video_needs_there_is_sound_alone_and_the_picture_comes_back() -> None:
    links = Links()
    assert links.run(5, 100_000) == [(0.1, [NOTHING, UNBOUND])]
    assert links.run(5, 300_000) == [(pytest.approx(0.65, abs=0.1), [LEAST, UNBOUND])]


def test_beside_others_a_picture_comes_back_within_seconds_however_often_it_went() -> None:
    links = Links()
    for _ in range(6):
        links.run(3, 100_000, contended=True)
        while not links.run(0.1, 300_000, contended=True):
            pass
    links.run(0.1, 100_000, contended=True)
    assert links.policy.bounds[links.rows[0], 0] == NOTHING
    assert links.run(8, 300_000, contended=True) == [(pytest.approx(CONFIG.bare_s, abs=0.2), [LEAST, UNBOUND])]
    links.run(0.1, 230_000, contended=True)
    assert links.run(CONFIG.bare_s, 800_000, contended=True) == [], "a better one waits as long as it has failed"


def test_a_picture_that_fits_amply_comes_back_soon_and_one_that_hardly_does_waits() -> None:
    for estimate, waited in ((200_000, CONFIG.bare_s), (170_000, CONFIG.doubt_settle_s)):
        links = Links(rates=LAYERED)
        assert links.run(5, 200_000) == [(0.1, [LEAST - 1, UNBOUND])]
        # What failed was but a little more than there is then.
        assert links.run(0.2, 120_000) == [(0.1, [NOTHING, UNBOUND])]
        assert links.run(waited + 1, estimate) == [(pytest.approx(waited + 0.1, abs=0.15), [0, UNBOUND])]


def test_the_least_of_the_stage_goes_before_the_best_of_main_but_main_before_the_stage() -> None:
    links = Links(guest=True)
    assert links.run(5, 1_900_000) == [(0.1, [MIDDLE, UNBOUND])]
    assert links.run(5, 300_000) == [(0.1, [LEAST, NOTHING])]


def test_a_larger_size_at_half_the_frame_rate_goes_before_a_smaller_one_at_the_full_rate() -> None:
    links = Links(rates=LAYERED)
    assert links.run(5, 1_500_000) == [(0.1, [BEST - 1, UNBOUND])], "not the middle size at 30 pictures a second"
    assert links.run(5, 700_000) == [(0.1, [MIDDLE, UNBOUND])], "the best size would be jerky at a quarter of the rate"
    assert links.run(5, 450_000) == [(0.1, [MIDDLE - 1, UNBOUND])]
    assert links.run(5, 170_000) == [(0.1, [LEAST - 1, UNBOUND])]
    assert links.run(5, 135_000) == [(0.1, [0, UNBOUND])], "a quarter of the rate where the alternative is no picture"
    assert links.run(5, 100_000) == [(0.1, [NOTHING, UNBOUND])]


def test_what_wavered_about_what_was_shown_must_fit_better_and_longer_for_a_while() -> None:
    links = Links()
    links.run(5, 2_000_000)
    assert links.run(0.2, 1_800_000) == [(0.1, [MIDDLE, UNBOUND])]
    assert links.run(10, 2_100_000) == [], "it fits, but so it did before"
    assert links.run(10, 2_400_000) == [(pytest.approx(5.1, abs=0.2), [UNBOUND, UNBOUND])]
    assert links.run(0.2, 1_800_000) == [(0.1, [MIDDLE, UNBOUND])]
    assert links.run(5, 3_000_000) == [(pytest.approx(0.65, abs=0.1), [UNBOUND, UNBOUND])], "another link than before"
    assert links.run(0.2, 1_800_000) == [(0.1, [MIDDLE, UNBOUND])]
    assert links.run(210, 2_100_000) == [(pytest.approx(200.5, abs=0.5), [UNBOUND, UNBOUND])], "doubt ends"


def test_an_estimate_that_falls_on_behind_the_step_down_leaves_no_doubt() -> None:
    links = Links()
    links.run(5, 2_000_000)
    # The first report still tells of the time before, and the last step alone would be one of an estimate that wavers.
    assert links.run(0.1, 1_400_000) == [(0.1, [MIDDLE, UNBOUND])]
    links.run(0.1, 450_000)
    assert links.run(10, 450_000) == []
    assert links.run(5, 700_000) == [(pytest.approx(0.65, abs=0.1), [MIDDLE, UNBOUND])]
    assert links.run(5, 2_100_000) == [(pytest.approx(0.65, abs=0.1), [UNBOUND, UNBOUND])]


def test_a_link_that_loses_much_keeps_what_it_bears_at_its_worst() -> None:
    """As measured at a loss of 60 %: what repairs leave of the estimate goes up and down by ten times, again and again."""
    links = Links()
    links.loss[:] = 0.6
    links.run(5, 3_600_000)
    changes = []
    for _ in range(30):
        changes += links.run(2, 900_000) + links.run(2, 3_600_000)
    assert changes == [(0.1, [MIDDLE, UNBOUND])]
    links.loss[:] = 0.0
    assert links.run(5, 3_600_000) == [(0.1, [UNBOUND, UNBOUND])], "it loses no more"


def test_the_least_picture_comes_back_soon_where_much_is_lost() -> None:
    links = Links()
    links.loss[:] = 0.3
    links.run(5, 2_000_000)
    assert links.run(2, 300_000)[-1][1] == [LEAST, UNBOUND]
    waits = []
    for _ in range(4):
        assert links.run(0.1, 150_000) == [(0.1, [NOTHING, UNBOUND])]
        began = links.now
        while not links.run(0.1, 300_000):
            pass
        waits.append(links.now - began)
    assert waits == [pytest.approx(seconds, abs=0.15) for seconds in (1.1, 4.1, 16.1, 60.1)]


def test_a_link_that_loses_much_and_widens_is_tried_again() -> None:
    links = Links()
    links.loss[:] = 0.3
    links.run(5, 2_000_000)
    assert links.run(5, 800_000) == [(0.1, [MIDDLE, UNBOUND])]
    assert links.run(5, 300_000) == [(0.1, [LEAST, UNBOUND])]
    assert links.run(20, 2_400_000) == [(pytest.approx(15.1, abs=0.2), [UNBOUND, UNBOUND])]


def test_doubt_ends_where_the_link_is_another_one() -> None:
    links = Links()
    links.run(5, 2_000_000)
    assert links.run(10, 1_800_000) == [(0.1, [MIDDLE, UNBOUND])]
    assert links.run(10, 2_100_000) == []
    assert links.run(10, 300_000) == [(0.1, [LEAST, UNBOUND])]
    assert links.run(5, 2_100_000) == [(pytest.approx(0.65, abs=0.1), [UNBOUND, UNBOUND])]


def test_a_constant_link_near_the_edge_sees_no_more_than_one_change() -> None:
    links = Links()
    random = np.random.default_rng(7)
    changes = [change for _ in range(600) for change in links.run(0.1, 1_880_000 * random.uniform(0.94, 1.06))]
    assert len(changes) == 1


def test_patience_doubles_where_others_take_the_room_again() -> None:
    links = Links()
    links.run(5, 700_000, contended=True)
    waits = []
    for _ in range(6):
        began = links.now
        while not links.run(0.1, 3e6, contended=True):
            pass
        waits.append(links.now - began)
        # At once after the rise others push in.
        links.run(0.1, 700_000, contended=True)
    assert waits == [pytest.approx(seconds, abs=0.3) for seconds in (0.6, 1, 2, 4, 8, 16)]
    links.run(25, 700_000)
    assert links.run(5, 3e6)[0][0] < 1, "who has been left alone for long is patient no more"


def test_where_others_push_aside_better_must_fit_all_of_a_tooth_of_the_saw() -> None:
    links = Links()
    links.run(5, 300_000, pushed_aside=True)
    saw = np.linspace(300_000, 900_000, 60)
    assert [change for _ in range(20) for bps in saw for change in links.run(0.1, bps, pushed_aside=True)] == []
    # Others leave some of it, and the peak does not count.
    links.run(0.1, 300_000, pushed_aside=True)
    links.run(4, 3e6, pushed_aside=True)
    assert links.run(12, 700_000, pushed_aside=True) == [
        (pytest.approx(CONFIG.tooth_s - 4, abs=0.3), [MIDDLE, UNBOUND])
    ]
    links.run(0.1, 150_000, pushed_aside=True)
    assert links.policy.bounds[links.rows[0], 0] == NOTHING
    # Twice as long as at first, because it went up in vain; but for no tooth.
    assert links.run(4, 300_000, pushed_aside=True) == [(pytest.approx(1.1, abs=0.1), [LEAST, UNBOUND])]
    assert links.run(2, 3e6) == [(pytest.approx(0.65, abs=0.1), [UNBOUND, UNBOUND])], "they are gone"


def test_a_row_that_is_used_again_begins_anew() -> None:
    links = Links(3)
    links.run(1, 100_000)
    links.policy.remove(links.rows[1])
    assert links.policy.add() == links.rows[1]
    assert links.policy.bounds[links.rows[1]].tolist() == [UNBOUND] * SLOTS
    assert links.policy.bounds[links.rows[0]][0] == NOTHING


@pytest.mark.parametrize("seed", range(20))
def test_whatever_links_do_what_is_allowed_fits_and_sound_has_its_room(seed: int) -> None:
    links = Links(50, guest=True)
    random = np.random.default_rng(seed)
    for _ in range(100):
        links.estimates[links.rows] = np.exp(random.uniform(np.log(4e4), np.log(5e6), len(links.rows)))
        links.now += CONFIG.interval_s
        links.decide()
        shown = np.minimum(links.policy.bounds, links.wishes)[links.rows]
        cost = sum(np.where(shown[:, slot] >= 0, np.take(np.array(RATES), shown[:, slot]), 0.0) for slot in range(2))
        assert (cost + CONFIG.audio_bps <= np.maximum(links.estimates[links.rows], CONFIG.audio_bps)).all()
