//! Which worker has the peer of a ufrag: read for each check, written when a peer comes or goes.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use plane_core::command::WorkerId;
use plane_core::stun::BindingRequest;

use crate::tickets;

/// Shared by owner and workers.
#[derive(Default)]
pub(crate) struct Ufrags(RwLock<HashMap<String, WorkerId>>);

impl Ufrags {
    pub(crate) fn insert(&self, ufrag: String, worker: WorkerId) {
        // The table is whole between any two operations, so a panic elsewhere does not spoil it; likewise below.
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(ufrag, worker);
    }

    pub(crate) fn remove(&self, ufrag: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(ufrag);
    }

    pub(crate) fn worker_of(&self, ufrag: &str) -> Option<WorkerId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(ufrag).copied()
    }

    /// The worker that a check is for, one of `workers`; `None` where it is no check or nobody's.
    pub(super) fn named_in(&self, datagram: &[u8], workers: usize) -> Option<WorkerId> {
        let ufrag = BindingRequest::parse(datagram).ok()?.local_ufrag;
        self.worker_of(ufrag).or_else(|| tickets::worker_of(ufrag, workers))
    }
}
