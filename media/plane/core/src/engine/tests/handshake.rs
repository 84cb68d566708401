//! From the first check to the first packet: what is repeated, and what waits.

use super::*;
use crate::address::TransportAddress;
use crate::srtp::{SrtpReceiver, SrtpSender};

const HELLO: [u8; 40] = [22; 40];
const MEMBER: u32 = 2;

/// A member that has passed no check, with a sink that is to show the source.
fn invited(world: &mut World) -> TransportAddress {
    let (local_ufrag, local_pwd) = ("u2".into(), "p2".into());
    let extensions = ExtensionIds { mid: MID, ..ExtensionIds::default() };
    world.command(Command::AddPeer { peer: MEMBER, local_ufrag, local_pwd, extensions });
    let (mid, cname) = ("7".into(), "c".into());
    world.command(Command::AddSink { sink: MEMBER, peer: MEMBER, mid, ssrc: 1002, rtx_ssrc: 2002, cname, codecs: vp8(120) });
    world.route(MEMBER, 0);
    udp("10.0.0.2:5000")
}

fn keys(world: &mut World, hold_ms: u64) {
    let (send, receive, hold) = (key(2), key(102), Duration::from_millis(hold_ms));
    world.command(Command::SetKeys { peer: MEMBER, profile: Profile::AeadAes128Gcm, send, receive, hold });
}

fn client(address: TransportAddress) -> Client {
    let profile = Profile::AeadAes128Gcm;
    Client { id: MEMBER, address, sender: SrtpSender::new(profile, &key(102)), receiver: SrtpReceiver::new(profile, &key(2)), repeated: 0 }
}

/// A host with a keyframe and nine more pictures in the cache.
fn on_air(world: &mut World) -> Client {
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    for sequence in 0..10_u16 {
        world.send(&mut host, video(555, sequence, 3000 * u32::from(sequence)), &[], &frame(sequence == 0, sequence, sequence as u8, 80));
        world.pass(Duration::from_micros(33_333));
    }
    host
}

fn hellos(world: &mut World, to: TransportAddress) -> usize {
    std::mem::take(&mut world.wire.0).iter().filter(|(address, datagram)| *address == to && datagram[..] == HELLO).count()
}

#[test]
fn a_first_flight_follows_each_answered_check_to_where_it_came_from_until_the_peer_speaks_dtls() {
    let mut world = World::new();
    let first = invited(&mut world);
    world.check(MEMBER, first, "p2", false);
    world.command(Command::FollowChecks { peer: MEMBER, datagrams: vec![HELLO.to_vec()] });
    assert_eq!(hellos(&mut world, first), 0, "it is not sent by itself");
    let second = udp("10.0.0.2:6000");
    world.check(MEMBER, first, "p2", false);
    world.check(MEMBER, second, "p2", false);
    world.check(MEMBER, second, "wrong", false);
    let sent = std::mem::take(&mut world.wire.0);
    let to: Vec<_> = sent.iter().filter(|(_, datagram)| datagram[..] == HELLO).map(|(to, _)| *to).collect();
    assert_eq!(to, [first, second]);
    let answers = sent.iter().position(|(_, datagram)| datagram[0] == 1).zip(sent.iter().position(|(_, datagram)| datagram[..] == HELLO));
    assert!(answers.is_some_and(|(answer, hello)| answer < hello), "the answer goes first");
    world.receive(first, vec![22; 60]);
    world.check(MEMBER, first, "p2", false);
    assert_eq!(hellos(&mut world, first), 0);
}

#[test]
fn answers_go_twice_until_there_are_keys_and_nothing_else_does() {
    let mut world = World::new();
    let address = invited(&mut world);
    let answered = |world: &mut World, from, password| {
        world.check(MEMBER, from, password, false);
        std::mem::take(&mut world.wire.0).len()
    };
    assert_eq!(answered(&mut world, address, "p2"), 2);
    assert_eq!(answered(&mut world, TransportAddress::tcp(address.socket, 1), "p2"), 1, "TCP loses nothing");
    assert_eq!(answered(&mut world, address, "wrong"), 0);
    keys(&mut world, 0);
    assert_eq!(answered(&mut world, address, "p2"), 1);
}

#[test]
fn checks_cannot_be_used_to_amplify() {
    let mut world = World::new();
    let address = invited(&mut world);
    world.command(Command::FollowChecks { peer: MEMBER, datagrams: vec![HELLO.to_vec()] });
    for _ in 0..60 {
        world.check(MEMBER, address, "p2", false);
    }
    assert_eq!(hellos(&mut world, address), 20);
}

#[test]
fn media_wait_behind_the_last_flight() {
    let mut world = World::new();
    let _host = on_air(&mut world);
    let address = invited(&mut world);
    world.check(MEMBER, address, "p2", true);
    let mut member = client(address);
    keys(&mut world, 8);
    world.pass(Duration::from_millis(7));
    assert_eq!(world.take(&mut member).0.len(), 0);
    keys(&mut world, 0);
    assert_eq!(world.stat("command_refused"), 1, "keys that wait are keys that are set");
    assert!(!world.events().contains(&Event::Began { peer: MEMBER }));
    world.pass(Duration::from_millis(1));
    assert!(world.events().contains(&Event::Began { peer: MEMBER }));
    let (media, _) = world.take(&mut member);
    assert!(media.first().is_some_and(|first| picture_id(&first.payload) == 0), "the keyframe is in the first burst");
}

#[test]
fn a_peer_may_go_while_its_media_wait() {
    let mut world = World::new();
    let address = invited(&mut world);
    world.check(MEMBER, address, "p2", true);
    keys(&mut world, 8);
    world.command(Command::RemovePeer(MEMBER));
    world.pass(Duration::from_millis(20));
    assert_eq!((world.stat("peers"), world.stat("rtp_sent")), (0, 0));
}

#[test]
fn what_came_before_the_keys_is_shown_again_under_new_numbers() {
    let mut world = World::new();
    let mut host = on_air(&mut world);
    world.take(&mut host);
    let address = invited(&mut world);
    world.check(MEMBER, address, "p2", true);
    let mut member = client(address);
    keys(&mut world, 0);
    world.pass(Duration::from_millis(100));
    let first = world.take(&mut member).0;
    world.command(Command::ShowAgain(MEMBER));
    world.pass(Duration::from_millis(100));
    let again = world.take(&mut member).0;
    assert_eq!((first.len(), again.len()), (10, 10));
    assert_eq!(again[0].header.sequence_number, first[9].header.sequence_number.wrapping_add(1));
    assert_eq!((world.stat("beginnings_repeated"), plis(&world.take(&mut host).1)), (1, 0));
}

#[test]
fn a_keyframe_request_at_the_beginning_is_served_by_the_cache_once() {
    let mut world = World::new();
    let mut host = on_air(&mut world);
    let address = invited(&mut world);
    world.check(MEMBER, address, "p2", true);
    let mut member = client(address);
    keys(&mut world, 0);
    world.pass(Duration::from_millis(100));
    world.take(&mut member);
    let mut pli = Vec::new();
    crate::rtcp::write_pli(9, 1002, &mut pli);
    for _ in 0..2 {
        world.send_rtcp(&mut member, pli.clone());
        world.pass(Duration::from_millis(100));
    }
    assert_eq!((world.take(&mut member).0.len(), world.stat("beginnings_repeated")), (10, 1));
    assert_eq!(plis(&world.take(&mut host).1), 1, "the second one goes to the publisher");
}

#[test]
fn the_publisher_is_asked_before_the_keys_come_only_where_the_cache_is_empty() {
    for (cached, requests) in [(true, 0), (false, 1)] {
        let mut world = World::new();
        let mut host = world.publish_vp8(&[], &[(555, 556)]);
        world.send(&mut host, video(555, 0, 0), &[], &frame(cached, 0, 0, 80));
        world.take(&mut host);
        invited(&mut world);
        world.pass(Duration::from_millis(1));
        assert_eq!(plis(&world.take(&mut host).1), requests, "cached: {cached}");
    }
}
