//! Writing: each function appends one packet, so that calls in a row make a compound.

use super::{ReportBlock, SenderInfo};

/// The five bits of the report count hold no more.
pub const MAX_REPORT_BLOCKS: usize = 31;

/// Appends a sender report. Blocks beyond [`MAX_REPORT_BLOCKS`] are left out.
pub fn write_sender_report(info: &SenderInfo, reports: &[ReportBlock], out: &mut Vec<u8>) {
    todo!()
}

/// Appends a receiver report of `ssrc`. Blocks beyond [`MAX_REPORT_BLOCKS`] are left out.
pub fn write_receiver_report(ssrc: u32, reports: &[ReportBlock], out: &mut Vec<u8>) {
    todo!()
}

/// Appends a source description with the canonical name, of which the first 255 octets count.
pub fn write_sdes_cname(ssrc: u32, cname: &str, out: &mut Vec<u8>) {
    todo!()
}

/// Appends a generic NACK for `lost`, ascending in wrapping order; nothing if it is empty.
pub fn write_nack(sender: u32, media: u32, lost: &[u16], out: &mut Vec<u8>) {
    todo!()
}

/// Appends a picture loss indication.
pub fn write_pli(sender: u32, media: u32, out: &mut Vec<u8>) {
    todo!()
}

/// Appends a receiver estimated maximum bitrate, rounded down to what the format holds.
pub fn write_remb(sender: u32, bitrate: u64, ssrcs: &[u32], out: &mut Vec<u8>) {
    todo!()
}

/// Appends a BYE. SSRCs beyond 31 are left out.
pub fn write_bye(ssrcs: &[u32], out: &mut Vec<u8>) {
    todo!()
}
