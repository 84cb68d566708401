//! What a join needs of the plane while DTLS shakes hands: a first flight that follows every answered check, media that wait
//! behind the last flight, and a beginning that can be sent again.

use std::time::{Duration, Instant};

use super::peer::Security;
use super::timers::Timer;
use super::{Engine, Output, PeerKey, SinkKey};
use crate::address::TransportAddress;
use crate::command::{Event, MediaKind, PeerId};

/// After the keys a request for a keyframe means that the beginning was lost, which the cache can send again.
const BEGINNING: Duration = Duration::from_secs(1);

/// How often a first flight follows a check. It is longer than the check, and nobody may make this port amplify.
const MAX_FOLLOWED: u8 = 20;

/// Where a peer is on its way from its first check to its first packet.
#[derive(Default)]
pub(super) struct Opening {
    /// The DTLS flight to be sent behind every answered check, until the peer speaks DTLS.
    first_flight: Vec<Vec<u8>>,
    followed: u8,
    /// Keys that are not used yet, and when they are.
    held: Option<(Instant, Box<Security>)>,
    /// When media began.
    began: Option<Instant>,
    /// The beginning was sent twice.
    repeated: bool,
}

impl Opening {
    /// Whether keys were set, used or not.
    pub(super) fn has_keys(&self) -> bool {
        self.held.is_some() || self.began.is_some()
    }

    /// The peer speaks DTLS, so the first flight has arrived.
    pub(super) fn heard(&mut self) {
        self.first_flight = Vec::new();
    }
}

impl Engine {
    /// Send these again behind every answered check until the peer's first DTLS datagram comes. A ClientHello that overtakes the
    /// answer to a check is lost in browsers, and with the answer lost the next check is the sign to send it again.
    pub(super) fn follow_checks(&mut self, peer: PeerId, datagrams: Vec<Vec<u8>>) -> Option<()> {
        let peer = self.peers.get_mut(*self.ids.peers.get(&peer)?)?;
        peer.opening.first_flight = datagrams;
        Some(())
    }

    /// A check from `from` was answered: what must follow the answer does.
    pub(super) fn send_first_flight(&mut self, peer: PeerKey, from: TransportAddress, out: &mut impl Output) {
        let Some(peer) = self.peers.get_mut(peer).filter(|peer| peer.opening.followed < MAX_FOLLOWED) else { return };
        if !peer.opening.first_flight.is_empty() {
            peer.opening.followed = peer.opening.followed.saturating_add(1);
        }
        for datagram in &peer.opening.first_flight {
            self.counters.dtls_sent.add(1);
            out.transmit(from, datagram.len(), datagram);
        }
    }

    /// The keys have come: open the media gate, or let it wait. A browser loses the head of a keyframe that comes upon our last
    /// flight at once, because it is still busy with that.
    pub(super) fn open_media(&mut self, key: PeerKey, security: Box<Security>, hold: Duration, now: Instant, out: &mut impl Output) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        match now.checked_add(hold).filter(|_| !hold.is_zero()) {
            Some(due) => {
                peer.opening.held = Some((due, security));
                self.opening.push(key);
                self.timers.arm(Timer::Openings, due);
            }
            None => self.begin_media(key, security, now, out),
        }
        // What the cache does not have is asked for while the media wait.
        self.timers.arm(Timer::Keyframes, now);
    }

    /// Begin the media that have waited long enough.
    pub(super) fn open_held_media(&mut self, now: Instant, out: &mut impl Output) {
        for key in std::mem::take(&mut self.opening) {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            match peer.opening.held.take() {
                Some((due, security)) if due <= now => self.begin_media(key, security, now, out),
                Some((due, security)) => {
                    peer.opening.held = Some((due, security));
                    self.opening.push(key);
                    self.timers.arm(Timer::Openings, due);
                }
                None => {}
            }
        }
    }

    /// Begin all sinks of a peer anew from the cache: what it was sent came before it had its keys.
    pub(super) fn show_again(&mut self, id: PeerId, now: Instant, out: &mut impl Output) -> Option<()> {
        let key = *self.ids.peers.get(&id)?;
        let peer = self.peers.get_mut(key)?;
        peer.opening.repeated = true;
        for sink in peer.sinks.clone() {
            self.replay_again(sink, now, out);
        }
        Some(())
    }

    /// A peer that has just begun asks for a keyframe. True when the cache gave it one, once, so that the publisher need not.
    pub(super) fn beginning_was_lost(&mut self, peer: PeerKey, sink: SinkKey, now: Instant, out: &mut impl Output) -> bool {
        let Some(peer) = self.peers.get_mut(peer) else { return false };
        let begins = peer.opening.began.is_some_and(|began| now.saturating_duration_since(began) < BEGINNING);
        begins && !std::mem::replace(&mut peer.opening.repeated, true) && self.replay_again(sink, now, out)
    }

    fn begin_media(&mut self, key: PeerKey, security: Box<Security>, now: Instant, out: &mut impl Output) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.security = Some(security);
        peer.opening.began = Some(now);
        let watcher = (!peer.sinks.is_empty()).then_some(peer.id);
        self.begin_replays(key, now, out);
        self.events.extend(watcher.map(|peer| Event::Began { peer }));
    }

    /// Only a sink that shows a picture has something to begin anew.
    fn replay_again(&mut self, key: SinkKey, now: Instant, out: &mut impl Output) -> bool {
        let Some(sink) = self.sinks.get_mut(key) else { return false };
        let Some(feed) = sink.track.feed().copied() else { return false };
        let video = self.sources.get(feed.source).is_some_and(|source| source.kind == MediaKind::Video);
        if !video {
            return false;
        }
        sink.stop();
        sink.still = None;
        self.counters.beginnings_repeated.add(1);
        let live = self.begin_replay(key, now, out);
        if !live {
            self.want_keyframe(feed.source, feed.encoding, now);
        }
        live
    }
}
