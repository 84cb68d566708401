//! What the engine tells Python.

use crate::address::TransportAddress;
use crate::command::{PeerId, SourceId};

/// Something Python must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A DTLS datagram from the peer's checked address.
    Dtls {
        /// From whom.
        peer: PeerId,
        /// The datagram.
        datagram: Vec<u8>,
    },
    /// An authenticated binding request was answered, and the peer had no address before.
    Connected {
        /// Who.
        peer: PeerId,
        /// Where it came from.
        address: TransportAddress,
    },
    /// A check with a ticket was answered. The peer is provisional: `AddPeer` with its ufrag claims it, under an id of the caller's.
    Ticket {
        /// An id of the plane's, in the upper half.
        peer: PeerId,
        /// The ticket.
        ufrag: String,
        /// Where the check came from.
        address: TransportAddress,
    },
    /// The media gate to who has sinks opened, and what the cache serves has begun to leave.
    Began {
        /// Who is sent media.
        peer: PeerId,
    },
    /// What a subscriber's link carries fell far at once, or it began to lose much: what it is shown, and how that is protected,
    /// should follow now.
    Worsened {
        /// Whose link.
        peer: PeerId,
    },
    /// Nothing authenticated arrived for the liveness timeout.
    Lost {
        /// Who.
        peer: PeerId,
    },
    /// An encoding began or ceased to arrive.
    Encoding {
        /// The publishing peer.
        peer: PeerId,
        /// The source.
        source: SourceId,
        /// Index in the source's encodings, lowest first.
        encoding: usize,
        /// Whether packets arrive.
        active: bool,
    },
}
