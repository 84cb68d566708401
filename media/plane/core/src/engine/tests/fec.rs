//! Repair packets and playout delay as a subscriber sees them, and what is sent again unasked.

use super::*;
use crate::command::Protection;
use crate::twcc::Recorder;

const FEC: u32 = 3002;
const FEC_TYPE: u8 = 49;
const PLAYOUT: u8 = 6;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A host, and a member who takes repair packets.
struct Path {
    world: World,
    host: Client,
    member: Client,
    sent: u16,
    pictures: u16,
}

impl Path {
    fn new() -> Self {
        let mut world = World::new();
        let host = world.publish_vp8(&[], &[(555, 556)]);
        let extensions =
            ExtensionIds { mid: MID, transport_cc: TRANSPORT_CC, abs_send_time: 2, playout_delay: PLAYOUT, ..ExtensionIds::default() };
        let member = world.join_with(2, Profile::AeadAes128Gcm, extensions);
        world.add_sink(2);
        world.command(Command::AddFec { sink: 2, ssrc: FEC, payload_type: FEC_TYPE });
        world.route(2, 0);
        Self { world, host, member, sent: 0, pictures: 0 }
    }

    fn protect(&mut self, fec: u8, playout: Duration) {
        let protection = Protection { fec, playout, ..Protection::NONE };
        self.world.command(Command::Protect { peer: 2, protection });
    }

    /// A picture of so many packets, and 33 ms; what went to the member meanwhile, media and repair packets, plain and whole.
    fn picture(&mut self, packets: u16) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        self.picture_in(packets, self.pictures == 0, 0)
    }

    fn picture_in(&mut self, packets: u16, keyframe: bool, temporal: u8) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let picture = self.pictures;
        for index in 0..packets {
            let fields = Fields { marker: index + 1 == packets, ..video(555, self.sent, 3000 * u32::from(picture)) };
            let size = 1000 - 40 * usize::from(index);
            let payload = layer_frame(keyframe && index == 0, picture, picture as u8, size, temporal, true);
            self.world.queue(&mut self.host, fields, &[], &payload);
            self.sent += 1;
        }
        self.pictures += 1;
        self.world.engine.flush(self.world.now, &mut self.world.wire);
        self.world.pass(ms(33));
        self.take().into_iter().partition(|packet| ssrc(packet) != FEC)
    }

    fn take(&mut self) -> Vec<Vec<u8>> {
        let (all, member) = (std::mem::take(&mut self.world.wire.0), &mut self.member);
        let address = member.address;
        let mine = all.into_iter().filter(|(to, sealed)| *to == address && crate::demux::classify(sealed) == Some(crate::demux::Kind::Rtp));
        mine.filter_map(|(_, sealed)| member.plain(sealed)).collect()
    }
}

fn ssrc(packet: &[u8]) -> u32 {
    crate::rtp::Header::parse(packet).unwrap().ssrc
}

/// A packet as libwebrtc takes it for repair: what changed on the way is zero.
fn still(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    for id in [TRANSPORT_CC, 2] {
        crate::extension::element_mut(&mut packet, id).fill(0);
    }
    packet
}

/// The packet that one repair packet brings back, all the others of the picture being there.
fn recovered(repair: &[u8], others: &[&[u8]]) -> Vec<u8> {
    let header = crate::rtp::Header::parse(repair).unwrap();
    let body = &repair[header.header_len..];
    assert_eq!(body[18] & 0x80, 0x80, "a mask of 15 bits");
    let base = u16::from_be_bytes([body[16], body[17]]);
    let covers = |packet: &[u8]| {
        let distance = u16::from_be_bytes([packet[2], packet[3]]).wrapping_sub(base);
        distance < 15 && u16::from_be_bytes([body[18], body[19]]) & (0x4000 >> distance) != 0
    };
    let (mut head, mut rest) = (body[..8].to_vec(), body[20..].to_vec());
    for packet in others.iter().map(|packet| still(packet)).filter(|packet| covers(packet)) {
        head.iter_mut().zip(&packet).enumerate().for_each(|(at, (to, from))| *to ^= if [2, 3].contains(&at) { 0 } else { *from });
        let length = ((packet.len() - 12) as u16).to_be_bytes();
        (head[2], head[3]) = (head[2] ^ length[0], head[3] ^ length[1]);
        rest.iter_mut().zip(&packet[12..]).for_each(|(to, from)| *to ^= from);
    }
    rest.truncate(u16::from_be_bytes([head[2], head[3]]).into());
    head[0] = head[0] & 0x3F | 0x80;
    [head, rest].concat()
}

#[test]
fn nothing_is_made_unless_it_was_asked_for() {
    let mut path = Path::new();
    path.picture(5);
    // What a beginning asks for is over.
    path.world.pass(ms(2_000));
    let (media, repairs) = path.picture(5);
    assert_eq!((media.len(), repairs.len()), (5, 0));
    assert_eq!((path.world.stat("fec_sent"), path.world.engine.snapshot()[0].link.copied), (0, 0));
    assert!(media.iter().all(|packet| crate::rtp::Header::parse(packet).unwrap().elements(packet).all(|(id, _)| id != PLAYOUT)));
}

#[test]
fn each_packet_of_a_picture_comes_back_from_a_repair_packet_and_the_others() {
    let mut path = Path::new();
    path.picture(1);
    path.protect(50, Duration::ZERO);
    let (media, repairs) = path.picture(5);
    assert_eq!((media.len(), repairs.len()), (5, 3));
    for lost in &media {
        let others: Vec<&[u8]> = media.iter().filter(|packet| *packet != lost).map(Vec::as_slice).collect();
        let wanted = still(lost);
        let wanted = [&wanted[..2], &((wanted.len() - 12) as u16).to_be_bytes(), &wanted[4..8], &wanted[12..]].concat();
        assert!(repairs.iter().any(|repair| recovered(repair, &others)[4..] == wanted[4..]), "{:?}", &lost[2..4]);
    }
    let headers: Vec<_> = repairs.iter().map(|repair| crate::rtp::Header::parse(repair).unwrap()).collect();
    assert!(headers.iter().all(|header| header.payload_type == FEC_TYPE && header.ssrc == FEC));
    assert!(headers.windows(2).all(|pair| pair[1].sequence_number == pair[0].sequence_number.wrapping_add(1)));
    let row = path.world.engine.snapshot()[0].link;
    assert_eq!((path.world.stat("fec_sent"), row.copied), (3, path.world.stat("fec_octets_sent")));
}

#[test]
fn repair_packets_follow_apart_and_end_with_the_protection() {
    let mut path = Path::new();
    path.picture(1);
    path.protect(100, Duration::ZERO);
    let mut at = Vec::new();
    for index in 0..4_u16 {
        let fields = Fields { marker: index == 3, ..video(555, 1 + index, 3000) };
        path.world.queue(&mut path.host, fields, &[], &frame(false, 1, 1, 900));
    }
    path.world.engine.flush(path.world.now, &mut path.world.wire);
    for passed in 0..33_u64 {
        at.extend(path.take().iter().filter(|packet| ssrc(packet) == FEC).map(|_| passed));
        path.world.pass(ms(1));
    }
    assert!(at.len() == 4 && at[0] >= 7 && at.windows(2).all(|pair| pair[1] - pair[0] >= 2), "{at:?}");
    path.protect(0, Duration::ZERO);
    path.sent = 5;
    path.pictures = 2;
    assert_eq!(path.picture(4).1.len(), 0);
}

/// Repair packets of a keyframe, of a picture of the base layer and of one that no other needs, ten packets each.
fn by_need(percent: u8) -> [usize; 3] {
    let mut path = Path::new();
    path.picture(1);
    path.protect(percent, Duration::ZERO);
    [(true, 0), (false, 0), (false, 2)].map(|(keyframe, temporal)| {
        let (media, repairs) = path.picture_in(10, keyframe, temporal);
        // Of many repair packets the last ones leave later than the next picture.
        path.world.pass(ms(33));
        assert_eq!(media.len(), 10);
        repairs.len() + path.take().len()
    })
}

#[test]
fn repair_packets_protect_first_what_others_need() {
    assert_eq!(by_need(40), [6, 4, 0]);
    assert_eq!(by_need(80), [10, 8, 2], "as many as packets at most");
}

#[test]
fn repair_packets_have_a_stream_of_their_own_and_no_number_twice() {
    let mut path = Path::new();
    for (sink, ssrc) in [(2, FEC), (2, 4002), (2, 1002)] {
        path.world.command(Command::AddFec { sink, ssrc, payload_type: FEC_TYPE });
    }
    assert_eq!(path.world.stat("command_refused"), 3);
    path.world.command(Command::AddFec { sink: 77, ssrc: 5000, payload_type: FEC_TYPE });
    assert_eq!(path.world.stat("unknown_id"), 1);
    let codecs = vp8(120);
    path.world.command(Command::AddSink { sink: 9, peer: 2, mid: "8".into(), ssrc: FEC, rtx_ssrc: 0, cname: "c".into(), codecs });
    assert_eq!(path.world.stat("command_refused"), 4, "nor may a sink have it");
}

#[test]
fn playout_delay_is_told_from_the_first_time_on_also_that_it_ended() {
    let mut path = Path::new();
    path.picture(1);
    let told = |media: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let of = |packet: &Vec<u8>| {
            let header = crate::rtp::Header::parse(packet).unwrap();
            header.elements(packet).find(|(id, _)| *id == PLAYOUT).map(|(_, value)| value.to_vec())
        };
        media.iter().filter_map(of).collect()
    };
    path.protect(0, ms(350));
    assert_eq!(told(&path.picture(1).0), [[0x00, 0x53, 0xE8]], "in steps, or the picture would stand still");
    path.world.pass(ms(600));
    assert_eq!(told(&path.picture(2).0), [[0x02, 0x33, 0xE8], [0x02, 0x33, 0xE8]], "35 and 1000 times 10 ms");
    path.protect(0, Duration::ZERO);
    assert_eq!(told(&path.picture(1).0), [[0x00, 0x03, 0xE8]]);
}

/// What is sent again when of a picture's four packets the second does not arrive, and feedback says so; `asked`: a NACK comes too,
/// so long before.
fn sent_again(protected: bool, asked: Option<Duration>) -> (usize, u64) {
    let mut path = Path::new();
    path.picture(1);
    if protected {
        path.protect(10, Duration::ZERO);
    }
    let (media, _) = path.picture(4);
    let mut recorder = Recorder::default();
    for packet in media.iter().enumerate().filter(|(index, _)| *index != 1).map(|(_, packet)| packet) {
        let header = crate::rtp::Header::parse(packet).unwrap();
        let (_, value) = header.elements(packet).find(|(id, _)| *id == TRANSPORT_CC).unwrap();
        recorder.on_packet(u16::from_be_bytes([value[0], value[1]]), ms(1_000_000));
    }
    if let Some(before) = asked {
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, &[crate::rtp::Header::parse(&media[1]).unwrap().sequence_number], &mut nack);
        path.world.send_rtcp(&mut path.member, nack);
        path.world.pass(before);
    }
    let mut feedback = Vec::new();
    recorder.build(1, 1002, &mut feedback);
    for _ in 0..2 {
        path.world.send_rtcp(&mut path.member, feedback.clone());
        path.world.pass(ms(5));
    }
    let again: Vec<_> = path.take().into_iter().filter(|packet| ssrc(packet) == 2002).collect();
    assert!(again.iter().all(|packet| packet.ends_with(&media[1][media[1].len() - 200..])));
    (again.len(), path.world.stat("rtx_unasked"))
}

#[test]
fn what_feedback_tells_as_lost_is_sent_again_once() {
    assert_eq!(sent_again(false, None), (0, 0), "the first report tells of what came before its receiver listened");
    assert_eq!(sent_again(true, None), (1, 1));
    assert_eq!(sent_again(true, Some(ms(10))), (1, 0), "it was asked for, and is under way");
}

#[test]
fn losses_that_begin_are_told_and_repaired_at_once_before_anybody_decides() {
    let mut path = Path::new();
    let mut recorder = Recorder::default();
    let mut feedback = |path: &mut Path, arrived: &mut dyn Iterator<Item = &Vec<u8>>| {
        for packet in arrived {
            let header = crate::rtp::Header::parse(packet).unwrap();
            let (_, value) = header.elements(packet).find(|(id, _)| *id == TRANSPORT_CC).unwrap();
            recorder.on_packet(u16::from_be_bytes([value[0], value[1]]), ms(1_000_000));
        }
        let mut feedback = Vec::new();
        recorder.build(1, 1002, &mut feedback);
        path.world.send_rtcp(&mut path.member, feedback);
    };
    let (first, _) = path.picture(1);
    feedback(&mut path, &mut first.iter());
    path.world.pass(ms(5));
    let (media, _) = path.picture(5);
    feedback(&mut path, &mut media.iter().enumerate().filter(|(index, _)| *index != 2).map(|(_, packet)| packet));
    path.world.pass(ms(20));
    assert_eq!((path.world.stat("rtx_unasked"), path.world.stat("copies_sent")), (1, 1));
    let again = path.take();
    feedback(&mut path, &mut again.iter());
    path.world.pass(ms(500));
    let (media, _) = path.picture(12);
    path.world.events();
    feedback(&mut path, &mut media.iter().enumerate().filter(|(index, _)| index % 3 != 1).map(|(_, packet)| packet));
    assert_eq!(path.world.events(), [Event::Worsened { peer: 2 }]);
    assert!(path.world.engine.snapshot()[0].link.loss > 0.1);
    path.world.pass(ms(20));
    let again = path.take().iter().filter(|packet| ssrc(packet) == 2002).count();
    assert_eq!((again, path.world.stat("rtx_unasked")), (4, 5));
    assert_eq!(path.world.stat("copies_sent"), 5, "they may be lost too");
}

#[test]
fn a_retransmission_of_a_picture_that_no_other_needs_has_a_copy_less() {
    let mut path = Path::new();
    path.world.command(Command::Protect { peer: 2, protection: Protection { retransmissions: 1, ..Protection::NONE } });
    let mut copies = Vec::new();
    for temporal in [0, 2] {
        let payload = layer_frame(temporal == 0, path.pictures, 1, 300, temporal, true);
        path.world.send(&mut path.host, video(555, path.sent, 3000 * u32::from(path.pictures)), &[], &payload);
        path.sent += 1;
        path.pictures += 1;
        let media = path.take();
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, &[crate::rtp::Header::parse(&media[0]).unwrap().sequence_number], &mut nack);
        let before = path.world.stat("copies_sent");
        path.world.send_rtcp(&mut path.member, nack);
        path.world.pass(ms(50));
        copies.push(path.world.stat("copies_sent") - before);
        path.world.wire.0.clear();
    }
    assert_eq!((copies, path.world.stat("rtx_sent")), (vec![1, 0], 2));
}

/// What is sent again unasked of a picture of `temporal` whose retransmission no report tells of, because that report was lost.
fn sent_again_untold(temporal: u8, protected: bool) -> u64 {
    let mut path = Path::new();
    let mut recorder = Recorder::default();
    let mut report = |path: &mut Path, told: bool| {
        for packet in path.take() {
            let header = crate::rtp::Header::parse(&packet).unwrap();
            let (_, value) = header.elements(&packet).find(|(id, _)| *id == TRANSPORT_CC).unwrap();
            recorder.on_packet(u16::from_be_bytes([value[0], value[1]]), ms(1_000_000));
        }
        let mut feedback = Vec::new();
        if recorder.build(1, 1002, &mut feedback) && told {
            path.world.send_rtcp(&mut path.member, feedback);
        }
    };
    let picture = |path: &mut Path, temporal: u8| {
        let payload = layer_frame(path.pictures == 0, path.pictures, 1, 300, temporal, true);
        path.world.send(&mut path.host, video(555, path.sent, 3000 * u32::from(path.pictures)), &[], &payload);
        (path.sent, path.pictures) = (path.sent + 1, path.pictures + 1);
    };
    picture(&mut path, 0);
    if protected {
        path.world.command(Command::Protect { peer: 2, protection: Protection { retransmissions: 1, ..Protection::NONE } });
    }
    picture(&mut path, temporal);
    let asked = path.world.wire.0.last().and_then(|(_, sealed)| Some(crate::rtp::Header::parse(sealed).ok()?.sequence_number)).unwrap();
    report(&mut path, true);
    let mut nack = Vec::new();
    rtcp::write_nack(1, 1002, &[asked], &mut nack);
    path.world.send_rtcp(&mut path.member, nack);
    path.world.pass(ms(60));
    assert_eq!(path.world.stat("rtx_sent"), 1);
    report(&mut path, false);
    picture(&mut path, 0);
    report(&mut path, true);
    path.world.pass(ms(60));
    assert_eq!(path.world.stat("rtx_sent") - 1, path.world.stat("rtx_unasked"));
    path.world.stat("rtx_unasked")
}

#[test]
fn a_retransmission_without_copies_is_sent_again_where_the_report_of_it_is_lost() {
    assert_eq!(sent_again_untold(2, true), 1);
    assert_eq!(sent_again_untold(0, true), 0, "it has copies, and is asked for until it comes");
    assert_eq!(sent_again_untold(2, false), 0, "a link that loses nothing");
}
