//! One packet's descriptor: read, and changed where a forwarder must.

use super::structure::{Layer, Structure, Template, small};
use super::{ChainDiffs, DescriptorError, FrameDiffs, Indication, Indications, push};
use crate::bits::{BitReader, BitWriter};

/// Octets of the mandatory fields; a descriptor that is longer has the extended ones.
const MANDATORY_LEN: usize = 3;
/// Bits of the flags that begin the extended fields.
const FLAGS: usize = 5;

/// What a packet's descriptor says of its frame. A frame is one spatial layer of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Counts the stream's frames, wraps.
    pub number: u16,
    /// This is the frame's first packet.
    pub start: bool,
    /// This is its last.
    pub end: bool,
    /// Its layer.
    pub layer: Layer,
    /// What each decode target makes of it.
    pub indications: Indications,
    /// What it depends on.
    pub frame_diffs: FrameDiffs,
    /// How far back each chain's last frame lies.
    pub chain_diffs: ChainDiffs,
    /// Which decode targets are sent from here on, bit n for target n; `None`: as before.
    pub active_targets: Option<u32>,
    /// Width and height to render, where the structure tells them.
    pub resolution: Option<(u32, u32)>,
}

/// A parsed descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The frame that it describes.
    pub frame: Frame,
    /// The structure that it brings along: a new coded video sequence begins.
    pub structure: Option<Structure>,
    /// Where its active decode targets bitmask stands or would stand.
    pub mask_place: MaskPlace,
}

/// Where the active decode targets bitmask of a descriptor stands or would stand: enough to write another one without the structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskPlace {
    decode_targets: u8,
    /// Bit offsets: of the bitmask, of what follows it, of the end. A descriptor has less than 2¹⁶ bits.
    mask_at: u16,
    rest_at: u16,
    end_at: u16,
}

impl Frame {
    /// Whether a decoder of the whole stream can begin here: it needs nothing before, and its packet begins it.
    #[must_use]
    pub fn is_start_of_independent(&self) -> bool {
        self.start && self.frame_diffs.is_empty()
    }

    /// What decode target `target` makes of it.
    #[must_use]
    pub fn indication(&self, target: u8) -> Indication {
        self.indications.get(usize::from(target)).copied().unwrap_or(Indication::NotPresent)
    }
}

impl Descriptor {
    /// Parses a descriptor that refers to `known`, unless it brings a structure of its own.
    ///
    /// # Errors
    /// [`DescriptorError`].
    pub fn parse(data: &[u8], known: Option<&Structure>) -> Result<Self, DescriptorError> {
        let mut bits = BitReader::new(data);
        let (start, end, template_id) = (bits.flag()?, bits.flag()?, small(&mut bits, 6)?);
        let number = frame_number(data).ok_or(DescriptorError::Truncated)?;
        bits.bits(16)?;
        let [has_structure, has_mask, custom_indications, custom_frame_diffs, custom_chain_diffs] =
            if data.len() > MANDATORY_LEN { flags(&mut bits)? } else { [false; FLAGS] };
        let structure = if has_structure { Some(Structure::read(&mut bits)?) } else { None };
        let used = structure.as_ref().or(known).ok_or(DescriptorError::NoStructure)?;
        let template = used.template(template_id).ok_or(DescriptorError::UnknownTemplate)?;
        let mask_at = bits.position();
        let told = if has_mask { Some(bits.bits(u32::from(used.decode_targets))?) } else { None };
        let rest_at = bits.position();
        let frame = Frame {
            number,
            start,
            end,
            layer: template.layer,
            indications: if custom_indications { read_indications(&mut bits, used)? } else { template.indications.clone() },
            frame_diffs: if custom_frame_diffs { read_frame_diffs(&mut bits)? } else { template.frame_diffs.clone() },
            chain_diffs: if custom_chain_diffs { read_chain_diffs(&mut bits, used)? } else { template.chain_diffs.clone() },
            active_targets: told.or_else(|| has_structure.then(|| used.all_targets())),
            resolution: resolution(used, template),
        };
        let [mask_at, rest_at, end_at] = [mask_at, rest_at, bits.position()].map(|at| u16::try_from(at).unwrap_or(u16::MAX));
        let mask_place = MaskPlace { decode_targets: used.decode_targets, mask_at, rest_at, end_at };
        Ok(Self { frame, structure, mask_place })
    }

    /// The descriptor `data` that this was parsed from, telling that only the decode targets of `mask` are sent: what a
    /// forwarder tells that leaves layers out. Bits of targets that do not exist do not count.
    #[must_use]
    pub fn with_active_targets(&self, data: &[u8], mask: u32) -> Vec<u8> {
        self.mask_place.write(data, mask)
    }
}

impl MaskPlace {
    /// The descriptor `data` that this is a place in, with this bitmask.
    #[must_use]
    pub fn write(&self, data: &[u8], mask: u32) -> Vec<u8> {
        let [mask_at, rest_at, end_at] = [self.mask_at, self.rest_at, self.end_at].map(usize::from);
        let mut source = BitReader::new(data);
        let mut written = BitWriter::default();
        written.copy(&mut source, MANDATORY_LEN.saturating_mul(8));
        // Where there are no extended fields, all flags are clear.
        let [structure, _, indications, frame_diffs, chain_diffs] =
            if end_at > MANDATORY_LEN.saturating_mul(8) { flags(&mut source).unwrap_or_default() } else { [false; FLAGS] };
        [structure, true, indications, frame_diffs, chain_diffs].into_iter().for_each(|flag| written.flag(flag));
        written.copy(&mut source, mask_at);
        written.bits(mask, u32::from(self.decode_targets));
        // The old mask is left out. It was read before, so it is there.
        let _ = source.bits(u32::try_from(rest_at.saturating_sub(mask_at)).unwrap_or(0));
        written.copy(&mut source, end_at);
        written.finish()
    }
}

/// The frame number of a descriptor, without reading the rest; `None` if it is too short.
#[must_use]
pub fn frame_number(data: &[u8]) -> Option<u16> {
    let &[_, high, low, ..] = data else { return None };
    Some(u16::from_be_bytes([high, low]))
}

/// Writes another frame number into a descriptor. References are relative, so they stay right. Too short ones stay as they are.
pub fn set_frame_number(data: &mut [u8], number: u16) {
    if let [_, high, low, ..] = data {
        [*high, *low] = number.to_be_bytes();
    }
}

fn flags(bits: &mut BitReader<'_>) -> Result<[bool; FLAGS], DescriptorError> {
    Ok([bits.flag()?, bits.flag()?, bits.flag()?, bits.flag()?, bits.flag()?])
}

/// `frame_dtis()`.
fn read_indications(bits: &mut BitReader<'_>, structure: &Structure) -> Result<Indications, DescriptorError> {
    (0..structure.decode_targets).map(|_| Ok(Indication::from_bits(bits.bits(2)?))).collect()
}

/// `frame_fdiffs()`: each is announced by its size in units of four bits.
fn read_frame_diffs(bits: &mut BitReader<'_>) -> Result<FrameDiffs, DescriptorError> {
    let mut diffs = FrameDiffs::new();
    loop {
        let size = bits.bits(2)?.saturating_mul(4);
        if size == 0 {
            return Ok(diffs);
        }
        // Twelve bits at most.
        let minus_one = u16::try_from(bits.bits(size)?).unwrap_or(u16::MAX);
        push(&mut diffs, minus_one.saturating_add(1))?;
    }
}

/// `frame_chains()`.
fn read_chain_diffs(bits: &mut BitReader<'_>, structure: &Structure) -> Result<ChainDiffs, DescriptorError> {
    (0..structure.chains).map(|_| small(bits, 8)).collect()
}

fn resolution(structure: &Structure, template: &Template) -> Option<(u32, u32)> {
    structure.resolutions.get(usize::from(template.layer.spatial_id)).copied()
}
