//! Transport addresses: where a peer sends from and is reached.

use std::fmt;
use std::net::SocketAddr;

/// How datagrams travel between a peer and the media port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// As UDP datagrams.
    Udp,
    /// As frames (RFC 4571) in a connection that the peer opened (RFC 6544). The number is the shell's and is never
    /// used again, so that a connection which the peer opens later from the same port is not taken for this one.
    Tcp(usize),
}

/// A transport address (RFC 8445 section 4): IP address, port and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportAddress {
    /// The peer's IP address and port, as the media port sees them.
    pub socket: SocketAddr,
    /// What carries its datagrams.
    pub protocol: Protocol,
}

impl TransportAddress {
    /// Reached by UDP.
    #[must_use]
    pub const fn udp(socket: SocketAddr) -> Self {
        Self { socket, protocol: Protocol::Udp }
    }

    /// Reached by the connection of this number.
    #[must_use]
    pub const fn tcp(socket: SocketAddr, connection: usize) -> Self {
        Self { socket, protocol: Protocol::Tcp(connection) }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp(_) => "tcp",
        })
    }
}
