//! How often a source may be asked for a keyframe, whoever wants one.
//!
//! A keyframe costs several times what its picture would, and a browser that is asked too often drops its quality for
//! everybody. So two may come close together (a first viewer, then a switch), but in steady state one a second at most, and one in
//! two seconds while keyframes take more than their share of the bitrate.

use std::time::{Duration, Instant};

/// On the long run at most one in this time.
const STEADY_INTERVAL: Duration = Duration::from_secs(1);
/// Requests that may come close together.
const BURST: u32 = 2;
/// Keyframes may take this share of a source's octets, in percent, before they are asked for half as often.
const MAX_SHARE_PERCENT: u64 = 40;
/// The share is that of about the last this many octets: 4 s of 720p.
const SHARE_WINDOW_OCTETS: u64 = 800_000;

/// One source's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Governor {
    /// Two requests are at least so far apart.
    spacing: Duration,
    last: Option<Instant>,
    /// When all that was asked would have been asked at the steady rate (a leaky bucket in time).
    paid_until: Option<Instant>,
    octets: u64,
    keyframe_octets: u64,
}

impl Governor {
    pub(super) fn new(spacing: Duration) -> Self {
        Self { spacing, last: None, paid_until: None, octets: 0, keyframe_octets: 0 }
    }

    /// When the next request is allowed; `now` when it is at once.
    pub(super) fn allowed_at(&self, now: Instant) -> Instant {
        let spaced = self.last.and_then(|last| last.checked_add(self.spacing));
        let credit = self.interval().saturating_mul(BURST.saturating_sub(1));
        let steady = self.paid_until.and_then(|until| until.checked_sub(credit));
        [spaced, steady].into_iter().flatten().fold(now, Instant::max)
    }

    /// Note a request.
    pub(super) fn requested(&mut self, now: Instant) {
        self.last = Some(now);
        let from = self.paid_until.map_or(now, |until| until.max(now));
        self.paid_until = from.checked_add(self.interval());
    }

    /// Note what arrived.
    pub(super) fn received(&mut self, octets: usize, keyframe: bool) {
        let octets = octets as u64;
        self.octets = self.octets.saturating_add(octets);
        self.keyframe_octets = self.keyframe_octets.saturating_add(if keyframe { octets } else { 0 });
        if self.octets > SHARE_WINDOW_OCTETS {
            self.octets /= 2;
            self.keyframe_octets /= 2;
        }
    }

    fn interval(&self) -> Duration {
        let costly = self.octets > SHARE_WINDOW_OCTETS / 4
            && self.keyframe_octets.saturating_mul(100) > self.octets.saturating_mul(MAX_SHARE_PERCENT);
        if costly { STEADY_INTERVAL.saturating_mul(2) } else { STEADY_INTERVAL }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    fn requests_in(seconds: u32, governor: &mut Governor) -> u32 {
        let start = Instant::now();
        let mut count = 0;
        for ms in 0..seconds * 1000 {
            let now = start + Duration::from_millis(ms.into());
            if governor.allowed_at(now) <= now {
                governor.requested(now);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn two_close_together_then_one_a_second() {
        let mut governor = Governor::new(Duration::from_millis(500));
        assert_eq!(requests_in(1, &mut governor), 2);
        let mut governor = Governor::new(Duration::from_millis(500));
        assert_eq!(requests_in(20, &mut governor), 21);
    }

    #[test]
    fn half_as_often_while_keyframes_take_too_much() {
        let mut governor = Governor::new(Duration::from_millis(500));
        governor.received(300_000, true);
        governor.received(100_000, false);
        assert_eq!(requests_in(20, &mut governor), 11);
    }
}
