//! Copies: the identical octets, apart in time, only where they were asked for, and what reports make of them.

use super::*;
use crate::command::Protection;
use crate::rtp::Header;
use crate::twcc::Recorder;

const MICROPHONE: u32 = 700;
const OPUS: u8 = 111;
const SPACING: Duration = Duration::from_millis(20);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A voice of a packet every 20 ms, and a member.
struct Voice {
    world: World,
    host: Client,
    member: Client,
    spoken: u16,
}

impl Voice {
    fn new() -> Self {
        let mut world = World::new();
        let host = world.join(PUBLISHER, Profile::AeadAes128Gcm);
        let codecs = vec![Codec { name: "opus".into(), payload_type: OPUS, clock_rate: 48_000, rtx_payload_type: None }];
        let (mid, kind, ssrcs) = (String::from("0"), MediaKind::Audio, vec![(MICROPHONE, 0)]);
        world.command(Command::AddSource { source: SOURCE, peer: PUBLISHER, kind, mid, codecs: codecs.clone(), rids: Vec::new(), ssrcs });
        let member = world.join(2, Profile::AeadAes128Gcm);
        world.command(Command::AddSink { sink: 2, peer: 2, mid: "1".into(), ssrc: 1002, rtx_ssrc: 0, cname: "c".into(), codecs });
        world.route(2, 0);
        Self { world, host, member, spoken: 0 }
    }

    fn protect(&mut self, copies: u8, retransmissions: u8) {
        let protection = Protection { copies, spacing: SPACING, retransmissions, ..Protection::NONE };
        self.world.command(Command::Protect { peer: 2, protection });
    }

    /// A packet is sent, and 20 ms pass. Returns the sealed datagrams that went to the member meanwhile.
    fn speak(&mut self) -> Vec<Vec<u8>> {
        let mut sent = self.say();
        self.world.pass(SPACING);
        sent.extend(self.sealed());
        sent
    }

    /// A packet is sent, and no time passes.
    fn say(&mut self) -> Vec<Vec<u8>> {
        let timestamp = 960 * u32::from(self.spoken);
        let fields = Fields { marker: false, payload_type: OPUS, sequence_number: self.spoken, timestamp, ssrc: MICROPHONE };
        self.world.send(&mut self.host, fields, &[], &[7; 80]);
        self.spoken += 1;
        self.sealed()
    }

    /// RTP that was sent to the member, as it is on the wire.
    fn sealed(&mut self) -> Vec<Vec<u8>> {
        let all = std::mem::take(&mut self.world.wire.0);
        let rtp = |datagram: &Vec<u8>| crate::demux::classify(datagram) == Some(crate::demux::Kind::Rtp);
        all.into_iter().filter(|(to, datagram)| *to == self.member.address && rtp(datagram)).map(|(_, datagram)| datagram).collect()
    }
}

fn number(sealed: &[u8]) -> u16 {
    Header::parse(sealed).unwrap().sequence_number
}

#[test]
fn nothing_is_copied_unless_it_was_asked_for() {
    let mut voice = Voice::new();
    for _ in 0..20 {
        assert_eq!(voice.speak().len(), 1);
    }
    assert_eq!((voice.world.stat("copies_sent"), voice.world.stat("copy_octets_sent")), (0, 0));
    assert_eq!(voice.world.engine.snapshot()[0].link.copied, 0);
}

#[test]
fn copies_are_the_identical_octets_in_their_order_and_apart_in_time() {
    let mut voice = Voice::new();
    voice.protect(2, 0);
    let mut first = voice.speak();
    assert_eq!(first.len(), 2, "the packet, and 20 ms later a copy");
    assert_eq!(first[0], first[1]);
    let second = voice.speak();
    assert_eq!(second.len(), 3, "the packet, a copy of the one before, and one of its own");
    assert_eq!(second[1], first[0]);
    assert_eq!(second[2], second[0]);
    // What falls together leaves as one segmented send, and 40 ms after the last packet all is sent.
    voice.world.pass(SPACING);
    assert_eq!(voice.sealed(), [second[0].clone()]);
    voice.world.pass(ms(500));
    assert!(voice.sealed().is_empty());
    assert_eq!(voice.world.stat("copies_sent"), 4);
    assert_eq!(voice.world.engine.snapshot()[0].link.copied, voice.world.stat("copy_octets_sent"));
    // A receiver opens the first and drops the others.
    voice.member.open(&mut first[0]);
    let header = Header::parse(&first[1]).unwrap();
    assert!(voice.member.receiver.open_rtp(&mut first[1], &header).is_err());
}

#[test]
fn protection_ends_at_once_and_with_its_peer() {
    let mut voice = Voice::new();
    voice.protect(9, 0);
    voice.speak();
    voice.protect(0, 0);
    voice.world.command(Command::Protect { peer: 2, protection: Protection::NONE });
    voice.world.pass(ms(300));
    assert!(voice.sealed().is_empty());
    voice.protect(9, 0);
    voice.speak();
    voice.world.command(Command::RemovePeer(2));
    voice.world.pass(ms(300));
    assert!(voice.sealed().is_empty());
    voice.protect(1, 0);
    assert_eq!(voice.world.stat("unknown_id"), 1);
}

#[test]
fn what_is_kept_is_bounded_and_the_packets_go_out_all_the_same() {
    let mut voice = Voice::new();
    voice.world.command(Command::Protect { peer: 2, protection: Protection { copies: 15, spacing: ms(200), ..Protection::NONE } });
    let first_sent: Vec<u16> = (0..200).flat_map(|_| [voice.say(), voice.speak()].map(|sent| number(&sent[0]))).collect();
    assert!(first_sent.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "each leaves when it comes");
    // Without a bound 300 were kept.
    assert!((40..60).contains(&voice.world.stat("copies_dropped")), "{}", voice.world.stat("copies_dropped"));
}

/// The link's row after 400 packets of which each (turn, is a copy) comes as late as `delay` says, or not at all.
fn reported(delay: impl Fn(u32, bool) -> Option<Duration>) -> crate::command::LinkRow {
    let mut voice = Voice::new();
    voice.protect(2, 0);
    let (mut recorder, mut seen, began) = (Recorder::default(), Vec::new(), voice.world.now);
    for turn in 0..400_u32 {
        let at = voice.world.now.duration_since(began) + Duration::from_secs(1000);
        for (place, sealed) in voice.speak().into_iter().enumerate() {
            let (number, copy) = (transport(&sealed), place > 0);
            if let Some(delay) = delay(turn, copy).filter(|_| !seen.contains(&number)) {
                seen.push(number);
                recorder.on_packet(number, delay + if copy { at + SPACING } else { at });
            }
        }
        if turn % 5 == 4 {
            let mut feedback = Vec::new();
            recorder.build(1, 1002, &mut feedback);
            voice.world.send_rtcp(&mut voice.member, feedback);
        }
    }
    voice.world.engine.snapshot()[0].link
}

fn transport(sealed: &[u8]) -> u16 {
    let header = Header::parse(sealed).unwrap();
    let (_, value) = header.elements(sealed).find(|(id, _)| *id == TRANSPORT_CC).unwrap();
    u16::from_be_bytes([value[0], value[1]])
}

#[test]
fn a_copy_that_arrives_says_that_the_packet_was_lost() {
    let link = reported(|turn, copy| (copy || turn % 2 == 1).then_some(Duration::ZERO));
    assert!((0.4..0.6).contains(&link.loss), "{link:?}");
    assert!(link.queue_ms.is_nan() || link.queue_ms < 5.0, "a copy did not wait in a queue: {link:?}");
}

#[test]
fn a_queue_that_grows_is_no_loss_because_there_are_copies() {
    let link = reported(|turn, _| Some(if turn < 100 { Duration::ZERO } else { ms(60) }));
    assert!(link.loss < 0.05, "{link:?}");
}

#[test]
fn a_retransmission_gets_its_copies_and_one_more_where_it_did_not_help() {
    let once = Protection { retransmissions: 1, ..Protection::NONE };
    assert_eq!(retransmitted(once, true), [2, 3]);
    assert_eq!(retransmitted(once, false), [1, 2], "a picture that no other needs");
}

#[test]
fn where_nothing_is_protected_each_gets_one_and_one_more_where_it_did_not_help() {
    assert_eq!(retransmitted(Protection::NONE, true), [2, 3]);
    assert_eq!(retransmitted(Protection::NONE, false), [2, 3]);
}

/// How often a packet goes out that is asked for, and asked for again. `needed`: it is a keyframe's.
fn retransmitted(protection: Protection, needed: bool) -> [usize; 2] {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    world.command(Command::Protect { peer: 2, protection });
    world.send(&mut host, video(555, 0, 3000), &[], &frame(true, 1, 1, 900));
    if !needed {
        world.send(&mut host, video(555, 1, 6000), &[], &layer_frame(false, 2, 1, 900, 2, true));
    }
    let (media, _) = world.take(&mut member);
    let lost = media.last().unwrap().header.sequence_number;
    let counts = [(); 2].map(|()| {
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, &[lost], &mut nack);
        world.send_rtcp(&mut member, nack);
        world.pass(ms(100));
        let sent: Vec<_> = std::mem::take(&mut world.wire.0).into_iter().filter(|(to, _)| *to == member.address).collect();
        let rtx: Vec<_> = sent.into_iter().map(|(_, sealed)| sealed).filter(|s| Header::parse(s).is_ok_and(|h| h.ssrc == 2002)).collect();
        assert!(rtx.windows(2).all(|pair| pair[0] == pair[1]), "never other data under the same index");
        rtx.len()
    });
    assert_eq!((world.stat("rtx_sent"), world.stat("copies_sent")), (2, counts.iter().sum::<usize>() as u64 - 2));
    counts
}

#[test]
fn pictures_have_copies_where_that_was_asked_for() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    world.command(Command::Protect { peer: 2, protection: Protection { picture_copies: 2, ..Protection::NONE } });
    world.send(&mut host, video(555, 0, 3000), &[], &frame(true, 1, 1, 900));
    let sealed = |world: &mut World| -> Vec<Vec<u8>> {
        let sent = std::mem::take(&mut world.wire.0).into_iter().filter(|(to, _)| *to == member.address).map(|(_, sealed)| sealed);
        sent.filter(|sealed| crate::demux::classify(sealed) == Some(crate::demux::Kind::Rtp)).collect()
    };
    let mut first = sealed(&mut world);
    for copies in 1..=2 {
        world.pass(ms(14));
        assert!(sealed(&mut world).is_empty());
        world.pass(ms(2));
        assert_eq!(sealed(&mut world), first, "the same octets, {copies}");
    }
    world.pass(ms(200));
    assert_eq!((first.len(), world.stat("copies_sent")), (1, 2));
    let lost = Header::parse(&first[0]).unwrap().sequence_number;
    member.open(&mut first[0]);
    let mut nack = Vec::new();
    rtcp::write_nack(1, 1002, &[lost], &mut nack);
    world.send_rtcp(&mut member, nack);
    world.pass(ms(200));
    assert_eq!((world.stat("rtx_sent"), world.stat("copies_sent")), (1, 3), "a retransmission has its own, where the queue is short");
}

#[test]
fn copies_of_a_retransmission_are_as_far_apart_as_was_asked_for_but_not_closer_than_a_short_burst() {
    for (asked, apart) in [(60, 60), (3, 8), (0, 8)] {
        let mut world = World::new();
        let mut host = world.publish_vp8(&[], &[(555, 556)]);
        let mut member = world.subscribe(2);
        let protection = Protection { retransmissions: 2, retransmission_spacing: ms(asked), ..Protection::NONE };
        world.command(Command::Protect { peer: 2, protection });
        world.send(&mut host, video(555, 0, 3000), &[], &frame(true, 1, 1, 900));
        let (media, _) = world.take(&mut member);
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, &[media[0].header.sequence_number], &mut nack);
        world.send_rtcp(&mut member, nack);
        for copies in 1..=2 {
            world.pass(ms(apart - 2));
            assert_eq!(world.stat("copies_sent"), copies - 1, "{asked} asked for");
            world.pass(ms(2));
            assert_eq!(world.stat("copies_sent"), copies, "{asked} asked for");
        }
    }
}
