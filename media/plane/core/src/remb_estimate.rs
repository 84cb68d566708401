//! What to tell a publisher that has no transport-wide feedback (REMB): a bound that follows its losses.
//!
//! Such a sender estimates nothing itself, and without a bound some never leave their start bitrate. Arrival times are not
//! looked at: loss alone is a late sign, but an honest one. Thresholds are those of GCC's loss-based part
//! (draft-ietf-rmcat-gcc-02 section 6).

use std::time::{Duration, Instant};

use crate::rtcp::ReportBlock;

/// Where the bound begins, bit/s: what any link that carries video at all has.
const START: f64 = 300_000.0;
/// Below this video is not worth sending.
const MIN: f64 = 100_000.0;
/// A good 720p; more would need a better estimate than this one.
const MAX: f64 = 2_500_000.0;
/// Growth in a second without loss.
const GROWTH: f64 = 1.08;
/// Below this share of packets lost the bound grows.
const LOW_LOSS: f64 = 0.02;
/// Above this it shrinks.
const HIGH_LOSS: f64 = 0.10;
/// Time that counts as passed at most: after a pause the link is not known any better.
const MAX_STEP: Duration = Duration::from_secs(2);

/// The bound of one publisher. Starts at 300 kbit/s.
#[derive(Clone, Copy, Debug)]
pub struct RembEstimate {
    bitrate: f64,
    updated: Option<Instant>,
}

impl Default for RembEstimate {
    fn default() -> Self {
        Self { bitrate: START, updated: None }
    }
}

impl RembEstimate {
    /// Take in what the publisher is being told of its streams, once an interval. Returns the bound in bit/s, over all streams.
    ///
    /// The stream that loses most decides: they share the link, and the small ones say little.
    pub fn update(&mut self, reports: &[ReportBlock], now: Instant) -> u64 {
        let worst = reports.iter().map(|block| block.fraction_lost).max().unwrap_or(0);
        let loss = f64::from(worst) / 256.0;
        let elapsed = self.updated.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if loss > HIGH_LOSS {
            self.bitrate *= 1.0 - 0.5 * loss;
        } else if loss < LOW_LOSS {
            self.bitrate *= GROWTH.powf(elapsed.min(MAX_STEP).as_secs_f64());
        }
        self.bitrate = self.bitrate.clamp(MIN, MAX);
        self.bits()
    }

    /// Within its limits the bound fits by far.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 100,000–2,500,000 before")]
    const fn bits(&self) -> u64 {
        self.bitrate as u64
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    fn lost(fraction_lost: u8) -> ReportBlock {
        ReportBlock { ssrc: 1, fraction_lost, cumulative_lost: 0, highest_sequence: 0, jitter: 0, last_sr: 0, delay_since_last_sr: 0 }
    }

    /// The bound after each of these losses, a second apart.
    fn after(losses: &[u8]) -> Vec<u64> {
        let (mut estimate, mut now) = (RembEstimate::default(), Instant::now());
        losses
            .iter()
            .map(|&fraction| {
                now += Duration::from_secs(1);
                estimate.update(&[lost(0), lost(fraction)], now)
            })
            .collect()
    }

    #[test]
    fn grows_by_8_percent_a_second_up_to_the_cap() {
        assert_eq!(after(&[0; 3]), [300_000, 324_000, 349_920]);
        assert_eq!(*after(&[0; 60]).last().unwrap(), 2_500_000);
    }

    #[test]
    fn holds_between_2_and_10_percent() {
        assert_eq!(after(&[0, 6, 25]), [300_000; 3]);
    }

    #[test]
    fn shrinks_by_half_the_loss_down_to_the_floor() {
        assert_eq!(after(&[0, 64]), [300_000, 262_500]);
        assert_eq!(*after(&[255; 60]).last().unwrap(), 100_000);
    }

    #[test]
    fn a_pause_counts_for_little_and_a_clock_going_back_for_nothing() {
        let (mut estimate, start) = (RembEstimate::default(), Instant::now());
        estimate.update(&[], start);
        assert_eq!(estimate.update(&[], start + Duration::from_secs(3600)), 349_920);
        assert_eq!(estimate.update(&[], start), 349_920);
    }
}
