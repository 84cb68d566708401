//! Extended reports (RFC 3611): how one who only receives measures its round trip to a sender.
//!
//! A receiver report has no time that the sender could answer, so the receiver sends its own reference time (RRTR), and
//! the sender says how long it has held it (DLRR). libwebrtc answers with its sender reports whether or not SDP mentions it.

use super::packet_type::EXTENDED_REPORT;
use super::parse::words;
use super::write::{put_u32, write_packet};

/// Receiver reference time (section 4.4).
const RRTR: u8 = 4;
/// Delay since the last receiver reference time (section 4.5).
const DLRR: u8 = 5;
const SUB_BLOCK_LEN: usize = 12;

/// A sender's answer to one receiver's reference time (section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayReport {
    /// Whose reference time.
    pub receiver: u32,
    /// The middle 32 bits of its NTP timestamp; 0: none has arrived.
    pub last_rr: u32,
    /// Since then, in 1/65536 s.
    pub delay: u32,
}

/// The answers of an extended report. Ends at the first block that does not fit.
#[derive(Clone, Debug)]
pub struct DelayReports<'a> {
    blocks: &'a [u8],
    sub_blocks: &'a [u8],
}

impl<'a> DelayReports<'a> {
    pub(super) const fn new(blocks: &'a [u8]) -> Self {
        Self { blocks, sub_blocks: &[] }
    }

    /// The sub-blocks of the next block; `None` behind the last. Blocks that are no answers have none.
    fn next_block(&mut self) -> Option<&'a [u8]> {
        let (&[kind, _, words0, words1], rest) = self.blocks.split_first_chunk()?;
        let len = usize::from(u16::from_be_bytes([words0, words1])).saturating_mul(4);
        let (body, rest) = rest.split_at_checked(len)?;
        self.blocks = rest;
        Some(if kind == DLRR { body } else { &[] })
    }
}

impl Iterator for DelayReports<'_> {
    type Item = DelayReport;

    fn next(&mut self) -> Option<DelayReport> {
        loop {
            if let Some((sub_block, rest)) = self.sub_blocks.split_first_chunk::<SUB_BLOCK_LEN>() {
                self.sub_blocks = rest;
                let [receiver, last_rr, delay] = words(sub_block);
                return Some(DelayReport { receiver, last_rr, delay });
            }
            self.sub_blocks = self.next_block()?;
        }
    }
}

/// Appends an extended report of `ssrc` with its reference time (section 4.4), for senders to answer.
pub fn write_receiver_reference_time(ssrc: u32, ntp: u64, out: &mut Vec<u8>) {
    write_packet(EXTENDED_REPORT, 0, out, |out| {
        put_u32(ssrc, out);
        out.extend_from_slice(&[RRTR, 0, 0, 2]);
        out.extend_from_slice(&ntp.to_be_bytes());
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::super::{Compound, Packet};
    use super::*;

    fn delays(datagram: &[u8]) -> Vec<DelayReport> {
        match Compound::new(datagram).next() {
            Some(Ok(Packet::ExtendedReport { ssrc: 9, delays })) => delays.collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reference_time_is_no_answer() {
        let mut out = Vec::new();
        write_receiver_reference_time(9, 0x1122_3344_5566_7788, &mut out);
        assert_eq!(out, [0x80, 207, 0, 4, 0, 0, 0, 9, 4, 0, 0, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
        assert_eq!(delays(&out), []);
    }

    #[test]
    fn answers_are_found_behind_other_blocks() {
        let mut packet = vec![0x80, 207, 0, 11, 0, 0, 0, 9, 42, 0, 0, 1, 1, 2, 3, 4];
        packet.extend([5, 0, 0, 6]);
        packet.extend([0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0x80, 0]);
        packet.extend([0, 0, 0, 7, 0, 3, 0, 0, 0, 1, 0, 0]);
        packet.extend([0; 4]);
        let expected = [
            DelayReport { receiver: 1, last_rr: 0x2_0000, delay: 0x8000 },
            DelayReport { receiver: 7, last_rr: 0x3_0000, delay: 0x1_0000 },
        ];
        assert_eq!(delays(&packet), expected);
        for cut in 16..packet.len() {
            let mut short = packet[..cut - cut % 4].to_vec();
            short[3] = u8::try_from(short.len() / 4 - 1).unwrap();
            assert!(delays(&short).len() <= 2);
        }
    }
}
