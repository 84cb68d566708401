//! Tickets: who is answered without having been announced.

use super::super::tickets::mint;
use super::*;
use crate::address::TransportAddress;
use crate::stun;

const KEY: [u8; 32] = [3; 32];
const NOW_S: u32 = 1_700_000_000;

fn world() -> World {
    let mut world = World::new();
    world.command(Command::AcceptTickets { key: KEY });
    world
}

fn ask(world: &mut World, from: TransportAddress, ufrag: &str, password: &str) -> bool {
    let username = format!("{ufrag}:far");
    let before = world.stat("stun_answered");
    world.receive(from, stun::request_for_tests(&[(0x0006, username.as_bytes())], Some(password.as_bytes())));
    world.stat("stun_answered") > before
}

fn add(world: &mut World, peer: u32, ufrag: &str, password: &str) {
    let (local_ufrag, local_pwd) = (ufrag.to_owned(), password.to_owned());
    world.command(Command::AddPeer { peer, local_ufrag, local_pwd, extensions: ExtensionIds::default() });
}

#[test]
fn a_ticket_is_answered_at_once_and_claimed_under_the_callers_id() {
    let mut world = world();
    let from = udp("10.0.0.9:5000");
    let (ufrag, password) = mint(&KEY, NOW_S + 60, *b"noncenon");
    assert!(ask(&mut world, from, &ufrag, &password));
    let events = world.events();
    assert!(
        matches!(&events[..], [Event::Ticket { peer, ufrag: told, address }] if *peer >= 1 << 31 && *told == ufrag && *address == from),
        "{events:?}"
    );
    assert!(ask(&mut world, from, &ufrag, &password), "checks go on");
    add(&mut world, 7, &ufrag, &password);
    assert_eq!(world.events(), [Event::Connected { peer: 7, address: from }]);
    assert_eq!(world.dtls_goes_to(7), Some(from));
    world.receive(from, vec![22; 30]);
    assert_eq!(world.events(), [Event::Dtls { peer: 7, datagram: vec![22; 30] }]);
    assert_eq!((world.stat("peers"), world.stat("ids"), world.stat("command_refused")), (1, 1, 0));
}

#[test]
fn a_ticket_is_taken_once() {
    let mut world = world();
    let (ufrag, password) = mint(&KEY, NOW_S + 60, [1; 8]);
    assert!(ask(&mut world, udp("10.0.0.9:5000"), &ufrag, &password));
    add(&mut world, 7, &ufrag, &password);
    world.command(Command::RemovePeer(7));
    assert!(!ask(&mut world, udp("10.0.0.9:5001"), &ufrag, &password));
    let (ufrag, password) = mint(&KEY, NOW_S + 60, [2; 8]);
    add(&mut world, 8, &ufrag, &password);
    world.command(Command::RemovePeer(8));
    assert!(!ask(&mut world, udp("10.0.0.9:5002"), &ufrag, &password), "a peer that was added with it has used it too");
    assert_eq!((world.stat("tickets_spent"), world.stat("peers")), (2, 0));
}

#[test]
fn what_is_wrong_with_a_ticket_is_counted_and_not_answered() {
    let mut world = world();
    let from = udp("10.0.0.9:5000");
    let (ufrag, password) = mint(&KEY, NOW_S + 60, [1; 8]);
    let forged = mint(&[4; 32], NOW_S + 60, [1; 8]);
    assert!(!ask(&mut world, from, &forged.0, &forged.1));
    let flipped = ufrag.replacen('0', "1", 1);
    assert!(!ask(&mut world, from, &flipped, &password));
    let expired = mint(&KEY, NOW_S, [1; 8]);
    assert!(!ask(&mut world, from, &expired.0, &expired.1));
    assert!(!ask(&mut world, from, &ufrag, "wrong"));
    assert!(!ask(&mut world, from, &ufrag.to_uppercase(), &password));
    assert!(!ask(&mut world, from, &ufrag[2..], &password));
    assert_eq!((world.stat("tickets_forged"), world.stat("tickets_expired"), world.stat("tickets_wrong_password")), (1, 1, 1));
    assert_eq!(world.stat("stun_rejected"), 3);
    assert!(world.wire.0.is_empty() && world.events().is_empty() && world.stat("peers") == 0);
    assert!(ask(&mut world, from, &ufrag, &password), "wrong attempts do not use it up");
}

#[test]
fn without_a_key_there_are_no_tickets() {
    let mut world = World::new();
    let (ufrag, password) = mint(&KEY, NOW_S + 60, [1; 8]);
    assert!(!ask(&mut world, udp("10.0.0.9:5000"), &ufrag, &password));
    assert_eq!(world.stat("stun_rejected"), 1);
}

#[test]
fn a_burst_is_bounded_and_what_nobody_claims_is_forgotten() {
    let mut world = world();
    let mut nonces = 0_u64..;
    let mut burst = |world: &mut World| {
        for nonce in nonces.by_ref().take(600) {
            let (ufrag, password) = mint(&KEY, NOW_S + 60, nonce.to_be_bytes());
            ask(world, udp(&format!("10.0.{}.{}:5000", nonce / 250, nonce % 250)), &ufrag, &password);
        }
    };
    burst(&mut world);
    assert_eq!((world.stat("tickets_taken"), world.stat("tickets_limited")), (400, 200));
    world.pass(Duration::from_secs(2));
    burst(&mut world);
    assert_eq!((world.stat("tickets_taken"), world.stat("peers")), (512, 512), "so many at once");
    world.pass(Duration::from_secs(7));
    assert_eq!((world.stat("peers"), world.stat("addresses"), world.stat("ufrags")), (0, 0, 0));
    burst(&mut world);
    assert_eq!(world.stat("tickets_taken"), 912, "and then there is room again");
}
