//! Thresholds of the estimate itself; what its parts go by stands with each of them.

/// Seconds of queue by which sound is late.
pub const VERY_LONG_QUEUE: f64 = 0.2;
/// Queues are hardly longer, seconds.
pub const LONGEST_QUEUE: f64 = 0.3;

/// Thresholds of an [`Estimator`](crate::Estimator). Rates in bit/s, times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Assumed before anything is known: the least video layer and sound fit.
    pub start: f64,
    /// Never below: sound has to fit.
    pub min: f64,
    /// Never above: more than any source needs, so knowing more is of no use.
    pub max: f64,
    /// Share of a measured capacity that is claimed; the rest drains what stands in the queue.
    pub headroom: f64,
    /// A queue that never gets shorter than this is standing, beyond the noise of the arrival times. A frame of 600 kbit/s
    /// takes 30 ms to leave by itself, but its first packet finds the queue empty.
    pub standing_queue: f64,
    /// A standing queue so long is met with a deeper cut, because it reaches the freeze of the picture soon.
    pub long_queue: f64,
    /// One so long is met with the deepest cut: sound is late by it.
    pub very_long_queue: f64,
    /// Where a packet waited so long, beyond the noise, what was lost beside it is taken for what a full queue drops. Queues are
    /// rarely shorter, and what is sent alone queues less.
    pub full_queue: f64,
    /// For so long after a steep fall of the estimate what is on the way tells the queue better than reports do.
    pub narrowing: f64,
    /// Queues are hardly longer: what is on the way beyond that is lost rather than waiting.
    pub longest_queue: f64,
    /// How much slower than it was sent a train must arrive to tell the capacity; closer ones tell a lower bound only.
    pub stretch: f64,
    /// How long a train's evidence counts.
    pub memory: f64,
    /// A packet that waited so long, beyond the noise, was behind another one: what came between them tells the link's rate.
    pub busy: f64,
    /// Share of the way to what trains tell that is gone at once, up; a single train may be wrong.
    pub rise: f64,
    /// The same down: slower, because a queue tells by itself when too much is sent.
    pub fall: f64,
    /// At a noise of so many seconds a slower train counts half as much.
    pub doubtful_noise: f64,
    /// The same at such a share of losses.
    pub doubtful_loss: f64,
    /// Share of packets lost from which on a policer is looked for.
    pub lossy: f64,
    /// Kept by a cut where the queue is long. It drains within a second even where all of the rest is used.
    pub deep_cut: f64,
    /// Kept by a cut where the queue is very long.
    pub deepest_cut: f64,
    /// A cut beside others leaves the queue so long to drain: of what was delivered is kept 1 less the queue over this, so that all
    /// who push step back by the same share and one cut suffices.
    pub shared_drain: f64,
    /// Kept by such a cut at least and at most: rising alike and stepping back by a share makes shares equal.
    pub shared_cuts: (f64, f64),
    /// Between two cuts beyond the round trip, after which the first one shows.
    pub settling: f64,
    /// How far back what was delivered tells our share of the link.
    pub share_window: f64,
    /// `shared_drain` where others keep the queue full whatever we do: shallower cuts, as TCP's are (CUBIC keeps 0.7, RFC 9438).
    pub competing_drain: f64,
    /// Growth in a second there at least, bit/s. Else it is what is fair to TCP at such a cut.
    pub competing_step: f64,
    /// So many packets that a report tells as lost, while the queue is as long as it can be, are why to cut there.
    pub competing_losses: f64,
}

impl Config {
    /// What a cut keeps that lets a queue of `wait` seconds drain within `drain`.
    #[must_use]
    pub fn kept(&self, wait: f64, drain: f64) -> f64 {
        let (least, most) = self.shared_cuts;
        (1.0 - wait / drain).clamp(least, most)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            start: 300_000.0,
            min: 40_000.0,
            max: 10_000_000.0,
            headroom: 0.95,
            standing_queue: 0.012,
            long_queue: 0.080,
            very_long_queue: VERY_LONG_QUEUE,
            full_queue: 0.060,
            narrowing: 0.8,
            longest_queue: LONGEST_QUEUE,
            stretch: 1.08,
            memory: 0.6,
            busy: 0.004,
            rise: 0.7,
            fall: 0.3,
            doubtful_noise: 0.0035,
            doubtful_loss: 0.03,
            lossy: 0.04,
            deep_cut: 0.85,
            deepest_cut: 0.7,
            shared_drain: 0.6,
            shared_cuts: (0.5, 0.9),
            settling: 0.05,
            share_window: 0.15,
            competing_drain: 1.0,
            competing_step: 15_000.0,
            competing_losses: 4.0,
        }
    }
}
