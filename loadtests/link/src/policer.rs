//! A policer in front of a path: a token bucket (RFC 2697 with one colour). What finds too few tokens is dropped; nothing waits.

use crate::time::{Nanos, SECOND};

/// The bucket.
pub struct Policer {
    octets_per_s: f64,
    burst: f64,
    /// Octets that may pass at `since`.
    tokens: f64,
    since: Nanos,
}

impl Policer {
    /// A full bucket.
    #[must_use]
    pub fn new(bits_per_s: f64, burst_octets: usize, now: Nanos) -> Self {
        let burst = burst_octets as f64;
        Self { octets_per_s: bits_per_s / 8.0, burst, tokens: burst, since: now }
    }

    /// Whether a packet passes at a moment that is not before the last one's. One that does not leaves the tokens to smaller ones.
    pub fn passes(&mut self, now: Nanos, octets: usize) -> bool {
        let gained = self.octets_per_s * (now - self.since) as f64 / SECOND as f64;
        (self.tokens, self.since) = ((self.tokens + gained).min(self.burst), now);
        let passes = self.tokens >= octets as f64;
        if passes {
            self.tokens -= octets as f64;
        }
        passes
    }
}
