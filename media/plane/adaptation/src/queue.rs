//! How long packets wait in the link's queue: their one-way delay above the least seen.

/// Spans of time of which the least delay counts; after that a route with a longer delay is believed.
const SPANS: usize = 10;
/// How long each is, s.
const SPAN: f64 = 2.0;
/// The same while others hold the queue: they empty it rarely.
const HELD_SPAN: f64 = 12.0;
/// Of a wait that only jitter makes, by how much two of them differ: between what even and what exponential ones have.
const DIFFERENCE: f64 = 1.7;
/// Gain of a larger jitter where others' packets make the queue come and go: what is there now and then is no jitter.
const BESIDE_OTHERS: f64 = 0.01;

/// Queueing delay in seconds, up to the unknown offset of the clocks, which cancels out.
#[derive(Clone, Debug, Default)]
pub struct QueueDelay {
    /// Least one-way delay in each of the last [`SPANS`], newest last.
    least: [Option<f64>; SPANS],
    span_began: Option<f64>,
    noise: f64,
    jitter: f64,
    last: f64,
}

/// Whether others keep the queue from becoming empty, so that the least delay has to be remembered for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nobody does.
    No,
    /// They do, as far as is known.
    Quiet,
    /// They do, and it drops: that is a queue and no longer route, however long it lasts.
    Dropping,
}

impl Held {
    /// How long a span is, s.
    const fn span(self) -> f64 {
        match self {
            Self::No => SPAN,
            Self::Quiet => HELD_SPAN,
            Self::Dropping => f64::INFINITY,
        }
    }
}

impl QueueDelay {
    /// Take in a packet's one-way delay; returns how long it waited.
    pub fn on_packet(&mut self, arrived: f64, one_way_delay: f64, held: Held) -> f64 {
        let began = *self.span_began.get_or_insert(arrived);
        if arrived - began > held.span() {
            self.least.rotate_left(1);
            if let Some(newest) = self.least.last_mut() {
                *newest = None;
            }
            self.span_began = Some(arrived);
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

    /// Learn both from a report that found no standing queue. Beside others the queue comes and goes between two reports: who took that
    /// for jitter would not step back any more, and leave it to the others.
    pub fn learn_noise(&mut self, least: f64, beside_others: bool) {
        let difference = (least - std::mem::replace(&mut self.last, least)).abs();
        self.noise += 0.05 * (least - self.noise);
        let jitter = DIFFERENCE * difference;
        let gain = if beside_others && jitter > self.jitter { BESIDE_OTHERS } else { 0.05 };
        self.jitter += gain * (jitter - self.jitter);
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    /// What is taken for jitter where the least wait of every `every`th report is 20 ms longer.
    fn jitter(every: usize, beside_others: bool) -> f64 {
        let mut queue = QueueDelay::default();
        let waits = std::iter::once(0.020).chain(std::iter::repeat_n(0.0, every - 1)).cycle();
        waits.take(400).for_each(|wait| queue.learn_noise(wait, beside_others));
        queue.jitter()
    }

    #[test]
    fn a_longer_delay_is_believed_after_a_while_but_not_of_a_queue_that_drops() {
        let waits_after = |seconds: u32, held: Held| {
            let mut queue = QueueDelay::default();
            queue.on_packet(0.0, 0.05, Held::No);
            (1..=seconds * 10).map(|tenth| queue.on_packet(f64::from(tenth) / 10.0, 0.15, held)).last()
        };
        let near = |wait: Option<f64>, expected: f64| wait.is_some_and(|wait| (wait - expected).abs() < 1e-9);
        assert!(near(waits_after(15, Held::No), 0.1) && near(waits_after(25, Held::No), 0.0));
        assert!(near(waits_after(100, Held::Quiet), 0.1) && near(waits_after(150, Held::Quiet), 0.0));
        assert!(near(waits_after(1000, Held::Dropping), 0.1));
    }

    #[test]
    fn what_comes_and_goes_beside_others_is_no_jitter_but_what_wavers_always_is() {
        assert!(jitter(2, false) > 0.03 && jitter(2, true) > 0.03);
        assert!(jitter(10, true) < jitter(10, false) / 2.0);
    }
}
