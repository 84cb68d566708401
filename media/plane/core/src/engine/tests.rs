//! The engine as publisher and subscribers see it: datagrams in, datagrams out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "test code")]
#![allow(clippy::cast_possible_truncation, reason = "test code")]

use std::time::{Duration, Instant, UNIX_EPOCH};

use super::{Config, Engine, Output};
use crate::address::TransportAddress;
use crate::command::{Codec, Command, Event, ExtensionIds, MediaKind};
use crate::rtcp::{self, Compound, Packet, SenderInfo};
use crate::rtp::{Fields, Header};
use crate::srtp::{MasterKey, Profile, SrtpReceiver, SrtpSender};
use crate::{extension, stun};

mod codecs;

const PUBLISHER: u32 = 1;
const SOURCE: u32 = 10;
const MID: u8 = 4;
const RID: u8 = 10;
const TRANSPORT_CC: u8 = 3;
const AUDIO_LEVEL: u8 = 5;

/// Datagrams that the engine sent, cut as the kernel would.
#[derive(Default)]
struct Wire(Vec<(TransportAddress, Vec<u8>)>);

impl Output for Wire {
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        let chunks: Vec<_> = contents.chunks(segment_size).collect();
        assert!(chunks.iter().rev().skip(1).all(|chunk| chunk.len() == segment_size));
        self.0.extend(chunks.into_iter().map(|chunk| (destination, chunk.to_vec())));
    }
}

/// The far end of a peer.
struct Client {
    id: u32,
    address: TransportAddress,
    sender: SrtpSender,
    receiver: SrtpReceiver,
}

/// An RTP packet as a client got it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Got {
    header: Header,
    elements: Vec<(u8, Vec<u8>)>,
    payload: Vec<u8>,
}

struct World {
    engine: Engine,
    now: Instant,
    wire: Wire,
}

fn udp(address: &str) -> TransportAddress {
    TransportAddress::udp(address.parse().unwrap())
}

fn tcp(address: &str, connection: usize) -> TransportAddress {
    TransportAddress::tcp(address.parse().unwrap(), connection)
}

fn key(seed: u8) -> MasterKey {
    MasterKey { key: [seed; 16], salt: [seed; 14] }
}

fn vp8(payload_type: u8) -> Vec<Codec> {
    vec![Codec { name: "VP8".into(), payload_type, clock_rate: 90_000, rtx_payload_type: Some(payload_type + 1) }]
}

/// A VP8 payload with 15-bit picture id and TL0PICIDX (RFC 7741 section 4.2), in the base layer.
fn frame(keyframe: bool, picture_id: u16, tl0picidx: u8, size: usize) -> Vec<u8> {
    layer_frame(keyframe, picture_id, tl0picidx, size, 0, true)
}

fn layer_frame(keyframe: bool, picture_id: u16, tl0picidx: u8, size: usize, temporal: u8, sync: bool) -> Vec<u8> {
    let [high, low] = picture_id.to_be_bytes();
    let layer = (temporal << 6) | if sync { 0x20 } else { 0 };
    let mut payload = vec![0x90, 0xe0, 0x80 | high, low, tl0picidx, layer, u8::from(!keyframe), 0x9d, 0x01, 0x2a];
    payload.resize(size.max(12), 0xab);
    payload
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        Self { engine: Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7), now, wire: Wire::default() }
    }

    fn command(&mut self, command: Command) {
        self.engine.handle(command, self.now, &mut self.wire);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.engine.deadline().filter(|&due| due <= end) {
            self.now = due.max(self.now);
            self.engine.timeout(self.now, &mut self.wire);
        }
        self.now = end;
    }

    fn receive(&mut self, from: TransportAddress, mut datagram: Vec<u8>) {
        self.engine.receive(self.now, from, &mut datagram, &mut self.wire);
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.engine.next_event()).collect()
    }

    fn stat(&self, name: &str) -> u64 {
        self.engine.stats().into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn join(&mut self, id: u32, profile: Profile) -> Client {
        let address = udp(&format!("10.0.0.{id}:5000"));
        let extensions = ExtensionIds {
            mid: MID,
            rid: RID,
            transport_cc: TRANSPORT_CC,
            audio_level: AUDIO_LEVEL,
            abs_send_time: 2,
            ..ExtensionIds::default()
        };
        self.command(Command::AddPeer { peer: id, local_ufrag: format!("u{id}"), local_pwd: format!("p{id}"), extensions });
        self.check(id, address, &format!("p{id}"), true);
        self.command(Command::SetKeys { peer: id, profile, send: key(id as u8), receive: key(100 + id as u8) });
        Client { id, address, sender: SrtpSender::new(profile, &key(100 + id as u8)), receiver: SrtpReceiver::new(profile, &key(id as u8)) }
    }

    /// Send a binding request as a controlling agent does.
    fn check(&mut self, id: u32, from: TransportAddress, password: &str, nominate: bool) {
        let username = format!("u{id}:far");
        let attributes: [(u16, &[u8]); 2] = [(0x0006, username.as_bytes()), (0x0025, b"")];
        let request = stun::request_for_tests(&attributes[..1 + usize::from(nominate)], Some(password.as_bytes()));
        self.receive(from, request);
    }

    /// Where a DTLS datagram for a peer is sent.
    fn dtls_goes_to(&mut self, peer: u32) -> Option<TransportAddress> {
        self.wire.0.clear();
        self.command(Command::SendDtls { peer, datagram: vec![22; 30] });
        self.wire.0.pop().map(|(to, _)| to)
    }

    fn publish_vp8(&mut self, rids: &[&str], ssrcs: &[(u32, u32)]) -> Client {
        let client = self.join(PUBLISHER, Profile::AeadAes128Gcm);
        self.command(Command::AddSource {
            source: SOURCE,
            peer: PUBLISHER,
            kind: MediaKind::Video,
            mid: "0".into(),
            codecs: vp8(96),
            rids: rids.iter().map(ToString::to_string).collect(),
            ssrcs: ssrcs.to_vec(),
        });
        client
    }

    fn subscribe(&mut self, id: u32) -> Client {
        let client = self.join(id, Profile::AeadAes128Gcm);
        self.command(Command::AddSink {
            sink: id,
            peer: id,
            mid: "7".into(),
            ssrc: 1000 + id,
            rtx_ssrc: 2000 + id,
            cname: "c".into(),
            codecs: vp8(120),
        });
        self.route(id, 0);
        client
    }

    fn route(&mut self, sink: u32, encoding: usize) {
        self.command(Command::Route { sink, source: Some(SOURCE), encoding, temporal: None });
    }

    /// Publish a packet and forward it.
    fn send(&mut self, from: &mut Client, fields: Fields, elements: &[(u8, &[u8])], payload: &[u8]) {
        self.queue(from, fields, elements, payload);
        self.engine.flush(self.now, &mut self.wire);
    }

    fn queue(&mut self, from: &mut Client, fields: Fields, elements: &[(u8, &[u8])], payload: &[u8]) {
        let mut packet = Vec::new();
        let header_len = extension::write_header(&mut packet, &fields, elements).unwrap();
        packet.extend_from_slice(payload);
        from.sender.seal_rtp(&mut packet, 0, header_len, 0).unwrap();
        self.receive(from.address, packet);
    }

    fn send_rtcp(&mut self, from: &mut Client, mut compound: Vec<u8>) {
        from.sender.seal_rtcp(&mut compound, 0).unwrap();
        self.receive(from.address, compound);
    }

    /// What was sent to a client since the last call: RTP and RTCP, opened.
    fn take(&mut self, client: &mut Client) -> (Vec<Got>, Vec<Vec<u8>>) {
        let (mut media, mut control) = (Vec::new(), Vec::new());
        let all = std::mem::take(&mut self.wire.0);
        let (mine, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(to, _)| *to == client.address);
        self.wire.0 = others;
        for (_, mut datagram) in mine {
            match crate::demux::classify(&datagram) {
                Some(crate::demux::Kind::Rtp) => media.push(client.open(&mut datagram)),
                Some(crate::demux::Kind::Rtcp) => {
                    let length = client.receiver.open_rtcp(&mut datagram).unwrap();
                    control.push(datagram[..length].to_vec());
                }
                _ => {}
            }
        }
        (media, control)
    }
}

impl Client {
    fn open(&mut self, datagram: &mut [u8]) -> Got {
        let header = Header::parse(datagram).unwrap();
        let length = self.receiver.open_rtp(datagram, &header).unwrap();
        let packet = &datagram[..length];
        let payload = packet[header.payload_range(packet).unwrap()].to_vec();
        Got { header, elements: header.elements(packet).map(|(id, value)| (id, value.to_vec())).collect(), payload }
    }
}

fn video(ssrc: u32, sequence_number: u16, timestamp: u32) -> Fields {
    Fields { marker: true, payload_type: 96, sequence_number, timestamp, ssrc }
}

fn picture_id(payload: &[u8]) -> u16 {
    u16::from_be_bytes([payload[2] & 0x7f, payload[3]])
}

#[test]
fn forwards_with_the_subscribers_numbers() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut members = [world.subscribe(2), world.subscribe(3)];
    world.take(&mut host);
    world.send(&mut host, video(555, 9, 1000), &[(MID, b"0")], &frame(true, 5, 3, 100));
    world.send(&mut host, video(555, 10, 4000), &[], &frame(false, 6, 4, 100));
    for member in &mut members {
        let (media, _) = world.take(member);
        assert_eq!(media.len(), 2);
        assert!(media.iter().all(|got| got.header.ssrc == 1000 + member.id && got.header.payload_type == 120 && got.header.marker));
        assert_eq!(media[0].payload, frame(true, 5, 3, 100));
        assert_eq!(media[0].elements.iter().find(|(id, _)| *id == MID).unwrap().1, b"7");
        assert!(media[0].elements.iter().any(|(id, value)| *id == 2 && value.len() == 3), "abs-send-time");
        assert_eq!(media[1].header.sequence_number, media[0].header.sequence_number.wrapping_add(1));
        assert_eq!(media[1].header.timestamp.wrapping_sub(media[0].header.timestamp), 3000);
    }
    assert_eq!((world.stat("rtp_received"), world.stat("rtp_sent")), (2, 4));
}

#[test]
fn waits_for_a_keyframe_and_asks_for_it_once_in_the_interval() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    world.subscribe(3);
    world.pass(Duration::from_millis(10));
    world.send(&mut host, video(555, 1, 0), &[], &frame(false, 1, 1, 100));
    world.pass(Duration::from_millis(480));
    assert_eq!(plis(&world.take(&mut host).1), 1);
    assert!(world.take(&mut member).0.is_empty());
    world.pass(Duration::from_millis(500));
    assert_eq!(plis(&world.take(&mut host).1), 1, "asked again while none comes");
    world.send(&mut host, video(555, 2, 3000), &[], &frame(true, 2, 2, 100));
    assert_eq!(world.take(&mut member).0.len(), 1);
    world.pass(Duration::from_millis(900));
    assert_eq!(plis(&world.take(&mut host).1), 0);
    let mut pli = Vec::new();
    rtcp::write_pli(1, 1002, &mut pli);
    world.send_rtcp(&mut member, pli);
    world.pass(Duration::from_millis(1));
    assert_eq!(plis(&world.take(&mut host).1), 1, "a subscriber's request is passed up");
}

/// What a member got of two encodings: 30 pictures a second, a switch asked for at a step, the target's keyframes at some.
fn switched(steps: u16, ask_at: u16, keyframe_at: u16) -> (Vec<Got>, crate::command::SinkRow) {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    let mut member = world.subscribe(2);
    let mut got = Vec::new();
    for step in 0..steps {
        let fields = video(70, 100 + step, 3000 * u32::from(step));
        world.send(&mut host, fields, &[(MID, b"0"), (RID, b"q")], &frame(step == 0, 100 + step, step as u8, 60));
        let fields = video(80, 7 + step, 900_000 + 3000 * u32::from(step));
        let payload = frame(step == 0 || step == keyframe_at, 9000 + step, 200, 60);
        world.send(&mut host, fields, &[(MID, b"0"), (RID, b"f")], &payload);
        if step == ask_at {
            world.route(2, 1);
        }
        world.pass(Duration::from_micros(33_333));
        got.extend(world.take(&mut member).0);
    }
    (got, world.engine.snapshot()[0])
}

fn assert_seamless(got: &[Got], least_step: u32) {
    for pair in got.windows(2) {
        assert_eq!(pair[1].header.sequence_number, pair[0].header.sequence_number.wrapping_add(1));
        let step = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
        assert!((least_step..=6000).contains(&step), "timestamp step {step}");
        assert_eq!(picture_id(&pair[1].payload), (picture_id(&pair[0].payload) + 1) & 0x7fff);
    }
}

#[test]
fn switches_encodings_at_a_keyframe_without_a_seam() {
    let (got, row) = switched(80, 40, 60);
    assert_eq!(got.len(), 80 + 1, "at the switch both encodings' pictures of one moment are sent");
    assert_seamless(&got, 900);
    assert_eq!((row.encoding, row.switches, row.packets), (1, 2, 81));
}

#[test]
fn switches_at_once_when_the_cache_holds_a_short_group() {
    let (got, row) = switched(30, 10, u16::MAX);
    assert_eq!(got.len(), 11 + 11 + 19, "the old encoding, the new one's replay, and it live");
    assert_seamless(&got, 90);
    assert_eq!((row.encoding, row.switches), (1, 2));
}

fn plis(control: &[Vec<u8>]) -> usize {
    control.iter().flat_map(|c| Compound::new(c)).filter(|p| matches!(p, Ok(Packet::Pli { .. }))).count()
}

#[test]
fn a_late_joiner_is_served_from_the_cache_without_asking_the_publisher() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    for sequence in 0..10_u16 {
        world.send(&mut host, video(555, sequence, 3000 * u32::from(sequence)), &[], &frame(sequence == 0, sequence, sequence as u8, 80));
        world.pass(Duration::from_micros(33_333));
    }
    world.take(&mut host);
    let mut late = world.subscribe(2);
    let replay = world.take(&mut late).0;
    assert_eq!(replay.len(), 10);
    assert_seamless(&replay, 90);
    let spread = replay[9].header.timestamp.wrapping_sub(replay[0].header.timestamp);
    assert_eq!(spread, 9 * 90, "for decoding, not for watching");
    world.pass(Duration::from_millis(20));
    world.send(&mut host, video(555, 10, 30_000), &[], &frame(false, 10, 10, 80));
    let live = world.take(&mut late).0;
    assert_eq!(live[0].header.timestamp.wrapping_sub(replay[9].header.timestamp), 1800, "by elapsed time");
    world.pass(Duration::from_millis(400));
    assert_eq!((plis(&world.take(&mut host).1), world.stat("cached_replays")), (0, 1));
}

#[test]
fn a_long_group_gives_a_still_once_and_asks_for_a_keyframe() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    for sequence in 0..60_u16 {
        world.send(&mut host, video(555, sequence, 3000 * u32::from(sequence)), &[], &frame(sequence == 0, sequence, 1, 80));
    }
    world.take(&mut host);
    let mut late = world.subscribe(2);
    let still = world.take(&mut late).0;
    assert_eq!(still.len(), 1);
    world.pass(Duration::from_millis(33));
    world.send(&mut host, video(555, 60, 180_000), &[], &frame(false, 60, 1, 80));
    world.pass(Duration::from_millis(33));
    assert!(world.take(&mut late).0.is_empty());
    assert_eq!(plis(&world.take(&mut host).1), 1);
    world.send(&mut host, video(555, 61, 183_000), &[], &frame(true, 61, 1, 80));
    let live = world.take(&mut late).0;
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].header.sequence_number, still[0].header.sequence_number.wrapping_add(1));
    assert_eq!((world.stat("cached_stills"), picture_id(&live[0].payload)), (1, picture_id(&still[0].payload) + 1));
}

#[test]
fn a_replay_is_paced_and_catches_up_with_what_arrives_meanwhile() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let packet = |sequence: u16| Fields { marker: sequence == 39, ..video(555, sequence, 0) };
    for sequence in 0..40_u16 {
        let mut payload = frame(true, 1, 1, 1000);
        payload[0] = if sequence == 0 { 0x90 } else { 0x80 };
        world.send(&mut host, packet(sequence), &[], &payload);
    }
    let mut late = world.subscribe(2);
    let first = world.take(&mut late).0.len();
    assert_eq!(first, 10, "10 kB at once");
    world.send(&mut host, video(555, 40, 3000), &[], &frame(false, 2, 2, 500));
    assert!(world.take(&mut late).0.is_empty(), "in order, not in between");
    world.pass(Duration::from_millis(60));
    let rest = world.take(&mut late).0;
    assert_eq!(first + rest.len(), 41);
    assert_eq!(rest.last().unwrap().payload.len(), 500);
    assert!(rest.windows(2).all(|pair| pair[1].header.sequence_number == pair[0].header.sequence_number.wrapping_add(1)));
}

#[test]
fn temporal_layers_drop_without_a_seam_and_come_back_at_a_switching_point() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    let mut got = Vec::new();
    // L1T3: 0 2 1 2; the upper layers sync every eighth picture.
    for step in 0..64_u16 {
        let temporal = [0, 2, 1, 2][usize::from(step) % 4];
        let tl0picidx = (step / 4) as u8;
        let sync = step % 8 < 4;
        for half in 0..2_u16 {
            let mut payload = layer_frame(step == 0, step, tl0picidx, 60, temporal, sync);
            payload[0] = if half == 0 { 0x90 } else { 0x80 };
            let fields = Fields { marker: half == 1, ..video(555, 2 * step + half, 3000 * u32::from(step)) };
            world.send(&mut host, fields, &[], &payload);
        }
        world.pass(Duration::from_micros(33_333));
        let limit = match step {
            15 => Some(0),
            37 => None,
            _ => continue,
        };
        got.push(world.take(&mut member).0);
        world.command(Command::Route { sink: 2, source: Some(SOURCE), encoding: 0, temporal: limit });
    }
    got.push(world.take(&mut member).0);
    let sizes: Vec<usize> = got.iter().map(Vec::len).collect();
    // All of 16 pictures; the base of 22; then the base until the upper layers sync at picture 40, and all from there.
    assert_eq!(sizes, [32, 12, 48]);
    let all: Vec<Got> = got.concat();
    for pair in all.windows(2) {
        assert_eq!(pair[1].header.sequence_number, pair[0].header.sequence_number.wrapping_add(1));
        let pictures = u16::from(pair[1].header.timestamp != pair[0].header.timestamp);
        assert_eq!(picture_id(&pair[1].payload), picture_id(&pair[0].payload) + pictures);
    }
}

#[test]
fn answers_nack_with_rtx_once() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    for sequence in 0..5_u16 {
        world.send(&mut host, video(555, sequence, 3000 * u32::from(sequence)), &[], &frame(sequence == 0, sequence, 1, 50));
    }
    let sent = world.take(&mut member).0;
    let lost = sent[2].header.sequence_number;
    for _ in 0..2 {
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, &[lost, lost.wrapping_add(100)], &mut nack);
        world.send_rtcp(&mut member, nack);
    }
    let again = world.take(&mut member).0;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].header.ssrc, again[0].header.payload_type, again[0].header.timestamp), (2002, 121, sent[2].header.timestamp));
    assert_eq!(again[0].payload[..2], lost.to_be_bytes());
    assert_eq!(again[0].payload[2..], sent[2].payload);
    assert_eq!((world.stat("rtx_sent"), world.stat("nack_suppressed"), world.stat("nack_missed")), (1, 1, 2));
}

#[test]
fn a_gap_upstream_is_asked_for_and_filled_by_rtx() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    for sequence in [0_u16, 1, 3] {
        world.send(&mut host, video(555, sequence, 3000), &[], &frame(sequence == 0, 1, 1, 50));
    }
    world.pass(Duration::from_millis(50));
    let (_, control) = world.take(&mut host);
    let asked: Vec<u16> = control
        .iter()
        .flat_map(|c| Compound::new(c))
        .filter_map(|p| if let Ok(Packet::Nack { lost, .. }) = p { Some(lost) } else { None })
        .flatten()
        .collect();
    assert_eq!(asked.first(), Some(&2));
    let mut payload = 2_u16.to_be_bytes().to_vec();
    payload.extend(frame(false, 1, 1, 50));
    let retransmission = Fields { payload_type: 97, ..video(556, 77, 3000) };
    world.send(&mut host, retransmission, &[], &payload);
    let mut sequences: Vec<u16> = world.take(&mut member).0.iter().map(|got| got.header.sequence_number).collect();
    sequences.sort_unstable();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1) && sequences.len() == 4, "{sequences:?}");
}

#[test]
fn translates_sender_reports_and_measures_the_round_trip() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    world.send(&mut host, video(555, 1, 90_000), &[], &frame(true, 1, 1, 50));
    let out = world.take(&mut member).0[0].header.timestamp;
    let mut report = Vec::new();
    rtcp::write_sender_report(
        &SenderInfo { ssrc: 555, ntp: 40 << 32, rtp_timestamp: 180_000, packet_count: 9, octet_count: 9 },
        &[],
        &mut report,
    );
    world.send_rtcp(&mut host, report);
    let control = world.take(&mut member).1;
    let Some(Ok(Packet::SenderReport { info, .. })) = Compound::new(&control[0]).next() else { panic!("no sender report") };
    assert_eq!((info.ssrc, info.ntp, info.packet_count), (1002, 40 << 32, 1));
    assert_eq!(info.rtp_timestamp, out.wrapping_add(90_000));
    world.now += Duration::from_millis(120);
    let block = rtcp::ReportBlock {
        ssrc: 1002,
        fraction_lost: 64,
        last_sr: crate::ntp::middle(info.ntp),
        delay_since_last_sr: 65_536 / 50,
        ..Default::default()
    };
    let mut report = Vec::new();
    rtcp::write_receiver_report(5, &[block], &mut report);
    world.send_rtcp(&mut member, report);
    let row = world.engine.snapshot()[0];
    assert!((row.rtt_ms - 100.0).abs() < 0.5, "{}", row.rtt_ms);
    assert!((row.fraction_lost - 0.25).abs() < 1e-6);
}

#[test]
fn a_burst_is_evened_out_by_padding_and_reads_the_same() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    let sizes = [900, 900, 901, 901, 300];
    for (sequence, &size) in (0_u16..).zip(&sizes) {
        world.queue(&mut host, video(555, sequence, 0), &[], &frame(sequence == 0, 1, 1, size));
    }
    let before = world.stat("bursts_sent");
    world.engine.flush(world.now, &mut world.wire);
    assert_eq!(world.stat("bursts_sent") - before, 1);
    let got: Vec<usize> = world.take(&mut member).0.iter().map(|got| got.payload.len()).collect();
    assert_eq!(got, sizes);
}

#[test]
fn publishers_get_reports_and_transport_feedback() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    for sequence in 0..5_u16 {
        world.send(&mut host, video(555, sequence, 0), &[(TRANSPORT_CC, &sequence.to_be_bytes())], &frame(sequence == 0, 1, 1, 50));
    }
    world.pass(Duration::from_millis(1100));
    let control = world.take(&mut host).1;
    let packets: Vec<_> = control.iter().flat_map(|c| Compound::new(c)).collect();
    assert!(packets.iter().any(|p| matches!(p, Ok(Packet::TransportFeedback { .. }))));
    assert!(packets.iter().any(|p| matches!(p, Ok(Packet::ReceiverReport { .. }))));
}

#[test]
fn encodings_begin_and_cease() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    world.events();
    world.send(&mut host, video(70, 1, 0), &[(MID, b"0"), (RID, b"f")], &frame(true, 1, 1, 50));
    let began = Event::Encoding { peer: PUBLISHER, source: SOURCE, encoding: 1, active: true };
    assert_eq!(world.events(), [began]);
    world.pass(Duration::from_secs(3));
    assert_eq!(world.events(), [Event::Encoding { peer: PUBLISHER, source: SOURCE, encoding: 1, active: false }]);
}

#[test]
fn a_check_needs_the_password_and_a_nomination_moves_the_peer() {
    let mut world = World::new();
    let address = udp("10.0.0.9:1");
    let moved = udp("10.9.9.9:2");
    world.command(Command::AddPeer { peer: 9, local_ufrag: "u9".into(), local_pwd: "p9".into(), extensions: ExtensionIds::default() });
    world.check(9, address, "wrong", true);
    assert!(world.wire.0.is_empty() && world.events().is_empty());
    assert_eq!(world.stat("stun_rejected"), 1);
    world.check(9, address, "p9", false);
    assert_eq!(world.events(), [Event::Connected { peer: 9, address }]);
    world.check(9, moved, "p9", true);
    world.wire.0.clear();
    world.command(Command::SendDtls { peer: 9, datagram: vec![22; 30] });
    assert_eq!(world.wire.0, [(moved, vec![22; 30])]);
    world.receive(moved, vec![22; 40]);
    assert_eq!(world.events(), [Event::Dtls { peer: 9, datagram: vec![22; 40] }]);
}

#[test]
fn a_peer_goes_on_by_udp_when_its_connection_closes_and_comes_back_by_another() {
    let mut world = World::new();
    let (datagrams, first) = (udp("10.0.0.9:1"), tcp("10.0.0.9:2", 3));
    world.command(Command::AddPeer { peer: 9, local_ufrag: "u9".into(), local_pwd: "p9".into(), extensions: ExtensionIds::default() });
    world.check(9, datagrams, "p9", false);
    assert!(world.engine.is_checked(datagrams) && !world.engine.is_checked(first));
    world.check(9, first, "p9", true);
    assert_eq!(world.dtls_goes_to(9), Some(first), "the nominated one");
    world.engine.forget_address(first);
    assert_eq!(world.dtls_goes_to(9), Some(datagrams));

    // Without any it waits, and is heard again on a connection from the very same port.
    world.engine.forget_address(datagrams);
    assert_eq!(world.dtls_goes_to(9), None);
    world.events();
    let second = tcp("10.0.0.9:2", 4);
    world.receive(second, vec![22; 40]);
    assert!(world.events().is_empty(), "another connection has to pass a check of its own");
    world.check(9, second, "p9", true);
    assert_eq!(world.dtls_goes_to(9), Some(second));
    assert_eq!(world.events(), [Event::Connected { peer: 9, address: second }]);
    world.engine.forget_address(first);
    assert_eq!(world.dtls_goes_to(9), Some(second), "what closed long ago changes nothing");
    world.command(Command::RemovePeer(9));
    assert!(!world.engine.is_checked(second));
}

#[test]
fn silence_is_loss_and_removal_leaves_nothing() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let member = world.subscribe(2);
    world.send(&mut host, video(555, 1, 0), &[], &frame(true, 1, 1, 50));
    world.events();
    world.pass(Duration::from_secs(20));
    let lost: Vec<_> = world.events().into_iter().filter(|event| matches!(event, Event::Lost { .. })).collect();
    assert_eq!(lost.len(), 2);
    world.command(Command::RemovePeer(host.id));
    world.command(Command::RemovePeer(member.id));
    world.command(Command::RemovePeer(member.id));
    for gauge in ["peers", "sources", "sinks", "addresses"] {
        assert_eq!(world.stat(gauge), 0, "{gauge}");
    }
    assert_eq!(world.stat("unknown_id"), 1);
}

#[test]
fn hostile_datagrams_are_counted_and_change_nothing() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    let stranger = udp("10.1.1.1:1");
    for datagram in [vec![], vec![0], vec![0; 20], vec![22; 9], vec![0x80; 40], vec![0x80, 200, 0, 1], vec![255; 1500]] {
        world.receive(stranger, datagram.clone());
        world.receive(host.address, datagram.clone());
        world.receive(member.address, datagram);
    }
    assert!(
        world.stat("dropped_unclassified") > 0 && world.stat("dropped_unknown_address") > 0 && world.stat("dropped_unauthenticated") > 0
    );
    world.send(&mut host, video(555, 1, 0), &[], &frame(true, 1, 1, 50));
    assert_eq!(world.take(&mut member).0.len(), 1);
}

#[test]
fn a_publisher_that_starts_over_is_followed_at_its_keyframe() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q"], &[]);
    let mut member = world.subscribe(2);
    world.send(&mut host, video(70, 50_000, 0), &[(MID, b"0"), (RID, b"q")], &frame(true, 1, 1, 50));
    world.now += Duration::from_millis(40);
    world.send(&mut host, video(71, 3, 777), &[(MID, b"0"), (RID, b"q")], &frame(false, 1, 1, 50));
    world.send(&mut host, video(71, 4, 3777), &[(MID, b"0"), (RID, b"q")], &frame(true, 900, 1, 50));
    let got = world.take(&mut member).0;
    assert_eq!(got.len(), 2);
    assert_eq!(got[1].header.sequence_number, got[0].header.sequence_number.wrapping_add(1));
    assert_eq!(picture_id(&got[1].payload), picture_id(&got[0].payload) + 1);
}

#[test]
fn the_loud_microphone_speaks_and_the_quiet_one_does_not() {
    let mut world = World::new();
    let opus = vec![Codec { name: "opus".into(), payload_type: 111, clock_rate: 48_000, rtx_payload_type: None }];
    let mut microphones: Vec<_> = [(1, 20), (2, 70)].map(|(id, level)| (world.join(id, Profile::AeadAes128Gcm), level)).into();
    for (client, _) in &microphones {
        let (source, peer, codecs) = (SOURCE + client.id, client.id, opus.clone());
        let (kind, mid, rids, ssrcs) = (MediaKind::Audio, "0".into(), Vec::new(), vec![(client.id, 0)]);
        world.command(Command::AddSource { source, peer, kind, mid, codecs, rids, ssrcs });
    }
    for sequence_number in 0..50 {
        for (client, level) in &mut microphones {
            let fields =
                Fields { marker: false, payload_type: 111, sequence_number, timestamp: u32::from(sequence_number) * 960, ssrc: client.id };
            world.send(client, fields, &[(AUDIO_LEVEL, &[*level])], &[0xf8; 40]);
        }
        world.pass(Duration::from_millis(20));
    }
    let speaking: Vec<_> = world.engine.audio_levels(world.now).into_iter().map(|(source, _)| source).collect();
    assert_eq!(speaking, [SOURCE + 1]);
    world.pass(Duration::from_millis(400));
    assert_eq!(world.engine.audio_levels(world.now), [], "no packets are silence");
}
