//! One packet on its way out: what is written of it, plain, before it is sealed or waits.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::burst::Stream;
use super::cache::{Inline, Packet};
use super::feed::Numbers;
use super::layers::{LayerReader, Layers};
use super::redundancy::PayloadTypes;
use crate::dependency_descriptor;
use crate::extension;
use crate::red;
use crate::rtp::{self, Fields};
use crate::sequence::low16;

/// Header extensions of one packet, at most these eight.
pub(super) type Elements<'a> = ArrayVec<(u8, &'a [u8]), 8>;

/// One packet on its way out.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) packet: &'a Packet,
    /// Extended output sequence number.
    pub(super) sequence: i64,
    pub(super) timestamp: u32,
    pub(super) payload_type: u8,
    /// What of the packet's payload is sent.
    pub(super) payload: &'a [u8],
    /// The payload is RED, and its frames are of this payload type.
    pub(super) red_of: Option<u8>,
    /// Picture id and TL0PICIDX to write into a VP8 or VP9 payload descriptor.
    pub(super) picture_ids: Option<(u16, u8)>,
    pub(super) marker: bool,
    /// To write into the dependency descriptor.
    pub(super) frame_number: Option<u16>,
    /// The layers that the dependency descriptor must call active.
    pub(super) active: Option<Layers>,
    /// What goes out instead of the packet's own dependency descriptor.
    pub(super) descriptor: Option<&'a [u8]>,
    /// Leave the payload out: only the number has to be filled.
    pub(super) empty: bool,
    /// The original sequence number that goes in front of a retransmitted payload (RFC 4588 section 4).
    pub(super) original: Option<u16>,
}

impl<'a> Outgoing<'a> {
    /// `packet` under its own SSRC.
    pub(super) fn new(packet: &'a Packet, numbers: Numbers, payload_types: PayloadTypes) -> Self {
        let Numbers { sequence, timestamp, picture_ids, frame_number, marker, active, empty } = numbers;
        let (payload_type, payload, red) = payload_types.choose(packet);
        Self {
            packet,
            sequence,
            timestamp,
            payload_type,
            payload,
            red_of: red.then_some(payload_types.plain),
            picture_ids,
            marker,
            frame_number,
            active,
            descriptor: None,
            empty,
            original: None,
        }
    }

    /// The dependency descriptor with the active decode targets that it must tell, if it must tell any and there is room.
    pub(super) fn told(&self, layers: &LayerReader) -> Option<Inline> {
        let (active, place) = self.active.zip(self.packet.place.mask)?;
        let descriptor = self.packet.extras.dependency_descriptor.as_ref()?;
        // Before the first structure nothing is known of the targets.
        let mask = Some(layers.mask(active)).filter(|&mask| mask != 0)?;
        Inline::new(&place.write(descriptor.as_slice(), mask))
    }

    pub(super) fn written(&self) -> &'a [u8] {
        if self.empty { &[] } else { self.payload }
    }
}

impl Stream<'_> {
    /// Append the plaintext packet; returns the length of its header. `bare`: where a header without extensions of its packet's
    /// own stands in `buffer`; all of them have the same extensions.
    pub(super) fn write(&self, outgoing: &Outgoing<'_>, padding: usize, bare: &mut Option<Range<usize>>, buffer: &mut Vec<u8>) -> usize {
        let start = buffer.len();
        let fields = Fields {
            marker: outgoing.marker && !outgoing.empty,
            payload_type: outgoing.payload_type,
            sequence_number: low16(outgoing.sequence),
            timestamp: outgoing.timestamp,
            ssrc: self.ssrc,
        };
        let header_len = match bare {
            Some(like) if outgoing.packet.extras.is_empty() => extension::write_header_like(buffer, &fields, like.clone()),
            // Elements are at most 127 octets each, so they always fit.
            _ => extension::write_header(buffer, &fields, &self.elements(outgoing)).unwrap_or(0),
        };
        if bare.is_none() && outgoing.packet.extras.is_empty() {
            *bare = Some(start..start.saturating_add(header_len));
        }
        if let (Some(number), 1..) = (outgoing.frame_number, self.extensions.dependency_descriptor) {
            let first = extension::first_element_mut(buffer.get_mut(start..).unwrap_or_default());
            dependency_descriptor::set_frame_number(first, number);
        }
        if let Some(original) = outgoing.original {
            buffer.extend_from_slice(&original.to_be_bytes());
        }
        let payload = buffer.len();
        buffer.extend_from_slice(outgoing.written());
        if let (false, Some((picture_id, tl0picidx)), Some(written)) = (outgoing.empty, outgoing.picture_ids, buffer.get_mut(payload..)) {
            outgoing.packet.rewrite_ids(written, picture_id, tl0picidx);
        }
        if let (Some(payload_type), Some(written)) = (outgoing.red_of, buffer.get_mut(payload..)) {
            red::set_payload_types(written, payload_type);
        }
        write_padding(buffer, start, padding);
        header_len
    }

    pub(super) fn elements<'a>(&'a self, outgoing: &Outgoing<'a>) -> Elements<'a> {
        let extras = &outgoing.packet.extras;
        let ids = &self.extensions;
        let mut elements = Elements::new();
        let mut add = |id: u8, value: Option<&'a [u8]>| {
            if let Some(value) = value
                && id != 0
            {
                elements.push((id, value));
            }
        };
        // It comes first, so that `write` finds it again.
        add(ids.dependency_descriptor, outgoing.descriptor.or(extras.dependency_descriptor.as_ref().map(Inline::as_slice)));
        // Written when the packet leaves.
        add(ids.transport_cc, self.link.as_ref().map(|_| &[0; 2][..]));
        add(ids.mid, Some(self.mid));
        add(ids.abs_send_time, Some(&self.abs_send_time));
        add(ids.audio_level, extras.audio_level.as_ref().map(AsRef::as_ref));
        add(ids.video_orientation, extras.video_orientation.as_ref().map(AsRef::as_ref));
        add(ids.playout_delay, self.playout.as_ref().or(extras.playout_delay.as_ref()).map(AsRef::as_ref));
        add(ids.abs_capture_time, extras.abs_capture_time.as_ref().map(AsRef::as_ref));
        elements
    }
}

/// Set the P bit of the packet at `start` and append octets of padding, the last of which says how many (RFC 3550 section 5.1).
pub(super) fn write_padding(buffer: &mut Vec<u8>, start: usize, padding: usize) {
    let Ok(count @ 1..) = u8::try_from(padding) else { return };
    if let Some(first) = buffer.get_mut(start) {
        *first |= rtp::PADDING;
    }
    let end = buffer.len().saturating_add(padding);
    buffer.resize(end, 0);
    if let Some(last) = buffer.last_mut() {
        *last = count;
    }
}
