//! Which packets of a sink were sent again lately: one that is under way is not sent once more.

use std::time::{Duration, Instant};

use crate::sequence::{low16, low32};

/// To what retransmissions are timed.
const MILLISECOND: Duration = Duration::from_millis(1);

/// Sent packets whose retransmissions are told apart: about 0.7 s of the best encoding, a power of two.
const KEPT: usize = 512;

/// A packet asked for again within this time is still on its way.
pub(super) const RESEND_INTERVAL: Duration = Duration::from_millis(15);

/// So often a packet is sent again unasked: what five retransmissions did not bring comes too late.
const MOST_UNASKED: u8 = 5;

/// Why a packet is sent again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// The subscriber asks for it: not again within this time.
    Asked(Duration),
    /// What left so long ago did not arrive: not where it was sent again since.
    Lost(Duration),
}

/// One sink's. Most members lose nothing: the table exists from the first loss on.
pub(super) struct Resent {
    created: Instant,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    output: u32,
    /// Since `created`; 0: never.
    at_ms: u32,
    times: u8,
}

impl Resent {
    /// Nothing was.
    pub(super) fn new(now: Instant) -> Self {
        Self { created: now, entries: Vec::new() }
    }

    /// How often `output` was sent again so far; `None` where it is not to be sent for this cause now.
    pub(super) fn times(&self, output: i64, cause: Cause, now: Instant) -> Option<u8> {
        let entry = self.entries.get(place(output)).filter(|entry| entry.at_ms != 0 && entry.output == low32(output));
        let Some(entry) = entry else { return Some(0) };
        let ago = Duration::from_millis(self.at_ms(now).wrapping_sub(entry.at_ms).into());
        let refused = match cause {
            Cause::Asked(interval) => ago < interval,
            Cause::Lost(sent_ago) => ago.saturating_add(MILLISECOND) < sent_ago || entry.times >= MOST_UNASKED,
        };
        (!refused).then_some(entry.times)
    }

    /// Note `output` as sent again now; returns whether it was before, `None` when it is not to be.
    pub(super) fn note(&mut self, output: i64, cause: Cause, now: Instant) -> Option<bool> {
        let times = self.times(output, cause, now)?;
        if self.entries.is_empty() {
            self.entries = vec![Entry::default(); KEPT];
        }
        let at_ms = self.at_ms(now);
        *self.entries.get_mut(place(output))? = Entry { output: low32(output), at_ms, times: times.saturating_add(1) };
        Some(times > 0)
    }

    fn at_ms(&self, now: Instant) -> u32 {
        u32::try_from(now.saturating_duration_since(self.created).as_millis()).unwrap_or(u32::MAX).max(1)
    }
}

fn place(output: i64) -> usize {
    usize::from(low16(output)) % KEPT
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_not_sent_again() {
        let began = Instant::now();
        let (mut resent, at) = (Resent::new(began), |ms| began + Duration::from_millis(ms));
        let asked = Cause::Asked(Duration::from_millis(40));
        assert_eq!(resent.note(7, asked, at(100)), Some(false));
        assert_eq!((resent.note(7, asked, at(130)), resent.times(8, asked, at(130))), (None, Some(0)));
        assert_eq!(resent.note(7, asked, at(145)), Some(true));
        let left = |ms| Cause::Lost(Duration::from_millis(ms));
        assert_eq!((resent.times(7, left(80), at(200)), resent.times(7, left(50), at(200))), (None, Some(2)));
        assert!((0..3).all(|n| resent.note(7, left(1), at(300 + 10 * n)).is_some()));
        assert_eq!(resent.note(7, left(1), at(400)), None, "five times unasked at most");
    }
}
