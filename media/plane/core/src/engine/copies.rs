//! Copies: the identical SRTP packet sent again some times, apart in time, to a subscriber whose link loses much.
//!
//! Nothing is negotiated: a receiver's replay protection (RFC 3711 section 3.3.2) takes the first that arrives and drops the others.
//! The octets are those that were sealed, so no packet index is used for different data. A link loses in bursts of time, so copies
//! are spaced in time. Sealed octets are kept only while copies of them are due.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::joint::Joiner;
use super::link::Link;
use super::peer::Peer;
use super::playout::Playout;
use super::resent::{Cause, RESEND_INTERVAL};
use super::timers::Timer;
use super::{Counters, Engine, Output, PeerKey};
use crate::address::{Protocol, TransportAddress};
use crate::command::Protection;
use crate::rtp::Header;

/// Packets that are kept for a peer: four voices of 50 packets a second, each for 640 ms, and as many retransmissions, which is
/// what a burst of 600 ms takes of the best encoding.
const MOST_KEPT: usize = 256;

/// What is due within this time leaves at once, so that copies which fall together can be joined.
const TOGETHER: Duration = Duration::from_millis(1);

/// Between a retransmission and its copy at least: what one short burst on the air takes, and little of what is left until the picture is
/// due.
const RETRANSMISSION_SPACING: Duration = Duration::from_millis(8);

/// Between a picture's packet and its copy: less would hide from reports what the link loses, and no more, because pictures are not kept
/// back where they have copies.
const PICTURE_SPACING: Duration = Duration::from_millis(16);

/// One peer's.
#[derive(Default)]
pub(super) struct Copies {
    protection: Protection,
    /// In the order in which they were sent.
    kept: VecDeque<Kept>,
    /// Whether the engine's list has the peer.
    listed: bool,
    /// Octets of copies and repair packets sent.
    octets: u64,
    pub(super) playout: Playout,
}

struct Kept {
    octets: Vec<u8>,
    due: Instant,
    left: u8,
    spacing: Duration,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Audio,
    /// Of a picture, or a retransmission: its copies take a quarter of the link at most.
    Picture,
}

/// An output that keeps what is sent through it while copies of it are due.
pub(super) struct Recorder<'a, O> {
    copies: &'a mut Copies,
    count: u8,
    spacing: Duration,
    kind: Kind,
    now: Instant,
    dropped: u64,
    out: &'a mut O,
}

impl Copies {
    /// Protect what is sent from now on; without any copies what is kept is dropped.
    fn protect(&mut self, protection: Protection, now: Instant) {
        if protection.playout != self.protection.playout {
            self.playout.want(protection.playout, now);
        }
        self.protection = protection;
        if !protection.repeats() {
            self.kept.clear();
        }
    }

    /// What was asked for last.
    pub(super) fn protection(&self) -> Protection {
        self.protection
    }

    /// Octets of copies and repair packets sent since the beginning.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    /// Repair packets of so many octets are sent.
    pub(super) fn spend(&mut self, octets: usize) {
        self.octets = self.octets.saturating_add(octets as u64);
    }

    /// Keep what is sent to `out` as audio; `redundant`: it goes out as RED.
    pub(super) fn record_audio<'a, O>(&'a mut self, redundant: bool, now: Instant, out: &'a mut O) -> Recorder<'a, O> {
        let Protection { copies, redundant_copies, spacing, .. } = self.protection;
        let count = if redundant { redundant_copies } else { copies };
        Recorder { copies: self, count, spacing, kind: Kind::Audio, now, dropped: 0, out }
    }

    /// Keep what is sent to `out` as pictures for the first time.
    pub(super) fn record_picture<'a, O>(&'a mut self, now: Instant, out: &'a mut O) -> Recorder<'a, O> {
        let count = self.protection.picture_copies;
        Recorder { copies: self, count, spacing: PICTURE_SPACING, kind: Kind::Picture, now, dropped: 0, out }
    }

    /// Keep what is sent to `out` as a retransmission; `needed`: other pictures need its picture, else it has a copy less. One that
    /// was asked for `again` was lost itself, so it gets a copy more where anything is protected. `cheaply`: each may have one where
    /// nothing is, because losses are known to have begun only when the first retransmissions are gone, and lost maybe.
    pub(super) fn record_retransmission<'a, O>(
        &'a mut self, again: bool, needed: bool, cheaply: bool, now: Instant, out: &'a mut O,
    ) -> Recorder<'a, O> {
        let count = match self.protection {
            protection if protection.repeats() => {
                let least = protection.retransmissions.max(u8::from(cheaply));
                least.saturating_sub(u8::from(!needed)).saturating_add(u8::from(again))
            }
            _ => u8::from(cheaply).saturating_add(u8::from(cheaply && again)),
        };
        let spacing = self.protection.retransmission_spacing.max(RETRANSMISSION_SPACING);
        Recorder { copies: self, count, spacing, kind: Kind::Picture, now, dropped: 0, out }
    }

    /// False when there is no room.
    fn keep(&mut self, octets: &[u8], kind: Kind, count: u8, spacing: Duration, now: Instant) -> bool {
        let Some(due) = now.checked_add(spacing).filter(|_| self.kept.len() < MOST_KEPT) else { return false };
        self.kept.push_back(Kept { octets: octets.to_vec(), due, left: count, spacing, kind });
        true
    }

    fn next_due(&self) -> Option<Instant> {
        self.kept.iter().map(|kept| kept.due).min()
    }
}

impl<O> Recorder<'_, O> {
    /// Packets that are sent but once, because too many are kept.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl<O: Output> Output for Recorder<'_, O> {
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        // A connection repeats by itself what it loses.
        if self.count > 0 && destination.protocol == Protocol::Udp {
            for segment in contents.chunks(segment_size.max(1)) {
                self.dropped =
                    self.dropped.saturating_add(u64::from(!self.copies.keep(segment, self.kind, self.count, self.spacing, self.now)));
            }
        }
        self.out.transmit(destination, segment_size, contents);
    }
}

impl Peer {
    /// How close together it may ask for a packet: what was sent again within a round trip is under way.
    pub(super) fn asked(&self) -> Cause {
        let under_way = self.link.as_deref().map_or(Duration::ZERO, Link::answer_within);
        Cause::Asked(under_way.max(RESEND_INTERVAL))
    }

    /// Send what is due, oldest first.
    fn send_copies(&mut self, now: Instant, since_epoch: Duration, counters: &mut Counters, out: &mut impl Output) {
        let Self { copies, link, extensions, address, .. } = self;
        let Some(address) = *address else { return copies.kept.clear() };
        let due_by = now.checked_add(TOGETHER).unwrap_or(now);
        for kept in copies.kept.iter_mut().filter(|kept| kept.due <= due_by) {
            let fits = |link: &mut Link| link.take_copies(since_epoch, kept.octets.len());
            if kept.kind == Kind::Picture && !link.as_deref_mut().is_none_or(fits) {
                counters.copies_dropped.add(kept.left.into());
                kept.left = 0;
                continue;
            }
            out.transmit(address, kept.octets.len(), &kept.octets);
            kept.left = kept.left.saturating_sub(1);
            kept.due = kept.due.checked_add(kept.spacing).unwrap_or(kept.due).max(now);
            copies.octets = copies.octets.saturating_add(kept.octets.len() as u64);
            counters.copies_sent.add(1);
            counters.copy_octets_sent.add(kept.octets.len() as u64);
            if let (Some(link), Some(number)) = (link.as_deref_mut(), transport_number(&kept.octets, extensions.transport_cc)) {
                link.copied(since_epoch, number, kept.octets.len());
            }
        }
        copies.kept.retain(|kept| kept.left > 0);
    }
}

/// The transport-wide number of a sealed packet: its header is in the clear.
fn transport_number(packet: &[u8], id: u8) -> Option<u16> {
    let header = Header::parse(packet).ok().filter(|_| id != 0)?;
    let (_, value) = header.elements(packet).find(|(known, _)| *known == id)?;
    value.first_chunk().copied().map(u16::from_be_bytes)
}

impl Engine {
    /// Protect a peer's media against losses of its link from now on.
    pub(super) fn protect(&mut self, peer: PeerKey, protection: Protection, now: Instant) -> Option<()> {
        self.peers.get_mut(peer)?.copies.protect(protection, now);
        Some(())
    }

    /// See to it that what is kept of a peer is sent in time.
    pub(super) fn schedule_copies(&mut self, peer: PeerKey) {
        let Some(copies) = self.peers.get_mut(peer).map(|peer| &mut peer.copies) else { return };
        let Some(due) = copies.next_due() else { return };
        if !std::mem::replace(&mut copies.listed, true) {
            self.copying.push(peer);
        }
        self.timers.arm(Timer::Copies, due);
    }

    /// Send the copies that are due.
    pub(super) fn send_copies(&mut self, now: Instant, out: &mut impl Output) {
        let since_epoch = self.clock.since_epoch(now);
        for key in std::mem::take(&mut self.copying) {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            let mut joiner = Joiner::new(&mut self.joint, out);
            peer.send_copies(now, since_epoch, &mut self.counters, &mut joiner);
            joiner.finish();
            peer.copies.listed = false;
            self.schedule_copies(key);
        }
    }
}
