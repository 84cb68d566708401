//! How much later than due datagrams really left: what the link's precision is. And when the machine stood still.

use serde::Serialize;

use crate::time::{MS, Nanos};

/// The loop wakes at least so often: where no datagram is due nothing else would notice that the machine stands still.
const EVERY: Nanos = 20 * MS;
/// What is told: figures of what goes through the link are spoilt by this much.
const STALL: Nanos = 100 * MS;

/// A count by microsecond, up to 20 ms.
pub struct Lateness {
    counts: Vec<u64>,
    most_us: u64,
}

/// What is told; microseconds.
#[derive(Serialize)]
pub struct Summary {
    p50_us: u64,
    p99_us: u64,
    max_us: u64,
    stalls: Vec<Stall>,
}

/// The machine stood still: what was due at `at_ns` of the clock came `late_ns` later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stall {
    at_ns: Nanos,
    late_ns: Nanos,
}

/// The loop's own wake-ups. They wait for no socket, so how late they are tells of the machine, whatever is sent or not.
pub struct Pulse {
    due: Nanos,
    stalls: Vec<Stall>,
}

impl Pulse {
    pub fn new(now: Nanos) -> Self {
        Self { due: now + EVERY, stalls: Vec::new() }
    }

    /// When the loop is to wake at the latest.
    pub fn due(&self) -> Nanos {
        self.due
    }

    /// The loop has woken, whatever for.
    pub fn on_woken(&mut self, now: Nanos) {
        let Some(late_ns) = now.checked_sub(self.due) else { return };
        if late_ns >= STALL {
            self.stalls.push(Stall { at_ns: self.due, late_ns });
        }
        self.due = now + EVERY;
    }

    /// All of them, in their order: a long one while everything starts must not hide one that counts. At most ten a second.
    pub fn stalls(&self) -> &[Stall] {
        &self.stalls
    }
}

impl Lateness {
    pub fn new() -> Self {
        Self { counts: vec![0; 20_001], most_us: 0 }
    }

    pub fn add(&mut self, late: Nanos) {
        let us = late / 1000;
        self.most_us = self.most_us.max(us);
        let last = self.counts.len() - 1;
        self.counts[usize::try_from(us).unwrap_or(last).min(last)] += 1;
    }

    pub fn summary(&self, stalls: &[Stall]) -> Summary {
        Summary { p50_us: self.quantile(0.5), p99_us: self.quantile(0.99), max_us: self.most_us, stalls: stalls.to_vec() }
    }

    fn quantile(&self, share: f64) -> u64 {
        let total: u64 = self.counts.iter().sum();
        let mut left = (total as f64 * share) as u64;
        for (us, count) in self.counts.iter().enumerate() {
            if left < *count {
                return us as u64;
            }
            left -= count;
        }
        self.most_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_wakes_in_time_has_seen_no_stall() {
        let mut pulse = Pulse::new(0);
        for now in [3 * MS, 19 * MS, 20 * MS, 41 * MS] {
            pulse.on_woken(now);
        }
        assert_eq!(pulse.due(), 61 * MS);
        pulse.on_woken(61 * MS + STALL - 1);
        assert_eq!(pulse.stalls(), []);
    }

    #[test]
    fn a_wake_up_that_comes_late_is_told_once_with_when_it_was_due() {
        let mut pulse = Pulse::new(5 * MS);
        pulse.on_woken(24 * MS);
        pulse.on_woken(425 * MS);
        pulse.on_woken(426 * MS);
        assert_eq!(pulse.stalls(), [Stall { at_ns: 25 * MS, late_ns: 400 * MS }]);
        assert_eq!(pulse.due(), 445 * MS);
    }

    #[test]
    fn a_long_stall_hides_no_other() {
        let mut pulse = Pulse::new(0);
        pulse.on_woken(520 * MS);
        pulse.on_woken(640 * MS);
        let late: Vec<Nanos> = pulse.stalls().iter().map(|stall| stall.late_ns / MS).collect();
        assert_eq!(late, [500, 100]);
    }
}
