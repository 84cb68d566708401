//! What a sink forwards: runs of encodings, one after the other, as one continuous stream.

use std::time::Instant;

use arrayvec::ArrayVec;

use super::SourceKey;
use super::cache::Packet;
use super::layers::Layers;
use super::redundancy::PayloadTypes;
use super::selector::{Selection, Selector};
use super::sent::Sent;
use super::sequence_map::{Dropped, SequenceMap, Shift};
use super::timestamps::LastSent;

/// Feeds remembered for retransmission, the current one included: switches are rarer than one in a round trip.
const FEEDS: usize = 4;

/// A gap in the output that is wider than this ends the feed: the next keyframe closes it. A receiver guesses how often numbers
/// have wrapped (RFC 3711 section 3.3.1), and after a step of 2¹⁵ or more it guesses wrong for ever. As wide as the cache: nothing
/// beyond can be repaired.
const MAX_GAP: i64 = 1024;

/// An encoding of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) source: SourceKey,
    pub(super) encoding: usize,
}

/// A stretch of one encoding, and what makes its codec's numbers this sink's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    id: u32,
    pub(super) source: SourceKey,
    pub(super) encoding: usize,
    pub(super) generation: u32,
    pub(super) payload_type: PayloadTypes,
    pub(super) rtx_payload_type: Option<u8>,
    /// Index in the source's codecs.
    pub(super) codec: usize,
    pub(super) clock_rate: u32,
    picture_id_offset: u16,
    tl0picidx_offset: u8,
    frame_number_offset: u16,
}

/// The numbers under which a packet goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Extended.
    pub(super) sequence: i64,
    pub(super) timestamp: u32,
    /// Picture id (15 bits) and TL0PICIDX, of VP8 and VP9.
    pub(super) picture_ids: Option<(u16, u8)>,
    /// Of the dependency descriptor.
    pub(super) frame_number: Option<u16>,
    /// The picture ends here for this sink.
    pub(super) marker: bool,
    /// Its dependency descriptor must say that these layers are sent, and no others.
    pub(super) active: Option<Layers>,
    /// The number must be filled, but the packet is not wanted: it goes out without payload.
    pub(super) empty: bool,
}

/// The output of a sink.
#[derive(Debug)]
pub(super) struct Track {
    feeds: ArrayVec<Feed, FEEDS>,
    next_feed: u32,
    showing: bool,
    map: SequenceMap,
    sent: Sent,
    last: Option<LastSent>,
    picture_id: u16,
    tl0picidx: u8,
    frame_number: Option<u16>,
    selector: Selector,
    /// The next picture goes on by elapsed time: what came before were replayed pictures.
    rebase: bool,
}

impl Feed {
    /// The feed of an encoding that goes out under this codec of the subscriber.
    pub(super) fn new(
        from: Wanted, generation: u32, codec: usize, clock_rate: u32, payload_type: PayloadTypes, rtx_payload_type: Option<u8>,
    ) -> Self {
        let (source, encoding) = (from.source, from.encoding);
        Self {
            id: 0,
            source,
            encoding,
            generation,
            payload_type,
            rtx_payload_type,
            codec,
            clock_rate,
            picture_id_offset: 0,
            tl0picidx_offset: 0,
            frame_number_offset: 0,
        }
    }

    /// Whether this is the encoding's present stream.
    pub(super) fn carries(&self, wanted: Wanted, generation: u32) -> bool {
        self.source == wanted.source && self.encoding == wanted.encoding && self.generation == generation
    }
}

impl Track {
    pub(super) fn new(first_sequence: i64) -> Self {
        Self {
            feeds: ArrayVec::new(),
            next_feed: 0,
            showing: false,
            map: SequenceMap::new(first_sequence),
            sent: Sent::new(first_sequence),
            last: None,
            picture_id: 0,
            tl0picidx: 0,
            frame_number: None,
            selector: Selector::new(),
            rebase: false,
        }
    }

    /// What is forwarded now.
    pub(super) fn feed(&self) -> Option<&Feed> {
        self.feeds.last().filter(|_| self.showing)
    }

    /// The number of the next packet that is new.
    pub(super) fn next_output(&self) -> i64 {
        self.map.next_output()
    }

    /// Which numbers were sent.
    pub(super) fn sent(&self) -> &Sent {
        &self.sent
    }

    /// What is added to the timestamps of the current feed.
    pub(super) fn timestamp_offset(&self) -> Option<u32> {
        self.map.current().map(|shift| shift.timestamp)
    }

    /// Forward nothing until the next feed begins.
    pub(super) fn stop(&mut self) {
        self.showing = false;
    }

    /// The source's timestamp of the packet sent last, when it came from the same source.
    pub(super) fn last_timestamp_of(&self, source: SourceKey) -> Option<(&Feed, u32)> {
        let feed = self.feed().filter(|feed| feed.source == source)?;
        Some((feed, self.last?.timestamp.wrapping_sub(self.timestamp_offset()?)))
    }

    /// Which layers are forwarded now.
    pub(super) fn layers(&self) -> Layers {
        self.selector.selection().layers
    }

    /// Begin a feed at `packet`, with layers up to `limit`, going on from what was sent before.
    ///
    /// `ntp`: the publisher's times of the packet sent last and of this one, where its reports tell them.
    pub(super) fn begin(&mut self, mut feed: Feed, packet: &Packet, limit: Layers, ntp: Option<(u64, u64)>, now: Instant) {
        let timestamp = self.last.map_or(packet.timestamp, |last| last.continued(now, feed.clock_rate, ntp));
        (feed.picture_id_offset, feed.tl0picidx_offset) = self.picture_offsets(packet);
        feed.frame_number_offset = self.frame_number_offset(packet);
        feed.id = self.next_feed;
        self.next_feed = self.next_feed.wrapping_add(1);
        let selection = self.selector.begin(packet, limit);
        self.map.begin(packet.sequence, packet.timestamp, feed.id, timestamp.wrapping_sub(packet.timestamp), selection);
        if self.feeds.is_full() {
            self.feeds.remove(0);
        }
        self.feeds.push(feed);
        self.showing = true;
        self.rebase = false;
    }

    /// The numbers under which `packet` of the current feed goes out; `None` when it does not.
    ///
    /// `limit`: the highest layers that are wanted; `live`: it is not replayed.
    pub(super) fn forward(&mut self, packet: &Packet, limit: Layers, live: bool, now: Instant) -> Option<Numbers> {
        let feed = *self.feed()?;
        // What a replay has read from the cache may still wait to be forwarded live.
        let output = self.map.output_of(packet.sequence);
        if packet.codec != feed.codec || output.is_some_and(|output| self.sent.contains(output)) {
            return None;
        }
        if output.is_some_and(|output| output.saturating_sub(self.map.next_output()) > MAX_GAP) {
            self.stop();
            return None;
        }
        if live {
            self.rebase_at(packet, feed.clock_rate, now);
        }
        self.select(packet, limit);
        let shift = self.map.shift_of(packet.sequence, packet.timestamp)?;
        // A late head of a picture lies in front of what was dropped of it, in the run before.
        let late = packet.sequence < self.map.highest();
        let layers = if late { self.selector.changed_at(packet.timestamp) } else { None };
        if !layers.map_or(shift.selection.layers, |layers| layers.lowest(shift.selection.layers)).contain(packet.place.layer) {
            return match self.map.drop(packet.sequence, packet.timestamp) {
                Dropped::Unseen => None,
                Dropped::Reserved(sequence, shift) => {
                    self.sent.insert(sequence);
                    Some(Numbers { empty: true, ..numbers(&feed, sequence, shift, packet) })
                }
            };
        }
        let (sequence, shift) = self.map.keep(packet.sequence)?;
        self.sent.insert(sequence);
        let numbers = numbers(&feed, sequence, shift, packet);
        if self.last.is_none_or(|last| sequence > last.sequence) {
            self.last = Some(LastSent { sequence, timestamp: numbers.timestamp, sent: now });
            if let Some(ids) = numbers.picture_ids {
                (self.picture_id, self.tl0picidx) = ids;
            }
            self.frame_number = numbers.frame_number.or(self.frame_number);
        }
        Some(numbers)
    }

    /// The numbers under which `filler` goes out in the place of a packet that will not come; `None` when that place is taken,
    /// or not this feed's, or still ahead.
    pub(super) fn fill(&mut self, filler: &Packet) -> Option<Numbers> {
        let feed = *self.feed()?;
        if filler.sequence > self.map.highest() || self.sent.contains(self.map.output_of(filler.sequence)?) {
            return None;
        }
        let (sequence, shift) = self.map.keep(filler.sequence)?;
        self.sent.insert(sequence);
        Some(Numbers { empty: true, ..numbers(&feed, sequence, shift, filler) })
    }

    /// Squeeze `packet`, the first of a replayed picture, right behind the last one: replayed pictures are for decoding, not
    /// for watching. A thousandth of a second apart they pass between two refreshes of the screen.
    pub(super) fn squeeze(&mut self, packet: &Packet) {
        let (Some(last), Some(feed)) = (self.last, self.feed()) else { return };
        let timestamp = last.timestamp.wrapping_add(feed.clock_rate / 1000);
        self.retime(packet, timestamp);
        self.rebase = true;
    }

    /// The input that an output sequence number stands for.
    pub(super) fn locate(&self, sequence: u16) -> Option<(i64, i64, &Feed, Shift)> {
        // The newest output number with these low 16 bits.
        let newest = self.map.next_output().wrapping_sub(1);
        let output = newest.wrapping_sub(i64::from(crate::sequence::low16(newest).wrapping_sub(sequence)));
        let (input, shift) = self.map.locate(output)?;
        let feed = self.feeds.iter().find(|feed| feed.id == shift.feed)?;
        Some((output, input, feed, shift))
    }

    /// Decide which layers are forwarded from the picture of `packet` on, if it is new. Late packets follow their picture's.
    fn select(&mut self, packet: &Packet, limit: Layers) {
        if packet.sequence > self.map.highest() {
            let selection = self.selector.select(packet, limit);
            if self.map.current().is_some_and(|shift| shift.selection != selection) {
                self.map.reselect(packet.sequence, packet.timestamp, selection);
            }
        }
    }

    /// After a replay the first live picture goes on by elapsed time.
    fn rebase_at(&mut self, packet: &Packet, clock_rate: u32, now: Instant) {
        let (Some(last), Some(offset)) = (self.last.filter(|_| self.rebase), self.timestamp_offset()) else { return };
        // Not at a late packet, nor within the picture that was replayed last: what was sent keeps its timestamp.
        if packet.sequence <= self.map.highest() || packet.timestamp == last.timestamp.wrapping_sub(offset) {
            return;
        }
        self.rebase = false;
        self.retime(packet, last.continued(now, clock_rate, None));
    }

    /// Let the picture that `packet`, the newest, begins have this timestamp. Behind a gap not an earlier one than it would have had:
    /// what is missing may be whole pictures, which come late with theirs.
    fn retime(&mut self, packet: &Packet, timestamp: u32) {
        let unchanged = packet.timestamp.wrapping_add(self.timestamp_offset().unwrap_or(0));
        let gap = packet.sequence > self.map.highest().wrapping_add(1);
        if !gap || timestamp.wrapping_sub(unchanged).cast_signed() > 0 {
            self.map.retime(packet.sequence, packet.timestamp, timestamp.wrapping_sub(packet.timestamp));
        }
    }

    /// What makes the ids of `packet` follow those sent last. An output that has sent nothing takes them as they are.
    fn picture_offsets(&self, packet: &Packet) -> (u16, u8) {
        let Some(((picture_id, tl0picidx), _)) = packet.picture_ids().zip(self.last) else { return (0, 0) };
        let tl0picidx = tl0picidx.map_or(0, |theirs| self.tl0picidx.wrapping_add(1).wrapping_sub(theirs));
        (self.picture_id.wrapping_add(1).wrapping_sub(picture_id.value), tl0picidx)
    }

    /// Likewise for frame numbers: a receiver drops a keyframe whose number is not above the last one's.
    fn frame_number_offset(&self, packet: &Packet) -> u16 {
        let offset = self.frame_number.zip(packet.frame_number()).map(|(ours, theirs)| ours.wrapping_add(1).wrapping_sub(theirs));
        offset.unwrap_or(0)
    }
}

/// The numbers of a packet in a run.
pub(super) fn numbers(feed: &Feed, sequence: i64, shift: Shift, packet: &Packet) -> Numbers {
    // Only VP8's ids close up over dropped pictures: references of VP9 and of dependency descriptors count in theirs.
    let dropped = if packet.vp8.is_some() { shift.dropped_pictures } else { 0 };
    let picture_ids = packet.picture_ids().map(|(picture_id, tl0picidx)| {
        let picture_id = picture_id.value.wrapping_add(feed.picture_id_offset).wrapping_sub(dropped);
        (picture_id & 0x7fff, tl0picidx.unwrap_or(0).wrapping_add(feed.tl0picidx_offset))
    });
    let frame_number = packet.frame_number().map(|number| number.wrapping_add(feed.frame_number_offset));
    let Selection { layers, masked } = shift.selection;
    Numbers {
        sequence,
        timestamp: packet.timestamp.wrapping_add(shift.timestamp),
        picture_ids,
        frame_number,
        // With the layers above left out, the picture ends with the highest that is sent.
        marker: packet.marker || packet.place.ends_picture(layers),
        active: (masked && packet.place.mask.is_some()).then_some(layers),
        empty: false,
    }
}
