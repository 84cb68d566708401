//! Reading.

use super::{Packet, ReportBlock, RtcpError};

/// Iterator over the packets of a compound. Ends behind the first error.
#[derive(Clone, Debug)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

/// Report blocks of a report.
#[derive(Clone, Debug)]
pub struct ReportBlocks<'a>(&'a [u8]);

/// SSRCs listed in a packet.
#[derive(Clone, Debug)]
pub struct Ssrcs<'a>(&'a [u8]);

/// `(ssrc, command sequence number)` of the entries of a full intra request.
#[derive(Clone, Debug)]
pub struct Fci<'a>(&'a [u8]);

/// Sequence numbers named by a NACK: PID and the bits of BLP (RFC 4585 section 6.2.1).
#[derive(Clone, Debug)]
pub struct NackedSequenceNumbers<'a> {
    rest: &'a [u8],
    pid: u16,
    blp: u32,
}

impl<'a> Compound<'a> {
    /// Reads a decrypted datagram. Reduced-size packets (RFC 5506) are fine.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<Packet<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        todo!()
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        todo!()
    }
}

impl Iterator for Fci<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        todo!()
    }
}

impl Iterator for NackedSequenceNumbers<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        todo!()
    }
}
