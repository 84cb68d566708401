//! Tickets: credentials that a page was given beforehand, so that ICE and DTLS begin before anybody has told us of the peer.
//!
//! A ticket has no state until it is used. Its ufrag is hexadecimal and says: version (1 octet), expiry in seconds since 1970
//! (4), the session's tag (8), a nonce (8), and a MAC of these (12): HMAC-SHA-256 under the node's key, cut. Its password is
//! another HMAC of the ufrag. A check with an unknown ufrag of this shape is answered if all of it is right, once: the peer that it
//! makes is *provisional* until the caller adds a peer with the same ufrag.

use std::time::{Duration, Instant};

use ring::hmac;
use rustc_hash::FxHashMap;

use super::limits::{Allowance, Bucket};
use super::peer::Peer;
use super::{Engine, PeerKey};
use crate::address::TransportAddress;
use crate::command::{Event, ExtensionIds, PeerId};
use crate::stun::BindingRequest;

const VERSION: u8 = 1;
const CLAIMS_LEN: usize = 21;
const MAC_LEN: usize = 12;
const TICKET_LEN: usize = CLAIMS_LEN + MAC_LEN;
const PASSWORD_LEN: usize = 24;

/// Tickets that begin, from all hosts together: 400 at once, then 400 a second. Each costs the interpreter a handshake.
const NEW_PEERS: Allowance = Allowance::new(400, 400);
/// Provisional peers at once; the caller adds each within milliseconds, or removes it.
const MAX_PROVISIONAL: usize = 512;
/// What the caller did not add by then is forgotten.
const MAX_PROVISIONAL_AGE: Duration = Duration::from_secs(5);
/// Nonces that are remembered until they expire: two minutes of `NEW_PEERS` at full speed.
const MAX_SPENT: usize = 50_000;
/// Ids that the plane gives are in the upper half, where the caller has none.
const FIRST_PROVISIONAL_ID: PeerId = 1 << 31;

/// Why a ticket is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Forged,
    Expired,
    Spent,
    Limited,
}

/// A ticket whose MAC is right.
struct Ticket {
    expires_s: u64,
    nonce: [u8; 8],
}

/// The node's key, and what was used under it.
pub(super) struct Tickets {
    key: Option<hmac::Key>,
    spent: FxHashMap<[u8; 8], u64>,
    swept_at: Option<Instant>,
    began: Bucket,
    provisional: usize,
    next_id: PeerId,
}

impl Tickets {
    pub(super) fn new() -> Self {
        let spent = FxHashMap::default();
        Self { key: None, spent, swept_at: None, began: Bucket::default(), provisional: 0, next_id: FIRST_PROVISIONAL_ID }
    }

    /// Take tickets made with this key.
    pub(super) fn accept(&mut self, key: &[u8]) {
        self.key = Some(hmac::Key::new(hmac::HMAC_SHA256, key));
    }

    /// A peer is provisional no longer.
    pub(super) fn claimed(&mut self) {
        self.provisional = self.provisional.saturating_sub(1);
    }

    /// Remember that the ticket of this ufrag, if it is one, is in use.
    pub(super) fn spend(&mut self, ufrag: &str, now: Instant, now_s: u64) {
        if let Some(Ok(ticket)) = self.key.as_ref().and_then(|key| open(key, ufrag)) {
            self.remember(&ticket, now, now_s);
        }
    }

    /// `None`: this is no ticket, or none are taken.
    fn check(&mut self, ufrag: &str, now: Instant, now_s: u64) -> Option<Result<Ticket, Refusal>> {
        let ticket = match open(self.key.as_ref()?, ufrag)? {
            Ok(ticket) => ticket,
            Err(refusal) => return Some(Err(refusal)),
        };
        Some(if ticket.expires_s <= now_s {
            Err(Refusal::Expired)
        } else if self.spent.contains_key(&ticket.nonce) {
            Err(Refusal::Spent)
        } else if self.provisional >= MAX_PROVISIONAL || !self.began.allows(NEW_PEERS, now) || !self.has_room(now, now_s) {
            Err(Refusal::Limited)
        } else {
            Ok(ticket)
        })
    }

    fn password(&self, ufrag: &str) -> Option<String> {
        let tag = hmac::sign(self.key.as_ref()?, &[b"pwd", ufrag.as_bytes()].concat());
        Some(hex(tag.as_ref().get(..PASSWORD_LEN)?))
    }

    fn begin(&mut self, ticket: &Ticket, now: Instant, now_s: u64) -> PeerId {
        self.remember(ticket, now, now_s);
        self.began.spend(NEW_PEERS, now);
        self.provisional = self.provisional.saturating_add(1);
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(FIRST_PROVISIONAL_ID);
        id
    }

    fn remember(&mut self, ticket: &Ticket, now: Instant, now_s: u64) {
        if self.has_room(now, now_s) {
            self.spent.insert(ticket.nonce, ticket.expires_s);
        }
    }

    fn has_room(&mut self, now: Instant, now_s: u64) -> bool {
        // Looking through all of them is for once a second.
        let due = self.swept_at.is_none_or(|at| now.saturating_duration_since(at) >= Duration::from_secs(1));
        if self.spent.len() >= MAX_SPENT && due {
            self.swept_at = Some(now);
            self.spent.retain(|_, expires_s| *expires_s > now_s);
        }
        self.spent.len() < MAX_SPENT
    }
}

impl Engine {
    /// A check for an unknown ufrag: the peer that its ticket makes, if it has one and the password to it.
    pub(super) fn admit_ticket(&mut self, now: Instant, from: TransportAddress, request: &BindingRequest<'_>) -> Option<PeerKey> {
        let now_s = self.clock.since_epoch(now).as_secs();
        let counters = &mut self.counters;
        let ufrag = request.local_ufrag;
        let ticket = match self.tickets.check(ufrag, now, now_s) {
            Some(Ok(ticket)) if self.hosts.allow(from.socket, now) => ticket,
            Some(Ok(_) | Err(Refusal::Limited)) => {
                counters.tickets_limited.add(1);
                return None;
            }
            Some(Err(refusal)) => {
                match refusal {
                    Refusal::Expired => counters.tickets_expired.add(1),
                    Refusal::Spent => counters.tickets_spent.add(1),
                    _ => counters.tickets_forged.add(1),
                }
                return None;
            }
            None => {
                counters.stun_rejected.add(1);
                return None;
            }
        };
        let password = self.tickets.password(ufrag)?;
        if request.verify(password.as_bytes()).is_err() {
            counters.tickets_wrong_password.add(1);
            return None;
        }
        counters.tickets_taken.add(1);
        let id = self.tickets.begin(&ticket, now, now_s);
        let mut peer = Peer::new(id, ufrag.to_owned(), password, ExtensionIds::default(), now);
        peer.provisional_since = Some(now);
        let key = self.peers.insert(peer);
        self.by_ufrag.insert(ufrag.to_owned(), key);
        self.ids.peers.insert(id, key);
        self.events.push_back(Event::Ticket { peer: id, ufrag: ufrag.to_owned(), address: from });
        Some(key)
    }

    /// Make a provisional peer the caller's own, under its id. False where nobody has this ufrag.
    pub(super) fn claim_peer(&mut self, id: PeerId, ufrag: &str, extensions: ExtensionIds) -> bool {
        let Some((key, peer)) = self.by_ufrag.get(ufrag).and_then(|&key| Some((key, self.peers.get_mut(key)?))) else { return false };
        self.ids.peers.remove(&peer.id);
        self.ids.peers.insert(id, key);
        peer.id = id;
        peer.extensions = extensions;
        peer.provisional_since = None;
        self.tickets.claimed();
        if let Some(address) = peer.address {
            self.events.push_back(Event::Connected { peer: id, address });
        }
        true
    }

    /// Forget the provisional peers that nobody claimed.
    pub(super) fn forget_unclaimed(&mut self, now: Instant) {
        let old = |peer: &Peer| peer.provisional_since.is_some_and(|since| now.saturating_duration_since(since) >= MAX_PROVISIONAL_AGE);
        let unclaimed: Vec<PeerId> = self.peers.values().filter(|peer| old(peer)).map(|peer| peer.id).collect();
        for id in unclaimed {
            self.remove_peer(id);
        }
    }
}

/// Whether a ufrag looks like a ticket's; whether it is one is seen by its MAC.
#[must_use]
pub fn has_ticket_shape(ufrag: &str) -> bool {
    unhex::<TICKET_LEN>(ufrag).is_some_and(|octets| octets.first() == Some(&VERSION))
}

/// Read a ufrag. `None`: it has not the shape of a ticket.
fn open(key: &hmac::Key, ufrag: &str) -> Option<Result<Ticket, Refusal>> {
    let octets: [u8; TICKET_LEN] = unhex(ufrag)?;
    let (claims, mac) = octets.split_first_chunk::<CLAIMS_LEN>()?;
    let (&[version, e0, e1, e2, e3], rest) = claims.split_first_chunk()?;
    if version != VERSION {
        return None;
    }
    let expected = hmac::sign(key, &[b"mac".as_slice(), claims].concat());
    // In constant time, though a guess would need many checks a second for longer than a ticket lives.
    let differs = expected.as_ref().iter().zip(mac).fold(0, |differs, (a, b)| differs | (a ^ b));
    if differs != 0 {
        return Some(Err(Refusal::Forged));
    }
    let nonce = *rest.last_chunk()?;
    Some(Ok(Ticket { expires_s: u32::from_be_bytes([e0, e1, e2, e3]).into(), nonce }))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().flat_map(|octet| [octet >> 4, octet & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// `N` octets of lower-case hexadecimal: every ticket has one spelling.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |octet: u8| match octet {
        b'0'..=b'9' => Some(octet.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(octet.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut octets = [0; N];
    for (octet, &[high, low]) in octets.iter_mut().zip(pairs) {
        *octet = digit(high)? << 4 | digit(low)?;
    }
    Some(octets)
}

/// A ticket's ufrag and password, as the caller makes them.
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]
pub(super) fn mint(key: &[u8], expires_s: u32, nonce: [u8; 8]) -> (String, String) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let claims = [&[VERSION], expires_s.to_be_bytes().as_slice(), &[5; 8], &nonce].concat();
    let mac = hmac::sign(&key, &[b"mac".as_slice(), &claims].concat());
    let ufrag = hex(&[&claims, &mac.as_ref()[..MAC_LEN]].concat());
    let tickets = Tickets { key: Some(key), ..Tickets::new() };
    let password = tickets.password(&ufrag).unwrap();
    (ufrag, password)
}
