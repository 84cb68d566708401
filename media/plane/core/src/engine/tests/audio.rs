//! Audio: RED passed on, unpacked and used for repair; silences of DTX; batches.

use super::*;
use crate::command::Protection;
use crate::red::{self, Block};
use crate::rtcp::ReportBlock;

const MICROPHONE: u32 = 700;
const OPUS: u8 = 111;
const RED: u8 = 63;
const FRAME: u32 = 960;

fn codec(name: &str, payload_type: u8) -> Codec {
    Codec { name: name.into(), payload_type, clock_rate: 48_000, rtx_payload_type: None }
}

/// A microphone that sends RED, or Opus alone, and members that take both or Opus alone.
struct Talk {
    world: World,
    host: Client,
    with_red: Client,
    without: Client,
}

impl Talk {
    fn new() -> Self {
        let mut world = World::new();
        let host = world.join(PUBLISHER, Profile::AeadAes128Gcm);
        world.command(Command::AddSource {
            source: SOURCE,
            peer: PUBLISHER,
            kind: MediaKind::Audio,
            mid: "0".into(),
            codecs: vec![codec("opus", OPUS), codec("red", RED)],
            rids: Vec::new(),
            ssrcs: vec![(MICROPHONE, 0)],
        });
        let with_red = Self::listen(&mut world, 2, vec![codec("opus", 109), codec("red", 120)]);
        let without = Self::listen(&mut world, 3, vec![codec("opus", 100)]);
        let mut talk = Self { world, host, with_red, without };
        talk.world.take(&mut talk.host);
        talk.world.events();
        talk
    }

    fn listen(world: &mut World, id: u32, codecs: Vec<Codec>) -> Client {
        let client = world.join(id, Profile::AeadAes128Gcm);
        let (ssrc, cname) = (1000 + id, String::from("c"));
        world.command(Command::AddSink { sink: id, peer: id, mid: "1".into(), ssrc, rtx_ssrc: 0, cname, codecs });
        world.route(id, 0);
        client
    }

    fn opus(&mut self, number: u16, timestamp: u32) {
        self.packet(OPUS, number, timestamp, &frame_of(timestamp));
    }

    /// A RED packet with the frames that lie so far before its own.
    fn red(&mut self, number: u16, timestamp: u32, offsets: &[u32]) {
        let payload = red_payload(timestamp, offsets, OPUS);
        self.packet(RED, number, timestamp, &payload);
    }

    fn packet(&mut self, payload_type: u8, sequence_number: u16, timestamp: u32, payload: &[u8]) {
        let fields = Fields { marker: false, payload_type, sequence_number, timestamp, ssrc: MICROPHONE };
        self.world.send(&mut self.host, fields, &[(AUDIO_LEVEL, &[30])], payload);
    }

    /// What the two members got since the last call, in order of arrival.
    fn heard(&mut self) -> [Vec<Got>; 2] {
        [self.world.take(&mut self.with_red).0, self.world.take(&mut self.without).0]
    }

    /// The host's report block, after the next report.
    fn report(&mut self) -> ReportBlock {
        self.world.take(&mut self.host);
        self.world.pass(Duration::from_millis(1001));
        let control = self.world.take(&mut self.host).1;
        let mut blocks = control.iter().flat_map(|c| Compound::new(c)).filter_map(|p| match p {
            Ok(Packet::ReceiverReport { reports, .. }) => Some(reports),
            _ => None,
        });
        blocks.next().unwrap().next().unwrap()
    }
}

/// Says when it was spoken.
fn frame_of(timestamp: u32) -> Vec<u8> {
    [&[0xf8][..], &timestamp.to_be_bytes()].concat()
}

fn red_payload(timestamp: u32, offsets: &[u32], payload_type: u8) -> Vec<u8> {
    let frames: Vec<Vec<u8>> = offsets.iter().map(|offset| frame_of(timestamp - offset)).collect();
    let previous: Vec<Block<'_>> = offsets
        .iter()
        .zip(&frames)
        .map(|(&offset, data)| Block { payload_type, timestamp_offset: offset.try_into().unwrap(), data })
        .collect();
    let mut payload = Vec::new();
    red::pack(&Block { payload_type, timestamp_offset: 0, data: &frame_of(timestamp) }, &previous, &mut payload);
    payload
}

/// When the packet's own frame was spoken.
fn spoken(got: &Got) -> u32 {
    let own = if got.header.payload_type == 120 { red::unpack(&got.payload).unwrap().data } else { &got.payload };
    u32::from_be_bytes(own[1..5].try_into().unwrap())
}

#[test]
fn red_is_passed_on_or_unpacked() {
    let mut talk = Talk::new();
    talk.red(1, 10 * FRAME, &[]);
    talk.red(2, 11 * FRAME, &[FRAME]);
    let [with_red, without] = talk.heard();
    let types = |got: &[Got]| got.iter().map(|got| got.header.payload_type).collect::<Vec<_>>();
    assert_eq!((types(&with_red), types(&without)), (vec![120; 2], vec![100; 2]));
    assert_eq!(with_red[1].payload, red_payload(11 * FRAME, &[FRAME], 109), "in the member's own payload types");
    assert_eq!(without[1].payload, frame_of(11 * FRAME));
    assert!(without[1].elements.contains(&(AUDIO_LEVEL, vec![30])) && with_red[1].elements.contains(&(AUDIO_LEVEL, vec![30])));
    let octets = talk.world.engine.snapshot().iter().map(|row| (row.sink, row.bytes)).collect::<std::collections::BTreeMap<_, _>>();
    assert_eq!(octets[&3], 10, "what was sent, not what was cached");
    assert!(octets[&2] > 20);
}

#[test]
fn a_narrow_link_is_sent_sound_without_repetitions() {
    let mut talk = Talk::new();
    let plain = |plain_audio| Command::Protect { peer: 2, protection: Protection { plain_audio, ..Protection::NONE } };
    talk.red(1, FRAME, &[]);
    talk.world.command(plain(true));
    talk.red(2, 2 * FRAME, &[FRAME]);
    talk.red(3, 3 * FRAME, &[FRAME]);
    talk.world.command(plain(false));
    talk.red(4, 4 * FRAME, &[FRAME]);
    let [with_red, _] = talk.heard();
    assert_eq!(with_red.iter().map(|got| got.header.payload_type).collect::<Vec<_>>(), [120, 109, 109, 120]);
    assert_eq!(with_red[2].payload, frame_of(3 * FRAME));
    assert!(with_red[1].elements.contains(&(AUDIO_LEVEL, vec![30])));
    let numbers: Vec<u16> =
        with_red.iter().map(|got| got.header.sequence_number.wrapping_sub(with_red[0].header.sequence_number)).collect();
    assert_eq!(numbers, [0, 1, 2, 3], "one stream");
    assert_eq!(talk.world.stat("copies_sent"), 0);
}

#[test]
fn what_repeats_itself_has_copies_of_its_own_number() {
    let mut talk = Talk::new();
    let protection = Protection { copies: 3, redundant_copies: 1, spacing: Duration::from_millis(20), ..Protection::NONE };
    let copies_of = |talk: &mut Talk, plain_audio, number: u16| {
        talk.world.command(Command::Protect { peer: 2, protection: Protection { plain_audio, ..protection } });
        let before = talk.world.stat("copies_sent");
        talk.red(number, u32::from(number) * FRAME, &[FRAME]);
        talk.world.pass(Duration::from_millis(100));
        talk.world.stat("copies_sent") - before
    };
    assert_eq!(copies_of(&mut talk, false, 1), 1);
    assert_eq!(copies_of(&mut talk, true, 2), 3, "it goes out alone");
}

#[test]
fn what_the_uplink_lost_comes_from_later_packets_for_all() {
    let mut talk = Talk::new();
    let lost = [3, 6, 7, 12, 13, 14];
    for number in (1..20_u16).filter(|number| !lost.contains(number)) {
        let timestamp = 100 * FRAME + FRAME * u32::from(number);
        talk.red(number, timestamp, &[2 * FRAME, FRAME]);
    }
    // Of three in a row the first is further back than anybody repeats.
    let expected: Vec<u32> = (1..20).filter(|number| *number != 12).map(|number| (100 + number) * FRAME).collect();
    for got in talk.heard() {
        assert_eq!(got.iter().map(spoken).collect::<Vec<_>>(), expected);
        let numbers: Vec<u16> = got.iter().map(|each| each.header.sequence_number.wrapping_sub(got[0].header.sequence_number)).collect();
        let times: Vec<u32> = got.iter().map(|each| each.header.timestamp.wrapping_sub(got[0].header.timestamp) / FRAME).collect();
        let steps: Vec<u16> = (0..19).filter(|number| *number != 11).collect();
        assert_eq!(numbers, steps);
        assert_eq!(times, steps.iter().map(|&step| u32::from(step)).collect::<Vec<_>>());
    }
    assert_eq!((talk.world.stat("red_recovered"), talk.world.stat("red_received")), (5, 13));
    assert_eq!(talk.report().cumulative_lost, 6, "the uplink lost them all the same");
}

#[test]
fn an_original_that_comes_behind_its_repetition_has_arrived_and_is_not_sent_again() {
    let mut talk = Talk::new();
    talk.red(1, FRAME, &[]);
    talk.red(3, 3 * FRAME, &[FRAME]);
    talk.red(2, 2 * FRAME, &[FRAME]);
    talk.red(4, 4 * FRAME, &[FRAME]);
    for got in talk.heard() {
        assert_eq!(got.iter().map(spoken).collect::<Vec<_>>(), [1, 2, 3, 4].map(|frame| frame * FRAME));
    }
    assert_eq!(talk.report().cumulative_lost, 0);
}

#[test]
fn nothing_is_guessed_over_a_silence() {
    let mut talk = Talk::new();
    talk.red(1, FRAME, &[]);
    // 2 and 3 are lost. The repeated frame is one of them, but with a silence between nobody knows which.
    talk.red(4, 60 * FRAME, &[FRAME]);
    assert_eq!(talk.heard().map(|got| got.len()), [2, 2]);
    // One lost, one repeated: behind a silence too it is that one.
    talk.red(6, 90 * FRAME, &[20 * FRAME / 2]);
    for got in talk.heard() {
        assert_eq!(got.iter().map(spoken).collect::<Vec<_>>(), [80 * FRAME, 90 * FRAME]);
    }
}

#[test]
fn malformed_red_is_dropped() {
    let mut talk = Talk::new();
    for (number, payload) in (1..).zip([&[][..], &[0xEF], &[0xEF, 0xFF, 0xFF, 0xFF, OPUS, 1], &[RED, RED, 1], &[99, 1]]) {
        talk.packet(RED, number, FRAME * u32::from(number), payload);
    }
    assert_eq!(talk.heard().map(|got| got.len()), [0, 0]);
    assert_eq!((talk.world.stat("dropped_malformed"), talk.world.stat("dropped_unknown_payload_type")), (4, 1));
}

#[test]
fn a_source_with_dtx_stays_active_and_keeps_its_timeline() {
    let mut talk = Talk::new();
    talk.opus(0, 0);
    for number in 1..10_u16 {
        talk.world.pass(Duration::from_millis(400));
        talk.opus(number, 20 * FRAME * u32::from(number));
    }
    let events = talk.world.events();
    assert!(matches!(events[..], [Event::Encoding { active: true, .. }]), "{events:?}");
    for got in talk.heard() {
        assert_eq!(got.len(), 10);
        for pair in got.windows(2) {
            assert_eq!(pair[1].header.sequence_number, pair[0].header.sequence_number.wrapping_add(1));
            assert_eq!(pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp), 20 * FRAME);
        }
    }
}

#[test]
fn a_batch_larger_than_the_cache_loses_nothing() {
    let mut talk = Talk::new();
    for number in 0..400_u16 {
        let fields =
            Fields { marker: false, payload_type: OPUS, sequence_number: number, timestamp: FRAME * u32::from(number), ssrc: MICROPHONE };
        talk.world.queue(&mut talk.host, fields, &[], &frame_of(FRAME * u32::from(number)));
    }
    talk.world.engine.flush(talk.world.now, &mut talk.world.wire);
    for got in talk.heard() {
        assert_eq!(got.iter().map(spoken).collect::<Vec<_>>(), (0..400).map(|number| number * FRAME).collect::<Vec<_>>());
    }
}
