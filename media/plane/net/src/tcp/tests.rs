//! The table against real sockets.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test code: a failed step fails the test")]

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use plane_core::framing::Deframer;

use super::{Connections, Limits};
use crate::counters::Counters;
use crate::port;

struct World {
    poll: Poll,
    connections: Connections,
    counters: Counters,
    address: SocketAddr,
    now: Instant,
}

impl World {
    fn new(limits: Limits) -> Self {
        let poll = Poll::new().unwrap();
        let (socket, listener) = port::bind("127.0.0.1:0".parse().unwrap(), true).unwrap();
        let registry = poll.registry().try_clone().unwrap();
        let connections = Connections::new(listener, registry, Token(0), limits).unwrap();
        Self { poll, connections, counters: Counters::default(), address: socket.address(), now: Instant::now() }
    }

    fn turn(&mut self) {
        let mut events = Events::with_capacity(64);
        self.poll.poll(&mut events, None).unwrap();
        events.iter().for_each(|event| self.connections.on_event(event));
        self.connections.accept(self.now, &mut self.counters);
    }

    /// A client's end, once the connection was accepted or refused.
    fn connect(&mut self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        let before = self.counters.tcp_accepted + self.counters.tcp_refused;
        while self.counters.tcp_accepted + self.counters.tcp_refused == before {
            self.turn();
        }
        client
    }

    /// Close what `take_ended` tells after `time`, where a peer has passed a check on all or on none.
    fn pass(&mut self, time: Duration, checked: bool) -> Vec<usize> {
        self.now += time;
        let ended = self.connections.take_ended(self.now, |_| checked);
        for &number in &ended {
            self.connections.close(number, &mut self.counters).unwrap();
        }
        ended
    }
}

const FEW: Limits = Limits { in_all: 3, of_a_network: 2 };

#[test]
fn connections_beyond_the_limit_are_closed_at_once_and_room_is_given_again() {
    let mut world = World::new(FEW);
    let _kept = [world.connect(), world.connect()];
    let mut refused = world.connect();
    assert_eq!(refused.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!((world.counters.tcp_accepted, world.counters.tcp_refused, world.connections.len()), (2, 1, 2));

    world.connections.close(1, &mut world.counters).unwrap();
    assert_eq!(world.connections.close(1, &mut world.counters), None);
    let _admitted = world.connect();
    assert_eq!((world.counters.tcp_accepted, world.counters.tcp_closed), (3, 1));
}

#[test]
fn a_connection_that_is_nobodys_is_closed_and_a_peers_is_kept() {
    let mut world = World::new(FEW);
    let _client = world.connect();
    assert_eq!(world.connections.deadline(), Some(world.now + Duration::from_secs(1)));
    assert!(world.pass(Duration::from_secs(4), false).is_empty());
    assert!(world.pass(Duration::from_secs(100), true).is_empty());
    // Its peer has ended: from now on it counts anew.
    assert!(world.pass(Duration::from_secs(1), false).is_empty());
    assert!(world.pass(Duration::from_secs(4), false).is_empty());
    assert_eq!(world.pass(Duration::from_secs(1), false), [1]);
    assert!(world.pass(Duration::from_secs(1), false).is_empty());
    assert_eq!((world.connections.len(), world.connections.deadline()), (0, None));
}

#[test]
fn a_peer_that_does_not_read_loses_whole_frames_and_holds_up_nobody() {
    let mut world = World::new(FEW);
    let mut client = world.connect();
    let burst: Vec<u8> = (0..60_u8).flat_map(|frame| [frame; 1_000]).collect();
    while world.counters.tcp_dropped_full == 0 {
        world.connections.send(1, 1_000, &burst, &mut world.counters);
    }
    let taken = world.counters.tcp_frames_sent;
    world.connections.send(1, 1_000, &burst, &mut world.counters);
    assert_eq!(world.counters.tcp_frames_sent, taken, "a full buffer takes nothing");

    let (mut deframer, mut arrived, mut buffer) = (Deframer::default(), 0, [0; 4_000]);
    client.set_nonblocking(true).unwrap();
    while arrived < taken {
        match client.read(&mut buffer) {
            Ok(octets) => deframer
                .feed(buffer.get_mut(..octets).unwrap(), |frame| {
                    assert_eq!(frame.len(), 1_000);
                    assert!(frame.iter().all(|octet| Some(octet) == frame.first()));
                    arrived += 1;
                })
                .unwrap(),
            // What waits is written when the kernel takes more.
            Err(_) => world.turn(),
        }
    }
    world.connections.send(1, 1_000, &burst, &mut world.counters);
    assert_eq!(world.counters.tcp_frames_sent, taken + 60);
    world.connections.send(9, 1_000, &burst, &mut world.counters);
    assert_eq!(world.counters.tcp_dropped_closed, 60);
}
