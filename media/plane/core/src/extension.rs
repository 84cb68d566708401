//! RTP header extensions (RFC 8285): elements of one-byte and two-byte form, read and written.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::rtp::{FIXED_LEN, Fields};

/// "Defined by profile" of a block of one-byte elements.
const ONE_BYTE_PROFILE: u16 = 0xBEDE;

/// "Defined by profile" of a block of two-byte elements, with "appbits" 0.
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// Octets of a block before its first element.
const BLOCK_HEADER_LEN: usize = 4;

/// An octet between elements that means nothing.
const PADDING: u8 = 0;

/// The one-byte id that ends a block early.
const ONE_BYTE_STOP: u8 = 15;

/// Why a header could not be written: its elements are too long for the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Iterator over the elements of an extension block: `(id, data)` in order, padding skipped.
///
/// Ends silently at an element that reaches beyond the block; what came before it stands.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

/// How an element's id and length are written (RFC 8285 sections 4.2 and 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

impl<'a> Elements<'a> {
    /// Elements of the block `data` under `profile`; none if the profile is not one of RFC 8285.
    #[must_use]
    pub const fn new(profile: u16, data: &'a [u8]) -> Self {
        match profile {
            ONE_BYTE_PROFILE => Self { form: Form::OneByte, rest: data },
            // The low four bits are "appbits", ours to ignore.
            0x1000..=0x100F => Self { form: Form::TwoByte, rest: data },
            _ => Self::empty(),
        }
    }

    /// No elements.
    #[must_use]
    pub const fn empty() -> Self {
        Self { form: Form::OneByte, rest: &[] }
    }

    /// Id, length and the octets behind them, of the element that begins with the octet `first`.
    fn head(&self, first: u8, rest: &'a [u8]) -> Option<(u8, usize, &'a [u8])> {
        match self.form {
            Form::OneByte => Some((first >> 4, usize::from(first & 0x0F).saturating_add(1), rest)),
            Form::TwoByte => rest.split_first().map(|(&len, rest)| (first, usize::from(len), rest)),
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // Whatever ends the iteration ends it for good.
        let mut rest = std::mem::take(&mut self.rest);
        loop {
            let (&first, behind) = rest.split_first()?;
            if first == PADDING {
                rest = behind;
                continue;
            }
            let (id, len, behind) = self.head(first, behind)?;
            if self.form == Form::OneByte && id == ONE_BYTE_STOP {
                return None;
            }
            let (data, behind) = behind.split_at_checked(len)?;
            self.rest = behind;
            // One-byte elements of id 0 and a length are padding with a length; RFC 8285 has them ignored.
            if id != 0 {
                return Some((id, data));
            }
            rest = behind;
        }
    }
}

/// Appends an RTP header without CSRCs to `out` and returns its length.
///
/// Elements with id 0 are left out: 0 stands for "not negotiated". One-byte form where it can hold them all
/// (ids 1–14, 1–16 octets), else two-byte form; no extension where no element is left. Padded to a whole word.
///
/// # Errors
/// [`TooLong`] when an element is longer than 255 octets or all together exceed 65535 words; `out` is then unchanged.
pub fn write_header(out: &mut Vec<u8>, fields: &Fields, elements: &[(u8, &[u8])]) -> Result<usize, TooLong> {
    let block = block_len(elements);
    let words = block.saturating_sub(BLOCK_HEADER_LEN).div_ceil(4);
    let words = u16::try_from(words).map_err(|_| TooLong)?;
    if elements.iter().any(|(id, data)| *id != 0 && data.len() > 255) {
        return Err(TooLong);
    }
    let start = out.len();
    write_fixed(out, fields, block > 0);
    let header_len = FIXED_LEN.saturating_add(block);
    if block > 0 {
        write_block(out, form(elements), words, elements);
        out.resize(start.saturating_add(header_len), PADDING);
    }
    Ok(header_len)
}

/// Appends an RTP header with the extensions of one that is in `out` at `like`, which costs less than writing them anew;
/// returns its length.
pub fn write_header_like(out: &mut Vec<u8>, fields: &Fields, like: Range<usize>) -> usize {
    let block = like.start.saturating_add(FIXED_LEN).min(out.len())..like.end.min(out.len());
    write_fixed(out, fields, !block.is_empty());
    let len = FIXED_LEN.saturating_add(block.len());
    if !block.is_empty() {
        out.extend_from_within(block);
    }
    len
}

fn write_fixed(out: &mut Vec<u8>, fields: &Fields, extended: bool) {
    let [s0, s1] = fields.sequence_number.to_be_bytes();
    let [t0, t1, t2, t3] = fields.timestamp.to_be_bytes();
    let [c0, c1, c2, c3] = fields.ssrc.to_be_bytes();
    let first = if extended { 0x90 } else { 0x80 };
    let second = u8::from(fields.marker) << 7 | fields.payload_type & 0x7F;
    out.extend_from_slice(&[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]);
}

/// Octets that [`write_header`] writes behind the fixed header for `elements`: 0, or a multiple of 4.
#[must_use]
pub fn block_len(elements: &[(u8, &[u8])]) -> usize {
    let head_len = match form(elements) {
        Form::OneByte => 1_usize,
        Form::TwoByte => 2,
    };
    let negotiated = elements.iter().filter(|(id, _)| *id != 0);
    let len = negotiated.fold(0_usize, |sum, (_, data)| sum.saturating_add(head_len).saturating_add(data.len()));
    if len == 0 { 0 } else { len.div_ceil(4).saturating_mul(4).saturating_add(BLOCK_HEADER_LEN) }
}

/// The data of the first element of a packet that [`write_header`] wrote with at least one; else empty.
#[must_use]
pub fn first_element_mut(packet: &mut [u8]) -> &mut [u8] {
    let Some((head, elements)) = packet.split_at_mut_checked(FIXED_LEN.saturating_add(BLOCK_HEADER_LEN)) else { return &mut [] };
    let one_byte = head.get(FIXED_LEN..).is_some_and(|block| block.starts_with(&ONE_BYTE_PROFILE.to_be_bytes()));
    let (start, end) = match (one_byte, &*elements) {
        (true, [first, ..]) => (1, usize::from(*first & 0x0F).saturating_add(2)),
        (false, [_, len, ..]) => (2, usize::from(*len).saturating_add(2)),
        _ => return &mut [],
    };
    elements.get_mut(start..end).unwrap_or_default()
}

/// The data of the first element with this id of a packet that [`write_header`] wrote; else empty.
#[must_use]
pub fn element_mut(packet: &mut [u8], id: u8) -> &mut [u8] {
    let Some((head, mut rest)) = packet.split_at_mut_checked(FIXED_LEN.saturating_add(BLOCK_HEADER_LEN)) else { return &mut [] };
    let one_byte = match head.get(FIXED_LEN..) {
        Some([0xBE, 0xDE, ..]) => true,
        Some([0x10, 0x00, ..]) => false,
        _ => return &mut [],
    };
    loop {
        let (found, start, len) = match (one_byte, &*rest) {
            (_, []) | (_, [PADDING, ..]) | (false, [_]) => return &mut [],
            (true, [first, ..]) => (first >> 4, 1_usize, usize::from(first & 0x0F).saturating_add(1)),
            (false, [first, len, ..]) => (*first, 2, usize::from(*len)),
        };
        let Some((element, behind)) = rest.split_at_mut_checked(start.saturating_add(len)) else { return &mut [] };
        if found == id {
            return element.get_mut(start..).unwrap_or_default();
        }
        rest = behind;
    }
}

/// The absolute send time element: 6.18 fixed point seconds, wrapping every 64 s.
///
/// `now` may count from any epoch, as long as it is always the same one.
#[must_use]
pub fn abs_send_time(now: Duration) -> [u8; 3] {
    let fraction = (u64::from(now.subsec_nanos()) << 18) / 1_000_000_000;
    let [.., a, b, c] = (now.as_secs() << 18 | fraction).to_be_bytes();
    [a, b, c]
}

/// The shortest form that holds all elements.
fn form(elements: &[(u8, &[u8])]) -> Form {
    let fits = |(id, data): &(u8, &[u8])| *id == 0 || (*id < ONE_BYTE_STOP && (1..=16).contains(&data.len()));
    if elements.iter().all(fits) { Form::OneByte } else { Form::TwoByte }
}

/// Appends the block without its final padding. Lengths were checked before.
#[allow(clippy::cast_possible_truncation, reason = "the caller allows no element longer than 255 octets")]
fn write_block(out: &mut Vec<u8>, form: Form, words: u16, elements: &[(u8, &[u8])]) {
    let profile = match form {
        Form::OneByte => ONE_BYTE_PROFILE,
        Form::TwoByte => TWO_BYTE_PROFILE,
    };
    out.extend_from_slice(&profile.to_be_bytes());
    out.extend_from_slice(&words.to_be_bytes());
    for (id, data) in elements.iter().filter(|(id, _)| *id != 0) {
        match form {
            Form::OneByte => out.push(id << 4 | (data.len() as u8).saturating_sub(1) & 0x0F),
            Form::TwoByte => out.extend_from_slice(&[*id, data.len() as u8]),
        }
        out.extend_from_slice(data);
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("header extension elements are too long for RFC 8285")
    }
}

impl std::error::Error for TooLong {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::rtp::Header;

    const FIELDS: Fields = Fields { marker: true, payload_type: 96, sequence_number: 0x1234, timestamp: 0x5678_9ABC, ssrc: 0xDEAD_BEEF };

    #[test]
    fn an_element_is_found_to_be_written_again() {
        for elements in [&[(1, &b"mid"[..]), (3, &[0, 0]), (2, &[1, 2, 3])][..], &[(20, b""), (3, &[0, 0])], &[(3, &[0, 0]), (1, &[7; 40])]]
        {
            let mut packet = written(elements);
            element_mut(&mut packet, 3).copy_from_slice(&[0x12, 0x34]);
            let header = Header::parse(&packet).unwrap();
            let changed: Vec<_> = elements.iter().map(|&(id, data)| (id, if id == 3 { &[0x12, 0x34][..] } else { data })).collect();
            assert_eq!(header.elements(&packet).collect::<Vec<_>>(), changed);
            assert!(element_mut(&mut packet, 9).is_empty());
        }
        assert!(element_mut(&mut written(&[]), 3).is_empty() && element_mut(&mut [], 3).is_empty());
    }

    fn written(elements: &[(u8, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        assert_eq!(write_header(&mut out, &FIELDS, elements), Ok(out.len()));
        assert_eq!(out.len(), FIXED_LEN + block_len(elements));
        out
    }

    fn read(packet: &[u8]) -> Vec<(u8, &[u8])> {
        Header::parse(packet).unwrap().elements(packet).collect()
    }

    #[test]
    fn a_header_like_another_is_the_one_that_would_be_written() {
        for elements in [&[(4, &b"0"[..]), (2, &[1, 2, 3][..])][..], &[]] {
            let fields = |sequence_number| Fields { marker: true, payload_type: 96, sequence_number, timestamp: 7, ssrc: 9 };
            let (mut copied, mut expected) = (Vec::new(), Vec::new());
            let len = write_header(&mut copied, &fields(1), elements).unwrap();
            assert_eq!(write_header_like(&mut copied, &fields(2), 0..len), len);
            write_header(&mut expected, &fields(1), elements).unwrap();
            write_header(&mut expected, &fields(2), elements).unwrap();
            assert_eq!(copied, expected);
        }
    }

    #[test]
    fn one_byte_form() {
        let packet = written(&[(1, b"a"), (0, b"not negotiated"), (14, b"0123456789abcdef")]);
        assert_eq!(packet[12..16], [0xBE, 0xDE, 0, 5]);
        assert_eq!(packet[16..19], [0x10, b'a', 0xEF]);
        assert_eq!(read(&packet), [(1, b"a".as_slice()), (14, b"0123456789abcdef")]);
    }

    #[test]
    fn two_byte_form_for_high_ids_and_odd_lengths() {
        for elements in
            [[(15, b"a".as_slice()), (1, b"b")], [(1, b""), (2, b"b")], [(1, &[7; 17]), (2, b"b")], [(1, &[7; 255]), (255, b"")]]
        {
            let packet = written(&elements);
            assert_eq!(packet[12..14], [0x10, 0x00]);
            assert_eq!(read(&packet), elements);
        }
    }

    #[test]
    fn the_first_element_is_found_again() {
        for data in [&b"abc"[..], &[7; 16], &[7; 17], &[7; 255]] {
            let mut packet = written(&[(3, data), (1, b"x")]);
            assert_eq!(first_element_mut(&mut packet), data);
        }
        assert_eq!(first_element_mut(&mut [0x90; 17]), []);
        assert_eq!(first_element_mut(&mut []), []);
    }

    #[test]
    fn no_elements_no_extension() {
        for elements in [&[][..], &[(0, b"abc".as_slice())]] {
            let packet = written(elements);
            assert_eq!((packet[0], packet.len()), (0x80, 12));
        }
    }

    #[test]
    fn too_long_leaves_the_output_alone() {
        let long = [0; 256];
        let many = [(1, [0; 255].as_slice()); 1100];
        let mut out = vec![1, 2, 3];
        assert_eq!(write_header(&mut out, &FIELDS, &[(1, &long)]), Err(TooLong));
        assert_eq!(write_header(&mut out, &FIELDS, &many), Err(TooLong));
        assert_eq!(out, [1, 2, 3]);
    }

    /// RFC 8285 section 4.2: padding between elements, and nothing counts behind id 15.
    #[test]
    fn padding_and_stop() {
        let data = [0x10, 0xAA, 0, 0, 0x21, 0xBB, 0xCC, 0xF0, 0x30, 0xDD];
        let elements: Vec<_> = Elements::new(0xBEDE, &data).collect();
        assert_eq!(elements, [(1, [0xAA].as_slice()), (2, &[0xBB, 0xCC])]);
    }

    #[test]
    fn an_element_beyond_the_block_ends_it() {
        let one_byte = Elements::new(0xBEDE, &[0x10, 0xAA, 0x23, 0xBB]);
        assert_eq!(one_byte.collect::<Vec<_>>(), [(1, [0xAA].as_slice())]);
        let two_byte = Elements::new(0x1003, &[1, 0, 2, 3, 0xBB]);
        assert_eq!(two_byte.collect::<Vec<_>>(), [(1, [].as_slice())]);
        assert_eq!(Elements::new(0x1000, &[1]).next(), None);
        assert_eq!(Elements::new(0xABCD, &[0x10, 0xAA]).next(), None);
    }

    #[test]
    fn abs_send_time_wraps_at_64_s() {
        assert_eq!(abs_send_time(Duration::from_millis(1500)), [0x06, 0, 0]);
        assert_eq!(abs_send_time(Duration::from_secs(64)), [0, 0, 0]);
        assert_eq!(abs_send_time(Duration::from_nanos(63_999_999_999)), [0xFF, 0xFF, 0xFF]);
    }
}
