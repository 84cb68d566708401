//! How many bits a second a link takes, over time.

use crate::time::{Nanos, SECOND};

/// From `at` (after the capacity's origin) on, `bits_per_s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Since the origin.
    pub at: Nanos,
    /// 0 lets nothing through.
    pub bits_per_s: f64,
}

/// Steps of rate. The first holds from the origin on, the last for ever or, with a period, until all begin again.
#[derive(Clone, Debug)]
pub struct Capacity {
    steps: Vec<Step>,
    origin: Nanos,
    period: Option<Nanos>,
}

impl Capacity {
    /// Steps in order of time, counted from `origin`.
    ///
    /// # Errors
    /// No steps, out of order, a rate that is negative or infinite, or a repetition in which nothing ever passes.
    pub fn new(steps: Vec<Step>, origin: Nanos, period: Option<Nanos>) -> Result<Self, String> {
        if steps.is_empty() {
            return Err("a rate needs at least one step".into());
        }
        if steps.windows(2).any(|pair| pair[0].at >= pair[1].at) {
            return Err("the steps of a rate must follow one another in time".into());
        }
        if steps.iter().any(|step| !step.bits_per_s.is_finite() || step.bits_per_s < 0.0) {
            return Err("a rate must be 0 or more bits a second".into());
        }
        if let Some(period) = period
            && (steps.last().is_some_and(|last| last.at >= period) || steps.iter().all(|step| step.bits_per_s == 0.0))
        {
            return Err("a rate that repeats must let something through, and last longer than its last step begins".into());
        }
        Ok(Self { steps, origin, period })
    }

    /// The rate at a moment, in bits a second.
    #[must_use]
    pub fn rate(&self, now: Nanos) -> f64 {
        self.piece(now).0
    }

    /// When `bits` are through that begin at `start`; `None`: never.
    #[must_use]
    pub fn finish(&self, start: Nanos, mut bits: f64) -> Option<Nanos> {
        let mut now = start;
        loop {
            let (rate, end) = self.piece(now);
            if rate > 0.0 {
                let finish = now.saturating_add((bits / rate * SECOND as f64).ceil() as Nanos);
                if end.is_none_or(|end| finish <= end) {
                    return Some(finish);
                }
            }
            let end = end?;
            bits -= rate * (end - now) as f64 / SECOND as f64;
            now = end;
        }
    }

    /// How many bits pass between two moments.
    #[must_use]
    pub fn bits(&self, from: Nanos, to: Nanos) -> f64 {
        let (mut now, mut bits) = (from, 0.0);
        while now < to {
            let (rate, end) = self.piece(now);
            let end = end.map_or(to, |end| end.min(to));
            bits += rate * (end - now) as f64 / SECOND as f64;
            now = end;
        }
        bits
    }

    /// The rate at a moment, and when it ends.
    fn piece(&self, now: Nanos) -> (f64, Option<Nanos>) {
        let since = now.saturating_sub(self.origin);
        let phase = self.period.map_or(since, |period| since % period);
        let next = self.steps.partition_point(|step| step.at <= phase).max(1);
        let ends = self.steps.get(next).map(|step| step.at).or(self.period);
        (self.steps[next - 1].bits_per_s, ends.map(|end| now.max(self.origin) + (end - phase)))
    }
}
