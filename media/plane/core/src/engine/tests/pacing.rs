//! The pacer as a subscriber sees it: what its link drains at once comes at once, the rest in small bursts, in order.

use super::*;
use crate::twcc::Recorder;

const OCTETS: usize = 1000;

/// A host, and a member whose link was found to carry about 1.9 Mbit/s.
pub(super) struct Path {
    pub(super) world: World,
    pub(super) host: Client,
    member: Client,
    pub(super) sequence: u16,
    picture: u16,
}

impl Path {
    pub(super) fn new() -> Self {
        let mut world = World::new();
        let mut host = world.publish_vp8(&[], &[(555, 556)]);
        let member = world.subscribe(2);
        world.take(&mut host);
        let mut path = Self { world, host, member, sequence: 0, picture: 0 };
        let mut recorder = Recorder::default();
        for _ in 0..10 {
            // The link is empty again when the next one comes.
            let at = Duration::from_millis(50 * u64::from(path.picture));
            path.picture(6);
            path.world.pass(Duration::from_millis(50));
            let numbers = path.take().into_iter().map(|got| number(&got));
            numbers.zip(0_u32..).for_each(|(number, index)| recorder.on_packet(number, at + index * Duration::from_millis(4)));
            let mut feedback = Vec::new();
            assert!(recorder.build(1, 1002, &mut feedback));
            path.world.send_rtcp(&mut path.member, feedback);
        }
        assert!((1.5e6..2.2e6).contains(&path.link().estimate_bps), "{:?}", path.link());
        path.world.pass(Duration::from_secs(1));
        path
    }

    /// A picture of so many packets.
    fn picture(&mut self, packets: u16) {
        for index in 0..packets {
            let fields = Fields { marker: index + 1 == packets, ..video(555, self.sequence, 3000 * u32::from(self.picture)) };
            let payload = frame(self.sequence == 0, self.picture, self.picture as u8, OCTETS);
            self.world.queue(&mut self.host, fields, &[], &payload);
            self.sequence += 1;
        }
        self.picture += 1;
        self.world.engine.flush(self.world.now, &mut self.world.wire);
    }

    pub(super) fn take(&mut self) -> Vec<Got> {
        self.world.take(&mut self.member).0
    }

    /// What comes within so long: (millisecond, packet).
    pub(super) fn receive_for(&mut self, milliseconds: u64) -> Vec<(u64, Got)> {
        let mut got = Vec::new();
        for ms in 0..milliseconds {
            got.extend(self.take().into_iter().map(|packet| (ms, packet)));
            self.world.pass(Duration::from_millis(1));
        }
        got
    }

    fn link(&self) -> crate::command::LinkRow {
        self.world.engine.snapshot()[0].link
    }
}

fn element(got: &Got, wanted: u8) -> Vec<u8> {
    got.elements.iter().find(|(id, _)| *id == wanted).unwrap().1.clone()
}

fn number(got: &Got) -> u16 {
    u16::from_be_bytes(element(got, TRANSPORT_CC).try_into().unwrap())
}

#[test]
fn what_the_link_drains_at_once_is_sent_at_once() {
    let mut path = Path::new();
    let (paced, bursts) = (path.world.stat("packets_paced"), path.world.stat("bursts_sent"));
    path.picture(2);
    assert_eq!(path.take().len(), 2);
    assert_eq!((path.world.stat("packets_paced"), path.world.stat("bursts_sent")), (paced, bursts + 1), "in one send");
}

#[test]
fn a_large_picture_is_spread_and_numbered_as_it_leaves() {
    let mut path = Path::new();
    let before = path.world.stat("paced_bursts");
    path.picture(60);
    let link = path.link();
    assert!(link.paced_octets > 50_000 && (150.0..300.0).contains(&link.paced_ms), "{link:?}");
    let got = path.receive_for(400);
    assert_eq!(got.len(), 60);
    // 60 kB at 1.25 times 1.9 Mbit/s.
    assert!((150..300).contains(&got[59].0), "{}", got[59].0);
    assert!(got.windows(2).all(|pair| number(&pair[1].1) == number(&pair[0].1).wrapping_add(1)));
    assert!(got.windows(2).all(|pair| pair[1].1.header.sequence_number == pair[0].1.header.sequence_number.wrapping_add(1)));
    let sent_at = |got: &Got| element(got, 2).iter().fold(0_u32, |time, octet| time << 8 | u32::from(*octet));
    let spread = sent_at(&got[59].1).wrapping_sub(sent_at(&got[0].1)) & 0xFF_FFFF;
    assert!((got[59].0 * 262 - 600..=got[59].0 * 262 + 600).contains(&u64::from(spread)), "send times are those of the departure");
    let bursts = path.world.stat("paced_bursts") - before;
    assert!((15..=31).contains(&bursts), "several packets together: {bursts}");
    assert_eq!((path.link().paced_octets, path.world.stat("paced_dropped")), (0, 0));
}

#[test]
fn sound_overtakes_a_keyframe_that_waits() {
    let mut path = Path::new();
    let opus = || vec![Codec { name: "opus".into(), payload_type: 111, clock_rate: 48_000, rtx_payload_type: None }];
    path.world.command(Command::AddSource {
        source: 11,
        peer: PUBLISHER,
        kind: MediaKind::Audio,
        mid: "1".into(),
        codecs: opus(),
        rids: Vec::new(),
        ssrcs: vec![(700, 0)],
    });
    let sink = Command::AddSink { sink: 20, peer: 2, mid: "8".into(), ssrc: 1020, rtx_ssrc: 0, cname: "c".into(), codecs: opus() };
    path.world.command(sink);
    path.world.command(Command::Route { sink: 20, source: Some(11), encoding: 0, spatial: None, temporal: None });
    path.picture(60);
    path.take();
    let fields = Fields { marker: false, payload_type: 111, sequence_number: 5, timestamp: 960, ssrc: 700 };
    path.world.queue(&mut path.host, fields, &[], &[7; 80]);
    path.world.engine.flush(path.world.now, &mut path.world.wire);
    let got = path.receive_for(10);
    assert!(got.iter().any(|(ms, got)| got.header.ssrc == 1020 && *ms <= 7), "{got:?}");
    assert!(path.link().paced_octets > 40_000);
}

#[test]
fn what_is_asked_for_again_goes_before_pictures_that_wait() {
    let mut path = Path::new();
    path.picture(2);
    let lost = path.take()[0].header.sequence_number;
    path.picture(60);
    path.take();
    let mut nack = Vec::new();
    rtcp::write_nack(1, 1002, &[lost], &mut nack);
    path.world.send_rtcp(&mut path.member, nack);
    let got = path.receive_for(400);
    assert_eq!(got.iter().position(|(_, got)| got.header.ssrc == 2002).map(|at| at < 4), Some(true), "{got:?}");
}

#[test]
fn what_is_beyond_the_bound_is_dropped_counted_and_repaired() {
    let mut path = Path::new();
    for _ in 0..10 {
        path.picture(60);
    }
    let dropped = path.world.stat("paced_dropped");
    assert!((100..300).contains(&dropped), "{dropped}");
    assert!(path.link().paced_octets <= 400_000);
    let got = path.receive_for(3000);
    let numbers: Vec<u16> = got.iter().map(|(_, got)| got.header.sequence_number).collect();
    let gaps: Vec<u16> = numbers.windows(2).filter(|pair| pair[1] != pair[0].wrapping_add(1)).map(|pair| pair[0].wrapping_add(1)).collect();
    assert_eq!(gaps.len(), 1, "the oldest that waited are gone, and what follows is whole");
    let mut nack = Vec::new();
    rtcp::write_nack(1, 1002, &gaps, &mut nack);
    path.world.send_rtcp(&mut path.member, nack);
    assert!(path.receive_for(50).iter().any(|(_, got)| got.header.ssrc == 2002));
}

#[test]
fn a_peer_that_leaves_takes_what_waits_along() {
    let mut path = Path::new();
    path.picture(60);
    path.take();
    path.world.command(Command::RemovePeer(2));
    path.world.pass(Duration::from_secs(1));
    assert!(path.take().is_empty());
}

impl Path {
    pub(super) fn protect(&mut self, protection: crate::command::Protection) {
        self.world.command(Command::Protect { peer: 2, protection });
    }

    /// So many milliseconds pass, and what came is thrown away: copies are the same octets, which a receiver would refuse.
    fn pass_slowly(&mut self, milliseconds: u64) {
        (0..milliseconds).for_each(|_| self.world.pass(Duration::from_millis(1)));
        self.world.wire.0.clear();
    }

    pub(super) fn nack(&mut self, numbers: &[u16]) {
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, numbers, &mut nack);
        self.world.send_rtcp(&mut self.member, nack);
    }

    /// Pictures until a second has passed, and their sequence numbers.
    fn second(&mut self) -> Vec<u16> {
        let numbers = (0..30).flat_map(|_| {
            self.picture(5);
            self.receive_for(33)
        });
        numbers.map(|(_, got)| got.header.sequence_number).collect()
    }
}

#[test]
fn what_an_outage_took_is_not_repaired_but_begun_anew() {
    let mut path = Path::new();
    let missed = path.second();
    path.world.take(&mut path.host);
    path.nack(&missed);
    assert_eq!((path.world.stat("repairs_given_up"), path.world.stat("rtx_sent")), (1, 0), "150 kB at 1.9 Mbit/s");
    path.world.pass(Duration::from_millis(100));
    assert_eq!(plis(&path.world.take(&mut path.host).1), 1);
    path.picture(5);
    assert!(path.receive_for(50).is_empty(), "the link is free for the keyframe");
    // The keyframe: pictures of this host begin with one where their number is 0.
    let fields = Fields { marker: true, ..video(555, path.sequence, 3000 * u32::from(path.picture)) };
    path.world.queue(&mut path.host, fields, &[], &frame(true, path.picture, path.picture as u8, OCTETS));
    path.sequence += 1;
    path.picture += 1;
    path.world.engine.flush(path.world.now, &mut path.world.wire);
    let shown = path.receive_for(50);
    assert_eq!(shown.len(), 1);
    path.nack(&missed[140..]);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("nack_obsolete")), (0, 160), "it is behind them");
    path.nack(&[shown[0].1.header.sequence_number]);
    assert_eq!(path.world.stat("rtx_sent"), 1, "but the keyframe itself is repaired");
}

#[test]
fn what_feedback_tells_of_an_outage_is_not_repaired_either() {
    let mut path = Path::new();
    let mut recorder = Recorder::default();
    let mut sent = Vec::new();
    for _ in 0..30 {
        path.picture(5);
        sent.extend(path.receive_for(33).into_iter().map(|(_, got)| number(&got)));
    }
    recorder.on_packet(sent[0], Duration::from_secs(1_000_000));
    recorder.on_packet(sent[149], Duration::from_secs(1_000_001));
    let mut feedback = Vec::new();
    assert!(recorder.build(1, 1002, &mut feedback));
    path.world.send_rtcp(&mut path.member, feedback);
    assert_eq!((path.world.stat("repairs_given_up"), path.world.stat("rtx_sent")), (1, 0));
}

#[test]
fn what_is_missing_for_a_moment_is_repaired() {
    let mut path = Path::new();
    let missed = path.second();
    path.nack(&missed[..40]);
    assert_eq!((path.world.stat("repairs_given_up"), path.world.stat("rtx_sent")), (0, 40));
}

#[test]
fn what_is_under_way_takes_nothing_when_it_is_asked_for_again() {
    let mut path = Path::new();
    let missed = path.second();
    for _ in 0..3 {
        path.nack(&missed[..40]);
        path.world.pass(Duration::from_millis(5));
    }
    assert_eq!((path.world.stat("repairs_given_up"), path.world.stat("rtx_sent")), (0, 40), "three times 40 kB would be too much");
}

#[test]
fn what_is_asked_for_again_within_a_round_trip_is_under_way_and_longer_where_pictures_wait() {
    let mut path = Path::new();
    path.picture(2);
    let lost = path.take()[0].header.sequence_number;
    path.nack(&[lost]);
    let rtt = path.link().rtt_ms as u64;
    path.pass_slowly(rtt * 9 / 10);
    path.nack(&[lost]);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("nack_suppressed")), (1, 1));
    path.pass_slowly(rtt / 5 + 1);
    path.nack(&[lost]);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("nack_suppressed")), (2, 1));
    path.pass_slowly(rtt + 1);
    path.picture(60);
    path.nack(&[lost]);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("nack_suppressed")), (2, 2));
}

#[test]
fn who_asks_a_little_early_for_what_has_no_copy_is_believed() {
    let mut path = Path::new();
    let fields = Fields { marker: true, ..video(555, path.sequence, 3000 * u32::from(path.picture)) };
    path.world.send(&mut path.host, fields, &[], &layer_frame(false, path.picture, 1, 900, 2, true));
    let lost = path.take()[0].header.sequence_number;
    path.nack(&[lost]);
    let rtt = path.link().rtt_ms as u64;
    path.pass_slowly(rtt * 7 / 10);
    path.nack(&[lost]);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("nack_suppressed")), (1, 1));
    path.pass_slowly(rtt * 2 / 10);
    path.nack(&[lost]);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("nack_suppressed")), (2, 1));
}

#[test]
fn what_is_not_shown_any_more_is_not_repaired() {
    let mut path = Path::new();
    let missed = path.second();
    path.world.command(Command::Route { sink: 2, source: None, encoding: 0, spatial: None, temporal: None });
    path.nack(&missed[..40]);
    assert_eq!((path.world.stat("nack_obsolete"), path.world.stat("rtx_sent")), (40, 0));
}

#[test]
fn a_retransmission_that_waited_gets_its_copy_too() {
    let mut path = Path::new();
    let protection = crate::command::Protection { retransmissions: 1, ..crate::command::Protection::NONE };
    path.world.command(Command::Protect { peer: 2, protection });
    path.picture(2);
    let lost = path.take()[0].header.sequence_number;
    path.picture(60);
    path.take();
    path.nack(&[lost]);
    path.pass_slowly(40);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("copies_sent")), (1, 1));
    // It did not help, and has to wait again: one more would hold up what waits behind it.
    path.pass_slowly(500);
    path.picture(60);
    path.pass_slowly(300);
    path.picture(60);
    path.nack(&[lost]);
    path.pass_slowly(100);
    assert_eq!((path.world.stat("rtx_sent"), path.world.stat("copies_sent")), (2, 2), "no copy more");
}

#[test]
fn pictures_that_waited_have_their_copies_too() {
    let mut path = Path::new();
    path.protect(crate::command::Protection { picture_copies: 1, ..crate::command::Protection::NONE });
    path.picture(12);
    path.pass_slowly(100);
    assert_eq!((path.world.stat("packets_paced") > 0, path.world.stat("copies_sent")), (true, 12));
}

#[test]
fn copies_of_retransmissions_are_bounded() {
    let mut path = Path::new();
    path.protect(crate::command::Protection { retransmissions: 6, ..crate::command::Protection::NONE });
    let missed = path.second();
    path.nack(&missed[..40]);
    path.pass_slowly(1000);
    let [again, given_up, sent, dropped] =
        ["rtx_sent", "repairs_given_up", "copies_sent", "copies_dropped"].map(|name| path.world.stat(name));
    assert_eq!((again, given_up), (40, 0));
    assert!((55..90).contains(&sent) && dropped >= 60, "of more than 160 kB 59 at once, and as much a second: {sent} {dropped}");
    path.nack(&missed[60..64]);
    assert_eq!(
        (path.world.stat("rtx_sent"), path.world.stat("repairs_given_up")),
        (44, 0),
        "they take nothing of what retransmissions may"
    );
}

#[test]
fn what_waits_of_a_source_that_is_not_shown_any_more_is_left_out() {
    let mut path = Path::new();
    path.picture(60);
    let came = path.take();
    path.world.command(Command::Route { sink: 2, source: None, encoding: 0, spatial: None, temporal: None });
    assert_eq!(path.link().paced_octets, 0);
    assert!(path.receive_for(100).is_empty());
    path.world.route(2, 0);
    path.nack(&[came.last().unwrap().header.sequence_number.wrapping_add(5)]);
    assert_eq!((path.world.stat("nack_obsolete"), path.world.stat("rtx_sent")), (1, 0), "nor is it repaired");
}
