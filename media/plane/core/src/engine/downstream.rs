//! RTCP: what subscribers ask for, and sender reports on their way from publisher to subscribers.

use std::time::{Duration, Instant};

use super::burst;
use super::feed::{self, Wanted};
use super::outgoing::Outgoing;
use super::peer::Peer;
use super::redundancy::PayloadTypes;
use super::resent::Cause;
use super::sink::{Resend, Sink};
use super::source::Encoding;
use super::timestamps::SenderClock;
use super::{Engine, Output, PeerKey, SinkKey};
use crate::address::TransportAddress;
use crate::rtcp::{self, Compound, Packet, ReportBlock, SenderInfo};

/// Seconds that repairs of one message may take the link before the pictures that no other needs are left out.
const MOMENT: f64 = 0.05;
/// Who keeps pictures so long waits for bursts of losses to end, and gets more repairs at once than others.
const LONG_PLAYOUT: Duration = Duration::from_millis(500);
/// The moment there: what others need of a whole burst is just about there in time.
const MOMENT_OF_BURSTS: f64 = 0.02;
/// Share of the time within which nothing can be told by a request (`Link::answer_within`), of pictures that no other needs.
const EARLY: f64 = 0.8;

impl Engine {
    /// Open an RTCP compound and act on each of its packets.
    pub(super) fn receive_rtcp(&mut self, now: Instant, key: PeerKey, from: TransportAddress, datagram: &mut [u8], out: &mut impl Output) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let Some(security) = &mut peer.security else {
            self.counters.dropped_no_keys.add(1);
            return;
        };
        let compound = match security.receiver.open_rtcp(datagram) {
            Ok(length) => datagram.get(..length).unwrap_or_default(),
            Err(error) => return self.count_srtp_error(error),
        };
        peer.last_heard = now;
        self.counters.rtcp_received.add(1);
        self.follow(now, key, from);
        for packet in Compound::new(compound) {
            let Ok(packet) = packet else {
                self.counters.dropped_malformed.add(1);
                return;
            };
            self.receive_rtcp_packet(now, key, packet, out);
        }
    }

    fn receive_rtcp_packet(&mut self, now: Instant, peer: PeerKey, packet: Packet<'_>, out: &mut impl Output) {
        match packet {
            Packet::SenderReport { info, reports } => {
                self.translate_sender_report(now, peer, &info, out);
                reports.for_each(|block| self.receive_report(now, peer, &block));
            }
            Packet::ReceiverReport { reports, .. } => reports.for_each(|block| self.receive_report(now, peer, &block)),
            Packet::Nack { media, lost, .. } => {
                let Some(cause) = self.peers.get(peer).map(Peer::asked) else { return };
                self.retransmit(now, peer, media, lost.map(|sequence| (sequence, cause)).collect(), out);
            }
            Packet::Pli { media, .. } => self.receive_keyframe_request(now, peer, media, out),
            Packet::Fir { entries, .. } => entries.for_each(|(media, _)| self.receive_keyframe_request(now, peer, media, out)),
            Packet::ExtendedReport { delays, .. } => self.receive_delays(now, peer, delays),
            Packet::TransportFeedback { body, .. } => self.receive_transport_feedback(now, peer, body, out),
            Packet::Remb { bitrate, .. } => self.receive_remb(now, peer, bitrate),
            Packet::Bye { .. } | Packet::Sdes | Packet::Unknown { .. } => {}
        }
    }

    fn receive_report(&mut self, now: Instant, peer: PeerKey, block: &ReportBlock) {
        let Some(key) = self.sink_of(peer, block.ssrc) else { return };
        if let Some(sink) = self.sinks.get_mut(key) {
            sink.on_report(block, now);
        }
        self.note_losses(now, peer, key);
    }

    fn receive_keyframe_request(&mut self, now: Instant, peer: PeerKey, media: u32, out: &mut impl Output) {
        self.counters.keyframe_requests_received.add(1);
        let Some(key) = self.sink_of(peer, media) else { return };
        let shown = self.sinks.get(key).and_then(|sink| sink.track.feed().copied());
        if let Some(feed) = shown
            && !self.beginning_was_lost(peer, key, now, out)
        {
            self.want_keyframe(feed.source, feed.encoding, now);
        }
    }

    /// Send packets again that a subscriber misses, as retransmissions (RFC 4588). A sink without RTX has none: the same
    /// packet sealed again under its own number would have to be identical, and its send time is not.
    ///
    /// Each with why: all of them because the subscriber asks, or all because feedback tells that they were lost.
    pub(super) fn retransmit(&mut self, now: Instant, peer_key: PeerKey, media: u32, lost: Vec<(u16, Cause)>, out: &mut impl Output) {
        let Some(key) = self.sink_of(peer_key, media) else { return };
        let asked = u64::from(matches!(lost.first(), Some((_, Cause::Asked(_)))));
        let lost = self.within_reach(now, key, lost, asked);
        let Self { sinks, sources, peers, counters, scratch, clock, .. } = self;
        let (Some(sink), Some(peer)) = (sinks.get_mut(key), peers.get_mut(peer_key)) else { return };
        let (Some(security), Some(address)) = (&peer.security, peer.address) else { return };
        let (playout, since_epoch) = (peer.copies.playout.told(now), clock.since_epoch(now));
        let cheaply = peer.link.as_deref().is_some_and(|link| !link.is_queued());
        for (sequence, cause) in lost {
            counters.nack_received.add(asked);
            let (feed, input, output, shift, again) = match sink.resend(sequence, cause, now) {
                Resend::Packet { feed, input, output, shift, again } => (feed, input, output, shift, again),
                Resend::TooSoon => {
                    counters.nack_suppressed.add(asked);
                    continue;
                }
                Resend::Obsolete => {
                    counters.nack_obsolete.add(asked);
                    continue;
                }
                Resend::Unknown => {
                    counters.nack_missed.add(asked);
                    continue;
                }
            };
            let encoding = sources.get(feed.source).and_then(|source| source.encodings.get(feed.encoding));
            let encoding = encoding.filter(|encoding| encoding.generation == feed.generation);
            let found = encoding.and_then(|encoding| Some((&encoding.layers, encoding.cache.get(input)?)));
            let (Some((layers, packet)), Some(payload_type)) = (found, feed.rtx_payload_type) else {
                let ours = found.is_some() || sink.track.sent().contains(output);
                let counter = if ours { &mut counters.nack_missed } else { &mut counters.nack_never_had };
                counter.add(asked);
                continue;
            };
            let numbers = feed::numbers(&feed, output, shift, packet);
            let numbers = feed::Numbers { sequence: sink.next_rtx_sequence(), ..numbers };
            let outgoing = Outgoing { original: Some(sequence), ..Outgoing::new(packet, numbers, PayloadTypes::plain(payload_type)) };
            let mut stream = sink.stream(sink.rtx_ssrc, peer.extensions, playout, since_epoch, peer.link.as_deref_mut());
            let mut recorder = peer.copies.record_retransmission(again, packet.is_needed(), cheaply, now, out);
            burst::send_layers(layers, &mut stream, &[outgoing], &security.sender, address, scratch, counters, &mut recorder);
            counters.copies_dropped.add(recorder.dropped());
            counters.rtx_sent.add(1);
            counters.rtx_unasked.add(1_u64.saturating_sub(asked));
            sink.retransmissions.add(1);
        }
        self.schedule_copies(peer_key);
    }

    /// What of `lost` is repaired. Where more packets are missed than the subscriber's link brings in time, as after an outage, none
    /// are: a keyframe is asked for and nothing shown until it comes, so that the link is free for it. Not twice within a moment,
    /// though, or a link that loses much of the keyframe too would never show anything. Of what is not shown any more nothing is.
    ///
    /// What is under way already takes nothing: a burst is told of by NACK, by feedback and by NACK again.
    ///
    /// `asked`: what each counts for, 0 where nobody asked.
    fn within_reach(&mut self, now: Instant, key: SinkKey, mut lost: Vec<(u16, Cause)>, asked: u64) -> Vec<(u16, Cause)> {
        let since_epoch = self.clock.since_epoch(now);
        let Self { sinks, peers, counters, sources, .. } = self;
        let Some(sink) = sinks.get_mut(key) else { return lost };
        let Some(wanted) = sink.wanted else {
            // Nothing is shown, most likely because the link brings sound alone: that is what it is for now.
            let missed = asked.saturating_mul(lost.len() as u64);
            counters.nack_received.add(missed);
            counters.nack_obsolete.add(missed);
            return Vec::new();
        };
        let Some(peer) = peers.get_mut(sink.peer) else { return lost };
        let kept = peer.copies.protection().playout >= LONG_PLAYOUT;
        let Some(link) = peer.link.as_deref_mut() else { return lost };
        if sink.track.feed().is_none() {
            return lost;
        }
        let missed = lost.len();
        lost.retain(|&(sequence, _)| !sink.is_obsolete(sequence));
        let obsolete = asked.saturating_mul(missed.saturating_sub(lost.len()) as u64);
        counters.nack_received.add(obsolete);
        counters.nack_obsolete.add(obsolete);
        let each = usize::try_from(sink.packet_octets()).unwrap_or(usize::MAX);
        let encoding = sources.get(wanted.source).and_then(|source| source.encodings.get(wanted.encoding));
        if let Some(encoding) = encoding {
            believe_early(&mut lost, sink, encoding);
        }
        let moment = if kept { MOMENT_OF_BURSTS } else { MOMENT };
        if link.seconds_for(each.saturating_mul(lost.len())) > moment
            && let Some(encoding) = encoding
        {
            // So that pictures which others need are there sooner: those that none does would come too late anyway.
            let missed = lost.len();
            lost.retain(|&(sequence, _)| sink.is_needed(sequence, encoding));
            counters.nack_received.add(asked.saturating_mul(missed.saturating_sub(lost.len()) as u64));
        }
        let is_new = |(sequence, cause): &&(u16, Cause)| sink.would_resend(*sequence, *cause, now);
        let new = lost.iter().filter(is_new).count();
        if new == 0 || link.take_repairs(since_epoch, each.saturating_mul(new), kept) {
            return lost;
        }
        if sink.gave_up_lately(now) {
            let fitting = lost.iter().take_while(|lost| !is_new(lost) || link.take_repairs(since_epoch, each, kept)).count();
            counters.nack_received.add(asked.saturating_mul(lost.len().saturating_sub(fitting) as u64));
            lost.truncate(fitting);
            return lost;
        }
        let keyframe = encoding.and_then(|encoding| encoding.gop);
        counters.repairs_given_up.add(1);
        sink.give_up(link, keyframe.map(|gop| gop.start), now);
        self.want_keyframe(wanted.source, wanted.encoding, now);
        // Counted as obsolete, all of them.
        lost
    }

    /// Take in a publisher's sender report and pass it on in each sink's own numbers (RFC 3550 section 6.4.1).
    fn translate_sender_report(&mut self, now: Instant, peer: PeerKey, info: &SenderInfo, out: &mut impl Output) {
        let arrival = self.clock.since_epoch(now);
        let Some(stream) = self.peers.get(peer).and_then(|peer| peer.streams.get(info.ssrc)).filter(|stream| !stream.rtx) else { return };
        let from = Wanted { source: stream.source, encoding: stream.encoding };
        let Some(source) = self.sources.get_mut(from.source) else { return };
        // All codecs of a source have the same clock: audio 48 kHz, video 90 kHz.
        let clock_rate = source.codecs.first().map_or(90_000, |codec| codec.clock_rate);
        let Some(encoding) = source.encodings.get_mut(from.encoding) else { return };
        encoding.reception.on_sender_report(info.ntp, arrival);
        encoding.clock = Some(SenderClock { ntp: info.ntp, rtp_timestamp: info.rtp_timestamp, received: now, clock_rate });
        for sink in source.sinks.clone() {
            self.send_sender_report(now, sink, from, out);
        }
    }

    /// Tell a subscriber which time its stream's timestamps stand for, if it shows this encoding and the publisher has told us.
    pub(super) fn send_sender_report(&mut self, now: Instant, sink: SinkKey, from: Wanted, out: &mut impl Output) {
        let Some(encoding) = self.sources.get(from.source).and_then(|source| source.encodings.get(from.encoding)) else { return };
        let (Some(clock), Some(sink)) = (encoding.clock, self.sinks.get_mut(sink)) else { return };
        let carried = sink.track.feed().is_some_and(|feed| feed.carries(from, encoding.generation));
        let Some(timestamp_offset) = sink.track.timestamp_offset().filter(|_| carried && sink.replay.is_none()) else { return };
        let Some(peer) = self.peers.get_mut(sink.peer) else { return };
        let (ntp, rtp_timestamp) = clock.at(now);
        let info = SenderInfo {
            ssrc: sink.ssrc,
            ntp,
            rtp_timestamp: rtp_timestamp.wrapping_add(timestamp_offset),
            packet_count: sink.packets.low32(),
            octet_count: sink.octets.low32(),
        };
        self.scratch.clear();
        rtcp::write_sender_report(&info, &[], &mut self.scratch);
        rtcp::write_sdes_cname(sink.ssrc, &sink.cname, &mut self.scratch);
        if peer.send_rtcp(&mut self.scratch, out) {
            sink.reported(ntp, now);
        }
    }

    pub(super) fn sinks_of_peer(&self, peer: PeerKey) -> impl Iterator<Item = &Sink> {
        let sinks = self.peers.get(peer).map(|peer| peer.sinks.as_slice()).unwrap_or_default();
        sinks.iter().filter_map(|&key| self.sinks.get(key))
    }

    fn sink_of(&self, peer: PeerKey, ssrc: u32) -> Option<SinkKey> {
        let sinks = &self.peers.get(peer)?.sinks;
        sinks.iter().copied().find(|&key| self.sinks.get(key).is_some_and(|sink| sink.ssrc == ssrc))
    }
}

/// Retransmissions of pictures that no other needs have no copy, so that many are lost: a request that comes a little early is believed.
fn believe_early(lost: &mut [(u16, Cause)], sink: &Sink, encoding: &Encoding) {
    for (sequence, cause) in lost {
        if let Cause::Asked(within) = cause
            && !sink.is_needed(*sequence, encoding)
        {
            *within = within.mul_f64(EARLY);
        }
    }
}
