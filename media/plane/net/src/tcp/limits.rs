//! How many connections there may be.

use std::net::{IpAddr, Ipv6Addr};

use rustix::process::{Resource, getrlimit};

/// In all, where descriptors allow. A connection whose peer reads slowly holds up to 256 KiB.
const MOST: usize = 4_096;

/// Connections that may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) in_all: usize,
    /// From one IPv4 address, or one IPv6 network of 64 bits, of which anybody has all addresses. It is large, because
    /// a whole company without UDP stands behind one address.
    pub(crate) of_a_network: usize,
}

impl Limits {
    /// A quarter of the descriptors that the process may have, so that strangers here take none from its other sockets;
    /// a quarter of these for one network.
    pub(crate) fn of_this_process() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.and_then(|current| usize::try_from(current).ok());
        let in_all = descriptors.map_or(MOST, |descriptors| (descriptors / 4).min(MOST));
        Self { in_all, of_a_network: (in_all / 4).max(1) }
    }

    /// The share of one of `workers`. Peers are dealt out evenly, so a network's connections are spread over all of them.
    pub(crate) fn shared_by(self, workers: usize) -> Self {
        let share = |all: usize| all.checked_div(workers).unwrap_or(all).max(1);
        Self { in_all: share(self.in_all), of_a_network: share(self.of_a_network) }
    }
}

/// Who an address is counted as.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one() {
        let ours = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::9"].map(|address| address.parse().ok().map(network));
        assert_eq!(ours[0], ours[1]);
        assert_ne!(ours[0], "2001:db8:0:2::1".parse().ok().map(network));
    }
}
