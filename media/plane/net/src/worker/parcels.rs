//! The worker's part in what other workers hand it.

use std::time::Instant;

use plane_core::address::TransportAddress;
use plane_core::command::WorkerId;

use super::{Worker, streams};
use crate::counters::Counters;
use crate::links::{Contents, Datagrams, Parcel};

/// Parcels are batches already: as many as a turn may hold without keeping the socket waiting.
const PARCELS_A_TURN: usize = 64;

impl Worker {
    /// The parcels of this turn.
    pub(super) fn fetch_parcels(&mut self) -> Vec<Parcel> {
        if !self.parcels_wait {
            return Vec::new();
        }
        let parcels: Vec<_> = std::iter::from_fn(|| self.inbox.next_parcel()).take(PARCELS_A_TURN).collect();
        self.parcels_wait = parcels.len() == PARCELS_A_TURN;
        parcels
    }

    /// Take in what other workers handed over.
    pub(super) fn take_parcels(&mut self, parcels: Vec<Parcel>) {
        if parcels.is_empty() {
            return;
        }
        let begin = Instant::now();
        let mut now = begin;
        for parcel in parcels {
            match parcel.contents {
                Contents::Crossing(crossing) => self.engine.cross(parcel.from, crossing, now, &mut self.sender),
                Contents::Datagrams(datagrams) => self.receive_handed(now, parcel.from, datagrams),
                Contents::Connection(moved) => streams::take_over(now, *moved, &mut self.engine, &mut self.sender),
                Contents::Learned(address) => self.learn(address, parcel.from, true),
                Contents::Forgotten(address) => self.learn(address, parcel.from, false),
            }
            now = Instant::now();
        }
        // Once for all: audio and pictures that came together go out together.
        self.engine.flush(begin, &mut self.sender);
    }

    fn receive_handed(&mut self, now: Instant, by: WorkerId, datagrams: Datagrams) {
        let Self { engine, sender, .. } = self;
        datagrams.for_each(|from, datagram| {
            Counters::add(&mut sender.counters.handover_received, 1);
            engine.receive(now, from, datagram, sender);
            if let Some(links) = sender.links.as_mut().filter(|_| engine.is_checked(from)) {
                links.announce(from, by, now);
            }
        });
    }

    fn learn(&mut self, address: TransportAddress, worker: WorkerId, there: bool) {
        if there {
            // Its peer passed a check there, so it is no more that of a peer of this worker.
            self.engine.forget_address(address);
        }
        if let Some(links) = &mut self.sender.links {
            links.learn(address, worker, there);
        }
    }
}
