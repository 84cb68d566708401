//! Transport addresses: where a peer sends from and is reached.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// How datagrams travel between a peer and the media port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// As UDP datagrams.
    Udp,
    /// As frames (RFC 4571) in a connection that the peer opened (RFC 6544). The number is the shell's and is never
    /// used again, so that a connection which the peer opens later from the same port is not taken for this one.
    Tcp(usize),
}

/// A transport address of a peer (RFC 8445 section 4), IP address, port and protocol, and which address of ours it is reached from:
/// the two ends of a candidate pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportAddress {
    /// The peer's IP address and port, as the media port sees them.
    pub socket: SocketAddr,
    /// What carries its datagrams.
    pub protocol: Protocol,
    /// The address of ours that its datagrams come to, so that ours leave from there: another one is not what was checked, and
    /// neither an address translator nor the peer takes it for the same. `None` where the socket has one address only, or TCP knows.
    pub local: Option<IpAddr>,
}

impl TransportAddress {
    /// Reached by UDP.
    #[must_use]
    pub const fn udp(socket: SocketAddr) -> Self {
        Self { socket, protocol: Protocol::Udp, local: None }
    }

    /// Reached from this address of ours.
    #[must_use]
    pub const fn from_local(self, local: Option<IpAddr>) -> Self {
        Self { local, ..self }
    }

    /// Reached by the connection of this number.
    #[must_use]
    pub const fn tcp(socket: SocketAddr, connection: usize) -> Self {
        Self { socket, protocol: Protocol::Tcp(connection), local: None }
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
