//! Repair packets of FlexFEC (draft-ietf-payload-flexible-fec-scheme-03): the parity of some packets of one stream, by which a
//! receiver that misses one of them has it back. Browsers speak this version of the draft, with a flexible mask and one stream.

use crate::rtp::FIXED_LEN;

/// How many consecutive sequence numbers a mask reaches over (section 4.2.1: 15, 31 and 63 bits).
pub const MAX_SPAN: u16 = 109;

/// Octets in front of the mask.
const FIXED_HEADER_LEN: usize = 18;
/// Where an RTP header has its timestamp.
const TIMESTAMP_AT: usize = 4;
/// Streams protected by one repair packet.
const SSRC_COUNT: u8 = 1;

/// Which of the `count` repair packets of a group protect its packet of this index: one or two of them.
///
/// Most packets are in two, so that what one repairs lets another repair more, and as long as it can be no two packets are in the
/// same ones: any two losses are repaired of groups of up to twice as many packets. Of 10 packets with 5 repair packets, a fifth
/// of all lost, a fifth of the lost ones stays lost; with one repair packet for each packet it would be twice as many.
#[must_use]
pub fn rows(index: usize, count: usize) -> (usize, Option<usize>) {
    let round = index.checked_div(count).unwrap_or(0);
    let first = index.checked_rem(count).unwrap_or(0);
    // Pairs so far apart are all different; the round behind them is of packets in one alone.
    let farthest = count.saturating_sub(1) >> 1;
    let step = match count {
        0 | 1 => 0,
        2 => round & 1,
        _ => round.saturating_add(1).checked_rem(farthest.saturating_add(1)).unwrap_or(0),
    };
    let second = first.saturating_add(step).checked_rem(count).filter(|_| step > 0);
    (first, second)
}

/// Appends the payload of a repair packet for `packets` of the stream `ssrc`: (sequence number, plain RTP packet), in ascending order.
/// False, and nothing appended, where there are none, or where they span more than [`MAX_SPAN`].
///
/// What changes on the way to the wire (transport-wide number, send time) has to be zero in them, as receivers make it.
pub fn write<'a>(ssrc: u32, packets: impl Iterator<Item = (u16, &'a [u8])>, out: &mut Vec<u8>) -> bool {
    let mut packets = packets.peekable();
    let Some(&(base, _)) = packets.peek() else { return false };
    let (mut flags, mut timestamp, mut length, mut mask, mut body) = ([0_u8; 2], [0_u8; 4], 0_u16, 0_u128, Vec::new());
    for (sequence, packet) in packets {
        let distance = sequence.wrapping_sub(base);
        if distance >= MAX_SPAN {
            return false;
        }
        mask |= 1 << MAX_SPAN.saturating_sub(1).saturating_sub(distance);
        let (fixed, rest) = packet.split_at_checked(FIXED_LEN).unwrap_or_default();
        xor(&mut flags, fixed);
        xor(&mut timestamp, fixed.get(TIMESTAMP_AT..).unwrap_or_default());
        length ^= u16::try_from(rest.len()).unwrap_or(u16::MAX);
        body.resize(rest.len().max(body.len()), 0);
        xor(&mut body, rest);
    }
    // R and F stand where RTP has its version: no retransmission, and the mask is flexible.
    flags[0] &= 0x3F;
    out.extend_from_slice(&flags);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&timestamp);
    out.extend_from_slice(&[SSRC_COUNT, 0, 0, 0]);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&base.to_be_bytes());
    write_mask(mask, out);
    out.extend_from_slice(&body);
    true
}

/// The mask in as few parts as hold it; a bit in front of each says whether it is the last.
fn write_mask(mask: u128, out: &mut Vec<u8>) {
    let part = |shift: u32, bits: u32| (mask >> shift) & ((1_u128 << bits).wrapping_sub(1));
    let (first, second, third) = (part(94, 15), part(63, 31), part(0, 63));
    let last = |is_last: bool, bits: u32| u128::from(is_last) << bits;
    let [.., a, b] = (first | last(second == 0 && third == 0, 15)).to_be_bytes();
    out.extend_from_slice(&[a, b]);
    if second != 0 || third != 0 {
        let [.., a, b, c, d] = (second | last(third == 0, 31)).to_be_bytes();
        out.extend_from_slice(&[a, b, c, d]);
    }
    if third != 0 {
        let [.., a, b, c, d, e, f, g, h] = (third | last(true, 63)).to_be_bytes();
        out.extend_from_slice(&[a, b, c, d, e, f, g, h]);
    }
}

/// Octets that a repair packet has more than the longest packet that it protects, behind the RTP header.
#[must_use]
pub const fn most_overhead() -> usize {
    FIXED_HEADER_LEN.saturating_add(14)
}

fn xor(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= from;
    }
}

#[cfg(test)]
#[path = "flexfec_tests.rs"]
mod tests;
