//! Allowances: how many answers an address and a peer may have, and how many DTLS datagrams a peer may hand up.
//!
//! Only what is authenticated spends, so that nobody spends for another by forging source addresses alone.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rustc_hash::FxHasher;

/// How much, and how fast it comes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Until one more is allowed.
    interval: Duration,
    /// How far ahead of its time one may spend: `interval` times the size of a burst.
    ahead: Duration,
}

/// Checks of one peer that are answered: 100 at once, then 50 a second. A browser paces the checks of all its candidate
/// pairs together, at 20 ms (Firefox) or 48 ms (Chromium) at most, for the second or two until a pair is nominated, and
/// then sends one every 2.5 s or less often. Whoever holds the credentials gets no more than this, from however many addresses.
pub(super) const PEER_CHECKS: Allowance = Allowance::new(100, 50);

/// Checks from one host that are answered: 4000 at once, then 1000 a second. A thousand members behind one address
/// translator join within a second or two (some 20 checks each at worst) and later send 400 a second. Whoever makes this
/// port answer to somebody else's address sends at most 0.2 Mbit/s there, and less than was sent here.
const HOST_CHECKS: Allowance = Allowance::new(4000, 1000);

/// DTLS datagrams of one peer that are handed up: 128 at once, then 256 a second. A handshake with all its repetitions is
/// some 20; each costs the interpreter far more than it costs the sender.
pub(super) const PEER_DTLS: Allowance = Allowance::new(128, 256);

/// Buckets for all hosts, a power of two: the table never grows. Hosts that fall together share an allowance, which is
/// made for a crowd.
const HOST_BUCKETS: usize = 1024;

impl Allowance {
    pub(super) const fn new(burst: u32, a_second: u32) -> Self {
        let interval = Duration::from_nanos(1_000_000_000_u64.div_euclid(a_second as u64));
        Self { interval, ahead: interval.saturating_mul(burst.saturating_sub(1)) }
    }

    /// One of `parts` shares: so much less at once, and so much slower.
    fn divided(self, parts: u32) -> Self {
        // A burst of n reaches n - 1 intervals ahead; the share's interval is `parts` times as long.
        Self { interval: self.interval.saturating_mul(parts), ahead: self.ahead }
    }
}

/// What was spent of one allowance: a token bucket, kept as the time when it will be full again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Whether one more is allowed. Nothing is spent.
    pub(super) fn allows(&self, allowance: Allowance, now: Instant) -> bool {
        self.full_at.is_none_or(|full_at| full_at.saturating_duration_since(now) <= allowance.ahead)
    }

    /// Spend one.
    pub(super) fn spend(&mut self, allowance: Allowance, now: Instant) {
        let from = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = from.checked_add(allowance.interval);
    }

    /// Spend one if it is allowed.
    pub(super) fn take(&mut self, allowance: Allowance, now: Instant) -> bool {
        let allowed = self.allows(allowance, now);
        if allowed {
            self.spend(allowance, now);
        }
        allowed
    }
}

/// What hosts have spent of their checks.
pub(super) struct Hosts {
    seed: u64,
    allowance: Allowance,
    buckets: Box<[Bucket]>,
}

impl Hosts {
    /// `seed` keeps secret which hosts share a bucket.
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, allowance: HOST_CHECKS, buckets: vec![Bucket::default(); HOST_BUCKETS].into_boxed_slice() }
    }

    /// Allow one of `workers` its share. Peers are dealt out evenly, so a host's are spread over all of them.
    pub(super) fn divide(&mut self, workers: u32) {
        self.allowance = HOST_CHECKS.divided(workers);
    }

    /// Whether a check from this address may be answered.
    pub(super) fn allow(&self, address: SocketAddr, now: Instant) -> bool {
        self.buckets.get(self.index(address)).is_some_and(|bucket| bucket.allows(self.allowance, now))
    }

    /// A check from this address is answered.
    pub(super) fn spend(&mut self, address: SocketAddr, now: Instant) {
        let index = self.index(address);
        if let Some(bucket) = self.buckets.get_mut(index) {
            bucket.spend(self.allowance, now);
        }
    }

    /// A host is an IPv4 address or the 64 bits that an IPv6 subscriber is given; its ports are all one host's.
    fn index(&self, address: SocketAddr) -> usize {
        let mut hasher = FxHasher::default();
        self.seed.hash(&mut hasher);
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => ip.to_bits().hash(&mut hasher),
            IpAddr::V6(ip) => (ip.to_bits() >> 64).hash(&mut hasher),
        }
        // The low bits of a power of two: no truncation matters.
        usize::try_from(hasher.finish() >> 32).unwrap_or(0) & HOST_BUCKETS.wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &mut Bucket, now: Instant) -> usize {
        (0..10_000).take_while(|_| bucket.take(PEER_CHECKS, now)).count()
    }

    #[test]
    fn a_burst_then_so_many_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::default();
        assert_eq!(taken(&mut bucket, start), 100);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(19)), 0);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(20)), 1);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(1)), 49);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(60)), 100, "what is not spent does not add up");
    }

    #[test]
    fn workers_share_what_a_host_may_have() {
        let now = Instant::now();
        let address = SocketAddr::from(([192, 0, 2, 1], 1));
        let mut answered = 0;
        for seed in 0..4 {
            let mut hosts = Hosts::new(seed);
            hosts.divide(4);
            for _ in 0..10_000 {
                if hosts.allow(address, now) {
                    hosts.spend(address, now);
                    answered += 1;
                }
            }
        }
        assert_eq!(answered, 4000);
    }

    #[test]
    fn a_host_is_one_whatever_its_port() {
        let now = Instant::now();
        let mut hosts = Hosts::new(7);
        let mut answered = 0;
        for port in 1..=u16::MAX {
            let address = SocketAddr::from(([192, 0, 2, 1], port));
            if hosts.allow(address, now) {
                hosts.spend(address, now);
                answered += 1;
            }
        }
        assert_eq!(answered, 4000);
        assert!(hosts.allow(SocketAddr::from(([192, 0, 2, 2], 1)), now), "another host");
        assert!(hosts.allow(SocketAddr::from(([192, 0, 2, 1], 1)), now + Duration::from_millis(1)));
    }
}
