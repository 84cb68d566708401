//! Forwarding: what came goes to every sink that shows it, a burst a sink.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::burst::{self, MAX_SEGMENTS};
use super::cache::Packet;
use super::feed::Wanted;
use super::outgoing::Outgoing;
use super::sink::Sink;
use super::source::{Encoding, Source};
use super::timers::Timer;
use super::{Engine, Output, SinkKey, SourceKey};
use crate::command::MediaKind;

/// How long video waits for the rest of its picture. A browser sends a picture's packets within a few hundred microseconds, and
/// what is sent together costs half as much; 1 ms is a hundredth of what a viewer notices.
const LINGER: Duration = Duration::from_millis(1);

impl Engine {
    /// Forward the media that are ripe: audio at once, or with a picture that is expected (see `ride.rs`), video when its picture is
    /// whole or has waited long enough. Call once after a batch of `receive`.
    pub fn flush(&mut self, now: Instant, out: &mut impl Output) {
        self.turn = self.turn.wrapping_add(1);
        let (pictures, audio) = self.take_ripe(now);
        // Before anything is forwarded here, so that all workers forward at once.
        for &key in audio.iter().chain(&pictures) {
            self.hand_to_mirrors(key, out);
        }
        let ride = !pictures.is_empty() && pictures.iter().all(|&key| self.sources.get(key).is_some_and(Source::takes_riders));
        let riders = if ride { audio.as_slice() } else { &[] };
        // Audio that may not ride goes in front.
        for &key in audio.iter().filter(|_| !ride) {
            self.forward_source(now, key, &[], out);
        }
        for key in pictures {
            self.forward_source(now, key, riders, out);
        }
        for &key in riders {
            self.forward_source(now, key, &[], out);
        }
        self.pace_what_waits(now);
    }

    /// The sources whose media are ripe: with pictures, and with audio. The others wait on.
    fn take_ripe(&mut self, now: Instant) -> (Vec<SourceKey>, Vec<SourceKey>) {
        let waiting = std::mem::take(&mut self.dirty);
        let (audio, video): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|&key| self.sources.get(key).is_some_and(Source::rides));
        let pictures: Vec<_> = video.into_iter().filter(|&key| self.is_ripe(now, key, false)).collect();
        let with_pictures = !pictures.is_empty();
        let audio = audio.into_iter().filter(|&key| self.is_ripe(now, key, with_pictures)).collect();
        (pictures, audio)
    }

    /// Whether a source's media are ripe; if not they wait. `taken_along`: audio that waits is taken along.
    fn is_ripe(&mut self, now: Instant, key: SourceKey, taken_along: bool) -> bool {
        let Some(source) = self.sources.get(key) else { return false };
        let due = source.ripe_at(LINGER).map(|due| if source.rides() { self.audio_due(source, due) } else { due });
        let brimful = source.encodings.iter().any(Encoding::is_brimful);
        let Some(due) = due.filter(|&due| due > now && !taken_along && !brimful) else { return true };
        self.dirty.push(key);
        self.timers.arm(Timer::Flush, due);
        false
    }

    /// Forward what waits of a source, and behind it to each subscriber what waits of the riders.
    fn forward_source(&mut self, now: Instant, key: SourceKey, riders: &[SourceKey], out: &mut impl Output) {
        let Some(source) = self.sources.get_mut(key) else { return };
        source.pending_since = None;
        source.ripe = false;
        if source.kind == MediaKind::Video {
            source.rhythm.note(now);
        }
        // The list is taken out and put back, so that sinks and peers can be reached while it is walked.
        let sinks = std::mem::take(&mut source.sinks);
        for encoding in 0..source.encodings.len() {
            self.forward_encoding(now, Wanted { source: key, encoding }, &sinks, riders, out);
        }
        if let Some(source) = self.sources.get_mut(key) {
            source.sinks = sinks;
        }
    }

    fn forward_encoding(&mut self, now: Instant, from: Wanted, sinks: &[SinkKey], riders: &[SourceKey], out: &mut impl Output) {
        let Some(encoding) = self.encoding_mut(from) else { return };
        if encoding.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut encoding.pending);
        let mut waiting = false;
        for &sink in sinks {
            waiting |= if riders.is_empty() {
                !self.was_served(sink) && self.forward_to(now, from, sink, &pending, out)
            } else {
                self.forward_with_riders(now, from, sink, &pending, riders, out)
            };
        }
        if let Some(encoding) = self.encoding_mut(from) {
            pending.clear();
            encoding.pending = pending;
        }
        if waiting {
            self.want_keyframe(from.source, from.encoding, now);
        }
    }

    /// Forward `pending` to one sink; true when it waits for a keyframe that is not there.
    pub(super) fn forward_to(&mut self, now: Instant, from: Wanted, sink_key: SinkKey, pending: &[i64], out: &mut impl Output) -> bool {
        let Self { sources, sinks, peers, counters, scratch, clock, .. } = self;
        let (Some(source), Some(sink)) = (sources.get(from.source), sinks.get_mut(sink_key)) else { return false };
        let (Some(encoding), Some(peer)) = (source.encodings.get(from.encoding), peers.get_mut(sink.peer)) else { return false };
        let (Some(security), Some(address)) = (&peer.security, peer.address) else { return false };
        let mut switched = false;
        if sink.waits_for(from, encoding.generation) {
            switched = !overtaken(encoding, pending) && try_switch(sink, source, from, pending, now);
            if !switched {
                return !self.begin_replay(sink_key, now, out);
            }
            sink.leave_behind(peer.link.as_deref_mut(), clock.since_epoch(now));
        }
        let Some(feed) = sink.track.feed().filter(|feed| feed.carries(from, encoding.generation)) else { return false };
        let payload_type = feed.payload_type.under(peer.copies.protection());
        let (playout, percent) = (peer.copies.playout.told(now), peer.copies.protection().fec);
        let is_audio = source.kind == MediaKind::Audio;
        let is_redundant = |&sequence: &i64| encoding.cache.get(sequence).is_none_or(|packet| payload_type.choose(packet).2);
        let redundant = is_audio && pending.iter().all(is_redundant);
        let mut recorder = if is_audio { peer.copies.record_audio(redundant, now, out) } else { peer.copies.record_picture(now, out) };
        let layers = sink.track.layers();
        // A replay reads what is new from the cache itself; only what fills a gap behind it is sent here.
        let replayed = sink.replay.map_or(i64::MAX, |replay| replay.next);
        for chunk in pending.chunks(MAX_SEGMENTS) {
            let mut packets = ArrayVec::<Outgoing<'_>, MAX_SEGMENTS>::new();
            for packet in chunk.iter().filter(|&&sequence| sequence < replayed).filter_map(|&sequence| encoding.cache.get(sequence)) {
                let octets = payload_type.octets(packet) as u64;
                let Some(numbers) = sink.forward(packet, octets, now) else { continue };
                counters.rtp_sent.add(1);
                counters.rtp_octets_sent.add(octets);
                counters.fillers_sent.add(numbers.empty.into());
                packets.push(Outgoing::new(packet, numbers, payload_type));
            }
            // Taken out and put back, because the stream borrows the rest of the sink.
            let mut fec = sink.fec.take();
            let mut stream = sink.stream(sink.ssrc, peer.extensions, playout, clock.since_epoch(now), peer.link.as_deref_mut());
            stream.fec = fec.as_deref_mut().and_then(|fec| fec.protect(percent).then_some(fec));
            burst::send_layers(&encoding.layers, &mut stream, &packets, &security.sender, address, scratch, counters, &mut recorder);
            sink.fec = fec;
        }
        // Repair packets repair what waits as it was.
        if let Some(link) = peer.link.as_deref_mut().filter(|_| percent == 0 && sink.track.layers().spatial < layers.spatial) {
            sink.leave_above(link);
        }
        counters.copies_dropped.add(recorder.dropped());
        let peer = sink.peer;
        self.schedule_copies(peer);
        self.schedule_fec(now, sink_key);
        if switched {
            self.counters.switches.add(1);
            self.send_sender_report(now, sink_key, from, out);
        }
        false
    }

    /// Whether a sink was served as a rider in this turn.
    fn was_served(&self, sink: SinkKey) -> bool {
        self.sinks.get(sink).is_some_and(|sink| sink.served_in == self.turn)
    }

    pub(super) fn encoding_mut(&mut self, which: Wanted) -> Option<&mut Encoding> {
        self.sources.get_mut(which.source)?.encodings.get_mut(which.encoding)
    }
}

/// Whether one of `pending` is a keyframe's head that came behind what follows it, which nobody could use then: a replay sends all of it.
fn overtaken(encoding: &Encoding, pending: &[i64]) -> bool {
    let Some((gop, highest)) = encoding.gop.zip(encoding.highest) else { return false };
    let passed_over = |sequence: i64| !pending.contains(&sequence) && encoding.cache.get(sequence).is_some();
    pending.contains(&gop.start) && (gop.start..=highest).any(passed_over)
}

/// Switch the sink to an encoding if its newest keyframe begins with one of the pending packets.
fn try_switch(sink: &mut Sink, source: &Source, to: Wanted, pending: &[i64], now: Instant) -> bool {
    let Some(encoding) = source.encodings.get(to.encoding) else { return false };
    // Audio has no groups: any packet will do.
    let head = encoding.gop.map_or_else(|| pending.first().copied(), |gop| Some(gop.start).filter(|head| pending.contains(head)));
    let keyframe = head.and_then(|head| encoding.cache.get(head)).filter(|packet| packet.keyframe_start);
    let Some((packet, codec)) = keyframe.and_then(|packet| Some((packet, source.codecs.get(packet.codec)?))) else { return false };
    let ntp = last_and_next_ntp(sink, source, to, packet);
    sink.switch(to, encoding.generation, codec, packet, ntp, now)
}

/// The publisher's times of what the sink sent last and of `packet`, where it shows the same source and reports tell them.
pub(super) fn last_and_next_ntp(sink: &Sink, source: &Source, to: Wanted, packet: &Packet) -> Option<(u64, u64)> {
    let next = source.encodings.get(to.encoding)?.clock?.ntp_of(packet.timestamp);
    let (feed, timestamp) = sink.track.last_timestamp_of(to.source)?;
    let from = source.encodings.get(feed.encoding).filter(|from| from.generation == feed.generation)?;
    Some((from.clock?.ntp_of(timestamp), next))
}
