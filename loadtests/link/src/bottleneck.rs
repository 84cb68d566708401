//! A drop-tail queue in front of a capacity: first in, first out, one packet on the wire at a time.

use std::collections::VecDeque;

use crate::capacity::Capacity;
use crate::time::{Nanos, SECOND};

/// How long the queue may become. What does not fit is dropped; an empty queue takes any packet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limit {
    /// Time that what waits takes at the present rate.
    pub delay: Option<Nanos>,
    /// Octets that wait, with the packet on the wire.
    pub octets: Option<usize>,
}

struct Waiting<T> {
    arrived: Nanos,
    octets: usize,
    item: T,
}

/// What has left the bottleneck.
#[derive(Debug, PartialEq, Eq)]
pub struct Left<T> {
    /// When it came.
    pub arrived: Nanos,
    /// When its last bit was on the wire.
    pub left: Nanos,
    /// Itself.
    pub item: T,
}

/// The queue. Callers take out with `pop` all that is due before they push or change anything at a moment.
pub struct Bottleneck<T> {
    capacity: Option<Capacity>,
    limit: Limit,
    queue: VecDeque<Waiting<T>>,
    octets: usize,
    /// Bits of the first packet that are not on the wire yet, at `since`.
    head_bits: f64,
    since: Nanos,
}

impl<T> Bottleneck<T> {
    /// An empty queue; no capacity lets everything through at once.
    #[must_use]
    pub fn new(capacity: Option<Capacity>, limit: Limit) -> Self {
        Self { capacity, limit, queue: VecDeque::new(), octets: 0, head_bits: 0.0, since: 0 }
    }

    /// Another capacity and limit from now on; what waits stays, and what has been sent of the first packet counts.
    pub fn change(&mut self, now: Nanos, capacity: Option<Capacity>, limit: Limit) {
        if let Some(old) = &self.capacity
            && !self.queue.is_empty()
        {
            self.head_bits = (self.head_bits - old.bits(self.since, now)).max(0.0);
        }
        self.since = now;
        (self.capacity, self.limit) = (capacity, limit);
    }

    /// Another limit; what waits stays.
    pub fn limit(&mut self, limit: Limit) {
        self.limit = limit;
    }

    /// Put a packet at the end.
    ///
    /// # Errors
    /// There is no room: the packet.
    pub fn push(&mut self, now: Nanos, octets: usize, item: T) -> Result<(), T> {
        if self.queue.is_empty() {
            (self.head_bits, self.since) = (bits(octets), now);
        } else if self.is_full(now, octets) {
            return Err(item);
        }
        self.octets += octets;
        self.queue.push_back(Waiting { arrived: now, octets, item });
        Ok(())
    }

    /// When the first packet leaves; `None` when there is none, or it never does.
    #[must_use]
    pub fn next_at(&self) -> Option<Nanos> {
        self.queue.front()?;
        self.capacity.as_ref().map_or(Some(self.since), |capacity| capacity.finish(self.since, self.head_bits))
    }

    /// The first packet, when it has left by now.
    pub fn pop(&mut self, now: Nanos) -> Option<Left<T>> {
        let left = self.next_at().filter(|left| *left <= now)?;
        let Waiting { arrived, octets, item } = self.queue.pop_front()?;
        self.octets -= octets;
        self.since = left;
        self.head_bits = self.queue.front().map_or(0.0, |next| bits(next.octets));
        Some(Left { arrived, left, item })
    }

    /// Octets that wait.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Bits a second at a moment; `None` where nothing bounds them.
    #[must_use]
    pub fn rate(&self, now: Nanos) -> Option<f64> {
        self.capacity.as_ref().map(|capacity| capacity.rate(now))
    }

    fn is_full(&self, now: Nanos, octets: usize) -> bool {
        let too_long = |delay: Nanos| self.rate(now).is_some_and(|rate| bits(self.octets) * SECOND as f64 > delay as f64 * rate);
        self.limit.octets.is_some_and(|most| self.octets + octets > most) || self.limit.delay.is_some_and(too_long)
    }
}

fn bits(octets: usize) -> f64 {
    8.0 * octets as f64
}
