//! The engine's output: bursts become as few sends as the kernel allows.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use plane_core::address::{Protocol, TransportAddress};
use plane_core::command::WorkerId;
use plane_core::engine::{Crossing, Output};

use crate::counters::Counters;
use crate::links::Links;
use crate::socket::Socket;
use crate::tcp::Connections;

/// Largest UDP payload over IPv4 (65,535 less both headers). It binds segmented sends too, before they are segmented.
const MAX_PAYLOAD_OCTETS: usize = 65_507;

/// Destinations remembered for having refused offload. When it is full it starts again from nothing, which costs each
/// of them one failed send: bounded memory matters more than a case that one kernel in a thousand has.
const MAX_REFUSING: usize = 1_024;

/// Sends for the engine and counts. Media are late rather than lost when they wait, so nothing ever waits: what the
/// kernel does not take at once is dropped and counted.
pub(crate) struct Sender {
    socket: Arc<Socket>,
    max_segments: usize,
    /// Whether the kernel segments depends on the route (IPsec, a device without checksum offload), so it is
    /// remembered by destination: one odd subscriber must not take offload from all others.
    refusing: HashSet<SocketAddr>,
    pub(crate) connections: Connections,
    /// To the other workers, where there are any.
    pub(crate) links: Option<Links>,
    pub(crate) counters: Counters,
}

impl Sender {
    pub(crate) fn new(socket: Arc<Socket>, connections: Connections) -> Self {
        let max_segments = socket.max_segments();
        Self { socket, max_segments, refusing: HashSet::new(), connections, links: None, counters: Counters::default() }
    }

    /// Octets of the largest send: whole segments, as many as kernel and IP allow.
    fn send_octets(&self, destination: SocketAddr, segment_size: usize) -> usize {
        if self.max_segments < 2 || self.refusing.contains(&destination) {
            return segment_size;
        }
        let fitting = MAX_PAYLOAD_OCTETS.checked_div(segment_size).unwrap_or(1);
        self.max_segments.min(fitting).max(1).saturating_mul(segment_size)
    }

    fn send(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        let segments = contents.len().div_ceil(segment_size);
        match self.socket.send(destination, segment_size, contents) {
            Ok(()) => self.count_sent(segments, contents.len()),
            Err(error) if segments > 1 && refuses_offload(&error) => {
                self.remember_refusal(destination.socket);
                for datagram in contents.chunks(segment_size) {
                    self.send(destination, segment_size, datagram);
                }
            }
            Err(error) => Counters::add(self.drop_counter(&error), segments),
        }
    }

    fn count_sent(&mut self, segments: usize, octets: usize) {
        Counters::add(&mut self.counters.udp_sends, 1);
        Counters::add(&mut self.counters.udp_datagrams_sent, segments);
        Counters::add(&mut self.counters.udp_octets_sent, octets);
        self.counters.udp_segments_max = self.counters.udp_segments_max.max(segments as u64);
    }

    fn remember_refusal(&mut self, destination: SocketAddr) {
        Counters::add(&mut self.counters.udp_offload_refused, 1);
        if self.refusing.len() >= MAX_REFUSING {
            self.refusing.clear();
        }
        self.refusing.insert(destination);
    }

    fn drop_counter(&mut self, error: &io::Error) -> &mut u64 {
        if quinn_udp::is_msg_size_err(error) {
            return &mut self.counters.udp_dropped_oversized;
        }
        match error.kind() {
            io::ErrorKind::WouldBlock => &mut self.counters.udp_dropped_would_block,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => &mut self.counters.udp_dropped_unreachable,
            _ => &mut self.counters.udp_dropped_send_error,
        }
    }
}

impl Output for Sender {
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        let segment_size = segment_size.max(1);
        match destination.protocol {
            Protocol::Udp => {
                for part in contents.chunks(self.send_octets(destination.socket, segment_size)) {
                    self.send(destination, segment_size, part);
                }
            }
            Protocol::Tcp(connection) => self.connections.send(connection, segment_size, contents, &mut self.counters),
        }
    }

    fn hand_over(&mut self, worker: WorkerId, crossing: Crossing) -> bool {
        self.links.as_mut().is_some_and(|links| links.cross(worker, crossing))
    }
}

/// `EIO`: the route cannot segment (udp(7)). `EINVAL`: neither can this kernel, or not so many.
fn refuses_offload(error: &io::Error) -> bool {
    [rustix::io::Errno::IO, rustix::io::Errno::INVAL].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::socket::Sharing;
    use crate::tcp::Limits;

    fn sender() -> Sender {
        let socket = Socket::bind("127.0.0.1:0".parse().unwrap(), Sharing::Exclusive).unwrap();
        let registry = mio::Poll::new().unwrap().registry().try_clone().unwrap();
        Sender::new(Arc::new(socket), Connections::new(None, registry, mio::Token(0), Limits::of_this_process()).unwrap())
    }

    fn udp(sink: &UdpSocket) -> TransportAddress {
        TransportAddress::udp(sink.local_addr().unwrap())
    }

    fn receive(sink: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; MAX_PAYLOAD_OCTETS];
        let datagrams = (0..count).map(|_| {
            let size = sink.recv(&mut buffer).unwrap();
            buffer.get(..size).unwrap().to_vec()
        });
        datagrams.collect()
    }

    /// `count` octets that show where they came from.
    fn pattern(count: u32) -> Vec<u8> {
        (0..count).map(|n| n.wrapping_mul(31).to_be_bytes()[3]).collect()
    }

    #[test]
    fn a_burst_is_one_send_and_arrives_as_its_segments() {
        let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut sender = sender();
        let burst = pattern(4_300);
        sender.transmit(udp(&sink), 1_000, &burst);
        let received = receive(&sink, 5);
        assert!(received.iter().map(Vec::len).eq([1_000, 1_000, 1_000, 1_000, 300]));
        assert_eq!(received.concat(), burst);
        assert_eq!(sender.counters.udp_sends, 1);
        assert_eq!(sender.counters.udp_datagrams_sent, 5);
        assert_eq!(sender.counters.udp_octets_sent, 4_300);
        assert_eq!(sender.counters.udp_segments_max, 5);
    }

    #[test]
    fn a_burst_beyond_the_limits_of_ip_or_kernel_becomes_several_sends() {
        let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut sender = sender();
        sender.transmit(udp(&sink), 1_200, &pattern(1_200 * 60));
        assert_eq!(sender.counters.udp_sends, 2, "54 datagrams of 1,200 octets fit 65,507");
        assert_eq!(receive(&sink, 60).concat(), pattern(72_000));
        sender.transmit(udp(&sink), 10, &pattern(1_000));
        assert_eq!(sender.counters.udp_sends, 4, "64 segments a send");
        assert_eq!(receive(&sink, 100).concat(), pattern(1_000));
    }

    #[test]
    fn what_the_kernel_will_not_segment_is_sent_one_by_one_from_then_on() {
        let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut sender = sender();
        // No kernel segments this often, so it refuses like one that cannot.
        sender.max_segments = 2_000;
        let burst = pattern(1_500);
        for _ in 0..2 {
            sender.transmit(udp(&sink), 10, &burst);
            assert_eq!(receive(&sink, 150).concat(), burst);
        }
        assert_eq!(sender.counters.udp_offload_refused, 1, "remembered for this destination");
        assert_eq!(sender.counters.udp_sends, 300);

        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.transmit(udp(&other), 10, &pattern(30));
        assert_eq!(sender.counters.udp_sends, 301, "and for no other");
    }

    #[test]
    fn what_cannot_be_sent_is_dropped_and_counted_by_its_reason() {
        let mut sender = sender();
        let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.transmit(udp(&sink), 70_000, &pattern(70_000));
        assert_eq!(sender.counters.udp_dropped_oversized, 1);
        // From 127.0.0.1 nothing leaves the machine.
        sender.transmit(TransportAddress::udp("192.0.2.1:9".parse().unwrap()), 10, &pattern(25));
        assert_eq!(sender.counters.udp_dropped_send_error, 3);
        *sender.drop_counter(&io::ErrorKind::WouldBlock.into()) += 1;
        *sender.drop_counter(&io::ErrorKind::ConnectionRefused.into()) += 1;
        assert_eq!(sender.counters.udp_dropped_would_block, 1);
        assert_eq!(sender.counters.udp_dropped_unreachable, 1);
        assert_eq!(sender.counters.udp_datagrams_sent, 0);
    }
}
