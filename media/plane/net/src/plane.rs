//! The handle on a running plane.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use plane_core::command::{Command, EncodingRow, Event, SinkRow, SourceId, WorkerId};
use plane_core::engine;

use crate::events::EventQueue;
use crate::links::{Links, Ufrags};
use crate::mailbox::{Gone, Mailbox, Message, Stats};
use crate::placement::Placement;
use crate::port;
use crate::worker::Worker;

/// What an owner decides.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Address to bind; `::` takes IPv4 as well.
    pub host: IpAddr,
    /// UDP port; 0 lets the kernel choose.
    pub port: u16,
    /// Whether connections are taken too, on the TCP port of the same number (RFC 6544).
    pub tcp: bool,
    /// Worker threads, at least one; each has a socket on the same port.
    pub workers: usize,
    /// The engine's settings.
    pub engine: engine::Config,
}

/// A plane whose workers run until [`Plane::close`], or until this is dropped.
pub struct Plane {
    address: SocketAddr,
    /// One for each worker, and at least one.
    mailboxes: Arc<[Mailbox]>,
    /// Which worker has what, where there are several.
    placement: Option<Mutex<Placement>>,
    events: Arc<EventQueue>,
    workers: Mutex<State>,
}

/// Why a plane takes no more calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Its owner closed it.
    Closed,
    /// A worker failed, which is a fault of the plane.
    Failed(String),
}

enum State {
    Running(Vec<JoinHandle<Stopped>>),
    Ended(Stopped),
}

impl Plane {
    /// Bind the port and start the workers.
    ///
    /// # Errors
    /// What the system says when the port cannot be bound, or no thread or eventfd is to be had.
    pub fn start(config: Config) -> io::Result<Self> {
        Self::start_with(config, Worker::run)
    }

    fn start_with(config: Config, run: fn(&mut Worker) -> io::Result<()>) -> io::Result<Self> {
        let (first, listener) = port::bind(SocketAddr::new(config.host, config.port), config.tcp)?;
        let address = first.address();
        let others = port::share(&first, config.workers.saturating_sub(1))?;
        let events = Arc::new(EventQueue::new()?);
        let (mut workers, mut mailboxes, mut listener) = (Vec::new(), Vec::new(), listener);
        for socket in std::iter::once(first).chain(others) {
            // One of them accepts for all: connections are few, and go to their peer's worker with their first check.
            let (worker, mailbox) = Worker::new(socket, listener.take(), config.engine, Arc::clone(&events), config.workers)?;
            workers.push(worker);
            mailboxes.push(mailbox);
        }
        let mailboxes: Arc<[Mailbox]> = mailboxes.into();
        let placement = (workers.len() > 1).then(|| link(&mut workers, &mailboxes));
        let plane = Self { address, mailboxes, placement, events, workers: Mutex::new(State::Running(Vec::new())) };
        for (index, worker) in workers.into_iter().enumerate() {
            let events = Arc::clone(&plane.events);
            let thread = thread::Builder::new().name(format!("plane-{index}")).spawn(move || supervise(worker, run, &events))?;
            if let State::Running(threads) = &mut *plane.lock() {
                threads.push(thread);
            }
        }
        Ok(plane)
    }

    /// Where the socket is bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether calls are still taken.
    ///
    /// # Errors
    /// [`Stopped`], also while a call of [`Plane::close`] waits in another thread.
    pub fn running(&self) -> Result<(), Stopped> {
        match &*self.lock() {
            State::Running(_) => Ok(()),
            State::Ended(stopped) => Err(stopped.clone()),
        }
    }

    /// An eventfd, readable while events wait or when the worker has ended. It lives as long as the plane.
    #[must_use]
    pub fn events_ready(&self) -> BorrowedFd<'_> {
        self.events.ready()
    }

    /// Take all waiting events.
    ///
    /// # Errors
    /// [`Stopped`], once all events were taken.
    pub fn take_events(&self) -> Result<VecDeque<Event>, Stopped> {
        self.events.take().ok_or_else(|| self.stopped())
    }

    /// Post a command and return at once.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn post(&self, command: Command) -> Result<(), Stopped> {
        let Some(placement) = &self.placement else { return self.post_to(0, command) };
        // Held while posting, so that the workers get what two threads post in one and the same order.
        let mut placement = placement.lock().unwrap_or_else(PoisonError::into_inner);
        let named = if let Command::AddPeer { peer, .. } | Command::RestartIce { peer, .. } = command { Some(peer) } else { None };
        for (worker, command) in placement.orders(command) {
            self.post_to(worker, command)?;
        }
        if let Some(peer) = named {
            placement.announce(peer);
        }
        Ok(())
    }

    /// While on, commands leave together, when it is off again: several that belong together cost a worker one turn and one system
    /// call. They keep their order, also among questions, which do not wait.
    pub fn gather(&self, on: bool) {
        for mailbox in &*self.mailboxes {
            mailbox.gather(on);
        }
    }

    /// A row a sink. Waits for a turn of every worker, as the four below do.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn snapshot(&self) -> Result<Vec<SinkRow>, Stopped> {
        Ok(self.ask_all(Message::Snapshot)?.concat())
    }

    /// Counters of engine and socket since the start, and gauges, of all workers together.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn stats(&self) -> Result<Vec<(&'static str, u64)>, Stopped> {
        let mut stats = sum(self.worker_stats()?);
        stats.push(("events_dropped", self.events.dropped()));
        Ok(stats)
    }

    /// The same of each worker by itself.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn worker_stats(&self) -> Result<Vec<Stats>, Stopped> {
        self.ask_all(Message::Stats)
    }

    /// Audio sources that speak, with their smoothed level in dBov.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn audio_levels(&self) -> Result<Vec<(SourceId, f32)>, Stopped> {
        Ok(self.ask_all(Message::AudioLevels)?.concat())
    }

    /// A row an encoding, lowest first; empty when the source is unknown.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn source_stats(&self, source: SourceId) -> Result<Vec<EncodingRow>, Stopped> {
        let placement = self.placement.as_ref().map(|placement| placement.lock().unwrap_or_else(PoisonError::into_inner));
        let worker = placement.map_or(0, |placement| placement.worker_of(source));
        let answer = self.mailboxes.get(worker).ok_or(Gone).and_then(|mailbox| mailbox.ask(|reply| Message::SourceStats(source, reply)));
        answer.map_err(|Gone| self.stopped())
    }

    /// Stop the workers and free the port. Waits for a turn of each; calling it again changes nothing.
    pub fn close(&self) {
        self.stopped();
    }

    fn post_to(&self, worker: WorkerId, command: Command) -> Result<(), Stopped> {
        let posted = self.mailboxes.get(worker).ok_or(Gone).and_then(|mailbox| mailbox.post_with_others(Message::Command(command)));
        posted.map_err(|Gone| self.stopped())
    }

    /// Ask every worker; none waits for another. Answers come in the workers' order.
    fn ask_all<T>(&self, question: impl Fn(SyncSender<T>) -> Message) -> Result<Vec<T>, Stopped> {
        let asked: Result<Vec<_>, Gone> = self.mailboxes.iter().map(|mailbox| mailbox.begin_to_ask(&question)).collect();
        let answers = asked.and_then(|asked| asked.into_iter().map(|answer| answer.recv().map_err(|_| Gone)).collect());
        answers.map_err(|Gone| self.stopped())
    }

    /// End all workers, and tell why the first of them ended. Only called when one has, or is to.
    fn stopped(&self) -> Stopped {
        for mailbox in &*self.mailboxes {
            // A worker that is gone already needs no message.
            let _ = mailbox.post(Message::Close);
        }
        let mut state = self.lock();
        let ended = match std::mem::replace(&mut *state, State::Ended(Stopped::Closed)) {
            State::Running(threads) => {
                let ended = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| Stopped::Failed(message(&*panic))));
                ended.fold(Stopped::Closed, |first, ended| if first == Stopped::Closed { ended } else { first })
            }
            State::Ended(stopped) => stopped,
        };
        *state = State::Ended(ended.clone());
        ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tie the workers together.
fn link(workers: &mut [Worker], mailboxes: &Arc<[Mailbox]>) -> Mutex<Placement> {
    let ufrags = Arc::new(Ufrags::default());
    for (me, worker) in workers.iter_mut().enumerate() {
        worker.link(Links::new(me, Arc::clone(mailboxes), Arc::clone(&ufrags)));
    }
    Mutex::new(Placement::new(workers.len(), ufrags))
}

/// All workers' numbers in one: sums, but of a maximum the largest.
fn sum(workers: Vec<Stats>) -> Stats {
    let mut workers = workers.into_iter();
    let mut total = workers.next().unwrap_or_default();
    for stats in workers {
        for ((name, total), (_, value)) in total.iter_mut().zip(stats) {
            *total = if name.ends_with("_max") { value.max(*total) } else { total.wrapping_add(value) };
        }
    }
    total
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(f, "the plane is closed"),
            Self::Failed(reason) => write!(f, "the plane stopped by a fault of its own: {reason}"),
        }
    }
}

impl std::error::Error for Stopped {}

/// The worker's thread: whatever ends it is told to the owner, never lost with the thread.
fn supervise(mut worker: Worker, run: fn(&mut Worker) -> io::Result<()>, events: &EventQueue) -> Stopped {
    // The worker is not used again after a panic, so nothing can see it half changed.
    let stopped = match panic::catch_unwind(AssertUnwindSafe(|| run(&mut worker))) {
        Ok(Ok(())) => Stopped::Closed,
        Ok(Err(error)) => Stopped::Failed(error.to_string()),
        Err(panic) => Stopped::Failed(message(&*panic)),
    };
    if let Stopped::Failed(_) = stopped {
        eprintln!("{stopped}");
    }
    // The port is free before anybody can hear of the end.
    drop(worker);
    events.end();
    stopped
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic without a message").into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test; one test panics on purpose")]
mod tests;
