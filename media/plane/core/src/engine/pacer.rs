//! The pacer's packets: written when their turn in the stream is settled, numbered and sealed when they leave.
//!
//! A packet that waits is a copy, not a reference into its source's cache: the source may end or its cache go on meanwhile. Its
//! sequence number passed `sent.rs` and is sealed once, here, or never: what is dropped is asked for again and comes as a
//! retransmission. Its transport-wide number and send time are those of its departure.

use std::time::{Duration, Instant};

use super::burst::{MAX_BURST_OCTETS, MAX_SEGMENTS};
use super::ledger::Original;
use super::link::Link;
use super::peer::Peer;
use super::scratch::Scratch;
use super::timers::Timer;
use super::{Counters, Engine, Output};
use crate::command::ExtensionIds;
use crate::extension;
use crate::rtp::numbers_of;
use crate::srtp::SrtpSender;

/// Between two bursts to one subscriber at least: many subscribers' are sent in one turn.
const TICK: Duration = Duration::from_millis(2);

/// A packet that waits, written but neither numbered nor sealed.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) packet: Vec<u8>,
    pub(super) header_len: usize,
    /// Rollover count of its sequence number.
    pub(super) roc: u32,
    /// Which one it is, where it can be sent again.
    pub(super) of: Option<Original>,
    /// Of a retransmission: whether other pictures need its picture.
    pub(super) again: Option<bool>,
    /// Its spatial layer.
    pub(super) spatial: u8,
    /// Its frame, which is one spatial layer of a picture, ends with it.
    pub(super) end_of_frame: bool,
}

/// What has copies of its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Picture,
    /// `needed`: other pictures need its picture.
    Retransmission {
        needed: bool,
    },
    /// A repair packet.
    Repair,
}

impl Held {
    fn kind(&self) -> Kind {
        match (self.again, self.of) {
            (Some(needed), _) => Kind::Retransmission { needed },
            (None, Some(_)) => Kind::Picture,
            (None, None) => Kind::Repair,
        }
    }

    /// Its extended output number.
    pub(super) fn sequence(&self) -> i64 {
        let low = numbers_of(&self.packet).map_or(0, |(sequence, _)| sequence);
        i64::from(self.roc) << 16 | i64::from(low)
    }

    /// Of its picture.
    pub(super) fn timestamp(&self) -> Option<u32> {
        numbers_of(&self.packet).map(|(_, timestamp)| timestamp)
    }

    /// Of its stream.
    pub(super) fn ssrc(&self) -> Option<u32> {
        self.packet.get(8..)?.first_chunk().copied().map(u32::from_be_bytes)
    }
}

impl Engine {
    /// See to it that what began to wait in this turn is sent.
    pub(super) fn pace_what_waits(&mut self, now: Instant) {
        if self.scratch.holding.is_empty() {
            return;
        }
        for peer in std::mem::take(&mut self.scratch.holding) {
            if !self.pacing.contains(&peer) {
                self.pacing.push(peer);
            }
        }
        self.timers.arm_in(Timer::Pacing, now, TICK);
    }

    /// Send what is due to each subscriber for whom something waits.
    pub(super) fn send_paced(&mut self, now: Instant, out: &mut impl Output) {
        let Self { peers, counters, scratch, clock, .. } = self;
        let since_epoch = clock.since_epoch(now);
        let mut next: Option<Duration> = None;
        self.pacing.retain(|&key| {
            let Some(peer) = peers.get_mut(key) else { return false };
            send_burst(peer, now, since_epoch, scratch, counters, out);
            let due = peer.link.as_ref().and_then(|link| link.next_burst(since_epoch));
            next = next.into_iter().chain(due).min();
            due.is_some()
        });
        if let Some(delay) = next {
            self.timers.arm_in(Timer::Pacing, now, delay.max(TICK));
        }
        for peer in std::mem::take(&mut self.scratch.copied) {
            self.schedule_copies(peer);
        }
    }
}

/// Send a peer what is due to it.
fn send_burst(peer: &mut Peer, now: Instant, since_epoch: Duration, scratch: &mut Scratch, counters: &mut Counters, out: &mut impl Output) {
    let Peer { security, address, link, copies, extensions, .. } = peer;
    let (Some(security), Some(address), Some(link)) = (security, *address, link.as_deref_mut()) else { return };
    let burst = link.take_burst(since_epoch);
    counters.paced_dropped.add(link.take_dropped());
    let mut rest = burst.as_slice();
    while let Some((run, segment_size)) = next_run(rest, security.sender.rtp_overhead()) {
        let (leaving, later) = rest.split_at(run);
        scratch.clear();
        for held in leaving {
            seal(held, extensions, Some(link), since_epoch, &security.sender, scratch);
        }
        counters.bursts_sent.add(1);
        counters.paced_bursts.add(1);
        let mut recorder = match leaving.first().map(Held::kind) {
            // Also one that was lost before has no copy more: what waits does so because much does, and that would wait longer.
            Some(Kind::Retransmission { needed }) => copies.record_retransmission(false, needed, !link.is_queued(), now, out),
            Some(Kind::Picture) if copies.protection().picture_copies > 0 => copies.record_picture(now, out),
            Some(Kind::Picture | Kind::Repair) | None => {
                out.transmit(address, segment_size, scratch);
                rest = later;
                continue;
            }
        };
        recorder.transmit(address, segment_size, scratch);
        counters.copies_dropped.add(recorder.dropped());
        scratch.copied.push(link.peer);
        rest = later;
    }
}

/// How many packets from the first on go in one send, and its segment size: all are alike but the last, which may be shorter.
fn next_run(packets: &[Held], overhead: usize) -> Option<(usize, usize)> {
    let size = |held: &Held| held.packet.len().saturating_add(overhead);
    let segment_size = packets.first().map(size)?;
    let most = MAX_BURST_OCTETS.checked_div(segment_size).unwrap_or(1).clamp(1, MAX_SEGMENTS);
    let kind = packets.first()?.kind();
    let alike = packets.iter().take(most).take_while(|held| size(held) == segment_size && held.kind() == kind).count();
    let shorter = alike < most && packets.get(alike).is_some_and(|held| size(held) < segment_size && held.kind() == kind);
    Some((alike.saturating_add(usize::from(shorter)), segment_size))
}

/// Append a packet that leaves now, sealed; `link` numbers it, where the subscriber reports what arrives.
pub(super) fn seal(
    held: &Held, ids: &ExtensionIds, link: Option<&mut Link>, since_epoch: Duration, sender: &SrtpSender, scratch: &mut Vec<u8>,
) {
    let start = scratch.len();
    scratch.extend_from_slice(&held.packet);
    let number = link.map_or(0, |link| link.number(since_epoch, held.packet.len().saturating_add(sender.rtp_overhead()), held.of));
    let packet = scratch.get_mut(start..).unwrap_or_default();
    set(packet, ids.transport_cc, &number.to_be_bytes());
    set(packet, ids.abs_send_time, &extension::abs_send_time(since_epoch));
    let sealed = sender.seal_rtp(scratch, start, held.header_len, held.roc);
    debug_assert!(sealed.is_ok());
}

/// Write a header extension over what stands there, if it is there.
fn set(packet: &mut [u8], id: u8, value: &[u8]) {
    if id == 0 {
        return;
    }
    for (to, from) in extension::element_mut(packet, id).iter_mut().zip(value) {
        *to = *from;
    }
}
