//! How long a subscriber is told to keep its pictures before it shows them (playout delay extension), where that has to be told.
//!
//! A browser takes a longer time at once, for pictures that it has already too: between the last one shown and the next there would be
//! so much more, which is seen as a freeze. So it is told in steps, and pictures go on a little slower meanwhile.

use std::time::{Duration, Instant};

/// What browsers keep pictures for by themselves, roughly: up to here nothing stands still.
const BY_ITSELF: Duration = Duration::from_millis(50);
/// So much longer for each ms that passes, in percent. Between two pictures that waits less than what is called a freeze (150 ms more
/// than usual), also where a retransmission is waited for meanwhile.
const PERCENT: u32 = 60;

/// What a browser takes for the most where nothing is told, in 10 ms: less than half a second would have it show pictures as they come.
pub(super) const MOST_PLAYOUT: u32 = 1000;

/// The playout delay extension: 12 bits each of least and most, in 10 ms.
pub(super) fn playout_delay(least: u32, most: u32) -> [u8; 3] {
    let [_, a, b, c] = (least.min(MOST_PLAYOUT) << 12 | most.min(MOST_PLAYOUT)).to_be_bytes();
    [a, b, c]
}

/// One subscriber's.
#[derive(Default)]
pub(super) struct Playout {
    wanted: Duration,
    /// From what on it grows, and since when; `None`: pictures were never kept back.
    grows: Option<(Duration, Instant)>,
}

impl Playout {
    /// Pictures are to be kept so long.
    pub(super) fn want(&mut self, wanted: Duration, now: Instant) {
        if wanted > Duration::ZERO || self.grows.is_some() {
            self.grows = Some((self.present(now).max(BY_ITSELF), now));
            self.wanted = wanted;
        }
    }

    /// What pictures must carry now; from the first time on something is told always, also that it is no longer so.
    pub(super) fn told(&self, now: Instant) -> Option<[u8; 3]> {
        // Asked for every sink of every picture, and next to none is protected.
        self.grows?;
        let least = self.present(now).as_millis().checked_div(10).and_then(|least| u32::try_from(least).ok());
        Some(playout_delay(least.unwrap_or(0), MOST_PLAYOUT))
    }

    fn present(&self, now: Instant) -> Duration {
        let Some((from, since)) = self.grows else { return Duration::ZERO };
        let grown = now.saturating_duration_since(since).saturating_mul(PERCENT).checked_div(100).unwrap_or_default();
        self.wanted.min(from.saturating_add(grown))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn it_grows_so_slowly_that_no_picture_stands_still_and_ends_at_once() {
        let began = Instant::now();
        let (mut playout, at) = (Playout::default(), |ms| began + Duration::from_millis(ms));
        let told = |playout: &Playout, ms| playout.told(at(ms)).map(|[a, b, _]| (u32::from(a) << 4 | u32::from(b) >> 4) * 10);
        playout.want(Duration::ZERO, at(0));
        assert_eq!(told(&playout, 0), None);
        playout.want(Duration::from_millis(350), at(0));
        let steps: Vec<u32> = (0..20).map(|picture| told(&playout, 33 * picture).unwrap()).collect();
        assert!(steps[0] == 50 && steps.windows(2).all(|pair| pair[1] - pair[0] <= 40), "{steps:?}");
        assert!(steps[14] < 350 && steps[16..].iter().all(|told| *told == 350), "{steps:?}");
        playout.want(Duration::from_millis(400), at(1000));
        assert_eq!((told(&playout, 1000), told(&playout, 1033), told(&playout, 1100)), (Some(350), Some(360), Some(400)));
        playout.want(Duration::from_millis(300), at(2000));
        assert_eq!(told(&playout, 2000), Some(300));
        playout.want(Duration::ZERO, at(3000));
        assert_eq!(told(&playout, 3000), Some(0));
    }
}
