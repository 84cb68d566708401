//! RTP packet headers (RFC 3550 section 5.1).

use std::fmt;
use std::ops::Range;

use crate::extension::Elements;

/// Octets of a header without CSRCs and extension.
pub const FIXED_LEN: usize = 12;
/// P in the first octet: the packet ends with padding.
pub(crate) const PADDING: u8 = 0x20;
/// M in the second octet.
pub(crate) const MARKER: u8 = 0x80;

/// Sequence number and timestamp of a packet, where it is long enough for both.
pub(crate) fn numbers_of(packet: &[u8]) -> Option<(u16, u32)> {
    let [_, _, s0, s1, t0, t1, t2, t3, ..] = *packet else { return None };
    Some((u16::from_be_bytes([s0, s1]), u32::from_be_bytes([t0, t1, t2, t3])))
}

/// Why a packet is not RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtpError {
    /// It ends before a field that it announces.
    Truncated,
    /// Its version is not 2.
    Version,
    /// Its padding count is zero or longer than the payload.
    Padding,
}

/// The fields that every RTP header has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// M: for video the last packet of a frame, for audio the first of a talkspurt.
    pub marker: bool,
    /// 0–127.
    pub payload_type: u8,
    /// Counts packets, wraps.
    pub sequence_number: u16,
    /// In units of the payload type's clock, wraps.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// Where a packet's header extension lies (RFC 3550 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionBlock {
    /// "Defined by profile": 0xBEDE for one-byte elements, 0x1000–0x100F for two-byte elements (RFC 8285).
    pub profile: u16,
    /// Offset of the first element from the start of the packet.
    pub start: usize,
    /// Offset behind the block.
    pub end: usize,
}

/// A parsed header. It borrows nothing, so it outlives decryption in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// M.
    pub marker: bool,
    /// P: the last octet of the payload counts the padding octets. Readable only after decryption.
    pub padding: bool,
    /// 0–127.
    pub payload_type: u8,
    /// Counts packets, wraps.
    pub sequence_number: u16,
    /// In units of the payload type's clock, wraps.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Octets before the payload, CSRCs and extension included.
    pub header_len: usize,
    /// The header extension, where there is one.
    pub extension: Option<ExtensionBlock>,
}

impl Header {
    /// Parses a header. The payload is not looked at, so this works on SRTP too.
    ///
    /// # Errors
    /// [`RtpError::Truncated`] or [`RtpError::Version`].
    pub fn parse(packet: &[u8]) -> Result<Self, RtpError> {
        let &[first, second, seq0, seq1, ts0, ts1, ts2, ts3, ssrc0, ssrc1, ssrc2, ssrc3] =
            packet.first_chunk::<FIXED_LEN>().ok_or(RtpError::Truncated)?;
        if first >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let csrc_end = FIXED_LEN.saturating_add(usize::from(first & 0x0F).saturating_mul(4));
        let extension = if first & 0x10 == 0 { None } else { Some(ExtensionBlock::parse(packet, csrc_end)?) };
        let header_len = extension.map_or(csrc_end, |block| block.end);
        if packet.len() < header_len {
            return Err(RtpError::Truncated);
        }
        Ok(Self {
            marker: second & MARKER != 0,
            padding: first & PADDING != 0,
            payload_type: second & 0x7F,
            sequence_number: u16::from_be_bytes([seq0, seq1]),
            timestamp: u32::from_be_bytes([ts0, ts1, ts2, ts3]),
            ssrc: u32::from_be_bytes([ssrc0, ssrc1, ssrc2, ssrc3]),
            header_len,
            extension,
        })
    }

    /// Where the payload of the decrypted `packet` lies, without padding.
    ///
    /// # Errors
    /// [`RtpError::Padding`] or [`RtpError::Truncated`].
    pub fn payload_range(&self, packet: &[u8]) -> Result<Range<usize>, RtpError> {
        let payload = packet.get(self.header_len..).ok_or(RtpError::Truncated)?;
        let padding = match (self.padding, payload.last()) {
            (false, _) => 0,
            (true, Some(&count)) if count > 0 => usize::from(count),
            (true, _) => return Err(RtpError::Padding),
        };
        let payload_len = payload.len().checked_sub(padding).ok_or(RtpError::Padding)?;
        Ok(self.header_len..self.header_len.saturating_add(payload_len))
    }

    /// The header extension elements of `packet` (RFC 8285), in order; none where there are none.
    #[must_use]
    pub fn elements<'a>(&self, packet: &'a [u8]) -> Elements<'a> {
        let block = self.extension.and_then(|block| Some((block.profile, packet.get(block.start..block.end)?)));
        block.map_or_else(Elements::empty, |(profile, data)| Elements::new(profile, data))
    }

    /// The fields that every header has.
    #[must_use]
    pub const fn fields(&self) -> Fields {
        Fields {
            marker: self.marker,
            payload_type: self.payload_type,
            sequence_number: self.sequence_number,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        }
    }
}

impl ExtensionBlock {
    /// Parses the extension header at `offset`. The caller checks that the packet reaches to its end.
    fn parse(packet: &[u8], offset: usize) -> Result<Self, RtpError> {
        let head = packet.get(offset..).and_then(<[u8]>::first_chunk::<4>).ok_or(RtpError::Truncated)?;
        let &[profile0, profile1, words0, words1] = head;
        let start = offset.saturating_add(head.len());
        let len = usize::from(u16::from_be_bytes([words0, words1])).saturating_mul(4);
        Ok(Self { profile: u16::from_be_bytes([profile0, profile1]), start, end: start.saturating_add(len) })
    }
}

impl fmt::Display for RtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "RTP packet ends before a field that it announces",
            Self::Version => "RTP version is not 2",
            Self::Padding => "RTP padding is zero or longer than the payload",
        })
    }
}

impl std::error::Error for RtpError {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    /// Marker, payload type 97, two CSRCs, one word of extension, payload "abcd".
    const PACKET: [u8; 32] = [
        0x92, 0xE1, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0, b'a', b'b', b'c', b'd',
    ];

    #[test]
    fn all_fields() {
        let header = Header::parse(&PACKET).unwrap();
        let fields = Fields { marker: true, payload_type: 97, sequence_number: 0x1234, timestamp: 9, ssrc: 7 };
        assert_eq!(header.fields(), fields);
        assert_eq!(header.extension, Some(ExtensionBlock { profile: 0xBEDE, start: 24, end: 28 }));
        assert_eq!(header.elements(&PACKET).collect::<Vec<_>>(), [(1, [0xAA].as_slice())]);
        assert_eq!(header.payload_range(&PACKET), Ok(28..32));
    }

    #[test]
    fn every_cut_in_the_header_is_an_error() {
        for len in 0..28 {
            assert_eq!(Header::parse(&PACKET[..len]), Err(RtpError::Truncated));
        }
        assert!(Header::parse(&PACKET[..28]).is_ok());
    }

    #[test]
    fn only_version_2() {
        let mut packet = PACKET;
        packet[0] = 0x52;
        assert_eq!(Header::parse(&packet), Err(RtpError::Version));
    }

    #[test]
    fn padding_is_stripped_or_refused() {
        let mut packet = PACKET;
        packet[0] |= 0x20;
        for (count, expected) in [(1, Ok(28..31)), (4, Ok(28..28)), (0, Err(RtpError::Padding)), (5, Err(RtpError::Padding))] {
            packet[31] = count;
            let header = Header::parse(&packet).unwrap();
            assert_eq!(header.payload_range(&packet), expected);
        }
        let header = Header::parse(&packet[..28]).unwrap();
        assert_eq!(header.payload_range(&packet[..28]), Err(RtpError::Padding));
        assert_eq!(header.payload_range(&packet[..20]), Err(RtpError::Truncated));
    }
}
