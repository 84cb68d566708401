//! A peer: one ICE, DTLS and SRTP association on the shared port.

use std::time::{Duration, Instant};

use adaptation::ReportEstimator;
use arrayvec::ArrayVec;
use rustc_hash::{FxHashMap, FxHashSet};

use super::copies::Copies;
use super::credentials::LocalCredentials;
use super::handshake::Opening;
use super::limits::Bucket;
use super::link::Link;
use super::{SinkKey, SourceKey};
use crate::address::TransportAddress;
use crate::command::{ExtensionIds, PeerId};
use crate::leniency::Leniency;
use crate::remb_estimate::RembEstimate;
use crate::round_trip::RoundTrip;
use crate::srtp::{SrtpReceiver, SrtpSender};
use crate::twcc;

/// Checked addresses that a peer may have at once: host, VPN and mobile candidates of one phone, each to some addresses of ours.
const MAX_ADDRESSES: usize = 16;

/// So long after a move only a nomination moves a peer again: what it sent before may still arrive from where it was.
const SETTLING: Duration = Duration::from_secs(1);

/// Streams learnt from packets that a peer may have: two sources of three encodings with RTX are 12.
const MAX_STREAMS: usize = 64;

pub(super) struct Peer {
    pub(super) id: PeerId,
    pub(super) credentials: LocalCredentials,
    pub(super) extensions: ExtensionIds,
    /// Where we send: the address of the last nomination, or of the first check; later the one that its RTCP comes from.
    pub(super) address: Option<TransportAddress>,
    /// Since when we send there.
    moved_at: Option<Instant>,
    /// Addresses that passed a check, oldest first: what they send is this peer's.
    pub(super) checked: Box<ArrayVec<TransportAddress, MAX_ADDRESSES>>,
    /// When something authenticated came last.
    pub(super) last_heard: Instant,
    pub(super) lost: bool,
    /// Made by a ticket then, and not added by the caller yet.
    pub(super) provisional_since: Option<Instant>,
    /// Spent of the checks that are answered.
    pub(super) checks: Bucket,
    /// Spent of the DTLS datagrams that are handed up.
    pub(super) dtls: Bucket,
    /// Apart from the peer, as all that forwarding does not touch: peers lie close together, and the processor's tables reach farther.
    pub(super) security: Option<Box<Security>>,
    /// How far it is on its way to media.
    pub(super) opening: Opening,
    pub(super) sources: Vec<SourceKey>,
    pub(super) sinks: Vec<SinkKey>,
    /// SSRCs of its sinks, of those that are gone too: none may be used again under the same keys.
    pub(super) sending: FxHashSet<u32>,
    pub(super) streams: Streams,
    pub(super) round_trip: RoundTrip,
    /// When we sent the first DTLS datagram that no answer has come to yet.
    pub(super) handshake_sent: Option<Instant>,
    pub(super) arrivals: twcc::Recorder,
    /// Whether its feedback tells all that it lost.
    pub(super) leniency: Leniency,
    /// What it is told to send at most, where it has no transport-wide feedback.
    pub(super) remb: RembEstimate,
    /// What its link carries, where it receives anything.
    pub(super) link: Option<Box<Link>>,
    /// What is sent to it more than once.
    pub(super) copies: Copies,
    /// The same from its reports alone, where it has no transport-wide feedback.
    pub(super) reports: ReportEstimator,
    /// When it last asked us not to exceed a bitrate (REMB).
    pub(super) bound_told: Option<Instant>,
}

/// The SRTP contexts, once DTLS brought the keys.
pub(super) struct Security {
    pub(super) sender: SrtpSender,
    pub(super) receiver: SrtpReceiver,
}

/// Which incoming SSRC belongs to what.
#[derive(Default)]
pub(super) struct Streams(FxHashMap<u32, Stream>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) source: SourceKey,
    pub(super) encoding: usize,
    /// Carries retransmissions (RFC 4588).
    pub(super) rtx: bool,
}

impl Peer {
    pub(super) fn new(id: PeerId, local_ufrag: String, local_pwd: String, extensions: ExtensionIds, now: Instant) -> Self {
        Self {
            id,
            credentials: LocalCredentials::new(local_ufrag, local_pwd),
            extensions,
            address: None,
            moved_at: None,
            checked: Box::default(),
            last_heard: now,
            lost: false,
            provisional_since: None,
            checks: Bucket::default(),
            dtls: Bucket::default(),
            security: None,
            opening: Opening::default(),
            sources: Vec::new(),
            sinks: Vec::new(),
            sending: FxHashSet::default(),
            streams: Streams::default(),
            round_trip: RoundTrip::default(),
            handshake_sent: None,
            arrivals: twcc::Recorder::default(),
            leniency: Leniency::default(),
            remb: RembEstimate::default(),
            link: None,
            copies: Copies::default(),
            reports: ReportEstimator::default(),
            bound_told: None,
        }
    }

    /// Send to `address` from now on. Returns whether that is another one than before.
    pub(super) fn move_to(&mut self, address: TransportAddress, now: Instant) -> bool {
        let before = self.address.replace(address);
        if before != Some(address) {
            self.moved_at = Some(now);
        }
        before.is_some_and(|before| before != address)
    }

    /// Whether nothing that was sent before the last move can still be on its way.
    pub(super) fn has_settled(&self, now: Instant) -> bool {
        self.moved_at.is_none_or(|moved_at| now.saturating_duration_since(moved_at) >= SETTLING)
    }

    /// Note an address that passed a check. Returns the one that had to make room.
    pub(super) fn add_checked(&mut self, address: TransportAddress) -> Option<TransportAddress> {
        if self.checked.contains(&address) {
            return None;
        }
        let evicted = if self.checked.is_full() {
            let oldest = self.checked.iter().position(|&checked| Some(checked) != self.address);
            oldest.map(|index| self.checked.remove(index))
        } else {
            None
        };
        self.checked.push(address);
        evicted
    }

    /// Forget an address that is this peer's no longer. Where it was the one that we send to, the last that passed a check
    /// takes its place, until the peer nominates one.
    pub(super) fn drop_address(&mut self, address: TransportAddress) {
        self.checked.retain(|checked| *checked != address);
        if self.address == Some(address) {
            self.address = self.checked.last().copied();
        }
    }
}

impl Streams {
    pub(super) fn get(&self, ssrc: u32) -> Option<Stream> {
        self.0.get(&ssrc).copied()
    }

    /// Learn a stream; false when the peer has too many.
    pub(super) fn insert(&mut self, ssrc: u32, stream: Stream) -> bool {
        // One SSRC an encoding and role: a publisher that starts over must not fill the table.
        self.0.retain(|_, known| *known != stream);
        if self.0.len() >= MAX_STREAMS {
            return false;
        }
        self.0.insert(ssrc, stream);
        true
    }

    pub(super) fn remove_source(&mut self, source: SourceKey) {
        self.0.retain(|_, stream| stream.source != source);
    }
}
