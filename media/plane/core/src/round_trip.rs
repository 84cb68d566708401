//! The round trip to a peer, smoothed as TCP does (RFC 6298): how long to wait for an answer before asking again.

use std::time::Duration;

/// Assumed while nothing is known: asking sooner mostly asks twice.
const ASSUMED: Duration = Duration::from_millis(100);

/// Longer is no round trip but a publisher that was busy, or an answer to something else.
const LONGEST: Duration = Duration::from_secs(3);

/// Room for the difference between a report's round trip and a repair's: the sender paces what it sends again.
const LEAST_MARGIN: Duration = Duration::from_millis(5);

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundTrip {
    /// The shortest while connecting: a handshake's own computing makes it longer, never shorter.
    connecting: Option<Duration>,
    /// Mean and mean deviation of what was measured since.
    smoothed: Option<(Duration, Duration)>,
}

impl RoundTrip {
    /// Takes in what a handshake took: a first guess, which the first sample replaces.
    pub fn on_handshake(&mut self, took: Duration) {
        if took <= LONGEST {
            self.connecting = Some(self.connecting.map_or(took, |shortest| shortest.min(took)));
        }
    }

    /// Takes in a sample; of something that was asked for several times there is none (Karn's algorithm).
    pub fn on_sample(&mut self, sample: Duration) {
        if sample > LONGEST {
            return;
        }
        self.smoothed = Some(match self.smoothed {
            None => (sample, share(sample, 2)),
            Some((mean, deviation)) => {
                let deviation = share(deviation.saturating_mul(3).saturating_add(mean.abs_diff(sample)), 4);
                (share(mean.saturating_mul(7).saturating_add(sample), 8), deviation)
            }
        });
    }

    /// The smoothed round trip; `None` before the first sample and handshake.
    #[must_use]
    pub fn estimate(&self) -> Option<Duration> {
        self.smoothed.map(|(mean, _)| mean).or(self.connecting)
    }

    /// How long an answer can take: the round trip and its deviation.
    ///
    /// Once the deviation and not four times, as RFC 6298 waits: a needless repeat costs one packet, a late one a freeze.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        match self.smoothed {
            Some((mean, deviation)) => mean.saturating_add(deviation.max(LEAST_MARGIN)),
            None => self.connecting.map_or(ASSUMED, |shortest| shortest.saturating_add(LEAST_MARGIN)),
        }
    }
}

fn share(whole: Duration, of: u32) -> Duration {
    whole.checked_div(of).unwrap_or(whole)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn is_guessed_until_it_is_measured() {
        let mut round_trip = RoundTrip::default();
        assert_eq!((round_trip.estimate(), round_trip.answer_within()), (None, ASSUMED));
        [60, 40, 900, 5000].into_iter().for_each(|took| round_trip.on_handshake(ms(took)));
        assert_eq!((round_trip.estimate(), round_trip.answer_within()), (Some(ms(40)), ms(45)));
        round_trip.on_sample(ms(30));
        assert_eq!((round_trip.estimate(), round_trip.answer_within()), (Some(ms(30)), ms(45)));
    }

    #[test]
    fn settles_at_a_steady_one_and_follows_a_longer_one() {
        let mut round_trip = RoundTrip::default();
        (0..50).for_each(|_| round_trip.on_sample(ms(20)));
        assert!((ms(24)..=ms(26)).contains(&round_trip.answer_within()), "{round_trip:?}");
        (0..50).for_each(|_| round_trip.on_sample(ms(200)));
        assert!((ms(195)..=ms(210)).contains(&round_trip.answer_within()), "{round_trip:?}");
        round_trip.on_sample(ms(10_000));
        assert!(round_trip.answer_within() < ms(220), "no round trip takes so long");
    }
}
