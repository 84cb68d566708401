//! How much later than due datagrams really left: what the link's precision is.

use serde::Serialize;

use crate::time::Nanos;

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

    pub fn summary(&self) -> Summary {
        Summary { p50_us: self.quantile(0.5), p99_us: self.quantile(0.99), max_us: self.most_us }
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
