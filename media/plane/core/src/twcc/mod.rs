//! Transport-wide congestion control feedback for what we receive (draft-holmer-rmcat-transport-wide-cc-extensions-01).

mod decode;
mod encode;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub use decode::{Feedback, Malformed, Reports};
use encode::Message;

use crate::rtcp;
use crate::sequence::SequenceUnwrapper;

/// Arrivals remembered: 0.8 s at 10,000 packets a second, which is more than a transport ever reports late.
const MAX_ARRIVALS: usize = 8192;

/// Reported arrivals are kept this long, because a late packet makes a message begin before them again.
const MAX_AGE: Ticks = 2000;

/// Time in the unit of receive deltas: 250 µs.
type Ticks = i64;

/// Collects arrival times of one transport and reports them.
///
/// Each packet is reported once, except that behind a late one those that follow it are told again with the same times, so
/// that no message calls them lost.
#[derive(Debug, Default)]
pub struct Recorder {
    sequence: SequenceUnwrapper,
    /// Ascending by sequence number.
    arrivals: VecDeque<Arrival>,
    /// Unrolled number with which the next message begins.
    next: Option<i64>,
    /// Unrolled number up to which arrivals are no longer known, so that nothing can be said of them.
    forgotten: Option<i64>,
    /// Lets the sender of the media notice lost feedback.
    feedback_count: u8,
    /// Kept for its memory.
    message: Message,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    /// Unrolled.
    sequence: i64,
    at: Ticks,
}

impl Recorder {
    /// Notes that a packet with this transport-wide sequence number arrived. Only the first arrival of a number counts.
    ///
    /// * `arrival`: since any fixed epoch, the same in all calls.
    pub fn on_packet(&mut self, sequence_number: u16, arrival: Duration) {
        let sequence = self.sequence.unwrap(sequence_number);
        let place = self.arrivals.partition_point(|known| known.sequence < sequence);
        let known = self.arrivals.get(place).is_some_and(|known| known.sequence == sequence);
        if known || self.forgotten.is_some_and(|forgotten| sequence <= forgotten) {
            return;
        }
        self.arrivals.insert(place, Arrival { sequence, at: ticks(arrival) });
        self.next = Some(self.next.map_or(sequence, |next| next.min(sequence)));
        if self.arrivals.len() > MAX_ARRIVALS {
            self.forget(1);
        }
    }

    /// How many packets the next messages call received, and how many lost.
    #[must_use]
    pub fn unreported(&self) -> (u64, u64) {
        let Some((next, newest)) = self.next.zip(self.arrivals.back()) else { return (0, 0) };
        let known = self.arrivals.len().saturating_sub(self.arrivals.partition_point(|known| known.sequence < next)) as u64;
        // Nothing is unreported where the newest is older than `next`.
        let all = u64::try_from(newest.sequence.saturating_sub(next).saturating_add(1)).unwrap_or(0);
        (known, all.saturating_sub(known))
    }

    /// Calls packets received that are missing in gaps up to `widest` packets wide, each in its turn between its neighbours.
    /// Should one arrive after all it is a duplicate. Returns how many.
    pub fn fill_gaps(&mut self, widest: u16) -> u64 {
        let Some(next) = self.next else { return 0 };
        // The last before the gap may be reported already; before the first that is known nothing can be filled.
        let mut place = self.arrivals.partition_point(|known| known.sequence < next).max(1);
        let mut filled = 0_u64;
        while let Some((before, after)) =
            place.checked_sub(1).and_then(|before| self.arrivals.get(before).copied().zip(self.arrivals.get(place).copied()))
        {
            let gap = after.sequence.saturating_sub(before.sequence).saturating_sub(1);
            if (1..=i64::from(widest)).contains(&gap) && self.arrivals.len() < MAX_ARRIVALS {
                let share = after.at.saturating_sub(before.at).checked_div(gap.saturating_add(1)).unwrap_or(0);
                self.arrivals.insert(place, Arrival { sequence: before.sequence.saturating_add(1), at: before.at.saturating_add(share) });
                filled = filled.saturating_add(1);
            }
            place = place.saturating_add(1);
        }
        filled
    }

    /// Appends one feedback message about packets not yet reported, the oldest first.
    /// False, and nothing appended, when there is nothing to report; after true there may be more.
    ///
    /// A message takes at most about 1 KiB, so it fits into a datagram beside other RTCP.
    pub fn build(&mut self, sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) -> bool {
        let Some(next) = self.next else { return false };
        let first = self.arrivals.partition_point(|known| known.sequence < next);
        let mut unreported = self.arrivals.range(first..);
        let Some(oldest) = unreported.next() else { return false };
        self.message.begin(next, *oldest);
        let last = unreported.take_while(|arrival| self.message.push(**arrival)).last().unwrap_or(oldest).sequence;
        let (message, count) = (&self.message, self.feedback_count);
        rtcp::write_transport_feedback(sender_ssrc, media_ssrc, out, |out| message.write(count, out));
        self.feedback_count = self.feedback_count.wrapping_add(1);
        self.next = Some(last.saturating_add(1));
        self.forget_old(last);
        true
    }

    /// Forgets what was reported, `last` being the last, and arrived a while ago.
    fn forget_old(&mut self, last: i64) {
        let newest = self.arrivals.back().map_or(0, |arrival| arrival.at);
        let is_old = |arrival: &&Arrival| arrival.sequence <= last && newest.saturating_sub(arrival.at) > MAX_AGE;
        self.forget(self.arrivals.iter().take_while(is_old).count());
    }

    /// Forgets the first `count` arrivals, reported or not.
    fn forget(&mut self, count: usize) {
        if let Some(last) = self.arrivals.drain(..count).next_back() {
            self.forgotten = Some(last.sequence);
            self.next = self.next.map(|next| next.max(last.sequence.saturating_add(1)));
        }
    }
}

fn ticks(arrival: Duration) -> Ticks {
    Ticks::try_from(arrival.as_micros() / 250).unwrap_or(Ticks::MAX)
}
