//! What can happen to an engine, in a form that octets decode to.

use arbitrary::Arbitrary;

/// One thing that happens. Numbers are taken modulo what there is, so that most of them mean something.
#[derive(Arbitrary, Clone, Debug)]
pub(super) enum Action {
    /// A peer with new keys, ufrag and password, in this place.
    AddPeer(u8),
    RemovePeer(u8),
    /// The keys of the peer in this place.
    SetKeys(u8),
    Check {
        place: u8,
        address: u8,
        role: u8,
    },
    AddSource {
        source: u8,
        place: u8,
        shape: Shape,
    },
    RemoveSource(u8),
    AddSink {
        sink: u8,
        place: u8,
        ssrc: u8,
        rtx: bool,
    },
    RemoveSink(u8),
    Route {
        sink: u8,
        source: Option<u8>,
        encoding: u8,
        spatial: Option<u8>,
        temporal: Option<u8>,
    },
    RequestKeyframe(u8),
    SendDtls(u8),
    /// Authentic media.
    Media(Media),
    /// An authentic compound.
    Control {
        place: u8,
        packets: Vec<Control>,
    },
    /// Octets from an address, as they are.
    Garbage {
        address: u8,
        datagram: Vec<u8>,
    },
    Flush,
    /// So many milliseconds, timers included.
    Pass(u16),
    /// New ICE credentials for the peer in this place, with which it checks from then on.
    RestartIce(u8),
    /// The peer in this place sends from another address: it was given another port, or has another network.
    Move {
        place: u8,
        address: u8,
    },
    /// The connection behind this address closed.
    ForgetAddress(u8),
    /// Copies of what is sent to the peer in this place.
    Protect {
        place: u8,
        copies: u8,
        spacing_ms: u8,
        retransmissions: u8,
        plain_audio: bool,
    },
}

/// What a source is.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Audio,
    Camera,
    Simulcast,
    H264,
    Scalable,
}

/// An RTP packet of a publisher, sealed with its keys.
#[derive(Arbitrary, Clone, Debug)]
pub(super) struct Media {
    pub(super) place: u8,
    /// One of a few SSRCs.
    pub(super) ssrc: u8,
    /// From the last packet of this SSRC on.
    pub(super) step: i16,
    pub(super) timestamp: u32,
    /// One of the payload types that anything here has, or none of them.
    pub(super) payload_type: u8,
    /// Carries mid and rid of this number.
    pub(super) named: Option<u8>,
    pub(super) repaired: bool,
    pub(super) transport: Option<u16>,
    /// A dependency descriptor.
    pub(super) descriptor: Option<Vec<u8>>,
    pub(super) payload: Payload,
}

#[derive(Arbitrary, Clone, Debug)]
pub(super) enum Payload {
    Keyframe {
        picture_id: u16,
        size: u8,
    },
    Delta {
        picture_id: u16,
        size: u8,
    },
    /// Of VP9: flags of the descriptor's first octet, and the octet that tells the layer.
    Layer {
        flags: u8,
        picture_id: u16,
        layer: u8,
    },
    /// Of this packet (RFC 4588).
    Retransmission {
        original: u16,
    },
    Octets(Vec<u8>),
}

/// An RTCP packet.
#[derive(Arbitrary, Clone, Debug)]
pub(super) enum Control {
    SenderReport {
        ssrc: u8,
        ntp: u64,
        timestamp: u32,
    },
    ReceiverReport {
        media: u8,
        fraction_lost: u8,
        last: u32,
    },
    Nack {
        media: u8,
        lost: Vec<u16>,
    },
    /// Of the last so many packets that were sent.
    NackRecent {
        media: u8,
        count: u8,
    },
    Pli {
        media: u8,
    },
    Octets {
        packet_type: u8,
        words: Vec<u32>,
    },
}
