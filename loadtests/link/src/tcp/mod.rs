//! TCP as far as a test needs it: what a connection's octets cost on a link that delays and loses packets.
//!
//! The real connections end at the link. Between them a sender and a receiver a direction speak over the two paths as TCP
//! would: a segment is a packet, each is acknowledged by a packet that names what has come out of order too (SACK, RFC 2018),
//! losses are found by time (RACK-TLP, RFC 8985) and repaired, and NewReno (RFC 5681, RFC 6582) decides how much is under way.

mod connection;
mod rack;
mod receiver;
mod sender;

pub use connection::{Connection, Effect, TcpPacket};
pub use receiver::{Acknowledgement, Receiver};
pub use sender::{Segment, Sender};

/// Octets of a segment: Ethernet's 1500 without IPv4 and TCP headers and timestamps.
pub const MSS: usize = 1448;

/// Octets of the headers of a segment.
pub const HEADERS: usize = 52;
