//! The dependency descriptor header extension (AV1 RTP payload format, appendix A): which layer a frame belongs to, what it
//! needs and who needs it, readable without looking at the payload. Senders give it for AV1, and may for any other codec.
//!
//! A stream's descriptors refer to templates in a [`Structure`] that comes with its keyframes, so reading them takes state:
//! [`StreamState`] keeps it. Everything is bounded by the limits below; what exceeds them is an error.

mod frame;
mod structure;
#[cfg(test)]
mod tests;

use std::fmt;

use arrayvec::ArrayVec;

pub use frame::{Descriptor, Frame, MaskPlace, frame_number, set_frame_number};
pub use structure::{Layer, Structure, Template};

use crate::bits::OutOfBits;

/// `dt_cnt_minus_one` has five bits.
pub const MAX_DECODE_TARGETS: usize = 32;
/// At most as many as decode targets (`chain_cnt` is below DtCnt + 1).
pub const MAX_CHAINS: usize = MAX_DECODE_TARGETS;
/// `frame_dependency_template_id` has six bits.
pub const MAX_TEMPLATES: usize = 64;
/// Frames that one depends on directly: H.264 knows the most, 16.
pub const MAX_FRAME_DIFFS: usize = 16;
/// AV1's spatial ids have two bits.
pub const MAX_SPATIAL_LAYERS: u8 = 4;
/// AV1's temporal ids have three.
pub const MAX_TEMPORAL_LAYERS: u8 = 8;

/// What each decode target makes of a frame, in their order.
pub type Indications = ArrayVec<Indication, MAX_DECODE_TARGETS>;
/// How many frames back each frame lies that this one depends on, 1 to 4096.
pub type FrameDiffs = ArrayVec<u16, MAX_FRAME_DIFFS>;
/// How many frames back the last frame of each chain lies; 0: the chain begins here.
pub type ChainDiffs = ArrayVec<u8, MAX_CHAINS>;

/// A decode target indication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indication {
    /// Not part of the decode target.
    NotPresent,
    /// Part of it, and no other frame of it needs this one.
    Discardable,
    /// Part of it, and it can be begun here: no later frame of it needs one before this.
    Switch,
    /// Part of it, and later frames of it need it.
    Required,
}

impl Indication {
    /// Of the two bits on the wire; higher bits do not count.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::NotPresent,
            1 => Self::Discardable,
            2 => Self::Switch,
            _ => Self::Required,
        }
    }
}

/// Why a descriptor cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptorError {
    /// It ends before a field that it announces.
    Truncated,
    /// It refers to a structure that was not seen.
    NoStructure,
    /// It refers to a template that the structure does not have: most likely it belongs to another structure.
    UnknownTemplate,
    /// It exceeds one of the limits of this module.
    TooMuch,
}

/// What one stream's descriptors have told so far.
#[derive(Clone, Debug, Default)]
pub struct StreamState {
    structure: Option<Structure>,
    structure_frame: u16,
    active_targets: u32,
}

/// A structure that comes this many frames late is old; from further back it is a sender that began anew.
const LATE_FRAMES: u16 = 1024;

impl StreamState {
    /// Reads a packet's descriptor and keeps what later ones refer to.
    ///
    /// # Errors
    /// [`DescriptorError`]; nothing is kept then.
    pub fn read(&mut self, data: &[u8]) -> Result<Descriptor, DescriptorError> {
        let descriptor = Descriptor::parse(data, self.structure.as_ref())?;
        let number = descriptor.frame.number;
        let is_late = self.structure.is_some() && (1..LATE_FRAMES).contains(&self.structure_frame.wrapping_sub(number));
        if is_late {
            return Ok(descriptor);
        }
        if let Some(structure) = &descriptor.structure {
            self.structure = Some(structure.clone());
            self.structure_frame = number;
        }
        if let Some(active) = descriptor.frame.active_targets {
            self.active_targets = active;
        }
        Ok(descriptor)
    }

    /// The structure in force.
    #[must_use]
    pub const fn structure(&self) -> Option<&Structure> {
        self.structure.as_ref()
    }

    /// Bit n: decode target n is being sent. 0 before the first structure.
    #[must_use]
    pub const fn active_targets(&self) -> u32 {
        self.active_targets
    }
}

impl From<OutOfBits> for DescriptorError {
    fn from(_: OutOfBits) -> Self {
        Self::Truncated
    }
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "dependency descriptor ends before a field that it announces",
            Self::NoStructure => "dependency descriptor refers to a structure that was not seen",
            Self::UnknownTemplate => "dependency descriptor refers to an unknown template",
            Self::TooMuch => "dependency descriptor has more layers, templates or references than a stream can have",
        })
    }
}

impl std::error::Error for DescriptorError {}

/// `value` where there is room.
fn push<T, const CAP: usize>(list: &mut ArrayVec<T, CAP>, value: T) -> Result<(), DescriptorError> {
    list.try_push(value).map_err(|_| DescriptorError::TooMuch)
}

/// All of so many decode targets, 1 to 32, as a bit mask.
fn all_targets(count: u8) -> u32 {
    u32::MAX.checked_shr(u32::BITS.saturating_sub(u32::from(count))).unwrap_or(0)
}
