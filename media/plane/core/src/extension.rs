//! RTP header extensions (RFC 8285): elements of one-byte and two-byte form, read and written.

use std::fmt;
use std::time::Duration;

use crate::rtp::Fields;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

impl<'a> Elements<'a> {
    /// Elements of the block `data` under `profile`; none if the profile is not one of RFC 8285.
    #[must_use]
    pub const fn new(profile: u16, data: &'a [u8]) -> Self {
        todo!()
    }

    /// No elements.
    #[must_use]
    pub const fn empty() -> Self {
        Self { form: Form::OneByte, rest: &[] }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
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
    todo!()
}

/// The absolute send time element: 6.18 fixed point seconds, wrapping every 64 s.
///
/// `now` may count from any epoch, as long as it is always the same one.
#[must_use]
pub fn abs_send_time(now: Duration) -> [u8; 3] {
    todo!()
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("header extension elements are too long for RFC 8285")
    }
}

impl std::error::Error for TooLong {}
