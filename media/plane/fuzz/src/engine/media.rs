//! What publishers and subscribers of the fuzzed engine send.

use plane_core::command::{Codec, ExtensionIds, MediaKind};
use plane_core::rtcp::{self, ReportBlock, SenderInfo};
use plane_core::rtp::Fields;

use super::action::{Control, Media, Payload, Shape};

pub(super) const IDS: ExtensionIds = ExtensionIds {
    mid: 4,
    rid: 10,
    repaired_rid: 11,
    transport_cc: 3,
    abs_send_time: 2,
    audio_level: 1,
    video_orientation: 0,
    playout_delay: 6,
    abs_capture_time: 0,
    dependency_descriptor: 12,
    video_layers_allocation: 13,
};

const VP8: u8 = 96;
const H264: u8 = 98;
const VP9: u8 = 100;
const OPUS: u8 = 111;
const RED: u8 = 63;
const PAYLOAD_TYPES: [u8; 11] = [VP8, VP8, VP8, VP8 + 1, H264, H264 + 1, VP9, VP9, OPUS, 35, RED];
const RIDS: [&str; 3] = ["q", "h", "f"];

/// SSRC of a publisher's stream.
pub(super) fn publisher_ssrc(number: u8) -> u32 {
    500 + u32::from(number % 8)
}

/// SSRC of a sink of the peer in this place.
pub(super) fn sink_ssrc(place: u8, number: u8) -> u32 {
    (u32::from(place) << 20) | (0x7FF8 + u32::from(number % 16))
}

/// SSRC of its retransmissions.
pub(super) fn rtx_ssrc(place: u8, number: u8) -> u32 {
    1 << 30 | sink_ssrc(place, number)
}

/// SSRC of its repair packets.
pub(super) fn fec_ssrc(place: u8, number: u8) -> u32 {
    1 << 31 | sink_ssrc(place, number)
}

/// Where a sink's stream belongs.
pub(super) fn place_of(ssrc: u32) -> usize {
    (ssrc >> 20 & 0xFF) as usize
}

pub(super) fn kind(shape: Shape) -> MediaKind {
    if shape == Shape::Audio { MediaKind::Audio } else { MediaKind::Video }
}

pub(super) fn codecs(shape: Shape) -> Vec<Codec> {
    let codec =
        |name: &str, payload_type, clock_rate, rtx_payload_type| Codec { name: name.into(), payload_type, clock_rate, rtx_payload_type };
    match shape {
        Shape::Audio => vec![codec("opus", OPUS, 48_000, None), codec("red", RED, 48_000, None)],
        Shape::Camera | Shape::Simulcast => {
            vec![codec("VP8", VP8, 90_000, Some(VP8 + 1)), codec("H264/42e0/1", H264, 90_000, Some(H264 + 1))]
        }
        Shape::Scalable => vec![codec("VP9/0", VP9, 90_000, Some(VP9 + 1))],
        Shape::H264 => vec![codec("H264/42e0/1", H264, 90_000, Some(H264 + 1))],
    }
}

pub(super) fn all_codecs() -> Vec<Codec> {
    [Shape::Audio, Shape::Camera, Shape::Scalable].into_iter().flat_map(codecs).collect()
}

pub(super) fn rids(shape: Shape) -> Vec<String> {
    if shape == Shape::Simulcast { RIDS.map(String::from).to_vec() } else { Vec::new() }
}

/// SSRCs told by SDP, where they are: three encodings are told by their rids.
pub(super) fn ssrcs(shape: Shape, source: u8) -> Vec<(u32, u32)> {
    if shape == Shape::Simulcast { Vec::new() } else { vec![(publisher_ssrc(source), publisher_ssrc(source + 4))] }
}

/// The mid of the source in a place.
pub(super) fn mid(source: u8) -> String {
    (source % 4).to_string()
}

impl Media {
    pub(super) fn fields(&self) -> Fields {
        let payload_type = PAYLOAD_TYPES[usize::from(self.payload_type) % PAYLOAD_TYPES.len()];
        Fields {
            marker: self.timestamp & 1 == 1,
            payload_type,
            sequence_number: 0,
            timestamp: self.timestamp,
            ssrc: publisher_ssrc(self.ssrc),
        }
    }

    /// Header extension elements.
    pub(super) fn elements(&self) -> Vec<(u8, Vec<u8>)> {
        let mut elements = Vec::new();
        if let Some(named) = self.named {
            let rid = RIDS[usize::from(named >> 2) % RIDS.len()].as_bytes().to_vec();
            elements.push((IDS.mid, mid(named).into_bytes()));
            elements.push((if self.repaired { IDS.repaired_rid } else { IDS.rid }, rid));
        }
        let descriptor = self.descriptor.iter().filter(|descriptor| !descriptor.is_empty());
        elements.extend(descriptor.map(|descriptor| (IDS.dependency_descriptor, descriptor.iter().copied().take(100).collect())));
        elements.extend(self.transport.map(|number| (IDS.transport_cc, number.to_be_bytes().to_vec())));
        elements
    }

    pub(super) fn payload(&self) -> Vec<u8> {
        match &self.payload {
            Payload::Keyframe { picture_id, size } => frame(true, *picture_id, *size),
            Payload::Delta { picture_id, size } => frame(false, *picture_id, *size),
            Payload::Layer { flags, picture_id, layer } => layer_frame(*flags, *picture_id, *layer),
            Payload::Retransmission { original } => [&original.to_be_bytes(), &frame(true, *original, 9)[..]].concat(),
            Payload::Octets(octets) => octets.iter().copied().take(1200).collect(),
        }
    }
}

/// A VP8 payload with picture id and TL0PICIDX (RFC 7741 section 4.2).
fn frame(keyframe: bool, picture_id: u16, size: u8) -> Vec<u8> {
    let [high, low] = picture_id.to_be_bytes();
    let mut payload = vec![0x90, 0xE0, 0x80 | high, low, low, 0x20, u8::from(!keyframe), 0x9D, 0x01, 0x2A];
    payload.resize(10 + usize::from(size) * 4, 0xAB);
    payload
}

/// A VP9 payload with a picture id and a layer (RFC 9628 section 4.2), without structure.
fn layer_frame(flags: u8, picture_id: u16, layer: u8) -> Vec<u8> {
    let [high, low] = picture_id.to_be_bytes();
    let mut payload = vec![0xA0 | flags & 0x5D, 0x80 | high, low, layer, 2];
    payload.resize(40, 0xAB);
    payload
}

impl Control {
    /// Append the packet to a compound of the peer in this place. `recent` is what a subscriber's stream has got last.
    pub(super) fn write(&self, place: u8, recent: impl Fn(u32) -> u16, out: &mut Vec<u8>) {
        match self {
            Self::SenderReport { ssrc, ntp, timestamp } => {
                let info =
                    SenderInfo { ssrc: publisher_ssrc(*ssrc), ntp: *ntp, rtp_timestamp: *timestamp, packet_count: 1, octet_count: 1 };
                rtcp::write_sender_report(&info, &[], out);
            }
            Self::ReceiverReport { media, fraction_lost, last } => {
                let block =
                    ReportBlock { ssrc: sink_ssrc(place, *media), fraction_lost: *fraction_lost, last_sr: *last, ..ReportBlock::default() };
                rtcp::write_receiver_report(1, &[block], out);
            }
            Self::Nack { media, lost } => {
                let mut lost = lost.clone();
                lost.truncate(100);
                rtcp::write_nack(1, sink_ssrc(place, *media), &lost, out);
            }
            Self::NackRecent { media, count } => {
                let ssrc = sink_ssrc(place, *media);
                let newest = recent(ssrc);
                let lost: Vec<u16> = (0..u16::from(count % 32)).rev().map(|back| newest.wrapping_sub(back)).collect();
                rtcp::write_nack(1, ssrc, &lost, out);
            }
            Self::Pli { media } => rtcp::write_pli(1, sink_ssrc(place, *media), out),
            Self::Octets { packet_type, words } => {
                let words = &words[..words.len().min(64)];
                out.extend([0x80 | packet_type >> 3, 192 + packet_type % 32, 0, words.len() as u8]);
                out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
            }
        }
    }
}
