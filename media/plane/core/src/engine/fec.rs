//! Repair packets to subscribers whose links lose much: what a picture lost comes back without a round trip, where enough of it and
//! of its repair packets arrived (FlexFEC, `flexfec.rs`).
//!
//! A group is a picture that others need (of the base layer, or a keyframe), or as many other pictures as earn a repair packet. Repair
//! packets follow a little later and apart, so that what took the picture has passed. They are paced like pictures, and have
//! transport-wide numbers. Nothing is kept while nothing is protected.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use adaptation::pacer::Class;

use super::cache::Packet;
use super::pacer::{self, Held};
use super::peer::Peer;
use super::timers::Timer;
use super::{Engine, Output, SinkKey};
use crate::address::Protocol;
use crate::command::ExtensionIds;
use crate::extension;
use crate::flexfec::{self, MAX_SPAN};
use crate::rtp::{Fields, numbers_of};
use crate::sequence::{low16, low32};

/// From the last packet of a group to its first repair packet: about what a queue on the air takes to drain.
const BEHIND: Duration = Duration::from_millis(8);
/// Between repair packets of a group: all of a picture's leave before the next picture.
const APART: Duration = Duration::from_millis(3);
/// What is due within this time leaves at once.
const TOGETHER: Duration = Duration::from_millis(1);
/// Packets of a group at most: a browser gives up what needs more than 48 repair packets at a time, and longer groups wait longer.
const MOST_MEMBERS: usize = 24;
/// Repair packets that wait at most.
const MOST_WAITING: usize = 96;
/// Pictures that no other needs are protected by what is beyond this: a repair packet for many packets repairs next to nothing.
const OTHER_FROM: u32 = 60;
/// Of a repair packet, in percent of packets.
const WHOLE: u32 = 100;
const HALF: u32 = 50;

/// One sink's.
pub(super) struct Fec {
    pub(super) ssrc: u32,
    payload_type: u8,
    /// Extended sequence number of the next repair packet.
    sequence: i64,
    /// Repair packets for each 100 packets that others need.
    percent: u8,
    needed: Group,
    other: Group,
    /// The picture that is a keyframe.
    keyframe: Option<u32>,
    waiting: VecDeque<Waiting>,
    /// Whether the engine's list has the sink.
    listed: bool,
}

/// Packets that are protected together, as a receiver sees them: plain, what changes on the way zero.
#[derive(Default)]
struct Group {
    members: Vec<(u16, Vec<u8>)>,
    /// Hundredths of repair packets that were earned.
    earned: u32,
}

struct Waiting {
    /// By the clock of the link.
    due: Duration,
    timestamp: u32,
    payload: Vec<u8>,
}

impl Fec {
    fn new(ssrc: u32, payload_type: u8) -> Self {
        Self {
            ssrc,
            payload_type,
            sequence: i64::from(ssrc & 0x7fff),
            percent: 0,
            needed: Group::default(),
            other: Group::default(),
            keyframe: None,
            waiting: VecDeque::new(),
            listed: false,
        }
    }

    /// Protect what is sent from now on with so many repair packets for each 100 packets; false where that is none.
    pub(super) fn protect(&mut self, percent: u8) -> bool {
        self.percent = percent;
        if percent == 0 && !(self.needed.members.is_empty() && self.other.members.is_empty()) {
            (self.needed, self.other) = (Group::default(), Group::default());
        }
        percent > 0
    }

    /// A packet of the protected stream leaves at `now`: `written` is plain, `packet` what it was made of, `last` of its picture.
    pub(super) fn add(&mut self, now: Duration, packet: &Packet, last: bool, written: &[u8], ids: &ExtensionIds, media: u32) {
        let Some((sequence, timestamp)) = numbers_of(written) else { return };
        if packet.keyframe_start {
            self.keyframe = Some(timestamp);
        }
        let keyframe = self.keyframe == Some(timestamp);
        let needed = keyframe || packet.temporal_id() == 0;
        let percent = u32::from(self.percent);
        let share = match (needed, keyframe) {
            (_, true) => percent.saturating_add(percent >> 1),
            (true, false) => percent,
            (false, false) => percent.saturating_sub(OTHER_FROM),
        };
        let group = if needed { &self.needed } else { &self.other };
        // What comes late fills a gap in front of what is protected.
        if group.members.last().is_some_and(|(before, _)| sequence.wrapping_sub(*before).cast_signed() <= 0) {
            return;
        }
        if group.members.len() >= MOST_MEMBERS || group.first().is_some_and(|first| sequence.wrapping_sub(first) >= MAX_SPAN) {
            self.close(needed, now, timestamp, media);
        }
        let group = if needed { &mut self.needed } else { &mut self.other };
        group.members.push((sequence, as_received(written, ids)));
        group.earned = group.earned.saturating_add(share);
        if last && (needed || group.earned >= WHOLE) {
            self.close(needed, now, timestamp, media);
        }
    }

    /// Make the repair packets of a group, and begin another.
    fn close(&mut self, needed: bool, now: Duration, timestamp: u32, media: u32) {
        let group = if needed { &mut self.needed } else { &mut self.other };
        let members = std::mem::take(&mut group.members);
        // What others need is never without; what is left over counts for the next group.
        let due = if needed { group.earned.saturating_add(HALF).max(WHOLE) } else { group.earned };
        let count = due.checked_div(WHOLE).unwrap_or(0).min(u32::try_from(members.len()).unwrap_or(0));
        group.earned = if needed { 0 } else { due.checked_rem(WHOLE).unwrap_or(0) };
        for row in 0..count {
            let covers = |index: usize| {
                let (first, second) = flexfec::rows(index, count as usize);
                [Some(first), second].contains(&Some(row as usize))
            };
            let covered = members.iter().enumerate().filter(|(index, _)| covers(*index)).map(|(_, (number, packet))| (*number, &**packet));
            let mut payload = Vec::new();
            if self.waiting.len() < MOST_WAITING && flexfec::write(media, covered, &mut payload) {
                let due = now.saturating_add(BEHIND).saturating_add(APART.saturating_mul(row));
                self.waiting.push_back(Waiting { due, timestamp, payload });
            }
        }
    }

    fn next_due(&self) -> Option<Duration> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    fn take_due(&mut self, now: Duration) -> Vec<Waiting> {
        let by = now.saturating_add(TOGETHER);
        let (due, later) = std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.due <= by);
        self.waiting = later;
        Vec::from(due)
    }

    /// Write a repair packet: it is sealed when it leaves.
    fn write(&mut self, waiting: &Waiting, mid: &[u8], ids: &ExtensionIds, since_epoch: Duration) -> Held {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let (payload_type, ssrc, timestamp) = (self.payload_type, self.ssrc, waiting.timestamp);
        let fields = Fields { marker: false, payload_type, sequence_number: low16(sequence), timestamp, ssrc };
        let sent = extension::abs_send_time(since_epoch);
        let elements = [(ids.transport_cc, &[0; 2][..]), (ids.mid, mid), (ids.abs_send_time, &sent)];
        let mut packet = Vec::new();
        // Elements are at most 127 octets each, so they always fit.
        let header_len = extension::write_header(&mut packet, &fields, &elements).unwrap_or(0);
        packet.extend_from_slice(&waiting.payload);
        Held { packet, header_len, roc: low32(sequence >> 16), of: None, again: None, spatial: 0, end_of_frame: false }
    }
}

impl Group {
    fn first(&self) -> Option<u16> {
        self.members.first().map(|(sequence, _)| *sequence)
    }
}

/// As a receiver takes it for repair: it does not know with which transport-wide number and when it was sent.
fn as_received(written: &[u8], ids: &ExtensionIds) -> Vec<u8> {
    let mut packet = written.to_vec();
    for id in [ids.transport_cc, ids.abs_send_time].into_iter().filter(|id| *id != 0) {
        extension::element_mut(&mut packet, id).fill(0);
    }
    packet
}

impl Engine {
    /// Repair packets of a sink go out under this SSRC and payload type, where they are wanted.
    pub(super) fn add_fec(&mut self, sink: SinkKey, ssrc: u32, payload_type: u8) -> Option<()> {
        let sink = self.sinks.get_mut(sink)?;
        self.peers.get_mut(sink.peer)?.sending.insert(ssrc);
        sink.fec = Some(Box::new(Fec::new(ssrc, payload_type)));
        Some(())
    }

    /// See to it that what waits of a sink is sent in time.
    pub(super) fn schedule_fec(&mut self, now: Instant, key: SinkKey) {
        let Some(fec) = self.sinks.get_mut(key).and_then(|sink| sink.fec.as_deref_mut()) else { return };
        let Some(due) = fec.next_due() else { return };
        if !std::mem::replace(&mut fec.listed, true) {
            self.repairing.push(key);
        }
        self.timers.arm_in(Timer::Fec, now, due.saturating_sub(self.clock.since_epoch(now)));
    }

    /// Send the repair packets that are due.
    pub(super) fn send_fec(&mut self, now: Instant, out: &mut impl Output) {
        for key in std::mem::take(&mut self.repairing) {
            self.send_fec_of(now, key, out);
            if let Some(fec) = self.sinks.get_mut(key).and_then(|sink| sink.fec.as_deref_mut()) {
                fec.listed = false;
            }
            self.schedule_fec(now, key);
        }
    }

    fn send_fec_of(&mut self, now: Instant, key: SinkKey, out: &mut impl Output) {
        let Self { sinks, peers, counters, scratch, clock, .. } = self;
        let since_epoch = clock.since_epoch(now);
        let Some(sink) = sinks.get_mut(key) else { return };
        let (Some(fec), Some(peer)) = (sink.fec.as_deref_mut(), peers.get_mut(sink.peer)) else { return };
        let due = fec.take_due(since_epoch);
        let Peer { security: Some(security), address: Some(address), link, extensions, copies, .. } = peer else { return };
        // A connection repeats by itself what it loses.
        for waiting in due.iter().filter(|_| address.protocol == Protocol::Udp) {
            let held = fec.write(waiting, sink.mid.as_bytes(), extensions, since_epoch);
            let octets = held.packet.len().saturating_add(security.sender.rtp_overhead());
            copies.spend(octets);
            counters.fec_sent.add(1);
            counters.fec_octets_sent.add(octets as u64);
            let link = link.as_deref_mut();
            match link {
                Some(link) if link.passing(since_epoch, Class::Video, 1, octets) == 0 => {
                    link.hold(since_epoch, Class::Video, octets, held);
                    counters.packets_paced.add(1);
                    counters.paced_dropped.add(link.take_dropped());
                    scratch.holding.push(link.peer);
                }
                link => {
                    scratch.clear();
                    pacer::seal(&held, extensions, link, since_epoch, &security.sender, scratch);
                    out.transmit(*address, octets, scratch);
                }
            }
        }
    }
}
