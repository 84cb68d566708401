//! Transport-wide congestion control feedback for what we receive (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::Duration;

/// Collects arrival times of one transport and reports each once.
#[derive(Debug, Default)]
pub struct Recorder {}

impl Recorder {
    /// Notes that a packet with this transport-wide sequence number arrived.
    ///
    /// * `arrival`: since any fixed epoch, the same in all calls.
    pub fn on_packet(&mut self, sequence_number: u16, arrival: Duration) {
        todo!()
    }

    /// Appends one feedback message about packets not yet reported, the oldest first.
    /// False, and nothing appended, when there is nothing to report; after true there may be more.
    pub fn build(&mut self, sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) -> bool {
        todo!()
    }
}
