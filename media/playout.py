"""How long each viewer's pictures are kept before they are shown, so that what its link loses is repaired by then.

They are kept a round trip and what repairing takes beside it; longer where all is lost for a while at a time, because a repair waits until
that ends; and no longer than sound may wait where most is lost, because browsers keep sound back with the picture. Where others keep the
link's queue full, and it drops, pictures are kept for that queue's time too.
"""

from dataclasses import dataclass

import numpy as np

from media.links import Counts, Flags, Floats, Links, stepped, weight


@dataclass(frozen=True, slots=True)
class PlayoutConfig:
    """All thresholds. Losses are shares of packets, 0 to 1, of the viewer's own link.

    Args:
        more_ms: pictures are kept a round trip and so long more: a retransmission, the report that it waits for, and what
            the browser needs to notice.
        twice_loss: from which two round trips: of a tenth lost one picture in ten lacks something after one retransmission.
        twice_more_ms: and so long more. What tells of a loss is lost too, and told again 100 ms later: 50 ms less freezes half as much
            again at 30 % loss, and takes half a picture a second (simulated).
        relief: a loss must fall to this share of it before it is one again.
        step_ms: in such steps, because a longer delay that is taken up is a short freeze.
        most_ms: more would be no conversation.
        long_run_ms: where all is lost for so long at a time a repair waits until that ends, so pictures are kept a round trip,
            `more_ms` and the longest such run of late.
        run_step_ms: in such steps: the longest of late wavers.
        most_run_ms: and no more: with bursts of 100 ms, exponential, a picture in hundreds is later still. At 600 a fifth more of
            the time is frozen (simulated).
        hard_loss, hard_until, hard_ms: from such a loss on, until it is again below that, no more than this: browsers keep sound
            back with the picture, and then sound is what counts.
        hopeless_loss: from which pictures are not kept back: too few come to play evenly.
        queue_loss: share of all packets that do not arrive, from which on pictures are kept back where the queue is long.
        most_queued_ms: for how long at most where a queue is long, which is most of the round trip.
        queue_ms, queue_until_ms: what is such a queue, as it is on average, and until when it is one.
        queue_smoothing: weight of a pass's queue, and of what it loses, at one each `pass_s` about five seconds: a link that narrows has
            a long queue for a second, and drains it by what is sent less. Where the plane knows the queue for others' it counts at once.
    """

    more_ms: float = 150.0
    twice_loss: float = 0.1
    twice_more_ms: float = 200.0
    relief: float = 0.75
    step_ms: int = 50
    most_ms: int = 450
    long_run_ms: float = 100.0
    run_step_ms: int = 100
    most_run_ms: int = 700
    most_queued_ms: int = 600
    hard_loss: float = 0.36
    hard_until: float = 0.33
    hard_ms: int = 250
    hopeless_loss: float = 0.5
    queue_loss: float = 0.02
    queue_ms: float = 100.0
    queue_until_ms: float = 50.0
    queue_smoothing: float = 0.02


class Playout:
    """Of all viewers, a row each: `ms` is what `Plane.protect` takes as `playout_ms`; `queued` is where others keep the link's queue
    long, and it drops."""

    def __init__(self, config: PlayoutConfig) -> None:
        self._config = config
        self.ms: Counts = np.empty(0, np.int64)
        self._hard: Flags = np.empty(0, np.bool_)
        self.queued: Flags = np.empty(0, np.bool_)
        self._queue_ms: Floats = np.empty(0)
        self._missed: Floats = np.empty(0)

    def reset(self, row: int) -> None:
        """A viewer begins or ends in this row."""
        for values in self._columns():
            values[row] = 0

    def grow(self, rows: int) -> None:
        """Have at least so many rows."""
        if (missing := rows - len(self.ms)) > 0:
            grown = (np.concatenate([values, np.zeros(missing, values.dtype)]) for values in self._columns())
            self.ms, self._hard, self.queued, self._queue_ms, self._missed = grown

    def decide(self, links: Links, loss: Floats, rtt: Floats, protected: Flags, passes: float) -> Flags:
        """Decide; returns where `ms` or `queued` changes.

        Args:
            links: as told.
            loss: (rows,) what each loses, smoothed.
            rtt: (rows,) ms, smoothed.
            protected: (rows,) where anything is done against losses.
            passes: for how many passes of the usual length this one stands.
        """
        before, was_queued, config = self.ms, self.queued, self._config
        self._hard = loss >= np.where(self._hard, config.hard_until, config.hard_loss)
        own, in_runs = self._for_losses(links, loss, rtt)
        wanted = np.where(protected & (loss < config.hopeless_loss), own, 0)
        kept = np.minimum(stepped(rtt + config.more_ms, config.run_step_ms), config.most_queued_ms)
        queued = self._behind_queue(links, passes)
        wanted = np.where(queued, np.maximum(wanted, kept), wanted).astype(np.int64)
        # A step less is not worth a change.
        step = np.where(in_runs | queued, config.run_step_ms, config.step_ms)
        self.ms = np.where((wanted > 0) & (wanted < before) & (wanted >= before - step), before, wanted)
        changed: Flags = (self.ms != before) | (queued != was_queued)
        return changed

    def _for_losses(self, links: Links, loss: Floats, rtt: Floats) -> tuple[Floats, Flags]:
        """What the link's own losses ask for, and where it loses in bursts."""
        config = self._config
        once = stepped(rtt + config.more_ms, config.step_ms)
        twice = stepped(2 * rtt + config.twice_more_ms, config.step_ms)
        wanted = np.where(loss < config.twice_loss * np.where(self.ms > once, config.relief, 1.0), once, twice)
        wanted = np.minimum(wanted, np.where(self._hard, config.hard_ms, config.most_ms))
        run = np.nan_to_num(links.run_ms)
        in_runs = (run >= config.long_run_ms) & ~self._hard
        outlasting = np.minimum(stepped(rtt + config.more_ms + run, config.run_step_ms), config.most_run_ms)
        return np.where(in_runs, np.maximum(wanted, outlasting), wanted), in_runs

    def _behind_queue(self, links: Links, passes: float) -> Flags:
        """Where a queue is long for long, and drops."""
        config = self._config
        queue_ms, missed = np.nan_to_num(links.queue_ms), np.nan_to_num(links.missed)
        known = links.pushed_aside & (queue_ms >= config.queue_ms) & (missed >= config.queue_loss)
        of_this = np.where(known & ~self.queued, 1.0, weight(config.queue_smoothing, passes))
        self._queue_ms += of_this * (queue_ms - self._queue_ms)
        self._missed += of_this * (missed - self._missed)
        lossy = self._missed >= config.queue_loss * np.where(self.queued, config.relief, 1.0)
        self.queued = lossy & (self._queue_ms >= np.where(self.queued, config.queue_until_ms, config.queue_ms))
        return self.queued

    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.ms, self._hard, self.queued, self._queue_ms, self._missed
