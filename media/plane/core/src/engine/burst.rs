//! One subscriber's packets of one turn, written so that the kernel can cut them: equal segments in one send.
//!
//! Only the last segment of an offloaded send may be shorter. An encoder cuts a frame into packets whose sizes differ by
//! an octet or a few, so RTP padding (RFC 3550 section 5.1) evens them out: it costs less than another send.

use std::time::Duration;

use adaptation::pacer::Class;
use arrayvec::ArrayVec;

use super::cache::Inline;
use super::fec::Fec;
use super::layers::LayerReader;
use super::ledger::Original;
use super::link::Link;
use super::outgoing::{Outgoing, write_padding};
use super::pacer::Held;
use super::scratch::Scratch;
use super::{Counters, Output};
use crate::address::TransportAddress;
use crate::command::ExtensionIds;
use crate::extension;
use crate::rtp::{FIXED_LEN, Fields};
use crate::sequence::{low16, low32};
use crate::srtp::SrtpSender;

/// The kernel's UDP_MAX_SEGMENTS.
pub(super) const MAX_SEGMENTS: usize = 64;
/// Below the 65,507 octets of UDP over IPv4.
pub(super) const MAX_BURST_OCTETS: usize = 65_000;
/// Up to here padding is cheaper than another send; the count itself needs one octet.
const MAX_PADDING: usize = 16;
/// What one octet can count (RFC 3550 section 5.1).
const MOST_PADDING: usize = 255;

/// What all packets of a sink share.
pub(super) struct Stream<'a> {
    pub(super) ssrc: u32,
    pub(super) mid: &'a [u8],
    pub(super) extensions: ExtensionIds,
    /// How urgent they are.
    pub(super) class: Class,
    /// 24 bits of 6.18 fixed point seconds, now.
    pub(super) abs_send_time: [u8; 3],
    /// Now, by the clock of the link.
    pub(super) since_epoch: Duration,
    /// How long pictures are kept before they are shown, at least and at most, where that has to be told.
    pub(super) playout: Option<[u8; 3]>,
    /// Numbers what is sent, where the subscriber reports it.
    pub(super) link: Option<&'a mut Link>,
    /// Makes repair packets of what is sent, where it is protected so.
    pub(super) fec: Option<&'a mut Fec>,
}

/// Seal and send `packets`, of the encoding that `layers` has read, in as few sends as their sizes allow.
#[expect(clippy::too_many_arguments, reason = "what `send` takes, and the encoding's layers")]
pub(super) fn send_layers(
    layers: &LayerReader, stream: &mut Stream<'_>, packets: &[Outgoing<'_>], sender: &SrtpSender, destination: TransportAddress,
    scratch: &mut Scratch, counters: &mut Counters, out: &mut impl Output,
) {
    if stream.extensions.dependency_descriptor == 0 || packets.iter().all(|outgoing| outgoing.active.is_none()) {
        return send(stream, packets, sender, destination, scratch, counters, out);
    }
    for chunk in packets.chunks(MAX_SEGMENTS) {
        let told: ArrayVec<Option<Inline>, MAX_SEGMENTS> = chunk.iter().map(|outgoing| outgoing.told(layers)).collect();
        let chunk: ArrayVec<Outgoing<'_>, MAX_SEGMENTS> = chunk
            .iter()
            .zip(&told)
            .map(|(outgoing, told)| Outgoing { descriptor: told.as_ref().map(Inline::as_slice), ..*outgoing })
            .collect();
        send(stream, &chunk, sender, destination, scratch, counters, out);
    }
}

/// Seal and send `packets` in as few sends as their sizes allow. What exceeds the subscriber's link waits in its pacer.
pub(super) fn send(
    stream: &mut Stream<'_>, packets: &[Outgoing<'_>], sender: &SrtpSender, destination: TransportAddress, scratch: &mut Scratch,
    counters: &mut Counters, out: &mut impl Output,
) {
    for packets in packets.chunks(MAX_SEGMENTS) {
        let sizes = stream.sizes(packets, sender.rtp_overhead());
        let (mut rest, mut rest_sizes) = (packets, sizes.as_slice());
        while let Some((run, segment_size)) = next_run(rest_sizes) {
            let passing = stream.passing(run, segment_size);
            if passing == 0 {
                stream.hold(rest, rest_sizes, sender.rtp_overhead(), scratch, counters);
                break;
            }
            let (now, later) = rest.split_at(passing);
            let (now_sizes, later_sizes) = rest_sizes.split_at(passing);
            // Where only a part of the run leaves, it may be of smaller ones.
            let segment_size = now_sizes.iter().copied().max().unwrap_or(segment_size);
            stream.seal_run(now, now_sizes, segment_size, sender, scratch, counters);
            counters.bursts_sent.add(1);
            out.transmit(destination, segment_size, scratch);
            (rest, rest_sizes) = (later, later_sizes);
        }
    }
}

/// Send a packet that is nothing but padding, as large as padding can be.
pub(super) fn send_padding(
    stream: &mut Stream<'_>, sequence: i64, payload_type: u8, sender: &SrtpSender, destination: TransportAddress, scratch: &mut Vec<u8>,
    out: &mut impl Output,
) {
    let fields = Fields { marker: false, payload_type, sequence_number: low16(sequence), timestamp: 0, ssrc: stream.ssrc };
    let ids = stream.extensions;
    let elements = [(ids.transport_cc, &[0; 2][..]), (ids.mid, stream.mid), (ids.abs_send_time, &stream.abs_send_time)];
    scratch.clear();
    // Elements are at most 127 octets each, so they always fit.
    let header_len = extension::write_header(scratch, &fields, &elements).unwrap_or(0);
    write_padding(scratch, 0, MOST_PADDING);
    let octets = scratch.len().saturating_add(sender.rtp_overhead());
    stream.number(scratch, octets, None);
    let sealed = sender.seal_rtp(scratch, 0, header_len, low32(sequence >> 16));
    debug_assert!(sealed.is_ok());
    out.transmit(destination, octets, scratch);
}

/// How many packets of these sizes, from the first on, go in one send, and its segment size.
fn next_run(sizes: &[usize]) -> Option<(usize, usize)> {
    let &first = sizes.first()?;
    let (mut smallest, mut largest, mut count) = (first, first, 1_usize);
    for &next in sizes.iter().take(MAX_SEGMENTS).skip(1) {
        let (low, high) = (smallest.min(next), largest.max(next));
        if high.saturating_mul(count.saturating_add(1)) > MAX_BURST_OCTETS {
            break;
        }
        if high.saturating_sub(low) <= MAX_PADDING {
            (smallest, largest) = (low, high);
            count = count.saturating_add(1);
        } else {
            // The last one may be shorter than the rest, by any amount.
            count = count.saturating_add(usize::from(next < smallest));
            break;
        }
    }
    Some((count, largest))
}

impl Stream<'_> {
    /// Octets of each packet, sealed with `overhead` octets.
    fn sizes(&self, packets: &[Outgoing<'_>], overhead: usize) -> ArrayVec<usize, MAX_SEGMENTS> {
        let mut bare = None;
        let extensions = |outgoing: &Outgoing<'_>, bare: &mut Option<usize>| {
            let block_len = || extension::block_len(&self.elements(outgoing));
            if outgoing.packet.extras.is_empty() { *bare.get_or_insert_with(block_len) } else { block_len() }
        };
        let size = |outgoing: &Outgoing<'_>| {
            let original = if outgoing.original.is_some() { 2 } else { 0 };
            let header = FIXED_LEN.saturating_add(extensions(outgoing, &mut bare)).saturating_add(original);
            header.saturating_add(outgoing.written().len()).saturating_add(overhead)
        };
        packets.iter().take(MAX_SEGMENTS).map(size).collect()
    }

    /// How many of the next packets may leave at once.
    fn passing(&self, packets: usize, octets: usize) -> usize {
        self.link.as_ref().map_or(packets, |link| link.passing(self.since_epoch, self.class, packets, octets))
    }

    /// Write packets of these sizes, sealed with `overhead` octets, and let them wait for their turn.
    fn hold(&mut self, packets: &[Outgoing<'_>], sizes: &[usize], overhead: usize, scratch: &mut Scratch, counters: &mut Counters) {
        let (mut rest, mut rest_sizes) = (packets, sizes);
        while let Some((run, segment_size)) = next_run(rest_sizes) {
            let (now, later) = rest.split_at(run);
            let (now_sizes, later_sizes) = rest_sizes.split_at(run);
            for (outgoing, size) in now.iter().zip(now_sizes) {
                // Bursts are cut where their time ends, so each of them has to be whole.
                let missing = segment_size.saturating_sub(*size);
                let padding = if missing <= MAX_PADDING { missing } else { 0 };
                counters.padding_octets_sent.add(padding as u64);
                scratch.clear();
                let header_len = self.write(outgoing, padding, &mut None, scratch);
                self.protect(outgoing, scratch);
                let again = (self.class == Class::Retransmission).then(|| outgoing.packet.is_needed());
                let (of, place) = (self.of(outgoing), &outgoing.packet.place);
                let (roc, spatial, end_of_frame) = (low32(outgoing.sequence >> 16), place.layer.spatial, place.end_of_frame);
                let held = Held { packet: scratch.to_vec(), header_len, roc, of, again, spatial, end_of_frame };
                let octets = held.packet.len().saturating_add(overhead);
                if let Some(link) = &mut self.link {
                    link.hold(self.since_epoch, self.class, octets, held);
                    counters.packets_paced.add(1);
                    counters.paced_dropped.add(link.take_dropped());
                }
            }
            (rest, rest_sizes) = (later, later_sizes);
        }
        scratch.holding.extend(self.link.as_ref().map(|link| link.peer));
    }

    /// Write and seal packets of these sizes, all but the last padded to `segment_size`.
    fn seal_run(
        &mut self, packets: &[Outgoing<'_>], sizes: &[usize], segment_size: usize, sender: &SrtpSender, scratch: &mut Vec<u8>,
        counters: &mut Counters,
    ) {
        scratch.clear();
        let mut bare = None;
        let last = packets.len().saturating_sub(1);
        for (index, (outgoing, size)) in packets.iter().zip(sizes).enumerate() {
            let padding = if index == last { 0 } else { segment_size.saturating_sub(*size) };
            counters.padding_octets_sent.add(padding as u64);
            let start = scratch.len();
            let header_len = self.write(outgoing, padding, &mut bare, scratch);
            self.protect(outgoing, scratch.get(start..).unwrap_or_default());
            self.number(scratch.get_mut(start..).unwrap_or_default(), size.saturating_add(padding), self.of(outgoing));
            let roc = low32(outgoing.sequence >> 16);
            // It fails only on a header that is not there, and it was just written.
            let sealed = sender.seal_rtp(scratch, start, header_len, roc);
            debug_assert!(sealed.is_ok());
        }
    }

    /// Which packet it is; nothing for sound, which is not sent again.
    fn of(&self, outgoing: &Outgoing<'_>) -> Option<Original> {
        (self.class != Class::Audio).then(|| Original::new(self.ssrc, outgoing.sequence, outgoing.original))
    }

    /// Let a packet that was written count for repair packets.
    fn protect(&mut self, outgoing: &Outgoing<'_>, written: &[u8]) {
        if let Some(fec) = &mut self.fec {
            fec.add(self.since_epoch, outgoing.packet, outgoing.marker, written, &self.extensions, self.ssrc);
        }
    }

    /// Give the packet its transport-wide number, in the order in which packets leave. `octets`: as it leaves.
    fn number(&mut self, packet: &mut [u8], octets: usize, of: Option<Original>) {
        let Some(link) = &mut self.link else { return };
        let number = link.number(self.since_epoch, octets, of);
        if let [high, low] = extension::element_mut(packet, self.extensions.transport_cc) {
            [*high, *low] = number.to_be_bytes();
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use std::ops::Range;

    use super::*;

    /// The ranges that `next_run` cuts sizes into, with their segment sizes.
    fn runs(sizes: &[usize]) -> Vec<(Range<usize>, usize)> {
        let (mut start, mut runs) = (0, Vec::new());
        while let Some((count, segment)) = sizes.get(start..).and_then(next_run) {
            runs.push((start..start + count, segment));
            start += count;
        }
        runs
    }

    #[test]
    fn a_frame_is_one_send() {
        assert_eq!(runs(&[1150, 1150, 1151, 1151]), [(0..4, 1151)]);
    }

    #[test]
    fn a_shorter_last_packet_closes_the_run() {
        assert_eq!(runs(&[1200, 1200, 300, 1200]), [(0..3, 1200), (3..4, 1200)]);
    }

    #[test]
    fn a_longer_packet_begins_a_run() {
        assert_eq!(runs(&[300, 1200, 1200]), [(0..1, 300), (1..3, 1200)]);
    }

    #[test]
    fn the_kernels_limits_hold() {
        assert!(runs(&[100; 200]).iter().all(|(range, _)| range.len() <= MAX_SEGMENTS));
        assert!(runs(&[1400; 200]).iter().all(|(range, size)| range.len() * size <= MAX_BURST_OCTETS));
    }
}
