//! A sink: a sending stream of a subscriber. Negotiated once; one continuous RTP stream, whatever it shows.

use std::time::{Duration, Instant};

use super::cache::Packet;
use super::timestamps::LastSent;
use super::{PeerKey, SourceKey};
use crate::command::{Codec, MediaKind, SinkId, SinkRow};
use crate::rtcp::ReportBlock;

/// Sent packets that a subscriber may ask for again: as many as the sources keep.
const HISTORY: usize = 1024;

/// A packet asked for again within this time is still on its way.
const RESEND_INTERVAL: Duration = Duration::from_millis(15);

pub(super) struct Sink {
    pub(super) id: SinkId,
    pub(super) peer: PeerKey,
    pub(super) kind: MediaKind,
    pub(super) mid: String,
    pub(super) ssrc: u32,
    pub(super) rtx_ssrc: u32,
    pub(super) cname: String,
    pub(super) codecs: Vec<Codec>,
    pub(super) wanted: Option<Wanted>,
    pub(super) feed: Option<Feed>,
    timeline: Timeline,
    history: Vec<Sent>,
    pub(super) rtx_sequence: u64,
    last_report: Option<(u32, Instant)>,
    pub(super) packets: u64,
    pub(super) octets: u64,
    pub(super) retransmissions: u64,
    fraction_lost: f32,
    rtt_ms: f32,
    switches: u64,
}

/// What the caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) source: SourceKey,
    pub(super) encoding: usize,
}

/// What is forwarded: an encoding, and how its numbers become this sink's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    pub(super) source: SourceKey,
    pub(super) encoding: usize,
    pub(super) generation: u32,
    pub(super) payload_type: u8,
    pub(super) rtx_payload_type: Option<u8>,
    pub(super) codec: usize,
    /// The packet that a decoder began with; what is older belongs to before the switch.
    first: i64,
    sequence_offset: i64,
    pub(super) timestamp_offset: u32,
    picture_id_offset: u16,
    tl0picidx_offset: u8,
}

/// The output's numbers.
#[derive(Clone, Copy, Debug)]
struct Timeline {
    next_sequence: i64,
    last: Option<LastSent>,
    picture_id: u16,
    tl0picidx: u8,
}

/// One sent packet: enough to find it in its encoding's cache.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    output: i64,
    input: i64,
    encoding: u16,
    generation: u32,
    resent: Option<Instant>,
}

/// What a subscriber may get again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resend {
    Packet { encoding: usize, input: i64, output: i64 },
    TooSoon,
    Unknown,
}

impl Sink {
    #[expect(clippy::too_many_arguments, reason = "one field each of the command that makes it")]
    pub(super) fn new(
        id: SinkId, peer: PeerKey, kind: MediaKind, mid: String, ssrc: u32, rtx_ssrc: u32, cname: String, codecs: Vec<Codec>, first_sequence: u16,
    ) -> Self {
        let next_sequence = i64::from(first_sequence);
        Self {
            id,
            peer,
            kind,
            mid,
            ssrc,
            rtx_ssrc,
            cname,
            codecs,
            wanted: None,
            feed: None,
            timeline: Timeline { next_sequence, last: None, picture_id: first_sequence, tl0picidx: 0 },
            history: Vec::new(),
            rtx_sequence: u64::from(first_sequence),
            last_report: None,
            packets: 0,
            octets: 0,
            retransmissions: 0,
            fraction_lost: 0.0,
            rtt_ms: f32::NAN,
            switches: 0,
        }
    }

    pub(super) fn shown_source(&self) -> Option<SourceKey> {
        self.feed.map(|feed| feed.source).or(self.wanted.map(|wanted| wanted.source))
    }

    /// Whether the sink waits for a keyframe of this encoding.
    pub(super) fn waits_for(&self, source: SourceKey, encoding: usize, generation: u32) -> bool {
        self.wanted == Some(Wanted { source, encoding })
            && !self.feed.is_some_and(|feed| feed.source == source && feed.encoding == encoding && feed.generation == generation)
    }

    /// Begin to forward an encoding at `packet`, going on from what was sent before. False when its codec was not negotiated.
    pub(super) fn switch(&mut self, wanted: Wanted, generation: u32, codec: &Codec, packet: &Packet, ntp: Option<u64>, now: Instant) -> bool {
        let Some(ours) = self.codecs.iter().find(|ours| ours.name == codec.name) else { return false };
        let timestamp = self.timeline.last.map_or(packet.timestamp, |last| last.continued(now, codec.clock_rate, ntp));
        let (picture_id, tl0picidx) = (self.timeline.picture_id.wrapping_add(1), self.timeline.tl0picidx.wrapping_add(1));
        self.feed = Some(Feed {
            source: wanted.source,
            encoding: wanted.encoding,
            generation,
            payload_type: ours.payload_type,
            rtx_payload_type: ours.rtx_payload_type,
            codec: packet.codec,
            first: packet.sequence,
            sequence_offset: self.timeline.next_sequence.wrapping_sub(packet.sequence),
            timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
            picture_id_offset: packet.vp8.and_then(|vp8| vp8.picture_id).map_or(0, |(theirs, _)| picture_id.wrapping_sub(theirs)),
            tl0picidx_offset: packet.vp8.and_then(|vp8| vp8.tl0picidx).map_or(0, |theirs| tl0picidx.wrapping_sub(theirs)),
        });
        self.switches = self.switches.wrapping_add(1);
        true
    }

    /// Note that `packet` of the current feed is sent; its output sequence number, or `None` when it belongs to before the switch.
    pub(super) fn advance(&mut self, feed: &Feed, packet: &Packet, ntp: Option<u64>, now: Instant) -> Option<i64> {
        if packet.sequence < feed.first || packet.codec != feed.codec {
            return None;
        }
        let output = feed.sequence(packet);
        if output >= self.timeline.next_sequence {
            self.timeline.next_sequence = output.wrapping_add(1);
            self.timeline.last = Some(LastSent { timestamp: feed.timestamp(packet), sent: now, ntp });
            if let Some((picture_id, tl0picidx)) = feed.vp8_ids(packet) {
                self.timeline.picture_id = picture_id;
                self.timeline.tl0picidx = tl0picidx;
            }
        }
        self.remember(output, feed, packet.sequence);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u64);
        Some(output)
    }

    /// Which packet a lost output sequence number stands for.
    pub(super) fn resend(&mut self, sequence: u16, now: Instant) -> Resend {
        let Some(feed) = self.feed else { return Resend::Unknown };
        let next = self.timeline.next_sequence;
        // The newest output number with these low 16 bits.
        let back = (next.wrapping_sub(1) as u16).wrapping_sub(sequence);
        let output = next.wrapping_sub(1).wrapping_sub(i64::from(back));
        let Some(sent) = self.history.get_mut(history_index(output)) else { return Resend::Unknown };
        if sent.output != output || sent.generation != feed.generation {
            return Resend::Unknown;
        }
        if sent.resent.is_some_and(|last| now.saturating_duration_since(last) < RESEND_INTERVAL) {
            return Resend::TooSoon;
        }
        sent.resent = Some(now);
        Resend::Packet { encoding: usize::from(sent.encoding), input: sent.input, output }
    }

    /// Note a sender report that goes out, by its middle 32 bits of NTP time (RFC 3550 section 6.4.1).
    pub(super) fn reported(&mut self, ntp: u64, now: Instant) {
        self.last_report = Some(((ntp >> 16) as u32, now));
    }

    /// Take in what the subscriber reports of this stream.
    pub(super) fn on_report(&mut self, block: &ReportBlock, now: Instant) {
        self.fraction_lost = f32::from(block.fraction_lost) / 256.0;
        if let Some((id, sent)) = self.last_report
            && id == block.last_sr
        {
            let held = Duration::from_secs_f64(f64::from(block.delay_since_last_sr) / 65_536.0);
            self.rtt_ms = now.saturating_duration_since(sent).saturating_sub(held).as_secs_f32() * 1000.0;
        }
    }

    pub(super) fn row(&self, peer: u32, source: u32) -> SinkRow {
        SinkRow {
            sink: self.id,
            peer,
            source,
            encoding: self.feed.map_or(-1, |feed| i32::try_from(feed.encoding).unwrap_or(-1)),
            packets: self.packets,
            bytes: self.octets,
            retransmissions: self.retransmissions,
            fraction_lost: self.fraction_lost,
            rtt_ms: self.rtt_ms,
            switches: self.switches,
        }
    }

    fn remember(&mut self, output: i64, feed: &Feed, input: i64) {
        if self.kind == MediaKind::Audio {
            return;
        }
        // Most members never show a stage video: the table exists from the first packet on.
        if self.history.is_empty() {
            self.history = vec![Sent { output: i64::MIN, ..Sent::default() }; HISTORY];
        }
        if let Some(sent) = self.history.get_mut(history_index(output)) {
            let encoding = u16::try_from(feed.encoding).unwrap_or(u16::MAX);
            *sent = Sent { output, input, encoding, generation: feed.generation, resent: None };
        }
    }
}

impl Feed {
    pub(super) fn sequence(&self, packet: &Packet) -> i64 {
        packet.sequence.wrapping_add(self.sequence_offset)
    }

    pub(super) fn timestamp(&self, packet: &Packet) -> u32 {
        packet.timestamp.wrapping_add(self.timestamp_offset)
    }

    /// Picture id (15 bits) and TL0PICIDX of a VP8 packet in the output.
    pub(super) fn vp8_ids(&self, packet: &Packet) -> Option<(u16, u8)> {
        let vp8 = packet.vp8?;
        let (picture_id, _) = vp8.picture_id?;
        let picture_id = picture_id.wrapping_add(self.picture_id_offset) & 0x7fff;
        Some((picture_id, vp8.tl0picidx.unwrap_or(0).wrapping_add(self.tl0picidx_offset)))
    }
}

fn history_index(output: i64) -> usize {
    // HISTORY is a power of two, so the mask is exact for negative numbers too.
    (output & (HISTORY as i64).wrapping_sub(1)) as usize
}
