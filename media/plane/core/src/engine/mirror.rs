//! Sources on several workers. A source lives on its publisher's worker, the *owner*. A worker whose sinks show it keeps a
//! *mirror*: a source that is fed by the owner's packets instead of a peer's, and otherwise cached, replayed, forwarded and
//! repaired like any other. This file is the owner's side; `mirrored` is the other.
//!
//! What crosses is idempotent or repeated: a mirror asks until it has begun, a batch that found no room is read from the
//! cache once there is room, and whoever gets batches that it does not want says so.

use std::mem;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;

use super::cache::Packet;
use super::counters::Counters;
use super::feed::Wanted;
use super::gop::Serving;
use super::source::{Encoding, Source};
use super::timestamps::SenderClock;
use super::{Engine, Output, SourceKey};
use crate::command::{SourceId, WorkerId};

/// Packets remembered for a mirror that had no room: as many as a video cache holds, older ones are gone anyway.
const MAX_MISSED: usize = 1024;

/// What one worker's engine tells another's, by [`Output::hand_over`] and [`Engine::cross`].
#[derive(Clone, Debug)]
pub enum Crossing {
    /// To the owner: send me this source from its newest keyframe on.
    Watch(SourceId),
    /// To the owner: no more of it.
    Unwatch(SourceId),
    /// To the owner: subscribers of the mirror need a keyframe.
    Keyframe {
        /// Of which source.
        source: SourceId,
        /// Indices of the encodings.
        encodings: Vec<usize>,
    },
    /// To a mirror: packets that will not come.
    Lost {
        /// Of which source.
        source: SourceId,
        /// Which of its encodings.
        encoding: usize,
        /// Their sequence numbers.
        numbers: Vec<u16>,
    },
    /// To a mirror: what came.
    Batch(Arc<Batch>),
}

/// Packets of a source, decrypted, as one `flush` found them; shared by all mirrors.
#[derive(Debug)]
pub struct Batch {
    pub(super) source: SourceId,
    /// The first for its mirror: the cached group of pictures, to be replayed and not to be forwarded as if it came now.
    pub(super) begins: bool,
    /// One for each encoding, lowest first.
    pub(super) streams: Vec<Stream>,
    /// Each with its encoding, in order of arrival.
    pub(super) packets: Vec<(usize, Packet)>,
}

/// What a mirror must know of an encoding besides its packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) ssrc: Option<u32>,
    pub(super) generation: u32,
    pub(super) clock: Option<SenderClock>,
    /// When the newest keyframe came.
    pub(super) group_received: Option<Instant>,
}

/// A mirror as its owner sees it.
#[derive(Debug)]
pub(super) struct Mirror {
    worker: WorkerId,
    /// Packets that found no room on their way, oldest first: encoding and extended sequence number.
    missed: Vec<(usize, i64)>,
}

impl Crossing {
    /// Octets that it holds, so that who queues it can bound them.
    #[must_use]
    pub fn octets(&self) -> usize {
        match self {
            Self::Batch(batch) => batch
                .packets
                .iter()
                .fold(size_of::<Batch>(), |sum, (_, packet)| sum.saturating_add(packet.payload.len()).saturating_add(size_of::<Packet>())),
            Self::Watch(_) | Self::Unwatch(_) | Self::Keyframe { .. } | Self::Lost { .. } => size_of::<Self>(),
        }
    }
}

impl Engine {
    /// Take in what another worker's engine handed over. Packets wait for `flush`, as received ones do.
    pub fn cross(&mut self, from: WorkerId, crossing: Crossing, now: Instant, out: &mut impl Output) {
        match crossing {
            Crossing::Watch(source) => self.begin_mirror(from, source, now, out),
            Crossing::Unwatch(source) => {
                if let Some(source) = self.ids.sources.get(&source).and_then(|&key| self.sources.get_mut(key)) {
                    source.mirrors.retain(|mirror| mirror.worker != from);
                }
            }
            Crossing::Keyframe { source, encodings } => {
                if let Some(&key) = self.ids.sources.get(&source) {
                    encodings.into_iter().for_each(|encoding| self.want_keyframe(key, encoding, now));
                }
            }
            Crossing::Lost { source, encoding, numbers } => {
                if let Some(&source) = self.ids.sources.get(&source) {
                    self.give_up(now, Wanted { source, encoding }, &numbers, out);
                }
            }
            Crossing::Batch(batch) => {
                self.take_batch(from, &batch, now, out);
                if mem::take(&mut self.brimful) {
                    self.flush(now, out);
                }
            }
        }
    }

    /// Send a worker what the cache holds, and from then on all that comes.
    fn begin_mirror(&mut self, worker: WorkerId, source: SourceId, now: Instant, out: &mut impl Output) {
        // It may have ended, or not be there yet: the mirror asks again as long as it is there itself.
        let Some(source) = self.ids.sources.get(&source).and_then(|&key| self.sources.get_mut(key)) else { return };
        if source.mirror.is_some() {
            return;
        }
        source.mirrors.retain(|mirror| mirror.worker != worker);
        let batch = Arc::new(Batch { begins: true, ..source.batch(source.cached(now)) });
        if out.hand_over(worker, Crossing::Batch(Arc::clone(&batch))) {
            self.counters.mirror_packets_sent.add(batch.packets.len() as u64);
            source.mirrors.push(Mirror { worker, missed: Vec::new() });
        }
    }

    /// Hand what waits for `flush` to the mirrors of a source: before it is forwarded here, so that the workers forward at once.
    pub(super) fn hand_to_mirrors(&mut self, key: SourceKey, out: &mut impl Output) {
        let Some(source) = self.sources.get_mut(key).filter(|source| !source.mirrors.is_empty()) else { return };
        let mut mirrors = mem::take(&mut source.mirrors);
        let batch = Arc::new(source.batch(source.pending()));
        for mirror in &mut mirrors {
            mirror.send(source, &batch, &mut self.counters, out);
        }
        source.mirrors = mirrors;
    }
}

impl Engine {
    /// Tell the mirrors what will not come, so that they close its gaps and ask for a keyframe where their sinks need one. Without
    /// room for this it is a loss like any other.
    pub(super) fn tell_mirrors_of_loss(&self, from: Wanted, numbers: &[u16], out: &mut impl Output) {
        let Some(source) = self.sources.get(from.source) else { return };
        for mirror in &source.mirrors {
            let lost = Crossing::Lost { source: source.id, encoding: from.encoding, numbers: numbers.to_vec() };
            out.hand_over(mirror.worker, lost);
        }
    }
}

impl Mirror {
    fn send(&mut self, source: &Source, batch: &Arc<Batch>, counters: &mut Counters, out: &mut impl Output) {
        if !self.missed.is_empty() {
            let again = source.batch(self.missed.iter().copied());
            let packets = again.packets.len();
            if out.hand_over(self.worker, Crossing::Batch(Arc::new(again))) {
                counters.mirror_packets_sent.add(packets as u64);
                counters.mirror_packets_lost.add(self.missed.len().saturating_sub(packets) as u64);
                self.missed.clear();
            }
        }
        let packets = batch.packets.len() as u64;
        if self.missed.is_empty() && out.hand_over(self.worker, Crossing::Batch(Arc::clone(batch))) {
            return counters.mirror_packets_sent.add(packets);
        }
        counters.mirror_packets_delayed.add(packets);
        self.missed.extend(batch.packets.iter().map(|(encoding, packet)| (*encoding, packet.sequence)));
        let beyond = self.missed.len().saturating_sub(MAX_MISSED);
        counters.mirror_packets_lost.add(beyond as u64);
        self.missed.drain(..beyond);
    }
}

impl Source {
    fn batch(&self, packets: impl Iterator<Item = (usize, i64)>) -> Batch {
        let copy = |(encoding, sequence): (usize, i64)| Some((encoding, self.encodings.get(encoding)?.cache.get(sequence)?.clone()));
        Batch {
            source: self.id,
            begins: false,
            streams: self.encodings.iter().map(Stream::of).collect(),
            packets: packets.filter_map(copy).collect(),
        }
    }

    /// What waits for `flush`.
    fn pending(&self) -> impl Iterator<Item = (usize, i64)> {
        let encodings = self.encodings.iter().enumerate();
        encodings.flat_map(|(index, encoding)| encoding.pending.iter().map(move |&sequence| (index, sequence)))
    }

    /// The newest group of pictures of each encoding, where it can still serve somebody.
    fn cached(&self, now: Instant) -> impl Iterator<Item = (usize, i64)> {
        let encodings = self.encodings.iter().enumerate();
        encodings.flat_map(move |(index, encoding)| encoding.serving(now).into_iter().flatten().map(move |sequence| (index, sequence)))
    }
}

impl Encoding {
    fn serving(&self, now: Instant) -> Option<RangeInclusive<i64>> {
        let (gop, highest) = self.gop.zip(self.highest)?;
        (gop.serving(highest, now, |_| true) != Serving::Nothing && self.cache.get(gop.start).is_some()).then_some(gop.start..=highest)
    }
}

impl Stream {
    fn of(encoding: &Encoding) -> Self {
        let Encoding { ssrc, generation, clock, gop, .. } = *encoding;
        Self { ssrc, generation, clock, group_received: gop.map(|gop| gop.received) }
    }
}
