//! What was sent, until feedback tells what became of it.

use std::collections::VecDeque;

use crate::policed::LARGE;

/// Packets in flight that are remembered. At 1000 packets a second that is two seconds.
const CAPACITY: usize = 2048;

/// A packet that was sent and arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acked {
    /// When it was sent, by the sender's clock.
    pub sent: f64,
    /// When it arrived, by the receiver's clock.
    pub arrived: f64,
    /// Its size on the wire.
    pub octets: f64,
    /// Its transport-wide sequence number, unrolled.
    pub sequence: u64,
    /// When it was sent again for the first time, where it was.
    pub copied: Option<f64>,
}

/// Sent packets by transport-wide sequence number.
#[derive(Clone, Debug, Default)]
pub struct History {
    sent: VecDeque<Sent>,
    /// Unrolled sequence number of the first in `sent`.
    first: u64,
    copies: Copies,
}

/// Octets of copies: of packets smaller than [`LARGE`](crate::policed::LARGE), such as sound, and of others. Different shares of them
/// arrive where no room is left for large ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Copied {
    /// Octets of small ones.
    pub small: f64,
    /// Octets of the others.
    pub large: f64,
}

impl Copied {
    /// All of them.
    #[must_use]
    pub fn octets(self) -> f64 {
        self.small + self.large
    }

    fn since(self, before: Self) -> Self {
        Self { small: self.small - before.small, large: self.large - before.large }
    }
}

/// Copies that were sent: when, and octets of all up to that one. Nobody reports them, but the link carries them.
#[derive(Clone, Debug, Default)]
struct Copies {
    sent: VecDeque<(f64, Copied)>,
    /// Octets of those that are forgotten.
    before: Copied,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: f64,
    octets: f64,
    copied: Option<f64>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Arrived,
}

/// What a report changes about a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum News {
    /// It arrived.
    Arrived(Acked),
    /// It arrived after it had been reported lost.
    ArrivedLate(Acked),
    /// It is reported lost.
    Lost {
        /// When it was sent.
        sent: f64,
        /// Its size on the wire.
        octets: f64,
        /// When it was sent again for the first time, where it was.
        copied: Option<f64>,
    },
}

impl History {
    /// Remember a packet; returns its transport-wide sequence number.
    #[allow(clippy::cast_possible_truncation, reason = "the number on the wire is the low 16 bits")]
    pub fn push(&mut self, at: f64, octets: f64) -> u16 {
        if self.sent.len() == CAPACITY {
            self.sent.pop_front();
            self.first = self.first.saturating_add(1);
        }
        let sequence = self.first.saturating_add(self.sent.len() as u64);
        self.sent.push_back(Sent { at, octets, copied: None, fate: Fate::Unknown });
        sequence as u16
    }

    /// A packet is sent again under its number.
    pub fn on_copied(&mut self, at: f64, sequence: u16) {
        if let Some(sent) = self.find(sequence).and_then(|(_, index)| self.sent.get_mut(index)) {
            sent.copied.get_or_insert(at);
            self.copies.push(at, sent.octets);
        }
    }

    /// Octets of copies that were sent after `from` and up to `to`.
    #[must_use]
    pub fn copied_between(&self, from: f64, to: f64) -> Copied {
        self.copies.up_to(to).since(self.copies.up_to(from))
    }

    /// Octets of the packets between two that arrived which are told as lost.
    #[must_use]
    pub fn lost_between(&self, first: &Acked, last: &Acked) -> f64 {
        let from = usize::try_from(first.sequence.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let count = usize::try_from(last.sequence.saturating_sub(first.sequence)).unwrap_or(0);
        self.sent.iter().skip(from).take(count).filter(|sent| sent.fate == Fate::Lost).map(|sent| sent.octets).sum()
    }

    /// Take in a packet's report. None: it is not known (any more), or nothing new is said.
    pub fn report(&mut self, sequence: u16, arrived: Option<f64>) -> Option<News> {
        let (unrolled, index) = self.find(sequence)?;
        let sent = self.sent.get_mut(index)?;
        let fate = if arrived.is_some() { Fate::Arrived } else { Fate::Lost };
        let before = std::mem::replace(&mut sent.fate, fate);
        let news = match (before, arrived) {
            (Fate::Arrived, _) => {
                sent.fate = Fate::Arrived;
                return None;
            }
            (Fate::Lost, None) => return None,
            (Fate::Unknown, None) => News::Lost { sent: sent.at, octets: sent.octets, copied: sent.copied },
            (_, Some(arrived)) => {
                let acked = Acked { sent: sent.at, arrived, octets: sent.octets, sequence: unrolled, copied: sent.copied };
                if before == Fate::Lost { News::ArrivedLate(acked) } else { News::Arrived(acked) }
            }
        };
        Some(news)
    }

    /// What was sent behind this packet: when, and octets.
    pub fn sent_behind(&self, packet: &Acked) -> impl Iterator<Item = (f64, f64)> {
        let behind = packet.sequence.saturating_add(1).saturating_sub(self.first);
        self.sent.iter().skip(usize::try_from(behind).unwrap_or(usize::MAX)).map(|sent| (sent.at, sent.octets))
    }

    /// Forget packets older than this that were sent before `horizon`.
    pub fn forget_before(&mut self, horizon: f64) {
        while self.sent.front().is_some_and(|sent| sent.at < horizon) {
            self.sent.pop_front();
            self.first = self.first.saturating_add(1);
        }
        self.copies.forget_before(horizon);
    }

    /// The newest packet with these 16 bits.
    fn find(&self, sequence: u16) -> Option<(u64, usize)> {
        let next = self.first.saturating_add(self.sent.len() as u64);
        let last = next.checked_sub(1)?;
        #[allow(clippy::cast_possible_truncation, reason = "the low 16 bits are compared")]
        let back = (last as u16).wrapping_sub(sequence);
        let unrolled = last.checked_sub(u64::from(back))?;
        let index = usize::try_from(unrolled.checked_sub(self.first)?).ok()?;
        Some((unrolled, index))
    }
}

impl Copies {
    fn push(&mut self, at: f64, octets: f64) {
        if self.sent.len() == CAPACITY {
            self.pop();
        }
        let mut all = self.sent.back().map_or(self.before, |(_, all)| *all);
        *(if octets < LARGE { &mut all.small } else { &mut all.large }) += octets;
        self.sent.push_back((at, all));
    }

    fn up_to(&self, at: f64) -> Copied {
        let behind = self.sent.partition_point(|(sent, _)| *sent <= at);
        behind.checked_sub(1).and_then(|last| self.sent.get(last)).map_or(self.before, |(_, all)| *all)
    }

    fn forget_before(&mut self, horizon: f64) {
        while self.sent.front().is_some_and(|(at, _)| *at < horizon) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some((_, all)) = self.sent.pop_front() {
            self.before = all;
        }
    }
}
