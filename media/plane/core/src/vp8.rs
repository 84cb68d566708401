//! VP8 payload descriptor (RFC 7741 section 4.2), read and rewritten in place.

use std::fmt;

/// The payload ends before a field that it announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated;

/// A picture id and how wide it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// 15 bits if wide, else 7.
    pub value: u16,
    /// Two octets on the wire, not one.
    pub wide: bool,
}

/// A parsed descriptor. It borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Octets of the descriptor.
    pub descriptor_len: usize,
    /// S: a VP8 partition begins here.
    pub start_of_partition: bool,
    /// PID.
    pub partition: u8,
    /// N: no other frame refers to this one.
    pub non_reference: bool,
    /// Counts frames, wraps.
    pub picture_id: Option<PictureId>,
    /// Counts frames of the lowest temporal layer, wraps.
    pub tl0picidx: Option<u8>,
    /// TID, where layers are used.
    pub temporal_id: Option<u8>,
    /// Y: depends on the lowest layer only, so one may switch up here.
    pub layer_sync: bool,
    /// This packet begins a keyframe.
    pub keyframe: bool,
    picture_id_at: usize,
    tl0picidx_at: usize,
}

impl Descriptor {
    /// Parses the descriptor of a packet's payload.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn parse(payload: &[u8]) -> Result<Self, Truncated> {
        todo!()
    }

    /// Writes other numbers over those of the payload that this descriptor was parsed from (or a copy), at the same width.
    /// What it does not carry stays away.
    pub fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0picidx: u8) {
        todo!()
    }
}

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VP8 payload descriptor is truncated")
    }
}

impl std::error::Error for Truncated {}
