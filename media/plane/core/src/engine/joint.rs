//! Joins sends to one destination: what follows a burst may be its last segments.

use super::Output;
use super::burst::{MAX_BURST_OCTETS, MAX_SEGMENTS};
use crate::address::TransportAddress;

/// A send that is held back, because more may be joined to it. Its room is used again.
#[derive(Default)]
pub(super) struct Joint {
    destination: Option<TransportAddress>,
    segment_size: usize,
    contents: Vec<u8>,
}

/// An output that joins what it is given while that goes to one destination and the kernel can cut it. Not cutting what was
/// joined is up to the caller: what is still held must be [`Joiner::finish`]ed.
pub(super) struct Joiner<'a, O> {
    held: &'a mut Joint,
    out: &'a mut O,
    /// Sends saved.
    pub(super) joined: u64,
}

impl Joint {
    /// Whether segments that follow can be cut off behind what is held: it ends with a whole segment, and they are as large,
    /// or one that is smaller.
    fn takes(&self, destination: TransportAddress, segment_size: usize, contents: &[u8]) -> bool {
        let octets = self.contents.len().saturating_add(contents.len());
        let alike = segment_size == self.segment_size || contents.len() <= self.segment_size.min(segment_size);
        self.destination == Some(destination)
            && alike
            && self.contents.len().is_multiple_of(self.segment_size)
            && octets <= MAX_BURST_OCTETS
            && octets.div_ceil(self.segment_size) <= MAX_SEGMENTS
    }
}

impl<'a, O: Output> Joiner<'a, O> {
    /// `held` is empty: what it held before was finished.
    pub(super) fn new(held: &'a mut Joint, out: &'a mut O) -> Self {
        Self { held, out, joined: 0 }
    }

    /// Whether something is held.
    pub(super) fn holds(&self) -> bool {
        self.held.destination.is_some()
    }

    /// Send what is held.
    pub(super) fn finish(&mut self) {
        if let Some(destination) = self.held.destination.take() {
            self.out.transmit(destination, self.held.segment_size, &self.held.contents);
            self.held.contents.clear();
        }
    }
}

impl<O: Output> Output for Joiner<'_, O> {
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        if self.held.takes(destination, segment_size, contents) {
            self.joined = self.joined.saturating_add(1);
        } else {
            self.finish();
            self.held.destination = Some(destination);
            self.held.segment_size = segment_size.max(1);
        }
        self.held.contents.extend_from_slice(contents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Sends(Vec<(TransportAddress, usize, usize)>);

    impl Output for Sends {
        fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
            self.0.push((destination, segment_size, contents.len()));
        }
    }

    /// The sends (segment size, octets) that `given` to one destination become.
    fn joined(given: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let (mut held, mut out) = (Joint::default(), Sends::default());
        let mut joiner = Joiner::new(&mut held, &mut out);
        for &(segment_size, octets) in given {
            joiner.transmit(address(1), segment_size, &vec![0; octets]);
        }
        joiner.finish();
        assert!(!joiner.holds());
        out.0.into_iter().map(|(_, segment_size, octets)| (segment_size, octets)).collect()
    }

    fn address(port: u16) -> TransportAddress {
        TransportAddress::udp(([192, 0, 2, 1], port).into())
    }

    #[test]
    fn audio_is_the_last_segment_of_a_picture() {
        assert_eq!(joined(&[(1_200, 4_800), (120, 120)]), [(1_200, 4_920)]);
        assert_eq!(joined(&[(1_200, 1_200), (1_200, 2_000)]), [(1_200, 3_200)], "segments of one size");
    }

    #[test]
    fn nothing_follows_a_shorter_segment_and_nothing_larger_follows() {
        assert_eq!(joined(&[(1_200, 3_000), (120, 120)]), [(1_200, 3_000), (120, 120)]);
        assert_eq!(joined(&[(120, 120), (1_200, 1_200)]), [(120, 120), (1_200, 1_200)]);
        assert_eq!(joined(&[(1_200, 1_200), (120, 240)]), [(1_200, 1_200), (120, 240)], "two that are shorter");
    }

    #[test]
    fn the_limits_of_the_kernel_and_of_ip_hold() {
        assert_eq!(joined(&[(100, 6_400), (100, 100)]), [(100, 6_400), (100, 100)]);
        assert_eq!(joined(&[(1_300, 64_000 / 1_300 * 1_300), (1_300, 1_300), (1_300, 1_300)]).len(), 2);
    }

    #[test]
    fn each_destination_has_its_own_send() {
        let (mut held, mut out) = (Joint::default(), Sends::default());
        let mut joiner = Joiner::new(&mut held, &mut out);
        joiner.transmit(address(1), 10, &[0; 10]);
        joiner.transmit(address(2), 10, &[0; 10]);
        joiner.finish();
        assert_eq!(joiner.joined, 0);
        let ports: Vec<u16> = out.0.iter().map(|(destination, ..)| destination.socket.port()).collect();
        assert_eq!(ports, [1, 2]);
    }
}
