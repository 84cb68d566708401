//! Batched receive: several messages a system call, several datagrams a message (UDP generic receive offload).

use std::array;
use std::io::{self, IoSliceMut};

use plane_core::address::TransportAddress;
use quinn_udp::{BATCH_SIZE, RecvMeta};

use crate::socket::{Socket, canonical};

/// What the kernel may join into one message.
const MESSAGE_OCTETS: usize = 64 << 10;

/// Whether the socket may hold more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backlog {
    /// The kernel had fewer messages than there was room for.
    Empty,
    /// The batch was full, or ended by an error that the next call clears.
    Perhaps,
}

/// The buffers that datagrams are received into, used again for every batch.
pub(crate) struct Receiver {
    /// `BATCH_SIZE` buffers of `MESSAGE_OCTETS`, end to end. Pages that no message has reached take no memory.
    buffers: Vec<u8>,
    meta: [RecvMeta; BATCH_SIZE],
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self { buffers: vec![0; BATCH_SIZE * MESSAGE_OCTETS], meta: [RecvMeta::default(); BATCH_SIZE] }
    }

    /// Receive once and hand over each datagram with where it came from. Empty datagrams are handed over too.
    ///
    /// # Errors
    /// What the system call says; `WouldBlock` is `Ok(Backlog::Empty)`.
    pub(crate) fn batch(&mut self, socket: &Socket, mut each: impl FnMut(TransportAddress, &mut [u8])) -> io::Result<Backlog> {
        let mut rest = self.buffers.chunks_exact_mut(MESSAGE_OCTETS);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = array::from_fn(|_| IoSliceMut::new(rest.next().unwrap_or_default()));
        let messages = match socket.receive(&mut slices, &mut self.meta) {
            Ok(messages) => messages,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Backlog::Empty),
            Err(error) => return Err(error),
        };
        let buffers = self.buffers.chunks_exact_mut(MESSAGE_OCTETS);
        for (meta, buffer) in self.meta.iter().zip(buffers).take(messages) {
            let from = TransportAddress::udp(canonical(meta.addr)).from_local(socket.local_of(meta));
            let message = buffer.get_mut(..meta.len).unwrap_or_default();
            if message.is_empty() {
                each(from, message);
            }
            // A stride of 0 goes with an empty message only, and then there is nothing to divide.
            for datagram in message.chunks_mut(meta.stride.max(1)) {
                each(from, datagram);
            }
        }
        Ok(if messages < BATCH_SIZE { Backlog::Empty } else { Backlog::Perhaps })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use std::net::{IpAddr, UdpSocket};

    use super::*;
    use crate::socket::Sharing;

    fn drain(receiver: &mut Receiver, socket: &Socket) -> Vec<(TransportAddress, Vec<u8>)> {
        let mut received = Vec::new();
        while receiver.batch(socket, |from, datagram| received.push((from, datagram.to_vec()))).unwrap() == Backlog::Perhaps {}
        received
    }

    #[test]
    fn every_datagram_arrives_once_in_order_and_empty_ones_too() {
        let socket = Socket::bind("127.0.0.1:0".parse().unwrap(), Sharing::Exclusive).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sent: Vec<Vec<u8>> = (0..100_u8).map(|n| vec![n; usize::from(n) * 13]).collect();
        for datagram in &sent {
            client.send_to(datagram, socket.address()).unwrap();
        }
        let received = drain(&mut Receiver::new(), &socket);
        assert!(received.iter().all(|(from, _)| *from == TransportAddress::udp(client.local_addr().unwrap())));
        assert!(received.iter().map(|(_, datagram)| datagram).eq(&sent));
    }

    #[test]
    fn segments_joined_by_the_kernel_are_divided_again() {
        let socket = Socket::bind("127.0.0.1:0".parse().unwrap(), Sharing::Exclusive).unwrap();
        let client = Socket::bind("127.0.0.1:0".parse().unwrap(), Sharing::Exclusive).unwrap();
        let burst: Vec<u8> = (0..2_500_u32).map(|n| n.to_le_bytes()[0]).collect();
        client.send(TransportAddress::udp(socket.address()), 1_000, &burst).unwrap();
        let received = drain(&mut Receiver::new(), &socket);
        let sizes: Vec<usize> = received.iter().map(|(_, datagram)| datagram.len()).collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
        let joined: Vec<u8> = received.into_iter().flat_map(|(_, datagram)| datagram).collect();
        assert_eq!(joined, burst);
    }

    #[test]
    fn an_ipv6_socket_tells_and_reaches_ipv4_peers_by_their_ipv4_address() {
        let socket = Socket::bind("[::]:0".parse().unwrap(), Sharing::Exclusive).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"ping", ("127.0.0.1", socket.address().port())).unwrap();
        let received = drain(&mut Receiver::new(), &socket);
        let &[(from, _)] = &received[..] else { unreachable!("one datagram was sent") };
        assert_eq!(from.socket, client.local_addr().unwrap());

        socket.send(from, 4, b"pong").unwrap();
        let mut answer = [0; 16];
        let length = client.recv(&mut answer).unwrap();
        assert_eq!(answer.get(..length), Some(&b"pong"[..]));
    }

    /// A connected socket takes datagrams from the address that it is connected to, and from no other.
    fn answered_from_where_it_was_reached(bound: &str, reached: &str) {
        let socket = Socket::bind(bound.parse().unwrap(), Sharing::Exclusive).unwrap();
        let reached: IpAddr = reached.parse().unwrap();
        let client = UdpSocket::bind(if reached.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
        client.connect((reached, socket.address().port())).unwrap();
        client.send(b"ping").unwrap();
        let received = drain(&mut Receiver::new(), &socket);
        let &[(from, _)] = &received[..] else { unreachable!("one datagram was sent") };
        assert_eq!(from.local, Some(reached));

        socket.send(from, 2, b"pong").unwrap();
        let mut answer = [0; 16];
        for part in [b"po", b"ng"] {
            let length = client.recv(&mut answer).unwrap();
            assert_eq!(answer.get(..length), Some(&part[..]), "a burst, too, leaves from {reached}");
        }
    }

    #[test]
    fn a_socket_of_every_address_answers_from_the_one_that_was_reached() {
        answered_from_where_it_was_reached("0.0.0.0:0", "127.0.0.2");
        answered_from_where_it_was_reached("[::]:0", "127.0.0.2");
        answered_from_where_it_was_reached("[::]:0", "::1");
    }
}
