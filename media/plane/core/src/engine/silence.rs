//! Which encodings have ceased to arrive.

use std::time::{Duration, Instant};

use super::Engine;
use super::source::Source;
use crate::command::Event;

/// Silence after which an encoding counts as stopped. Opus with DTX still sends every 400 ms, a screen that stands still a
/// picture a second.
const SILENCE: Duration = Duration::from_millis(1500);

/// Silence of one encoding while another of its source goes on: it was turned off, for all are made of the same pictures.
/// It outlasts two pictures of a camera that sends five a second in the dark.
const TURNED_OFF: Duration = Duration::from_millis(500);

/// So lately must another one have come for that: the link and the camera are alive.
const ALIVE: Duration = Duration::from_millis(200);

impl Engine {
    /// Tell Python which encodings ceased.
    pub(super) fn report_silence(&mut self, now: Instant) {
        let Self { sources, peers, events, .. } = self;
        for source in sources.values_mut() {
            let Some(peer) = peers.get(source.peer) else { continue };
            let (id, patience) = (source.id, source.patience(now));
            let fallen = source
                .encodings
                .iter_mut()
                .enumerate()
                .filter_map(|(index, encoding)| encoding.fell_silent(now, patience).then_some(index));
            events.extend(fallen.map(|encoding| Event::Encoding { peer: peer.id, source: id, encoding, active: false }));
        }
    }
}

impl Source {
    /// How long an encoding of this source may be silent.
    fn patience(&self, now: Instant) -> Duration {
        let last = self.encodings.iter().filter_map(|encoding| encoding.last_packet).max();
        let alive = last.is_some_and(|last| now.saturating_duration_since(last) < ALIVE);
        if alive { TURNED_OFF } else { SILENCE }
    }
}
