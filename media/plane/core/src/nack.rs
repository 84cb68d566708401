//! Which packets of an incoming stream to ask for again, and when (RFC 4585 section 6.2.1).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sequence::{SequenceUnwrapper, low16};

/// Missing packets watched at once; the browsers' own limit. More than that a keyframe repairs sooner.
const MAX_MISSING: usize = 1000;

/// Numbers returned by one [`NackGenerator::due`]: however scattered, a NACK of them fits into a datagram.
const MAX_DUE: usize = 250;

/// How late a packet may come before it is asked for: bursts overtake one another by a few milliseconds.
const REORDER_GRACE: Duration = Duration::from_millis(5);

/// Requests for one packet; the browsers' own limit.
const MAX_REQUESTS: u8 = 10;

/// No decoder waits longer.
const MAX_AGE: Duration = Duration::from_secs(2);

/// Bounds of the time to wait for an answer. The lower makes ten requests outlast an outage of 200 ms.
const MIN_INTERVAL: Duration = Duration::from_millis(20);
const MAX_INTERVAL: Duration = Duration::from_millis(500);

/// What a packet meant for the list of missing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The next, or the first behind a gap that is now being watched.
    New,
    /// One that was missing: late or retransmitted.
    Recovered {
        /// How long ago it was asked for, if exactly once: else nobody can tell which request was answered.
        answered_after: Option<Duration>,
    },
    /// Not missing: a duplicate, or given up before.
    Old,
    /// Behind a gap too wide to repair. The list is empty now; a keyframe is wanted.
    Overflow,
}

/// The missing packets of one stream.
#[derive(Debug, Default)]
pub struct NackGenerator {
    sequence: SequenceUnwrapper,
    /// Ascending.
    missing: VecDeque<Missing>,
    /// What is missing before this is not needed to go on decoding.
    keyframe: Option<i64>,
    /// Not later than the earliest `ask_at`.
    deadline: Option<Instant>,
    /// What [`Self::due`] returned last; kept for its memory.
    due: Vec<u16>,
    /// What is not waited for any longer, until it is taken.
    given_up: Vec<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    /// Unrolled.
    sequence: i64,
    since: Instant,
    /// When it was last asked for; its coming to be known before that.
    asked: Instant,
    ask_at: Instant,
    requests: u8,
}

impl NackGenerator {
    /// Notes a packet, whether it came on the stream itself or as a retransmission (with its original number).
    pub fn on_packet(&mut self, sequence_number: u16, now: Instant) -> Outcome {
        let before = self.sequence.highest();
        let sequence = self.sequence.unwrap(sequence_number);
        match before {
            Some(highest) if sequence <= highest => self.recover(sequence, now),
            Some(highest) => self.watch(highest.saturating_add(1)..sequence, now),
            None => Outcome::New,
        }
    }

    /// Sequence numbers to ask for now, ascending in wrapping order; empty when nothing is due.
    ///
    /// At most 250, so that a NACK of them fits into a datagram; then [`Self::deadline`] is still `now` or earlier.
    ///
    /// * `answer_within`: the time to wait for an answer before asking again, about a round trip; held to 20–500 ms.
    pub fn due(&mut self, now: Instant, answer_within: Duration) -> &[u16] {
        self.due.clear();
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return &self.due;
        }
        let Self { missing, given_up, keyframe, .. } = self;
        missing.retain(|missing| {
            let hopeless = missing.is_hopeless(now, *keyframe);
            if hopeless {
                given_up.push(low16(missing.sequence));
            }
            !hopeless
        });
        let ask_again_at = now.checked_add(answer_within.clamp(MIN_INTERVAL, MAX_INTERVAL)).unwrap_or(now);
        for missing in self.missing.iter_mut().filter(|missing| missing.ask_at <= now).take(MAX_DUE) {
            missing.requests = missing.requests.saturating_add(1);
            missing.asked = now;
            missing.ask_at = ask_again_at;
            self.due.push(low16(missing.sequence));
        }
        self.deadline = self.missing.iter().map(|missing| missing.ask_at).min();
        &self.due
    }

    /// When [`Self::due`] will next have something to do; `None` when nothing is missing.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Takes what [`Self::due`] has stopped to ask for since the last call: no more than 1000 numbers, ascending.
    pub fn take_given_up(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.given_up)
    }

    /// Notes that a keyframe starts at `sequence_number`: what is missing before it is asked for once at most, because
    /// a packet that was only overtaken still comes, and the others are not worth the uplink.
    pub fn on_keyframe(&mut self, sequence_number: u16) {
        // On a copy: this is no packet.
        let sequence = self.sequence.clone().unwrap(sequence_number);
        self.keyframe = Some(self.keyframe.map_or(sequence, |newest| newest.max(sequence)));
    }

    /// A packet that is not ahead of all others.
    fn recover(&mut self, sequence: i64, now: Instant) -> Outcome {
        match self.missing.binary_search_by_key(&sequence, |missing| missing.sequence) {
            Ok(at) => {
                let once = self.missing.remove(at).filter(|missing| missing.requests == 1);
                self.settle();
                Outcome::Recovered { answered_after: once.map(|missing| now.saturating_duration_since(missing.asked)) }
            }
            Err(_) => Outcome::Old,
        }
    }

    /// A packet behind this gap, which may be empty.
    fn watch(&mut self, gap: std::ops::Range<i64>, now: Instant) -> Outcome {
        let width = usize::try_from(gap.end.saturating_sub(gap.start)).unwrap_or(usize::MAX);
        if width == 0 {
            return Outcome::New;
        }
        if self.missing.len().saturating_add(width) > MAX_MISSING {
            let room = MAX_MISSING.saturating_sub(self.given_up.len());
            self.given_up.extend(self.missing.drain(..).take(room).map(|missing| low16(missing.sequence)));
            self.settle();
            return Outcome::Overflow;
        }
        let ask_at = now.checked_add(REORDER_GRACE).unwrap_or(now);
        self.missing.extend(gap.map(|sequence| Missing { sequence, since: now, asked: now, ask_at, requests: 0 }));
        self.deadline = Some(self.deadline.map_or(ask_at, |deadline| deadline.min(ask_at)));
        Outcome::New
    }

    /// Without missing packets nothing is ever due. Otherwise a deadline that is too early only costs a look.
    fn settle(&mut self) {
        if self.missing.is_empty() {
            self.deadline = None;
        }
    }
}

impl Missing {
    /// Asked for as often as it is worth (and the last answer waited for), or missing for too long.
    fn is_hopeless(&self, now: Instant, keyframe: Option<i64>) -> bool {
        let answered = self.ask_at <= now;
        let worth = if keyframe.is_some_and(|keyframe| self.sequence < keyframe) { 1 } else { MAX_REQUESTS };
        (answered && self.requests >= worth) || now.saturating_duration_since(self.since) > MAX_AGE
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A generator that received these at one moment.
    fn received(sequence_numbers: &[u16], now: Instant) -> NackGenerator {
        let mut generator = NackGenerator::default();
        for &sequence_number in sequence_numbers {
            generator.on_packet(sequence_number, now);
        }
        generator
    }

    #[test]
    fn nothing_missing_nothing_due() {
        let start = Instant::now();
        let mut generator = received(&[65_534, 65_535, 0, 1, 1], start);
        assert_eq!(generator.deadline(), None);
        assert!(generator.due(start + ms(1000), RTT).is_empty());
    }

    #[test]
    fn asks_after_the_grace_then_once_a_round_trip() {
        let start = Instant::now();
        let mut generator = received(&[65_534, 2], start);
        assert_eq!(generator.deadline(), Some(start + REORDER_GRACE));
        assert!(generator.due(start + ms(4), RTT).is_empty());
        assert_eq!(generator.due(start + ms(5), RTT), [65_535, 0, 1]);
        assert!(generator.due(start + ms(104), RTT).is_empty());
        assert_eq!(generator.deadline(), Some(start + ms(105)));
        assert_eq!(generator.due(start + ms(105), RTT), [65_535, 0, 1]);
    }

    #[test]
    fn what_arrives_is_not_asked_for() {
        let start = Instant::now();
        let mut generator = received(&[10, 14], start);
        assert_eq!(generator.on_packet(12, start), Outcome::Recovered { answered_after: None });
        assert_eq!(generator.on_packet(12, start), Outcome::Old);
        assert_eq!(generator.due(start + ms(5), RTT), [11, 13]);
        assert_eq!(generator.on_packet(11, start + ms(47)), Outcome::Recovered { answered_after: Some(ms(42)) });
        assert_eq!(generator.due(start + ms(105), RTT), [13]);
        let twice = Outcome::Recovered { answered_after: None };
        assert_eq!(generator.on_packet(13, start + ms(150)), twice, "asked for twice: no sample");
        assert_eq!(generator.on_packet(15, start), Outcome::New);
        assert_eq!((generator.deadline(), generator.take_given_up()), (None, vec![]));
    }

    #[test]
    fn gives_up_after_ten_requests() {
        let start = Instant::now();
        let mut generator = received(&[1, 3], start);
        let mut requests = 0;
        while let Some(deadline) = generator.deadline() {
            requests += generator.due(deadline, Duration::ZERO).len();
        }
        assert_eq!((requests, generator.take_given_up()), (10, vec![2]));
        assert_eq!(generator.on_packet(2, start + ms(300)), Outcome::Old);
    }

    #[test]
    fn gives_up_after_two_seconds() {
        let start = Instant::now();
        let mut generator = received(&[1, 3], start);
        let mut last = start;
        while let Some(deadline) = generator.deadline() {
            if !generator.due(deadline, ms(5000)).is_empty() {
                last = deadline;
            }
        }
        assert_eq!(last, start + ms(1505));
    }

    #[test]
    fn a_gap_too_wide_empties_the_list() {
        let start = Instant::now();
        let mut generator = received(&[0, 2], start);
        assert_eq!(generator.on_packet(1003, start), Outcome::Overflow);
        assert_eq!((generator.deadline(), generator.take_given_up()), (None, vec![1]));
        assert_eq!(generator.on_packet(2004, start), Outcome::New);
        assert!(generator.deadline().is_some());
    }

    #[test]
    fn many_are_asked_for_in_portions() {
        let start = Instant::now();
        let mut generator = received(&[0, 1001], start);
        let now = start + REORDER_GRACE;
        let mut asked = Vec::new();
        while generator.deadline().unwrap() <= now {
            let due = generator.due(now, RTT);
            assert!(due.len() <= MAX_DUE);
            asked.extend_from_slice(due);
        }
        assert_eq!(asked, (1..=1000).collect::<Vec<_>>());
    }

    #[test]
    fn what_precedes_a_keyframe_is_asked_for_once() {
        let start = Instant::now();
        let mut generator = received(&[65_533, 65_535, 2], start);
        generator.on_keyframe(65_535);
        assert_eq!(generator.due(start + ms(5), RTT), [65_534, 0, 1]);
        assert_eq!(generator.due(start + ms(105), RTT), [0, 1]);
        assert_eq!(generator.take_given_up(), [65_534]);
        generator.on_keyframe(2);
        assert!(generator.due(start + ms(205), RTT).is_empty());
        assert_eq!((generator.deadline(), generator.take_given_up()), (None, vec![0, 1]));
    }
}
