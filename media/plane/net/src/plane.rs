//! The handle on a running plane.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use plane_core::command::{Command, EncodingRow, Event, SinkRow, SourceId};
use plane_core::engine;

use crate::events::EventQueue;
use crate::mailbox::{Gone, Mailbox, Message};
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
    /// The engine's settings.
    pub engine: engine::Config,
}

/// A plane whose worker runs until [`Plane::close`], or until this is dropped.
pub struct Plane {
    address: SocketAddr,
    mailbox: Mailbox,
    events: Arc<EventQueue>,
    worker: Mutex<State>,
}

/// Why a plane takes no more calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Its owner closed it.
    Closed,
    /// Its worker failed, which is a fault of the plane.
    Failed(String),
}

enum State {
    Running(JoinHandle<Stopped>),
    Ended(Stopped),
}

impl Plane {
    /// Bind the port and start the worker.
    ///
    /// # Errors
    /// What the system says when the port cannot be bound, or no thread or eventfd is to be had.
    pub fn start(config: Config) -> io::Result<Self> {
        Self::start_with(config, Worker::run)
    }

    fn start_with(config: Config, run: fn(&mut Worker) -> io::Result<()>) -> io::Result<Self> {
        let (socket, listener) = port::bind(SocketAddr::new(config.host, config.port), config.tcp)?;
        let address = socket.address();
        let events = Arc::new(EventQueue::new()?);
        let (worker, mailbox) = Worker::new(socket, listener, config.engine, Arc::clone(&events))?;
        let ending = Arc::clone(&events);
        let thread = thread::Builder::new().name("plane-0".into()).spawn(move || supervise(worker, run, &ending))?;
        Ok(Self { address, mailbox, events, worker: Mutex::new(State::Running(thread)) })
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
        match &*self.worker.lock().unwrap_or_else(PoisonError::into_inner) {
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
        self.mailbox.post(Message::Command(command)).map_err(|Gone| self.stopped())
    }

    /// A row a sink. Waits for the worker's turn, as the three below do.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn snapshot(&self) -> Result<Vec<SinkRow>, Stopped> {
        self.mailbox.ask(Message::Snapshot).map_err(|Gone| self.stopped())
    }

    /// Counters of engine and socket since the start, and gauges.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn stats(&self) -> Result<Vec<(&'static str, u64)>, Stopped> {
        self.mailbox.ask(Message::Stats).map_err(|Gone| self.stopped())
    }

    /// Audio sources that speak, with their smoothed level in dBov.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn audio_levels(&self) -> Result<Vec<(SourceId, f32)>, Stopped> {
        self.mailbox.ask(Message::AudioLevels).map_err(|Gone| self.stopped())
    }

    /// A row an encoding, lowest first; empty when the source is unknown.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn source_stats(&self, source: SourceId) -> Result<Vec<EncodingRow>, Stopped> {
        self.mailbox.ask(|reply| Message::SourceStats(source, reply)).map_err(|Gone| self.stopped())
    }

    /// Stop the worker and free the port. Waits for the worker's turn; calling it again changes nothing.
    pub fn close(&self) {
        // A worker that is gone already needs no message.
        let _ = self.mailbox.post(Message::Close);
        self.stopped();
    }

    /// Why the worker ended. Only called when it has, or is about to.
    fn stopped(&self) -> Stopped {
        let mut state = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = match std::mem::replace(&mut *state, State::Ended(Stopped::Closed)) {
            State::Running(thread) => thread.join().unwrap_or_else(|panic| Stopped::Failed(message(&*panic))),
            State::Ended(stopped) => stopped,
        };
        *state = State::Ended(ended.clone());
        ended
    }
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
mod tests {
    use std::time::Duration;

    use super::*;

    fn config() -> Config {
        let engine = engine::Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        Config { host: "127.0.0.1".parse().unwrap(), port: 0, tcp: true, engine }
    }

    #[test]
    fn a_panic_of_the_worker_is_what_every_later_call_reports() {
        let plane = Plane::start_with(config(), |_| panic!("no such encoding")).unwrap();
        let fault = Stopped::Failed("no such encoding".into());
        let mut ready = [rustix::event::PollFd::from_borrowed_fd(plane.events_ready(), rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut ready, None).unwrap();
        assert_eq!(plane.take_events().unwrap_err(), fault);
        assert_eq!(plane.post(Command::RemovePeer(1)).unwrap_err(), fault);
        assert_eq!(plane.snapshot().unwrap_err(), fault);
        assert_eq!(plane.stats().unwrap_err(), fault);
        plane.close();
        assert_eq!(plane.stats().unwrap_err(), fault, "closing does not hide it");
    }

    #[test]
    fn closing_frees_the_port_and_is_idempotent() {
        let plane = Plane::start(config()).unwrap();
        let address = plane.address();
        plane.close();
        plane.close();
        assert_eq!(plane.source_stats(1).unwrap_err(), Stopped::Closed);
        assert_eq!(plane.take_events().unwrap_err(), Stopped::Closed);
        Plane::start(Config { port: address.port(), ..config() }).unwrap();
    }

    #[test]
    fn a_dropped_plane_frees_its_port() {
        let address = Plane::start(config()).unwrap().address();
        Plane::start(Config { port: address.port(), ..config() }).unwrap();
    }
}
