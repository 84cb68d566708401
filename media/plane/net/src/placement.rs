//! Which worker has what, and which workers a command goes to.
//!
//! A peer is placed where the fewest sinks are; its sources and sinks are with it. A worker whose sinks show a source that
//! lives elsewhere is given a mirror of it, from the first such sink to the last. What a worker would refuse is sent to
//! where it is refused, so that it is counted as with one worker.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use plane_core::command::{Codec, Command, MediaKind, PeerId, SinkId, SourceId, WorkerId};

use crate::links::Ufrags;
use crate::tickets;

/// Where unknown ids are counted.
const ANY: WorkerId = 0;

/// Commands and where they go, in this order.
pub(crate) type Orders = Vec<(WorkerId, Command)>;

/// The owner's record of all workers.
pub(crate) struct Placement {
    workers: Vec<Load>,
    ufrags: Arc<Ufrags>,
    peers: HashMap<PeerId, Peer>,
    sources: HashMap<SourceId, Source>,
    sinks: HashMap<SinkId, Sink>,
}

/// What a worker has. Sinks are what costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    sinks: usize,
    peers: usize,
}

struct Peer {
    worker: WorkerId,
    /// Its ufrags, newest last: after an ICE restart the one before is good too, until the peer nominates.
    ufrags: Vec<String>,
    sources: HashSet<SourceId>,
    sinks: HashSet<SinkId>,
}

struct Source {
    worker: WorkerId,
    peer: PeerId,
    kind: MediaKind,
    codecs: Vec<Codec>,
    encodings: usize,
    /// Sinks of each worker that show it; of its own worker none are counted.
    shown: Vec<usize>,
}

struct Sink {
    worker: WorkerId,
    peer: PeerId,
    source: Option<SourceId>,
}

impl Placement {
    pub(crate) fn new(workers: usize, ufrags: Arc<Ufrags>) -> Self {
        let workers = vec![Load::default(); workers.max(1)];
        Self { workers, ufrags, peers: HashMap::new(), sources: HashMap::new(), sinks: HashMap::new() }
    }

    /// Where a source lives; any worker if it is unknown.
    pub(crate) fn worker_of(&self, source: SourceId) -> WorkerId {
        self.sources.get(&source).map_or(ANY, |source| source.worker)
    }

    /// Where a command goes, and what else has to be done for it before and behind.
    pub(crate) fn orders(&mut self, command: Command) -> Orders {
        match command {
            Command::AddPeer { peer, ref local_ufrag, .. } => {
                let worker = self.place_peer(peer, local_ufrag);
                vec![(worker, command)]
            }
            Command::RestartIce { peer, ref local_ufrag, .. } => {
                self.add_ufrag(peer, local_ufrag);
                vec![(self.of_peer(peer), command)]
            }
            Command::RemovePeer(peer) => self.remove_peer(peer),
            Command::SendDtls { peer, .. }
            | Command::SetKeys { peer, .. }
            | Command::WantBitrate { peer, .. }
            | Command::Protect { peer, .. }
            | Command::FollowChecks { peer, .. }
            | Command::SetExtensions { peer, .. }
            | Command::ShowAgain(peer) => vec![(self.of_peer(peer), command)],
            Command::AcceptTickets { key } => (0..self.workers.len()).map(|worker| (worker, Command::AcceptTickets { key })).collect(),
            Command::AddSource { source, peer, kind, ref codecs, ref rids, ref ssrcs, .. } => {
                let encodings = rids.len().max(ssrcs.len()).max(1);
                let worker = self.place_source(source, peer, kind, codecs, encodings);
                vec![(worker, command)]
            }
            Command::RemoveSource(source) => self.remove_source(source),
            Command::AddSink { sink, peer, .. } => vec![(self.place_sink(sink, peer), command)],
            Command::AddFec { sink, .. } => vec![(self.of_sink(sink), command)],
            Command::RemoveSink(sink) => self.remove_sink(sink),
            Command::Route { sink, source, .. } => self.route(sink, source, command),
            Command::RequestKeyframe(source) => self.request_keyframe(source),
            // Made here, never asked for.
            Command::AddMirror { .. } | Command::RemoveMirror(_) => Orders::new(),
        }
    }

    /// A ufrag is announced when its worker has been told of it, so that no check comes before.
    pub(crate) fn announce(&self, peer: PeerId) {
        if let Some(peer) = self.peers.get(&peer) {
            for ufrag in &peer.ufrags {
                self.ufrags.insert(ufrag.clone(), peer.worker);
            }
        }
    }

    /// Only the last two are ever answered.
    fn add_ufrag(&mut self, peer: PeerId, ufrag: &str) {
        // What another peer has is refused by its worker.
        if self.ufrags.worker_of(ufrag).is_some() {
            return;
        }
        let Some(peer) = self.peers.get_mut(&peer) else { return };
        peer.ufrags.push(ufrag.into());
        if peer.ufrags.len() > 2 {
            self.ufrags.remove(&peer.ufrags.remove(0));
        }
    }

    fn of_sink(&self, sink: SinkId) -> WorkerId {
        self.sinks.get(&sink).map_or(ANY, |sink| sink.worker)
    }

    fn of_peer(&self, peer: PeerId) -> WorkerId {
        self.peers.get(&peer).map_or(ANY, |peer| peer.worker)
    }

    fn place_peer(&mut self, peer: PeerId, ufrag: &str) -> WorkerId {
        if let Some(taken) = self.peers.get(&peer).map(|peer| peer.worker).or_else(|| self.ufrags.worker_of(ufrag)) {
            return taken;
        }
        let least = self.workers.iter().enumerate().min_by_key(|&(_, load)| *load).map_or(ANY, |(worker, _)| worker);
        // A peer with a ticket may have come before this: it is where its checks go by themselves.
        let least = tickets::worker_of(ufrag, self.workers.len()).unwrap_or(least);
        self.load(least, |load| load.peers = load.peers.saturating_add(1));
        let (sources, sinks) = (HashSet::new(), HashSet::new());
        self.peers.insert(peer, Peer { worker: least, ufrags: vec![ufrag.into()], sources, sinks });
        least
    }

    fn place_source(&mut self, id: SourceId, peer_id: PeerId, kind: MediaKind, codecs: &[Codec], encodings: usize) -> WorkerId {
        if let Some(taken) = self.sources.get(&id) {
            return taken.worker;
        }
        let Some(peer) = self.peers.get_mut(&peer_id) else { return ANY };
        let worker = peer.worker;
        peer.sources.insert(id);
        let shown = vec![0; self.workers.len()];
        self.sources.insert(id, Source { worker, peer: peer_id, kind, codecs: codecs.to_vec(), encodings, shown });
        worker
    }

    fn place_sink(&mut self, id: SinkId, peer_id: PeerId) -> WorkerId {
        if let Some(taken) = self.sinks.get(&id) {
            return taken.worker;
        }
        let Some(peer) = self.peers.get_mut(&peer_id) else { return ANY };
        let worker = peer.worker;
        peer.sinks.insert(id);
        self.load(worker, |load| load.sinks = load.sinks.saturating_add(1));
        self.sinks.insert(id, Sink { worker, peer: peer_id, source: None });
        worker
    }

    fn route(&mut self, id: SinkId, source: Option<SourceId>, command: Command) -> Orders {
        let Some(sink) = self.sinks.get_mut(&id) else { return vec![(ANY, command)] };
        let (worker, before) = (sink.worker, sink.source);
        // A source that has ended is counted by the sink's worker, and changes nothing there.
        if source == before || source.is_some_and(|source| !self.sources.contains_key(&source)) {
            return vec![(worker, command)];
        }
        sink.source = source;
        let mut orders = Orders::new();
        orders.extend(source.and_then(|source| self.show(source, worker)));
        orders.push((worker, command));
        orders.extend(before.and_then(|before| self.hide(before, worker)));
        orders
    }

    /// A sink of a worker shows a source now. Returns the order for its mirror, if it is the first there.
    fn show(&mut self, id: SourceId, worker: WorkerId) -> Option<(WorkerId, Command)> {
        let source = self.sources.get_mut(&id).filter(|source| source.worker != worker)?;
        let shown = source.shown.get_mut(worker)?;
        *shown = shown.saturating_add(1);
        let Source { worker: owner, kind, ref codecs, encodings, .. } = *source;
        (source.shown.get(worker) == Some(&1))
            .then(|| (worker, Command::AddMirror { source: id, owner, kind, codecs: codecs.clone(), encodings }))
    }

    /// A sink of a worker shows a source no more. Returns the order against its mirror, if it was the last there.
    fn hide(&mut self, id: SourceId, worker: WorkerId) -> Option<(WorkerId, Command)> {
        let source = self.sources.get_mut(&id).filter(|source| source.worker != worker)?;
        let shown = source.shown.get_mut(worker)?;
        *shown = shown.saturating_sub(1);
        (*shown == 0).then_some((worker, Command::RemoveMirror(id)))
    }

    fn request_keyframe(&self, id: SourceId) -> Orders {
        let Some(source) = self.sources.get(&id) else { return vec![(ANY, Command::RequestKeyframe(id))] };
        let mirrors = source.mirrors().map(|worker| (worker, Command::RequestKeyframe(id)));
        std::iter::once((source.worker, Command::RequestKeyframe(id))).chain(mirrors).collect()
    }

    fn remove_peer(&mut self, id: PeerId) -> Orders {
        let Some(peer) = self.peers.remove(&id) else { return vec![(ANY, Command::RemovePeer(id))] };
        for ufrag in &peer.ufrags {
            self.ufrags.remove(ufrag);
        }
        self.load(peer.worker, |load| load.peers = load.peers.saturating_sub(1));
        let mut orders = vec![(peer.worker, Command::RemovePeer(id))];
        for source in peer.sources {
            orders.extend(self.sources.remove(&source).into_iter().flat_map(|gone| gone.end_mirrors(source)));
        }
        for sink in peer.sinks {
            orders.extend(self.forget_sink(sink));
        }
        orders
    }

    fn remove_source(&mut self, id: SourceId) -> Orders {
        let Some(source) = self.sources.remove(&id) else { return vec![(ANY, Command::RemoveSource(id))] };
        if let Some(peer) = self.peers.get_mut(&source.peer) {
            peer.sources.remove(&id);
        }
        std::iter::once((source.worker, Command::RemoveSource(id))).chain(source.end_mirrors(id)).collect()
    }

    fn remove_sink(&mut self, id: SinkId) -> Orders {
        let Some(sink) = self.sinks.get(&id) else { return vec![(ANY, Command::RemoveSink(id))] };
        let worker = sink.worker;
        if let Some(peer) = self.peers.get_mut(&sink.peer) {
            peer.sinks.remove(&id);
        }
        std::iter::once((worker, Command::RemoveSink(id))).chain(self.forget_sink(id)).collect()
    }

    fn forget_sink(&mut self, id: SinkId) -> Option<(WorkerId, Command)> {
        let sink = self.sinks.remove(&id)?;
        self.load(sink.worker, |load| load.sinks = load.sinks.saturating_sub(1));
        self.hide(sink.source?, sink.worker)
    }

    fn load(&mut self, worker: WorkerId, change: impl FnOnce(&mut Load)) {
        if let Some(load) = self.workers.get_mut(worker) {
            change(load);
        }
    }
}

impl Source {
    fn mirrors(&self) -> impl Iterator<Item = WorkerId> {
        self.shown.iter().enumerate().filter(|&(_, shown)| *shown > 0).map(|(worker, _)| worker)
    }

    fn end_mirrors(&self, id: SourceId) -> Vec<(WorkerId, Command)> {
        self.mirrors().map(|worker| (worker, Command::RemoveMirror(id))).collect()
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "test code")]
mod tests;
