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
        let mut octets = Octets { payload, at: 0 };
        let first = octets.next()?;
        let mut descriptor = Self {
            descriptor_len: 0,
            start_of_partition: first & 0x10 != 0,
            partition: first & 0x07,
            non_reference: first & 0x20 != 0,
            picture_id: None,
            tl0picidx: None,
            temporal_id: None,
            layer_sync: false,
            keyframe: false,
            picture_id_at: 0,
            tl0picidx_at: 0,
        };
        if first & 0x80 != 0 {
            descriptor.parse_extension(&mut octets)?;
        }
        descriptor.descriptor_len = octets.at;
        // The payload header comes with the first partition; bit 0 clear says keyframe (RFC 7741 section 4.3).
        descriptor.keyframe = descriptor.start_of_partition && descriptor.partition == 0 && octets.next()? & 0x01 == 0;
        Ok(descriptor)
    }

    /// Writes other numbers over those of the payload that this descriptor was parsed from (or a copy), at the same width.
    /// What it does not carry stays away.
    pub fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0picidx: u8) {
        let [high, low] = picture_id.to_be_bytes();
        match self.picture_id {
            Some(PictureId { wide: true, .. }) => {
                let place = payload.get_mut(self.picture_id_at..).and_then(<[u8]>::first_chunk_mut);
                if let Some(place) = place {
                    *place = [0x80 | high, low];
                }
            }
            Some(PictureId { wide: false, .. }) => put(payload, self.picture_id_at, low & 0x7F),
            None => {}
        }
        if self.tl0picidx.is_some() {
            put(payload, self.tl0picidx_at, tl0picidx);
        }
    }

    /// The octets behind X: I, L, T and K, and the fields that they announce.
    fn parse_extension(&mut self, octets: &mut Octets<'_>) -> Result<(), Truncated> {
        let flags = octets.next()?;
        let [has_picture_id, has_tl0picidx, has_temporal_id, has_key_index] = [0x80, 0x40, 0x20, 0x10].map(|bit| flags & bit != 0);
        if has_picture_id {
            self.picture_id_at = octets.at;
            let first = octets.next()?;
            let wide = first & 0x80 != 0;
            let high = u16::from(first & 0x7F);
            let value = if wide { high << 8 | u16::from(octets.next()?) } else { high };
            self.picture_id = Some(PictureId { value, wide });
        }
        if has_tl0picidx {
            self.tl0picidx_at = octets.at;
            self.tl0picidx = Some(octets.next()?);
        }
        if has_temporal_id || has_key_index {
            let octet = octets.next()?;
            if has_temporal_id {
                self.temporal_id = Some(octet >> 6);
                self.layer_sync = octet & 0x20 != 0;
            }
        }
        Ok(())
    }
}

/// A payload being read from its beginning.
struct Octets<'a> {
    payload: &'a [u8],
    /// Octets read.
    at: usize,
}

impl Octets<'_> {
    fn next(&mut self) -> Result<u8, Truncated> {
        let octet = *self.payload.get(self.at).ok_or(Truncated)?;
        self.at = self.at.saturating_add(1);
        Ok(octet)
    }
}

fn put(payload: &mut [u8], at: usize, octet: u8) {
    if let Some(place) = payload.get_mut(at) {
        *place = octet;
    }
}

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VP8 payload descriptor is truncated")
    }
}

impl std::error::Error for Truncated {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    /// X, S; I, L, T, K; 15-bit picture id 0x1234; tl0picidx 9; TID 2, Y; payload header of a keyframe.
    const FULL: [u8; 7] = [0x90, 0xF0, 0x92, 0x34, 9, 0xA5, 0x10];

    #[test]
    fn all_fields() {
        let descriptor = Descriptor::parse(&FULL).unwrap();
        assert_eq!(descriptor.descriptor_len, 6);
        assert_eq!(descriptor.picture_id, Some(PictureId { value: 0x1234, wide: true }));
        assert_eq!((descriptor.tl0picidx, descriptor.temporal_id), (Some(9), Some(2)));
        assert!(descriptor.layer_sync && descriptor.keyframe && descriptor.start_of_partition && !descriptor.non_reference);
    }

    #[test]
    fn every_cut_is_an_error() {
        for len in 0..FULL.len() {
            assert_eq!(Descriptor::parse(&FULL[..len]), Err(Truncated));
        }
    }

    #[test]
    fn shortest() {
        let descriptor = Descriptor::parse(&[0x00]).unwrap();
        assert_eq!((descriptor.descriptor_len, descriptor.picture_id, descriptor.temporal_id), (1, None, None));
        assert!(!descriptor.keyframe);
    }

    #[test]
    fn keyframe_only_where_the_first_partition_begins() {
        let keyframe = |payload: [u8; 2]| Descriptor::parse(&payload).unwrap().keyframe;
        assert!(keyframe([0x10, 0x00]));
        assert!(!keyframe([0x10, 0x01]));
        assert!(!keyframe([0x11, 0x00]));
        assert!(!keyframe([0x00, 0x00]));
    }

    #[test]
    fn key_index_alone_takes_an_octet_but_tells_no_layer() {
        let descriptor = Descriptor::parse(&[0xA0, 0x10, 0xFF]).unwrap();
        assert_eq!((descriptor.descriptor_len, descriptor.temporal_id, descriptor.layer_sync), (3, None, false));
        assert!(descriptor.non_reference);
    }

    #[test]
    fn rewrites_at_the_same_width() {
        let mut payload = FULL;
        Descriptor::parse(&FULL).unwrap().rewrite(&mut payload, 0x7FFE, 200);
        assert_eq!(payload, [0x90, 0xF0, 0xFF, 0xFE, 200, 0xA5, 0x10]);

        let narrow = [0x80, 0x80, 0x05, 0xAA];
        let mut payload = narrow;
        Descriptor::parse(&narrow).unwrap().rewrite(&mut payload, 0x1234, 7);
        assert_eq!(payload, [0x80, 0x80, 0x34, 0xAA]);

        let bare = [0x10, 0x00, 0xAA];
        let mut payload = bare;
        Descriptor::parse(&bare).unwrap().rewrite(&mut payload, 0x1234, 7);
        assert_eq!(payload, bare);
    }

    #[test]
    fn rewriting_another_payload_does_not_panic() {
        Descriptor::parse(&FULL).unwrap().rewrite(&mut [0x90, 0xF0, 0x92], 1, 1);
    }
}
