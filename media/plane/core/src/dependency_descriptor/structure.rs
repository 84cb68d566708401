//! The template dependency structure: what the frames of a stream look like, told once for all of them.

use arrayvec::ArrayVec;

use super::{
    ChainDiffs, DescriptorError, FrameDiffs, Indication, Indications, MAX_DECODE_TARGETS, MAX_SPATIAL_LAYERS, MAX_TEMPLATES,
    MAX_TEMPORAL_LAYERS, all_targets, push,
};
use crate::bits::BitReader;

/// `next_layer_idc` (table A.1).
const NEXT_TEMPORAL: u32 = 1;
const NEXT_SPATIAL: u32 = 2;
const NO_MORE: u32 = 3;

/// A place in the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// 0–3.
    pub spatial_id: u8,
    /// 0–7.
    pub temporal_id: u8,
}

/// What frames that refer to it have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Their layer.
    pub layer: Layer,
    /// One for each decode target.
    pub indications: Indications,
    /// What they depend on.
    pub frame_diffs: FrameDiffs,
    /// One for each chain.
    pub chain_diffs: ChainDiffs,
}

/// A template dependency structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// The template id that means the first template; others follow, modulo 64.
    pub template_id_offset: u8,
    /// 1 to 32.
    pub decode_targets: u8,
    /// 1 to 64.
    pub templates: Vec<Template>,
    /// 0 to `decode_targets`.
    pub chains: u8,
    /// The chain that protects each decode target; empty without chains.
    pub protected_by: ArrayVec<u8, MAX_DECODE_TARGETS>,
    /// Width and height to render, for each spatial layer; empty where not told.
    pub resolutions: ArrayVec<(u32, u32), { MAX_SPATIAL_LAYERS as usize }>,
}

impl Structure {
    /// The template that a frame's template id means.
    #[must_use]
    pub fn template(&self, id: u8) -> Option<&Template> {
        self.templates.get(usize::from(id.wrapping_sub(self.template_id_offset) % 64))
    }

    /// The highest layer that a decode target contains (`decode_target_layers`); `None` if there is no such target.
    #[must_use]
    pub fn layer_of(&self, target: u8) -> Option<Layer> {
        let present = self.templates.iter().filter(|template| {
            template.indications.get(usize::from(target)).is_some_and(|&indication| indication != Indication::NotPresent)
        });
        present.map(|template| template.layer).reduce(|highest, layer| Layer {
            spatial_id: highest.spatial_id.max(layer.spatial_id),
            temporal_id: highest.temporal_id.max(layer.temporal_id),
        })
    }

    /// All decode targets as a bit mask.
    #[must_use]
    pub fn all_targets(&self) -> u32 {
        all_targets(self.decode_targets)
    }

    /// `template_dependency_structure()`.
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self, DescriptorError> {
        let mut structure =
            Self { template_id_offset: small(bits, 6)?, decode_targets: small(bits, 5)?.saturating_add(1), ..Self::default() };
        structure.read_layers(bits)?;
        for template in &mut structure.templates {
            for _ in 0..structure.decode_targets {
                push(&mut template.indications, Indication::from_bits(bits.bits(2)?))?;
            }
        }
        for template in &mut structure.templates {
            while bits.flag()? {
                push(&mut template.frame_diffs, u16::from(small(bits, 4)?).saturating_add(1))?;
            }
        }
        structure.read_chains(bits)?;
        if bits.flag()? {
            structure.read_resolutions(bits)?;
        }
        Ok(structure)
    }

    /// `template_layers()`: templates come ordered by layer, each telling how the next one's layer differs.
    fn read_layers(&mut self, bits: &mut BitReader<'_>) -> Result<(), DescriptorError> {
        let mut layer = Layer::default();
        loop {
            if self.templates.len() == MAX_TEMPLATES || layer.spatial_id >= MAX_SPATIAL_LAYERS || layer.temporal_id >= MAX_TEMPORAL_LAYERS {
                return Err(DescriptorError::TooMuch);
            }
            self.templates.push(Template { layer, ..Template::default() });
            match bits.bits(2)? {
                NEXT_TEMPORAL => layer.temporal_id = layer.temporal_id.saturating_add(1),
                NEXT_SPATIAL => layer = Layer { spatial_id: layer.spatial_id.saturating_add(1), temporal_id: 0 },
                NO_MORE => return Ok(()),
                _ => {}
            }
        }
    }

    /// `template_chains()`.
    fn read_chains(&mut self, bits: &mut BitReader<'_>) -> Result<(), DescriptorError> {
        self.chains = narrow(bits.below(u32::from(self.decode_targets).saturating_add(1))?);
        if self.chains == 0 {
            return Ok(());
        }
        for _ in 0..self.decode_targets {
            push(&mut self.protected_by, narrow(bits.below(u32::from(self.chains))?))?;
        }
        for template in &mut self.templates {
            for _ in 0..self.chains {
                push(&mut template.chain_diffs, small(bits, 4)?)?;
            }
        }
        Ok(())
    }

    /// `render_resolutions()`, one for each spatial layer.
    fn read_resolutions(&mut self, bits: &mut BitReader<'_>) -> Result<(), DescriptorError> {
        let highest = self.templates.last().map_or(0, |template| template.layer.spatial_id);
        for _ in 0..=highest {
            let size = (bits.bits(16)?.saturating_add(1), bits.bits(16)?.saturating_add(1));
            push(&mut self.resolutions, size)?;
        }
        Ok(())
    }
}

/// A field of at most eight bits.
pub(super) fn small(bits: &mut BitReader<'_>, count: u32) -> Result<u8, DescriptorError> {
    Ok(narrow(bits.bits(count.min(8))?))
}

/// What is known to be below 256.
fn narrow(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
