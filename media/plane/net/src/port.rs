//! The media port: one number, UDP and TCP.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpListener;
use socket2::{Domain, Protocol, Type};

use crate::socket::{Sharing, Socket};

/// How often another number is tried where the kernel chose one that TCP has no room for.
const ATTEMPTS: usize = 16;

/// Connections that wait to be accepted; the worker's turns are milliseconds apart.
const BACKLOG: i32 = 1_024;

/// Bind UDP, and TCP under the same number where `tcp` is set. Port 0 lets the kernel choose; `::` takes IPv4 as well.
///
/// # Errors
/// What the system says when one of the two cannot be bound.
pub(crate) fn bind(address: SocketAddr, tcp: bool) -> io::Result<(Socket, Option<TcpListener>)> {
    let mut attempts = 1_usize..;
    loop {
        let socket = Socket::bind(address, Sharing::Exclusive)?;
        if !tcp {
            return Ok((socket, None));
        }
        match listen(socket.address()) {
            Ok(listener) => return Ok((socket, Some(listener))),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port() == 0 && attempts.next() < Some(ATTEMPTS) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sockets for `count` more workers on the port of `first`.
///
/// # Errors
/// What the system says.
pub(crate) fn share(first: &Socket, count: usize) -> io::Result<Vec<Socket>> {
    if count > 0 {
        first.share()?;
    }
    (0..count).map(|_| Socket::bind(first.address(), Sharing::Workers)).collect()
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // Connections of a process that has just ended must not keep the number from its successor. Linux still refuses a
    // second listener.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    #[test]
    fn both_have_the_same_number_and_a_taken_one_is_refused() {
        let any = "127.0.0.1:0".parse().unwrap();
        let (socket, listener) = bind(any, true).unwrap();
        assert_eq!(listener.unwrap().local_addr().unwrap(), socket.address());

        let taken = std::net::TcpListener::bind(any).unwrap();
        let refused = bind(taken.local_addr().unwrap(), true).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        let (socket, listener) = bind(taken.local_addr().unwrap(), false).unwrap();
        assert_eq!(socket.address(), taken.local_addr().unwrap());
        assert!(listener.is_none());
    }
}
