//! Peers that come and go leave nothing behind.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may panic")]

use plane_core::address::TransportAddress;
use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Role, Wire};
use plane_core::command::{Codec, Command, ExtensionIds, MediaKind};
use plane_core::engine::{Config, Engine};
use plane_core::rtp::Fields;
use plane_core::srtp::Profile;

const ROUNDS: u32 = 10_000;
const GAUGES: [&str; 6] = ["peers", "sources", "sinks", "addresses", "ufrags", "ids"];

fn vp8() -> Vec<Codec> {
    vec![Codec { name: "VP8".into(), payload_type: 96, clock_rate: 90_000, rtx_payload_type: Some(97) }]
}

fn gauges(engine: &Engine) -> Vec<u64> {
    let stats = engine.stats();
    GAUGES.iter().map(|gauge| stats.iter().find(|(name, _)| name == gauge).unwrap().1).collect()
}

struct World {
    engine: Engine,
    now: Instant,
    wire: Wire,
}

impl World {
    fn command(&mut self, command: Command) {
        self.engine.handle(command, self.now, &mut self.wire);
    }

    fn receive(&mut self, client: &Client, mut datagram: Vec<u8>) {
        self.engine.receive(self.now, client.address, &mut datagram, &mut self.wire);
    }

    /// A peer with two addresses that were checked, the second of them nominated.
    fn join(&mut self, peer: u32) -> Client {
        let [high, low, ..] = peer.to_be_bytes();
        let [.., third, fourth] = peer.to_be_bytes();
        let mut client =
            Client::new(peer, TransportAddress::udp(([10, high | low, third, fourth], 4000).into()), Profile::AeadAes128Gcm, peer.into());
        let [add, keys] = client.commands(ExtensionIds { mid: 4, transport_cc: 3, ..ExtensionIds::default() });
        self.command(add);
        self.receive(&client, client.check(Role::Controlling));
        client.address.socket.set_port(5000);
        self.receive(&client, client.check(Role::Nominating));
        self.command(keys);
        client
    }

    /// A host publishes, a member watches; both leave, by turns in one way or another.
    fn round(&mut self, round: u32) {
        let (host, member) = (self.join(2 * round), self.join(2 * round + 1));
        let (source, sink) = (round + 1, round + 1);
        let peer = host.peer;
        self.command(Command::AddSource {
            source,
            peer,
            kind: MediaKind::Video,
            mid: "0".into(),
            codecs: vp8(),
            rids: vec![],
            ssrcs: vec![(5, 6)],
        });
        let (peer, ssrc) = (member.peer, 7);
        self.command(Command::AddSink { sink, peer, mid: "1".into(), ssrc, rtx_ssrc: 8, cname: "c".into(), codecs: vp8() });
        self.command(Command::Route { sink, source: Some(source), encoding: 0, spatial: None, temporal: None });
        self.wire.sent.clear();
        let fields = Fields { marker: true, payload_type: 96, ssrc: 5, ..Fields::default() };
        self.receive(&host, host.rtp(&fields, i64::from(round % 60_000), &[(3, &[0, 1])], &[0x10, 0, 0, 0, 0x9D]));
        self.engine.flush(self.now, &mut self.wire);
        assert_eq!(self.wire.take(member.address).len(), 1);
        match round % 4 {
            0 => self.command(Command::RemoveSource(source)),
            1 => self.command(Command::RemoveSink(sink)),
            2 => self.command(Command::Route { sink, source: None, encoding: 0, spatial: None, temporal: None }),
            _ => {}
        }
        let order = if round.is_multiple_of(2) { [host.peer, member.peer] } else { [member.peer, host.peer] };
        order.into_iter().for_each(|peer| self.command(Command::RemovePeer(peer)));
        while self.engine.next_event().is_some() {}
    }
}

#[test]
fn ten_thousand_rounds_of_joining_and_leaving_leave_no_entry_behind() {
    let now = Instant::now();
    let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
    let engine = Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7);
    let mut world = World { engine, now, wire: Wire::default() };
    for round in 0..ROUNDS {
        world.round(round);
        assert_eq!(gauges(&world.engine), [0; GAUGES.len()], "after round {round}");
        world.now += Duration::from_millis(100);
        world.engine.timeout(world.now, &mut world.wire);
    }
    world.wire.sent.clear();
    assert!(world.engine.snapshot().is_empty());
    // What is left are the timers that always run: nothing that left is still asked for anything.
    world.now += Duration::from_secs(60);
    world.engine.timeout(world.now, &mut world.wire);
    assert!(world.wire.sent.is_empty() && world.engine.next_event().is_none());
}
