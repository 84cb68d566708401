//! Writing: each function appends one packet, so that calls in a row make a compound.

use super::{HEADER_LEN, ReportBlock, SenderInfo, format, packet_type};

/// The five bits of the report count hold no more.
pub const MAX_REPORT_BLOCKS: usize = 31;

/// Likewise of the source count of a BYE.
const MAX_BYE_SSRCS: usize = 31;

/// SDES item type of the canonical name (RFC 3550 section 6.5.1).
const CNAME: u8 = 1;

/// Bits of the mantissa of REMB's bitrate.
const REMB_MANTISSA_BITS: u32 = 18;

/// How many numbers behind its PID a NACK's BLP can name.
const BLP_BITS: u16 = 16;

/// Appends a sender report. Blocks beyond [`MAX_REPORT_BLOCKS`] are left out.
pub fn write_sender_report(info: &SenderInfo, reports: &[ReportBlock], out: &mut Vec<u8>) {
    let reports = reports.get(..MAX_REPORT_BLOCKS).unwrap_or(reports);
    write_packet(packet_type::SENDER_REPORT, count(reports), out, |out| {
        put_u32(info.ssrc, out);
        out.extend_from_slice(&info.ntp.to_be_bytes());
        put_u32(info.rtp_timestamp, out);
        put_u32(info.packet_count, out);
        put_u32(info.octet_count, out);
        reports.iter().for_each(|report| put_report_block(report, out));
    });
}

/// Appends a receiver report of `ssrc`. Blocks beyond [`MAX_REPORT_BLOCKS`] are left out.
pub fn write_receiver_report(ssrc: u32, reports: &[ReportBlock], out: &mut Vec<u8>) {
    let reports = reports.get(..MAX_REPORT_BLOCKS).unwrap_or(reports);
    write_packet(packet_type::RECEIVER_REPORT, count(reports), out, |out| {
        put_u32(ssrc, out);
        reports.iter().for_each(|report| put_report_block(report, out));
    });
}

/// Appends a source description with the canonical name, of which the first 255 octets count.
pub fn write_sdes_cname(ssrc: u32, cname: &str, out: &mut Vec<u8>) {
    let name = cname.as_bytes().get(..usize::from(u8::MAX)).unwrap_or(cname.as_bytes());
    write_packet(packet_type::SOURCE_DESCRIPTION, 1, out, |out| {
        put_u32(ssrc, out);
        out.extend_from_slice(&[CNAME, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
        out.extend_from_slice(name);
        // At least one zero ends the list of items; padding to the word follows.
        out.push(0);
    });
}

/// Appends a generic NACK for `lost`, ascending in wrapping order; nothing if it is empty.
///
/// An entry is 4 octets and names one number and any of the 16 behind it, so 250 scattered numbers make 1000 octets.
pub fn write_nack(sender: u32, media: u32, lost: &[u16], out: &mut Vec<u8>) {
    if lost.is_empty() {
        return;
    }
    write_feedback(packet_type::TRANSPORT_FEEDBACK, format::NACK, sender, media, out, |out| {
        let mut rest = lost;
        while let Some((&pid, behind)) = rest.split_first() {
            let covered = behind.iter().take_while(|number| (1..=BLP_BITS).contains(&number.wrapping_sub(pid))).count();
            let (covered, behind) = behind.split_at_checked(covered).unwrap_or((behind, &[]));
            let blp = covered.iter().fold(0, |blp, number| blp | 1_u32 << number.wrapping_sub(pid)) >> 1;
            out.extend_from_slice(&pid.to_be_bytes());
            out.extend_from_slice(&u16::try_from(blp).unwrap_or(u16::MAX).to_be_bytes());
            rest = behind;
        }
    });
}

/// Appends a picture loss indication.
pub fn write_pli(sender: u32, media: u32, out: &mut Vec<u8>) {
    write_feedback(packet_type::PAYLOAD_FEEDBACK, format::PLI, sender, media, out, |_| {});
}

/// Appends a receiver estimated maximum bitrate, rounded down to what the format holds. SSRCs beyond 255 are left out.
pub fn write_remb(sender: u32, bitrate: u64, ssrcs: &[u32], out: &mut Vec<u8>) {
    let ssrcs = ssrcs.get(..usize::from(u8::MAX)).unwrap_or(ssrcs);
    let exponent = (u64::BITS - REMB_MANTISSA_BITS).saturating_sub(bitrate.leading_zeros());
    // Both fit: the exponent is 46 at most, and the shift leaves 18 bits.
    let packed = u64::from(exponent) << REMB_MANTISSA_BITS | bitrate >> exponent;
    let [.., high, middle, low] = packed.to_be_bytes();
    write_feedback(packet_type::PAYLOAD_FEEDBACK, format::APPLICATION, sender, 0, out, |out| {
        out.extend_from_slice(b"REMB");
        out.extend_from_slice(&[count(ssrcs), high, middle, low]);
        ssrcs.iter().for_each(|ssrc| put_u32(*ssrc, out));
    });
}

/// Appends a BYE. SSRCs beyond 31 are left out.
pub fn write_bye(ssrcs: &[u32], out: &mut Vec<u8>) {
    let ssrcs = ssrcs.get(..MAX_BYE_SSRCS).unwrap_or(ssrcs);
    write_packet(packet_type::BYE, count(ssrcs), out, |out| ssrcs.iter().for_each(|ssrc| put_u32(*ssrc, out)));
}

/// Appends a transport-wide feedback message whose body `write_body` appends.
pub(crate) fn write_transport_feedback(sender: u32, media: u32, out: &mut Vec<u8>, write_body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let filled = write_feedback(packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_WIDE, sender, media, out, write_body);
    // Its body may end anywhere in a word. What fills the word is padding, so that nobody reads it as deltas.
    if let (1.., [first, .., last]) = (filled, out.get_mut(start..).unwrap_or_default()) {
        *first |= 0x20;
        *last = filled;
    }
}

/// Like [`write_packet`], with the common header of feedback messages.
fn write_feedback(packet_type: u8, format: u8, sender: u32, media: u32, out: &mut Vec<u8>, write_fci: impl FnOnce(&mut Vec<u8>)) -> u8 {
    write_packet(packet_type, format, out, |out| {
        put_u32(sender, out);
        put_u32(media, out);
        write_fci(out);
    })
}

/// Appends the common header and what `write_body` appends, filled up to a whole word with zeros. Returns how many.
pub(super) fn write_packet(packet_type: u8, count: u8, out: &mut Vec<u8>, write_body: impl FnOnce(&mut Vec<u8>)) -> u8 {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count, packet_type, 0, 0]);
    write_body(out);
    let len = out.len().saturating_sub(start);
    let words = len.div_ceil(4);
    let filled = words.saturating_mul(4).saturating_sub(len);
    out.resize(out.len().saturating_add(filled), 0);
    // What is written here is far shorter than 2¹⁶ words.
    let length = u16::try_from(words.saturating_sub(1)).unwrap_or(u16::MAX);
    if let Some([.., high, low]) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<HEADER_LEN>) {
        [*high, *low] = length.to_be_bytes();
    }
    u8::try_from(filled).unwrap_or(0)
}

fn put_report_block(report: &ReportBlock, out: &mut Vec<u8>) {
    // 24 bits signed; RFC 3550 appendix A.3 clamps.
    let [_, lost @ ..] = report.cumulative_lost.clamp(-0x80_0000, 0x7F_FFFF).to_be_bytes();
    put_u32(report.ssrc, out);
    out.push(report.fraction_lost);
    out.extend_from_slice(&lost);
    put_u32(report.highest_sequence, out);
    put_u32(report.jitter, out);
    put_u32(report.last_sr, out);
    put_u32(report.delay_since_last_sr, out);
}

pub(super) fn put_u32(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Callers cut what they count to what the field holds.
fn count<T>(items: &[T]) -> u8 {
    u8::try_from(items.len()).unwrap_or(u8::MAX)
}
