//! What a datagram is, as far as its first octets tell (RFC 7983, RFC 5761): for the packet log.

/// Kinds of packets; the numbers stand in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// None of the others.
    #[default]
    Other = 0,
    /// `detail` is the class: 0 request, 1 indication, 2 success, 3 error.
    Stun = 1,
    /// `detail` is the handshake type where it can be seen (1 ClientHello, 2 ServerHello …), else 255 − content type.
    Dtls = 2,
    /// `detail` is the payload type; SSRC and sequence number are set.
    Rtp = 3,
    /// `detail` is the packet type minus 192; the SSRC is the sender's.
    Rtcp = 4,
    /// A connection is asked for or granted.
    TcpOpen = 5,
    /// Octets of a connection; the sequence number counts segments.
    TcpData = 6,
    /// Octets are acknowledged.
    TcpAck = 7,
    /// A connection is refused or broken off.
    TcpReset = 8,
}

/// What the log says about a packet beside its fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Client address and listener, or one connection.
    pub flow: u16,
    /// What it is.
    pub kind: Kind,
    /// More of it, by kind.
    pub detail: u8,
    /// RTP and RTCP.
    pub ssrc: u32,
    /// RTP and segments of TCP.
    pub sequence: u16,
}

impl Label {
    /// Of a datagram.
    #[must_use]
    pub fn of(flow: u16, datagram: &[u8]) -> Self {
        let octet = |index: usize| datagram.get(index).copied().unwrap_or(0);
        let word = |index: usize| u32::from_be_bytes([octet(index), octet(index + 1), octet(index + 2), octet(index + 3)]);
        let label = Self { flow, ..Self::default() };
        match (octet(0), octet(1)) {
            (0..=3, _) if datagram.len() >= 20 => {
                let class = (octet(0) & 1) << 1 | (octet(1) & 0x10) >> 4;
                Self { kind: Kind::Stun, detail: class, ..label }
            }
            // A record's header is 13 octets; epoch 0 is not encrypted (RFC 6347 section 4.1).
            (22, _) if (octet(3), octet(4)) == (0, 0) => Self { kind: Kind::Dtls, detail: octet(13), ..label },
            (content @ 20..=63, _) => Self { kind: Kind::Dtls, detail: 255 - content, ..label },
            (128..=191, packet_type @ 192..=223) => Self { kind: Kind::Rtcp, detail: packet_type - 192, ssrc: word(4), ..label },
            (128..=191, payload_type) => {
                let sequence = u16::from_be_bytes([octet(2), octet(3)]);
                Self { kind: Kind::Rtp, detail: payload_type & 127, ssrc: word(8), sequence, ..label }
            }
            _ => label,
        }
    }
}
