//! A source: a published track, with one encoding or several (simulcast).

use std::time::{Duration, Instant};

use super::cache::PacketCache;
use super::counters::Counter;
use super::gop::Gop;
use super::governor::Governor;
use super::layers::{LayerOctets, LayerReader};
use super::mirror::Mirror;
use super::mirrored::Mirrored;
use super::ride::Rhythm;
use super::speaker::Speaker;
use super::timestamps::SenderClock;
use super::{PeerKey, SinkKey};
use crate::command::{Codec, EncodingRow, EncodingTarget, MediaKind, SourceId};
use crate::nack::NackGenerator;
use crate::ntp;
use crate::reception::Reception;
use crate::sequence::SequenceUnwrapper;
use crate::video_layers_allocation::Allocation;

/// Video packets kept for retransmission, as a power of two: about 1.5 s of 720p at 2.5 Mbit/s with its keyframe bursts.
const VIDEO_CACHE_BITS: u32 = 10;
/// Audio is not retransmitted; its cache only holds what waits for `flush`.
const AUDIO_CACHE_BITS: u32 = 7;

pub(super) struct Source {
    pub(super) id: SourceId,
    pub(super) peer: PeerKey,
    pub(super) kind: MediaKind,
    pub(super) mid: String,
    pub(super) codecs: Vec<Codec>,
    pub(super) rids: Vec<String>,
    pub(super) encodings: Vec<Encoding>,
    /// Sinks that show this source, or wait to.
    pub(super) sinks: Vec<SinkKey>,
    pub(super) governor: Governor,
    /// Where this source is mirrored.
    pub(super) mirrors: Vec<Mirror>,
    /// Set where this is the mirror of another worker's source; it has no peer then.
    pub(super) mirror: Option<Mirrored>,
    /// When the oldest packet came that waits for `flush`.
    pub(super) pending_since: Option<Instant>,
    /// What waits is whole pictures, or audio.
    pub(super) ripe: bool,
    pub(super) speaker: Speaker,
    /// When its pictures come.
    pub(super) rhythm: Rhythm,
}

pub(super) struct Encoding {
    kind: MediaKind,
    pub(super) ssrc: Option<u32>,
    /// Counts the streams that this encoding has had: a publisher that starts over has another sequence and another clock.
    pub(super) generation: u32,
    pub(super) unwrapper: SequenceUnwrapper,
    pub(super) cache: PacketCache,
    /// Extended sequence numbers that `flush` must forward, in order of arrival.
    pub(super) pending: Vec<i64>,
    /// The newest packet.
    pub(super) highest: Option<i64>,
    pub(super) gop: Option<Gop>,
    pub(super) layers: LayerReader,
    pub(super) reception: Reception,
    pub(super) nacks: NackGenerator,
    pub(super) clock: Option<SenderClock>,
    pub(super) keyframe_wanted: bool,
    pub(super) last_packet: Option<Instant>,
    pub(super) active: bool,
    pub(super) packets: Counter,
    pub(super) octets: Counter,
    /// The same by layer.
    pub(super) layer_octets: LayerOctets,
    pub(super) keyframes: Counter,
    pub(super) target: EncodingTarget,
}

/// How a payload tells where a decoder can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PayloadFormat {
    Audio,
    Vp8,
    Vp9,
    H264,
    Av1,
}

impl PayloadFormat {
    /// By canonical codec name; `None`: we cannot tell its keyframes, so it cannot be switched.
    pub(super) fn of(codec: &Codec) -> Option<Self> {
        match codec.name.split('/').next() {
            Some("opus") => Some(Self::Audio),
            Some("VP8") => Some(Self::Vp8),
            Some("VP9") => Some(Self::Vp9),
            Some("H264") => Some(Self::H264),
            Some("AV1") => Some(Self::Av1),
            _ => None,
        }
    }
}

impl Source {
    #[expect(clippy::too_many_arguments, reason = "one each of the fields of the command that makes it")]
    pub(super) fn new(
        id: SourceId, peer: PeerKey, kind: MediaKind, mid: String, codecs: Vec<Codec>, rids: Vec<String>, encodings: usize,
        keyframe_spacing: Duration,
    ) -> Self {
        Self {
            id,
            peer,
            kind,
            mid,
            codecs,
            rids,
            encodings: (0..encodings.max(1)).map(|_| Encoding::new(kind)).collect(),
            sinks: Vec::new(),
            governor: Governor::new(keyframe_spacing),
            mirrors: Vec::new(),
            mirror: None,
            pending_since: None,
            ripe: false,
            speaker: Speaker::default(),
            rhythm: Rhythm::default(),
        }
    }

    /// When what waits may be forwarded; `None` when nothing waits.
    pub(super) fn ripe_at(&self, linger: Duration) -> Option<Instant> {
        let since = self.pending_since?;
        if self.ripe { Some(since) } else { since.checked_add(linger) }
    }

    /// Note that a packet waits for `flush`; true when it is the first.
    pub(super) fn note_pending(&mut self, now: Instant, whole: bool) -> bool {
        self.ripe |= whole || self.kind == MediaKind::Audio;
        self.pending_since.replace(self.pending_since.unwrap_or(now)).is_none()
    }

    /// Take in what the publisher says of all its encodings. Sizes are told now and then: the last ones stand.
    pub(super) fn on_allocation(&mut self, allocation: &Allocation) {
        for (stream, encoding) in (0_u8..).zip(&mut self.encodings) {
            let highest = allocation.layers.iter().rfind(|layer| layer.stream == stream);
            encoding.target.kbps = highest.and_then(|layer| layer.target_kbps.last().copied()).unwrap_or(0);
            if let Some(size) = highest.and_then(|layer| layer.size) {
                (encoding.target.width, encoding.target.height) = (size.width, size.height);
            }
        }
    }

    /// The codec that a payload type stands for, and whether it is the retransmission of that codec.
    pub(super) fn codec_of(&self, payload_type: u8) -> Option<(usize, bool)> {
        self.codecs.iter().enumerate().find_map(|(index, codec)| {
            let rtx = codec.rtx_payload_type == Some(payload_type);
            (rtx || codec.payload_type == payload_type).then_some((index, rtx))
        })
    }
}

impl Encoding {
    fn new(kind: MediaKind) -> Self {
        let bits = if kind == MediaKind::Video { VIDEO_CACHE_BITS } else { AUDIO_CACHE_BITS };
        Self {
            kind,
            ssrc: None,
            generation: 0,
            unwrapper: SequenceUnwrapper::default(),
            cache: PacketCache::new(bits),
            pending: Vec::new(),
            highest: None,
            gop: None,
            layers: LayerReader::default(),
            reception: Reception::default(),
            nacks: NackGenerator::default(),
            clock: None,
            keyframe_wanted: false,
            last_packet: None,
            active: false,
            packets: Counter::default(),
            octets: Counter::default(),
            layer_octets: LayerOctets::default(),
            keyframes: Counter::default(),
            target: EncodingTarget::default(),
        }
    }

    /// Take `ssrc` as this encoding's stream from now on.
    pub(super) fn start_stream(&mut self, ssrc: u32) {
        if self.ssrc.replace(ssrc) == Some(ssrc) {
            return;
        }
        self.generation = self.generation.wrapping_add(1);
        self.unwrapper = SequenceUnwrapper::default();
        self.cache.clear();
        self.pending.clear();
        self.highest = None;
        self.gop = None;
        self.layers = LayerReader::default();
        self.reception = Reception::default();
        self.nacks = NackGenerator::default();
        self.clock = None;
    }

    /// Note a packet that is in the cache now; true when it belongs to the newest keyframe.
    pub(super) fn note(&mut self, sequence: i64, now: Instant) -> bool {
        self.highest = Some(self.highest.map_or(sequence, |highest| highest.max(sequence)));
        let Some(packet) = self.cache.get(sequence).filter(|_| self.kind == MediaKind::Video) else { return false };
        let before = self.gop.map(|gop| gop.start);
        self.gop = Gop::begin(self.gop, packet, now);
        let Some(gop) = &mut self.gop else { return false };
        if before != Some(gop.start) {
            self.keyframes.add(1);
            self.keyframe_wanted = false;
        }
        gop.extend(packet);
        packet.timestamp == gop.timestamp
    }

    /// Whether so much waits for `flush` that what comes next could take its place in the cache.
    pub(super) fn is_brimful(&self) -> bool {
        self.pending.len() >= self.cache.capacity() / 2
    }

    /// Note that the encoding arrives; true when it did not before.
    pub(super) fn heard(&mut self, now: Instant) -> bool {
        self.last_packet = Some(now);
        !std::mem::replace(&mut self.active, true)
    }

    /// True when the encoding has just become inactive, after a silence of `patience`.
    pub(super) fn fell_silent(&mut self, now: Instant, patience: Duration) -> bool {
        let silent = self.last_packet.is_none_or(|last| now.saturating_duration_since(last) >= patience);
        silent && std::mem::replace(&mut self.active, false)
    }

    pub(super) fn row(&self, now: Instant) -> EncodingRow {
        EncodingRow {
            ssrc: self.ssrc.unwrap_or(0),
            packets: self.packets.get(),
            bytes: self.octets.get(),
            keyframes: self.keyframes.get(),
            lost: self.reception.lost(),
            active: self.active,
            layers: self
                .layers
                .arriving()
                .map_or((0, 0), |highest| (highest.spatial.saturating_add(1), highest.temporal.saturating_add(1))),
            layer_bytes: self.layer_octets.0,
            target: self.target,
            media_ms: self.clock.map_or(0, |clock| ntp::to_unix_ms(clock.at(now).0)),
        }
    }
}
