//! A sink: a sending stream of a subscriber. Negotiated once; one continuous RTP stream, whatever it shows.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::burst::Stream;
use super::cache::Packet;
use super::counters::Counter;
use super::timestamps::LastSent;
use super::{PeerKey, SourceKey};
use crate::command::{Codec, ExtensionIds, SinkId, SinkRow};
use crate::extension;
use crate::ntp;
use crate::rtcp::ReportBlock;
use crate::sequence::{low16, low32};

/// Sent packets whose retransmissions are told apart: about 0.7 s of the best encoding, a power of two.
const RESENT: usize = 512;

/// A packet asked for again within this time is still on its way.
const RESEND_INTERVAL_MS: u32 = 15;

/// Feeds remembered for retransmission, the current one included: switches are rarer than one in a round trip.
const FEEDS: usize = 4;

pub(super) struct Sink {
    pub(super) id: SinkId,
    pub(super) peer: PeerKey,
    pub(super) mid: String,
    pub(super) ssrc: u32,
    pub(super) rtx_ssrc: u32,
    pub(super) cname: String,
    pub(super) codecs: Vec<Codec>,
    pub(super) wanted: Option<Wanted>,
    showing: bool,
    /// What was forwarded, newest last, each from its first output sequence number on.
    feeds: ArrayVec<Feed, FEEDS>,
    timeline: Timeline,
    resent: Vec<Resent>,
    created: Instant,
    rtx_sequence: i64,
    last_report: Option<(u32, Instant)>,
    pub(super) packets: Counter,
    pub(super) octets: Counter,
    pub(super) retransmissions: Counter,
    fraction_lost: f32,
    rtt_ms: f32,
    switches: Counter,
}

/// What the caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) source: SourceKey,
    pub(super) encoding: usize,
}

/// A run of one encoding, and how its numbers become this sink's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    pub(super) source: SourceKey,
    pub(super) encoding: usize,
    pub(super) generation: u32,
    pub(super) payload_type: u8,
    pub(super) rtx_payload_type: Option<u8>,
    codec: usize,
    /// The packet that a decoder began with; what is older belongs to before the switch.
    first: i64,
    sequence_offset: i64,
    pub(super) timestamp_offset: u32,
    picture_id_offset: u16,
    tl0picidx_offset: u8,
}

/// Where the output's numbers stand.
#[derive(Clone, Copy, Debug)]
struct Timeline {
    next_sequence: i64,
    last: Option<LastSent>,
    picture_id: u16,
    tl0picidx: u8,
}

/// When a packet was last sent again.
#[derive(Clone, Copy, Debug, Default)]
struct Resent {
    output: u32,
    at_ms: u32,
}

/// What a subscriber asked for again.
pub(super) enum Resend {
    /// The packet `input` of the encoding that `feed` forwarded.
    Packet {
        feed: Feed,
        input: i64,
    },
    TooSoon,
    Unknown,
}

impl Sink {
    #[expect(clippy::too_many_arguments, reason = "one each of the fields of the command that makes it")]
    pub(super) fn new(
        id: SinkId, peer: PeerKey, mid: String, ssrc: u32, rtx_ssrc: u32, cname: String, codecs: Vec<Codec>, now: Instant,
    ) -> Self {
        // Any start will do that leaves the first wrap some way off (RFC 3550 section 5.1).
        let first_sequence = i64::from(ssrc & 0x7fff);
        Self {
            id,
            peer,
            mid,
            ssrc,
            rtx_ssrc,
            cname,
            codecs,
            wanted: None,
            showing: false,
            feeds: ArrayVec::new(),
            timeline: Timeline { next_sequence: first_sequence, last: None, picture_id: 0, tl0picidx: 0 },
            resent: Vec::new(),
            created: now,
            rtx_sequence: first_sequence,
            last_report: None,
            packets: Counter::default(),
            octets: Counter::default(),
            retransmissions: Counter::default(),
            fraction_lost: 0.0,
            rtt_ms: f32::NAN,
            switches: Counter::default(),
        }
    }

    /// What is forwarded now.
    pub(super) fn feed(&self) -> Option<Feed> {
        self.feeds.last().copied().filter(|_| self.showing)
    }

    pub(super) fn shown_source(&self) -> Option<SourceKey> {
        self.wanted.map(|wanted| wanted.source)
    }

    /// Show nothing until the next switch.
    pub(super) fn stop(&mut self) {
        self.showing = false;
    }

    /// Whether the sink waits for a keyframe of this encoding.
    pub(super) fn waits_for(&self, wanted: Wanted, generation: u32) -> bool {
        self.wanted == Some(wanted) && !self.feed().is_some_and(|feed| feed.carries(wanted, generation))
    }

    /// The source's timestamp of the packet sent last, when that came from the same source.
    pub(super) fn last_timestamp_of(&self, source: SourceKey) -> Option<(Feed, u32)> {
        let feed = self.feed().filter(|feed| feed.source == source)?;
        Some((feed, self.timeline.last?.timestamp.wrapping_sub(feed.timestamp_offset)))
    }

    /// Begin to forward an encoding at `packet`, going on from what was sent before. False when its codec was not negotiated.
    ///
    /// `ntp`: the publisher's times of the packet sent last and of this one, where its reports tell them.
    pub(super) fn switch(
        &mut self, wanted: Wanted, generation: u32, codec: &Codec, packet: &Packet, ntp: Option<(u64, u64)>, now: Instant,
    ) -> bool {
        let Some(ours) = self.codecs.iter().find(|ours| ours.name == codec.name) else { return false };
        let timestamp = self.timeline.last.map_or(packet.timestamp, |last| last.continued(now, codec.clock_rate, ntp));
        let (picture_id_offset, tl0picidx_offset) = self.timeline.vp8_offsets(packet);
        let feed = Feed {
            source: wanted.source,
            encoding: wanted.encoding,
            generation,
            payload_type: ours.payload_type,
            rtx_payload_type: ours.rtx_payload_type.filter(|_| self.rtx_ssrc != 0),
            codec: packet.codec,
            first: packet.sequence,
            sequence_offset: self.timeline.next_sequence.wrapping_sub(packet.sequence),
            timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
            picture_id_offset,
            tl0picidx_offset,
        };
        if self.feeds.is_full() {
            self.feeds.remove(0);
        }
        self.feeds.push(feed);
        self.showing = true;
        self.switches.add(1);
        true
    }

    /// Note that `packet` of the current feed is sent; its output sequence number, or `None` when it belongs to before the switch.
    pub(super) fn advance(&mut self, feed: &Feed, packet: &Packet, now: Instant) -> Option<i64> {
        if packet.sequence < feed.first || packet.codec != feed.codec {
            return None;
        }
        let output = packet.sequence.wrapping_add(feed.sequence_offset);
        if output >= self.timeline.next_sequence {
            self.timeline.next_sequence = output.wrapping_add(1);
            self.timeline.last = Some(LastSent { timestamp: feed.timestamp(packet), sent: now });
            if let Some((picture_id, tl0picidx)) = feed.vp8_ids(packet) {
                self.timeline.picture_id = picture_id;
                self.timeline.tl0picidx = tl0picidx;
            }
        }
        self.packets.add(1);
        self.octets.add(packet.payload.len() as u64);
        Some(output)
    }

    /// Which packet a lost output sequence number stands for.
    pub(super) fn resend(&mut self, sequence: u16, now: Instant) -> Resend {
        // The newest output number with these low 16 bits.
        let newest = self.timeline.next_sequence.wrapping_sub(1);
        let output = newest.wrapping_sub(i64::from(low16(newest).wrapping_sub(sequence)));
        let feed = self.feeds.iter().rev().find(|feed| output >= feed.first.wrapping_add(feed.sequence_offset)).copied();
        let Some(feed) = feed else { return Resend::Unknown };
        if self.resent_lately(output, now) {
            return Resend::TooSoon;
        }
        Resend::Packet { feed, input: output.wrapping_sub(feed.sequence_offset) }
    }

    /// The extended sequence number of the next retransmission.
    pub(super) fn next_rtx_sequence(&mut self) -> i64 {
        let sequence = self.rtx_sequence;
        self.rtx_sequence = sequence.wrapping_add(1);
        sequence
    }

    /// What the packets sent at `since_epoch` under `ssrc` share.
    pub(super) fn stream(&self, ssrc: u32, extensions: ExtensionIds, since_epoch: Duration) -> Stream<'_> {
        Stream { ssrc, mid: self.mid.as_bytes(), extensions, abs_send_time: extension::abs_send_time(since_epoch) }
    }

    /// Note a sender report that goes out.
    pub(super) fn reported(&mut self, ntp: u64, now: Instant) {
        self.last_report = Some((ntp::middle(ntp), now));
    }

    /// Take in what the subscriber reports of this stream.
    pub(super) fn on_report(&mut self, block: &ReportBlock, now: Instant) {
        self.fraction_lost = f32::from(block.fraction_lost) / 256.0;
        // The report that is answered carries the publisher's clock, so the round trip is taken from when we sent it.
        if let Some((id, sent)) = self.last_report
            && id == block.last_sr
        {
            let held = ntp::from_q16(block.delay_since_last_sr);
            self.rtt_ms = now.saturating_duration_since(sent).saturating_sub(held).as_secs_f32() * 1000.0;
        }
    }

    pub(super) fn row(&self, peer: u32, source: u32) -> SinkRow {
        SinkRow {
            sink: self.id,
            peer,
            source,
            encoding: self.feed().map_or(-1, |feed| i32::try_from(feed.encoding).unwrap_or(-1)),
            packets: self.packets.get(),
            bytes: self.octets.get(),
            retransmissions: self.retransmissions.get(),
            fraction_lost: self.fraction_lost,
            rtt_ms: self.rtt_ms,
            switches: self.switches.get(),
        }
    }

    /// Whether `output` was sent again a moment ago; if not, it is noted as sent again now.
    fn resent_lately(&mut self, output: i64, now: Instant) -> bool {
        // Most members lose nothing: the table exists from the first loss on.
        if self.resent.is_empty() {
            self.resent = vec![Resent::default(); RESENT];
        }
        let since_created = now.saturating_duration_since(self.created).as_millis();
        let at_ms = u32::try_from(since_created).unwrap_or(u32::MAX).max(1);
        let index = usize::from(low16(output)) % RESENT;
        let Some(entry) = self.resent.get_mut(index) else { return false };
        let lately = entry.at_ms != 0 && entry.output == low32(output) && at_ms.wrapping_sub(entry.at_ms) < RESEND_INTERVAL_MS;
        if !lately {
            *entry = Resent { output: low32(output), at_ms };
        }
        lately
    }
}

impl Feed {
    /// Whether this is the encoding's present stream.
    pub(super) fn carries(&self, wanted: Wanted, generation: u32) -> bool {
        self.source == wanted.source && self.encoding == wanted.encoding && self.generation == generation
    }

    pub(super) fn timestamp(&self, packet: &Packet) -> u32 {
        packet.timestamp.wrapping_add(self.timestamp_offset)
    }

    /// Picture id (15 bits) and TL0PICIDX of a VP8 packet in the output.
    pub(super) fn vp8_ids(&self, packet: &Packet) -> Option<(u16, u8)> {
        let vp8 = packet.vp8?;
        let picture_id = vp8.picture_id?.value.wrapping_add(self.picture_id_offset) & 0x7fff;
        Some((picture_id, vp8.tl0picidx.unwrap_or(0).wrapping_add(self.tl0picidx_offset)))
    }
}

impl Timeline {
    /// What makes the ids of `packet` follow those sent last. A sink that has sent nothing takes them as they are.
    fn vp8_offsets(&self, packet: &Packet) -> (u16, u8) {
        let Some((vp8, _)) = packet.vp8.zip(self.last) else { return (0, 0) };
        let picture_id = vp8.picture_id.map_or(0, |theirs| self.picture_id.wrapping_add(1).wrapping_sub(theirs.value));
        let tl0picidx = vp8.tl0picidx.map_or(0, |theirs| self.tl0picidx.wrapping_add(1).wrapping_sub(theirs));
        (picture_id, tl0picidx)
    }
}
