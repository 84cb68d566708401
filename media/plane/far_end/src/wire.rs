//! Where the engine's datagrams go.

use plane_core::address::TransportAddress;
use plane_core::engine::Output;

/// Datagrams that the engine sent, cut as the kernel would.
#[derive(Debug, Default)]
pub struct Wire {
    /// Destination and content, in order of sending.
    pub sent: Vec<(TransportAddress, Vec<u8>)>,
}

impl Output for Wire {
    /// # Panics
    /// When the kernel would refuse the send: nothing in it, more than 64 segments, or more than a datagram holds.
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        assert!(!contents.is_empty() && segment_size > 0, "an empty send");
        assert!(contents.len() <= 65_507 && contents.len().div_ceil(segment_size) <= 64, "more than one send takes");
        self.sent.extend(contents.chunks(segment_size).map(|segment| (destination, segment.to_vec())));
    }
}

impl Wire {
    /// Take what was sent to `address`, in order.
    pub fn take(&mut self, address: TransportAddress) -> Vec<Vec<u8>> {
        self.sent.extract_if(.., |(to, _)| *to == address).map(|(_, datagram)| datagram).collect()
    }
}
