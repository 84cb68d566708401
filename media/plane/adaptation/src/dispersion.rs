//! How far apart packets arrive that were sent close together: the link's rate, or a lower bound of it.

use std::collections::VecDeque;

use crate::history::Acked;

/// Packets that carry the evidence; fewer say too little beside the 250 µs of the arrival times.
const MIN_PACKETS: usize = 4;
const MIN_OCTETS: f64 = 800.0;
/// So many packets tell whether they left a queue evenly: by less than this share of all their time are they off the mean of their
/// size, and by more than that one they were when they were sent.
const EVEN_PACKETS: usize = 6;
const EVEN: f64 = 0.1;
const UNEVEN: f64 = 0.3;

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
    busy: bool,
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
            self.pairs.push_back(Pair { arrived: packet.arrived, octets, send_span, arrival_span, dense, busy });
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

    /// Whether what waited left the queue as it does where nothing else is in it: each packet as long after the one before as it is
    /// large, although it was not sent like that. How many of others' packets come between two depends on when those were sent.
    #[must_use]
    pub fn is_even(&self) -> bool {
        let waited = || self.pairs.iter().filter(|pair| pair.busy);
        let unevenness = |span: fn(&Pair) -> f64| {
            let (octets, spans) = waited().fold((0.0, 0.0), |(octets, spans), pair| (octets + pair.octets, spans + span(pair)));
            let pace = spans / octets.max(1.0);
            waited().map(|pair| (span(pair) - pair.octets * pace).abs()).sum::<f64>() / spans.max(1e-3)
        };
        waited().count() >= EVEN_PACKETS && unevenness(|pair| pair.arrival_span) < EVEN && unevenness(|pair| pair.send_span) > UNEVEN
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

    /// Sound every 20 ms and a picture of three packets every 66, through a queue that gives so many bit/s to all, of which others have
    /// half, a packet at a time, where they are `beside`.
    fn through_queue(rate: f64, beside: bool, packets: usize) -> Dispersion {
        let mut dispersion = Dispersion::default();
        let sound = (0..40).map(|index| (f64::from(index) * 0.02, 140.0));
        let pictures = (0..12).flat_map(|index| [(f64::from(index) * 0.066 + 0.001, 700.0); 3]);
        let mut sent: Vec<(f64, f64)> = sound.chain(pictures).collect();
        sent.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let (mut free, mut others) = (0.3, 0.0);
        for (sequence, (sent, octets)) in (0..).zip(sent).take(packets) {
            while beside && others <= sent {
                free += 1500.0 * 8.0 / rate;
                others += 1500.0 * 16.0 / rate;
            }
            free += octets * 8.0 / rate;
            dispersion.on_packet(Acked { sent, arrived: free, octets, sequence, copied: None }, true, 1e6, |_, _| 0.0);
        }
        dispersion
    }

    #[test]
    fn what_has_a_queue_for_itself_leaves_it_evenly() {
        for rate in [0.08e6, 0.1e6, 0.3e6] {
            assert!(through_queue(rate, false, 70).is_even(), "{rate}");
            assert!(!through_queue(rate, true, 70).is_even(), "{rate}, beside others");
            assert!(!through_queue(rate, false, 5).is_even(), "too few to tell");
        }
        assert!(!Dispersion::default().is_even());
    }

    #[test]
    fn what_was_sent_evenly_tells_nothing_by_leaving_so() {
        let mut dispersion = Dispersion::default();
        for sequence in 0..40_u32 {
            let sent = f64::from(sequence) * 0.02;
            dispersion.on_packet(
                Acked { sent, arrived: sent + 0.3, octets: 140.0, sequence: sequence.into(), copied: None },
                true,
                1e6,
                |_, _| 0.0,
            );
        }
        assert!(!dispersion.is_even());
    }

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
