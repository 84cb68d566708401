//! What a receiver reads of a repair packet (draft-ietf-payload-flexible-fec-scheme-03).

/// Octets before the mask.
const MASK: usize = 18;
/// Octets of the parts of a mask, each of which begins with the bit that says that it is the last.
const PARTS: [usize; 3] = [2, 4, 8];

/// The sequence numbers that a repair packet of one stream protects, and where in its payload the repair begins (section 4.2.1).
///
/// # Panics
/// Where the payload ends within the mask.
#[must_use]
pub fn protected(payload: &[u8]) -> (Vec<u16>, usize) {
    let base = u16::from_be_bytes([payload[MASK - 2], payload[MASK - 1]]);
    let (mut at, mut bits) = (MASK, Vec::new());
    for octets in PARTS {
        let part = &payload[at..at + octets];
        at += octets;
        bits.extend((1..8 * octets).map(|bit| part[bit / 8] & (0x80 >> (bit % 8)) != 0));
        if part[0] & 0x80 != 0 {
            break;
        }
    }
    ((0..).zip(bits).filter(|(_, set)| *set).map(|(bit, _)| base.wrapping_add(bit)).collect(), at)
}
