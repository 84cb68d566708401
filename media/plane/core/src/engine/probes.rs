//! Probes: padding to subscribers for whom something better is wanted than what their link is known to carry.
//!
//! Padding goes out as retransmissions without payload (RFC 4588), which receivers drop and report. Nothing is sent where nothing
//! better is wanted.

use std::time::{Duration, Instant};

use adaptation::probe::{self, Prober};

use super::burst;
use super::timers::Timer;
use super::{Engine, Output, PeerKey, SinkKey};

/// How often is looked whether a probe is due.
const POLL: Duration = Duration::from_millis(50);
/// Between parts of a probe: two packets apart at 1 Mbit/s, one behind the other in the link's queue above that.
const TICK: Duration = Duration::from_millis(5);
/// Packets that leave together at most.
const MOST_AT_ONCE: usize = 32;

/// A link's probes.
#[derive(Default)]
pub(super) struct Probes {
    /// Bit/s that what is wanted takes; 0: what is sent suffices.
    wanted: f64,
    prober: Prober,
    train: Option<Train>,
}

/// A probe on its way.
struct Train {
    /// Octets a second.
    rate: f64,
    /// Octets still to be sent.
    left: f64,
    /// Up to when what was sent lasts.
    until: f64,
}

impl Probes {
    pub(super) fn want(&mut self, bitrate: f64) {
        self.wanted = bitrate;
        if bitrate <= 0.0 {
            self.train = None;
        }
    }

    /// End the train that is on its way.
    pub(super) fn pause(&mut self) {
        self.train = None;
    }

    fn is_wanted(&self) -> bool {
        self.wanted > 0.0
    }

    /// Packets of padding that leave now.
    pub(super) fn poll(&mut self, now: f64, estimate: f64) -> usize {
        if !self.is_wanted() {
            return 0;
        }
        if self.train.is_none() {
            let probe = self.prober.poll(now, estimate, self.wanted);
            self.train = probe.map(|probe| Train { rate: probe.rate / 8.0, left: probe.octets, until: now });
        }
        let Some(train) = &mut self.train else { return 0 };
        let mut packets = 0_usize;
        while train.left > 0.0 && train.until <= now + TICK.as_secs_f64() / 2.0 && packets < MOST_AT_ONCE {
            train.until += probe::PACKET_OCTETS / train.rate.max(1.0);
            train.left -= probe::PACKET_OCTETS;
            packets = packets.saturating_add(1);
        }
        if train.left <= 0.0 {
            self.train = None;
        }
        packets
    }
}

impl Engine {
    /// Find out whether the link of a peer carries so many bit/s; 0 ends it.
    pub(super) fn want_bitrate(&mut self, now: Instant, peer: PeerKey, bitrate: f64) {
        let Some(link) = self.peers.get_mut(peer).and_then(|peer| peer.link.as_deref_mut()) else { return };
        link.probes.want(bitrate);
        if bitrate > 0.0 && !self.probing.contains(&peer) {
            self.probing.push(peer);
            self.timers.arm_in(Timer::Probes, now, TICK);
        }
    }

    /// Send what is due of each probe.
    pub(super) fn send_probes(&mut self, now: Instant, out: &mut impl Output) {
        let since_epoch = self.clock.since_epoch(now);
        let mut delay = POLL;
        for peer in std::mem::take(&mut self.probing) {
            let Some(link) = self.peers.get_mut(peer).and_then(|peer| peer.link.as_deref_mut()) else { continue };
            let packets = link.due_padding(since_epoch);
            if link.probes.train.is_some() {
                delay = TICK;
            }
            if link.probes.is_wanted() {
                self.probing.push(peer);
            }
            if packets > 0 {
                self.send_padding(now, peer, packets, out);
            }
        }
        if !self.probing.is_empty() {
            self.timers.arm_in(Timer::Probes, now, delay);
        }
    }

    fn send_padding(&mut self, now: Instant, peer: PeerKey, packets: usize, out: &mut impl Output) {
        let Some((sink, payload_type)) = self.padded_sink(peer) else { return };
        let Self { sinks, peers, counters, scratch, clock, .. } = self;
        let (Some(sink), Some(peer)) = (sinks.get_mut(sink), peers.get_mut(peer)) else { return };
        let (Some(security), Some(address)) = (&peer.security, peer.address) else { return };
        let (playout, since_epoch) = (peer.copies.playout.told(now), clock.since_epoch(now));
        for _ in 0..packets {
            let sequence = sink.next_rtx_sequence();
            let mut stream = sink.stream(sink.rtx_ssrc, peer.extensions, playout, since_epoch, peer.link.as_deref_mut());
            burst::send_padding(&mut stream, sequence, payload_type, &security.sender, address, scratch, out);
            counters.probe_packets_sent.add(1);
        }
    }

    /// A sink of the peer that can carry padding, and the payload type of its retransmissions.
    fn padded_sink(&self, peer: PeerKey) -> Option<(SinkKey, u8)> {
        self.peers.get(peer)?.sinks.iter().find_map(|&key| {
            let sink = self.sinks.get(key).filter(|sink| sink.rtx_ssrc != 0)?;
            Some((key, sink.codecs.iter().find_map(|codec| codec.rtx_payload_type)?))
        })
    }
}
