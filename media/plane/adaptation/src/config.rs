//! All thresholds of the estimate, in one place.

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
    /// How much slower than it was sent a train must arrive to tell the capacity; closer ones tell a lower bound only.
    pub stretch: f64,
    /// How long a train's evidence counts.
    pub memory: f64,
    /// Losses above this share beyond the link's usual ones, after more was sent, are taken for congestion.
    pub loss_margin: f64,
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
            stretch: 1.08,
            memory: 0.6,
            loss_margin: 0.10,
        }
    }
}
