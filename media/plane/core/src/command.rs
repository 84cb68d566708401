//! What Python tells the engine, and the rows that it reports. What the engine tells Python by itself is in `event.rs`.

use std::time::Duration;

pub use crate::event::Event;
use crate::srtp::{MasterKey, Profile};

/// A peer: one ICE, DTLS and SRTP association. Chosen by the caller, never reused.
pub type PeerId = u32;
/// A published track.
pub type SourceId = u32;
/// A sending stream of a subscriber.
pub type SinkId = u32;
/// One of the plane's workers, counted from 0.
pub type WorkerId = usize;

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Opus.
    Audio,
    /// VP8, H.264, …
    Video,
}

/// One payload type of a peer. Sources and sinks are matched by `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// Canonical, for example `VP8`, `opus`, `H264/42e0/1`.
    pub name: String,
    /// 0–127.
    pub payload_type: u8,
    /// RTP clock in Hz.
    pub clock_rate: u32,
    /// Payload type of its retransmissions (RFC 4588), where negotiated.
    pub rtx_payload_type: Option<u8>,
}

/// Header extension ids of a peer's bundle (RFC 8285); 0 where not negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionIds {
    /// RFC 9143 media identification.
    pub mid: u8,
    /// RFC 8852 RTP stream id.
    pub rid: u8,
    /// RFC 8852 repaired RTP stream id.
    pub repaired_rid: u8,
    /// Transport-wide sequence number.
    pub transport_cc: u8,
    /// Absolute send time, 24 bits of 6.18 fixed point seconds.
    pub abs_send_time: u8,
    /// RFC 6464 client-to-mixer audio level.
    pub audio_level: u8,
    /// 3GPP TS 26.114 coordination of video orientation.
    pub video_orientation: u8,
    /// Minimum and maximum playout delay.
    pub playout_delay: u8,
    /// Absolute capture time.
    pub abs_capture_time: u8,
    /// AV1 RTP payload format appendix A: the frame's layer and dependencies.
    pub dependency_descriptor: u8,
    /// Which layers a publisher sends, at which target bitrates.
    pub video_layers_allocation: u8,
}

/// How a subscriber's media are protected against losses of its link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// How often each audio packet is sent again.
    pub copies: u8,
    /// The same of one that repeats the frames before its own (RED): what the copies leave lost, the next packet mostly brings.
    pub redundant_copies: u8,
    /// The same of each packet of pictures, where so much is lost that retransmissions come too late.
    pub picture_copies: u8,
    /// Between an audio packet and its copy, and between copies.
    pub spacing: Duration,
    /// How often each retransmission is sent again.
    pub retransmissions: u8,
    /// Between a retransmission and its copy, and between copies; at least 8 ms.
    pub retransmission_spacing: Duration,
    /// Repair packets (FlexFEC) for each 100 packets of pictures that others need; of other pictures what is above 60.
    pub fec: u8,
    /// How long the subscriber keeps a picture before it shows it, at least: what repairs take.
    pub playout: Duration,
    /// Send audio without its repetitions (RED), because they take more of a narrow link than they are worth.
    pub plain_audio: bool,
}

impl Protection {
    /// On a link that loses next to nothing.
    pub const NONE: Self = Self {
        copies: 0,
        redundant_copies: 0,
        picture_copies: 0,
        spacing: Duration::ZERO,
        retransmissions: 0,
        retransmission_spacing: Duration::ZERO,
        fec: 0,
        playout: Duration::ZERO,
        plain_audio: false,
    };

    /// Whether anything is done against losses.
    pub const fn repeats(self) -> bool {
        let copies = self.copies > 0 || self.redundant_copies > 0 || self.picture_copies > 0;
        copies || self.retransmissions > 0 || self.fec > 0 || !self.playout.is_zero()
    }
}

/// A call from Python, carried out by the worker.
#[derive(Debug)]
pub enum Command {
    /// Answer binding requests for this ufrag, or claim the provisional peer that has it.
    AddPeer {
        /// The new peer.
        peer: PeerId,
        /// Our ufrag: the part of USERNAME before the colon (RFC 8445 section 7.2.2).
        local_ufrag: String,
        /// Our password.
        local_pwd: String,
        /// Its header extension ids.
        extensions: ExtensionIds,
    },
    /// Answer checks with tickets made under this key.
    AcceptTickets {
        /// Of HMAC-SHA-256.
        key: [u8; 32],
    },
    /// The header extension ids of a peer that was added before its offer came.
    SetExtensions {
        /// Whose.
        peer: PeerId,
        /// Its header extension ids.
        extensions: ExtensionIds,
    },
    /// Answer binding requests for this ufrag too, and end the former one when the peer nominates with this.
    RestartIce {
        /// Whose ICE session.
        peer: PeerId,
        /// Our new ufrag.
        local_ufrag: String,
        /// Our new password.
        local_pwd: String,
    },
    /// Forget the peer, its sources and its sinks.
    RemovePeer(PeerId),
    /// Send a DTLS datagram to the peer's current address.
    SendDtls {
        /// To whom.
        peer: PeerId,
        /// One DTLS datagram.
        datagram: Vec<u8>,
    },
    /// Send these DTLS datagrams again behind every answered check, to where it came from, until the peer's first one arrives.
    FollowChecks {
        /// To whom.
        peer: PeerId,
        /// The first flight; empty: none any more.
        datagrams: Vec<Vec<u8>>,
    },
    /// Open the media gate.
    SetKeys {
        /// Whose association.
        peer: PeerId,
        /// What DTLS settled on.
        profile: Profile,
        /// For what we send.
        send: MasterKey,
        /// For what we receive.
        receive: MasterKey,
        /// How long media wait behind the last flight of DTLS.
        hold: Duration,
    },
    /// Begin what the peer is shown anew: it was sent before the peer had its keys.
    ShowAgain(PeerId),
    /// A published track.
    AddSource {
        /// The new source.
        source: SourceId,
        /// Who publishes it.
        peer: PeerId,
        /// Audio or video.
        kind: MediaKind,
        /// Its mid in the publisher's bundle.
        mid: String,
        /// Payload types that it may arrive with.
        codecs: Vec<Codec>,
        /// RTP stream ids of the encodings, lowest first; empty without simulcast.
        rids: Vec<String>,
        /// (ssrc, rtx ssrc or 0) of each encoding where SDP told them.
        ssrcs: Vec<(u32, u32)>,
    },
    /// Forget the source; sinks that showed it show nothing.
    RemoveSource(SourceId),
    /// Keep a mirror of a source that lives on another worker, for sinks of this one.
    AddMirror {
        /// The source, by the same id as there.
        source: SourceId,
        /// Where it lives.
        owner: WorkerId,
        /// Audio or video.
        kind: MediaKind,
        /// As of the source.
        codecs: Vec<Codec>,
        /// How many the source has.
        encodings: usize,
    },
    /// Forget a mirror; sinks that showed it show nothing.
    RemoveMirror(SourceId),
    /// A sending stream of a subscriber.
    AddSink {
        /// The new sink.
        sink: SinkId,
        /// Who receives it.
        peer: PeerId,
        /// Its mid in the subscriber's bundle.
        mid: String,
        /// SSRC announced in the answer.
        ssrc: u32,
        /// SSRC of its retransmissions; 0 where none are negotiated.
        rtx_ssrc: u32,
        /// RTCP canonical name; the same for streams that are played in sync.
        cname: String,
        /// Payload types that it may be sent with.
        codecs: Vec<Codec>,
    },
    /// Repair packets of a sink (FlexFEC) have a stream of their own.
    AddFec {
        /// Which sink they protect.
        sink: SinkId,
        /// Their SSRC, announced in the answer.
        ssrc: u32,
        /// 0–127.
        payload_type: u8,
    },
    /// Forget the sink.
    RemoveSink(SinkId),
    /// Show an encoding of a source in the sink from its next keyframe on.
    Route {
        /// Which sink.
        sink: SinkId,
        /// What to show; `None` shows nothing.
        source: Option<SourceId>,
        /// Index in the source's encodings, lowest first.
        encoding: usize,
        /// The highest spatial layer of the encoding to forward; `None`: all.
        spatial: Option<u8>,
        /// The highest temporal layer to forward; `None`: all.
        temporal: Option<u8>,
    },
    /// Find out whether a subscriber's link carries more, where media do not tell.
    WantBitrate {
        /// Which subscriber.
        peer: PeerId,
        /// Bit/s that what is wanted takes; 0: what is sent suffices.
        bitrate: f64,
    },
    /// Protect a subscriber's media against losses of its link.
    Protect {
        /// Which subscriber.
        peer: PeerId,
        /// How, from now on.
        protection: Protection,
    },
    /// Ask the publisher for a keyframe of every encoding that somebody watches.
    RequestKeyframe(SourceId),
}

/// One sink in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinkRow {
    /// The sink.
    pub sink: SinkId,
    /// Its subscriber.
    pub peer: PeerId,
    /// What it shows; 0: nothing.
    pub source: SourceId,
    /// Which encoding is forwarded; -1: none yet.
    pub encoding: i32,
    /// The highest spatial layer that is forwarded; 255: all.
    pub spatial: u8,
    /// Likewise temporal.
    pub temporal: u8,
    /// RTP packets sent, retransmissions not counted.
    pub packets: u64,
    /// RTP payload octets sent, likewise.
    pub bytes: u64,
    /// Retransmitted packets.
    pub retransmissions: u64,
    /// Share of what was sent between the last two receiver reports that the subscriber's own link lost, 0–1: gaps that the
    /// publisher's uplink left are not in it.
    pub fraction_lost: f32,
    /// Packets that its own link lost since the beginning, whether or not they were sent again.
    pub lost: u64,
    /// From the last receiver report; NaN: unknown.
    pub rtt_ms: f32,
    /// Changes of encoding or source carried out.
    pub switches: u64,
    /// The subscriber's link, which all its sinks share.
    pub link: LinkRow,
}

/// What is known of a subscriber's link. NaN: unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkRow {
    /// Bit/s that the link is believed to carry, header and tag of RTP packets included, those of UDP and IP not.
    pub estimate_bps: f32,
    /// Round trip of the newest packet reported, with the time that its report waited.
    pub rtt_ms: f32,
    /// Least time that packets of the last report waited in the link's queue.
    pub queue_ms: f32,
    /// Share of packets lost, smoothed, 0–1.
    pub loss: f32,
    /// The same with what its full queue drops.
    pub missed: f32,
    /// How long all that is sent is lost at a time: the longest burst of late, none that chance explains, and no outage.
    pub lost_run_ms: f32,
    /// Octets sent with a transport-wide number, retransmissions included.
    pub octets: u64,
    /// Octets of copies and repair packets sent, whether or not they have a transport-wide number.
    pub copied: u64,
    /// Others are believed to use the link too.
    pub contended: bool,
    /// And keep its queue full whatever is sent here.
    pub pushed_aside: bool,
    /// Octets that wait in the pacer for their turn.
    pub paced_octets: u32,
    /// How long they will take to leave.
    pub paced_ms: f32,
}

impl LinkRow {
    /// Nothing was reported.
    pub const UNKNOWN: Self = Self {
        estimate_bps: f32::NAN,
        rtt_ms: f32::NAN,
        queue_ms: f32::NAN,
        loss: f32::NAN,
        missed: f32::NAN,
        lost_run_ms: f32::NAN,
        octets: 0,
        copied: 0,
        contended: false,
        pushed_aside: false,
        paced_octets: 0,
        paced_ms: 0.0,
    };
}

/// One encoding of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodingRow {
    /// 0: not seen yet.
    pub ssrc: u32,
    /// RTP packets received.
    pub packets: u64,
    /// RTP payload octets received.
    pub bytes: u64,
    /// Keyframes received.
    pub keyframes: u64,
    /// Packets missing by RFC 3550 A.3.
    pub lost: u64,
    /// Whether packets arrive.
    pub active: bool,
    /// How many spatial and temporal layers arrived in the last second or two; zeros when nothing did.
    pub layers: (u8, u8),
    /// RTP payload octets by spatial and temporal layer, four of each; what is above counts as the last.
    pub layer_bytes: [[u64; 4]; 4],
    /// What the publisher's layers allocation says; zeros where it says nothing.
    pub target: EncodingTarget,
    /// The publisher's time by its sender reports, ms since 1970, of what arrives now; 0: no report has come.
    pub media_ms: u64,
}

/// What a publisher means to send of an encoding: its highest spatial layer, with all that this needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodingTarget {
    /// kbit/s; 0: not sent, or not told.
    pub kbps: u32,
    /// Pixels; 0: not told yet.
    pub width: u32,
    /// Pixels; 0: not told yet.
    pub height: u32,
}
