//! The worker: one thread that owns the media port and an engine, and turns until it is told to close.

mod alarm;
mod parcels;
mod streams;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mio::net::TcpListener;
use mio::{Interest, Poll, Token};
use plane_core::engine::{self, Engine};

use crate::counters::Counters;
use crate::events::EventQueue;
use crate::links::Links;
use crate::mailbox::{self, Inbox, Mailbox, Message, Stats};
use crate::receive::{Backlog, Receiver};
use crate::send::Sender;
use crate::socket::Socket;
use crate::tcp::{Connections, Limits};
use alarm::Alarm;
use streams::Chunks;

const SOCKET: Token = Token(0);
const MAILBOX: Token = Token(1);
/// The listener's; the connections' are above.
const LISTENER: Token = Token(2);
const ALARM: Token = Token(usize::MAX);

/// Messages carried out in a turn. Each is a few microseconds, so media wait under a millisecond for a crowd that joins.
const MESSAGES_A_TURN: usize = 128;

/// After this long a turn stops receiving, although more may wait. It is a time and not a number of datagrams because a
/// datagram costs what its subscribers cost; 2 ms keeps answers to the owner and timers well below a frame.
const RECEIVE_A_TURN: Duration = Duration::from_millis(2);

/// Whether the worker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Continue,
    Close,
}

/// A worker that has not begun or has ended its turns.
pub(crate) struct Worker {
    poll: Poll,
    alarm: Alarm,
    socket: Arc<Socket>,
    receiver: Receiver,
    chunks: Chunks,
    sender: Sender,
    engine: Engine,
    inbox: Inbox,
    events: Arc<EventQueue>,
    /// The socket may hold datagrams. The poll tells of arrivals only, so this is kept until the socket was found empty.
    readable: bool,
    /// The inbox may hold messages, likewise.
    messages_wait: bool,
    /// It may hold parcels, likewise; never where the worker is alone.
    parcels_wait: bool,
}

impl Worker {
    /// Prepare one of `workers` for the media port: `socket`, and `listener` where it takes connections. Its turns begin with
    /// [`Worker::run`].
    pub(crate) fn new(
        mut socket: Socket, listener: Option<TcpListener>, config: engine::Config, events: Arc<EventQueue>, workers: usize,
    ) -> io::Result<(Self, Mailbox)> {
        let poll = Poll::new()?;
        let (mailbox, inbox) = mailbox::mailbox(poll.registry(), MAILBOX)?;
        poll.registry().register(socket.source(), SOCKET, Interest::READABLE)?;
        let connections = Connections::new(listener, poll.registry().try_clone()?, LISTENER, Limits::of_this_process().shared_by(workers))?;
        let socket = Arc::new(socket);
        let worker = Self {
            alarm: Alarm::new(poll.registry(), ALARM)?,
            poll,
            receiver: Receiver::new(),
            chunks: Chunks::new(),
            sender: Sender::new(Arc::clone(&socket), connections),
            socket,
            engine: Engine::new(config, Instant::now(), SystemTime::now(), random_seed()?),
            inbox,
            events,
            readable: true,
            messages_wait: true,
            parcels_wait: false,
        };
        Ok((worker, mailbox))
    }

    /// Tie the worker to the others.
    pub(crate) fn link(&mut self, links: Links) {
        self.engine.share_rations(u32::try_from(links.workers()).unwrap_or(u32::MAX));
        self.sender.links = Some(links);
    }

    /// Turn until the owner closes.
    ///
    /// # Errors
    /// The poll failed, which no input can cause.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut polled = mio::Events::with_capacity(256);
        loop {
            let patience = self.patience()?;
            match self.poll.poll(&mut polled, patience) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &polled {
                match event.token() {
                    SOCKET => self.readable = true,
                    ALARM => {}
                    MAILBOX => {
                        self.messages_wait = true;
                        self.parcels_wait = self.sender.links.is_some();
                    }
                    _ => self.sender.connections.on_event(event),
                }
            }
            if self.turn() == Flow::Close {
                return Ok(());
            }
        }
    }

    /// How long the poll may wait, `None` for ever; the alarm is set where it must end sooner than the poll can tell.
    fn patience(&mut self) -> io::Result<Option<Duration>> {
        if self.readable || self.messages_wait || self.parcels_wait || self.sender.connections.is_busy() {
            return Ok(Some(Duration::ZERO));
        }
        let swept = self.sender.links.as_ref().and_then(Links::deadline);
        let deadlines = [self.engine.deadline(), self.sender.connections.deadline(), swept];
        let Some(deadline) = deadlines.into_iter().flatten().min() else { return Ok(None) };
        let wait = deadline.saturating_duration_since(Instant::now());
        self.alarm.set(deadline, wait)?;
        Ok(Some(wait))
    }

    fn turn(&mut self) -> Flow {
        // Fetched before the messages are read: what a parcel is about was posted before anybody could send the parcel.
        let parcels = self.fetch_parcels();
        self.messages_wait |= !parcels.is_empty();
        while self.messages_wait {
            if self.take_messages() == Flow::Close {
                return Flow::Close;
            }
            if parcels.is_empty() {
                break;
            }
        }
        self.take_parcels(parcels);
        if self.readable {
            self.receive();
        }
        self.serve_connections();
        let now = Instant::now();
        if self.engine.deadline().is_some_and(|deadline| deadline <= now) {
            self.engine.timeout(now, &mut self.sender);
        }
        if let Some(links) = &mut self.sender.links {
            links.sweep(now, |address| self.engine.is_checked(address));
        }
        while let Some(event) = self.engine.next_event() {
            self.events.push(event);
        }
        Flow::Continue
    }

    fn take_messages(&mut self) -> Flow {
        self.inbox.rearm();
        let now = Instant::now();
        for _ in 0..MESSAGES_A_TURN {
            match self.inbox.next() {
                Some(Message::Command(command)) => self.engine.handle(command, now, &mut self.sender),
                // Whoever asked may have given up since, so a reply that nobody takes is no error.
                Some(Message::Snapshot(reply)) => drop(reply.send(self.engine.snapshot())),
                Some(Message::Stats(reply)) => drop(reply.send(self.stats())),
                Some(Message::AudioLevels(reply)) => drop(reply.send(self.engine.audio_levels(now))),
                Some(Message::SourceStats(source, reply)) => drop(reply.send(self.engine.source_stats(source, now))),
                Some(Message::Close) => return Flow::Close,
                None => {
                    self.messages_wait = false;
                    return Flow::Continue;
                }
            }
        }
        Flow::Continue
    }

    /// Receive and forward batch by batch, until the socket is empty or the turn has taken long enough.
    fn receive(&mut self) {
        let begin = Instant::now();
        let mut now = begin;
        while now.duration_since(begin) < RECEIVE_A_TURN {
            match self.receive_batch(now) {
                Ok(Backlog::Perhaps) => now = Instant::now(),
                Ok(Backlog::Empty) => {
                    self.readable = false;
                    return;
                }
                Err(_) => {
                    // A pending error of the socket, told once: datagrams behind it are received in the next turn.
                    Counters::add(&mut self.sender.counters.udp_receive_errors, 1);
                    return;
                }
            }
        }
    }

    fn receive_batch(&mut self, now: Instant) -> io::Result<Backlog> {
        let (mut datagrams, mut octets) = (0_usize, 0_usize);
        let backlog = self.receiver.batch(&self.socket, |from, datagram| {
            datagrams = datagrams.saturating_add(1);
            octets = octets.saturating_add(datagram.len());
            if let Some(links) = &mut self.sender.links
                && links.take_if_elsewhere(from, datagram, || self.engine.is_checked(from))
            {
                return;
            }
            self.engine.receive(now, from, datagram, &mut self.sender);
        })?;
        if let Some(links) = &mut self.sender.links {
            links.send_datagrams(&mut self.sender.counters);
        }
        if datagrams > 0 {
            self.engine.flush(now, &mut self.sender);
            let counters = &mut self.sender.counters;
            Counters::add(&mut counters.udp_receives, 1);
            Counters::add(&mut counters.udp_datagrams_received, datagrams);
            Counters::add(&mut counters.udp_octets_received, octets);
        }
        Ok(backlog)
    }

    fn stats(&self) -> Stats {
        let mut stats = self.engine.stats();
        stats.extend(self.sender.counters.named());
        stats.extend([
            ("udp_receive_buffer_octets", self.socket.receive_buffer() as u64),
            ("udp_send_buffer_octets", self.socket.send_buffer() as u64),
            ("tcp_connections", self.sender.connections.len() as u64),
            ("handover_addresses", self.sender.links.as_ref().map_or(0, Links::learned) as u64),
        ]);
        stats
    }
}

/// From the system, so that sequence numbers and SSRCs cannot be guessed.
fn random_seed() -> io::Result<u64> {
    let mut seed = [0; 8];
    // Eight octets always come whole (getrandom(2)).
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    Ok(u64::from_ne_bytes(seed))
}
