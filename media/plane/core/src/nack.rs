//! Which packets of an incoming stream to ask for again, and when (RFC 4585 section 6.2.1).

use std::time::{Duration, Instant};

/// What a packet meant for the list of missing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The next, or the first behind a gap that is now being watched.
    New,
    /// One that was missing: late or retransmitted.
    Recovered,
    /// Not missing: a duplicate, or given up before.
    Old,
    /// Behind a gap too wide to repair. The list is empty now; a keyframe is wanted.
    Overflow,
}

/// The missing packets of one stream.
#[derive(Debug, Default)]
pub struct NackGenerator {}

impl NackGenerator {
    /// Notes a packet, whether it came on the stream itself or as a retransmission (with its original number).
    pub fn on_packet(&mut self, sequence_number: u16, now: Instant) -> Outcome {
        todo!()
    }

    /// Sequence numbers to ask for now, ascending in wrapping order; empty when nothing is due.
    ///
    /// * `rtt`: round trip to the sender, the time to wait for an answer before asking again; held to 10–500 ms.
    pub fn due(&mut self, now: Instant, rtt: Duration) -> &[u16] {
        todo!()
    }

    /// When [`Self::due`] will next have something to do; `None` when nothing is missing.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// Forgets everything missing before `sequence_number`: a keyframe that starts there makes it useless.
    pub fn forget_before(&mut self, sequence_number: u16) {
        todo!()
    }
}
