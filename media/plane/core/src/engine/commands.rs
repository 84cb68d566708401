//! Commands: what comes and goes.

use std::time::Instant;

use super::feed::Wanted;
use super::layers::Layers;
use super::link::Link;
use super::peer::{Peer, Security, Stream};
use super::sink::Sink;
use super::source::Source;
use super::{Engine, Output, PeerKey, SinkKey, SourceKey};
use crate::command::{Codec, Command, MediaKind, PeerId, SinkId, SourceId};
use crate::srtp::{SrtpReceiver, SrtpSender};

impl Engine {
    /// Carry out one command. A command for an id that has ended, or that contradicts what is there, is counted and ignored.
    pub fn handle(&mut self, command: Command, now: Instant, out: &mut impl Output) {
        if self.contradicts(&command) {
            return self.counters.command_refused.add(1);
        }
        if self.carry_out(command, now, out).is_none() {
            self.counters.unknown_id.add(1);
        }
        self.pace_what_waits(now);
    }

    fn carry_out(&mut self, command: Command, now: Instant, out: &mut impl Output) -> Option<()> {
        match command {
            Command::AcceptTickets { key } => self.tickets.accept(&key),
            Command::SetExtensions { peer, extensions } => self.peers.get_mut(*self.ids.peers.get(&peer)?)?.extensions = extensions,
            Command::AddPeer { peer, local_ufrag, extensions, .. } if self.claim_peer(peer, &local_ufrag, extensions) => {}
            Command::AddPeer { peer, local_ufrag, local_pwd, extensions } => {
                self.tickets.spend(&local_ufrag, now, self.clock.since_epoch(now).as_secs());
                let key = self.peers.insert(Peer::new(peer, local_ufrag.clone(), local_pwd, extensions, now));
                self.by_ufrag.insert(local_ufrag, key);
                self.ids.peers.insert(peer, key);
            }
            Command::RestartIce { peer, local_ufrag, local_pwd } => self.restart_ice(peer, local_ufrag, local_pwd)?,
            Command::RemovePeer(peer) => self.remove_peer(peer)?,
            Command::SendDtls { peer, datagram } => self.send_dtls(now, *self.ids.peers.get(&peer)?, &datagram, out),
            Command::FollowChecks { peer, datagrams } => self.follow_checks(peer, datagrams)?,
            Command::SetKeys { peer, profile, send, receive, hold } => {
                let key = *self.ids.peers.get(&peer)?;
                let (sender, receiver) = (SrtpSender::new(profile, &send), SrtpReceiver::new(profile, &receive));
                self.open_media(key, Box::new(Security { sender, receiver }), hold, now, out);
            }
            Command::ShowAgain(peer) => self.show_again(peer, now, out)?,
            Command::AddSource { source, peer, kind, mid, codecs, rids, ssrcs } => {
                let peer = *self.ids.peers.get(&peer)?;
                self.add_source(source, peer, kind, mid, codecs, rids, &ssrcs)?;
            }
            Command::RemoveSource(source) => self.remove_source(source)?,
            Command::AddMirror { source, owner, kind, codecs, encodings } => {
                let mirror = Source::mirror(source, owner, kind, codecs, encodings, self.config.keyframe_interval);
                self.add_mirror(mirror, now, out);
            }
            Command::RemoveMirror(source) => self.remove_mirror(source, out)?,
            Command::AddSink { sink, peer, mid, ssrc, rtx_ssrc, cname, codecs } => {
                let owner = *self.ids.peers.get(&peer)?;
                let key = self.sinks.insert(Sink::new(sink, owner, mid, ssrc, rtx_ssrc, cname, codecs, now));
                let peer = self.peers.get_mut(owner)?;
                peer.sinks.push(key);
                if peer.extensions.transport_cc != 0 {
                    peer.link.get_or_insert_with(|| Box::new(Link::new(owner, self.clock.since_epoch(now))));
                }
                peer.sending.extend([ssrc, rtx_ssrc].into_iter().filter(|&ssrc| ssrc != 0));
                self.ids.sinks.insert(sink, key);
            }
            Command::AddFec { sink, ssrc, payload_type } => self.add_fec(*self.ids.sinks.get(&sink)?, ssrc, payload_type)?,
            Command::RemoveSink(sink) => self.remove_sink(sink)?,
            Command::Route { sink, source, encoding, spatial, temporal } => {
                let sink = *self.ids.sinks.get(&sink)?;
                let source = match source {
                    Some(id) => Some(*self.ids.sources.get(&id)?),
                    None => None,
                };
                self.sinks.get_mut(sink)?.limit = Layers { spatial: spatial.unwrap_or(u8::MAX), temporal: temporal.unwrap_or(u8::MAX) };
                self.route(sink, source, encoding, now, out)?;
            }
            Command::WantBitrate { peer, bitrate } => {
                let peer = *self.ids.peers.get(&peer)?;
                self.want_bitrate(now, peer, bitrate);
            }
            Command::Protect { peer, protection } => self.protect(*self.ids.peers.get(&peer)?, protection, now)?,
            Command::RequestKeyframe(source) => {
                let source = *self.ids.sources.get(&source)?;
                let watched: Vec<usize> = self.sinks_of(source).filter_map(|sink| sink.wanted.map(|wanted| wanted.encoding)).collect();
                for encoding in watched {
                    self.want_keyframe(source, encoding, now);
                }
            }
        }
        Some(())
    }

    /// Whether a command takes what is taken. An SSRC or keys used a second time would begin again at the same packet index
    /// under the same key, which with GCM gives the key away: neither may come back as long as the peer is there.
    fn contradicts(&self, command: &Command) -> bool {
        match command {
            Command::AddPeer { peer, local_ufrag, .. } => {
                let holder = self.by_ufrag.get(local_ufrag).and_then(|&key| self.peers.get(key));
                self.ids.peers.contains_key(peer) || holder.is_some_and(|holder| holder.provisional_since.is_none())
            }
            Command::RestartIce { local_ufrag, .. } => self.by_ufrag.contains_key(local_ufrag),
            Command::SetKeys { peer, .. } => self.peer_of(*peer).is_some_and(|peer| peer.opening.has_keys()),
            Command::AddSource { source, .. } | Command::AddMirror { source, .. } => self.ids.sources.contains_key(source),
            Command::AddSink { sink, peer, ssrc, rtx_ssrc, .. } => {
                let taken = |peer: &Peer| peer.sending.contains(ssrc) || peer.sending.contains(rtx_ssrc) || ssrc == rtx_ssrc;
                self.ids.sinks.contains_key(sink) || self.peer_of(*peer).is_some_and(taken)
            }
            Command::AddFec { sink, ssrc, .. } => {
                let sink = self.ids.sinks.get(sink).and_then(|&key| self.sinks.get(key));
                let taken = |sink: &Sink| sink.fec.is_some() || self.peers.get(sink.peer).is_some_and(|peer| peer.sending.contains(ssrc));
                sink.is_some_and(taken)
            }
            _ => false,
        }
    }

    fn peer_of(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(*self.ids.peers.get(&id)?)
    }

    #[expect(clippy::too_many_arguments, reason = "one each of the command's fields")]
    fn add_source(
        &mut self, id: SourceId, peer: PeerKey, kind: MediaKind, mid: String, codecs: Vec<Codec>, rids: Vec<String>, ssrcs: &[(u32, u32)],
    ) -> Option<()> {
        let count = rids.len().max(ssrcs.len());
        let source = self.sources.insert(Source::new(id, peer, kind, mid, codecs, rids, count, self.config.keyframe_interval));
        self.ids.sources.insert(id, source);
        let peer = self.peers.get_mut(peer)?;
        peer.sources.push(source);
        for (index, &(ssrc, rtx_ssrc)) in ssrcs.iter().enumerate() {
            peer.streams.insert(ssrc, Stream { source, encoding: index, rtx: false });
            self.sources.get_mut(source)?.encodings.get_mut(index)?.start_stream(ssrc);
            if rtx_ssrc != 0 {
                peer.streams.insert(rtx_ssrc, Stream { source, encoding: index, rtx: true });
            }
        }
        Some(())
    }

    fn route(&mut self, sink_key: SinkKey, source: Option<SourceKey>, encoding: usize, now: Instant, out: &mut impl Output) -> Option<()> {
        let sink = self.sinks.get_mut(sink_key)?;
        let before = sink.wanted.map(|wanted| wanted.source);
        sink.wanted = source.map(|source| Wanted { source, encoding });
        if before != source {
            // Another source: what was shown must not stay on the screen as if it were this one, nor what waits of it hold others up.
            if let Some(link) = self.peers.get_mut(sink.peer).and_then(|peer| peer.link.as_deref_mut()) {
                sink.leave_out(link);
            }
            sink.stop();
            if let Some(before) = before.and_then(|key| self.sources.get_mut(key)) {
                before.sinks.retain(|&key| key != sink_key);
            }
            if let Some(after) = source.and_then(|key| self.sources.get_mut(key)) {
                after.sinks.push(sink_key);
            }
        }
        if let Some(source) = source {
            let waits = self.sinks.get(sink_key)?.waits_for_keyframe(self.sources.get(source)?.encodings.get(encoding)?);
            if waits && !self.begin_replay(sink_key, now, out) && !self.cache_awaits_keys(sink_key, now) {
                self.want_keyframe(source, encoding, now);
            }
        }
        Some(())
    }

    pub(super) fn remove_peer(&mut self, id: PeerId) -> Option<()> {
        let key = self.ids.peers.remove(&id)?;
        let peer = self.peers.remove(key)?;
        if peer.provisional_since.is_some() {
            self.tickets.claimed();
        }
        for ufrag in peer.credentials.ufrags() {
            self.by_ufrag.remove(ufrag);
        }
        for address in &*peer.checked {
            self.by_address.remove(address);
        }
        for source in peer.sources {
            self.forget_source(source);
        }
        for sink in peer.sinks {
            self.forget_sink(sink);
        }
        Some(())
    }

    fn remove_source(&mut self, id: SourceId) -> Option<()> {
        let key = *self.ids.sources.get(&id)?;
        let peer = self.sources.get(key)?.peer;
        self.forget_source(key);
        let peer = self.peers.get_mut(peer)?;
        peer.sources.retain(|&source| source != key);
        peer.streams.remove_source(key);
        Some(())
    }

    fn remove_sink(&mut self, id: SinkId) -> Option<()> {
        let key = *self.ids.sinks.get(&id)?;
        let peer = self.sinks.get(key)?.peer;
        self.forget_sink(key);
        self.peers.get_mut(peer)?.sinks.retain(|&sink| sink != key);
        Some(())
    }

    pub(super) fn forget_source(&mut self, key: SourceKey) {
        let Some(source) = self.sources.remove(key) else { return };
        self.ids.sources.remove(&source.id);
        for sink in source.sinks {
            if let Some(sink) = self.sinks.get_mut(sink) {
                sink.wanted = None;
                sink.stop();
            }
        }
    }

    fn forget_sink(&mut self, key: SinkKey) {
        let Some(sink) = self.sinks.remove(key) else { return };
        self.ids.sinks.remove(&sink.id);
        if let Some(source) = sink.wanted.and_then(|wanted| self.sources.get_mut(wanted.source)) {
            source.sinks.retain(|&other| other != key);
        }
    }

    fn sinks_of(&self, source: SourceKey) -> impl Iterator<Item = &Sink> {
        let sinks = self.sources.get(source).map(|source| source.sinks.as_slice()).unwrap_or_default();
        sinks.iter().filter_map(|&sink| self.sinks.get(sink))
    }
}
