//! When pictures are shown, of what arrived when.

use std::collections::HashMap;

use super::{INTERVAL, SETTLED};

/// What libwebrtc counts as a freeze at such an interval.
pub const FREEZE: f64 = INTERVAL + 0.15;

/// A picture of the host.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// Index of its first packet.
    pub first: i64,
    pub packets: i64,
    pub temporal: u8,
    pub keyframe: bool,
    /// Seconds.
    pub sent: f64,
}

/// When pictures are shown: each so long after it was sent, or when it can be decoded. What no other picture needs is left out when it
/// is late.
pub fn shown(pictures: &[Picture], arrived: &HashMap<i64, f64>, kept: f64) -> Vec<f64> {
    let mut shown = Vec::new();
    // When the last picture of each temporal layer could be decoded.
    let mut decoded = [f64::INFINITY; 3];
    for picture in pictures {
        let packets = picture.first..picture.first + picture.packets;
        let whole = packets.map(|index| arrived.get(&index).copied().unwrap_or(f64::INFINITY)).fold(0.0, f64::max);
        let needed = match picture.temporal {
            _ if picture.keyframe => 0.0,
            0 | 1 => decoded[0],
            _ => decoded[0].max(decoded[1]),
        };
        let (at, due) = (whole.max(needed), picture.sent + kept);
        match picture.temporal {
            0 => decoded = [at, 0.0, 0.0],
            layer => decoded[usize::from(layer)] = at,
        }
        let latest = if picture.temporal == 0 { f64::MAX } else { due + INTERVAL };
        if picture.sent >= SETTLED && at <= latest {
            shown.push(at.max(due));
        }
    }
    shown.sort_by(f64::total_cmp);
    shown
}
