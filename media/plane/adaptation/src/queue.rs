//! How long packets wait in the link's queue: their one-way delay above the least seen.

/// How long the least delay counts; after that a route with a longer delay is believed.
const BUCKET: f64 = 2.0;
const BUCKETS: usize = 10;
/// The same while others hold the queue: they empty it rarely.
const HELD_BUCKET: f64 = 12.0;
/// Of a wait that only jitter makes, by how much two of them differ: between what even and what exponential ones have.
const DIFFERENCE: f64 = 1.7;

/// Queueing delay in seconds, up to the unknown offset of the clocks, which cancels out.
#[derive(Clone, Debug, Default)]
pub struct QueueDelay {
    /// Least one-way delay in each of the last [`BUCKETS`] spans of [`BUCKET`] seconds, newest last.
    least: [Option<f64>; BUCKETS],
    bucket_began: Option<f64>,
    noise: f64,
    jitter: f64,
    last: f64,
}

impl QueueDelay {
    /// Take in a packet's one-way delay; returns how long it waited.
    ///
    /// held: others keep the queue from becoming empty, so that the least delay has to be remembered for longer.
    pub fn on_packet(&mut self, arrived: f64, one_way_delay: f64, held: bool) -> f64 {
        let began = *self.bucket_began.get_or_insert(arrived);
        if arrived - began > if held { HELD_BUCKET } else { BUCKET } {
            self.least.rotate_left(1);
            if let Some(newest) = self.least.last_mut() {
                *newest = None;
            }
            self.bucket_began = Some(arrived);
        }
        if let Some(newest) = self.least.last_mut() {
            *newest = Some(newest.map_or(one_way_delay, |least| least.min(one_way_delay)));
        }
        one_way_delay - self.base().unwrap_or(one_way_delay)
    }

    /// The least one-way delay.
    #[must_use]
    pub fn base(&self) -> Option<f64> {
        self.least.iter().copied().flatten().reduce(f64::min)
    }

    /// Smoothed least delay of a report while nothing stands in the queue: what jitter adds, and others' packets.
    #[must_use]
    pub const fn noise(&self) -> f64 {
        self.noise
    }

    /// How far the least delay of a report may be above the least ever without a queue. Learned from how much those of two reports
    /// differ: a queue that grows slowly would pass for noise by how long it is.
    #[must_use]
    pub const fn jitter(&self) -> f64 {
        self.jitter
    }

    /// Learn both from a report that found no standing queue.
    pub fn learn_noise(&mut self, least: f64) {
        let difference = (least - std::mem::replace(&mut self.last, least)).abs();
        self.noise += 0.05 * (least - self.noise);
        self.jitter += 0.05 * (DIFFERENCE * difference - self.jitter);
    }
}
