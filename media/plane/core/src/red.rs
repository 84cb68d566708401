//! Redundant audio data (RFC 2198): a packet carries its own frame and copies of earlier ones.

use std::fmt;

use arrayvec::ArrayVec;

/// Blocks of one packet that are read or written: nine earlier frames and the packet's own, as browsers send at most.
pub const MAX_BLOCKS: usize = 10;

/// F: another block header follows.
const FOLLOWED: u8 = 0x80;
/// What 14 bits of timestamp offset hold.
const MAX_OFFSET: u16 = 0x3FFF;
/// What 10 bits of block length hold.
const MAX_LENGTH: usize = 0x3FF;

/// Why a payload is not RED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedError {
    /// It ends before a header or block that it announces.
    Truncated,
    /// It has more than [`MAX_BLOCKS`].
    TooManyBlocks,
}

/// One encoded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// 0–127: what `data` is.
    pub payload_type: u8,
    /// How much older than the packet's timestamp the frame is, in timestamp units; 0 for the primary.
    pub timestamp_offset: u16,
    /// The frame; may be empty.
    pub data: &'a [u8],
}

/// The blocks of a payload in its order: oldest first, the primary last. Never empty.
///
/// # Errors
/// [`RedError`].
pub fn parse(payload: &[u8]) -> Result<ArrayVec<Block<'_>, MAX_BLOCKS>, RedError> {
    let mut headers = ArrayVec::<(u8, u16, usize), MAX_BLOCKS>::new();
    let mut rest = payload;
    let primary = loop {
        let (&first, behind) = rest.split_first().ok_or(RedError::Truncated)?;
        if first & FOLLOWED == 0 {
            rest = behind;
            break first;
        }
        let (&[_, offset, both, length], behind) = rest.split_first_chunk().ok_or(RedError::Truncated)?;
        let offset = u16::from(offset) << 6 | u16::from(both >> 2);
        let length = usize::from(both & 0x03) << 8 | usize::from(length);
        headers.try_push((first & !FOLLOWED, offset, length)).map_err(|_| RedError::TooManyBlocks)?;
        rest = behind;
    };
    let mut blocks = ArrayVec::new();
    for (payload_type, timestamp_offset, length) in headers {
        let (data, behind) = rest.split_at_checked(length).ok_or(RedError::Truncated)?;
        blocks.try_push(Block { payload_type, timestamp_offset, data }).map_err(|_| RedError::TooManyBlocks)?;
        rest = behind;
    }
    let primary = Block { payload_type: primary, timestamp_offset: 0, data: rest };
    blocks.try_push(primary).map_err(|_| RedError::TooManyBlocks)?;
    Ok(blocks)
}

/// The packet's own frame alone: what a receiver without RED is sent, under the primary's payload type.
///
/// # Errors
/// [`RedError`].
pub fn unpack(payload: &[u8]) -> Result<Block<'_>, RedError> {
    parse(payload)?.pop().ok_or(RedError::Truncated)
}

/// Makes all blocks of a sound payload ones of `payload_type`: what it is called differs between a sender and a receiver.
pub fn set_payload_types(payload: &mut [u8], payload_type: u8) {
    let mut rest = payload;
    while let Some((first, behind)) = rest.split_first_mut() {
        let followed = *first & FOLLOWED;
        *first = followed | (payload_type & !FOLLOWED);
        if followed == 0 {
            return;
        }
        let Some((_, behind)) = behind.split_at_mut_checked(3) else { return };
        rest = behind;
    }
}

/// Appends a RED payload to `out`: `previous` frames, oldest first, then the primary, whose offset does not count.
///
/// Frames that the format cannot hold are left out (an offset beyond 14 bits, a length beyond 10), as are the oldest of
/// more than nine: redundancy may be missing, the primary never.
pub fn pack(primary: &Block<'_>, previous: &[Block<'_>], out: &mut Vec<u8>) {
    let newest = previous.len().saturating_sub(MAX_BLOCKS.saturating_sub(1));
    let previous = previous.get(newest..).unwrap_or_default();
    let held = || previous.iter().filter(|block| block.timestamp_offset <= MAX_OFFSET && block.data.len() <= MAX_LENGTH);
    for block in held() {
        let length = u16::try_from(block.data.len()).unwrap_or(0);
        let [high, low] = (block.timestamp_offset << 2 | length >> 8).to_be_bytes();
        let [_, length] = length.to_be_bytes();
        out.extend_from_slice(&[FOLLOWED | block.payload_type, high, low, length]);
    }
    out.push(primary.payload_type & !FOLLOWED);
    held().for_each(|block| out.extend_from_slice(block.data));
    out.extend_from_slice(primary.data);
}

impl fmt::Display for RedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "RED payload ends before a block that it announces",
            Self::TooManyBlocks => "RED payload has more than ten blocks",
        })
    }
}

impl std::error::Error for RedError {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    /// Opus (111) of 20 ms before (offset 960, 3 octets), then the primary of 2 octets.
    const PACKET: [u8; 10] = [0xEF, 0x0F, 0x00, 0x03, 0x6F, b'o', b'l', b'd', b'm', b'e'];

    fn block(timestamp_offset: u16, data: &[u8]) -> Block<'_> {
        Block { payload_type: 111, timestamp_offset, data }
    }

    #[test]
    fn one_earlier_frame() {
        assert_eq!(parse(&PACKET).unwrap().as_slice(), [block(960, b"old"), block(0, b"me")]);
        assert_eq!(unpack(&PACKET), Ok(block(0, b"me")));
        let mut out = Vec::new();
        pack(&block(0, b"me"), &[block(960, b"old")], &mut out);
        assert_eq!(out, PACKET);
    }

    #[test]
    fn the_primary_alone_may_be_empty() {
        assert_eq!(parse(&[111]).unwrap().as_slice(), [block(0, b"")]);
        assert_eq!(unpack(&[111, 1]), Ok(block(0, &[1])));
    }

    #[test]
    fn every_cut_before_the_primary_is_an_error() {
        for len in 0..8 {
            assert_eq!(parse(&PACKET[..len]), Err(RedError::Truncated));
        }
    }

    #[test]
    fn payload_types_are_translated_in_the_headers_alone() {
        let mut packet = PACKET;
        set_payload_types(&mut packet, 109);
        assert_eq!(packet, [0xED, 0x0F, 0x00, 0x03, 0x6D, b'o', b'l', b'd', b'm', b'e']);
        set_payload_types(&mut packet, 111);
        assert_eq!(packet, PACKET);
        for len in 0..6 {
            set_payload_types(&mut packet[..len], 0xFF);
        }
    }

    #[test]
    fn blocks_are_bounded() {
        let packet = |count: usize| [[0xEF, 0, 0, 0].repeat(count), vec![111]].concat();
        assert_eq!(parse(&packet(9)).unwrap().len(), 10);
        assert_eq!(parse(&packet(10)), Err(RedError::TooManyBlocks));
        assert_eq!(parse(&packet(300)), Err(RedError::TooManyBlocks));
    }

    #[test]
    fn what_the_format_cannot_hold_is_left_out() {
        let long = [7; MAX_LENGTH + 1];
        let previous = [block(MAX_OFFSET + 1, b"a"), block(0, &long), block(MAX_OFFSET, &long[1..])];
        let mut out = Vec::new();
        pack(&block(0, b"me"), &previous, &mut out);
        assert_eq!(parse(&out).unwrap().as_slice(), [block(MAX_OFFSET, &long[1..]), block(0, b"me")]);
        out.clear();
        pack(&block(0, b"me"), &[block(1, b"x"); 12], &mut out);
        assert_eq!(parse(&out).unwrap().len(), MAX_BLOCKS);
    }
}
