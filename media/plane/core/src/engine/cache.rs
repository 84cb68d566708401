//! The packets of one encoding, as they came out of SRTP: read by every subscriber's forwarding and by retransmission.

use super::layers::Place;
use crate::dependency_descriptor;
use crate::sequence::low16;
use crate::{vp8, vp9};

/// From this temporal layer on next to no picture needs another.
const SELDOM_NEEDED: u8 = 2;

/// What is kept of a packet. Slots keep their buffer, so a warm cache allocates nothing.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// Extended sequence number.
    pub(super) sequence: i64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    /// Index in the source's codecs.
    pub(super) codec: usize,
    /// A decoder can begin here.
    pub(super) keyframe_start: bool,
    pub(super) vp8: Option<vp8::Descriptor>,
    pub(super) vp9: Option<vp9::Descriptor>,
    pub(super) place: Place,
    pub(super) extras: Extras,
    /// Where the packet's own frame begins in the payload; above 0 the payload is RED, and earlier frames lie before it.
    pub(super) own_frame: usize,
    pub(super) payload: Vec<u8>,
}

/// Header extensions that pass through as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extras {
    pub(super) audio_level: Option<[u8; 1]>,
    pub(super) video_orientation: Option<[u8; 1]>,
    pub(super) playout_delay: Option<[u8; 3]>,
    pub(super) abs_capture_time: Option<[u8; 8]>,
    pub(super) dependency_descriptor: Option<Inline>,
}

impl Extras {
    /// Whether the packet has none.
    pub(super) fn is_empty(&self) -> bool {
        let Self { audio_level, video_orientation, playout_delay, abs_capture_time, dependency_descriptor } = self;
        let short = audio_level.is_some() || video_orientation.is_some() || playout_delay.is_some();
        !(short || abs_capture_time.is_some() || dependency_descriptor.is_some())
    }
}

/// An extension of varying length, held where the packet is: a cache that is warm allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inline {
    len: u8,
    octets: [u8; MAX_INLINE],
}

/// Room for dependency descriptors of keyframes, which carry the structure: Chromium's with three spatial and three temporal
/// layers take 97 octets. A longer one is left out: its receivers then wait for another keyframe, as if this were lost.
const MAX_INLINE: usize = 127;

impl Inline {
    /// `None` if `data` is too long.
    pub(super) fn new(data: &[u8]) -> Option<Self> {
        let mut octets = [0; MAX_INLINE];
        octets.get_mut(..data.len())?.copy_from_slice(data);
        Some(Self { len: u8::try_from(data.len()).ok()?, octets })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Packet {
    /// The temporal layer; 0 where there is only one.
    pub(super) fn temporal_id(&self) -> u8 {
        self.place.layer.temporal
    }

    /// Whether other pictures are likely to need its picture.
    pub(super) fn is_needed(&self) -> bool {
        self.temporal_id() < SELDOM_NEEDED
    }

    /// Picture id and TL0PICIDX, of codecs that number their pictures.
    pub(super) fn picture_ids(&self) -> Option<(vp8::PictureId, Option<u8>)> {
        let vp8 = || Some((self.vp8?.picture_id?, self.vp8?.tl0picidx));
        let vp9 = || Some((self.vp9?.picture_id?, self.vp9?.tl0picidx));
        vp8().or_else(vp9)
    }

    /// Write other ids over those of `payload`, a copy of the packet's.
    pub(super) fn rewrite_ids(&self, payload: &mut [u8], picture_id: u16, tl0picidx: u8) {
        if let Some(vp8) = self.vp8 {
            vp8.rewrite(payload, picture_id, tl0picidx);
        } else if let Some(vp9) = self.vp9 {
            vp9.rewrite(payload, picture_id, tl0picidx);
        }
    }

    /// The frame number in its dependency descriptor.
    pub(super) fn frame_number(&self) -> Option<u16> {
        dependency_descriptor::frame_number(self.extras.dependency_descriptor.as_ref()?.as_slice())
    }
}

/// A ring of the newest packets, by extended sequence number.
pub(super) struct PacketCache {
    slots: Vec<Option<Packet>>,
}

/// Where a packet was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    New,
    /// It is there already: a retransmission that met its original.
    Duplicate,
    /// So late that its place is taken.
    Late,
}

impl PacketCache {
    /// A cache of 2^`bits` packets.
    pub(super) fn new(bits: u32) -> Self {
        Self { slots: vec![None; 1 << bits.min(16)] }
    }

    pub(super) fn get(&self, sequence: i64) -> Option<&Packet> {
        self.slots.get(self.index(sequence))?.as_ref().filter(|packet| packet.sequence == sequence)
    }

    /// Copy a packet in. `head` is everything but the payload.
    pub(super) fn store(&mut self, head: Packet, payload: &[u8]) -> Stored {
        let index = self.index(head.sequence);
        let Some(slot) = self.slots.get_mut(index) else { return Stored::Late };
        let mut buffer = match slot {
            Some(old) if old.sequence == head.sequence => return Stored::Duplicate,
            Some(old) if old.sequence > head.sequence => return Stored::Late,
            Some(old) => std::mem::take(&mut old.payload),
            None => Vec::new(),
        };
        buffer.clear();
        buffer.extend_from_slice(payload);
        *slot = Some(Packet { payload: buffer, ..head });
        Stored::New
    }

    /// How many packets it holds.
    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Tell the packet in front of `sequence`, and this one, which frame of their picture comes next.
    pub(super) fn link(&mut self, sequence: i64) {
        for first in [sequence.wrapping_sub(1), sequence] {
            let Some(next) = self.get(first.wrapping_add(1)).map(|next| (next.timestamp, next.place.layer)) else { continue };
            let index = self.index(first);
            let slot = self.slots.get_mut(index).and_then(Option::as_mut).filter(|packet| packet.sequence == first);
            if let Some(packet) = slot.filter(|packet| packet.place.end_of_frame && packet.timestamp == next.0) {
                packet.place.above = Some(next.1);
            }
        }
    }

    /// Forget everything: another stream begins.
    pub(super) fn clear(&mut self) {
        self.slots.fill(None);
    }

    fn index(&self, sequence: i64) -> usize {
        // At most 2^16 slots, a power of two: the low 16 bits are enough, below zero too.
        usize::from(low16(sequence)) & self.slots.len().wrapping_sub(1)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;

    fn head(sequence: i64) -> Packet {
        Packet {
            sequence,
            timestamp: 0,
            marker: false,
            codec: 0,
            keyframe_start: false,
            vp8: None,
            vp9: None,
            place: Place::default(),
            extras: Extras::default(),
            own_frame: 0,
            payload: Vec::new(),
        }
    }

    #[test]
    fn keeps_the_newest_and_tells_late_from_duplicate() {
        let mut cache = PacketCache::new(3);
        for sequence in 0..10_u8 {
            assert_eq!(cache.store(head(sequence.into()), &[sequence]), Stored::New);
        }
        assert!(cache.get(1).is_none());
        assert_eq!(cache.get(2).unwrap().payload, [2]);
        assert_eq!(cache.store(head(9), &[0]), Stored::Duplicate);
        assert_eq!(cache.store(head(1), &[0]), Stored::Late);
        assert_eq!(cache.get(9).unwrap().payload, [9]);
    }

    #[test]
    fn a_cleared_cache_takes_a_lower_sequence() {
        let mut cache = PacketCache::new(3);
        cache.store(head(900), &[1]);
        cache.clear();
        assert_eq!(cache.store(head(4), &[2]), Stored::New);
        assert!(cache.get(900).is_none());
    }
}
