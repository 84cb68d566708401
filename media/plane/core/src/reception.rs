//! Reception statistics of one incoming stream for report blocks (RFC 3550 appendices A.1, A.3, A.8).

use std::time::Duration;

use crate::rtcp::ReportBlock;

/// What was received of one SSRC. Without probation: packets are authenticated before they come here.
#[derive(Clone, Debug, Default)]
pub struct Reception {}

impl Reception {
    /// Counts a packet.
    ///
    /// * `arrival`: since any fixed epoch, the same in all calls.
    /// * `clock_rate`: of the packet's payload type, Hz.
    pub fn on_packet(&mut self, sequence_number: u16, rtp_timestamp: u32, arrival: Duration, clock_rate: u32) {
        todo!()
    }

    /// Notes a sender report of the stream: its NTP timestamp and when it arrived.
    pub fn on_sender_report(&mut self, ntp: u64, arrival: Duration) {
        todo!()
    }

    /// The report block for `ssrc`, or `None` before the first packet. Starts the next interval of `fraction_lost`.
    pub fn report(&mut self, ssrc: u32, now: Duration) -> Option<ReportBlock> {
        todo!()
    }

    /// Packets received, duplicates included.
    #[must_use]
    pub fn received(&self) -> u64 {
        todo!()
    }

    /// Packets missing now (A.3); duplicates can hide some.
    #[must_use]
    pub fn lost(&self) -> u64 {
        todo!()
    }
}
