//! The receiving side of one direction: order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tcp::Segment;

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

    /// All before it has come.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The stream is complete.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }
}
