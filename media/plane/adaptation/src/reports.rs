//! What a link carries where nobody reports every packet: from receiver reports (RFC 3550 section 6.4), and from a bound that the
//! receiver tells (draft-alvestrand-rmcat-remb-03).
//!
//! A receiver that estimates by itself never tells much more than what it receives, so it stays where it is unless more is sent for
//! a while. More is claimed than it tells where it tells about what is sent and nothing is lost; if it does not follow, that
//! was all, and the next attempt is farther away.

/// Losses below this share are no reason to send less, and above no reason to send more.
const CLEAN: f64 = 0.02;
/// Losses above this share are congestion.
const CONGESTED: f64 = 0.10;
/// Growth in a second while nothing is lost, bit/s: 10 s from sound and a small picture to a good one.
const GROWTH: f64 = 60_000.0;
/// Nothing above so many times what is sent can be known.
const HEADROOM: f64 = 3.0;
/// Between two cuts: reports come about every second, and the first one after a cut tells of what was before.
const SETTLING: f64 = 2.0;
/// A bound of at most so many times what is sent is bound by that: receivers tell 1.5 times what they receive, at most.
const BOUND_BY_SENT: f64 = 1.7;
/// So much more is claimed for a while.
const ATTEMPT: f64 = 2.0;
/// That while. A receiver's estimate follows within 2 s.
const ATTEMPT_TIME: f64 = 4.0;
/// Before the first attempt, and between attempts that fail: doubling from the one to the other.
const FIRST_PAUSE: f64 = 2.0;
const MAX_PAUSE: f64 = 60.0;
/// A bound that grew by this share followed.
const FOLLOWED: f64 = 1.2;
/// Between two measurements of what is sent.
const WINDOW: f64 = 0.9;

/// Estimate of one link from reports alone.
#[derive(Clone, Copy, Debug)]
pub struct ReportEstimator {
    estimate: f64,
    told: bool,
    loss: f64,
    last: Option<f64>,
    last_cut: f64,
    /// When what is sent was measured last, and the octets then.
    measured: Option<(f64, u64)>,
    sent: Option<f64>,
    bound: Option<f64>,
    attempt: Option<Attempt>,
    next_attempt: Option<f64>,
    pause: f64,
}

/// Trying whether the receiver tells more where it is sent more.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    until: f64,
    from: f64,
}

impl Default for ReportEstimator {
    fn default() -> Self {
        Self {
            estimate: crate::Config::default().start,
            told: false,
            loss: 0.0,
            last: None,
            last_cut: f64::NEG_INFINITY,
            measured: None,
            sent: None,
            bound: None,
            attempt: None,
            next_attempt: None,
            pause: FIRST_PAUSE,
        }
    }
}

impl ReportEstimator {
    /// A receiver report tells that this share was lost, 0–1. `octets`: sent since the beginning.
    pub fn on_report(&mut self, now: f64, lost: f64, octets: u64) {
        self.loss = lost.clamp(0.0, 1.0);
        self.told = true;
        self.measure(now, octets);
        let elapsed = self.last.replace(now).map_or(0.0, |last| (now - last).clamp(0.0, 2.0));
        let limits = crate::Config::default();
        if self.loss > CONGESTED {
            self.attempt_failed(now);
            if now - self.last_cut >= SETTLING {
                // What arrives is what the link carries, as far as reports can tell.
                let base = self.sent.map_or(self.estimate, |sent| self.estimate.min(sent));
                self.estimate = base * (1.0 - 0.5 * self.loss);
                self.last_cut = now;
            }
        } else if self.loss < CLEAN {
            let ceiling = self.sent.map_or(f64::INFINITY, |sent| sent * HEADROOM).max(limits.start);
            self.estimate = (self.estimate + GROWTH * elapsed).min(ceiling.max(self.estimate));
        }
        self.estimate = self.estimate.clamp(limits.min, limits.max);
    }

    /// The receiver asks for no more than so many bit/s.
    pub fn on_bound(&mut self, now: f64, bitrate: f64, octets: u64) {
        self.measure(now, octets);
        self.bound = Some(bitrate);
        if let Some(attempt) = self.attempt {
            if bitrate > attempt.from * FOLLOWED {
                (self.attempt, self.pause, self.next_attempt) = (None, FIRST_PAUSE, Some(now));
            } else if now >= attempt.until {
                self.attempt_failed(now);
            }
        }
        let bound_by_sent = self.sent.is_some_and(|sent| sent > 0.0 && bitrate <= sent * BOUND_BY_SENT);
        if self.attempt.is_none() && bound_by_sent && self.loss < CLEAN {
            let due = *self.next_attempt.get_or_insert(now + FIRST_PAUSE);
            if now >= due {
                self.attempt = Some(Attempt { until: now + ATTEMPT_TIME, from: bitrate });
            }
        }
    }

    /// The receiver has told no bound for a while.
    pub fn forget_bound(&mut self) {
        (self.bound, self.attempt, self.next_attempt) = (None, None, None);
    }

    /// Bit/s that the link is believed to carry; `None` until anything tells.
    #[must_use]
    pub fn estimate(&self) -> Option<f64> {
        let Some(bound) = self.bound else { return self.told.then_some(self.estimate) };
        Some(self.attempt.map_or(bound, |attempt| bound.max(attempt.from * ATTEMPT)))
    }

    /// Share lost, as the last report tells it.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        self.told.then_some(self.loss)
    }

    fn attempt_failed(&mut self, now: f64) {
        if self.attempt.take().is_some() {
            self.next_attempt = Some(now + self.pause);
            self.pause = (self.pause * 2.0).min(MAX_PAUSE);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "octets of a window are few")]
    fn measure(&mut self, now: f64, octets: u64) {
        let Some((since, before)) = self.measured else {
            self.measured = Some((now, octets));
            return;
        };
        if now - since >= WINDOW {
            self.sent = Some(octets.saturating_sub(before) as f64 * 8.0 / (now - since));
            self.measured = Some((now, octets));
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "test code"
)]
mod tests {
    use super::*;

    /// Bit/s of the layers that are sent.
    const LAYERS: [f64; 4] = [150_000.0, 400_000.0, 900_000.0, 2_000_000.0];

    /// A link under `capacity`, a second a step: the layer sent in each second. `remb`: the receiver tells a bound as browsers do.
    fn watch(capacity: impl Fn(u32) -> f64, seconds: u32, remb: bool, random_loss: f64) -> Vec<f64> {
        let (mut estimator, mut octets, mut bound, mut layers) = (ReportEstimator::default(), 0_u64, 300_000.0_f64, Vec::new());
        for second in 0..seconds {
            let estimate = estimator.estimate().unwrap_or(300_000.0);
            let sent = LAYERS.into_iter().rev().find(|rate| *rate <= estimate).unwrap_or(LAYERS[0]);
            layers.push(sent);
            octets += (sent / 8.0) as u64;
            let arrived = sent.min(capacity(second)) * (1.0 - random_loss);
            let now = f64::from(second) + 1.0;
            estimator.on_report(now, 1.0 - arrived / sent, octets);
            if remb {
                bound = (bound * 1.5).min(arrived * 1.5 + 10_000.0).min(capacity(second));
                estimator.on_bound(now, bound, octets);
            }
        }
        layers
    }

    fn share(layers: &[f64], of: f64) -> f64 {
        f64::from(u32::try_from(layers.iter().filter(|layer| **layer == of).count()).unwrap_or(0)) / layers.len() as f64
    }

    #[test]
    fn a_receiver_that_tells_a_bound_does_not_stay_low() {
        let layers = watch(|_| 5e6, 60, true, 0.0);
        let first = layers.iter().position(|layer| *layer == 2_000_000.0);
        assert!(first.is_some_and(|second| second <= 30), "{layers:?}");
        assert!(share(&layers[30..], 2_000_000.0) > 0.95, "{layers:?}");
    }

    #[test]
    fn attempts_that_bring_nothing_become_rare() {
        let layers = watch(|_| 1e6, 300, true, 0.0);
        assert!(share(&layers[60..], 900_000.0) >= 0.85, "{layers:?}");
        assert!(share(&layers[200..], 2_000_000.0) <= 0.1, "{layers:?}");
    }

    #[test]
    fn reports_alone_find_the_layer_and_follow_a_drop() {
        let layers = watch(|second| if second < 60 { 5e6 } else { 500_000.0 }, 120, false, 0.0);
        assert_eq!(layers[40], 2_000_000.0, "{layers:?}");
        assert!(layers[66..].iter().all(|layer| *layer <= 900_000.0), "{layers:?}");
        assert!(share(&layers[66..], 400_000.0) >= 0.6, "{layers:?}");
    }

    #[test]
    fn losses_of_a_few_percent_hold_the_rate() {
        let layers = watch(|_| 5e6, 60, false, 0.05);
        assert!(layers.windows(2).all(|pair| pair[0] == pair[1]), "{layers:?}");
    }
}
