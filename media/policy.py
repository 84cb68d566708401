"""What each viewer is shown at most, by what its link carries: one pass over all viewers at once.

A viewer's room is its estimate less what sound takes. It is given out in the order of `_ladder`: first the least of each picture,
`main` first, then better of `main`, then of the stage. Down at once; up when better has fitted for a while. Going down because the
estimate wavered about what is shown, or because others took the room again, makes a viewer wait before it goes up again.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media.links import Links

SLOTS = 4
"""Pictures of a viewer: `main` and three of the stage."""

STEPS = 4
"""Sizes of a source at most: the encodings of a simulcast, or the spatial layers of one encoding."""

LEVELS = 2 * STEPS + 1
"""Levels of a source: the least size at a quarter, at half and at the full frame rate, then each larger size at half and at the
full one. So spatial goes before temporal: where a larger size fits at half the frame rate (15 of 30 pictures a second), it is
shown instead of the smaller one at the full rate, because what is shown here are products, faces and slides, that a stretched
picture makes unreadable while 15 pictures a second still move. Less than half the rate is jerky whatever its size, so a quarter
is for the least size alone, where the alternative is no picture."""

NOTHING = -1
"""The bound of a picture that is paused."""

UNBOUND = LEVELS - 1
"""The bound that is none."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Bounds = npt.NDArray[np.int8]


def level_of(step: int) -> int:
    """The level of a size at the full frame rate."""
    return min(2 * step + 2, UNBOUND)


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """All thresholds. The order in which frame rate and size are given up is that of `LEVELS`, with its reason.

    Args:
        interval_s: between two passes. Feedback comes every 50 to 100 ms, so sooner would see nothing new.
        least_interval_s: the same where the plane tells that a link worsened at once: what is shown beyond what it carries fills its
            queue, 100 ms of it a third. Not less, so that a crowd whose links narrow together costs a sixth of the time at most.
        audio_bps: reserved for sound, bit/s: Opus at 32 kbit/s, and as much again for headers and a second voice now and then.
        overhead: of a stream over its RTP payload: header, tag and extensions of packets of about 1000 octets, and some repairs.
        keep: what a level that is shown must fit the estimate by; below that it is given up at once.
        rise: what the estimate must exceed all by where something rises, so that a rate that wavers by a twelfth changes nothing.
        settle_s: a better one must have fitted for so long: estimates overshoot for a few feedback intervals.
        patience_s: least time from a step down to the next step up, on a link that is ours alone.
        bare_s: who has no picture at all waits no longer than this, for patience or doubt, beside others for any that fits, because the
            least picture takes little of their room, and alone for one that fits even `clear` times: sound alone is what people
            leave for, and what failed may have been far more than that.
        bare_lossy_s: nor, where it is the link that loses much, than this at first; with each step up that is taken back it becomes
            four times as long.
        most_patience_s: to which it doubles while others use the link, so that a constant link sees at most a switch a minute
            or so, and a viewer is not kept low for much longer than the others stay.
        relapse_s: a step down so soon after one up says that going up was wrong.
        forgive_s: so long without a step either way the patience is as it was at first.
        marginal: a step down while the estimate is at least this share of what was shown takes says that the estimate wavers, not
            that the link has narrowed: steps of real links are larger.
        fall_s: steps down that follow one another within so long are one: an estimate that falls far does so over some reports.
        doubt_s: for so long after such a step a better level must fit by `doubt_rise`, and for `doubt_settle_s` without a break.
            With a step up and one down in that time a link on the edge sees one switch a minute. An estimate that falls below
            `marginal` meanwhile ends it: the link has changed since, or the first report of that was told from before.
        doubt_settles: or so many times as long as a level has to fit, where that is longer: a doubt that was right each time lasts.
        doubt_rise: see there: more than estimates waver by.
        doubt_settle_s: see there. It doubles with each step up that is taken back within `doubt_relapse_s`.
        doubt_relapse_s: see there.
        most_doubt_settle_s: to which it doubles, so that a link whose estimate wavers more than by `doubt_rise` sees a switch a minute.
        lossy: from this share of packets a link loses so much by itself that its estimate wavers with it, and what repairs leave of
            that wavers by far more than a level takes. A picture that comes and goes with it is worse than a smaller one: every step
            down leaves a doubt, no estimate that falls further ends it, and it is about the most that could not be kept.
        lossy_settles: there a doubted level has to fit for so many times as long, and may be taken back so many times as late.
        tooth_s: where others keep the queue full whatever is sent, as TCP does, what is left rises and falls like the teeth of a saw,
            each of about so long. What is better than a picture must fit all of one.
        clear: an estimate of so much more than what could not be kept takes is another link: there is no doubt. Of a link that loses a
            share p as much more again as getting through takes there and back, over (1 - p)^2: its estimate wavers as much.
    """

    interval_s: float = 0.1
    least_interval_s: float = 0.03
    audio_bps: float = 64_000
    overhead: float = 1.06
    keep: float = 1.0
    rise: float = 1.08
    settle_s: float = 0.5
    patience_s: float = 0.5
    bare_s: float = 2.0
    bare_lossy_s: float = 1.0
    most_patience_s: float = 30.0
    relapse_s: float = 10.0
    forgive_s: float = 20.0
    marginal: float = 0.65
    fall_s: float = 0.5
    doubt_s: float = 120.0
    doubt_settles: float = 10.0
    doubt_rise: float = 1.2
    doubt_settle_s: float = 5.0
    doubt_relapse_s: float = 40.0
    most_doubt_settle_s: float = 60.0
    lossy: float = 0.02
    lossy_settles: float = 3.0
    tooth_s: float = 10.0
    clear: float = 1.5


class Policy:
    """Bounds of all viewers, a row each. Rows are given by `add` and used again after `remove`.

    `bounds` has for each row and picture the best level that may be shown (see `LEVELS`), or `NOTHING`.
    """

    def __init__(self, config: PolicyConfig) -> None:
        self._config = config
        self._free: list[int] = []
        self.rows = 0
        self.bounds: Bounds = np.empty((0, SLOTS), np.int8)
        self._better_since: Floats = np.empty(0)
        self._least: Floats = np.empty(0)
        """The least estimate since then."""
        self._went_up: Floats = np.empty(0)
        self._went_down: Floats = np.empty(0)
        self._patience: Floats = np.empty(0)
        self._doubted_at: Floats = np.empty(0)
        self._failed: Floats = np.empty(0)
        self._fell_from: Floats = np.empty(0)
        self._settle: Floats = np.empty(0)

    def add(self) -> int:
        """A row for a viewer, unbound."""
        if not self._free:
            self._grow()
        row = self._free.pop()
        self._reset(slice(row, row + 1))
        return row

    def remove(self, row: int) -> None:
        """Give a row back."""
        self._reset(slice(row, row + 1))
        self._free.append(row)

    def decide(
        self, now: float, estimates: Floats, links: Links, loss: Floats, rates: Floats, wishes: Bounds
    ) -> npt.NDArray[np.intp]:
        """Set `bounds`; returns the rows in which they changed.

        Args:
            now: seconds of a monotonic clock.
            estimates: (rows,) bit/s; NaN where nothing is known, which bounds nothing.
            links: what is known of others who use them.
            loss: (rows,) share of packets that the link itself loses, 0 to 1; 0 where that is too little to be protected against.
            rates: (rows, SLOTS, LEVELS) bit/s of payload of each level; inf where there is none. A level that a source does
                not have by itself is as dear as the next that it has.
            wishes: (rows, SLOTS) the best level wanted; `NOTHING` where the picture shows nothing.
        """
        config = self._config
        shown = np.minimum(self.bounds, wishes)
        needed = self._needed(rates, shown)
        down: Bools = needed > estimates
        lossy = loss >= config.lossy
        narrowed = ~lossy & (estimates < self._failed * config.marginal)
        self._doubted_at[narrowed] = -np.inf
        # Where something must be given up nothing rises with the same breath: two pictures would take turns for ever.
        clear = config.clear / np.where(lossy, 1 - loss, 1.0) ** 2
        doubted = self._doubted_for(now, lossy, 1) & (estimates < self._failed * clear)
        bare: Bools = (shown == NOTHING).all(axis=1)
        # What there is at a saw's tips will do for who has no picture.
        contended, sawn = links.contended, links.pushed_aside & ~bare
        ample = bare & ~contended & ~lossy
        if ample.any():
            ample &= self._has_ample(estimates, rates, wishes)
        rise = np.where(doubted, np.where(ample, config.clear, config.doubt_rise), config.rise)
        best = self._best(estimates, rates, shown, np.where(down[:, None], shown, wishes), doubted | sawn, rise)
        better: Bools = ~down & np.any(best != shown, axis=1)
        self._least = np.where(better, np.fmin(self._least, estimates), np.nan)
        settle_s = np.where(doubted, self._doubt_settle_s(lossy), config.settle_s)
        settle_s[sawn] = np.maximum(settle_s, config.tooth_s)[sawn]
        up = better & self._may_rise(now, better, contended, lossy, settle_s, bare, ample)
        up |= better & np.isnan(estimates)
        self._note_down(now, down, contended, lossy, estimates, needed)
        self._went_up[up] = now
        self._better_since[down | up] = self._least[down | up] = np.nan
        changed = down | up
        # A picture whose wish is met is unbound: a wish that grows is then tried at once.
        self.bounds[changed] = np.where(best == wishes, UNBOUND, best)[changed]
        return np.flatnonzero(changed)

    def pictures_bps(self, rates: Floats, wishes: Bounds) -> Floats:
        """(rows,) what the pictures that are shown take; arguments as of `decide`."""
        return self._taken(rates, np.minimum(self.bounds, wishes))

    def _best(
        self, estimates: Floats, rates: Floats, shown: Bounds, wishes: Bounds, wavering: Bools, rise: Floats
    ) -> Bounds:
        """The best that fits now, `rise` times where it is better, and that is not more than `wishes`."""
        config = self._config
        unknown = np.isnan(estimates)
        best = np.full(wishes.shape, NOTHING, np.int8)
        spent = np.zeros(wishes.shape)
        left = np.where(unknown, 0.0, estimates - config.audio_bps)
        # What stays free where something rises: a share of all, because it is all that wavers. Where it does so by more what counts is
        # what there was all the time, not a peak at its end, or what was claimed meanwhile and nothing has tried.
        sure = np.where(wavering, np.fmin(self._least, estimates), estimates) / rise
        margin = np.where(unknown, 0.0, estimates - sure)
        # A whole column at a time, and none that nobody wishes.
        most = wishes.max(axis=0, initial=NOTHING)
        for slot, level in _LADDER:
            if level > most[slot]:
                continue
            cost = rates[:, slot, level] * (config.keep * config.overhead)
            # Where nothing is known of the link everything is free.
            cost[unknown] = 0.0
            more = cost - spent[:, slot]
            free = left - np.where(level > shown[:, slot], margin, 0.0)
            fits = (more <= free) & (level <= wishes[:, slot])
            best[fits, slot] = level
            left[fits] -= more[fits]
            spent[fits, slot] = cost[fits]
        return best

    def _taken(self, rates: Floats, shown: Bounds) -> Floats:
        level = shown.clip(min=0).astype(np.intp)[:, :, None]
        rate = np.take_along_axis(rates, level, axis=2)[:, :, 0]
        pictures: Floats = np.where(shown >= 0, rate, 0.0).sum(axis=1) * self._config.overhead
        return pictures

    def _needed(self, rates: Floats, shown: Bounds) -> Floats:
        """Bit/s below which what is shown is given up, sound included."""
        return self._taken(rates, shown) * self._config.keep + self._config.audio_bps

    def _has_ample(self, estimates: Floats, rates: Floats, wishes: Bounds) -> Bools:
        """Whether there was room for the least picture, and more, all the time since it fitted."""
        least = np.where(wishes >= 0, rates[:, :, 0], np.inf).min(axis=1) * self._config.overhead
        ample: Bools = np.fmin(self._least, estimates) >= self._config.clear * (least + self._config.audio_bps)
        return ample

    def _may_rise(
        self,
        now: float,
        better: Bools,
        contended: Bools,
        lossy: Bools,
        settle_s: Floats,
        bare: Bools,
        ample: Bools,
    ) -> Bools:
        config = self._config
        began = better & np.isnan(self._better_since)
        self._better_since[began] = now
        self._better_since[~better] = np.nan
        calm = (now - self._went_up > config.forgive_s) & (now - self._went_down > config.forgive_s)
        self._patience[~contended | calm] = config.patience_s
        most = np.where(bare & lossy, config.bare_lossy_s * (self._settle / config.doubt_settle_s) ** 2, np.inf)
        most = np.where(bare & contended | ample, config.bare_s, most)
        settled = now - self._better_since >= np.minimum(settle_s, most)
        return settled & (now - self._went_down >= np.minimum(self._patience, most))

    def _note_down(
        self, now: float, down: Bools, contended: Bools, lossy: Bools, estimates: Floats, needed: Floats
    ) -> None:
        config = self._config
        relapsed = down & contended & (now - self._went_up < config.relapse_s)
        self._patience[relapsed] = np.minimum(self._patience[relapsed] * 2, config.most_patience_s)
        falling = now - self._went_down < config.fall_s
        self._fell_from[down] = np.maximum(needed, np.where(falling, self._fell_from, 0.0))[down]
        wavered = down & (lossy | (estimates >= config.marginal * self._fell_from))
        doubted = self._doubted_for(now, lossy, 1)
        # Once for each step up, however many levels are given up one after the other.
        relapse_s = config.doubt_relapse_s * np.where(lossy, config.lossy_settles, 1.0)
        taken_back = (self._went_up > self._went_down) & (now - self._went_up < relapse_s)
        again = wavered & taken_back & self._doubted_for(now, lossy, 2)
        self._settle[again] = np.minimum(self._settle[again] * 2, config.most_doubt_settle_s)
        self._settle[down & ~again & ~doubted] = config.doubt_settle_s
        self._failed[wavered] = np.maximum(needed, np.where(lossy & doubted, self._failed, 0.0))[wavered]
        self._doubted_at[wavered] = now
        self._went_down[down] = now

    def _doubted_for(self, now: float, lossy: Bools, times: float) -> Bools:
        """Whose last doubt is no older than so many times what one lasts."""
        config = self._config
        lasts = np.maximum(config.doubt_s, self._doubt_settle_s(lossy) * config.doubt_settles)
        doubted: Bools = now - self._doubted_at < times * lasts
        return doubted

    def _doubt_settle_s(self, lossy: Bools) -> Floats:
        """For how long a doubted level has to fit."""
        config = self._config
        settle_s = self._settle * np.where(lossy, config.lossy_settles, 1.0)
        return np.minimum(settle_s, config.most_doubt_settle_s)

    def _grow(self) -> None:
        before, self.rows = self.rows, max(16, self.rows * 2)
        self.bounds = np.resize(self.bounds, (self.rows, SLOTS))
        for name in (
            "_better_since",
            "_least",
            "_went_up",
            "_went_down",
            "_patience",
            "_doubted_at",
            "_failed",
            "_fell_from",
            "_settle",
        ):
            setattr(self, name, np.resize(getattr(self, name), self.rows))
        self._reset(slice(before, self.rows))
        self._free = list(range(self.rows - 1, before - 1, -1))

    def _reset(self, rows: slice) -> None:
        self.bounds[rows] = UNBOUND
        self._better_since[rows] = self._least[rows] = np.nan
        self._went_up[rows] = self._went_down[rows] = self._doubted_at[rows] = -np.inf
        self._patience[rows] = self._config.patience_s
        self._failed[rows] = self._fell_from[rows] = 0.0
        self._settle[rows] = self._config.doubt_settle_s


def _ladder() -> tuple[tuple[int, int], ...]:
    """(picture, level) in the order in which room is given out."""
    least = level_of(0)
    base = [(slot, level) for level in range(least + 1) for slot in range(SLOTS)]
    main = [(0, level) for level in range(least + 1, LEVELS)]
    stage = [(slot, level) for level in range(least + 1, LEVELS) for slot in range(1, SLOTS)]
    return (*base, *main, *stage)


_LADDER = _ladder()
