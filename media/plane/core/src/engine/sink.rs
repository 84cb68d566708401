//! A sink: a sending stream of a subscriber. Negotiated once; one continuous RTP stream, whatever it shows.

use std::time::{Duration, Instant};

use adaptation::pacer::Class;

use super::burst::Stream;
use super::cache::Packet;
use super::counters::Counter;
use super::fec::Fec;
use super::feed::{Feed, Numbers, Track, Wanted};
use super::layers::Layers;
use super::link::Link;
use super::link_loss::LinkLoss;
use super::playout::{MOST_PLAYOUT, playout_delay};
use super::redundancy::PayloadTypes;
use super::replay::Replay;
use super::resent::{Cause, Resent};
use super::sent::Sent;
use super::sequence_map::Shift;
use super::source::Encoding;
use super::{PeerKey, SourceKey};
use crate::command::{Codec, ExtensionIds, LinkRow, SinkId, SinkRow};
use crate::extension;
use crate::ntp;
use crate::rtcp::ReportBlock;

/// Hz.
const VIDEO_CLOCK: u32 = 90_000;

/// Between two times that repairs are given up at least.
const GIVE_UP_INTERVAL: Duration = Duration::from_secs(2);

/// So long after something else is shown its pictures are to be shown as they come: who waits for the first one sees it a jitter
/// buffer's delay and a render delay (10 ms) earlier. The sound that comes beside it is not there yet to be in time with.
/// Only where repair packets are negotiated, which Chromium's receivers are and Firefox's are not: Firefox gains nothing when it begins,
/// and takes half a second longer when it is told so in the midst of a stream (measured at a switch, 40 ms become 550).
const PROMPT: Duration = Duration::from_millis(500);
/// And so long it is told that this has ended: browsers keep what they were told last.
const PROMPT_TOLD: Duration = Duration::from_secs(2);

/// Octets of a packet beside its payload: header, extensions, tag.
const OVERHEAD: u64 = 44;

pub(super) struct Sink {
    pub(super) id: SinkId,
    pub(super) peer: PeerKey,
    pub(super) mid: String,
    pub(super) ssrc: u32,
    pub(super) rtx_ssrc: u32,
    pub(super) cname: String,
    pub(super) codecs: Vec<Codec>,
    /// How urgent what it sends is.
    class: Class,
    /// What the caller asked for.
    pub(super) wanted: Option<Wanted>,
    /// The highest layers that the caller asked for.
    pub(super) limit: Layers,
    pub(super) track: Track,
    /// Repair packets, where they were negotiated.
    pub(super) fec: Option<Box<Fec>>,
    /// What of the cache is still to be sent before the sink is live.
    pub(super) replay: Option<Replay>,
    /// The keyframe that was last sent as a still: it is sent once.
    pub(super) still: Option<i64>,
    /// The turn in which it was last served out of its source's order.
    pub(super) served_in: u32,
    resent: Resent,
    /// Too much was asked for again; the next keyframe is there sooner.
    given_up: bool,
    gave_up_at: Option<Instant>,
    /// Packets before this one are of no use to the subscriber any more: its output number.
    obsolete_before: i64,
    /// Nor are these, ascending: they were of spatial layers that are not sent any more, and never left.
    left_out: Vec<i64>,
    /// When it began to show something else.
    began: Option<Instant>,
    /// The playout delay that its pictures carry for that reason.
    prompt: Option<[u8; 3]>,
    rtx_sequence: i64,
    last_report: Option<(u32, Instant)>,
    pub(super) packets: Counter,
    pub(super) octets: Counter,
    pub(super) retransmissions: Counter,
    link: LinkLoss,
    rtt_ms: f32,
    switches: Counter,
}

/// What a subscriber asked for again.
pub(super) enum Resend {
    /// The packet `input` of the encoding that `feed` forwarded.
    Packet {
        feed: Feed,
        input: i64,
        output: i64,
        shift: Shift,
        /// It was sent again before, which did not help.
        again: bool,
    },
    TooSoon,
    /// A keyframe has come behind it, or is to come.
    Obsolete,
    Unknown,
}

impl Sink {
    #[expect(clippy::too_many_arguments, reason = "one each of the fields of the command that makes it")]
    pub(super) fn new(
        id: SinkId, peer: PeerKey, mid: String, ssrc: u32, rtx_ssrc: u32, cname: String, codecs: Vec<Codec>, now: Instant,
    ) -> Self {
        // Any start will do that leaves the first wrap some way off (RFC 3550 section 5.1).
        let first_sequence = i64::from(ssrc & 0x7fff);
        // All of video counts in 90 kHz (RFC 3551 section 5).
        let class = if codecs.iter().all(|codec| codec.clock_rate == VIDEO_CLOCK) { Class::Video } else { Class::Audio };
        Self {
            id,
            peer,
            mid,
            ssrc,
            rtx_ssrc,
            cname,
            codecs,
            class,
            wanted: None,
            limit: Layers::ALL,
            track: Track::new(first_sequence),
            fec: None,
            replay: None,
            still: None,
            served_in: 0,
            resent: Resent::new(now),
            given_up: false,
            gave_up_at: None,
            obsolete_before: i64::MIN,
            left_out: Vec::new(),
            began: None,
            prompt: None,
            rtx_sequence: first_sequence,
            last_report: None,
            packets: Counter::default(),
            octets: Counter::default(),
            retransmissions: Counter::default(),
            link: LinkLoss::default(),
            rtt_ms: f32::NAN,
            switches: Counter::default(),
        }
    }

    pub(super) fn shown_source(&self) -> Option<SourceKey> {
        self.wanted.map(|wanted| wanted.source)
    }

    /// Show nothing until the next switch.
    pub(super) fn stop(&mut self) {
        self.track.stop();
        self.replay = None;
    }

    /// Whether the sink waits for a keyframe of this encoding.
    pub(super) fn waits_for(&self, wanted: Wanted, generation: u32) -> bool {
        self.wanted == Some(wanted) && !self.track.feed().is_some_and(|feed| feed.carries(wanted, generation))
    }

    /// Whether a keyframe of `encoding`, which is wanted, would show more than what is shown: another encoding, or a spatial layer more.
    pub(super) fn waits_for_keyframe(&self, encoding: &Encoding) -> bool {
        let Some((wanted, feed)) = self.wanted.zip(self.track.feed()) else { return self.wanted.is_some() };
        let least = self.limit.spatial.min(encoding.layers.arriving().map_or(0, |layers| layers.spatial));
        !feed.carries(wanted, encoding.generation) || self.track.layers().spatial < least
    }

    /// Begin to forward an encoding at `packet`, going on from what was sent before. False when its codec was not negotiated.
    ///
    /// `ntp`: the publisher's times of the packet sent last and of this one, where its reports tell them.
    pub(super) fn switch(
        &mut self, wanted: Wanted, generation: u32, codec: &Codec, packet: &Packet, ntp: Option<(u64, u64)>, now: Instant,
    ) -> bool {
        let Some(ours) = self.codecs.iter().find(|ours| ours.name == codec.name) else { return false };
        let rtx_payload_type = ours.rtx_payload_type.filter(|_| self.rtx_ssrc != 0);
        let feed = Feed::new(wanted, generation, packet.codec, codec.clock_rate, PayloadTypes::of(ours, &self.codecs), rtx_payload_type);
        if self.fec.is_some() && self.track.last_timestamp_of(wanted.source).is_none() {
            self.began = Some(now);
        }
        self.track.begin(feed, packet, self.limit, ntp, now);
        self.replay = None;
        self.switches.add(1);
        true
    }

    /// Octets of a packet, as a mean.
    pub(super) fn packet_octets(&self) -> u64 {
        self.octets.get().checked_div(self.packets.get()).unwrap_or(0).saturating_add(OVERHEAD)
    }

    /// The numbers under which `packet` of the current feed goes out, `octets` of its payload; `None` when it does not.
    pub(super) fn forward(&mut self, packet: &Packet, octets: u64, now: Instant) -> Option<Numbers> {
        // A replay decodes as little as it can; the other layers come back at their switching points.
        let live = self.replay.is_none();
        let limit = if live { self.limit } else { Layers { temporal: 0, ..self.limit } };
        let numbers = self.track.forward(packet, limit, live, now)?;
        self.note_late(numbers.sequence, now);
        self.note_prompt(now);
        self.packets.add(1);
        self.octets.add(octets);
        Some(numbers)
    }

    /// The numbers under which `filler`, an empty packet, goes out in the place of one that will not come; `None` when none is free.
    pub(super) fn fill(&mut self, filler: &Packet, now: Instant) -> Option<Numbers> {
        let numbers = self.track.fill(filler)?;
        self.note_late(numbers.sequence, now);
        self.packets.add(1);
        Some(numbers)
    }

    /// Repair nothing of what was sent so far: the next keyframe is there sooner. Nothing is shown until then.
    pub(super) fn give_up(&mut self, link: &mut Link, keyframe: Option<i64>, now: Instant) {
        self.given_up = true;
        self.gave_up_at = Some(now);
        // A picture of long ago must not come back.
        self.still = keyframe;
        self.stop();
        self.drop_waiting(link);
    }

    /// Whether repairs were given up so lately that the keyframe may be on its way still.
    pub(super) fn gave_up_lately(&self, now: Instant) -> bool {
        self.gave_up_at.is_some_and(|at| now.saturating_duration_since(at) < GIVE_UP_INTERVAL)
    }

    /// Whether a packet is of no use to the subscriber any more.
    pub(super) fn is_obsolete(&self, sequence: u16) -> bool {
        self.track.locate(sequence).is_some_and(|(output, ..)| self.is_useless(output))
    }

    fn is_useless(&self, output: i64) -> bool {
        self.given_up || output < self.obsolete_before || self.left_out.binary_search(&output).is_ok()
    }

    /// Whether other pictures are likely to need the picture of a packet of `encoding`; so it is taken where that is not known.
    pub(super) fn is_needed(&self, sequence: u16, encoding: &Encoding) -> bool {
        let packet = self
            .track
            .locate(sequence)
            .and_then(|(_, input, feed, _)| feed.carries(self.wanted?, encoding.generation).then(|| encoding.cache.get(input)).flatten());
        packet.is_none_or(Packet::is_needed)
    }

    /// Whether a packet would be sent again for this cause, as far as it is known.
    pub(super) fn would_resend(&self, sequence: u16, cause: Cause, now: Instant) -> bool {
        self.track.locate(sequence).is_some_and(|(output, ..)| self.resent.times(output, cause, now).is_some())
    }

    /// Drop what waits of its pictures and of their retransmissions. Returns how many packets.
    fn drop_waiting(&self, link: &mut Link) -> usize {
        link.drop_held([self.ssrc, self.rtx_ssrc])
    }

    /// Leave out all that waits: something else is shown from now on, or nothing. It is not repaired either.
    pub(super) fn leave_out(&mut self, link: &mut Link) {
        self.given_up |= self.drop_waiting(link) > 0;
    }

    /// Leave out what waits of spatial layers that are not sent any more.
    pub(super) fn leave_above(&mut self, link: &mut Link) {
        let oldest = self.track.next_output().saturating_sub(Sent::WINDOW);
        self.left_out.retain(|output| *output >= oldest);
        self.left_out.extend(link.thin(self.ssrc, self.track.layers().spatial));
        self.left_out.sort_unstable();
    }

    /// Leave out what waits of the pictures before the one that now begins with a keyframe, where more waits than is gone in a moment,
    /// here or in the link's queue: sent again it would come behind the keyframe, and hold that up.
    pub(super) fn leave_behind(&mut self, link: Option<&mut Link>, since_epoch: Duration) {
        let given_up = std::mem::take(&mut self.given_up);
        let behind = link.filter(|link| link.is_behind(since_epoch));
        let left = behind.is_some();
        if let Some(link) = behind {
            self.drop_waiting(link);
        }
        if given_up || left {
            self.obsolete_before = self.track.next_output();
        }
    }

    /// Which packet a lost output sequence number stands for.
    pub(super) fn resend(&mut self, sequence: u16, cause: Cause, now: Instant) -> Resend {
        let Some((output, input, feed, shift)) = self.track.locate(sequence) else { return Resend::Unknown };
        if self.is_useless(output) {
            return Resend::Obsolete;
        }
        let feed = *feed;
        match self.resent.note(output, cause, now) {
            Some(again) => Resend::Packet { feed, input, output, shift, again },
            None => Resend::TooSoon,
        }
    }

    /// The extended sequence number of the next retransmission.
    pub(super) fn next_rtx_sequence(&mut self) -> i64 {
        let sequence = self.rtx_sequence;
        self.rtx_sequence = sequence.wrapping_add(1);
        sequence
    }

    /// What the packets sent at `since_epoch` under `ssrc` share.
    pub(super) fn stream<'a>(
        &'a self, ssrc: u32, extensions: ExtensionIds, playout: Option<[u8; 3]>, since_epoch: Duration, link: Option<&'a mut Link>,
    ) -> Stream<'a> {
        let abs_send_time = extension::abs_send_time(since_epoch);
        let class = if ssrc == self.rtx_ssrc { Class::Retransmission } else { self.class };
        let playout = playout.or(self.prompt).filter(|_| class != Class::Audio);
        Stream { ssrc, mid: self.mid.as_bytes(), extensions, class, abs_send_time, playout, since_epoch, link, fec: None }
    }

    /// Note whether pictures are to be shown as they come.
    fn note_prompt(&mut self, now: Instant) {
        let Some(began) = self.began else { return };
        let ago = now.saturating_duration_since(began);
        self.prompt = match ago {
            _ if ago < PROMPT => Some(playout_delay(0, 0)),
            _ if ago < PROMPT_TOLD => Some(playout_delay(0, MOST_PLAYOUT)),
            _ => None,
        };
        self.began = self.prompt.and(self.began);
    }

    /// Note a sender report that goes out.
    pub(super) fn reported(&mut self, ntp: u64, now: Instant) {
        self.last_report = Some((ntp::middle(ntp), now));
    }

    /// Take in what the subscriber reports of this stream.
    pub(super) fn on_report(&mut self, block: &ReportBlock, now: Instant) {
        // The report that is answered carries the publisher's clock, so the round trip is taken from when we sent it.
        if let Some((id, sent)) = self.last_report
            && id == block.last_sr
        {
            let held = ntp::from_q16(block.delay_since_last_sr);
            self.rtt_ms = now.saturating_duration_since(sent).saturating_sub(held).as_secs_f32() * 1000.0;
        }
        let round_trip = Duration::try_from_secs_f32(self.rtt_ms / 1000.0).ok();
        self.link.on_report(block, self.track.sent(), round_trip, now);
    }

    /// Of what was sent between the last two reports, 0–1.
    pub(super) fn fraction_lost(&self) -> f32 {
        self.link.fraction()
    }

    pub(super) fn row(&self, peer: u32, source: u32) -> SinkRow {
        SinkRow {
            sink: self.id,
            peer,
            source,
            encoding: self.track.feed().map_or(-1, |feed| i32::try_from(feed.encoding).unwrap_or(-1)),
            spatial: self.track.layers().spatial,
            temporal: self.track.layers().temporal,
            packets: self.packets.get(),
            bytes: self.octets.get(),
            retransmissions: self.retransmissions.get(),
            fraction_lost: self.link.fraction(),
            lost: self.link.total(),
            rtt_ms: self.rtt_ms,
            switches: self.switches.get(),
            link: LinkRow::UNKNOWN,
        }
    }

    fn note_late(&mut self, sequence: i64, now: Instant) {
        if sequence < self.track.sent().highest() {
            self.link.sent_late(sequence, now);
        }
    }
}
