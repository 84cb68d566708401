//! Forwarding: what came in this turn goes to every sink that shows it, a burst a sink.

use std::time::Instant;

use arrayvec::ArrayVec;

use super::burst::{self, MAX_SEGMENTS, Outgoing};
use super::sink::{Sink, Wanted};
use super::source::{Encoding, Source};
use super::{Engine, Output, SinkKey};

impl Engine {
    /// Forward the media of this turn. Call once after a batch of `receive`.
    pub fn flush(&mut self, now: Instant, out: &mut impl Output) {
        while let Some(key) = self.dirty.pop() {
            let Some(source) = self.sources.get_mut(key) else { continue };
            source.dirty = false;
            // The list is taken out and put back, so that sinks and peers can be reached while it is walked.
            let sinks = std::mem::take(&mut source.sinks);
            for encoding in 0..source.encodings.len() {
                self.forward_encoding(now, Wanted { source: key, encoding }, &sinks, out);
            }
            if let Some(source) = self.sources.get_mut(key) {
                source.sinks = sinks;
            }
        }
    }

    fn forward_encoding(&mut self, now: Instant, from: Wanted, sinks: &[SinkKey], out: &mut impl Output) {
        let Some(encoding) = self.encoding_mut(from) else { return };
        if encoding.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut encoding.pending);
        let mut waiting = false;
        for &sink in sinks {
            waiting |= self.forward_to(now, from, sink, &pending, out);
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
    fn forward_to(&mut self, now: Instant, from: Wanted, sink_key: SinkKey, pending: &[i64], out: &mut impl Output) -> bool {
        let Self { sources, sinks, peers, counters, scratch, clock, .. } = self;
        let (Some(source), Some(sink)) = (sources.get(from.source), sinks.get_mut(sink_key)) else { return false };
        let (Some(encoding), Some(peer)) = (source.encodings.get(from.encoding), peers.get(sink.peer)) else { return false };
        let (Some(security), Some(address)) = (&peer.security, peer.address) else { return false };
        let mut switched = false;
        if sink.waits_for(from, encoding.generation) {
            switched = try_switch(sink, source, from, pending, now);
        }
        let Some(feed) = sink.feed().filter(|feed| feed.carries(from, encoding.generation)) else {
            return sink.waits_for(from, encoding.generation);
        };
        for chunk in pending.chunks(MAX_SEGMENTS) {
            let mut packets = ArrayVec::<Outgoing<'_>, MAX_SEGMENTS>::new();
            for packet in chunk.iter().filter_map(|&sequence| encoding.cache.get(sequence)) {
                let Some(sequence) = sink.advance(&feed, packet, now) else { continue };
                counters.rtp_sent.add(1);
                counters.rtp_octets_sent.add(packet.payload.len() as u64);
                packets.push(Outgoing {
                    packet,
                    sequence,
                    timestamp: feed.timestamp(packet),
                    payload_type: feed.payload_type,
                    vp8_ids: feed.vp8_ids(packet),
                    original: None,
                });
            }
            let stream = sink.stream(sink.ssrc, peer.extensions, clock.since_epoch(now));
            burst::send(&stream, &packets, &security.sender, address, scratch, counters, out);
        }
        if switched {
            self.counters.switches.add(1);
            self.send_sender_report(now, sink_key, from, out);
        }
        false
    }

    pub(super) fn encoding_mut(&mut self, which: Wanted) -> Option<&mut Encoding> {
        self.sources.get_mut(which.source)?.encodings.get_mut(which.encoding)
    }
}

/// Switch the sink to an encoding if a decoder can begin with one of the pending packets.
fn try_switch(sink: &mut Sink, source: &Source, to: Wanted, pending: &[i64], now: Instant) -> bool {
    let Some(encoding) = source.encodings.get(to.encoding) else { return false };
    let keyframe = pending.iter().filter_map(|&sequence| encoding.cache.get(sequence)).find(|packet| packet.keyframe_start);
    let Some((packet, codec)) = keyframe.and_then(|packet| Some((packet, source.codecs.get(packet.codec)?))) else { return false };
    let last = sink.last_timestamp_of(to.source).and_then(|(feed, timestamp)| {
        let from = source.encodings.get(feed.encoding).filter(|from| from.generation == feed.generation)?;
        Some(from.clock?.ntp_of(timestamp))
    });
    let next = encoding.clock.map(|clock| clock.ntp_of(packet.timestamp));
    sink.switch(to, encoding.generation, codec, packet, last.zip(next), now)
}
