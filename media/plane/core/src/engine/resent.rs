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
    /// The subscriber asks for it, while what was sent is on its way for so long.
    Asked(UnderWay),
    /// What left so long ago did not arrive: not where it was sent again since.
    Lost(Duration),
}

/// How long what is sent again is on its way, and then the request of who still misses it.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    /// A request that comes within this was made before the answer can have been there: it is refused.
    pub(super) surely: Duration,
    /// One within this may have been made before: it is answered, but tells of no loss.
    pub(super) maybe: Duration,
}

impl UnderWay {
    /// Of a link of which nothing is known.
    pub(super) const UNKNOWN: Self = Self { surely: Duration::ZERO, maybe: Duration::ZERO };
}

/// Which one of a packet's retransmissions it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It was not sent again before.
    First,
    /// One before may be on its way still.
    Doubtful,
    /// One before was lost.
    Repeated,
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
    /// The last one that was not in doubt.
    sure_ms: u32,
    /// How many were not.
    times: u8,
}

impl Resent {
    /// Nothing was.
    pub(super) fn new(now: Instant) -> Self {
        Self { created: now, entries: Vec::new() }
    }

    /// Which retransmission of `output` the next one is; `None` where it is not to be sent for this cause now.
    pub(super) fn next(&self, output: i64, cause: Cause, now: Instant) -> Option<Attempt> {
        let Some(entry) = self.entry(output) else { return Some(Attempt::First) };
        let ago = |at_ms: u32| Duration::from_millis(self.at_ms(now).wrapping_sub(at_ms).into());
        match cause {
            Cause::Asked(under_way) if ago(entry.at_ms) < under_way.surely => None,
            Cause::Asked(under_way) if ago(entry.sure_ms) < under_way.maybe => Some(Attempt::Doubtful),
            Cause::Lost(sent_ago) if ago(entry.sure_ms).saturating_add(MILLISECOND) < sent_ago || entry.times >= MOST_UNASKED => None,
            Cause::Asked(_) | Cause::Lost(_) => Some(Attempt::Repeated),
        }
    }

    /// Note `output` as sent again now, if it is to be.
    pub(super) fn note(&mut self, output: i64, cause: Cause, now: Instant) -> Option<Attempt> {
        let attempt = self.next(output, cause, now)?;
        let (at_ms, before) = (self.at_ms(now), self.entry(output).unwrap_or_default());
        let entry = match attempt {
            // Were it told from others a loss before it would not be answered any more.
            Attempt::Doubtful => Entry { at_ms, ..before },
            Attempt::First | Attempt::Repeated => {
                Entry { output: low32(output), at_ms, sure_ms: at_ms, times: before.times.saturating_add(1) }
            }
        };
        if self.entries.is_empty() {
            self.entries = vec![Entry::default(); KEPT];
        }
        *self.entries.get_mut(place(output))? = entry;
        Some(attempt)
    }

    fn entry(&self, output: i64) -> Option<Entry> {
        self.entries.get(place(output)).filter(|entry| entry.at_ms != 0 && entry.output == low32(output)).copied()
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

    const UNDER_WAY: UnderWay = UnderWay { surely: Duration::from_millis(40), maybe: Duration::from_millis(60) };
    const ASKED: Cause = Cause::Asked(UNDER_WAY);

    #[test]
    fn what_is_under_way_is_not_sent_again() {
        let began = Instant::now();
        let (mut resent, at) = (Resent::new(began), |ms| began + Duration::from_millis(ms));
        assert_eq!(resent.note(7, ASKED, at(100)), Some(Attempt::First));
        assert_eq!((resent.note(7, ASKED, at(130)), resent.next(8, ASKED, at(130))), (None, Some(Attempt::First)));
        assert_eq!(resent.note(7, ASKED, at(165)), Some(Attempt::Repeated));
        let left = |ms| Cause::Lost(Duration::from_millis(ms));
        assert_eq!((resent.next(7, left(80), at(220)), resent.next(7, left(50), at(220))), (None, Some(Attempt::Repeated)));
        assert!((0..3).all(|n| resent.note(7, left(1), at(300 + 10 * n)).is_some()));
        assert_eq!(resent.note(7, left(1), at(400)), None, "five times unasked at most");
    }

    #[test]
    fn an_answer_in_doubt_is_none_when_the_one_before_it_is_known_to_be_lost() {
        let began = Instant::now();
        let (mut resent, at) = (Resent::new(began), |ms| began + Duration::from_millis(ms));
        resent.note(7, ASKED, at(100));
        assert_eq!(resent.note(7, ASKED, at(145)), Some(Attempt::Doubtful));
        assert_eq!(resent.next(7, ASKED, at(170)), None, "it is on its way");
        assert_eq!(resent.next(7, Cause::Lost(Duration::from_millis(70)), at(170)), Some(Attempt::Repeated));
        assert_eq!(resent.next(7, ASKED, at(190)), Some(Attempt::Repeated), "what was sent before it was lost");
    }
}
