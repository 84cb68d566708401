//! A host that publishes VP9 in layers, an engine, and a member who is routed to some of them.

use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Received, Wire};
use plane_core::address::TransportAddress;
use plane_core::command::{Codec, Command, ExtensionIds, MediaKind};
use plane_core::engine::{Config, Engine};
use plane_core::rtp::{Fields, Header};
use plane_core::srtp::Profile;

pub const IDS: ExtensionIds = ExtensionIds {
    mid: 4,
    rid: 0,
    repaired_rid: 0,
    transport_cc: 0,
    abs_send_time: 0,
    audio_level: 0,
    video_orientation: 0,
    playout_delay: 0,
    abs_capture_time: 0,
    dependency_descriptor: 12,
    video_layers_allocation: 0,
};

/// Temporal ids of eight pictures, and how many pictures back each one's reference lies. Only the first is a switching point:
/// the second picture of the middle layer refers to the first one.
pub const PATTERN: [(u8, u16); 8] = [(0, 4), (2, 1), (1, 2), (2, 1), (0, 4), (2, 1), (1, 4), (2, 1)];

/// A frame: picture and spatial layer.
pub type Frame = (u16, u8);

/// How an encoder codes.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Spatial layers depend on each other in keyframes only.
    pub only_key: bool,
    /// Switching up is told by U, else by the references alone.
    pub told: bool,
}

/// A packet that came out.
#[derive(Clone, Debug)]
pub struct Output {
    pub index: i64,
    pub header: Header,
    pub picture: u16,
    pub spatial: u8,
    pub temporal: u8,
}

pub struct World {
    pub engine: Engine,
    pub now: Instant,
    pub wire: Wire,
    pub host: Client,
    pub member: Client,
    pub index: i64,
}

impl World {
    pub fn new() -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        let engine = Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7);
        let client = |peer: u32| {
            Client::new(peer, TransportAddress::udp(([10, 0, 0, peer as u8], 5000).into()), Profile::AeadAes128Gcm, peer.into())
        };
        let mut world = Self { engine, now, wire: Wire::default(), host: client(1), member: client(2), index: 65_500 };
        for client in [&world.host, &world.member] {
            client.join(&mut world.engine, now, IDS, &mut world.wire);
        }
        let codecs = vec![Codec { name: "VP9/0".into(), payload_type: 98, clock_rate: 90_000, rtx_payload_type: None }];
        let (mid, kind, ssrcs) = ("0".into(), MediaKind::Video, vec![(50, 0)]);
        let source = Command::AddSource { source: 5, peer: 1, kind, mid, codecs: codecs.clone(), rids: Vec::new(), ssrcs };
        let sink = Command::AddSink { sink: 9, peer: 2, mid: "1".into(), ssrc: 60, rtx_ssrc: 0, cname: "c".into(), codecs };
        for command in [source, sink] {
            world.engine.handle(command, now, &mut world.wire);
        }
        world
    }

    pub fn route(&mut self, spatial: Option<u8>, temporal: Option<u8>) {
        let command = Command::Route { sink: 9, source: Some(5), encoding: 0, spatial, temporal };
        self.engine.handle(command, self.now, &mut self.wire);
    }

    /// The host's next packet.
    pub fn packet(&mut self, marker: bool, timestamp: u32, elements: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
        let fields = Fields { marker, payload_type: 98, sequence_number: 0, timestamp, ssrc: 50 };
        let packet = self.host.rtp(&fields, self.index, elements, payload);
        self.index += 1;
        packet
    }

    /// A packet of the host arrives.
    pub fn deliver(&mut self, mut packet: Vec<u8>) {
        self.engine.receive(self.now, self.host.address, &mut packet, &mut self.wire);
    }

    /// A frame interval passes: what is due is sent. Packets that came out, opened, with their extended numbers.
    pub fn turn(&mut self) -> Vec<(i64, Header, Vec<u8>)> {
        self.engine.flush(self.now, &mut self.wire);
        let end = self.now + Duration::from_millis(33);
        while let Some(due) = self.engine.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.engine.timeout(self.now, &mut self.wire);
        }
        self.now = end;
        let datagrams = self.wire.take(self.member.address);
        let received = datagrams.into_iter().map(|datagram| self.member.subscriber.receive(datagram));
        received
            .filter_map(|received| {
                let Received::Rtp { index, header, payload } = received else { return None };
                Some((index, header, payload?))
            })
            .collect()
    }
}

/// A flexible-mode payload (RFC 9628 section 4.2) of a frame that refers to pictures so far back; 0: to none.
pub fn payload(mode: Mode, (picture, spatial): Frame, temporal: u8, back: u16, keyframe: bool, start: bool, end: bool) -> Vec<u8> {
    let predicted = back != 0;
    let first = 0xB0 | u8::from(predicted) << 6 | u8::from(start) << 3 | u8::from(end) << 2;
    let [high, low] = picture.to_be_bytes();
    let between = spatial > 0 && (keyframe || !mode.only_key);
    let layer = temporal << 5 | u8::from(mode.told) << 4 | spatial << 1 | u8::from(between);
    let mut payload = vec![first, 0x80 | high, low, layer];
    payload.extend(predicted.then_some((back << 1) as u8));
    payload.extend([picture.to_be_bytes()[0], picture.to_be_bytes()[1], spatial, temporal]);
    payload.resize(60, 0);
    payload
}

/// What was sent in a payload.
pub fn output((index, header, payload): (i64, Header, Vec<u8>)) -> Output {
    let at = if payload[0] & 0x40 == 0 { 4 } else { 5 };
    Output {
        index,
        header,
        picture: u16::from_be_bytes([payload[at], payload[at + 1]]),
        spatial: payload[at + 2],
        temporal: payload[at + 3],
    }
}
