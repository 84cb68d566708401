//! How long packets wait in the link's queue: their one-way delay above the least seen.

/// Spans of time of which the least delay counts; after that a route with a longer delay is believed.
const SPANS: usize = 10;
/// How long each is, s.
const SPAN: f64 = 2.0;
/// The same while others hold the queue: they empty it rarely.
const HELD_SPAN: f64 = 12.0;
/// Reports' least waits that differ by so much within such a span, s, and what jitter makes them differ by, are a queue's that comes and
/// goes. Those of a longer route do not.
const WAVERS: f64 = 0.04;
const WAVERS_BY_JITTER: f64 = 2.0;
/// Of a wait that only jitter makes, by how much two of them differ: between what even and what exponential ones have.
const DIFFERENCE: f64 = 1.7;
/// Gain of a larger jitter where others' packets make the queue come and go: what is there now and then is no jitter.
const BESIDE_OTHERS: f64 = 0.01;

/// Queueing delay in seconds, up to the unknown offset of the clocks, which cancels out.
#[derive(Clone, Debug, Default)]
pub struct QueueDelay {
    /// Least one-way delay in each of the last [`SPANS`], newest last.
    least: [Option<f64>; SPANS],
    span: Option<Span>,
    noise: f64,
    jitter: f64,
    last: f64,
}

/// The present span of time: when it began, and the least and the greatest of reports' least waits since.
#[derive(Clone, Copy, Debug)]
struct Span {
    began: f64,
    least: f64,
    most: f64,
}

/// Whether others keep the queue from becoming empty, so that the least delay has to be remembered for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nobody does.
    No,
    /// They do, as far as is known.
    Quiet,
    /// They do, and it drops: where delays waver besides that is no longer route, however long it lasts.
    Dropping,
}

impl QueueDelay {
    /// Take in a packet's one-way delay; returns how long it waited.
    pub fn on_packet(&mut self, arrived: f64, one_way_delay: f64, held: Held) -> f64 {
        let new = Span { began: arrived, least: f64::INFINITY, most: 0.0 };
        let span = self.span.get_or_insert(new);
        if arrived - span.began > if held == Held::No { SPAN } else { HELD_SPAN } {
            let wavers = span.most - span.least > WAVERS + WAVERS_BY_JITTER * self.jitter;
            *span = new;
            if !(held == Held::Dropping && wavers) {
                self.least.rotate_left(1);
                if let Some(newest) = self.least.last_mut() {
                    *newest = None;
                }
            }
        }
        if let Some(newest) = self.least.last_mut() {
            *newest = Some(newest.map_or(one_way_delay, |least| least.min(one_way_delay)));
        }
        one_way_delay - self.base().unwrap_or(one_way_delay)
    }

    /// The least wait of a report.
    pub const fn on_report(&mut self, least: f64) {
        if let Some(span) = &mut self.span {
            (span.least, span.most) = (span.least.min(least), span.most.max(least));
        }
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
    fn a_longer_delay_is_believed_after_a_while_but_not_of_a_queue_that_wavers_and_drops() {
        // Delays go up and down by `wavering`, above a tenth of a second more than the first.
        let least_wait_after = |seconds: u32, wavering: f64, held: Held| {
            let mut queue = QueueDelay::default();
            queue.on_packet(0.0, 0.05, Held::No);
            let delay = |tenth: u32| 0.15 + wavering * f64::from(tenth % 10) / 9.0;
            let waits = (1..=seconds * 10).map(|tenth| {
                let wait = queue.on_packet(f64::from(tenth) / 10.0, delay(tenth), held);
                queue.on_report(wait);
                wait
            });
            waits.collect::<Vec<_>>().into_iter().rev().take(10).fold(f64::INFINITY, f64::min)
        };
        let near = |wait: f64, expected: f64| (wait - expected).abs() < 1e-9;
        assert!(near(least_wait_after(15, 0.0, Held::No), 0.1) && near(least_wait_after(25, 0.0, Held::No), 0.0));
        assert!(near(least_wait_after(100, 0.1, Held::Quiet), 0.1) && near(least_wait_after(150, 0.1, Held::Quiet), 0.0));
        assert!(near(least_wait_after(1000, 0.1, Held::Dropping), 0.1));
        assert!(near(least_wait_after(150, 0.03, Held::Dropping), 0.0), "a route that is longer, of a link that loses");
    }

    #[test]
    fn what_comes_and_goes_beside_others_is_no_jitter_but_what_wavers_always_is() {
        assert!(jitter(2, false) > 0.03 && jitter(2, true) > 0.03);
        assert!(jitter(10, true) < jitter(10, false) / 2.0);
    }
}
