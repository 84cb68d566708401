//! RTCP: compound packets parsed lazily, and writers for what the plane sends (RFC 3550 section 6, RFC 4585, RFC 5104).

mod parse;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
mod tests;
mod write;
mod xr;

use std::fmt;

pub use parse::{Compound, FirEntries, NackedSequenceNumbers, ReportBlocks, Ssrcs};
pub(crate) use write::write_transport_feedback;
pub use write::{
    MAX_REPORT_BLOCKS, write_bye, write_nack, write_pli, write_receiver_report, write_remb, write_sdes_cname, write_sender_report,
};
pub use xr::{DelayReport, DelayReports, write_receiver_reference_time};

/// Octets of the common header of a packet.
const HEADER_LEN: usize = 4;
/// Octets of sender and media SSRC in a feedback message.
const FEEDBACK_HEADER_LEN: usize = 8;
const REPORT_BLOCK_LEN: usize = 24;

/// PT (RFC 3550 section 12.1, RFC 4585 section 6.1).
mod packet_type {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const BYE: u8 = 203;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
    pub(super) const EXTENDED_REPORT: u8 = 207;
}

/// FMT of feedback messages.
mod format {
    pub(super) const NACK: u8 = 1;
    pub(super) const TRANSPORT_WIDE: u8 = 15;
    pub(super) const PLI: u8 = 1;
    pub(super) const FIR: u8 = 4;
    pub(super) const APPLICATION: u8 = 15;
}

/// Why a compound packet cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpError {
    /// A packet reaches beyond the datagram, or what it counts beyond itself.
    Truncated,
    /// A version that is not 2.
    Version,
    /// A padding count that cannot be.
    Padding,
}

/// One packet of a compound.
#[derive(Clone, Debug)]
pub enum Packet<'a> {
    /// RFC 3550 section 6.4.1.
    SenderReport {
        /// What the sender tells about itself.
        info: SenderInfo,
        /// What it received.
        reports: ReportBlocks<'a>,
    },
    /// RFC 3550 section 6.4.2.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What it received.
        reports: ReportBlocks<'a>,
    },
    /// RFC 3550 section 6.5; not looked into.
    Sdes,
    /// RFC 3550 section 6.6.
    Bye {
        /// Streams that ended.
        ssrcs: Ssrcs<'a>,
    },
    /// RFC 4585 section 6.2.1.
    Nack {
        /// Who asks.
        sender: u32,
        /// Of which stream.
        media: u32,
        /// Sequence numbers asked for, in the order of the message.
        lost: NackedSequenceNumbers<'a>,
    },
    /// RFC 4585 section 6.3.1.
    Pli {
        /// Who asks.
        sender: u32,
        /// Of which stream.
        media: u32,
    },
    /// RFC 5104 section 4.3.1.
    Fir {
        /// Who asks.
        sender: u32,
        /// (ssrc, command sequence number) of each stream asked of.
        entries: FirEntries<'a>,
    },
    /// draft-alvestrand-rmcat-remb-03.
    Remb {
        /// Who tells.
        sender: u32,
        /// Bits a second.
        bitrate: u64,
        /// Streams that share them.
        ssrcs: Ssrcs<'a>,
    },
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01.
    TransportFeedback {
        /// Who tells.
        sender: u32,
        /// Some stream of the transport.
        media: u32,
        /// What follows the common feedback header.
        body: &'a [u8],
    },
    /// RFC 3611, of which only the delay since our last reference time is read.
    ExtendedReport {
        /// Who reports.
        ssrc: u32,
        /// Its answers to reference times (section 4.5).
        delays: DelayReports<'a>,
    },
    /// Anything else.
    Unknown {
        /// PT.
        packet_type: u8,
        /// The five bits behind the padding bit.
        format: u8,
    },
}

/// What a sender report tells about its sender (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sending stream.
    pub ssrc: u32,
    /// When the report was sent; see [`crate::ntp`].
    pub ntp: u64,
    /// The same moment on the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// RTP packets sent.
    pub packet_count: u32,
    /// Payload octets sent.
    pub octet_count: u32,
}

/// How one stream is received (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning, 24 bits signed: duplicates make it negative.
    pub cumulative_lost: i32,
    /// Highest sequence number received, wraps counted in the upper half.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP timestamp; 0: none yet.
    pub last_sr: u32,
    /// Since then, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl fmt::Display for RtcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "RTCP packet ends before a field that it announces",
            Self::Version => "RTCP version is not 2",
            Self::Padding => "RTCP padding is not possible",
        })
    }
}

impl std::error::Error for RtcpError {}
