//! TCP: the two real connections of one connection through the link.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::link::{Flow, Link};
use crate::packet_log::Way;
use crate::tcp::Effect;
use crate::time::Nanos;

/// Octets that wait for the link before no more are read.
const MOST_BACKLOG: usize = 256 << 10;
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// One real connection; the link's way up begins at the client's and ends at the server's.
struct End {
    stream: TcpStream,
    connected: bool,
    readable: bool,
    /// Read to the end.
    ended: bool,
    /// To be written.
    waiting: VecDeque<u8>,
    finish: bool,
    finished: bool,
}

/// A connection through the link.
pub struct Stream {
    flow: Flow,
    target: SocketAddr,
    server_token: Token,
    opened: bool,
    client: End,
    server: Option<End>,
    broken: bool,
    over: bool,
}

impl Stream {
    /// A client has come.
    pub fn accept(flow: Flow, mut stream: TcpStream, target: SocketAddr, registry: &Registry, tokens: (Token, Token)) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        registry.register(&mut stream, tokens.0, BOTH)?;
        let client = End { connected: true, ..End::new(stream) };
        Ok(Self { flow, target, server_token: tokens.1, opened: false, client, server: None, broken: false, over: false })
    }

    /// Something happened at the end where this way begins.
    pub fn ready(&mut self, from: Way, link: &mut Link, now: Nanos) {
        if from == Way::Up {
            self.client.readable = true;
        } else if let Some(server) = &mut self.server {
            server.readable = true;
            if !server.connected && server.is_connected() {
                server.connected = true;
                link.connection(now, self.flow, |connection, send| connection.accepted(send));
            } else if !server.connected && server.has_failed() {
                self.broke(Way::Down, link, now);
            }
        }
        self.pump(link, now);
    }

    /// Carry out what the link wants.
    pub fn apply(&mut self, effect: Effect, registry: &Registry, link: &mut Link, now: Nanos) {
        match effect {
            Effect::Connect => match connect(self.target, registry, self.server_token) {
                Ok(stream) => self.server = Some(End::new(stream)),
                Err(_) => self.broke(Way::Down, link, now),
            },
            Effect::Opened => self.opened = true,
            Effect::Deliver(way, octets) => {
                if let Some(end) = self.end_of(way) {
                    end.waiting.extend(octets);
                }
            }
            Effect::Finish(way) => {
                if let Some(end) = self.end_of(way) {
                    end.finish = true;
                }
            }
            Effect::Abort => self.abort(),
        }
        self.pump(link, now);
    }

    /// Move what can be moved.
    pub fn pump(&mut self, link: &mut Link, now: Nanos) {
        for way in [Way::Up, Way::Down] {
            if self.opened && !self.broken && !self.over && self.move_in(way, link, now).is_err() | self.move_out(way, link, now).is_err() {
                self.broke(way, link, now);
            }
        }
        let ended = |end: &End| end.ended && end.finished;
        self.over |= ended(&self.client) && self.server.as_ref().is_some_and(ended);
    }

    /// Nothing more happens here.
    pub fn over(&self) -> bool {
        self.over
    }

    /// From a real connection into the link.
    fn move_in(&mut self, way: Way, link: &mut Link, now: Nanos) -> io::Result<()> {
        let flow = self.flow;
        let Some(end) = self.end_of(way.back()).filter(|end| end.connected && !end.ended) else { return Ok(()) };
        let mut buffer = [0; 16 << 10];
        while end.readable
            && link.connection(now, flow, |connection, _| connection.backlog(way)).is_some_and(|backlog| backlog < MOST_BACKLOG)
        {
            match end.stream.read(&mut buffer) {
                Ok(length) => {
                    end.ended = length == 0;
                    end.readable = length != 0;
                    let octets = buffer.get(..length).filter(|octets| !octets.is_empty());
                    link.connection(now, flow, |connection, send| connection.write(now, way, octets, send));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => end.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// From the link into a real connection.
    fn move_out(&mut self, way: Way, link: &mut Link, now: Nanos) -> io::Result<()> {
        let flow = self.flow;
        let Some(end) = self.end_of(way).filter(|end| end.connected) else { return Ok(()) };
        while !end.waiting.is_empty() {
            match end.stream.write(end.waiting.as_slices().0) {
                Ok(length) => drop(end.waiting.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if end.finish && !end.finished && end.waiting.is_empty() {
            end.finished = true;
            end.stream.shutdown(Shutdown::Write)?;
        }
        let unread = end.waiting.len();
        link.connection(now, flow, |connection, send| connection.unread(now, way, unread, send));
        Ok(())
    }

    /// The end where this way begins broke off; the other end hears of it over the link.
    fn broke(&mut self, from: Way, link: &mut Link, now: Nanos) {
        if !std::mem::replace(&mut self.broken, true) {
            link.connection(now, self.flow, |connection, send| connection.broke(from, send));
        }
    }

    /// Close both with a reset, as it would come from the other side.
    fn abort(&mut self) {
        for end in [Some(&self.client), self.server.as_ref()].into_iter().flatten() {
            // It is closed in any case; without this politely.
            drop(socket2::SockRef::from(&end.stream).set_linger(Some(std::time::Duration::ZERO)));
        }
        self.over = true;
    }

    /// Where this way leads.
    fn end_of(&mut self, way: Way) -> Option<&mut End> {
        match way {
            Way::Up => self.server.as_mut(),
            Way::Down => Some(&mut self.client),
        }
    }
}

impl End {
    fn new(stream: TcpStream) -> Self {
        Self { stream, connected: false, readable: false, ended: false, waiting: VecDeque::new(), finish: false, finished: false }
    }

    fn is_connected(&self) -> bool {
        self.stream.peer_addr().is_ok()
    }

    fn has_failed(&self) -> bool {
        self.stream.take_error().is_ok_and(|error| error.is_some())
    }
}

fn connect(target: SocketAddr, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    registry.register(&mut stream, token, BOTH)?;
    Ok(stream)
}
