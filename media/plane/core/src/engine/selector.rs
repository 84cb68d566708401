//! Which layers of an encoding a sink is sent: fewer from any picture on, more only where they can be begun.

use arrayvec::ArrayVec;

use super::cache::Packet;
use super::layers::{Layers, Up};

/// Which layers a run of packets is sent with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) layers: Layers,
    /// Dependency descriptors must say which decode targets are active: some are not, or were not when the last structure came.
    pub(super) masked: bool,
}

/// Changes remembered for packets that come late: they are rarer than one in a few pictures.
const CHANGES: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Selector {
    selection: Selection,
    /// Timestamps of the pictures from which other layers were sent, the newest last.
    changes: ArrayVec<(u32, Layers), CHANGES>,
    /// Timestamp of the picture that `selection` was last decided at.
    decided: Option<u32>,
    /// Pictures that were sent, by how far back their ids lie: bit 0 is `picture_id`.
    sent: u128,
    picture_id: u16,
}

impl Selector {
    pub(super) fn new() -> Self {
        let selection = Selection { layers: Layers::ALL, masked: false };
        Self { selection, changes: ArrayVec::new(), decided: None, sent: 0, picture_id: 0 }
    }

    /// What is sent now.
    pub(super) fn selection(&self) -> Selection {
        self.selection
    }

    /// Begin with a picture that a decoder can begin with.
    pub(super) fn begin(&mut self, packet: &Packet, limit: Layers) -> Selection {
        self.selection = Selection { layers: limit, masked: limit != Layers::ALL };
        self.decided = Some(packet.timestamp);
        self.changes.clear();
        self.sent = 0;
        self.note(packet);
        self.selection
    }

    /// What is sent of the picture that `packet`, the newest, belongs to. `limit`: the highest layers that are wanted.
    pub(super) fn select(&mut self, packet: &Packet, limit: Layers) -> Selection {
        if self.decided != Some(packet.timestamp) {
            self.decided = Some(packet.timestamp);
            let layers = self.raised(self.selection.layers.lowest(limit), packet, limit);
            if layers != self.selection.layers {
                self.remember(packet.timestamp, layers);
            }
            let told = self.selection.masked && !packet.place.structured;
            self.selection = Selection { layers, masked: told || layers != Layers::ALL };
            self.note(packet);
        }
        self.selection
    }

    /// What is sent of a picture at which that changed, lately.
    pub(super) fn changed_at(&self, timestamp: u32) -> Option<Layers> {
        self.changes.iter().rev().find(|(at, _)| *at == timestamp).map(|(_, layers)| *layers)
    }

    fn remember(&mut self, timestamp: u32, layers: Layers) {
        if self.changes.is_full() {
            self.changes.remove(0);
        }
        self.changes.push((timestamp, layers));
    }

    /// `now`, or more of `limit` where the picture is a place to begin that.
    fn raised(&self, now: Layers, packet: &Packet, limit: Layers) -> Layers {
        let at = packet.place.layer;
        let one_up = at.temporal <= limit.temporal && now.temporal.checked_add(1) == Some(at.temporal);
        match packet.place.up {
            Up::Everything => limit,
            // One by one: a picture two layers up says nothing of those between.
            Up::Sync if one_up => Layers { temporal: at.temporal, ..now },
            Up::References(references) if one_up && self.were_sent(packet, references) => Layers { temporal: at.temporal, ..now },
            Up::Temporal if at.temporal <= now.temporal => Layers { temporal: limit.temporal, ..now },
            Up::Targets(targets) if now.contain(at) => best(now, &targets, limit, packet.place.highest),
            _ => now,
        }
    }

    /// Whether all that a picture of VP9's flexible mode refers to was sent. References count in picture ids.
    fn were_sent(&self, packet: &Packet, references: [u8; 3]) -> bool {
        let Some(step) = self.step_to(packet) else { return false };
        references.into_iter().filter(|&reference| reference != 0).all(|reference| {
            let back = u32::from(reference).checked_sub(u32::from(step));
            back.and_then(|back| self.sent.checked_shr(back)).is_some_and(|sent| sent & 1 == 1)
        })
    }

    /// Note whether the picture that begins is sent.
    fn note(&mut self, packet: &Packet) {
        let Some(step) = self.step_to(packet) else { return };
        self.sent = self.sent.checked_shl(step.into()).unwrap_or(0) | u128::from(self.selection.layers.contain(packet.place.layer));
        self.picture_id = self.picture_id.wrapping_add(step);
    }

    /// How many picture ids on a picture of VP9 is.
    fn step_to(&self, packet: &Packet) -> Option<u16> {
        let id = packet.vp9?.picture_id?;
        let width = if id.wide { 0x7FFF } else { 0x7F };
        Some(id.value.wrapping_sub(self.picture_id) & width)
    }
}

/// The highest decode target within `limit` that can be begun, if it has all that is sent now; else more temporal layers of what
/// is sent, where the frame's own spatial layer can begin them. A picture is decided at its lowest frame, and that is a place to
/// switch for its own targets alone, but encoders divide all spatial layers of a picture in time alike.
fn best(now: Layers, targets: &[u8], limit: Layers, highest: Layers) -> Layers {
    let wanted = u8::MAX.checked_shr(7_u32.saturating_sub(limit.temporal.into())).unwrap_or(u8::MAX);
    let begun = |temporal: u8| u8::try_from(7_u32.checked_sub((temporal & wanted).leading_zeros())?).ok();
    let reachable = (0_u8..).zip(targets).filter_map(|(spatial, &temporal)| Some(Layers { spatial, temporal: begun(temporal)? }));
    let reached = reachable.filter(|layers| layers.spatial <= limit.spatial && layers.contain(now.lowest(highest))).last();
    // What is above the stream's highest layer makes no difference: whoever wants all is said to have all.
    let or_all = |temporal| if temporal >= highest.temporal { limit.temporal } else { temporal };
    let Some(reached) = reached.map(|reached| reached.highest(now)) else {
        let lowest = targets.first().copied().and_then(begun).filter(|&temporal| temporal > now.temporal);
        return Layers { temporal: lowest.map_or(now.temporal, or_all), ..now };
    };
    Layers { spatial: if reached.spatial >= highest.spatial { limit.spatial } else { reached.spatial }, temporal: or_all(reached.temporal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIGHEST: Layers = Layers { spatial: 2, temporal: 2 };

    #[test]
    fn the_lowest_frame_of_a_picture_begins_temporal_layers_of_all_spatial_ones() {
        let now = Layers { spatial: 2, temporal: 0 };
        let half = Layers { spatial: 2, temporal: 1 };
        assert_eq!(best(now, &[0b111, 0, 0], half, HIGHEST), half);
        assert_eq!(best(now, &[0b111, 0, 0], Layers { spatial: u8::MAX, ..half }, HIGHEST), half);
        assert_eq!(best(now, &[0b111, 0, 0], Layers { temporal: u8::MAX, ..now }, HIGHEST).temporal, u8::MAX);
    }

    #[test]
    fn no_spatial_layer_begins_without_its_own_indication() {
        let now = Layers { spatial: 1, temporal: 0 };
        assert_eq!(best(now, &[0b111, 0, 0], Layers::ALL, HIGHEST), Layers { spatial: 1, temporal: u8::MAX });
        assert_eq!(best(now, &[0, 0, 0], Layers::ALL, HIGHEST), now);
        assert_eq!(best(now, &[0b111, 0b111, 0b111], Layers::ALL, HIGHEST), Layers::ALL);
    }
}
