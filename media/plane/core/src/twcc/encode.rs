//! The body of one feedback message (section 3.1 of the draft).

use super::{Arrival, Ticks};

/// Octets of chunks and deltas in a message, so that it fits into a datagram beside other RTCP.
const MAX_BODY: usize = 1000;

/// Packets that the 16-bit status count can tell of.
const MAX_STATUSES: i64 = 0xFFFF;

/// Packets before the first received one that a message still calls lost; of older ones nobody asks.
const MAX_LEADING_GAP: i64 = 0x8000;

/// Ticks in a unit of the reference time: 64 ms.
const REFERENCE_UNIT: Ticks = 256;

/// Symbols in a status vector chunk of one-bit and of two-bit symbols.
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;

/// The longest run of a run length chunk: 13 bits.
const MAX_RUN: u16 = 0x1FFF;

/// What a message says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
enum Status {
    NotReceived = 0,
    SmallDelta = 1,
    LargeDelta = 2,
}

/// A message being put together.
#[derive(Debug, Default)]
pub(super) struct Message {
    base: i64,
    /// Packets told of.
    statuses: u16,
    reference: Ticks,
    /// The last delta leads here.
    last: Ticks,
    /// Statuses of packets in order, equal ones together.
    runs: Vec<(Status, u16)>,
    deltas: Vec<u8>,
}

impl Message {
    /// Begins with the status of packet `base`, of which `oldest` is the first received at or behind it.
    pub(super) fn begin(&mut self, base: i64, oldest: Arrival) {
        let gap = oldest.sequence.saturating_sub(base);
        self.base = if gap < MAX_LEADING_GAP { base } else { oldest.sequence };
        self.statuses = 0;
        self.reference = oldest.at.div_euclid(REFERENCE_UNIT);
        self.last = self.reference.saturating_mul(REFERENCE_UNIT);
        self.runs.clear();
        self.deltas.clear();
        self.push(oldest);
    }

    /// Adds a packet and those missing before it, or returns false when the message cannot hold them.
    pub(super) fn push(&mut self, arrival: Arrival) -> bool {
        let gap = arrival.sequence.saturating_sub(self.base).saturating_sub(i64::from(self.statuses));
        let total = i64::from(self.statuses).saturating_add(gap).saturating_add(1);
        // At most a chunk a run, plus what runs beyond 13 bits take.
        let body = self.deltas.len().saturating_add(self.runs.len().saturating_mul(2));
        let delta = i16::try_from(arrival.at.saturating_sub(self.last));
        let (Ok(delta), Ok(gap), true) = (delta, u16::try_from(gap), total <= MAX_STATUSES && body < MAX_BODY) else {
            return false;
        };
        self.push_status(Status::NotReceived, gap);
        if let Ok(small) = u8::try_from(delta) {
            self.push_status(Status::SmallDelta, 1);
            self.deltas.push(small);
        } else {
            self.push_status(Status::LargeDelta, 1);
            self.deltas.extend_from_slice(&delta.to_be_bytes());
        }
        self.last = arrival.at;
        true
    }

    /// Appends the body.
    pub(super) fn write(&self, feedback_count: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(&crate::sequence::low16(self.base).to_be_bytes());
        out.extend_from_slice(&self.statuses.to_be_bytes());
        let [.., r0, r1, r2] = self.reference.to_be_bytes();
        out.extend_from_slice(&[r0, r1, r2, feedback_count]);
        Chunks { runs: &self.runs, used: 0 }.for_each(|chunk| out.extend_from_slice(&chunk.to_be_bytes()));
        out.extend_from_slice(&self.deltas);
    }

    fn push_status(&mut self, status: Status, count: u16) {
        match self.runs.last_mut() {
            _ if count == 0 => {}
            Some((last, run)) if *last == status => *run = run.saturating_add(count),
            _ => self.runs.push((status, count)),
        }
        self.statuses = self.statuses.saturating_add(count);
    }
}

/// Iterator over the packet status chunks that say the runs in few octets.
struct Chunks<'a> {
    runs: &'a [(Status, u16)],
    /// Of the first run.
    used: u16,
}

impl Iterator for Chunks<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let &(status, run) = self.runs.first()?;
        let left = run.saturating_sub(self.used);
        let one_bit = self.statuses().take(ONE_BIT_SYMBOLS).all(|status| status != Status::LargeDelta);
        let vector_len = if one_bit { ONE_BIT_SYMBOLS } else { TWO_BIT_SYMBOLS };
        if usize::from(left) >= vector_len || self.runs.len() == 1 {
            let count = left.min(MAX_RUN);
            self.skip(count);
            return Some((status as u16) << 13 | count);
        }
        let symbol_bits = if one_bit { 1 } else { 2 };
        let kind: u16 = if one_bit { 0b10 } else { 0b11 };
        // Symbols beyond the status count are zero.
        let padded = self.statuses().chain(std::iter::repeat(Status::NotReceived)).take(vector_len);
        let chunk = padded.fold(kind, |chunk, status| chunk << symbol_bits | status as u16);
        (0..vector_len).for_each(|_| self.skip(1));
        Some(chunk)
    }
}

impl Chunks<'_> {
    /// The statuses not yet in a chunk.
    fn statuses(&self) -> impl Iterator<Item = Status> {
        let statuses = self.runs.iter().flat_map(|&(status, run)| std::iter::repeat_n(status, usize::from(run)));
        statuses.skip(usize::from(self.used))
    }

    /// Uses up so many statuses of the first run, or of the next when they are the rest of it.
    fn skip(&mut self, count: u16) {
        self.used = self.used.saturating_add(count);
        if let [(_, run), rest @ ..] = self.runs
            && self.used >= *run
        {
            self.runs = rest;
            self.used = 0;
        }
    }
}
