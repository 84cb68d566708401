//! How far apart packets arrive that were sent close together: the link's rate, or a lower bound of it.

use std::collections::VecDeque;

use crate::history::Acked;

/// Packets that carry the evidence; fewer say too little beside the 250 µs of the arrival times.
const MIN_PACKETS: usize = 4;
const MIN_OCTETS: f64 = 800.0;

/// Sums over the packets of recent trains.
#[derive(Clone, Debug, Default)]
pub struct Dispersion {
    pairs: VecDeque<Pair>,
    last: Option<Acked>,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    arrived: f64,
    octets: f64,
    send_span: f64,
    arrival_span: f64,
    dense: bool,
}

/// What trains tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// They came apart: the link carries this many bits a second.
    Capacity(f64),
    /// They came as they were sent: it carries at least that.
    AtLeast(f64),
}

impl Dispersion {
    /// Take in the next packet in order of sending.
    ///
    /// busy: it and the one before it waited in a queue, so that they left it one behind the other.
    /// faster_than: only what was sent at this rate says something about a higher one.
    /// between: octets that nobody reports came between it and the one before, sent from one time to another.
    ///
    /// Returns the octets that left the queue behind the packet before, and how long they took, where they did so one behind the other.
    pub fn on_packet(&mut self, packet: Acked, busy: bool, faster_than: f64, between: impl Fn(f64, f64) -> f64) -> Option<(f64, f64)> {
        let last = self.last.replace(packet)?;
        let send_span = packet.sent - last.sent;
        let arrival_span = packet.arrived - last.arrived;
        let neighbours = packet.sequence == last.sequence.saturating_add(1);
        let octets = packet.octets + between(last.sent, packet.sent);
        let dense = octets * 8.0 >= faster_than * send_span;
        let tells = neighbours && arrival_span >= 0.0 && (dense || busy);
        tells.then(|| {
            self.pairs.push_back(Pair { arrived: packet.arrived, octets, send_span, arrival_span, dense });
            (octets, arrival_span)
        })
    }

    /// Drop what is older than `horizon` by the receiver's clock.
    pub fn forget_before(&mut self, horizon: f64) {
        while self.pairs.front().is_some_and(|pair| pair.arrived < horizon) {
            self.pairs.pop_front();
        }
    }

    /// Rate at which packets arrived since `horizon` that were sent close together, without what filled the time between.
    #[must_use]
    pub fn dense(&self, horizon: f64) -> Option<f64> {
        let recent = self.pairs.iter().filter(|pair| pair.dense && pair.arrived >= horizon);
        let (octets, span, packets) = recent.fold((0.0, 0.0, 0_usize), |(octets, span, count), pair| {
            (octets + pair.octets, span + pair.arrival_span, count.saturating_add(1))
        });
        (packets >= MIN_PACKETS && span > 1e-3).then(|| octets * 8.0 / span)
    }

    /// What the newest trains tell that together lasted at least `span` seconds at the far end, if that suffices.
    ///
    /// stretch: how much slower than sent counts as apart.
    #[must_use]
    pub fn evidence(&self, span: f64, stretch: f64) -> Option<Evidence> {
        let (mut octets, mut sent, mut arrived, mut packets) = (0.0, 0.0, 0.0, 0_usize);
        for pair in self.pairs.iter().rev() {
            octets += pair.octets;
            sent += pair.send_span;
            arrived += pair.arrival_span;
            packets = packets.saturating_add(1);
            if packets >= MIN_PACKETS && octets >= MIN_OCTETS && arrived >= span {
                break;
            }
        }
        if packets < MIN_PACKETS || octets < MIN_OCTETS {
            return None;
        }
        let bits = octets * 8.0;
        if arrived > sent * stretch && arrived > 1e-3 {
            Some(Evidence::Capacity(bits / arrived))
        } else {
            Some(Evidence::AtLeast(bits / sent.max(arrived).max(1e-3)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_did_not_wait_behind_one_another_are_no_pair() {
        let pair = |sent: f64, sequence: u64, busy: bool| {
            let mut dispersion = Dispersion::default();
            let packet = |sequence, sent, arrived| Acked { sent, arrived, octets: 1000.0, sequence, copied: None };
            assert_eq!(dispersion.on_packet(packet(0, 0.0, 0.05), false, 2e6, |_, _| 0.0), None, "the first");
            dispersion.on_packet(packet(sequence, sent, 0.1), busy, 2e6, |_, _| 0.0)
        };
        assert_eq!(pair(0.001, 1, false), Some((1000.0, 0.05)));
        assert_eq!(pair(0.033, 1, false), None, "it was sent later");
        assert_eq!(pair(0.033, 1, true), Some((1000.0, 0.05)));
        assert_eq!(pair(0.001, 2, false), None, "something else came between");
    }
}
