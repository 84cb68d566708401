//! Events on their way up: a bounded queue, and an eventfd that is readable while it holds something.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use plane_core::command::{Event, PeerId, SourceId};
use rustix::event::EventfdFlags;

/// Events that wait before DTLS datagrams are dropped. A thousand peers joining at once have about two datagrams each
/// in flight; DTLS repeats what is lost.
const CAPACITY: usize = 4_096;

/// From the worker to the owner.
///
/// A mutex, not a lock-free queue: the owner holds it only to swap the queue for an empty one, and under it the eventfd
/// always tells the truth.
pub(crate) struct EventQueue {
    ready: OwnedFd,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    dropped: u64,
    ended: bool,
}

impl EventQueue {
    pub(crate) fn new() -> io::Result<Self> {
        let ready = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { ready, waiting: Mutex::default() })
    }

    /// Add an event. Where [`CAPACITY`] wait already a DTLS datagram is dropped and counted. Anything else takes the
    /// place of what waits about the same thing, so that the queue is bounded by peers and encodings.
    pub(crate) fn push(&self, event: Event) {
        let mut waiting = self.lock();
        if waiting.events.len() >= CAPACITY {
            let Some(topic) = topic(&event) else {
                waiting.dropped = waiting.dropped.wrapping_add(1);
                return;
            };
            waiting.events.retain(|other| self::topic(other) != Some(topic));
        }
        if waiting.is_silent() {
            self.signal();
        }
        waiting.events.push_back(event);
    }

    /// Take all that waits, and disarm the eventfd. `None` once the worker has ended and the rest was taken.
    pub(crate) fn take(&self) -> Option<VecDeque<Event>> {
        let mut waiting = self.lock();
        if waiting.ended {
            // The eventfd stays readable: a loop that watches it comes here again and learns of the end.
            return (!waiting.events.is_empty()).then(|| std::mem::take(&mut waiting.events));
        }
        if !waiting.events.is_empty() {
            // Non-blocking, and it cannot fail: it was written when the queue became non-empty.
            let _ = rustix::io::read(&self.ready, &mut [0; 8]);
        }
        Some(std::mem::take(&mut waiting.events))
    }

    /// The worker has ended: nothing more will come, and the eventfd says so.
    pub(crate) fn end(&self) {
        let mut waiting = self.lock();
        if waiting.is_silent() {
            self.signal();
        }
        waiting.ended = true;
    }

    /// DTLS datagrams dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Readable while events wait.
    pub(crate) fn ready(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }

    fn signal(&self) {
        // It fails only where the counter would pass 2^64 - 2, and it is never above 1.
        let _ = rustix::io::write(&self.ready, &1_u64.to_ne_bytes());
    }

    /// The queue is whole between any two of its operations, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether the eventfd is not readable yet.
    fn is_silent(&self) -> bool {
        self.events.is_empty() && !self.ended
    }
}

/// What an event is about. Of two about the same thing only the later one matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Topic {
    Connected(PeerId),
    Began(PeerId),
    Worsened(PeerId),
    Lost(PeerId),
    Encoding(SourceId, usize),
}

/// `None` for a DTLS datagram and a ticket, of which each matters; a ticket's page joins without it in the end.
fn topic(event: &Event) -> Option<Topic> {
    match event {
        Event::Dtls { .. } | Event::Ticket { .. } => None,
        Event::Connected { peer, .. } => Some(Topic::Connected(*peer)),
        Event::Began { peer } => Some(Topic::Began(*peer)),
        Event::Worsened { peer } => Some(Topic::Worsened(*peer)),
        Event::Lost { peer } => Some(Topic::Lost(*peer)),
        Event::Encoding { source, encoding, .. } => Some(Topic::Encoding(*source, *encoding)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    fn dtls(peer: PeerId) -> Event {
        Event::Dtls { peer, datagram: vec![22] }
    }

    fn encoding(source: SourceId, active: bool) -> Event {
        Event::Encoding { peer: 1, source, encoding: 0, active }
    }

    /// What the eventfd counts now; `None` while it is not readable. It is written back, so that looking changes nothing.
    fn signals(queue: &EventQueue) -> Option<u64> {
        let mut count = [0; 8];
        rustix::io::read(queue.ready(), &mut count).ok()?;
        rustix::io::write(queue.ready(), &count).unwrap();
        Some(u64::from_ne_bytes(count))
    }

    #[test]
    fn the_eventfd_is_written_once_for_all_that_wait_and_rearmed_by_take() {
        let queue = EventQueue::new().unwrap();
        assert_eq!(signals(&queue), None);
        queue.push(dtls(1));
        queue.push(dtls(2));
        assert_eq!(signals(&queue), Some(1));
        assert_eq!(queue.take().unwrap(), [dtls(1), dtls(2)]);
        assert_eq!(signals(&queue), None);
        assert!(queue.take().unwrap().is_empty());
        queue.push(dtls(3));
        assert_eq!(signals(&queue), Some(1));
    }

    #[test]
    fn a_full_queue_drops_dtls_and_keeps_the_newest_of_everything_else() {
        let queue = EventQueue::new().unwrap();
        for _ in 0..CAPACITY + 7 {
            queue.push(dtls(1));
        }
        assert_eq!(queue.dropped(), 7);
        queue.push(Event::Lost { peer: 1 });
        for round in 0..1_000 {
            queue.push(encoding(5, round % 2 == 1));
            queue.push(encoding(6, round % 2 == 0));
        }
        let taken = queue.take().unwrap();
        let rest: Vec<&Event> = taken.iter().skip(CAPACITY).collect();
        assert_eq!(rest, [&Event::Lost { peer: 1 }, &encoding(5, true), &encoding(6, false)]);
    }

    #[test]
    fn the_end_is_told_after_the_last_event_and_keeps_the_eventfd_readable() {
        let queue = EventQueue::new().unwrap();
        queue.push(dtls(1));
        queue.end();
        assert_eq!(queue.take().unwrap(), [dtls(1)]);
        assert_eq!(queue.take(), None);
        assert_eq!(signals(&queue), Some(1));
    }
}
