//! What goes from worker to worker, and how much of it may be on its way.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mio::net::TcpStream;
use plane_core::address::TransportAddress;
use plane_core::command::WorkerId;
use plane_core::engine::Crossing;
use plane_core::framing::Deframer;

/// One delivery.
pub(crate) struct Parcel {
    pub(crate) from: WorkerId,
    pub(crate) contents: Contents,
    /// Kept until the parcel was taken in.
    #[expect(dead_code, reason = "held for what it does when it is dropped")]
    pub(crate) charge: Charge,
}

pub(crate) enum Contents {
    /// From one engine to the other.
    Crossing(Crossing),
    /// Received by a socket that is not their peers'.
    Datagrams(Datagrams),
    /// Accepted by a worker that is not its peer's.
    Connection(Box<MovedConnection>),
    /// This is the address of a peer of the sender: hand on what comes from there.
    Learned(TransportAddress),
    /// It is no more.
    Forgotten(TransportAddress),
}

/// A connection on its way: the stream, and what was read and not taken in yet.
pub(crate) struct MovedConnection {
    pub(crate) stream: TcpStream,
    pub(crate) from: SocketAddr,
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) deframer: Deframer,
}

impl MovedConnection {
    pub(crate) fn octets(&self) -> usize {
        self.frames.iter().fold(size_of::<Self>(), |sum, frame| sum.saturating_add(frame.len()))
    }
}

/// Datagrams of one batch, in one buffer.
#[derive(Default)]
pub(crate) struct Datagrams {
    octets: Vec<u8>,
    list: Vec<(TransportAddress, Range<usize>)>,
}

impl Datagrams {
    pub(super) fn push(&mut self, from: TransportAddress, datagram: &[u8]) {
        let start = self.octets.len();
        self.octets.extend_from_slice(datagram);
        self.list.push((from, start..self.octets.len()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// What is held, for the bound: small datagrams count what it takes to list them.
    pub(super) fn octets(&self) -> usize {
        self.octets.len().saturating_add(self.list.len().saturating_mul(size_of::<(TransportAddress, Range<usize>)>()))
    }

    /// Each with its source, in order of arrival.
    pub(crate) fn for_each(mut self, mut each: impl FnMut(TransportAddress, &mut [u8])) {
        for (from, range) in self.list {
            each(from, self.octets.get_mut(range).unwrap_or_default());
        }
    }
}

/// How much may be on one way at once. One worker takes room, the other gives it back.
pub(super) struct Room {
    waiting: Arc<AtomicUsize>,
    most: usize,
}

/// Room that is taken until this is dropped.
pub(crate) struct Charge {
    waiting: Arc<AtomicUsize>,
    octets: usize,
}

impl Room {
    pub(super) fn of(most: usize) -> Self {
        Self { waiting: Arc::default(), most }
    }

    /// Room for so much; `None` if there is none. Where nothing waits there is room for anything, so that nothing is too large for ever.
    pub(super) fn take(&self, octets: usize) -> Option<Charge> {
        // Nobody else adds, so nothing can come between.
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting != 0 && waiting.saturating_add(octets) > self.most {
            return None;
        }
        self.waiting.fetch_add(octets, Ordering::Relaxed);
        Some(Charge { waiting: Arc::clone(&self.waiting), octets })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_and_comes_back() {
        let room = Room::of(100);
        let first = room.take(60).unwrap();
        assert!(room.take(41).is_none());
        let second = room.take(40).unwrap();
        assert!(room.take(1).is_none());
        drop(first);
        drop(second);
        assert!(room.take(1_000).is_some(), "what is larger than the room goes alone");
    }

    #[test]
    fn datagrams_come_out_as_they_went_in() {
        let mut datagrams = Datagrams::default();
        let sent: Vec<(TransportAddress, Vec<u8>)> =
            (0..9_u8).map(|n| (TransportAddress::udp(std::net::SocketAddr::from(([127, 0, 0, n], 7))), vec![n; usize::from(n)])).collect();
        sent.iter().for_each(|(from, datagram)| datagrams.push(*from, datagram));
        let mut received = Vec::new();
        datagrams.for_each(|from, datagram| received.push((from, datagram.to_vec())));
        assert_eq!(received, sent);
    }
}
