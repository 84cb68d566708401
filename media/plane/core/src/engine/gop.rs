//! The newest group of pictures of an encoding: where a decoder can begin, and whether what follows is worth replaying.

use std::time::{Duration, Instant};

use super::cache::Packet;

/// Base pictures behind the keyframe that a joiner is sent: a cheap phone decodes so many in about 100 ms.
const MAX_REPLAY_PICTURES: u32 = 24;
/// Packets in all; more do not fit a first second on a weak link.
const MAX_REPLAY_PACKETS: i64 = 200;
/// Octets that a packet of a group adds to its replay: about half of them are of base pictures.
const REPLAYED_OCTETS: i64 = 550;
/// A keyframe older than this says nothing about what is on camera now.
const MAX_STILL_AGE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gop {
    /// The keyframe's first packet.
    pub(super) start: i64,
    pub(super) timestamp: u32,
    pub(super) received: Instant,
    base_pictures: u32,
}

/// How the cache can serve who waits for this encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// Keyframe and the base pictures since: the sink is live when it has them.
    Replay,
    /// The keyframe alone, as a still picture until the next one comes.
    Still,
    Nothing,
}

impl Gop {
    /// The group that `packet` begins, if it does; the parameter sets and slices of one H.264 keyframe begin only one.
    pub(super) fn begin(current: Option<Self>, packet: &Packet, now: Instant) -> Option<Self> {
        let newer = current.is_none_or(|gop| packet.sequence > gop.start && packet.timestamp != gop.timestamp);
        let gop = Self { start: packet.sequence, timestamp: packet.timestamp, received: now, base_pictures: 0 };
        if packet.keyframe_start && newer { Some(gop) } else { current }
    }

    /// Note a packet of the group.
    pub(super) fn extend(&mut self, packet: &Packet) {
        if packet.marker && packet.temporal_id() == 0 && packet.sequence > self.start {
            self.base_pictures = self.base_pictures.saturating_add(1);
        }
    }

    /// `highest`: the newest packet of the encoding; `bears`: whether so many octets are there soon.
    pub(super) fn serving(&self, highest: i64, now: Instant, bears: impl Fn(i64) -> bool) -> Serving {
        let packets = highest.wrapping_sub(self.start);
        if self.base_pictures <= MAX_REPLAY_PICTURES && packets < MAX_REPLAY_PACKETS && bears(packets.saturating_mul(REPLAYED_OCTETS)) {
            Serving::Replay
        } else if now.saturating_duration_since(self.received) <= MAX_STILL_AGE {
            Serving::Still
        } else {
            Serving::Nothing
        }
    }
}
