//! ICE-TCP for networks without UDP: passive candidates (RFC 6544) on the media port's number, datagrams framed by RFC 4571.
//!
//! A stranger may open connections too, so all is bounded: how many there are, how many a network has, what one buffers,
//! and how long one may stay that no peer passed a check on.

mod connection;
mod connections;
mod limits;

pub(crate) use connections::Connections;
pub(crate) use limits::Limits;

#[cfg(test)]
mod tests;
