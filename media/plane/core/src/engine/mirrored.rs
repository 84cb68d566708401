//! The mirror's side of a source that lives on another worker: see `mirror`.

use std::time::{Duration, Instant};

use slotmap::Key;

use super::cache::{Inline, Packet, Stored};
use super::mirror::{Batch, Crossing, Stream};
use super::source::{Encoding, Source};
use super::timers::{Timer, Timers};
use super::{Engine, Output, PeerKey, SourceKey};
use crate::command::{Codec, MediaKind, SourceId, WorkerId};

/// Between two messages to the owner, whose governor decides on keyframes: this only merges a crowd's requests.
const ASK_SPACING: Duration = Duration::from_millis(20);

/// What makes a source a mirror.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mirrored {
    owner: WorkerId,
    /// The cached group has come; before it, nobody knows what the owner has.
    begun: bool,
    asked: Option<Instant>,
}

impl Engine {
    /// Keep `mirror` from now on.
    pub(super) fn add_mirror(&mut self, mut mirror: Source, now: Instant, out: &mut impl Output) {
        mirror.ask_owner(now, self.config.keyframe_interval, &mut self.timers, out);
        let id = mirror.id;
        let key = self.sources.insert(mirror);
        self.ids.sources.insert(id, key);
    }

    /// Forget a mirror; sinks that still show it show nothing.
    pub(super) fn remove_mirror(&mut self, id: SourceId, out: &mut impl Output) -> Option<()> {
        let key = *self.ids.sources.get(&id)?;
        let owner = self.sources.get(key)?.mirror?.owner;
        self.forget_source(key);
        // Without room for this, the next batch is answered with it.
        out.hand_over(owner, Crossing::Unwatch(id));
        Some(())
    }

    /// How many of the sources are mirrors.
    pub(super) fn mirrors(&self) -> usize {
        self.sources.values().filter(|source| source.mirror.is_some()).count()
    }

    pub(super) fn take_batch(&mut self, from: WorkerId, batch: &Batch, now: Instant, out: &mut impl Output) {
        let key = self.ids.sources.get(&batch.source).copied();
        let Some((key, source)) = key.and_then(|key| Some((key, self.sources.get_mut(key)?))) else {
            out.hand_over(from, Crossing::Unwatch(batch.source));
            return;
        };
        // Batches before the one that begins belong to a mirror that was here before.
        let Some(mirrored) = source.mirror.as_mut().filter(|mirrored| mirrored.begun || batch.begins) else { return };
        mirrored.begun = true;
        let reported = source.follow(&batch.streams);
        for (encoding, packet) in &batch.packets {
            let stored = source.store(*encoding, packet, batch, now);
            self.counters.mirror_packets_received.add(stored.into());
        }
        self.brimful |= source.encodings.iter().any(Encoding::is_brimful);
        if batch.begins {
            self.serve_waiting(key, now, out);
        } else if source.encodings.iter().any(|encoding| !encoding.pending.is_empty()) && source.note_pending(now, true) {
            self.dirty.push(key);
        }
        for encoding in reported {
            self.send_sender_reports(key, encoding, now, out);
        }
    }

    /// The mirror has begun: its sinks begin with what the owner had cached, or wait for a keyframe.
    fn serve_waiting(&mut self, key: SourceKey, now: Instant, out: &mut impl Output) {
        let Some(source) = self.sources.get_mut(key) else { return };
        source.encodings.iter_mut().for_each(|encoding| encoding.keyframe_wanted = false);
        for sink in source.sinks.clone() {
            let Some(wanted) = self.sinks.get(sink).and_then(|sink| sink.wanted) else { continue };
            if !self.begin_replay(sink, now, out) {
                self.want_keyframe(key, wanted.encoding, now);
            }
        }
    }

    /// Pass on what the publisher's report of an encoding says.
    fn send_sender_reports(&mut self, source: SourceKey, encoding: usize, now: Instant, out: &mut impl Output) {
        let sinks = self.sources.get(source).map(|source| source.sinks.clone()).unwrap_or_default();
        for sink in sinks {
            self.send_sender_report(now, sink, super::feed::Wanted { source, encoding }, out);
        }
    }
}

impl Source {
    /// A mirror of a source that lives on `owner`.
    pub(super) fn mirror(id: SourceId, owner: WorkerId, kind: MediaKind, codecs: Vec<Codec>, encodings: usize, spacing: Duration) -> Self {
        let mirror = Some(Mirrored { owner, begun: false, asked: None });
        Self { mirror, ..Self::new(id, PeerKey::null(), kind, String::new(), codecs, Vec::new(), encodings, spacing) }
    }

    /// Tell the owner what the mirror lacks: the source at all, or keyframes. Repeated after `interval` as long as it lacks them.
    pub(super) fn ask_owner(&mut self, now: Instant, interval: Duration, timers: &mut Timers, out: &mut impl Output) {
        let Some(mirrored) = &mut self.mirror else { return };
        let encodings: Vec<usize> =
            self.encodings.iter().enumerate().filter(|(_, encoding)| encoding.keyframe_wanted).map(|(index, _)| index).collect();
        if mirrored.begun && encodings.is_empty() {
            return;
        }
        let allowed = mirrored.asked.and_then(|asked| asked.checked_add(ASK_SPACING)).unwrap_or(now);
        if allowed > now {
            return timers.arm(Timer::Keyframes, allowed);
        }
        let crossing = if mirrored.begun { Crossing::Keyframe { source: self.id, encodings } } else { Crossing::Watch(self.id) };
        out.hand_over(mirrored.owner, crossing);
        mirrored.asked = Some(now);
        timers.arm_in(Timer::Keyframes, now, interval);
    }

    /// Take over what the owner knows of the encodings. Returns those whose publisher has reported since.
    fn follow(&mut self, streams: &[Stream]) -> Vec<usize> {
        let encodings = self.encodings.iter_mut().zip(streams).enumerate();
        encodings.filter_map(|(index, (encoding, stream))| encoding.follow(stream).then_some(index)).collect()
    }

    /// Put a packet into the cache, and among those that `flush` forwards unless it begins the mirror. False: it was there.
    fn store(&mut self, encoding: usize, packet: &Packet, batch: &Batch, now: Instant) -> bool {
        let received = batch.streams.get(encoding).and_then(|stream| stream.group_received).filter(|_| batch.begins);
        let Some(encoding) = self.encodings.get_mut(encoding) else { return false };
        let descriptor = packet.extras.dependency_descriptor.as_ref().map(Inline::as_slice);
        let place = encoding.layers.read(descriptor, packet.vp8.as_ref(), packet.vp9.as_ref(), now);
        let head = Packet { payload: Vec::new(), place, ..*packet };
        if encoding.cache.store(head, &packet.payload) != Stored::New {
            return false;
        }
        encoding.cache.link(packet.sequence);
        encoding.note(packet.sequence, received.unwrap_or(now));
        if !batch.begins {
            encoding.pending.push(packet.sequence);
        }
        true
    }
}

impl Encoding {
    /// True when the publisher has reported since.
    fn follow(&mut self, stream: &Stream) -> bool {
        if self.generation != stream.generation || self.ssrc != stream.ssrc {
            self.ssrc = None;
            self.start_stream(stream.ssrc.unwrap_or(0));
            (self.ssrc, self.generation) = (stream.ssrc, stream.generation);
        }
        let reported = stream.clock.map(|clock| clock.received) != self.clock.map(|clock| clock.received);
        self.clock = stream.clock;
        reported && stream.clock.is_some()
    }
}
