//! Repair of the uplink: how often publishers are asked, what follows when it is in vain, and whose loss it is.

use super::*;
use crate::rtcp::{DelayReport, ReportBlock};

const GOP: u16 = 40;

/// A host that sends a keyframe and pictures behind it, and a member who watches.
struct Show {
    world: World,
    host: Client,
    member: Client,
}

impl Show {
    fn new() -> Self {
        let mut world = World::new();
        let mut host = world.publish_vp8(&[], &[(555, 556)]);
        let member = world.subscribe(2);
        world.send(&mut host, video(555, 0, 0), &[], &frame(true, 0, 0, 50));
        world.pass(Duration::from_millis(20));
        world.take(&mut host);
        Self { world, host, member }
    }

    fn picture(&mut self, number: u16) {
        let payload = frame(number.is_multiple_of(GOP), number, number as u8, 50);
        self.world.send(&mut self.host, video(555, number, 3000 * u32::from(number)), &[], &payload);
    }

    fn again(&mut self, number: u16, rtx_sequence: u16) {
        let payload = [&number.to_be_bytes()[..], &frame(false, number, number as u8, 50)].concat();
        let fields = Fields { payload_type: 97, ..video(556, rtx_sequence, 3000 * u32::from(number)) };
        self.world.send(&mut self.host, fields, &[], &payload);
    }

    /// When the host is asked for `number` again from now on, in milliseconds, within this time.
    fn asked_for(&mut self, number: u16, ms: u64) -> Vec<u64> {
        let asked = |control: &[Vec<u8>]| {
            let packets = control.iter().flat_map(|c| Compound::new(c));
            packets
                .filter_map(|p| if let Ok(Packet::Nack { lost, .. }) = p { Some(lost) } else { None })
                .flatten()
                .any(|lost| lost == number)
        };
        let mut when = Vec::new();
        for at in 1..=ms {
            self.world.pass(Duration::from_millis(1));
            if asked(&self.world.take(&mut self.host).1) {
                when.push(at);
            }
        }
        when
    }

    fn nack(&mut self, numbers: &[u16]) {
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, numbers, &mut nack);
        self.world.send_rtcp(&mut self.member, nack);
    }
}

fn steps(when: &[u64]) -> Vec<u64> {
    when.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn repeats_are_spaced_by_the_measured_round_trip() {
    let mut show = Show::new();
    show.picture(2);
    let when = show.asked_for(1, 240);
    assert_eq!((when[0], steps(&when)), (5, vec![100; 2]), "unknown: after a grace, then every 100 ms");
    show.again(1, 1);
    // A repair 40 ms after its request is the first sample: 40 ms and half of that for deviation.
    show.picture(4);
    assert_eq!(show.asked_for(3, 45), [5]);
    show.again(3, 2);
    show.picture(6);
    assert_eq!(steps(&show.asked_for(5, 190)), [60; 3]);
}

#[test]
fn the_handshake_gives_a_first_guess() {
    let mut world = World::new();
    let address = udp("10.0.0.1:5000");
    let extensions = ExtensionIds::default();
    world.command(Command::AddPeer { peer: PUBLISHER, local_ufrag: "u1".into(), local_pwd: "p1".into(), extensions });
    world.check(PUBLISHER, address, "p1", true);
    world.command(Command::SendDtls { peer: PUBLISHER, datagram: vec![22; 30] });
    world.pass(Duration::from_millis(30));
    world.receive(address, vec![22; 40]);
    let (send, receive) = (key(1), key(101));
    world.command(Command::SetKeys { peer: PUBLISHER, profile: Profile::AeadAes128Gcm, send, receive, hold: Duration::ZERO });
    let (source, kind, mid, codecs, ssrcs) = (SOURCE, MediaKind::Video, "0".into(), vp8(96), vec![(555, 556)]);
    world.command(Command::AddSource { source, peer: PUBLISHER, kind, mid, codecs, rids: Vec::new(), ssrcs });
    let sender = crate::srtp::SrtpSender::new(Profile::AeadAes128Gcm, &key(101));
    let receiver = crate::srtp::SrtpReceiver::new(Profile::AeadAes128Gcm, &key(1));
    let host = Client { id: PUBLISHER, address, sender, receiver, repeated: 0 };
    let member = world.subscribe(2);
    let mut show = Show { world, host, member };
    show.picture(0);
    show.picture(2);
    assert_eq!(steps(&show.asked_for(1, 120)), [35; 3]);
}

#[test]
fn extended_reports_measure_the_round_trip() {
    let mut show = Show::new();
    show.world.pass(Duration::from_millis(980));
    let control = show.world.take(&mut show.host).1;
    // The reference time stands behind the receiver report: SSRC, block header, 64 bits of NTP.
    let compound = control.iter().find(|c| c.windows(2).any(|pair| pair == [0x80, 207])).unwrap();
    let at = compound.windows(2).position(|pair| pair == [0x80, 207]).unwrap();
    let word = |offset: usize| u32::from_be_bytes(compound[at + offset..at + offset + 4].try_into().unwrap());
    let (receiver, last_rr) = (word(4), word(12) << 16 | word(16) >> 16);
    show.world.pass(Duration::from_millis(150));
    // It was held for 100 of these 150 ms.
    let answer = DelayReport { receiver, last_rr, delay: 6554 };
    let mut report = vec![0x80, 207, 0, 5, 0, 0, 2, 43, 5, 0, 0, 3];
    report.extend([answer.receiver, answer.last_rr, answer.delay].into_iter().flat_map(u32::to_be_bytes));
    show.world.send_rtcp(&mut show.host, report);
    assert_eq!(show.world.stat("round_trips_measured"), 1);
    show.picture(2);
    let steps = steps(&show.asked_for(1, 300));
    assert!(steps.iter().all(|step| (74..=76).contains(step)) && steps.len() == 3, "{steps:?}");
}

#[test]
fn a_loss_for_good_is_followed_by_one_keyframe_request_and_closes_its_gap() {
    let mut show = Show::new();
    show.picture(2);
    show.world.take(&mut show.member);
    show.world.pass(Duration::from_millis(900));
    assert_eq!(plis(&show.world.take(&mut show.host).1), 0, "it may still come");
    show.world.pass(Duration::from_millis(400));
    assert_eq!(plis(&show.world.take(&mut show.host).1), 1);
    assert_eq!((show.world.stat("nack_sent"), show.world.stat("nack_given_up"), show.world.stat("keyframes_for_losses")), (10, 1, 1));
    let fillers = show.world.take(&mut show.member).0;
    assert_eq!(fillers.iter().map(|got| got.payload.len()).collect::<Vec<_>>(), [0], "its number, without content");
    show.again(1, 1);
    assert!(show.world.take(&mut show.member).0.is_empty(), "no number is sent twice");
    show.picture(GOP);
    show.world.pass(Duration::from_secs(3));
    assert_eq!(plis(&show.world.take(&mut show.host).1), 0, "the keyframe has come");
}

#[test]
fn a_loss_in_an_upper_layer_needs_no_keyframe() {
    let mut show = Show::new();
    for (number, temporal) in [(1, 2), (2, 1), (4, 0)] {
        let payload = layer_frame(false, number, u8::from(temporal == 0), 50, temporal, true);
        show.world.send(&mut show.host, video(555, number, 3000 * u32::from(number)), &[], &payload);
    }
    // Number 3 may be a base picture; what lies between 1 and 2 of one upper picture is none.
    show.world.pass(Duration::from_secs(3));
    assert_eq!(show.world.stat("keyframes_for_losses"), 1);
    for (number, last) in [(5, false), (7, true)] {
        let payload = layer_frame(false, 5, 1, 50, 2, true);
        let fields = Fields { marker: last, ..video(555, number, 15_000) };
        show.world.send(&mut show.host, fields, &[], &payload);
    }
    show.world.pass(Duration::from_secs(3));
    assert_eq!((show.world.stat("nack_given_up"), show.world.stat("keyframes_for_losses")), (2, 1));
}

#[test]
fn nobody_who_watches_needs_no_keyframe() {
    let mut show = Show::new();
    show.world.command(Command::Route { sink: 2, source: None, encoding: 0, spatial: None, temporal: None });
    show.picture(2);
    show.world.pass(Duration::from_secs(3));
    assert_eq!((show.world.stat("nack_given_up"), show.world.stat("keyframes_for_losses")), (1, 0));
}

#[test]
fn a_gap_stays_open_for_who_would_decode_over_it() {
    let mut show = Show::new();
    // Without picture id and TL0PICIDX consecutive numbers mean consecutive pictures.
    for number in [1, 3] {
        let payload = [&[0x10, 1][..], &[0xab; 40]].concat();
        show.world.send(&mut show.host, video(555, number, 3000 * u32::from(number)), &[], &payload);
    }
    show.world.pass(Duration::from_secs(3));
    assert_eq!((show.world.stat("keyframes_for_losses"), show.world.stat("fillers_sent")), (1, 0));
}

#[test]
fn what_we_never_had_is_not_the_members_loss() {
    let mut show = Show::new();
    for number in (1..31).filter(|number| number % 10 != 5) {
        show.picture(number);
    }
    let got = show.world.take(&mut show.member).0;
    let (first, last) = (got[0].header.sequence_number, got.last().unwrap().header.sequence_number);
    show.nack(&[first + 5, first + 15]);
    assert_eq!((show.world.stat("nack_never_had"), show.world.stat("nack_missed"), show.world.stat("rtx_sent")), (2, 0, 0));
    // It got all but our three gaps and two more.
    let block = ReportBlock { ssrc: 1002, highest_sequence: last.into(), cumulative_lost: 5, fraction_lost: 41, ..ReportBlock::default() };
    let mut report = Vec::new();
    rtcp::write_receiver_report(5, &[block], &mut report);
    show.world.send_rtcp(&mut show.member, report);
    let row = show.world.engine.snapshot()[0];
    assert_eq!((row.lost, row.fraction_lost), (2, 2.0 / 28.0));
}

#[test]
fn an_encoding_that_is_turned_off_ceases_within_a_second_of_those_that_go_on() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    let mut ceased = Vec::new();
    world.events();
    for step in 0..90_u16 {
        let timestamp = 3000 * u32::from(step);
        world.send(&mut host, video(70, step, timestamp), &[(MID, b"0"), (RID, b"q")], &frame(step == 0, step, 1, 60));
        if step < 30 {
            world.send(&mut host, video(80, step, timestamp), &[(MID, b"0"), (RID, b"f")], &frame(step == 0, step, 1, 60));
        }
        world.pass(Duration::from_micros(33_333));
        let off = Event::Encoding { peer: PUBLISHER, source: SOURCE, encoding: 1, active: false };
        ceased.extend(world.events().contains(&off).then_some(step));
    }
    assert!(matches!(ceased[..], [step] if (44..=54).contains(&step)), "{ceased:?}");
}
