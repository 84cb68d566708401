//! A sink that begins gets what the cache holds: at once, paced, and without asking the publisher.
//!
//! While a replay runs, the sink reads the encoding's cache in order of sequence number until it has caught up; what arrives
//! meanwhile is read from the cache too.

use std::time::{Duration, Instant};

use super::burst;
use super::feed::Wanted;
use super::forward::last_and_next_ntp;
use super::gop::Serving;
use super::outgoing::Outgoing;
use super::timers::Timer;
use super::{Engine, Output, PeerKey, SinkKey};

/// Between two parts of a replay.
const TICK: Duration = Duration::from_millis(5);
/// Octets of a part: 16 Mbit/s, so that the keyframe of a 720p picture (50 kB) takes 25 ms and queues little on a phone's link.
const OCTETS_A_TICK: usize = 10_000;

/// How far a replay is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replay {
    from: Wanted,
    /// The next packet to send.
    pub(super) next: i64,
    /// The picture that was sent last.
    timestamp: u32,
    /// The keyframe alone.
    still: bool,
}

impl Engine {
    /// Begin what the cache can do for a sink that waits. True when that makes it live, so that no keyframe need be asked for.
    pub(super) fn begin_replay(&mut self, sink_key: SinkKey, now: Instant, out: &mut impl Output) -> bool {
        let Some((from, serving, start)) = self.what_serves(sink_key, now) else { return false };
        let (Some(source), Some(sink)) = (self.sources.get(from.source), self.sinks.get_mut(sink_key)) else { return false };
        let Some(encoding) = source.encodings.get(from.encoding) else { return false };
        let Some((packet, codec)) = encoding.cache.get(start).and_then(|packet| Some((packet, source.codecs.get(packet.codec)?))) else {
            return false;
        };
        let ntp = last_and_next_ntp(sink, source, from, packet);
        if !sink.switch(from, encoding.generation, codec, packet, ntp, now) {
            return false;
        }
        sink.leave_behind(self.peers.get_mut(sink.peer).and_then(|peer| peer.link.as_deref_mut()), self.clock.since_epoch(now));
        let still = serving == Serving::Still;
        sink.replay = Some(Replay { from, next: start, timestamp: packet.timestamp, still });
        let counter = if still { &mut self.counters.cached_stills } else { &mut self.counters.cached_replays };
        counter.add(1);
        if still {
            sink.still = Some(start);
        }
        if !self.replaying.contains(&sink_key) {
            self.replaying.push(sink_key);
        }
        self.send_sender_report(now, sink_key, from, out);
        self.send_replay_part(sink_key, now, out);
        self.timers.arm_in(Timer::Replays, now, TICK);
        !still
    }

    /// Begin replays for all sinks of a peer: its keys have come.
    pub(super) fn begin_replays(&mut self, peer: PeerKey, now: Instant, out: &mut impl Output) {
        let sinks = self.peers.get(peer).map(|peer| peer.sinks.clone()).unwrap_or_default();
        for sink in sinks {
            self.begin_replay(sink, now, out);
        }
    }

    /// Send the next part of each replay.
    pub(super) fn send_replays(&mut self, now: Instant, out: &mut impl Output) {
        for sink in std::mem::take(&mut self.replaying) {
            self.send_replay_part(sink, now, out);
            if self.sinks.get(sink).is_some_and(|sink| sink.replay.is_some()) {
                self.replaying.push(sink);
            }
        }
        if !self.replaying.is_empty() {
            self.timers.arm_in(Timer::Replays, now, TICK);
        }
    }

    /// Whether a sink whose peer has no keys yet will be live from the cache when they come, so that no keyframe need be asked for.
    pub(super) fn cache_awaits_keys(&self, sink_key: SinkKey, now: Instant) -> bool {
        let keyless = self.sinks.get(sink_key).and_then(|sink| self.peers.get(sink.peer)).is_some_and(|peer| peer.security.is_none());
        keyless && self.what_would_serve(sink_key, now).is_some_and(|(_, serving, _)| serving == Serving::Replay)
    }

    fn what_serves(&self, sink_key: SinkKey, now: Instant) -> Option<(Wanted, Serving, i64)> {
        let peer = self.peers.get(self.sinks.get(sink_key)?.peer)?;
        peer.security.as_ref().and_then(|_| self.what_would_serve(sink_key, now))
    }

    fn what_would_serve(&self, sink_key: SinkKey, now: Instant) -> Option<(Wanted, Serving, i64)> {
        let sink = self.sinks.get(sink_key)?;
        let from = sink.wanted?;
        let encoding = self.sources.get(from.source)?.encodings.get(from.encoding)?;
        if !sink.waits_for_keyframe(encoding) {
            return None;
        }
        let gop = encoding.gop?;
        let link = self.peers.get(sink.peer).and_then(|peer| peer.link.as_deref());
        let serving = gop.serving(encoding.highest?, now, |octets| link.is_none_or(|link| link.bears_replay(octets)));
        // A still is for an empty screen, once: who already watches goes on with that until the next keyframe.
        let useless = serving == Serving::Still && (sink.track.feed().is_some() || sink.still == Some(gop.start));
        (serving != Serving::Nothing && !useless).then_some((from, serving, gop.start))
    }

    fn send_replay_part(&mut self, sink_key: SinkKey, now: Instant, out: &mut impl Output) {
        let Self { sources, sinks, peers, counters, scratch, clock, .. } = self;
        let Some(sink) = sinks.get_mut(sink_key) else { return };
        let Some((mut replay, feed)) = sink.replay.zip(sink.track.feed().copied()) else { return };
        let encoding = sources.get(replay.from.source).and_then(|source| source.encodings.get(replay.from.encoding));
        let Some(encoding) = encoding.filter(|encoding| feed.carries(replay.from, encoding.generation)) else {
            sink.replay = None;
            return;
        };
        let Some((peer, highest)) = peers.get_mut(sink.peer).zip(encoding.highest) else { return };
        let (Some(security), Some(address)) = (&peer.security, peer.address) else { return };
        let mut octets = 0_usize;
        while octets < OCTETS_A_TICK && replay.next <= highest {
            // What is missing upstream keeps its number and comes when it comes.
            let packet = encoding.cache.get(replay.next);
            replay.next = replay.next.wrapping_add(1);
            let Some(packet) = packet else { continue };
            if packet.timestamp != replay.timestamp {
                if replay.still {
                    break;
                }
                replay.timestamp = packet.timestamp;
                if packet.temporal_id() == 0 {
                    sink.track.squeeze(packet);
                }
            }
            let payload_type = feed.payload_type.under(peer.copies.protection());
            let sent = payload_type.octets(packet) as u64;
            let Some(numbers) = sink.forward(packet, sent, now) else { continue };
            octets = octets.saturating_add(packet.payload.len());
            counters.rtp_sent.add(1);
            counters.rtp_octets_sent.add(sent);
            let mut stream =
                sink.stream(sink.ssrc, peer.extensions, peer.copies.playout.told(now), clock.since_epoch(now), peer.link.as_deref_mut());
            let outgoing = Outgoing::new(packet, numbers, payload_type);
            burst::send_layers(&encoding.layers, &mut stream, &[outgoing], &security.sender, address, scratch, counters, out);
        }
        let still_sent =
            replay.still && encoding.cache.get(replay.next.wrapping_sub(1)).is_some_and(|packet| packet.timestamp != replay.timestamp);
        if still_sent {
            sink.stop();
        } else {
            sink.replay = (replay.next <= highest || replay.still).then_some(replay);
        }
    }
}
