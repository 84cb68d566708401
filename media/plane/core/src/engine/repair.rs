//! Repair upstream: asking publishers for what was lost, the round trip that paces it, and what follows when it stays lost.

use std::time::Instant;

use super::burst;
use super::cache::Packet;
use super::feed::Wanted;
use super::layers::Place;
use super::outgoing::Outgoing;
use super::source::Encoding;
use super::timers::Timer;
use super::{Engine, Output, PeerKey};
use crate::command::ExtensionIds;
use crate::ntp;
use crate::rtcp::{self, DelayReports};
use crate::sequence::low16;

/// How far the neighbours of a lost packet are looked for: as wide as one picture may be.
const NEIGHBOURHOOD: i64 = 128;

impl Engine {
    /// Ask publishers again for packets that are missing, and settle what stays missing.
    pub(super) fn send_nacks(&mut self, now: Instant, out: &mut impl Output) {
        let Self { sources, peers, timers, counters, scratch, .. } = self;
        let mut lost_for_good = Vec::new();
        for (key, source) in sources.iter_mut() {
            let Some(peer) = peers.get_mut(source.peer) else { continue };
            for (index, encoding) in source.encodings.iter_mut().enumerate() {
                let Some(ssrc) = encoding.ssrc else { continue };
                let lost = encoding.nacks.due(now, peer.round_trip.answer_within());
                if !lost.is_empty() {
                    scratch.clear();
                    rtcp::write_nack(self.local_ssrc, ssrc, lost, scratch);
                    counters.nack_sent.add(lost.len() as u64);
                    peer.send_rtcp(scratch, out);
                }
                if let Some(due) = encoding.nacks.deadline() {
                    timers.arm(Timer::Repair, due);
                }
                let given_up = encoding.nacks.take_given_up();
                if !given_up.is_empty() {
                    peer.leniency.on_given_up(given_up.len());
                    lost_for_good.push((Wanted { source: key, encoding: index }, given_up));
                }
            }
        }
        for (from, numbers) in lost_for_good {
            self.counters.nack_given_up.add(numbers.len() as u64);
            self.tell_mirrors_of_loss(from, &numbers, out);
            self.give_up(now, from, &numbers, out);
        }
    }

    /// Take in a publisher's answers to our reference time.
    pub(super) fn receive_delays(&mut self, now: Instant, peer: PeerKey, mut delays: DelayReports<'_>) {
        let time = ntp::from_unix(self.clock.since_epoch(now));
        let ours = delays.find(|report| report.receiver == self.local_ssrc);
        let sample = ours.and_then(|report| ntp::round_trip(time, report.last_rr, report.delay));
        if let (Some(sample), Some(peer)) = (sample, self.peers.get_mut(peer)) {
            self.counters.round_trips_measured.add(1);
            peer.round_trip.on_sample(sample);
        }
    }

    /// These packets will not come. Who watches needs a keyframe where decoding cannot go on without them, so that
    /// nobody has to notice by a frozen picture; and none needs to ask for them any longer.
    pub(super) fn give_up(&mut self, now: Instant, from: Wanted, numbers: &[u16], out: &mut impl Output) {
        let Some(encoding) = self.sources.get(from.source).and_then(|source| source.encodings.get(from.encoding)) else { return };
        let Some(highest) = encoding.highest else { return };
        let unrolled = |number: u16| highest.wrapping_sub(i64::from(low16(highest).wrapping_sub(number)));
        // Before the newest keyframe nothing is needed: who has that asks for nothing older, and what comes late still goes out.
        let from_here = encoding.gop.map_or(i64::MIN, |gop| gop.start);
        let open = |&sequence: &i64| sequence > from_here && encoding.cache.get(sequence).is_none();
        let missing: Vec<i64> = numbers.iter().map(|&number| unrolled(number)).filter(open).collect();
        let needed = missing.iter().any(|&sequence| is_needed(encoding, sequence));
        if needed && self.is_watched(from) {
            self.counters.keyframes_for_losses.add(1);
            self.want_keyframe(from.source, from.encoding, now);
        }
        for sequence in missing {
            self.close_gap(now, from, sequence, out);
        }
    }

    /// Send an empty packet under the number of a lost one, to receivers that do not take numbers without a gap for
    /// pictures without a gap (see [`refers_explicitly`]).
    fn close_gap(&mut self, now: Instant, from: Wanted, sequence: i64, out: &mut impl Output) {
        let Self { sources, sinks, peers, counters, scratch, clock, .. } = self;
        let Some(source) = sources.get(from.source) else { return };
        let Some(encoding) = source.encodings.get(from.encoding) else { return };
        let Some(above) = neighbour(encoding, sequence, 1) else { return };
        let filler = empty_packet(sequence, above);
        for &key in &source.sinks {
            let Some(sink) = sinks.get_mut(key) else { continue };
            let Some(peer) = peers.get_mut(sink.peer).filter(|peer| refers_explicitly(above, &peer.extensions)) else { continue };
            let (Some(security), Some(address)) = (&peer.security, peer.address) else { continue };
            let Some(feed) = sink.track.feed().filter(|feed| feed.carries(from, encoding.generation)) else { continue };
            let payload_type = feed.payload_type;
            let Some(numbers) = sink.fill(&filler, now) else { continue };
            counters.rtp_sent.add(1);
            counters.fillers_sent.add(1);
            let mut stream =
                sink.stream(sink.ssrc, peer.extensions, peer.copies.playout.told(now), clock.since_epoch(now), peer.link.as_deref_mut());
            burst::send(&mut stream, &[Outgoing::new(&filler, numbers, payload_type)], &security.sender, address, scratch, counters, out);
        }
    }

    fn is_watched(&self, which: Wanted) -> bool {
        let Some(source) = self.sources.get(which.source) else { return false };
        let Some(encoding) = source.encodings.get(which.encoding) else { return false };
        let feeds = source.sinks.iter().filter_map(|&key| self.sinks.get(key)?.track.feed());
        feeds.into_iter().any(|feed| feed.carries(which, encoding.generation))
    }
}

/// Whether pictures from here on may refer to what was lost. Only a loss that lies wholly in upper temporal layers is known to be
/// harmless.
fn is_needed(encoding: &Encoding, sequence: i64) -> bool {
    let Some((below, above)) = neighbour(encoding, sequence, -1).zip(neighbour(encoding, sequence, 1)) else { return true };
    if below.timestamp == above.timestamp {
        return above.temporal_id() == 0;
    }
    // Base pictures count TL0PICIDX up: none lies between packets that agree on it.
    let index = |packet: &Packet| packet.picture_ids().and_then(|(_, tl0picidx)| tl0picidx);
    let same_base = index(below).is_some() && index(below) == index(above);
    let base_is_whole = below.temporal_id() > 0 || below.marker;
    !(same_base && base_is_whole && above.temporal_id() > 0)
}

/// The nearest packet that is there, in one direction.
fn neighbour(encoding: &Encoding, sequence: i64, step: i64) -> Option<&Packet> {
    (1..=NEIGHBOURHOOD).find_map(|distance| encoding.cache.get(sequence.wrapping_add(step.wrapping_mul(distance))))
}

/// Whether a receiver tells from the packet which pictures this one needs. Where it does not (H.264, or VP8 without TL0PICIDX)
/// it takes pictures with consecutive numbers for consecutive pictures: it would decode over a gap that was closed.
fn refers_explicitly(packet: &Packet, ids: &ExtensionIds) -> bool {
    let described = ids.dependency_descriptor != 0 && packet.extras.dependency_descriptor.is_some();
    described || packet.picture_ids().is_some_and(|(_, tl0picidx)| tl0picidx.is_some())
}

/// What stands in for a lost packet before `above`.
fn empty_packet(sequence: i64, above: &Packet) -> Packet {
    Packet {
        sequence,
        timestamp: above.timestamp,
        codec: above.codec,
        marker: false,
        keyframe_start: false,
        vp8: None,
        vp9: None,
        place: Place::default(),
        extras: super::cache::Extras::default(),
        own_frame: 0,
        payload: Vec::new(),
    }
}
