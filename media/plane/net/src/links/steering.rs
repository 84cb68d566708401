//! Which worker an address belongs to, where it is not the one whose socket gets its datagrams.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use plane_core::address::TransportAddress;
use plane_core::command::WorkerId;

/// Learned addresses: eight of each of eight thousand peers. They are checked ones, so strangers cannot fill this.
const MAX_LEARNED: usize = 65_536;

/// Hints, a power of two. Each is needed for a round trip between two workers.
const HINTS: usize = 1_024;

/// Learned addresses stay until they are forgotten. Hints come from checks whose password nobody has looked at yet; they
/// bridge the time until the peer's worker has, and a wrong one costs nothing: it is for addresses that are nobody's here.
pub(super) struct Steering {
    learned: HashMap<TransportAddress, WorkerId>,
    hints: Box<[Option<(TransportAddress, WorkerId)>]>,
    hasher: RandomState,
}

impl Default for Steering {
    fn default() -> Self {
        Self { learned: HashMap::new(), hints: vec![None; HINTS].into_boxed_slice(), hasher: RandomState::new() }
    }
}

impl Steering {
    pub(super) fn worker_of(&self, address: TransportAddress) -> Option<WorkerId> {
        let hinted = || self.hints.get(self.place(address))?.filter(|(hinted, _)| *hinted == address).map(|(_, worker)| worker);
        self.learned.get(&address).copied().or_else(hinted)
    }

    pub(super) fn hint(&mut self, address: TransportAddress, worker: WorkerId) {
        let place = self.place(address);
        if let Some(hint) = self.hints.get_mut(place) {
            *hint = Some((address, worker));
        }
    }

    pub(super) fn learn(&mut self, address: TransportAddress, worker: WorkerId) {
        if self.learned.len() < MAX_LEARNED || self.learned.contains_key(&address) {
            self.learned.insert(address, worker);
        }
    }

    /// Unless it has become another worker's since.
    pub(super) fn forget(&mut self, address: TransportAddress, worker: WorkerId) {
        if self.learned.get(&address) == Some(&worker) {
            self.learned.remove(&address);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.learned.len()
    }

    fn place(&self, address: TransportAddress) -> usize {
        // The low bits of a power of two: no truncation matters.
        usize::try_from(self.hasher.hash_one(address) >> 32).unwrap_or(0) & HINTS.wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> TransportAddress {
        let [a, b, c, d] = number.to_be_bytes();
        TransportAddress::udp(std::net::SocketAddr::from(([10, a, b, c], 1000 + u16::from(d))))
    }

    #[test]
    fn what_is_learned_stands_before_hints_until_it_is_forgotten() {
        let mut steering = Steering::default();
        assert_eq!(steering.worker_of(address(1)), None);
        steering.hint(address(1), 2);
        assert_eq!(steering.worker_of(address(1)), Some(2));
        steering.learn(address(1), 3);
        steering.hint(address(1), 2);
        assert_eq!(steering.worker_of(address(1)), Some(3));
        steering.forget(address(1), 4);
        assert_eq!(steering.worker_of(address(1)), Some(3), "told by the one it does not belong to");
        steering.forget(address(1), 3);
        assert_eq!(steering.worker_of(address(1)), Some(2));
    }

    #[test]
    fn nothing_grows_beyond_its_bound() {
        let mut steering = Steering::default();
        for number in 0..100_000 {
            steering.hint(address(number), 1);
            steering.learn(address(number), 1);
        }
        assert_eq!((steering.len(), steering.hints.len()), (MAX_LEARNED, HINTS));
        steering.learn(address(7), 2);
        assert_eq!(steering.worker_of(address(7)), Some(2), "who is known may move");
    }
}
