//! Two paths with datagrams and connections on them.

use std::collections::{BTreeMap, VecDeque};

use crate::config::PathConfig;
use crate::demux::{Kind, Label};
use crate::packet_log::Way;
use crate::path::{Packet, Path};
use crate::tcp::{Connection, Effect, TcpPacket};
use crate::time::Nanos;

/// IPv4 and UDP.
pub const UDP_HEADERS: usize = 28;

/// A client's address at a listener, or a connection.
pub type Flow = u16;

/// What a packet on a path carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// By UDP.
    Datagram(Vec<u8>),
    /// By TCP.
    Tcp(TcpPacket),
}

/// What is to be done at the ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a datagram to where its way leads; it was due at that moment.
    Datagram(Flow, Way, Nanos, Vec<u8>),
    /// For a connection.
    Tcp(Flow, Effect),
}

/// A link. Time never goes back from call to call; after each, `outputs` may have more.
pub struct Link {
    paths: [Path<Content>; 2],
    connections: BTreeMap<Flow, (Connection, Nanos)>,
    /// To be carried out, in order.
    pub outputs: VecDeque<Output>,
}

impl Link {
    /// An idle link; both directions draw from streams of their own.
    ///
    /// # Errors
    /// A configuration does not hold; why, in words.
    pub fn new(up: PathConfig, down: PathConfig, seed: u64, now: Nanos) -> Result<Self, String> {
        let paths = [Path::new(up, seed.wrapping_mul(2), now)?, Path::new(down, seed.wrapping_mul(2).wrapping_add(1), now)?];
        Ok(Self { paths, connections: BTreeMap::new(), outputs: VecDeque::new() })
    }

    /// One direction, to change or to look at.
    pub fn path(&mut self, way: Way) -> &mut Path<Content> {
        &mut self.paths[way as usize]
    }

    /// A datagram has come in; `extra_delay` is that of its flow.
    pub fn datagram(&mut self, now: Nanos, flow: Flow, way: Way, extra_delay: Nanos, octets: Vec<u8>) {
        self.run(now);
        let label = Label::of(flow, &octets);
        let packet = Packet { octets: octets.len() + UDP_HEADERS, extra_delay, label, content: Content::Datagram(octets) };
        self.path(way).push(now, packet);
        self.run(now);
    }

    /// A client wants a connection.
    pub fn open(&mut self, now: Nanos, flow: Flow, extra_delay: Nanos) {
        self.run(now);
        let connection = Connection::open(now, &mut sender(&mut self.paths, now, flow, extra_delay));
        self.connections.insert(flow, (connection, extra_delay));
        self.run(now);
    }

    /// Tell a connection something; `None` when it is over.
    pub fn connection<R>(
        &mut self, now: Nanos, flow: Flow, tell: impl FnOnce(&mut Connection, &mut dyn FnMut(Way, TcpPacket)) -> R,
    ) -> Option<R> {
        self.run(now);
        let (connection, extra_delay) = self.connections.get_mut(&flow)?;
        let result = tell(connection, &mut sender(&mut self.paths, now, flow, *extra_delay));
        self.run(now);
        Some(result)
    }

    /// Forget a connection; what is under way for it leads nowhere.
    pub fn forget(&mut self, flow: Flow) {
        self.connections.remove(&flow);
    }

    /// Carry out all that is due by now, each thing at its own moment.
    pub fn run(&mut self, now: Nanos) {
        while let Some(at) = self.next_at().filter(|at| *at <= now) {
            for way in [Way::Up, Way::Down] {
                while let Some((due, packet)) = self.path(way).pop(at) {
                    self.arrived(due, way, packet);
                }
            }
            self.run_timers(at);
        }
    }

    /// When `run` is to be called.
    #[must_use]
    pub fn next_at(&self) -> Option<Nanos> {
        let timers = self.connections.values().filter_map(|(connection, _)| connection.timer());
        self.paths.iter().filter_map(Path::next_at).chain(timers).min()
    }

    fn arrived(&mut self, at: Nanos, way: Way, packet: Packet<Content>) {
        let flow = packet.label.flow;
        match packet.content {
            Content::Datagram(octets) => self.outputs.push_back(Output::Datagram(flow, way, at, octets)),
            Content::Tcp(packet) => {
                let Some((connection, extra_delay)) = self.connections.get_mut(&flow) else { return };
                let effects = connection.receive(at, way, packet, &mut sender(&mut self.paths, at, flow, *extra_delay));
                self.outputs.extend(effects.into_iter().map(|effect| Output::Tcp(flow, effect)));
            }
        }
    }

    fn run_timers(&mut self, at: Nanos) {
        for (flow, (connection, extra_delay)) in &mut self.connections {
            if connection.timer().is_some_and(|timer| timer <= at) {
                let effects = connection.timed_out(at, &mut sender(&mut self.paths, at, *flow, *extra_delay));
                self.outputs.extend(effects.into_iter().map(|effect| Output::Tcp(*flow, effect)));
            }
        }
    }
}

/// Puts a connection's packets on the paths.
fn sender(paths: &mut [Path<Content>; 2], now: Nanos, flow: Flow, extra_delay: Nanos) -> impl FnMut(Way, TcpPacket) {
    move |way, packet| {
        let (kind, sequence) = match &packet {
            TcpPacket::Syn | TcpPacket::SynAck => (Kind::TcpOpen, 0),
            TcpPacket::Reset => (Kind::TcpReset, 0),
            TcpPacket::Data(segment) => (Kind::TcpData, segment.index as u16),
            TcpPacket::Ack(told) => (Kind::TcpAck, told.next as u16),
        };
        let label = Label { flow, kind, sequence, ..Label::default() };
        paths[way as usize].push(now, Packet { octets: packet.octets(), extra_delay, label, content: Content::Tcp(packet) });
    }
}
