//! The table of connections: accepted, read, written and closed, never waited for.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use plane_core::address::TransportAddress;
use plane_core::framing::Deframer;

use super::connection::Connection;
use super::limits::{Limits, network};
use crate::counters::Counters;
use crate::socket::canonical;

/// Connections accepted in a turn: a few microseconds each, as commands are.
const ACCEPTED_A_TURN: usize = 64;

/// How often connections that are nobody's are looked for, and how long accepting pauses when no descriptor is to be had.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// What was read at once from a connection.
pub(crate) struct Chunk {
    pub(crate) address: TransportAddress,
    /// How many came.
    pub(crate) octets: usize,
    /// Cuts them into frames; to be given back.
    pub(crate) deframer: Deframer,
}

/// All connections of a worker. Tokens from `first_token` on are theirs: the first the listener's, each of the others
/// a connection's number.
pub(crate) struct Connections {
    listener: Option<TcpListener>,
    listening: Token,
    registry: Registry,
    limits: Limits,
    table: HashMap<usize, Connection>,
    by_network: HashMap<IpAddr, usize>,
    last_number: usize,
    /// Connections may wait at the listener.
    acceptable: bool,
    /// Connections that may hold octets, each at most once: those whose `readable` is set.
    readable: VecDeque<usize>,
    /// Connections that failed while something was sent.
    broken: Vec<usize>,
    sweep_at: Option<Instant>,
}

impl Connections {
    /// # Errors
    /// The listener cannot be registered.
    pub(crate) fn new(listener: Option<TcpListener>, registry: Registry, first_token: Token, limits: Limits) -> io::Result<Self> {
        let mut listener = listener;
        if let Some(listener) = &mut listener {
            registry.register(listener, first_token, Interest::READABLE)?;
        }
        Ok(Self {
            listener,
            listening: first_token,
            registry,
            limits,
            table: HashMap::new(),
            by_network: HashMap::new(),
            last_number: first_token.0,
            acceptable: false,
            readable: VecDeque::new(),
            broken: Vec::new(),
            sweep_at: None,
        })
    }

    /// Connections that are open.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether the next turn has something to do at once.
    pub(crate) fn is_busy(&self) -> bool {
        self.acceptable || !self.readable.is_empty() || !self.broken.is_empty()
    }

    /// When [`Connections::take_ended`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.sweep_at
    }

    /// The poll told something.
    pub(crate) fn on_event(&mut self, event: &mio::event::Event) {
        if event.token() == self.listening {
            self.acceptable = true;
            return;
        }
        let number = event.token().0;
        let Some(connection) = self.table.get_mut(&number) else { return };
        if event.is_writable() && connection.flush().is_err() {
            self.broken.push(number);
        } else if (event.is_readable() || event.is_error()) && !mem::replace(&mut connection.readable, true) {
            self.readable.push_back(number);
        }
    }

    /// Accept what waits, up to a turn's share.
    pub(crate) fn accept(&mut self, now: Instant, counters: &mut Counters) {
        for _ in 0..ACCEPTED_A_TURN {
            let Some(listener) = self.listener.as_ref().filter(|_| self.acceptable) else { return };
            match listener.accept() {
                Ok((stream, from)) => self.admit(stream, canonical(from), now, counters),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.acceptable = false,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted || error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    // No descriptor or no memory. Trying on at once would only burn the processor.
                    Counters::add(&mut counters.tcp_accept_errors, 1);
                    self.acceptable = false;
                    self.sweep_within_a_period(now);
                }
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, from: SocketAddr, now: Instant, counters: &mut Counters) {
        let taken = self.insert(stream, from, Deframer::default(), now).is_some();
        Counters::add(if taken { &mut counters.tcp_accepted } else { &mut counters.tcp_refused }, 1);
    }

    /// Take a connection that another worker accepted, with what it has of a frame. `None`, and closed: there are too many.
    pub(crate) fn take_over(
        &mut self, stream: TcpStream, from: SocketAddr, deframer: Deframer, now: Instant, counters: &mut Counters,
    ) -> Option<TransportAddress> {
        let address = self.insert(stream, from, deframer, now);
        Counters::add(if address.is_some() { &mut counters.tcp_taken_over } else { &mut counters.tcp_refused }, 1);
        address
    }

    fn insert(&mut self, mut stream: TcpStream, from: SocketAddr, deframer: Deframer, now: Instant) -> Option<TransportAddress> {
        let of_network = self.by_network.get(&network(from.ip())).copied().unwrap_or(0);
        if self.table.len() >= self.limits.in_all || of_network >= self.limits.of_a_network {
            return None;
        }
        let number = self.last_number.wrapping_add(1);
        let both = Interest::READABLE | Interest::WRITABLE;
        // The poll tells of what the kernel holds already, too.
        self.registry.register(&mut stream, Token(number), both).ok()?;
        let address = TransportAddress::tcp(from, number);
        let connection = Connection::new(stream, address, deframer, now).ok()?;
        self.last_number = number;
        self.table.insert(number, connection);
        self.by_network.insert(network(from.ip()), of_network.saturating_add(1));
        self.sweep_within_a_period(now);
        Some(address)
    }

    fn sweep_within_a_period(&mut self, now: Instant) {
        self.sweep_at = self.sweep_at.or_else(|| now.checked_add(SWEEP_EVERY));
    }

    /// A connection that may hold octets, told once; [`Connections::read_on`] brings it back.
    pub(crate) fn next_readable(&mut self) -> Option<usize> {
        self.readable.pop_front()
    }

    /// Read once into `buffer`. `None`: the kernel holds nothing for now, and the poll tells when it does.
    ///
    /// # Errors
    /// The connection ended or failed, or is closed already.
    pub(crate) fn read(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<Option<Chunk>> {
        let connection = self.table.get_mut(&number).ok_or(io::ErrorKind::NotConnected)?;
        let octets = match connection.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.readable = false;
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        Ok(Some(Chunk { address: connection.address, octets, deframer: mem::take(&mut connection.deframer) }))
    }

    /// A chunk was taken in: its connection comes again, after the others that are readable.
    pub(crate) fn read_on(&mut self, number: usize, deframer: Deframer) {
        if let Some(connection) = self.table.get_mut(&number) {
            connection.deframer = deframer;
            self.readable.push_back(number);
        }
    }

    /// Send `contents` as frames of `segment_size` octets each, the last may be shorter. What finds no room is dropped.
    pub(crate) fn send(&mut self, number: usize, segment_size: usize, contents: &[u8], counters: &mut Counters) {
        let frames = contents.len().div_ceil(segment_size.max(1));
        let Some(connection) = self.table.get_mut(&number) else {
            return Counters::add(&mut counters.tcp_dropped_closed, frames);
        };
        // Where something waits already, the poll tells when the kernel takes more.
        let drained = connection.is_drained();
        let (taken, octets) = connection.queue(segment_size.max(1), contents);
        Counters::add(&mut counters.tcp_frames_sent, taken);
        Counters::add(&mut counters.tcp_octets_sent, octets);
        Counters::add(&mut counters.tcp_dropped_full, frames.saturating_sub(taken));
        if drained && connection.flush().is_err() {
            self.broken.push(number);
        }
    }

    /// Connections that failed while something was sent, and, once a second, those that have been nobody's for too long.
    pub(crate) fn take_ended(&mut self, now: Instant, is_checked: impl Fn(TransportAddress) -> bool) -> Vec<usize> {
        let mut found = mem::take(&mut self.broken);
        if self.sweep_at.is_some_and(|due| due <= now) {
            let overdue = self
                .table
                .iter_mut()
                .filter_map(|(&number, connection)| connection.is_overdue(is_checked(connection.address), now).then_some(number));
            found.extend(overdue);
            // Where accepting had to pause it goes on.
            self.acceptable = self.listener.is_some();
            self.sweep_at = if self.table.is_empty() { None } else { now.checked_add(SWEEP_EVERY) };
        }
        found
    }

    /// Close a connection. Returns the address that is no peer's any more; `None` if it was closed already.
    pub(crate) fn close(&mut self, number: usize, counters: &mut Counters) -> Option<TransportAddress> {
        let (_, address) = self.release(number)?;
        Counters::add(&mut counters.tcp_closed, 1);
        Some(address)
    }

    /// Let go of a connection without closing it.
    pub(crate) fn release(&mut self, number: usize) -> Option<(TcpStream, TransportAddress)> {
        let mut connection = self.table.remove(&number)?;
        // It fails only for what was never registered.
        let _ = self.registry.deregister(&mut connection.stream);
        let network = network(connection.address.socket.ip());
        if let Entry::Occupied(mut count) = self.by_network.entry(network) {
            *count.get_mut() = count.get().saturating_sub(1);
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some((connection.stream, connection.address))
    }
}
