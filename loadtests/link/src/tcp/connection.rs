//! One connection: opened over the link, then two streams.

use crate::packet_log::Way;
use crate::tcp::{Acknowledgement, HEADERS, Receiver, Segment, Sender};
use crate::time::{Nanos, SECOND};

/// First wait for an answer to SYN (RFC 6298 section 2.1), doubled each time.
const OPEN_TIMEOUT: Nanos = SECOND;
/// As many SYNs as Linux sends.
const MOST_ATTEMPTS: u32 = 7;
/// Octets that the far end may leave unread.
const RECEIVE_WINDOW: usize = 1 << 20;

/// What goes over the link for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpPacket {
    /// The client asks for a connection.
    Syn,
    /// The server grants it.
    SynAck,
    /// The server refuses, or one side broke off.
    Reset,
    /// Octets.
    Data(Segment),
    /// What has come.
    Ack(Acknowledgement),
}

impl TcpPacket {
    /// On the wire.
    #[must_use]
    pub fn octets(&self) -> usize {
        HEADERS + if let Self::Data(segment) = self { segment.payload.len() } else { 0 }
    }
}

/// What is to be done at the ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the connection to the server.
    Connect,
    /// Begin reading from the client: for it the connection stands.
    Opened,
    /// Hand octets over to the end that this way leads to.
    Deliver(Way, Vec<u8>),
    /// That end gets no more octets.
    Finish(Way),
    /// Break both ends off.
    Abort,
}

#[derive(Debug)]
enum Opening {
    /// SYN is on its way for the nth time, until then.
    Asked(u32, Nanos),
    Done,
}

/// A connection through the link. Each call returns packets by way through `send`.
#[derive(Debug)]
pub struct Connection {
    opening: Opening,
    connecting: bool,
    accepted: bool,
    /// By [`Way`]: the octets that go up, the octets that go down.
    senders: [Sender; 2],
    receivers: [Receiver; 2],
    /// Octets that the end of each way has not read.
    unread: [usize; 2],
}

impl Connection {
    /// The client has asked for it.
    pub fn open(now: Nanos, send: &mut dyn FnMut(Way, TcpPacket)) -> Self {
        send(Way::Up, TcpPacket::Syn);
        Self {
            opening: Opening::Asked(1, now + OPEN_TIMEOUT),
            connecting: false,
            accepted: false,
            senders: [Sender::default(), Sender::default()],
            receivers: [Receiver::default(), Receiver::default()],
            unread: [0; 2],
        }
    }

    /// The server's side is there.
    pub fn accepted(&mut self, send: &mut dyn FnMut(Way, TcpPacket)) {
        self.accepted = true;
        send(Way::Down, TcpPacket::SynAck);
    }

    /// An end broke off, or the server refused: the other end hears of it over the link.
    pub fn broke(&mut self, from: Way, send: &mut dyn FnMut(Way, TcpPacket)) {
        send(from, TcpPacket::Reset);
    }

    /// Octets to go this way; none: no more will come.
    pub fn write(&mut self, now: Nanos, way: Way, octets: Option<&[u8]>, send: &mut dyn FnMut(Way, TcpPacket)) {
        let sender = &mut self.senders[way as usize];
        match octets {
            Some(octets) => sender.write(octets),
            None => sender.end(),
        }
        self.transmit(now, way, send);
    }

    /// The end of this way has so many octets unread.
    pub fn unread(&mut self, now: Nanos, way: Way, octets: usize, send: &mut dyn FnMut(Way, TcpPacket)) {
        self.unread[way as usize] = octets;
        self.transmit(now, way, send);
    }

    /// Octets written for this way that have not been sent yet.
    #[must_use]
    pub fn backlog(&self, way: Way) -> usize {
        self.senders[way as usize].backlog()
    }

    /// A packet came out of the link.
    pub fn receive(&mut self, now: Nanos, way: Way, packet: TcpPacket, send: &mut dyn FnMut(Way, TcpPacket)) -> Vec<Effect> {
        match packet {
            TcpPacket::Syn if self.accepted => send(Way::Down, TcpPacket::SynAck),
            TcpPacket::Syn if self.connecting => {}
            TcpPacket::Syn => {
                self.connecting = true;
                return vec![Effect::Connect];
            }
            TcpPacket::SynAck if matches!(self.opening, Opening::Asked(..)) => {
                self.opening = Opening::Done;
                return vec![Effect::Opened];
            }
            TcpPacket::SynAck => {}
            TcpPacket::Reset => return vec![Effect::Abort],
            TcpPacket::Data(segment) => return self.receive_data(way, segment, send),
            TcpPacket::Ack(told) => {
                self.senders[way.back() as usize].acknowledged(now, &told);
                self.transmit(now, way.back(), send);
            }
        }
        Vec::new()
    }

    /// When `timed_out` is to be called.
    #[must_use]
    pub fn timer(&self) -> Option<Nanos> {
        let opening = if let Opening::Asked(_, until) = self.opening { Some(until) } else { None };
        self.senders.iter().map(Sender::timer).chain([opening]).flatten().min()
    }

    /// Time has passed.
    pub fn timed_out(&mut self, now: Nanos, send: &mut dyn FnMut(Way, TcpPacket)) -> Vec<Effect> {
        if let Opening::Asked(attempts, until) = self.opening
            && until <= now
        {
            if attempts == MOST_ATTEMPTS {
                return vec![Effect::Abort];
            }
            self.opening = Opening::Asked(attempts + 1, now + (OPEN_TIMEOUT << attempts));
            send(Way::Up, TcpPacket::Syn);
        }
        for way in [Way::Up, Way::Down] {
            if self.senders[way as usize].timer().is_some_and(|timer| timer <= now) {
                self.senders[way as usize].timed_out(now);
                self.transmit(now, way, send);
            }
        }
        Vec::new()
    }

    fn receive_data(&mut self, way: Way, segment: Segment, send: &mut dyn FnMut(Way, TcpPacket)) -> Vec<Effect> {
        let (index, receiver) = (segment.index, &mut self.receivers[way as usize]);
        let before = receiver.ended();
        let octets = receiver.receive(segment);
        send(way.back(), TcpPacket::Ack(receiver.acknowledgement(index)));
        let mut effects = Vec::new();
        if !octets.is_empty() {
            effects.push(Effect::Deliver(way, octets));
        }
        if receiver.ended() && !before {
            effects.push(Effect::Finish(way));
        }
        effects
    }

    fn transmit(&mut self, now: Nanos, way: Way, send: &mut dyn FnMut(Way, TcpPacket)) {
        while self.unread[way as usize] < RECEIVE_WINDOW {
            let Some(segment) = self.senders[way as usize].transmit(now) else { return };
            send(way, TcpPacket::Data(segment));
        }
    }
}
