//! Paths: ICE restarts, and peers whose address changes.

use std::time::Duration;

use super::*;
use crate::stun;

/// A check of another ICE session of the peer than that of the join, whose ufrag is `far`.
fn check_with(world: &mut World, ufrag: &str, password: &str, from: crate::address::TransportAddress, nominate: bool) {
    let username = format!("{ufrag}:farther");
    let attributes: [(u16, &[u8]); 2] = [(0x0006, username.as_bytes()), (0x0025, b"")];
    let request = stun::request_for_tests(&attributes[..1 + usize::from(nominate)], Some(password.as_bytes()));
    world.receive(from, request);
}

fn restart(world: &mut World, peer: u32, ufrag: &str) {
    world.command(Command::RestartIce { peer, local_ufrag: ufrag.into(), local_pwd: format!("{ufrag}-pwd") });
}

#[test]
fn a_restart_keeps_the_old_path_until_a_pair_is_nominated_with_the_new_credentials() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    let (old, new) = (member.address, udp("10.7.7.7:7"));
    world.send(&mut host, video(555, 1, 0), &[], &frame(true, 1, 1, 50));
    restart(&mut world, 2, "fresh");

    // Both are answered. Media stay where they are: nothing was nominated yet.
    world.take(&mut member);
    world.check(2, old, "p2", true);
    check_with(&mut world, "fresh", "fresh-pwd", new, false);
    assert_eq!(world.stat("ufrags"), 3);
    world.send(&mut host, video(555, 2, 3000), &[], &frame(false, 2, 2, 50));
    assert_eq!(world.take(&mut member).0.len(), 1, "on the old path");

    check_with(&mut world, "fresh", "fresh-pwd", new, true);
    world.send(&mut host, video(555, 3, 6000), &[], &frame(false, 3, 3, 50));
    assert!(world.take(&mut member).0.is_empty());
    member.address = new;
    let got = world.take(&mut member).0;
    assert_eq!(got.len(), 1, "under the same keys and numbers");
    assert_eq!((world.stat("ice_restarts"), world.stat("address_moves"), world.stat("ufrags")), (1, 1, 2));

    // The old credentials have ended, and nobody moves the peer back with them.
    let rejected = world.stat("stun_rejected");
    world.check(2, old, "p2", true);
    assert_eq!(world.stat("stun_rejected"), rejected + 1);
    assert_eq!(world.dtls_goes_to(2), Some(new));
}

#[test]
fn a_restart_by_a_peer_that_stays_with_our_old_credentials_counts_and_leaves_them_good() {
    let mut world = World::new();
    let member = world.subscribe_alone(2);
    let new = udp("10.7.7.7:7");
    world.check(2, member.address, "p2", true);
    // Its new socket is nominated before our answer is there.
    check_with(&mut world, "u2", "p2", new, true);
    assert_eq!((world.stat("ice_restarts"), world.dtls_goes_to(2)), (1, Some(new)));
    restart(&mut world, 2, "fresh");
    check_with(&mut world, "u2", "p2", new, true);
    assert_eq!((world.stat("ice_restarts"), world.stat("ufrags"), world.stat("stun_rejected")), (1, 2, 0));
    // The session with our new credentials is the same one of its own.
    check_with(&mut world, "fresh", "fresh-pwd", new, true);
    assert_eq!((world.stat("ice_restarts"), world.stat("ufrags")), (1, 1));
}

#[test]
fn a_restart_that_is_given_up_for_another_leaves_no_credentials_behind() {
    let mut world = World::new();
    let member = world.subscribe_alone(2);
    for ufrag in ["one", "two", "three"] {
        restart(&mut world, 2, ufrag);
    }
    assert_eq!(world.stat("ufrags"), 2);
    let rejected = world.stat("stun_rejected");
    check_with(&mut world, "one", "one-pwd", member.address, true);
    check_with(&mut world, "three", "one-pwd", member.address, true);
    assert_eq!(world.stat("stun_rejected"), rejected + 2);
    check_with(&mut world, "three", "three-pwd", member.address, true);
    assert_eq!((world.stat("ice_restarts"), world.stat("ufrags")), (1, 1));
    restart(&mut world, 2, "three");
    assert_eq!(world.stat("command_refused"), 1, "a ufrag that is in use");
    restart(&mut world, 77, "nobody");
    assert_eq!(world.stat("unknown_id"), 1);
    restart(&mut world, 2, "four");
    world.command(Command::RemovePeer(2));
    assert_eq!((world.stat("ufrags"), world.stat("addresses")), (0, 0));
}

#[test]
fn a_peer_is_followed_to_where_its_rtcp_comes_from_once_that_address_is_checked() {
    let mut world = World::new();
    let mut member = world.subscribe_alone(2);
    let (old, new) = (member.address, udp("10.0.0.2:6000"));
    let report = || {
        let mut report = Vec::new();
        crate::rtcp::write_receiver_report(5, &[], &mut report);
        report
    };
    world.pass(Duration::from_secs(2));
    member.address = new;
    world.send_rtcp(&mut member, report());
    assert_eq!(world.dtls_goes_to(2), Some(old), "authentic, and yet no address to send to: it passed no check");
    world.check(2, new, "p2", false);
    assert_eq!(world.dtls_goes_to(2), Some(old), "a check alone is what every pair gets");
    world.send_rtcp(&mut member, report());
    assert_eq!(world.dtls_goes_to(2), Some(new));
    member.address = old;
    world.send_rtcp(&mut member, report());
    assert_eq!(world.dtls_goes_to(2), Some(new), "what was still on its way does not move it back");
    world.check(2, old, "p2", true);
    assert_eq!(world.dtls_goes_to(2), Some(old), "a nomination does");
    assert_eq!(world.stat("address_moves"), 2);
}

#[test]
fn answers_and_media_leave_from_the_address_that_was_checked() {
    let mut world = World::new();
    let far = udp("10.0.0.9:1");
    let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|local| far.from_local(Some(local.parse().unwrap())));
    world.command(Command::AddPeer { peer: 9, local_ufrag: "u9".into(), local_pwd: "p9".into(), extensions: ExtensionIds::default() });
    world.check(9, one, "p9", false);
    world.check(9, two, "p9", true);
    assert_eq!(world.wire.0.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [one, one, two, two]);
    assert_eq!(world.dtls_goes_to(9), Some(two), "two addresses of ours are two pairs");
}
