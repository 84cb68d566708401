//! VP9 payload descriptor (RFC 9628 section 4.2), read and rewritten in place.

use std::fmt;

use arrayvec::ArrayVec;

use crate::vp8::PictureId;

/// N_S counts spatial layers in three bits.
pub const MAX_SPATIAL_LAYERS: usize = 8;

/// A picture has at most three references (RFC 9628 section 4.2, P_DIFF).
const MAX_REFERENCES: usize = 3;

/// Why a payload has no valid descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vp9Error {
    /// The payload ends before a field that it announces.
    Truncated,
    /// More references are chained than a picture can have.
    TooManyReferences,
}

/// The octet behind L: where in the layers the frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// TID.
    pub temporal_id: u8,
    /// U: later pictures of higher temporal layers depend on nothing of those layers before this picture.
    pub switching_up_point: bool,
    /// SID.
    pub spatial_id: u8,
    /// D: needs the frame of the next lower spatial layer of the same picture.
    pub inter_layer_predicted: bool,
}

/// A parsed descriptor. It borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Octets of the descriptor.
    pub descriptor_len: usize,
    /// Counts pictures, wraps. All spatial layers of a picture have the same.
    pub picture_id: Option<PictureId>,
    /// P: depends on earlier pictures.
    pub inter_picture_predicted: bool,
    /// L: where in the layers the frame stands; `None` where there are none.
    pub layer: Option<Layer>,
    /// F: references are listed, not given by the scalability structure.
    pub flexible: bool,
    /// B: a frame (one spatial layer of a picture) begins here.
    pub start_of_frame: bool,
    /// E: that frame ends here.
    pub end_of_frame: bool,
    /// Z: no frame of a higher spatial layer refers to this one.
    pub not_inter_layer_reference: bool,
    /// Counts pictures of the lowest temporal layer, wraps. Never in flexible mode.
    pub tl0picidx: Option<u8>,
    references: [u8; MAX_REFERENCES],
    structure_at: Option<usize>,
    picture_id_at: usize,
    tl0picidx_at: usize,
}

/// The scalability structure (RFC 9628 section 4.2.1) without its picture group, which a forwarder does not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// 1 to 8.
    pub spatial_layers: u8,
    /// Width and height of each spatial layer, lowest first; empty where not told.
    pub sizes: ArrayVec<(u16, u16), MAX_SPATIAL_LAYERS>,
    /// Pictures in the group that repeats; 0: none is described.
    pub pictures: u8,
}

impl Descriptor {
    /// Parses the descriptor of a packet's payload.
    ///
    /// # Errors
    /// [`Vp9Error`].
    pub fn parse(payload: &[u8]) -> Result<Self, Vp9Error> {
        let mut octets = Octets { payload, at: 0 };
        let first = octets.next()?;
        let [has_picture_id, predicted, has_layer, flexible, start, end, has_structure, not_reference] =
            [0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01].map(|bit| first & bit != 0);
        let mut descriptor = Self {
            descriptor_len: 0,
            picture_id: None,
            inter_picture_predicted: predicted,
            layer: None,
            flexible,
            start_of_frame: start,
            end_of_frame: end,
            not_inter_layer_reference: not_reference,
            tl0picidx: None,
            references: [0; MAX_REFERENCES],
            structure_at: None,
            picture_id_at: octets.at,
            tl0picidx_at: 0,
        };
        if has_picture_id {
            descriptor.picture_id = Some(octets.picture_id()?);
        }
        if has_layer {
            descriptor.parse_layer(&mut octets)?;
        }
        if flexible && predicted {
            descriptor.references = octets.references()?;
        }
        if has_structure {
            descriptor.structure_at = Some(octets.at);
            octets.structure()?;
        }
        descriptor.descriptor_len = octets.at;
        Ok(descriptor)
    }

    /// Whether a decoder can begin here: the first packet of a picture that depends on no other.
    #[must_use]
    pub fn is_keyframe_start(&self) -> bool {
        let lowest = self.layer.is_none_or(|layer| layer.spatial_id == 0 && !layer.inter_layer_predicted);
        self.start_of_frame && !self.inter_picture_predicted && lowest
    }

    /// Whether more temporal layers may be forwarded from behind this picture on.
    #[must_use]
    pub fn is_switch_point(&self) -> bool {
        self.layer.is_some_and(|layer| layer.switching_up_point) || !self.inter_picture_predicted
    }

    /// How many pictures back each reference lies, 1 to 127; empty unless flexible and inter-picture predicted.
    pub fn references(&self) -> impl Iterator<Item = u8> {
        self.references.into_iter().take_while(|&difference| difference != 0)
    }

    /// The scalability structure in the payload that this was parsed from; keyframes carry one.
    #[must_use]
    pub fn structure(&self, payload: &[u8]) -> Option<Structure> {
        Octets { payload, at: self.structure_at? }.structure().ok()
    }

    /// Writes other numbers over those of the payload that this descriptor was parsed from (or a copy), at the same width.
    /// What it does not carry stays away. References are relative, so they stay right.
    pub fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0picidx: u8) {
        let [high, low] = picture_id.to_be_bytes();
        match (self.picture_id, payload.get_mut(self.picture_id_at..)) {
            (Some(PictureId { wide: true, .. }), Some([first, second, ..])) => (*first, *second) = (0x80 | high, low),
            (Some(PictureId { wide: false, .. }), Some([first, ..])) => *first = low & 0x7F,
            _ => {}
        }
        if let (Some(_), Some(place)) = (self.tl0picidx, payload.get_mut(self.tl0picidx_at)) {
            *place = tl0picidx;
        }
    }

    fn parse_layer(&mut self, octets: &mut Octets<'_>) -> Result<(), Vp9Error> {
        let octet = octets.next()?;
        self.layer = Some(Layer {
            temporal_id: octet >> 5,
            switching_up_point: octet & 0x10 != 0,
            spatial_id: octet >> 1 & 0x07,
            inter_layer_predicted: octet & 0x01 != 0,
        });
        if !self.flexible {
            self.tl0picidx_at = octets.at;
            self.tl0picidx = Some(octets.next()?);
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
    fn next(&mut self) -> Result<u8, Vp9Error> {
        let octet = *self.payload.get(self.at).ok_or(Vp9Error::Truncated)?;
        self.at = self.at.saturating_add(1);
        Ok(octet)
    }

    fn next_u16(&mut self) -> Result<u16, Vp9Error> {
        Ok(u16::from_be_bytes([self.next()?, self.next()?]))
    }

    fn picture_id(&mut self) -> Result<PictureId, Vp9Error> {
        let first = self.next()?;
        let wide = first & 0x80 != 0;
        let high = u16::from(first & 0x7F);
        let value = if wide { high << 8 | u16::from(self.next()?) } else { high };
        Ok(PictureId { value, wide })
    }

    /// P_DIFF with N set as long as another follows. A difference of 0 would be the picture itself: it ends the list when read.
    fn references(&mut self) -> Result<[u8; MAX_REFERENCES], Vp9Error> {
        let mut references = [0; MAX_REFERENCES];
        for reference in &mut references {
            let octet = self.next()?;
            *reference = octet >> 1;
            if octet & 0x01 == 0 {
                return Ok(references);
            }
        }
        Err(Vp9Error::TooManyReferences)
    }

    fn structure(&mut self) -> Result<Structure, Vp9Error> {
        let first = self.next()?;
        let mut structure = Structure { spatial_layers: (first >> 5).saturating_add(1), sizes: ArrayVec::new(), pictures: 0 };
        if first & 0x10 != 0 {
            for _ in 0..structure.spatial_layers {
                let size = (self.next_u16()?, self.next_u16()?);
                // N_S has three bits, so there is room for all.
                let _ = structure.sizes.try_push(size);
            }
        }
        if first & 0x08 != 0 {
            structure.pictures = self.next()?;
            for _ in 0..structure.pictures {
                let references = self.next()? >> 2 & 0x03;
                for _ in 0..references {
                    self.next()?;
                }
            }
        }
        Ok(structure)
    }
}

impl fmt::Display for Vp9Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "VP9 payload descriptor is truncated",
            Self::TooManyReferences => "VP9 payload descriptor lists more than three references",
        })
    }
}

impl std::error::Error for Vp9Error {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    /// Keyframe, not flexible: I, L, B, V; picture id 0x1234; TID 0, U, SID 0; TL0PICIDX 7; two layers with sizes and a group of two.
    const KEYFRAME: [u8; 19] = [0xAA, 0x92, 0x34, 0x10, 7, 0x38, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68, 2, 0x14, 1, 0x20, 0xFF];

    /// Flexible, predicted: I, P, L, F, B, E; 7-bit picture id 5; TID 2, SID 1, D; references 1 and 3.
    const FLEXIBLE: [u8; 6] = [0xFC, 5, 0x43, 0x03, 0x06, 0xFF];

    #[test]
    fn a_keyframe_with_its_structure() {
        let descriptor = Descriptor::parse(&KEYFRAME).unwrap();
        assert_eq!(descriptor.descriptor_len, 18);
        assert_eq!(descriptor.picture_id, Some(PictureId { value: 0x1234, wide: true }));
        let layer = Layer { temporal_id: 0, switching_up_point: true, spatial_id: 0, inter_layer_predicted: false };
        assert_eq!((descriptor.layer, descriptor.tl0picidx), (Some(layer), Some(7)));
        assert!(descriptor.is_keyframe_start() && descriptor.is_switch_point() && !descriptor.end_of_frame);
        let structure = descriptor.structure(&KEYFRAME).unwrap();
        assert_eq!((structure.spatial_layers, structure.pictures), (2, 2));
        assert_eq!(structure.sizes.as_slice(), [(320, 180), (640, 360)]);
        assert_eq!(descriptor.references().count(), 0);
    }

    #[test]
    fn flexible_mode_lists_references_and_has_no_tl0picidx() {
        let descriptor = Descriptor::parse(&FLEXIBLE).unwrap();
        assert_eq!((descriptor.descriptor_len, descriptor.tl0picidx), (5, None));
        assert_eq!(descriptor.references().collect::<Vec<_>>(), [1, 3]);
        let layer = Layer { temporal_id: 2, switching_up_point: false, spatial_id: 1, inter_layer_predicted: true };
        assert_eq!(descriptor.layer, Some(layer));
        assert!(!descriptor.is_keyframe_start() && !descriptor.is_switch_point() && descriptor.end_of_frame);
        assert_eq!(descriptor.structure(&FLEXIBLE), None);
    }

    #[test]
    fn every_cut_is_an_error() {
        for (payload, len) in [(&KEYFRAME[..], 18), (&FLEXIBLE[..], 5)] {
            for cut in 0..len {
                assert_eq!(Descriptor::parse(&payload[..cut]), Err(Vp9Error::Truncated));
            }
        }
    }

    #[test]
    fn a_fourth_reference_is_refused() {
        assert_eq!(Descriptor::parse(&[0x50, 0x03, 0x05, 0x07, 0x08]), Err(Vp9Error::TooManyReferences));
    }

    #[test]
    fn keyframes_begin_with_the_lowest_spatial_layer() {
        let keyframe = |payload: &[u8]| Descriptor::parse(payload).unwrap().is_keyframe_start();
        assert!(keyframe(&[0x08]));
        // Not the beginning; predicted; the second spatial layer of a keyframe.
        assert!(!keyframe(&[0x00]));
        assert!(!keyframe(&[0x48]));
        assert!(!keyframe(&[0x28, 0x03, 0]));
    }

    #[test]
    fn rewrites_at_the_same_width() {
        let mut payload = KEYFRAME;
        Descriptor::parse(&KEYFRAME).unwrap().rewrite(&mut payload, 0x7FFE, 200);
        assert_eq!(payload[..6], [0xAA, 0xFF, 0xFE, 0x10, 200, 0x38]);
        assert_eq!(payload[6..], KEYFRAME[6..]);

        let mut payload = FLEXIBLE;
        Descriptor::parse(&FLEXIBLE).unwrap().rewrite(&mut payload, 0x1234, 7);
        assert_eq!(payload, [0xFC, 0x34, 0x43, 0x03, 0x06, 0xFF]);

        let mut payload = [0x08, 0xAA];
        Descriptor::parse(&[0x08, 0xAA]).unwrap().rewrite(&mut payload, 0x1234, 7);
        assert_eq!(payload, [0x08, 0xAA]);
    }

    #[test]
    fn rewriting_another_payload_does_not_panic() {
        for len in 0..5 {
            Descriptor::parse(&KEYFRAME).unwrap().rewrite(&mut vec![0; len], 1, 1);
        }
    }
}
