//! The receiving side of one direction: order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::tcp::Segment;

/// As many blocks as fit beside timestamps (RFC 2018 section 3).
const BLOCKS: usize = 3;

/// What one acknowledgement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// All before it has come.
    pub next: u64,
    /// The segment that it answers.
    pub index: u64,
    /// What has come beyond `next`: the block of `index` first, then the latest others.
    pub blocks: Vec<Range<u64>>,
}

impl Acknowledgement {
    /// Whether a segment has arrived.
    #[must_use]
    pub fn has(&self, index: u64) -> bool {
        index < self.next || index == self.index || self.blocks.iter().any(|block| block.contains(&index))
    }
}

/// Segments until those before them have come.
#[derive(Debug, Default)]
pub struct Receiver {
    next: u64,
    early: BTreeMap<u64, Arc<[u8]>>,
    ended: bool,
}

impl Receiver {
    /// Take a segment; the octets that are in order now.
    pub fn receive(&mut self, segment: Segment) -> Vec<u8> {
        if segment.index >= self.next {
            self.early.insert(segment.index, segment.payload);
        }
        let mut octets = Vec::new();
        while let Some(payload) = self.early.remove(&self.next) {
            self.ended |= payload.is_empty();
            octets.extend_from_slice(&payload);
            self.next += 1;
        }
        octets
    }

    /// The answer to a segment that was just received.
    #[must_use]
    pub fn acknowledgement(&self, index: u64) -> Acknowledgement {
        let mut blocks: Vec<Range<u64>> = Vec::new();
        for &early in self.early.keys() {
            match blocks.last_mut() {
                Some(block) if block.end == early => block.end += 1,
                _ => blocks.push(early..early + 1),
            }
        }
        blocks.sort_by_key(|block| (!block.contains(&index), std::cmp::Reverse(block.start)));
        blocks.truncate(BLOCKS);
        Acknowledgement { next: self.next, index, blocks }
    }

    /// The stream is complete.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }
}
