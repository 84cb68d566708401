//! Whatever the network does to a publisher's packets and whatever a subscriber asks to see, its output is one continuous stream.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small numbers of a test")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Received, Wire};
use plane_core::address::TransportAddress;
use plane_core::command::{Codec, Command, ExtensionIds, MediaKind};
use plane_core::engine::{Config, Engine};
use plane_core::rtcp;
use plane_core::rtp::Fields;
use plane_core::srtp::Profile;
use proptest::collection::vec;
use proptest::prelude::*;

const SOURCE: u32 = 5;
const ENCODINGS: usize = 3;
const SINK_SSRC: u32 = 0x7FF0;
const RTX_SSRC: u32 = 0x8FF0;
const IDS: ExtensionIds = ExtensionIds {
    mid: 4,
    rid: 10,
    repaired_rid: 11,
    transport_cc: 3,
    abs_send_time: 2,
    audio_level: 0,
    video_orientation: 0,
    playout_delay: 0,
    abs_capture_time: 0,
    dependency_descriptor: 0,
    video_layers_allocation: 0,
};

/// One frame interval: a frame of every encoding, and what the subscriber asks for behind it.
#[derive(Clone, Debug)]
struct Interval {
    frames: [Frame; ENCODINGS],
    route: Option<Option<usize>>,
}

/// A frame, a packet each of these fates.
#[derive(Clone, Debug)]
struct Frame {
    keyframe: bool,
    packets: Vec<Fate>,
}

/// What the network does to a packet.
#[derive(Clone, Copy, Debug)]
struct Fate {
    lost: bool,
    twice: bool,
    /// Packets that overtake it, about.
    late: usize,
}

/// A packet that the publisher sent. Its payload says encoding and input index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    encoding: usize,
    index: i64,
    timestamp: u32,
    keyframe_start: bool,
}

/// A packet that the subscriber got, and which one of the publisher it is.
#[derive(Clone, Copy, Debug)]
struct Output {
    index: i64,
    timestamp: u32,
    picture_id: u16,
    input: Sent,
}

fn fate() -> impl Strategy<Value = Fate> {
    (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop_oneof![6 => Just(0), 1 => 1..4_usize, 1 => 4..25_usize])
        .prop_map(|(lost, twice, late)| Fate { lost, twice, late })
}

fn frame() -> impl Strategy<Value = Frame> {
    (prop::bool::weighted(0.2), vec(fate(), 1..4)).prop_map(|(keyframe, packets)| Frame { keyframe, packets })
}

fn interval() -> impl Strategy<Value = Interval> {
    let route = prop_oneof![5 => Just(None), 2 => (0..ENCODINGS).prop_map(|encoding| Some(Some(encoding))), 1 => Just(Some(None))];
    ([frame(), frame(), frame()], route).prop_map(|(frames, route)| Interval { frames, route })
}

struct World {
    engine: Engine,
    now: Instant,
    wire: Wire,
    host: Client,
    member: Client,
    /// Input packets that reached the engine, by encoding and index.
    delivered: BTreeMap<(usize, i64), Sent>,
    /// Payloads tell which input packet it is by its place here.
    sent: Vec<Sent>,
    outputs: Vec<Output>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        let client = |peer: u32| {
            Client::new(peer, TransportAddress::udp(([10, 0, 0, peer as u8], 5000).into()), Profile::AeadAes128Gcm, peer.into())
        };
        let mut world = Self {
            engine: Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7),
            now,
            wire: Wire::default(),
            host: client(1),
            member: client(2),
            delivered: BTreeMap::new(),
            sent: Vec::new(),
            outputs: Vec::new(),
        };
        world.join();
        world
    }

    fn join(&mut self) {
        let codecs =
            |payload_type| vec![Codec { name: "VP8".into(), payload_type, clock_rate: 90_000, rtx_payload_type: Some(payload_type + 1) }];
        for client in [&self.host, &self.member] {
            client.join(&mut self.engine, self.now, IDS, &mut self.wire);
        }
        let rids = ["q", "h", "f"].map(String::from).to_vec();
        let source = Command::AddSource {
            source: SOURCE,
            peer: 1,
            kind: MediaKind::Video,
            mid: "0".into(),
            codecs: codecs(96),
            rids,
            ssrcs: Vec::new(),
        };
        let sink = Command::AddSink {
            sink: 9,
            peer: 2,
            mid: "1".into(),
            ssrc: SINK_SSRC,
            rtx_ssrc: RTX_SSRC,
            cname: "c".into(),
            codecs: codecs(120),
        };
        for command in [source, sink] {
            self.engine.handle(command, self.now, &mut self.wire);
        }
        self.route(Some(0));
    }

    fn route(&mut self, encoding: Option<usize>) {
        let source = encoding.map(|_| SOURCE);
        self.engine.handle(
            Command::Route { sink: 9, source, encoding: encoding.unwrap_or(0), spatial: None, temporal: None },
            self.now,
            &mut self.wire,
        );
    }

    /// Play the intervals through the network, and look at what comes out.
    fn play(&mut self, intervals: &[Interval]) {
        let mut on_their_way: Vec<(usize, usize, Vec<u8>)> = Vec::new();
        let mut next = [65_500_i64, 10, 40_000];
        for (number, interval) in intervals.iter().enumerate() {
            for (encoding, frame) in interval.frames.iter().enumerate() {
                for (position, fate) in frame.packets.iter().enumerate() {
                    let timestamp = (number as u32).wrapping_mul(3000).wrapping_add(u32::MAX - 100_000 * (encoding as u32 + 1));
                    let sent = Sent { encoding, index: next[encoding], timestamp, keyframe_start: frame.keyframe && position == 0 };
                    next[encoding] += 1;
                    let (id, place) = (self.sent.len(), self.sent.len() + fate.late);
                    self.sent.push(sent);
                    let packet = self.packet(id, number as u16, sent);
                    for _ in 0..if fate.lost { 0 } else { 1 + usize::from(fate.twice) } {
                        on_their_way.push((place, id, packet.clone()));
                    }
                }
            }
            on_their_way.sort_by_key(|(place, ..)| *place);
            let so_far = self.sent.len();
            let arrived = on_their_way.iter().take_while(|(place, ..)| *place < so_far).count();
            for (_, id, packet) in on_their_way.drain(..arrived) {
                self.deliver(id, packet);
            }
            self.turn(interval.route);
        }
    }

    fn packet(&self, id: usize, picture_id: u16, sent: Sent) -> Vec<u8> {
        let fields =
            Fields { marker: false, payload_type: 96, sequence_number: 0, timestamp: sent.timestamp, ssrc: 100 + sent.encoding as u32 };
        let rid = [["q"], ["h"], ["f"]][sent.encoding][0].as_bytes();
        let first = if sent.keyframe_start || sent.index % 3 == 0 { 0x90 } else { 0x80 };
        let [high, low] = picture_id.to_be_bytes();
        let mut payload = vec![first, 0xC0, 0x80 | high, low, low, u8::from(!sent.keyframe_start)];
        payload.extend((id as u32).to_be_bytes());
        payload.resize(20 + id % 90, 0);
        self.host.rtp(&fields, sent.index, &[(IDS.mid, b"0"), (IDS.rid, rid)], &payload)
    }

    fn deliver(&mut self, id: usize, mut packet: Vec<u8>) {
        let sent = self.sent[id];
        self.delivered.insert((sent.encoding, sent.index), sent);
        self.engine.receive(self.now, self.host.address, &mut packet, &mut self.wire);
        if id.is_multiple_of(3) {
            self.engine.flush(self.now, &mut self.wire);
        }
    }

    fn turn(&mut self, route: Option<Option<usize>>) {
        self.engine.flush(self.now, &mut self.wire);
        if let Some(encoding) = route {
            self.route(encoding);
        }
        self.now += Duration::from_millis(33);
        self.engine.timeout(self.now, &mut self.wire);
        self.take(SINK_SSRC);
    }

    /// Take what the member got, and keep what came on this SSRC.
    fn take(&mut self, ssrc: u32) -> Vec<(i64, Vec<u8>)> {
        let mut taken = Vec::new();
        for datagram in self.wire.take(self.member.address) {
            let Received::Rtp { index, header, payload: Some(payload) } = self.member.subscriber.receive(datagram) else { continue };
            // The empty packet in the place of one that was given up.
            if payload.is_empty() {
                continue;
            }
            if header.ssrc == SINK_SSRC {
                let input = self.identify(&payload);
                let picture_id = u16::from_be_bytes([payload[2] & 0x7F, payload[3]]);
                self.outputs.push(Output { index, timestamp: header.timestamp, picture_id, input });
            }
            if header.ssrc == ssrc {
                taken.push((index, payload));
            }
        }
        taken
    }

    fn identify(&self, payload: &[u8]) -> Sent {
        self.sent[u32::from_be_bytes(payload[6..10].try_into().unwrap()) as usize]
    }

    /// Ask for an output number again; the input packet that comes.
    fn ask_again(&mut self, index: i64) -> Option<Sent> {
        let mut compound = Vec::new();
        rtcp::write_nack(1, SINK_SSRC, &[index as u16], &mut compound);
        let mut datagram = self.member.rtcp(compound).unwrap();
        self.engine.receive(self.now, self.member.address, &mut datagram, &mut self.wire);
        let (_, payload) = self.take(RTX_SSRC).pop()?;
        assert_eq!(payload[..2], (index as u16).to_be_bytes());
        Some(self.identify(&payload[2..]))
    }
}

/// Whether `a` is later than `b` on a clock that wraps.
fn later(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}

/// Outputs in order of sending, cut where encoding or difference of output and input number change: what one switch began.
fn runs(outputs: &[Output]) -> Vec<&[Output]> {
    let shift = |output: &Output| (output.input.encoding, output.index - output.input.index);
    outputs.chunk_by(|a, b| shift(a) == shift(b)).collect()
}

/// Play, and hold timestamps and picture ids against the order of numbers.
fn check_pictures(intervals: &[Interval]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    world.play(intervals);
    world.outputs.sort_by_key(|output| output.index);
    for pair in world.outputs.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let same_picture = (a.input.encoding, a.input.timestamp) == (b.input.encoding, b.input.timestamp) && !b.input.keyframe_start;
        if same_picture {
            prop_assert_eq!((a.timestamp, a.picture_id), (b.timestamp, b.picture_id), "{:?} {:?}", a, b);
        } else {
            prop_assert!(later(b.timestamp, a.timestamp), "{a:?} {b:?}");
            prop_assert!((1..0x4000).contains(&(b.picture_id.wrapping_sub(a.picture_id) & 0x7FFF)), "{a:?} {b:?}");
        }
    }
    Ok(())
}

proptest! {
    /// A run is one encoding with the publisher's distances between numbers. It begins with a keyframe, at the number behind
    /// the highest that was sent.
    #[test]
    fn numbers_are_continuous(intervals in vec(interval(), 1..60)) {
        let mut world = World::new();
        world.play(&intervals);
        let mut highest = None::<i64>;
        for run in runs(&world.outputs) {
            let first = run.iter().min_by_key(|output| output.index).unwrap();
            prop_assert!(first.input.keyframe_start, "{first:?}");
            prop_assert!(highest.is_none_or(|highest| first.index == highest + 1), "{first:?} behind {highest:?}");
            highest = run.iter().map(|output| output.index).max();
        }
    }

    /// In order of numbers, each picture is later than the one before, and has one timestamp and one picture id: whatever is
    /// lost, comes twice or in another order, and whatever is switched to.
    #[test]
    fn pictures_never_go_back(intervals in vec(interval(), 1..60)) {
        check_pictures(&intervals)?;
    }

    /// A number that the subscriber did not get is of a packet that the engine did not get either, or comes when it is asked for.
    #[test]
    fn gaps_are_the_publishers_or_filled(intervals in vec(interval(), 1..40)) {
        let mut world = World::new();
        world.play(&intervals);
        let outputs = world.outputs.clone();
        // Nothing is repaired where nothing is shown.
        world.route(Some(0));
        // The engine remembers a few feeds; what goes out last is of one that it remembers.
        if let Some(run) = runs(&outputs).last() {
            let (first, last) = (run.iter().map(|o| o.index).min().unwrap(), run.iter().map(|o| o.index).max().unwrap());
            let offset = run[0].index - run[0].input.index;
            for index in (first..last).filter(|index| run.iter().all(|output| output.index != *index)) {
                let input = world.delivered.get(&(run[0].input.encoding, index - offset)).copied();
                prop_assert_eq!(world.ask_again(index), input, "output {}", index);
            }
        }
    }

    /// Behind the keyframe that began a run nothing that arrives is held back, until the next switch.
    #[test]
    fn what_arrives_is_forwarded(frames in vec(frame(), 1..60)) {
        let still = Frame { keyframe: false, packets: Vec::new() };
        let mut world = World::new();
        let intervals: Vec<Interval> = frames.into_iter().map(|frame| Interval { frames: [frame, still.clone(), still.clone()], route: None }).collect();
        world.play(&intervals);
        let Some(first) = world.outputs.first().map(|output| output.input.index) else { return Ok(()) };
        let missing: Vec<_> = world.delivered.keys().filter(|(_, index)| *index >= first).filter(|(_, index)| world.outputs.iter().all(|output| output.input.index != *index)).collect();
        // But what overtook the keyframe's first packet by a turn: nobody could use it then, and it comes when it is asked for.
        prop_assert!(missing.iter().all(|(_, index)| *index < first + 30), "{missing:?}");
    }
}
