//! RED audio (RFC 2198): passed on to receivers that take it, unpacked for the others, and gaps filled from it for all.
//!
//! A packet is cached as it came. Its own frame lies behind the earlier ones that it repeats, so that a receiver without RED is
//! sent the end of the same octets.

use std::time::Instant;

use arrayvec::ArrayVec;

use super::cache::Packet;
use super::peer::Stream;
use super::source::Encoding;
use super::upstream::{Arrived, Path};
use super::{Engine, SourceKey};
use crate::command::{Codec, Protection};
use crate::red::{self, Block, MAX_BLOCKS};
use crate::rtp::Header;
use crate::sequence::low16;

/// Canonical name of RED.
const NAME: &str = "red";

/// How far before a packet the last one that arrived is looked for: a second of audio.
const MAX_GAP: i64 = 50;

/// A lost packet that a later one repeats: how far before that it lies, and its frame.
type Repeated<'a> = ArrayVec<(i64, Block<'a>), MAX_BLOCKS>;

/// Under which payload types a subscriber takes a codec: as it is, and inside RED.
#[derive(Clone, Copy, Debug)]
pub(super) struct PayloadTypes {
    pub(super) plain: u8,
    pub(super) red: Option<u8>,
}

impl PayloadTypes {
    /// Those of `codec`, one of `all` that a subscriber takes.
    pub(super) fn of(codec: &Codec, all: &[Codec]) -> Self {
        let red = all.iter().find(|other| other.name == NAME && other.clock_rate == codec.clock_rate);
        Self { plain: codec.payload_type, red: red.map(|red| red.payload_type) }
    }

    /// One alone, as of retransmissions.
    pub(super) const fn plain(payload_type: u8) -> Self {
        Self { plain: payload_type, red: None }
    }

    /// What a subscriber that is protected so is sent.
    pub(super) fn under(self, protection: Protection) -> Self {
        Self { red: self.red.filter(|_| !protection.plain_audio), ..self }
    }

    /// The payload type of a packet, what of its payload is sent, and whether that is RED.
    pub(super) fn choose(self, packet: &Packet) -> (u8, &[u8], bool) {
        match self.red.filter(|_| packet.own_frame > 0) {
            Some(red) => (red, &packet.payload, true),
            None => (self.plain, packet.payload.get(packet.own_frame..).unwrap_or_default(), false),
        }
    }

    /// Octets of the payload that is sent.
    pub(super) fn octets(self, packet: &Packet) -> usize {
        self.choose(packet).1.len()
    }
}

impl Engine {
    /// Whether a payload type of this source is RED.
    pub(super) fn is_red(&self, source: SourceKey, payload_type: u8) -> bool {
        let codecs = self.sources.get(source).map(|source| source.codecs.as_slice()).unwrap_or_default();
        codecs.iter().any(|codec| codec.payload_type == payload_type && codec.name == NAME)
    }

    /// Take in a RED packet: what was lost before it and is repeated in it, and then itself.
    pub(super) fn accept_red(&mut self, now: Instant, stream: Stream, arrived: Arrived<'_>) {
        let Ok(blocks) = red::parse(arrived.payload) else {
            self.counters.dropped_malformed.add(1);
            return;
        };
        let Some((primary, repeated)) = blocks.split_last() else { return };
        if self.is_red(stream.source, primary.payload_type) {
            self.counters.dropped_malformed.add(1);
            return;
        }
        self.counters.red_received.add(1);
        let encoding = self.sources.get(stream.source).and_then(|source| source.encodings.get(stream.encoding));
        let lost = encoding.map(|encoding| recoverable(encoding, &arrived.header, primary, repeated)).unwrap_or_default();
        for (distance, block) in lost.iter().rev() {
            self.counters.red_recovered.add(1);
            let header = Header {
                sequence_number: arrived.header.sequence_number.wrapping_sub(low16(*distance)),
                timestamp: arrived.header.timestamp.wrapping_sub(block.timestamp_offset.into()),
                payload_type: block.payload_type,
                marker: false,
                ..arrived.header
            };
            // Its header extensions are lost.
            self.accept(now, stream, Arrived { header, payload: block.data, path: Path::Repeated, ..Arrived::default() });
        }
        let header = Header { payload_type: primary.payload_type, ..arrived.header };
        let own_frame = arrived.payload.len().saturating_sub(primary.data.len());
        self.accept(now, stream, Arrived { header, own_frame, ..arrived });
    }
}

/// The lost packets right before one, the newest first, that its earlier frames are known to be.
///
/// A frame tells how old it is, not its sequence number. It is known where as many frames as packets are missing, or where the
/// time that the gap took says that all are equally long. With DTX, neither need be so: then nothing is guessed.
fn recoverable<'a>(encoding: &Encoding, header: &Header, primary: &Block<'_>, repeated: &[Block<'a>]) -> Repeated<'a> {
    let nothing = Repeated::new();
    let sequence = encoding.unwrapper.clone().unwrap(header.sequence_number);
    let before = (1..=MAX_GAP).find_map(|distance| Some((distance, encoding.cache.get(sequence.wrapping_sub(distance))?)));
    let Some((distance, before)) = before.filter(|(distance, _)| *distance > 1) else { return nothing };
    let took = header.timestamp.wrapping_sub(before.timestamp);
    // What is as old as the packet before the gap is that packet.
    let usable = |block: &&Block<'_>| {
        let age = u32::from(block.timestamp_offset);
        block.payload_type == primary.payload_type && !block.data.is_empty() && age > 0 && age < took
    };
    let frames: ArrayVec<Block<'a>, MAX_BLOCKS> = repeated.iter().rev().filter(usable).copied().collect();
    let missing = distance.saturating_sub(1);
    let as_many = i64::try_from(frames.len()) == Ok(missing);
    let length = frames.first().map_or(0, |newest| u32::from(newest.timestamp_offset));
    let evenly = i64::from(took) == distance.saturating_mul(length.into())
        && (1_u32..).zip(&frames).all(|(count, frame)| u32::from(frame.timestamp_offset) == count.saturating_mul(length));
    let ordered = frames.windows(2).all(|pair| matches!(pair, [newer, older] if newer.timestamp_offset < older.timestamp_offset));
    if ordered && (as_many || evenly) { (1..=missing).zip(frames).collect() } else { nothing }
}
