//! What ties several workers together. All sockets share one port, and the kernel gives a datagram to any of them: a worker
//! that gets what is another's hands it on. Media that several workers send cross here too.
//!
//! All ways are bounded: what finds no room is dropped and counted, so that no flood grows a queue. Only what belongs to a
//! known ufrag, looks like a ticket, or comes from a checked address is ever handed on.

mod parcel;
mod steering;
mod ufrags;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plane_core::address::TransportAddress;
use plane_core::command::WorkerId;
use plane_core::demux::{self, Kind};
use plane_core::engine::Crossing;

use crate::counters::Counters;
use crate::mailbox::Mailbox;
use parcel::Room;
pub(crate) use parcel::{Contents, Datagrams, MovedConnection, Parcel};
use steering::Steering;
pub(crate) use ufrags::Ufrags;

/// Media on their way to one worker, in octets: the keyframes of several sources. More would only come late.
const MEDIA_OCTETS: usize = 4 << 20;
/// Datagrams on their way to one worker, in octets: as much as its socket's buffer holds.
const DATAGRAM_OCTETS: usize = 4 << 20;
/// What a notice is counted as.
const NOTICE_OCTETS: usize = 256;
/// How often addresses that are nobody's any more are told to those who hand on what comes from there.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// One worker's ways to the others.
pub(crate) struct Links {
    me: WorkerId,
    mailboxes: Arc<[Mailbox]>,
    ufrags: Arc<Ufrags>,
    /// One for each worker; the own one stays empty.
    ways: Vec<Way>,
    steering: Steering,
    /// Addresses of this worker's peers whose datagrams another worker's socket gets, and which worker that is.
    announced: HashMap<TransportAddress, WorkerId>,
    sweep_at: Option<Instant>,
}

struct Way {
    media: Room,
    datagrams: Room,
    /// Datagrams of the present batch.
    outgoing: Datagrams,
}

impl Links {
    pub(crate) fn new(me: WorkerId, mailboxes: Arc<[Mailbox]>, ufrags: Arc<Ufrags>) -> Self {
        let way = |_| Way { media: Room::of(MEDIA_OCTETS), datagrams: Room::of(DATAGRAM_OCTETS), outgoing: Datagrams::default() };
        let ways = mailboxes.iter().map(way).collect();
        Self { me, mailboxes, ufrags, ways, steering: Steering::default(), announced: HashMap::new(), sweep_at: None }
    }

    /// How many workers there are.
    pub(crate) fn workers(&self) -> usize {
        self.mailboxes.len()
    }

    /// Hand something to another worker's engine. False: there was no room.
    pub(crate) fn cross(&mut self, to: WorkerId, crossing: Crossing) -> bool {
        let Some(charge) = self.ways.get(to).and_then(|way| way.media.take(crossing.octets())) else { return false };
        self.deliver(to, Parcel { from: self.me, contents: Contents::Crossing(crossing), charge })
    }

    /// Keep a datagram for the worker that it belongs to. False: for all that is known it belongs to this one.
    ///
    /// `is_mine`: whether it comes from the checked address of a peer of this worker.
    pub(crate) fn take_if_elsewhere(&mut self, from: TransportAddress, datagram: &[u8], is_mine: impl FnOnce() -> bool) -> bool {
        let to = match demux::classify(datagram) {
            None => None,
            // A check tells whom it is for, whoever was at its address before.
            Some(Kind::Stun) => {
                let to = self.ufrags.named_in(datagram, self.ways.len()).filter(|&to| to != self.me);
                if let Some(to) = to {
                    self.steering.hint(from, to);
                }
                to
            }
            Some(_) if is_mine() => None,
            Some(_) => self.steering.worker_of(from),
        };
        let Some(way) = to.and_then(|to| self.ways.get_mut(to)) else { return false };
        way.outgoing.push(from, datagram);
        true
    }

    /// Hand on what [`Links::take_if_elsewhere`] kept.
    pub(crate) fn send_datagrams(&mut self, counters: &mut Counters) {
        for to in 0..self.ways.len() {
            let Some(way) = self.ways.get_mut(to).filter(|way| !way.outgoing.is_empty()) else { continue };
            let datagrams = std::mem::take(&mut way.outgoing);
            let count = datagrams.len();
            let charge = way.datagrams.take(datagrams.octets());
            let contents = Contents::Datagrams(datagrams);
            let sent = charge.is_some_and(|charge| self.deliver(to, Parcel { from: self.me, contents, charge }));
            Counters::add(if sent { &mut counters.handover_datagrams } else { &mut counters.handover_dropped }, count);
        }
    }

    /// The worker to which a connection belongs that a check came on, if that is another one.
    pub(crate) fn owner_of_check(&self, frame: &[u8]) -> Option<WorkerId> {
        (demux::classify(frame) == Some(Kind::Stun)).then(|| self.ufrags.named_in(frame, self.ways.len()))?.filter(|&to| to != self.me)
    }

    /// Hand a connection to its peer's worker. Without room for it, it closes.
    pub(crate) fn move_connection(&mut self, to: WorkerId, connection: MovedConnection, counters: &mut Counters) {
        let charge = self.ways.get(to).and_then(|way| way.datagrams.take(connection.octets()));
        let contents = Contents::Connection(Box::new(connection));
        let sent = charge.is_some_and(|charge| self.deliver(to, Parcel { from: self.me, contents, charge }));
        Counters::add(if sent { &mut counters.tcp_handed_over } else { &mut counters.tcp_closed }, 1);
    }

    /// A check that `by` handed on was taken in. Where it made its address a peer's, `by` is to hand on all from there.
    pub(crate) fn announce(&mut self, address: TransportAddress, by: WorkerId, now: Instant) {
        if self.announced.get(&address) != Some(&by) && self.notify(by, Contents::Learned(address)) {
            self.announced.insert(address, by);
            self.sweep_at = self.sweep_at.or_else(|| now.checked_add(SWEEP_EVERY));
        }
    }

    /// What comes from an address belongs to `worker`, or to nobody any more.
    pub(crate) fn learn(&mut self, address: TransportAddress, worker: WorkerId, there: bool) {
        if there {
            self.steering.learn(address, worker);
        } else {
            self.steering.forget(address, worker);
        }
    }

    /// Addresses that others hand on.
    pub(crate) fn learned(&self) -> usize {
        self.steering.len()
    }

    /// When [`Links::sweep`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.sweep_at
    }

    /// Tell which announced addresses are no peer's any more.
    pub(crate) fn sweep(&mut self, now: Instant, is_checked: impl Fn(TransportAddress) -> bool) {
        if self.sweep_at.is_none_or(|due| due > now) {
            return;
        }
        let announced = self.announced.iter().map(|(&address, &by)| (address, by));
        let gone: Vec<_> = announced.filter(|&(address, _)| !is_checked(address)).collect();
        for (address, by) in gone {
            if self.notify(by, Contents::Forgotten(address)) {
                self.announced.remove(&address);
            }
        }
        self.sweep_at = if self.announced.is_empty() { None } else { now.checked_add(SWEEP_EVERY) };
    }

    fn notify(&self, to: WorkerId, contents: Contents) -> bool {
        let charge = self.ways.get(to).and_then(|way| way.datagrams.take(NOTICE_OCTETS));
        charge.is_some_and(|charge| self.deliver(to, Parcel { from: self.me, contents, charge }))
    }

    fn deliver(&self, to: WorkerId, parcel: Parcel) -> bool {
        self.mailboxes.get(to).is_some_and(|mailbox| mailbox.deliver(parcel).is_ok())
    }
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "test code: a failed step fails the test"
)]
mod tests;
