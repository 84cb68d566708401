//! Room to write datagrams in: reused, so that forwarding allocates nothing and stays in the cache.

use std::ops::{Deref, DerefMut};

use super::PeerKey;
use super::burst::MAX_BURST_OCTETS;

/// Where datagrams are written before they are sent, whose had to wait, and whose will be sent again.
pub(super) struct Scratch {
    buffer: Vec<u8>,
    /// Peers to whom something began to wait in this turn.
    pub(super) holding: Vec<PeerKey>,
    /// Peers of whose packets copies are due later.
    pub(super) copied: Vec<PeerKey>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { buffer: Vec::with_capacity(MAX_BURST_OCTETS), holding: Vec::new(), copied: Vec::new() }
    }
}

impl Deref for Scratch {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.buffer
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }
}
