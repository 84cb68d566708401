//! Audio rides with video: as the last segment of a picture to the same subscriber it costs an eighth of a send of its own.
//!
//! Audio waits for a picture only where its publisher's next one is expected within [`AUDIO_LINGER`], which is about one packet
//! in twelve at 30 pictures a second; all other audio leaves at once. A long burst takes none along, because on the subscriber's
//! line audio would stand behind it.

use std::time::{Duration, Instant};

use super::feed::Wanted;
use super::joint::Joiner;
use super::source::Source;
use super::{Engine, Output, SinkKey, SourceKey};
use crate::command::MediaKind;

/// What audio may wait for a picture: twice as long would take twice as many along, but hold one packet in fifty for more than 3 ms.
pub(super) const AUDIO_LINGER: Duration = Duration::from_micros(2500);

/// How far a picture may be behind its time before audio waits for it no longer.
const LATENESS: Duration = Duration::from_millis(2);

/// Packets that a picture with audio behind it may have: 14 kB, which a line of 5 Mbit/s takes 22 ms for.
const MAX_PICTURE_PACKETS: usize = 12;

/// What is closer together belongs to one picture: encodings of simulcast.
const MIN_INTERVAL: Duration = Duration::from_millis(8);
/// What is farther apart is no rhythm.
const MAX_INTERVAL: Duration = Duration::from_millis(100);

/// When a source's pictures come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rhythm {
    last: Option<Instant>,
    interval: Option<Duration>,
}

impl Rhythm {
    /// Note that a picture is forwarded.
    pub(super) fn note(&mut self, now: Instant) {
        let interval = self.last.map(|last| now.saturating_duration_since(last));
        if interval.is_some_and(|interval| interval < MIN_INTERVAL) {
            return;
        }
        self.last = Some(now);
        let interval = interval.filter(|interval| *interval <= MAX_INTERVAL);
        self.interval = interval.map(|new| self.interval.map_or(new, |old| smoothed(old, new)));
    }

    /// When the next one should come.
    fn next(&self) -> Option<Instant> {
        self.last?.checked_add(self.interval?)
    }
}

/// By an eighth: one late picture must not move the expectation of the next ones.
fn smoothed(old: Duration, new: Duration) -> Duration {
    old.saturating_mul(7).saturating_add(new).checked_div(8).unwrap_or(new)
}

impl Engine {
    /// Until when audio that came at `since` waits for a picture; `since` where none is expected in time.
    pub(super) fn audio_due(&self, source: &Source, since: Instant) -> Instant {
        let latest = since.checked_add(AUDIO_LINGER).unwrap_or(since);
        let siblings = self.peers.get(source.peer).map(|peer| peer.sources.as_slice()).unwrap_or_default();
        let expected = siblings.iter().filter_map(|&key| self.sources.get(key)?.rhythm.next());
        let given_up = expected.filter(|&next| next <= latest).filter_map(|next| next.checked_add(LATENESS));
        given_up.map(|until| until.min(latest)).filter(|&until| until > since).min().unwrap_or(since)
    }

    /// Forward `pending` to one sink, and behind it to the same subscriber what waits of the `riders`. True when the sink waits
    /// for a keyframe that is not there.
    pub(super) fn forward_with_riders(
        &mut self, now: Instant, from: Wanted, sink: SinkKey, pending: &[i64], riders: &[SourceKey], out: &mut impl Output,
    ) -> bool {
        let mut held = std::mem::take(&mut self.joint);
        let mut joiner = Joiner::new(&mut held, out);
        let waiting = self.forward_to(now, from, sink, pending, &mut joiner);
        if joiner.holds() {
            self.forward_riders(now, sink, riders, &mut joiner);
        }
        joiner.finish();
        self.counters.bursts_joined.add(joiner.joined);
        self.joint = held;
        waiting
    }

    /// Forward the riders' packets to the peer of `sink`.
    fn forward_riders(&mut self, now: Instant, sink: SinkKey, riders: &[SourceKey], out: &mut impl Output) {
        let Some(peer) = self.sinks.get(sink).map(|sink| sink.peer) else { return };
        // By index, so that peer and sinks can be reached while the list is walked.
        let mut indices = 0_usize..;
        while let Some(&key) = indices.next().and_then(|index| self.peers.get(peer)?.sinks.get(index)) {
            let Some(sink) = self.sinks.get_mut(key) else { continue };
            let Some(from) = sink.wanted.filter(|wanted| riders.contains(&wanted.source)) else { continue };
            if std::mem::replace(&mut sink.served_in, self.turn) == self.turn {
                continue;
            }
            let Some(encoding) = self.encoding_mut(from) else { continue };
            let pending = std::mem::take(&mut encoding.pending);
            self.forward_to(now, from, key, &pending, out);
            if let Some(encoding) = self.encoding_mut(from) {
                encoding.pending = pending;
            }
        }
    }
}

impl Source {
    /// Whether audio of this source may ride.
    pub(super) fn rides(&self) -> bool {
        self.kind == MediaKind::Audio && self.encodings.len() == 1
    }

    /// Whether audio may ride with what waits.
    pub(super) fn takes_riders(&self) -> bool {
        self.kind == MediaKind::Video && self.encodings.iter().all(|encoding| encoding.pending.len() <= MAX_PICTURE_PACKETS)
    }
}
