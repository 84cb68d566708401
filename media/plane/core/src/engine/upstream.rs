//! What comes from publishers, and what goes back to them: keyframe requests, transport-wide feedback, receiver reports.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::cache::{Extras, Inline, Packet, Stored};
use super::layers::Place;
use super::peer::{Peer, Stream};
use super::source::{PayloadFormat, Source};
use super::timers::Timer;
use super::{Engine, Output, PeerKey, SourceKey};
use crate::command::{Event, ExtensionIds, MediaKind};
use crate::nack::Outcome;
use crate::ntp;
use crate::rtcp::{self, ReportBlock};
use crate::rtp::Header;
use crate::srtp::SrtpError;
use crate::video_layers_allocation::Allocation;
use crate::{av1, h264, vp8, vp9};

/// Between two feedback messages: libwebrtc's own senders expect 50–250 ms.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(50);

/// A packet of an encoding, opened.
#[derive(Default)]
pub(super) struct Arrived<'a> {
    pub(super) header: Header,
    pub(super) extras: Extras,
    pub(super) payload: &'a [u8],
    /// See [`Packet::own_frame`].
    pub(super) own_frame: usize,
    pub(super) path: Path,
}

/// How a packet came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Path {
    /// On the stream itself.
    #[default]
    Direct,
    /// As a retransmission (RFC 4588).
    Retransmitted,
    /// Inside a later one (RFC 2198).
    Repeated,
}

/// What the packet's header extensions say.
#[derive(Default)]
struct Extensions<'a> {
    mid: Option<&'a [u8]>,
    rid: Option<&'a [u8]>,
    repaired_rid: Option<&'a [u8]>,
    transport_sequence: Option<u16>,
    allocation: Option<Allocation>,
    extras: Extras,
}

impl Engine {
    /// Open an RTP packet, find its encoding and put it into that encoding's cache, for `flush` to forward.
    pub(super) fn receive_rtp(&mut self, now: Instant, key: PeerKey, datagram: &mut [u8]) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let Ok(header) = Header::parse(datagram) else {
            self.counters.dropped_malformed.add(1);
            return;
        };
        let Some(security) = &mut peer.security else {
            self.counters.dropped_no_keys.add(1);
            return;
        };
        let packet = match security.receiver.open_rtp(datagram, &header) {
            Ok(length) => datagram.get(..length).unwrap_or_default(),
            Err(error) => return self.count_srtp_error(error),
        };
        peer.last_heard = now;
        let extensions = Extensions::read(&header, packet, &peer.extensions);
        if let Some(sequence) = extensions.transport_sequence {
            peer.arrivals.on_packet(sequence, self.clock.since_epoch(now));
            self.timers.arm_in(Timer::Feedback, now, FEEDBACK_INTERVAL);
        }
        let Some(stream) = find_stream(peer, &mut self.sources, &header, &extensions) else {
            self.counters.dropped_unknown_stream.add(1);
            return;
        };
        if let (Some(allocation), Some(source)) = (&extensions.allocation, self.sources.get_mut(stream.source)) {
            source.on_allocation(allocation);
        }
        let Ok(payload) = header.payload_range(packet) else {
            self.counters.dropped_malformed.add(1);
            return;
        };
        let payload = packet.get(payload).unwrap_or_default();
        if let Some((header, payload)) = self.original(&header, payload, stream) {
            let path = if stream.rtx { Path::Retransmitted } else { Path::Direct };
            let arrived = Arrived { header, extras: extensions.extras, payload, own_frame: 0, path };
            if self.is_red(stream.source, header.payload_type) {
                self.accept_red(now, stream, arrived);
            } else {
                self.accept(now, stream, arrived);
            }
        }
    }

    /// The packet itself: of a retransmission the one that it carries (RFC 4588 section 4).
    fn original<'a>(&mut self, header: &Header, payload: &'a [u8], stream: Stream) -> Option<(Header, &'a [u8])> {
        if !stream.rtx {
            return Some((*header, payload));
        }
        let source = self.sources.get(stream.source)?;
        let encoding = source.encodings.get(stream.encoding)?;
        // Browsers probe with retransmissions that are nothing but padding.
        let (&original, rest) = payload.split_first_chunk::<2>()?;
        let (codec, _) = source.codec_of(header.payload_type)?;
        self.counters.rtx_received.add(1);
        let payload_type = source.codecs.get(codec)?.payload_type;
        Some((Header { sequence_number: u16::from_be_bytes(original), payload_type, ssrc: encoding.ssrc?, ..*header }, rest))
    }

    /// Take in a packet of an encoding.
    pub(super) fn accept(&mut self, now: Instant, stream: Stream, arrived: Arrived<'_>) {
        let Arrived { header, extras, payload, own_frame, path } = arrived;
        let arrival = self.clock.since_epoch(now);
        let Some(source) = self.sources.get_mut(stream.source) else { return };
        let Some((codec, false)) = source.codec_of(header.payload_type) else {
            self.counters.dropped_unknown_payload_type.add(1);
            return;
        };
        let (Some(negotiated), Some(encoding)) = (source.codecs.get(codec), source.encodings.get_mut(stream.encoding)) else { return };
        let format = PayloadFormat::of(negotiated);
        let vp8 = if format == Some(PayloadFormat::Vp8) { vp8::Descriptor::parse(payload).ok() } else { None };
        let vp9 = if format == Some(PayloadFormat::Vp9) { vp9::Descriptor::parse(payload).ok() } else { None };
        let keyframe_start = match format {
            Some(PayloadFormat::Audio) => true,
            Some(PayloadFormat::Vp8) => vp8.is_some_and(|vp8| vp8.keyframe && vp8.start_of_partition && vp8.partition == 0),
            Some(PayloadFormat::Vp9) => vp9.is_some_and(|vp9| vp9.is_keyframe_start()),
            Some(PayloadFormat::H264) => h264::is_keyframe_start(payload),
            Some(PayloadFormat::Av1) => av1::is_keyframe_start(payload),
            None => false,
        };
        let place = if source.kind == MediaKind::Video {
            let descriptor = extras.dependency_descriptor.as_ref().map(Inline::as_slice);
            encoding.layers.read(descriptor, vp8.as_ref(), vp9.as_ref(), now)
        } else {
            Place::default()
        };
        let sequence = encoding.unwrapper.unwrap(header.sequence_number);
        let layer = place.layer;
        let head = Packet {
            sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            codec,
            keyframe_start,
            vp8,
            vp9,
            place,
            extras,
            own_frame,
            payload: Vec::new(),
        };
        // Before the cache, which does not want what was repaired meanwhile: it has arrived all the same. Replays do not come here.
        if path == Path::Direct {
            encoding.reception.on_packet(header.sequence_number, header.timestamp, arrival, negotiated.clock_rate);
            if let Some(peer) = self.peers.get_mut(source.peer) {
                peer.leniency.on_packet(header.ssrc, header.timestamp, negotiated.clock_rate, arrival);
            }
        }
        match encoding.cache.store(head, payload) {
            Stored::New => {}
            Stored::Duplicate => return,
            Stored::Late => {
                self.counters.dropped_late.add(1);
                return;
            }
        }
        encoding.cache.link(sequence);
        encoding.pending.push(sequence);
        let brimful = encoding.is_brimful();
        let of_keyframe = encoding.note(sequence, now);
        encoding.packets.add(1);
        encoding.octets.add(payload.len() as u64);
        encoding.layer_octets.add(layer, payload.len() as u64);
        if source.kind == MediaKind::Video && negotiated.rtx_payload_type.is_some() {
            match encoding.nacks.on_packet(header.sequence_number, now) {
                Outcome::Overflow => {
                    encoding.keyframe_wanted = true;
                    self.timers.arm(Timer::Keyframes, now);
                }
                // An original that only came late was no answer.
                Outcome::Recovered { answered_after } if path == Path::Retransmitted => {
                    if let Some(peer) = self.peers.get_mut(source.peer) {
                        peer.leniency.on_repaired();
                        answered_after.into_iter().for_each(|after| peer.round_trip.on_sample(after));
                    }
                }
                Outcome::New | Outcome::Recovered { .. } | Outcome::Old => {}
            }
            if keyframe_start {
                encoding.nacks.on_keyframe(header.sequence_number);
            }
            if let Some(due) = encoding.nacks.deadline() {
                self.timers.arm(Timer::Repair, due);
            }
        }
        if let Some([level]) = extras.audio_level.filter(|_| source.kind == MediaKind::Audio) {
            source.speaker.heard(level, now);
        }
        if encoding.heard(now)
            && let Some(peer) = self.peers.get(source.peer)
        {
            let event = Event::Encoding { peer: peer.id, source: source.id, encoding: stream.encoding, active: true };
            self.events.push_back(event);
        }
        source.governor.received(payload.len(), of_keyframe);
        if source.note_pending(now, header.marker || brimful) {
            self.dirty.push(stream.source);
        }
        self.brimful |= brimful;
        self.counters.rtp_received.add(1);
        self.counters.rtp_octets_received.add(payload.len() as u64);
    }

    pub(super) fn count_srtp_error(&mut self, error: SrtpError) {
        let counter = match error {
            SrtpError::Authentication => &mut self.counters.dropped_unauthenticated,
            SrtpError::Replayed | SrtpError::TooOld => &mut self.counters.dropped_replayed,
            SrtpError::Truncated | SrtpError::Unencrypted => &mut self.counters.dropped_malformed,
            SrtpError::TooManyStreams | SrtpError::KeyExhausted => &mut self.counters.dropped_unknown_stream,
        };
        counter.add(1);
    }

    /// Ask for a keyframe of an encoding as soon as its source may be asked again.
    pub(super) fn want_keyframe(&mut self, source: SourceKey, encoding: usize, now: Instant) {
        let Some(source) = self.sources.get_mut(source) else { return };
        let Some(encoding) = source.encodings.get_mut(encoding) else { return };
        if source.kind != MediaKind::Video {
            return;
        }
        encoding.keyframe_wanted = true;
        self.timers.arm(Timer::Keyframes, source.governor.allowed_at(now));
    }

    /// Send the keyframe requests that are wanted and that the governor allows, one message a source.
    pub(super) fn send_keyframe_requests(&mut self, now: Instant, out: &mut impl Output) {
        let Self { sources, peers, timers, counters, scratch, .. } = self;
        for source in sources.values_mut() {
            if source.mirror.is_some() {
                source.ask_owner(now, self.config.keyframe_interval, timers, out);
                continue;
            }
            let wanted = || source.encodings.iter().filter(|encoding| encoding.keyframe_wanted).filter_map(|encoding| encoding.ssrc);
            if wanted().next().is_none() {
                continue;
            }
            let allowed = source.governor.allowed_at(now);
            if allowed > now {
                timers.arm(Timer::Keyframes, allowed);
                continue;
            }
            let Some(peer) = peers.get_mut(source.peer) else { continue };
            scratch.clear();
            for ssrc in wanted() {
                rtcp::write_pli(self.local_ssrc, ssrc, scratch);
            }
            if peer.send_rtcp(scratch, out) {
                // Asked again as long as no keyframe comes: the request or the keyframe may have been lost.
                timers.arm_in(Timer::Keyframes, now, self.config.keyframe_interval);
                source.governor.requested(now);
                counters.keyframe_requests_sent.add(1);
            }
        }
    }

    /// Tell publishers when each packet arrived, so that their estimate of the uplink is sound.
    pub(super) fn send_transport_feedback(&mut self, now: Instant, out: &mut impl Output) {
        let since_epoch = self.clock.since_epoch(now);
        for peer in self.peers.values_mut() {
            let (received, missing) = peer.arrivals.unreported();
            if received > 0 {
                let widest = peer.leniency.widest_gap(since_epoch, received, missing);
                self.counters.feedback_losses_kept_back.add(peer.arrivals.fill_gaps(widest));
            }
            let media_ssrc = peer.sources.first().and_then(|&source| self.sources.get(source)?.encodings.first()?.ssrc).unwrap_or(0);
            loop {
                self.scratch.clear();
                if !peer.arrivals.build(self.local_ssrc, media_ssrc, &mut self.scratch) {
                    break;
                }
                self.counters.feedback_sent.add(1);
                peer.send_rtcp(&mut self.scratch, out);
            }
        }
    }

    /// Tell publishers what was lost.
    pub(super) fn send_receiver_reports(&mut self, now: Instant, out: &mut impl Output) {
        let since_epoch = self.clock.since_epoch(now);
        for peer in self.peers.values_mut() {
            let mut blocks = Vec::new();
            for &key in &peer.sources {
                let Some(source) = self.sources.get_mut(key) else { continue };
                for encoding in &mut source.encodings {
                    blocks.extend(encoding.ssrc.and_then(|ssrc| encoding.reception.report(ssrc, since_epoch)));
                }
            }
            blocks.truncate(rtcp::MAX_REPORT_BLOCKS);
            if !blocks.is_empty() {
                self.scratch.clear();
                rtcp::write_receiver_report(self.local_ssrc, &blocks, &mut self.scratch);
                rtcp::write_receiver_reference_time(self.local_ssrc, ntp::from_unix(since_epoch), &mut self.scratch);
                peer.write_remb(self.local_ssrc, &blocks, now, &mut self.scratch);
                peer.send_rtcp(&mut self.scratch, out);
            }
        }
    }
}

impl Peer {
    /// Append a bound for a publisher that cannot estimate its own uplink, since it has no transport-wide feedback.
    fn write_remb(&mut self, local_ssrc: u32, blocks: &[ReportBlock], now: Instant, out: &mut Vec<u8>) {
        if self.extensions.transport_cc == 0 {
            let ssrcs: ArrayVec<u32, { rtcp::MAX_REPORT_BLOCKS }> = blocks.iter().map(|block| block.ssrc).collect();
            rtcp::write_remb(local_ssrc, self.remb.update(blocks, now), &ssrcs, out);
        }
    }

    /// Seal the compound in `scratch` and send it. False when the peer has no address or no keys yet.
    pub(super) fn send_rtcp(&mut self, scratch: &mut Vec<u8>, out: &mut impl Output) -> bool {
        let (Some(address), Some(security)) = (self.address, &mut self.security) else { return false };
        if security.sender.seal_rtcp(scratch, 0).is_err() {
            return false;
        }
        out.transmit(address, scratch.len(), scratch);
        true
    }
}

impl<'a> Extensions<'a> {
    fn read(header: &Header, packet: &'a [u8], ids: &ExtensionIds) -> Self {
        let mut found = Self::default();
        for (id, value) in header.elements(packet).filter(|&(id, _)| id != 0) {
            if id == ids.transport_cc {
                found.transport_sequence = value.first_chunk().map(|&value| u16::from_be_bytes(value));
            } else if id == ids.audio_level {
                found.extras.audio_level = value.first_chunk().copied();
            } else if id == ids.video_orientation {
                found.extras.video_orientation = value.first_chunk().copied();
            } else if id == ids.playout_delay {
                found.extras.playout_delay = value.first_chunk().copied();
            } else if id == ids.abs_capture_time {
                found.extras.abs_capture_time = value.first_chunk().copied();
            } else if id == ids.dependency_descriptor {
                found.extras.dependency_descriptor = Inline::new(value);
            } else if id == ids.video_layers_allocation {
                found.allocation = Allocation::parse(value).ok();
            } else if id == ids.mid {
                found.mid = Some(value);
            } else if id == ids.rid {
                found.rid = Some(value);
            } else if id == ids.repaired_rid {
                found.repaired_rid = Some(value);
            }
        }
        found
    }
}

/// The stream of an SSRC: known from SDP or from earlier packets, else learnt from mid and rid (RFC 8852, RFC 9143), else from the payload type.
fn find_stream(
    peer: &mut Peer, sources: &mut slotmap::SlotMap<SourceKey, Source>, header: &Header, extensions: &Extensions<'_>,
) -> Option<Stream> {
    if let Some(stream) = peer.streams.get(header.ssrc) {
        return Some(stream);
    }
    let stream = identify(peer, sources, header, extensions)?;
    if !peer.streams.insert(header.ssrc, stream) {
        return None;
    }
    if !stream.rtx {
        sources.get_mut(stream.source)?.encodings.get_mut(stream.encoding)?.start_stream(header.ssrc);
    }
    Some(stream)
}

fn identify(peer: &Peer, sources: &slotmap::SlotMap<SourceKey, Source>, header: &Header, extensions: &Extensions<'_>) -> Option<Stream> {
    let mut candidates = peer.sources.iter().filter_map(|&key| Some((key, sources.get(key)?))).filter_map(|(key, source)| {
        let (_, rtx) = source.codec_of(header.payload_type)?;
        let wanted = extensions.mid.is_none_or(|mid| mid == source.mid.as_bytes());
        wanted.then_some((key, source, rtx))
    });
    let (key, source, rtx) = candidates.next()?;
    if extensions.mid.is_none() && candidates.next().is_some() {
        return None;
    }
    let rid = if rtx { extensions.repaired_rid } else { extensions.rid };
    let encoding = match rid {
        Some(rid) => source.rids.iter().position(|known| known.as_bytes() == rid)?,
        None if source.rids.is_empty() => 0,
        None => return None,
    };
    Some(Stream { source: key, encoding, rtx })
}
