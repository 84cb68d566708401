//! The UDP socket of a worker, with the kernel's batching and offload.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::UdpSocket;
use plane_core::address::TransportAddress;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Type};

/// Half a second of 64 Mbit/s: a keyframe to a thousand subscribers is sent without a drop, and a turn that took long
/// loses nothing. The kernel grants at most `net.core.rmem_max` and `wmem_max`; see [`Socket::receive_buffer`].
const BUFFER_OCTETS: usize = 4 << 20;

/// Whether other sockets may be bound to the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// One worker. A second process on this port is refused, instead of silently taking half of the datagrams.
    Exclusive,
    /// A socket for each of several workers (`SO_REUSEPORT`).
    Workers,
}

/// A bound, non-blocking UDP socket.
#[derive(Debug)]
pub(crate) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    address: SocketAddr,
}

impl Socket {
    /// Bind. Port 0 lets the kernel choose; `::` takes IPv4 as well.
    pub(crate) fn bind(address: SocketAddr, sharing: Sharing) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        if sharing == Sharing::Workers {
            socket.set_reuse_port(true)?;
        }
        // The kernel caps what is asked, it does not refuse.
        socket.set_recv_buffer_size(BUFFER_OCTETS)?;
        socket.set_send_buffer_size(BUFFER_OCTETS)?;
        socket.bind(&address.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        let io = UdpSocket::from_std(socket.into());
        let address = io.local_addr()?;
        Ok(Self { io, state, address })
    }

    /// Let the sockets of other workers share the port from now on. It was bound exclusively until here, so no other process
    /// has it, and whoever binds it exclusively is refused.
    pub(crate) fn share(&self) -> io::Result<()> {
        SockRef::from(&self.io).set_reuse_port(true)
    }

    /// For registration with a poll.
    pub(crate) fn source(&mut self) -> &mut UdpSocket {
        &mut self.io
    }

    /// Where it is bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Segments that the kernel takes in one send; 1 without segmentation offload.
    pub(crate) fn max_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Octets granted for datagrams that wait to be received. Linux reports twice what was asked, for its own records.
    pub(crate) fn receive_buffer(&self) -> usize {
        SockRef::from(&self.io).recv_buffer_size().unwrap_or(0)
    }

    /// Octets granted for datagrams that wait to be sent, likewise.
    pub(crate) fn send_buffer(&self) -> usize {
        SockRef::from(&self.io).send_buffer_size().unwrap_or(0)
    }

    /// Receive into `buffers`, one system call. Addresses in `meta` are as the kernel gives them: see [`canonical`].
    pub(crate) fn receive(&self, buffers: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> io::Result<usize> {
        self.io.try_io(|| self.state.recv((&self.io).into(), buffers, meta))
    }

    /// The address of ours that a message came to. Where there is one only, nothing needs to be said about it.
    pub(crate) fn local_of(&self, meta: &RecvMeta) -> Option<IpAddr> {
        meta.dst_ip.filter(|_| self.address.ip().is_unspecified()).map(|ip| ip.to_canonical())
    }

    /// Send datagrams of `segment_size` octets, the last may be shorter; one system call. `destination` is canonical. They leave from
    /// its `local` address: the kernel alone would choose by its routes, which need not be the address that the peer has checked.
    pub(crate) fn send(&self, destination: TransportAddress, segment_size: usize, contents: &[u8]) -> io::Result<()> {
        let (src_ip, destination) = (destination.local, self.reachable(destination.socket));
        let transmit = Transmit { destination, ecn: None, contents, segment_size: Some(segment_size), src_ip };
        self.state.try_send((&self.io).into(), &transmit)
    }

    /// The address as the kernel wants it: a socket of IPv6 reaches IPv4 by mapped addresses only (RFC 4291 2.5.5.2).
    fn reachable(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self.address.is_ipv6() => SocketAddrV6::new(ip.to_ipv6_mapped(), address.port(), 0, 0).into(),
            _ => address,
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

/// The address that the peer knows itself by: IPv4 where the kernel says IPv4-mapped IPv6. STUN answers carry it.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        // Kept whole: a link-local address means nothing without its scope.
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    #[test]
    fn one_worker_keeps_its_port_to_itself_and_several_share_it() {
        let exclusive = Socket::bind("127.0.0.1:0".parse().unwrap(), Sharing::Exclusive).unwrap();
        let refused = Socket::bind(exclusive.address(), Sharing::Exclusive).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);

        let first = Socket::bind("127.0.0.1:0".parse().unwrap(), Sharing::Exclusive).unwrap();
        first.share().unwrap();
        let second = Socket::bind(first.address(), Sharing::Workers).unwrap();
        assert_eq!(first.address(), second.address());
        let refused = Socket::bind(first.address(), Sharing::Exclusive).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse, "another plane");
    }

    #[test]
    fn mapped_addresses_become_ipv4_and_others_stay() {
        let mapped: SocketAddr = "[::ffff:192.0.2.7]:9".parse().unwrap();
        assert_eq!(canonical(mapped), "192.0.2.7:9".parse().unwrap());
        let scoped = SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), 9, 0, 3));
        assert_eq!(canonical(scoped), scoped);
    }
}
