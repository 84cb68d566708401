//! Layers of an encoding: what each packet says of them, whatever the codec, and which ones arrive.
//!
//! A layer depends on layers at or below its spatial and temporal id only. So whoever is sent all layers up to some pair of ids
//! can decode them, and can do with less from any picture on; what needs a place to begin is more.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use crate::dependency_descriptor::{Frame, Indication, MAX_DECODE_TARGETS, MaskPlace, StreamState, Structure};
use crate::{vp8, vp9};

/// Spatial layers whose arrival and switching points are told apart: as many as a dependency descriptor can have.
const SPATIAL: usize = 4;

/// Temporal layers whose octets are told apart; what is above counts as the last.
const TEMPORAL: usize = 4;

/// Layers are reported as arriving for one to two of these after their last packet.
const WINDOW: Duration = Duration::from_secs(1);

/// A layer, or all layers up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    pub(super) spatial: u8,
    pub(super) temporal: u8,
}

/// Where more layers can be begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Up {
    #[default]
    Nowhere,
    /// All layers begin with this picture.
    Everything,
    /// This picture depends on the lowest temporal layer only (VP8's Y).
    Sync,
    /// Higher temporal layers behind this picture depend on nothing of theirs before it (VP9's U).
    Temporal,
    /// This picture depends on those so many pictures back, and no others (VP9, flexible mode); 0: none.
    References([u8; 3]),
    /// For each spatial layer, bit n: who can decode this frame can begin temporal layer n of it (descriptor's Switch).
    Targets([u8; SPATIAL]),
}

/// What a packet says of the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) layer: Layers,
    /// Its frame, which is one spatial layer of a picture, ends with this packet.
    pub(super) end_of_frame: bool,
    /// The layer of the next frame of the same picture, once that has come. An encoder may leave out any of them.
    pub(super) above: Option<Layers>,
    pub(super) up: Up,
    /// The highest layer that the stream's structure tells of; zeros without one.
    pub(super) highest: Layers,
    /// Where its dependency descriptor tells the active decode targets.
    pub(super) mask: Option<MaskPlace>,
    /// Its descriptor brings a structure: all decode targets are active unless it tells otherwise.
    pub(super) structured: bool,
}

/// What an encoding's packets have told of its layers.
#[derive(Default)]
pub(super) struct LayerReader {
    descriptors: StreamState,
    /// The highest layer of each decode target.
    targets: ArrayVec<Layers, MAX_DECODE_TARGETS>,
    highest: Layers,
    /// Spatial and temporal layers that came in this window and in the last one.
    seen: [Option<Layers>; 2],
    window_began: Option<Instant>,
}

/// Payload octets that arrived, by spatial and temporal layer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LayerOctets(pub(super) [[u64; TEMPORAL]; SPATIAL]);

impl LayerOctets {
    pub(super) fn add(&mut self, layer: Layers, octets: u64) {
        let spatial = usize::from(layer.spatial).min(SPATIAL.saturating_sub(1));
        let temporal = usize::from(layer.temporal).min(TEMPORAL.saturating_sub(1));
        if let Some(sum) = self.0.get_mut(spatial).and_then(|layers| layers.get_mut(temporal)) {
            *sum = sum.saturating_add(octets);
        }
    }
}

impl Layers {
    pub(super) const ALL: Self = Self { spatial: u8::MAX, temporal: u8::MAX };

    /// Whether `layer` is one of all up to this.
    pub(super) fn contain(self, layer: Self) -> bool {
        layer.spatial <= self.spatial && layer.temporal <= self.temporal
    }

    pub(super) fn lowest(self, other: Self) -> Self {
        Self { spatial: self.spatial.min(other.spatial), temporal: self.temporal.min(other.temporal) }
    }

    pub(super) fn highest(self, other: Self) -> Self {
        Self { spatial: self.spatial.max(other.spatial), temporal: self.temporal.max(other.temporal) }
    }
}

impl Place {
    /// Whether a picture ends here for who is sent `layers`, this one among them.
    pub(super) fn ends_picture(&self, layers: Layers) -> bool {
        self.end_of_frame && self.above.map_or(self.layer.spatial == layers.spatial, |above| !layers.contain(above))
    }
}

impl LayerReader {
    /// What a packet says, by its dependency descriptor where it has one that can be read, else by its payload.
    pub(super) fn read(
        &mut self, descriptor: Option<&[u8]>, vp8: Option<&vp8::Descriptor>, vp9: Option<&vp9::Descriptor>, now: Instant,
    ) -> Place {
        let of_payload = || vp8.map(of_vp8).or_else(|| vp9.map(of_vp9)).unwrap_or_default();
        let place = descriptor.and_then(|data| self.read_descriptor(data)).unwrap_or_else(of_payload);
        self.note(place.layer, now);
        place
    }

    /// The highest spatial and temporal layer that arrived lately.
    pub(super) fn arriving(&self) -> Option<Layers> {
        self.seen.into_iter().flatten().reduce(Layers::highest)
    }

    /// The active decode targets bitmask of who is sent these layers.
    pub(super) fn mask(&self, layers: Layers) -> u32 {
        let contained = (0_u32..).zip(&self.targets).filter(|(_, target)| layers.contain(**target));
        contained.fold(0, |mask, (target, _)| mask | 1_u32.checked_shl(target).unwrap_or(0)) & self.descriptors.active_targets()
    }

    fn read_descriptor(&mut self, data: &[u8]) -> Option<Place> {
        let descriptor = self.descriptors.read(data).ok()?;
        if descriptor.structure.is_some() {
            self.targets = self.descriptors.structure().map(target_layers).unwrap_or_default();
            self.highest = self.targets.iter().copied().fold(Layers::default(), Layers::highest);
        }
        let frame = &descriptor.frame;
        Some(Place {
            layer: Layers { spatial: frame.layer.spatial_id, temporal: frame.layer.temporal_id },
            end_of_frame: frame.end,
            above: None,
            up: self.up(frame),
            highest: self.highest,
            mask: Some(descriptor.mask_place),
            structured: descriptor.structure.is_some(),
        })
    }

    fn up(&self, frame: &Frame) -> Up {
        if frame.frame_diffs.is_empty() && frame.layer.spatial_id == 0 {
            return Up::Everything;
        }
        let mut layers = [0_u8; SPATIAL];
        for (target, layer) in (0_u8..).zip(&self.targets) {
            if let (Indication::Switch, Some(temporal)) = (frame.indication(target), layers.get_mut(usize::from(layer.spatial))) {
                *temporal |= 1_u8.checked_shl(layer.temporal.into()).unwrap_or(0);
            }
        }
        Up::Targets(layers)
    }

    fn note(&mut self, layer: Layers, now: Instant) {
        let began = *self.window_began.get_or_insert(now);
        if now.saturating_duration_since(began) >= WINDOW {
            self.window_began = Some(now);
            self.seen.rotate_right(1);
            self.seen[0] = None;
        }
        self.seen[0] = Some(self.seen[0].map_or(layer, |seen| seen.highest(layer)));
    }
}

fn target_layers(structure: &Structure) -> ArrayVec<Layers, MAX_DECODE_TARGETS> {
    let layer = |target| structure.layer_of(target).unwrap_or_default();
    let layers = (0..structure.decode_targets).map(layer).map(|layer| Layers { spatial: layer.spatial_id, temporal: layer.temporal_id });
    // `dt_cnt_minus_one` has five bits, so there is room.
    layers.take(MAX_DECODE_TARGETS).collect()
}

fn of_vp8(descriptor: &vp8::Descriptor) -> Place {
    let layer = Layers { spatial: 0, temporal: descriptor.temporal_id.unwrap_or(0) };
    let up = match (descriptor.keyframe, descriptor.layer_sync) {
        (true, _) => Up::Everything,
        (false, true) => Up::Sync,
        (false, false) => Up::Nowhere,
    };
    Place { layer, up, ..Place::default() }
}

fn of_vp9(descriptor: &vp9::Descriptor) -> Place {
    let layer = descriptor.layer.map_or(Layers::default(), |layer| Layers { spatial: layer.spatial_id, temporal: layer.temporal_id });
    let up = if !descriptor.inter_picture_predicted {
        if layer.spatial == 0 { Up::Everything } else { Up::Nowhere }
    } else if descriptor.layer.is_some_and(|layer| layer.switching_up_point) {
        Up::Temporal
    } else if descriptor.flexible {
        let mut references = [0; 3];
        references.iter_mut().zip(descriptor.references()).for_each(|(place, reference)| *place = reference);
        Up::References(references)
    } else {
        Up::Nowhere
    };
    Place { layer, end_of_frame: descriptor.end_of_frame, up, ..Place::default() }
}
