//! Whatever layers a subscriber is routed to, and whenever: what it gets can be decoded, and each picture has one end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers of a test")]

use std::collections::HashSet;
use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Received, Role, Wire};
use plane_core::address::TransportAddress;
use plane_core::command::{Codec, Command, ExtensionIds, MediaKind};
use plane_core::dependency_descriptor::{Descriptor, StreamState};
use plane_core::engine::{Config, Engine};
use plane_core::rtp::{Fields, Header};
use plane_core::srtp::Profile;
use proptest::collection::vec;
use proptest::prelude::*;

const IDS: ExtensionIds = ExtensionIds {
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
const PATTERN: [(u8, u16); 8] = [(0, 4), (2, 1), (1, 2), (2, 1), (0, 4), (2, 1), (1, 4), (2, 1)];

/// A frame: picture and spatial layer.
type Frame = (u16, u8);

/// A picture of an encoder, and what the subscriber asks for behind it.
#[derive(Clone, Debug)]
struct Step {
    keyframe: bool,
    /// Of this many spatial layers, 1 to 3.
    spatial: u8,
    packets: u8,
    route: Option<(Option<u8>, Option<u8>)>,
}

/// How an encoder codes.
#[derive(Clone, Copy, Debug)]
struct Mode {
    /// Spatial layers depend on each other in keyframes only.
    only_key: bool,
    /// Switching up is told by U, else by the references alone.
    told: bool,
}

/// A packet that came out.
#[derive(Clone, Debug)]
struct Output {
    header: Header,
    picture: u16,
    spatial: u8,
    temporal: u8,
}

struct World {
    engine: Engine,
    now: Instant,
    wire: Wire,
    host: Client,
    member: Client,
    index: i64,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        let engine = Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7);
        let client = |peer: u32| {
            Client::new(peer, TransportAddress::udp(([10, 0, 0, peer as u8], 5000).into()), Profile::AeadAes128Gcm, peer.into())
        };
        let mut world = Self { engine, now, wire: Wire::default(), host: client(1), member: client(2), index: 65_500 };
        for client in [&world.host, &world.member] {
            let [add, keys] = client.commands(IDS);
            world.engine.handle(add, now, &mut world.wire);
            world.engine.receive(now, client.address, &mut client.check(Role::Nominating), &mut world.wire);
            world.engine.handle(keys, now, &mut world.wire);
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

    fn route(&mut self, spatial: Option<u8>, temporal: Option<u8>) {
        let command = Command::Route { sink: 9, source: Some(5), encoding: 0, spatial, temporal };
        self.engine.handle(command, self.now, &mut self.wire);
    }

    fn send(&mut self, marker: bool, timestamp: u32, elements: &[(u8, &[u8])], payload: &[u8]) {
        let fields = Fields { marker, payload_type: 98, sequence_number: 0, timestamp, ssrc: 50 };
        let mut packet = self.host.rtp(&fields, self.index, elements, payload);
        self.index += 1;
        self.engine.receive(self.now, self.host.address, &mut packet, &mut self.wire);
    }

    /// A frame interval passes: what is due is sent. Plain packets that came out.
    fn turn(&mut self) -> Vec<(Header, Vec<u8>)> {
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
            .filter_map(|received| if let Received::Rtp { header, payload, .. } = received { Some((header, payload?)) } else { None })
            .collect()
    }
}

/// A flexible-mode payload (RFC 9628 section 4.2) of a frame that refers to pictures so far back; 0: to none.
fn payload(mode: Mode, (picture, spatial): Frame, temporal: u8, back: u16, keyframe: bool, start: bool, end: bool) -> Vec<u8> {
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
fn output((header, payload): (Header, Vec<u8>)) -> Output {
    let at = if payload[0] & 0x40 == 0 { 4 } else { 5 };
    Output { header, picture: u16::from_be_bytes([payload[at], payload[at + 1]]), spatial: payload[at + 2], temporal: payload[at + 3] }
}

/// The frames that a frame needs.
fn needs(mode: Mode, pictures: &[(u8, u16, bool)], (picture, spatial): Frame) -> Vec<Frame> {
    let (_, back, keyframe) = pictures[usize::from(picture)];
    let below = (spatial > 0 && (keyframe || !mode.only_key)).then(|| (picture, spatial - 1));
    let before = (back != 0).then(|| (picture - back, spatial));
    below.into_iter().chain(before).collect()
}

fn check(mode: Mode, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    world.route(None, None);
    let (mut limit, mut since_key, mut layers) = ((None, None), 0_u16, 1);
    let mut pictures: Vec<(u8, u16, bool)> = Vec::new();
    let (mut decoded, mut last) = (HashSet::<Frame>::new(), None::<Output>);
    for (picture, step) in (0_u16..).zip(steps) {
        let keyframe = step.keyframe || picture == 0;
        (since_key, layers) = if keyframe { (0, step.spatial) } else { (since_key + 1, layers) };
        let (temporal, back) = PATTERN[usize::from(since_key % 8)];
        let back = if keyframe { 0 } else { back };
        pictures.push((temporal, back, keyframe));
        for spatial in 0..layers {
            for packet in 0..step.packets {
                let end = packet + 1 == step.packets;
                let mode = Mode { told: mode.told && since_key % 8 == 0, ..mode };
                let payload = payload(mode, (picture, spatial), temporal, back, keyframe, packet == 0, end);
                world.send(end && spatial + 1 == layers, 3000 * u32::from(picture), &[], &payload);
            }
        }
        for output in world.turn().into_iter().map(output) {
            prop_assert!(output.spatial <= limit.0.unwrap_or(7) && output.temporal <= limit.1.unwrap_or(7), "{output:?} {limit:?}");
            if let Some(last) = &last {
                prop_assert_eq!(output.header.sequence_number, last.header.sequence_number.wrapping_add(1));
                let same = output.header.timestamp == last.header.timestamp;
                prop_assert!(same != last.header.marker, "{last:?} {output:?}");
                prop_assert!(!same || output.picture == last.picture);
            }
            let frame = (output.picture, output.spatial);
            if pictures[usize::from(output.picture)].2 && output.spatial == 0 {
                decoded.clear();
            }
            for needed in needs(mode, &pictures, frame) {
                prop_assert!(decoded.contains(&needed), "{frame:?} needs {needed:?}");
            }
            decoded.insert(frame);
            last = Some(output);
        }
        if let Some(route) = step.route {
            limit = route;
            world.route(route.0, route.1);
        }
    }
    prop_assert!(last.is_some());
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    let layer = || proptest::option::of(0..3_u8);
    let route = prop_oneof![3 => Just(None), 1 => (layer(), layer()).prop_map(Some)];
    (proptest::bool::weighted(0.06), 1..4_u8, 1..3_u8, route).prop_map(|(keyframe, spatial, packets, route)| Step {
        keyframe,
        spatial,
        packets,
        route,
    })
}

proptest! {
    /// Every frame that is sent has all that it needs, since the last keyframe. Numbers have no holes, and a picture ends once.
    #[test]
    fn what_is_sent_can_be_decoded(steps in vec(step(), 1..120), only_key in any::<bool>(), told in any::<bool>()) {
        check(Mode { only_key, told }, &steps)?;
    }
}

/// Chromium's VP9 in nine decode targets: who gets the lowest layer alone is told so, in every packet.
#[test]
fn descriptors_tell_which_targets_are_active() {
    let mut world = World::new();
    world.route(Some(0), Some(0));
    let octets =
        |hex: &str| -> Vec<u8> { (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect() };
    let (mut state, mut expected, mut got) = (StreamState::default(), 0, Vec::new());
    let (mut timestamp, mut numbers) = (0, Vec::new());
    for line in include_str!("captured/chromium_vp9_l3t3.hex").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split(' ').collect();
        let descriptor = octets(fields[1]);
        let frame = state.read(&descriptor).unwrap().frame;
        if (frame.layer.spatial_id, frame.layer.temporal_id) == (0, 0) {
            expected += 1;
            numbers.push(frame.number);
        }
        world.send(fields[0] == "1", timestamp, &[(IDS.dependency_descriptor, &descriptor)], &octets(fields[3]));
        timestamp += if fields[0] == "1" { 3000 } else { 0 };
        got.extend(world.turn_with_elements());
    }
    assert!(expected > 3 && got.len() == expected, "{} of {expected}", got.len());
    let mut known = None;
    for ((header, descriptor), number) in got.iter().zip(numbers) {
        let descriptor = Descriptor::parse(descriptor, known.as_ref()).unwrap();
        assert_eq!((descriptor.frame.active_targets, descriptor.frame.number), (Some(1), number));
        assert_eq!(header.marker, descriptor.frame.end, "the picture ends with the only layer that is sent");
        known = descriptor.structure.or(known);
    }
}

impl World {
    /// As `turn`, with the dependency descriptors instead of the payloads.
    fn turn_with_elements(&mut self) -> Vec<(Header, Vec<u8>)> {
        self.engine.flush(self.now, &mut self.wire);
        self.now += Duration::from_millis(33);
        self.engine.timeout(self.now, &mut self.wire);
        let datagrams = self.wire.take(self.member.address).into_iter();
        datagrams
            .filter_map(|datagram| {
                let header = Header::parse(&datagram).ok().filter(|header| header.ssrc == 60)?;
                // Extensions are not encrypted.
                let (_, data) = header.elements(&datagram).find(|(id, _)| *id == IDS.dependency_descriptor)?;
                Some((header, data.to_vec()))
            })
            .collect()
    }
}
