//! ICE-lite (RFC 8445 section 2.5), DTLS datagrams on their way up and down, and liveness.

use std::time::Instant;

use super::limits::{PEER_CHECKS, PEER_DTLS};
use super::{Engine, Output, PeerKey};
use crate::address::{Protocol, TransportAddress};
use crate::command::{Event, PeerId};
use crate::stun::{self, BindingRequest, ErrorCode, StunError};

impl Engine {
    /// Answer a connectivity check, and learn the peer's address from it.
    pub(super) fn receive_stun(&mut self, now: Instant, from: TransportAddress, datagram: &[u8], out: &mut impl Output) {
        let request = match BindingRequest::parse(datagram) {
            Ok(request) => request,
            // Without a ufrag and its password nobody is answered: the port must not serve to amplify.
            Err(StunError::Username | StunError::IntegrityMissing) => {
                self.counters.stun_rejected.add(1);
                return;
            }
            Err(_) => {
                self.counters.dropped_malformed.add(1);
                return;
            }
        };
        let known = self.by_ufrag.get(request.local_ufrag).copied();
        let Some(key) = known.or_else(|| self.admit_ticket(now, from, &request)) else { return };
        let Some(peer) = self.peers.get_mut(key) else { return };
        // Looked at before the password, which costs a hash; spent only behind it.
        if !peer.checks.allows(PEER_CHECKS, now) || !self.hosts.allow(from.socket, now) {
            self.counters.stun_limited.add(1);
            return;
        }
        let password = peer.credentials.password(request.local_ufrag).unwrap_or_default().as_bytes();
        if password.is_empty() || request.verify(password).is_err() {
            self.counters.stun_rejected.add(1);
            return;
        }
        peer.checks.spend(PEER_CHECKS, now);
        self.hosts.spend(from.socket, now);
        self.scratch.clear();
        let refusal = refusal(&request);
        match refusal {
            Some(code) => stun::write_error(request.transaction, code, Some(password), &mut self.scratch),
            None => stun::write_success(request.transaction, from.socket, password, &mut self.scratch),
        }
        // An answer that is lost costs a browser 100 ms of its join: it goes twice until there are keys. (Both together are hardly
        // larger than a check, so nothing is amplified.)
        let times = if refusal.is_none() && peer.security.is_none() && from.protocol == Protocol::Udp { 2 } else { 1 };
        for _ in 0..times {
            out.transmit(from, self.scratch.len(), &self.scratch);
        }
        if refusal.is_none() {
            self.counters.stun_answered.add(1);
            self.learn_address(now, key, from, request.use_candidate);
            self.send_first_flight(key, from, out);
            if request.use_candidate {
                self.nominated(key, &request);
            }
        }
    }

    /// Hand a DTLS datagram up.
    pub(super) fn receive_dtls(&mut self, now: Instant, peer: PeerKey, datagram: &[u8]) {
        let Some(peer) = self.peers.get_mut(peer) else { return };
        if !peer.dtls.take(PEER_DTLS, now) {
            self.counters.dropped_dtls_limited.add(1);
            return;
        }
        if let Some(sent) = peer.handshake_sent.take().filter(|_| peer.security.is_none()) {
            peer.round_trip.on_handshake(now.saturating_duration_since(sent));
        }
        peer.opening.heard();
        self.counters.dtls_received.add(1);
        self.events.push_back(Event::Dtls { peer: peer.id, datagram: datagram.to_vec() });
    }

    pub(super) fn send_dtls(&mut self, now: Instant, peer: PeerKey, datagram: &[u8], out: &mut impl Output) {
        let Some((address, peer)) = self.peers.get_mut(peer).and_then(|peer| Some((peer.address?, peer))) else {
            self.counters.dropped_no_address.add(1);
            return;
        };
        peer.handshake_sent.get_or_insert(now);
        self.counters.dtls_sent.add(1);
        out.transmit(address, datagram.len(), datagram);
    }

    /// Report peers that have been silent for too long.
    pub(super) fn check_liveness(&mut self, now: Instant) {
        self.forget_unclaimed(now);
        for peer in self.peers.values_mut() {
            peer.forget_bound(now);
            let silent = now.saturating_duration_since(peer.last_heard) >= self.config.liveness;
            if silent && !std::mem::replace(&mut peer.lost, true) {
                self.events.push_back(Event::Lost { peer: peer.id });
            }
        }
    }

    /// Whether a peer has passed a check from here.
    #[must_use]
    pub fn is_checked(&self, address: TransportAddress) -> bool {
        self.by_address.contains_key(&address)
    }

    /// A connection has closed. Its peer goes on with another address that passed a check; without one it has until
    /// the liveness timeout to come back.
    pub fn forget_address(&mut self, address: TransportAddress) {
        let peer = self.by_address.remove(&address).and_then(|key| self.peers.get_mut(key));
        if let Some(peer) = peer {
            peer.drop_address(address);
        }
    }

    /// An authenticated check came from `from`: what else comes from there is this peer's. A nomination moves what we send.
    fn learn_address(&mut self, now: Instant, key: PeerKey, from: TransportAddress, nominated: bool) {
        if let Some(former) = self.by_address.insert(from, key).filter(|&former| former != key)
            && let Some(former) = self.peers.get_mut(former)
        {
            former.drop_address(from);
        }
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.last_heard = now;
        if let Some(evicted) = peer.add_checked(from) {
            self.by_address.remove(&evicted);
        }
        let first = peer.address.is_none();
        if (first || nominated) && peer.move_to(from, now) {
            self.counters.address_moves.add(1);
        }
        if first && peer.provisional_since.is_none() {
            self.events.push_back(Event::Connected { peer: peer.id, address: from });
        }
    }

    /// Authentic RTCP came from a checked address: that is the pair which the peer has selected, whether or not it nominated it.
    /// Firefox, for one, goes on without a nomination when an address translator gives it another port.
    pub(super) fn follow(&mut self, now: Instant, key: PeerKey, from: TransportAddress) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if peer.address != Some(from) && peer.has_settled(now) && peer.checked.contains(&from) && peer.move_to(from, now) {
            self.counters.address_moves.add(1);
        }
    }

    /// Begin an ICE restart: checks are answered for the new credentials too, and for the old ones until a pair is nominated
    /// with the new ones (Chromium may stay with the old ones for good). Keys, sources, sinks and the address in use stay (RFC 8445 section 9).
    pub(super) fn restart_ice(&mut self, peer: PeerId, ufrag: String, pwd: String) -> Option<()> {
        let key = *self.ids.peers.get(&peer)?;
        let given_up = self.peers.get_mut(key)?.credentials.restart(ufrag.clone(), pwd);
        if let Some(given_up) = given_up {
            self.by_ufrag.remove(&given_up);
        }
        self.by_ufrag.insert(ufrag, key);
        Some(())
    }

    /// A pair was nominated, which may be the first of an ICE session.
    fn nominated(&mut self, key: PeerKey, check: &BindingRequest<'_>) {
        let Some(nominated) = self.peers.get_mut(key).map(|peer| peer.credentials.nominated(check)) else { return };
        self.counters.ice_restarts.add(u64::from(nominated.restarted));
        if let Some(retired) = nominated.retired {
            self.by_ufrag.remove(&retired);
        }
    }
}

/// Why an authenticated request is not answered with success.
fn refusal<'a>(request: &'a BindingRequest<'_>) -> Option<ErrorCode<'a>> {
    if !request.unknown_attributes().is_empty() {
        return Some(ErrorCode::UnknownAttributes(request.unknown_attributes()));
    }
    // A lite agent cannot take the controlling role, so the other side has to change.
    request.controlled.then_some(ErrorCode::RoleConflict)
}
