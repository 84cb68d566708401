//! The engine: one worker's peers, sources and sinks. Datagrams and time come in, datagrams and events come out.
//!
//! A turn of the worker is: `handle` each waiting command, `receive` each waiting datagram, `flush` once, `timeout` when
//! `deadline` has passed, then drain `next_event`. Media that `receive` opened wait in their encoding's cache until `flush`
//! forwards them, a burst at a time for each subscriber: bursts are what segmentation offload needs.

mod burst;
mod cache;
mod commands;
mod copies;
mod counters;
mod credentials;
mod downstream;
mod fec;
mod feed;
mod forward;
mod gop;
mod governor;
mod handshake;
mod joint;
mod layers;
mod ledger;
mod limits;
mod link;
mod link_loss;
mod mirror;
mod mirrored;
mod outgoing;
mod pacer;
mod peer;
mod playout;
mod probes;
mod redundancy;
mod repair;
mod replay;
mod resent;
mod ride;
mod scratch;
mod selector;
mod sent;
mod sequence_map;
mod silence;
mod sink;
mod source;
mod speaker;
mod thinning;
mod tickets;
mod timers;
mod timestamps;
mod transport;
mod upstream;

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use rustc_hash::FxHashMap;
use slotmap::{SlotMap, new_key_type};

use crate::address::TransportAddress;
use crate::command::{EncodingRow, Event, LinkRow, PeerId, SinkId, SinkRow, SourceId, WorkerId};
use crate::demux::{self, Kind};
use crate::sequence::low32;

pub use counters::Counters;
pub use mirror::{Batch, Crossing};
use peer::Peer;
use sink::Sink;
use source::Source;
pub use tickets::has_ticket_shape;
use timers::Timers;
use timestamps::WallClock;

new_key_type! {
    struct PeerKey;
    struct SourceKey;
    struct SinkKey;
}

/// Where the engine's datagrams go.
pub trait Output {
    /// Send `contents`: datagrams of `segment_size` octets each, the last may be shorter. A connection that has closed is
    /// no destination any more: what is for it is dropped.
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]);

    /// Hand something to another worker's engine, which takes it by [`Engine::cross`]. False: there was no room for it. An
    /// engine that is alone has nobody to hand anything to.
    fn hand_over(&mut self, _worker: WorkerId, _crossing: Crossing) -> bool {
        false
    }
}

/// What an operator may set.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Silence after which a peer is lost. Browsers check consent every 5 s at most (RFC 7675).
    pub liveness: Duration,
    /// At most one keyframe request a source in this time.
    pub keyframe_interval: Duration,
}

/// One worker's state.
pub struct Engine {
    config: Config,
    clock: WallClock,
    /// SSRC that our receiver reports, feedback and keyframe requests come from.
    local_ssrc: u32,
    peers: SlotMap<PeerKey, Peer>,
    sources: SlotMap<SourceKey, Source>,
    sinks: SlotMap<SinkKey, Sink>,
    ids: Ids,
    by_ufrag: FxHashMap<String, PeerKey>,
    by_address: FxHashMap<TransportAddress, PeerKey>,
    /// So many packets wait for `flush` that more could overtake them in their cache.
    brimful: bool,
    /// Sources with packets that `flush` must forward.
    dirty: Vec<SourceKey>,
    /// Counts the calls of `flush`.
    turn: u32,
    /// Sinks that are being sent what the cache holds.
    replaying: Vec<SinkKey>,
    /// Peers to whom something waits for its turn.
    pacing: Vec<PeerKey>,
    /// Peers for whom more is wanted than is known to fit.
    probing: Vec<PeerKey>,
    /// Peers of whose packets copies are due.
    copying: Vec<PeerKey>,
    /// Sinks whose repair packets wait.
    repairing: Vec<SinkKey>,
    /// Peers whose media wait behind the last flight of DTLS.
    opening: Vec<PeerKey>,
    timers: Timers,
    /// What each host has spent of its checks.
    hosts: limits::Hosts,
    tickets: tickets::Tickets,
    events: VecDeque<Event>,
    counters: Counters,
    /// What is being sent: reused, so that forwarding allocates nothing and stays in the cache.
    scratch: scratch::Scratch,
    /// A send that waits for more to the same subscriber.
    joint: joint::Joint,
}

/// From the caller's ids to our keys.
#[derive(Default)]
struct Ids {
    peers: FxHashMap<PeerId, PeerKey>,
    sources: FxHashMap<SourceId, SourceKey>,
    sinks: FxHashMap<SinkId, SinkKey>,
}

impl Ids {
    fn len(&self) -> usize {
        self.peers.len().saturating_add(self.sources.len()).saturating_add(self.sinks.len())
    }
}

impl Engine {
    /// An engine without peers. `wall_clock` is the time of day at `now`; `seed` makes SSRCs and first sequence numbers.
    #[must_use]
    pub fn new(config: Config, now: Instant, wall_clock: SystemTime, seed: u64) -> Self {
        Self {
            config,
            clock: WallClock::new(now, wall_clock),
            local_ssrc: low32(seed.cast_signed()) | 1,
            peers: SlotMap::with_key(),
            sources: SlotMap::with_key(),
            sinks: SlotMap::with_key(),
            ids: Ids::default(),
            by_ufrag: FxHashMap::default(),
            by_address: FxHashMap::default(),
            brimful: false,
            dirty: Vec::new(),
            turn: 0,
            replaying: Vec::new(),
            pacing: Vec::new(),
            probing: Vec::new(),
            copying: Vec::new(),
            repairing: Vec::new(),
            opening: Vec::new(),
            timers: Timers::new(now),
            hosts: limits::Hosts::new(seed),
            tickets: tickets::Tickets::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            scratch: scratch::Scratch::default(),
            joint: joint::Joint::default(),
        }
    }

    /// Allow each host only this worker's share of its checks: one of `workers`, at least 1.
    pub fn share_rations(&mut self, workers: u32) {
        self.hosts.divide(workers.max(1));
    }

    /// Take one datagram. Media are decrypted in place and queued; STUN is answered at once.
    pub fn receive(&mut self, now: Instant, from: TransportAddress, datagram: &mut [u8], out: &mut impl Output) {
        let Some(kind) = demux::classify(datagram) else {
            self.counters.dropped_unclassified.add(1);
            return;
        };
        if kind == Kind::Stun {
            return self.receive_stun(now, from, datagram, out);
        }
        let Some(&peer) = self.by_address.get(&from) else {
            self.counters.dropped_unknown_address.add(1);
            return;
        };
        match kind {
            Kind::Stun => {}
            Kind::Dtls => self.receive_dtls(now, peer, datagram),
            Kind::Rtp => {
                self.receive_rtp(now, peer, datagram);
                if std::mem::take(&mut self.brimful) {
                    self.flush(now, out);
                }
            }
            Kind::Rtcp => {
                self.receive_rtcp(now, peer, from, datagram, out);
                self.pace_what_waits(now);
            }
        }
    }

    /// When `timeout` wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Carry out what is due.
    pub fn timeout(&mut self, now: Instant, out: &mut impl Output) {
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                timers::Timer::Flush => self.flush(now, out),
                timers::Timer::Replays => self.send_replays(now, out),
                timers::Timer::Pacing => self.send_paced(now, out),
                timers::Timer::Probes => self.send_probes(now, out),
                timers::Timer::Copies => self.send_copies(now, out),
                timers::Timer::Fec => self.send_fec(now, out),
                timers::Timer::Openings => self.open_held_media(now, out),
                timers::Timer::Repair => self.send_nacks(now, out),
                timers::Timer::Keyframes => self.send_keyframe_requests(now, out),
                timers::Timer::Feedback => self.send_transport_feedback(now, out),
                timers::Timer::Reports => self.send_receiver_reports(now, out),
                timers::Timer::Silence => self.report_silence(now),
                timers::Timer::Liveness => self.check_liveness(now),
            }
            self.pace_what_waits(now);
        }
    }

    /// The next thing that Python must know.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A row a sink, in no particular order.
    #[must_use]
    pub fn snapshot(&self) -> Vec<SinkRow> {
        self.sinks
            .values()
            .map(|sink| {
                let (peer, link) = self.peers.get(sink.peer).map_or((0, LinkRow::UNKNOWN), |peer| (peer.id, peer.link_row()));
                let source = sink.shown_source().and_then(|key| self.sources.get(key)).map_or(0, |source| source.id);
                SinkRow { link, ..sink.row(peer, source) }
            })
            .collect()
    }

    /// Audio sources that speak, with their smoothed level in dBov (RFC 6464), in no particular order.
    #[must_use]
    pub fn audio_levels(&self, now: Instant) -> Vec<(SourceId, f32)> {
        self.sources.values().filter_map(|source| Some((source.id, source.speaker.level(now)?))).collect()
    }

    /// Counters since the start, and gauges of what is there.
    #[must_use]
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        let mut stats = self.counters.named();
        stats.push(("peers", self.peers.len() as u64));
        stats.push(("sources", self.sources.len().saturating_sub(self.mirrors()) as u64));
        stats.push(("mirrors", self.mirrors() as u64));
        stats.push(("sinks", self.sinks.len() as u64));
        stats.push(("addresses", self.by_address.len() as u64));
        stats.push(("ufrags", self.by_ufrag.len() as u64));
        stats.push(("ids", self.ids.len() as u64));
        stats
    }

    /// A row an encoding, lowest first; empty when the source is unknown.
    #[must_use]
    pub fn source_stats(&self, source: SourceId, now: Instant) -> Vec<EncodingRow> {
        let source = self.ids.sources.get(&source).and_then(|&key| self.sources.get(key));
        source.map_or_else(Vec::new, |source| source.encodings.iter().map(|encoding| encoding.row(now)).collect())
    }
}

#[cfg(test)]
mod tests;
