//! What one peer may make the engine do, and commands that must not be carried out.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may panic")]

use plane_core::address::TransportAddress;
use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Role, Wire};
use plane_core::command::{Command, ExtensionIds};
use plane_core::engine::{Config, Engine};
use plane_core::srtp::Profile;

struct World {
    engine: Engine,
    now: Instant,
    wire: Wire,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        Self { engine: Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7), now, wire: Wire::default() }
    }

    fn stat(&self, name: &str) -> u64 {
        self.engine.stats().into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn command(&mut self, command: Command) {
        self.engine.handle(command, self.now, &mut self.wire);
    }

    fn add(&mut self, peer: u32) -> Client {
        let client = Client::new(peer, TransportAddress::udp(([10, 0, 0, 1], 5000).into()), Profile::AeadAes128Gcm, peer.into());
        client.commands(ExtensionIds::default()).into_iter().for_each(|command| self.command(command));
        client
    }

    /// Octets sent in answer to a datagram.
    fn answer(&mut self, from: TransportAddress, datagram: &[u8]) -> usize {
        self.engine.receive(self.now, from, &mut datagram.to_vec(), &mut self.wire);
        self.wire.take(from).iter().map(Vec::len).sum()
    }

    fn add_sink(&mut self, sink: u32, ssrc: u32, rtx_ssrc: u32) -> u64 {
        let before = self.stat("command_refused");
        self.command(Command::AddSink { sink, peer: 1, mid: "0".into(), ssrc, rtx_ssrc, cname: "c".into(), codecs: vec![] });
        self.stat("command_refused") - before
    }
}

#[test]
fn a_browser_with_eight_candidates_never_notices_the_limit() {
    let mut world = World::new();
    let client = world.add(1);
    let end = world.now + Duration::from_secs(600);
    // Every 20 ms until nominated after three seconds, from each address in turn; then on each of them every 2.5 s.
    let mut checks = 0;
    while world.now < end {
        let joining = checks < 150;
        let from = TransportAddress::udp(([10, 0, 0, (checks % 8) as u8], 5000).into());
        assert!(world.answer(from, &client.check(Role::Controlling)) > 0, "check {checks}");
        world.now += Duration::from_millis(if joining { 20 } else { 2500 / 8 });
        checks += 1;
    }
    assert_eq!(world.stat("stun_limited"), 0);
}

#[test]
fn credentials_answer_to_few_however_many_addresses_are_forged() {
    let mut world = World::new();
    let client = world.add(1);
    let check = client.check(Role::Controlling);
    let (mut asked, mut answered) = (0, 0);
    for round in 0..10_000_u32 {
        let [_, _, high, low] = round.to_be_bytes();
        asked += check.len();
        answered += world.answer(TransportAddress::udp(([172, 16, high, low], 9).into()), &check);
        world.now += Duration::from_micros(100);
    }
    assert_eq!(world.stat("stun_answered") + world.stat("stun_limited"), 10_000);
    assert!(world.stat("stun_answered") <= 100 + 50, "in one second");
    assert!(answered * 50 < asked && world.stat("addresses") <= 16);
    // Another member is answered all the while.
    let other = world.add(2);
    assert!(world.answer(other.address, &other.check(Role::Nominating)) > 0);
}

#[test]
fn checks_with_a_wrong_password_spend_nothing() {
    let mut world = World::new();
    let client = world.add(1);
    let mut wrong = client.check(Role::Controlling);
    // FINGERPRINT is the last 8 octets, MESSAGE-INTEGRITY before it: without the former the latter alone is wrong.
    wrong.truncate(wrong.len() - 8);
    let length = u16::try_from(wrong.len() - 20).unwrap().to_be_bytes();
    wrong.splice(2..4, length);
    *wrong.last_mut().unwrap() ^= 1;
    (0..1000).for_each(|_| assert_eq!(world.answer(client.address, &wrong), 0));
    assert_eq!((world.stat("stun_rejected"), world.stat("stun_limited")), (1000, 0));
    assert!(world.answer(client.address, &client.check(Role::Controlling)) > 0);
}

#[test]
fn a_peer_that_floods_dtls_is_handed_up_only_so_much() {
    let mut world = World::new();
    let client = world.add(1);
    world.answer(client.address, &client.check(Role::Nominating));
    for _ in 0..5000 {
        world.answer(client.address, &[22; 40]);
    }
    assert_eq!((world.stat("dtls_received"), world.stat("dropped_dtls_limited")), (128, 5000 - 128));
    assert_eq!(std::iter::from_fn(|| world.engine.next_event()).count(), 1 + 128);
    world.now += Duration::from_secs(1);
    world.answer(client.address, &[22; 40]);
    assert_eq!(world.stat("dtls_received"), 129);
}

#[test]
fn no_key_and_no_ssrc_begins_a_second_time() {
    let mut world = World::new();
    let client = world.add(1);
    let [again, keys] = client.commands(ExtensionIds::default());
    world.command(again);
    world.command(keys);
    assert_eq!((world.stat("command_refused"), world.stat("peers")), (2, 1));
    assert_eq!(world.add_sink(1, 100, 101), 0);
    world.command(Command::RemoveSink(1));
    assert_eq!(world.add_sink(2, 100, 0), 1, "used before");
    assert_eq!(world.add_sink(2, 102, 101), 1, "used before for retransmissions");
    assert_eq!(world.add_sink(2, 102, 102), 1, "one stream of two kinds");
    assert_eq!(world.add_sink(2, 102, 0), 0);
    assert_eq!(world.add_sink(3, 103, 0), 0, "no retransmissions is no SSRC");
    world.command(Command::RemovePeer(1));
    world.add(1);
    assert_eq!(world.add_sink(4, 100, 101), 0, "another peer, other keys");
}
