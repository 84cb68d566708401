//! A subscriber's link: what was sent on it under transport-wide numbers, what the subscriber reports of that, and what follows
//! from it. A subscriber without transport-wide feedback tells a bound itself (REMB), or nothing.

use std::time::{Duration, Instant};

use adaptation::Estimator;
use adaptation::pacer::{Class, Pacer};

use super::counters::Counter;
use super::ledger::{Entry, KEPT, Ledger, Original};
use super::pacer::Held;
use super::peer::Peer;
use super::probes::Probes;
use super::thinning::thin;
use super::{Engine, Output, PeerKey, SinkKey};
use crate::command::{Event, LinkRow};
use crate::twcc::Feedback;

/// Seconds in a tick of arrival times.
const TICK: f64 = 250e-6;
/// Ticks in a unit of the reference time: 64 ms.
const REFERENCE_UNIT: i64 = 256;
/// Half the range of a reference time of 24 bits.
const HALF_RANGE: i64 = 1 << 23;
/// Where more is lost, what lost reports would have told is left to those who ask: most of it arrived, and repairs take much already.
const GUESSED_BELOW: f64 = 0.25;
/// Half the range of a transport-wide number: less than that ahead is ahead.
const HALF_OF_NUMBERS: u16 = 1 << 15;
/// A bound that the subscriber told holds so long; browsers tell it every second at least.
const REMB_LIFETIME: Duration = Duration::from_secs(5);
/// What waits is looked at again after so long: the queue that it waits for may drain sooner than it seemed.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// Seconds of pictures that wait, from which on it pays to leave out what is of no use.
const BEHIND: f64 = 0.06;
/// Seconds that a replay may take; a keyframe that is asked for comes within a round trip to the publisher.
const MAX_REPLAY: f64 = 0.4;
/// It hardly takes longer.
const MAX_ANSWER: Duration = Duration::from_millis(400);
/// The least round trip grows by this share a report, so that a way that became longer is known after a while.
const FORGETTING: f64 = 1.002;
/// With more than so many seconds in the link's queue what is lost is its own.
const QUEUED: f64 = 0.04;

pub(super) struct Link {
    /// Whose it is.
    pub(super) peer: PeerKey,
    estimator: Estimator,
    /// The origin of the estimator's seconds.
    began: Duration,
    octets: Counter,
    /// The last reference time, unrolled.
    reference: Option<i64>,
    pub(super) probes: Probes,
    pacer: Pacer<Held>,
    ledger: Ledger,
    /// The number behind all that reports told of.
    told_to: Option<u16>,
    /// The least round trip of late, seconds.
    least_rtt: f64,
}

impl Link {
    /// Nothing is known yet. `since_epoch` is now.
    pub(super) fn new(peer: PeerKey, since_epoch: Duration) -> Self {
        Self {
            peer,
            estimator: Estimator::new(adaptation::Config::default()),
            began: since_epoch,
            octets: Counter::default(),
            reference: None,
            probes: Probes::default(),
            pacer: Pacer::default(),
            ledger: Ledger::default(),
            told_to: None,
            least_rtt: 0.0,
        }
    }

    /// A packet leaves; returns its transport-wide number. `of`: which one it is, where it can be sent again.
    #[expect(clippy::cast_precision_loss, reason = "a packet has few octets")]
    pub(super) fn number(&mut self, since_epoch: Duration, octets: usize, of: Option<Original>) -> u16 {
        self.octets.add(octets as u64);
        let now = self.seconds(since_epoch);
        self.pacer.on_sent(now, octets);
        let number = self.estimator.on_sent(now, octets as f64);
        self.ledger.note(number, of, since_epoch);
        number
    }

    /// How many of the next packets, of so many octets each, may leave at once.
    pub(super) fn passing(&self, since_epoch: Duration, class: Class, packets: usize, octets: usize) -> usize {
        self.pacer.passing(self.seconds(since_epoch), class, packets, octets)
    }

    /// Keep a packet, of so many octets when sealed, until its turn comes.
    pub(super) fn hold(&mut self, since_epoch: Duration, class: Class, octets: usize, packet: Held) {
        self.pacer.hold(self.seconds(since_epoch), class, octets, packet);
    }

    /// Pace by what is known now: what stood in the queue has drained since the last report.
    fn pace(&mut self, since_epoch: Duration) {
        let now = self.seconds(since_epoch);
        if self.estimator.is_told() {
            let (rate, queue) = self.estimator.pace(now);
            self.pacer.set_link(now, rate, queue);
        }
    }

    /// The packets whose turn has come.
    pub(super) fn take_burst(&mut self, since_epoch: Duration) -> Vec<Held> {
        self.pace(since_epoch);
        self.pacer.take_burst(self.seconds(since_epoch))
    }

    /// How long until there are some, if anything waits.
    pub(super) fn next_burst(&self, since_epoch: Duration) -> Option<Duration> {
        let delay = self.pacer.due()? - self.seconds(since_epoch);
        Some(Duration::try_from_secs_f64(delay).unwrap_or_default().min(LONGEST_PAUSE))
    }

    /// How long so many octets take the link; 0 where nothing is known of it.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred kilobytes")]
    pub(super) fn seconds_for(&self, octets: usize) -> f64 {
        if self.estimator.is_told() { octets as f64 * 8.0 / self.estimator.estimate() } else { 0.0 }
    }

    /// Whether so many octets of retransmissions would come in time; if so they are taken off what others may take. `kept`: pictures are
    /// kept for so long that more does.
    pub(super) fn take_repairs(&mut self, since_epoch: Duration, octets: usize, kept: bool) -> bool {
        self.pacer.take_repairs(self.seconds(since_epoch), octets, kept)
    }

    /// The same of copies of pictures and of retransmissions.
    pub(super) fn take_copies(&mut self, since_epoch: Duration, octets: usize) -> bool {
        self.pacer.take_copies(self.seconds(since_epoch), octets)
    }

    /// Drop what waits of these streams. Returns how many packets.
    pub(super) fn drop_held(&mut self, ssrcs: [u32; 2]) -> usize {
        self.pacer.drop_where(|held| held.ssrc().is_some_and(|ssrc| ssrcs.contains(&ssrc)))
    }

    /// Drop what waits of a stream's pictures above a spatial layer. Returns the output numbers of that, ascending.
    pub(super) fn thin(&mut self, ssrc: u32, spatial: u8) -> Vec<i64> {
        let mut waiting: Vec<&mut Held> = self.pacer.pictures_mut().filter(|held| held.ssrc() == Some(ssrc)).collect();
        let useless = thin(&mut waiting, spatial);
        self.pacer.drop_where(|held| held.ssrc() == Some(ssrc) && useless.binary_search(&held.sequence()).is_ok());
        useless
    }

    /// Whether more waits than is gone in a moment: here, or in the link's queue.
    pub(super) fn is_behind(&self, since_epoch: Duration) -> bool {
        self.pacer.delay() > BEHIND || self.estimator.queue_ahead(self.seconds(since_epoch)) > BEHIND
    }

    /// Whether so many octets of a replay are there soon enough to be worth more than a fresh keyframe.
    pub(super) fn bears_replay(&self, octets: i64) -> bool {
        self.seconds_for(usize::try_from(octets).unwrap_or(0)) <= MAX_REPLAY
    }

    /// So long what is sent now is on its way, and then the request of who still misses it: one that comes sooner tells nothing. Retransmissions
    /// pass the pictures that wait here, but while they do those need the link more than what is most likely there.
    pub(super) fn answer_within(&self) -> Duration {
        let seconds = self.least_rtt + self.estimator.own_queue() + self.pacer.delay();
        Duration::try_from_secs_f64(seconds).unwrap_or_default().min(MAX_ANSWER)
    }

    /// Whether so much waits in its queue that what is lost is its own.
    pub(super) fn is_queued(&self) -> bool {
        self.estimator.standing_queue() > QUEUED
    }

    /// Packets dropped since this was last asked.
    pub(super) fn take_dropped(&mut self) -> u64 {
        self.pacer.take_dropped()
    }

    /// A copy of the packet of this number leaves.
    pub(super) fn copied(&mut self, since_epoch: Duration, number: u16, octets: usize) {
        self.octets.add(octets as u64);
        let now = self.seconds(since_epoch);
        self.pacer.on_sent(now, octets);
        self.estimator.on_copied(now, number);
    }

    /// Packets of padding that leave now.
    pub(super) fn due_padding(&mut self, since_epoch: Duration) -> usize {
        let now = self.seconds(since_epoch);
        // Behind pictures that wait a train would tell nothing, and it would only make the queue longer. What a policer drops of one
        // tells nothing either, and what passes is missing to the pictures.
        if self.pacer.is_waiting() || self.estimator.is_policed(now) {
            self.probes.pause();
            return 0;
        }
        self.probes.poll(now, self.estimator.estimate())
    }

    /// Returns what it tells as lost and is to be sent again unasked; `protected`: something is done against losses already.
    fn on_feedback(&mut self, since_epoch: Duration, feedback: &Feedback<'_>, protected: bool) -> Vec<Entry> {
        let origin = self.unroll(feedback.reference).saturating_mul(REFERENCE_UNIT);
        let reports = feedback.reports().map(|(number, ticks)| (number, ticks.map(|ticks| seconds(origin.saturating_add(ticks)))));
        self.estimator.on_feedback(self.seconds(since_epoch), reports);
        self.pace(since_epoch);
        if let Some(rtt) = self.estimator.rtt() {
            self.least_rtt = if self.least_rtt > 0.0 { rtt.min(self.least_rtt * FORGETTING) } else { rtt };
        }
        // What a full queue drops is asked for soon enough.
        if !protected && self.is_queued() {
            return Vec::new();
        }
        let heard = self.seconds(since_epoch) - self.estimator.began().unwrap_or(0.0);
        let guessed = protected && self.estimator.loss() < GUESSED_BELOW;
        let untold = self.untold(feedback).filter_map(|number| self.ledger.take(number).filter(|entry| guessed && entry.of.again));
        let untold: Vec<Entry> = untold.map(Entry::untold).collect();
        let lost = feedback.reports().filter(|(_, ticks)| ticks.is_none());
        let lost = lost.filter_map(|(number, _)| self.ledger.take(number));
        // Receivers drop what comes before they have made up their minds.
        lost.filter(|entry| protected || entry.ago(since_epoch).as_secs_f64() < heard).chain(untold).collect()
    }

    /// Numbers between what earlier reports told of and this one: a report that told of them was lost.
    fn untold(&mut self, feedback: &Feedback<'_>) -> impl Iterator<Item = u16> + use<> {
        let (base, end) = (feedback.base, feedback.base.wrapping_add(feedback.count));
        let missing = base.wrapping_sub(self.told_to.unwrap_or(base));
        // Receivers tell again what is told already, where something comes late.
        if self.told_to.is_none_or(|told_to| end.wrapping_sub(told_to) < HALF_OF_NUMBERS) {
            self.told_to = Some(end);
        }
        let missing = if missing < HALF_OF_NUMBERS { missing.min(KEPT) } else { 0 };
        (1..=missing).rev().map(move |back| base.wrapping_sub(back))
    }

    /// A reference time of 24 bits next to the last one; it wraps every 12 days.
    fn unroll(&mut self, reference: u32) -> i64 {
        let reference = i64::from(reference);
        let unrolled = self.reference.map_or(reference, |last| {
            let step = reference.wrapping_sub(last).wrapping_add(HALF_RANGE).rem_euclid(HALF_RANGE.wrapping_mul(2));
            last.wrapping_add(step).wrapping_sub(HALF_RANGE)
        });
        self.reference = Some(unrolled);
        unrolled
    }

    fn seconds(&self, since_epoch: Duration) -> f64 {
        since_epoch.saturating_sub(self.began).as_secs_f64()
    }

    #[expect(clippy::cast_possible_truncation, reason = "for people and policy seven digits are enough")]
    fn row(&self) -> LinkRow {
        let known = self.estimator.is_told();
        let or_nan = |value: f64| if known { value as f32 } else { f32::NAN };
        LinkRow {
            estimate_bps: or_nan(self.estimator.estimate()),
            rtt_ms: self.estimator.rtt().map_or(f32::NAN, |rtt| (rtt * 1000.0) as f32),
            queue_ms: or_nan(self.estimator.standing_queue() * 1000.0),
            // Known from the first report on, of sound alone too, which tells nothing of the link's rate.
            loss: self.estimator.rtt().map_or(f32::NAN, |_| self.estimator.loss() as f32),
            missed: self.estimator.rtt().map_or(f32::NAN, |_| self.estimator.missed() as f32),
            lost_run_ms: self.estimator.rtt().map_or(f32::NAN, |_| (self.estimator.lost_run() * 1000.0) as f32),
            octets: self.octets.get(),
            copied: 0,
            contended: self.estimator.is_contended(),
            pushed_aside: self.estimator.is_pushed_aside(),
            paced_octets: u32::try_from(self.pacer.octets()).unwrap_or(u32::MAX),
            paced_ms: (self.pacer.delay() * 1000.0) as f32,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "52 bits of ticks are 35,000 years")]
fn seconds(ticks: i64) -> f64 {
    ticks as f64 * TICK
}

impl Peer {
    /// What is known of its link.
    #[expect(clippy::cast_possible_truncation, reason = "for people and policy seven digits are enough")]
    pub(super) fn link_row(&self) -> LinkRow {
        let single = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        let by_reports =
            || LinkRow { estimate_bps: single(self.reports.estimate()), loss: single(self.reports.loss()), ..LinkRow::UNKNOWN };
        let row = self.link.as_ref().map_or_else(by_reports, |link| link.row());
        LinkRow { copied: self.copies.octets(), ..row }
    }

    /// Drop a bound that was told a while ago.
    pub(super) fn forget_bound(&mut self, now: Instant) {
        if self.bound_told.is_some_and(|told| now.saturating_duration_since(told) >= REMB_LIFETIME) {
            self.bound_told = None;
            self.reports.forget_bound();
        }
    }
}

impl Engine {
    /// Take in what a subscriber reports of its link.
    pub(super) fn receive_transport_feedback(&mut self, now: Instant, key: PeerKey, body: &[u8], out: &mut impl Output) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let protected = peer.copies.protection().repeats();
        let Some(link) = peer.link.as_deref_mut() else { return };
        let Ok(feedback) = Feedback::parse(body) else {
            self.counters.dropped_malformed.add(1);
            return;
        };
        self.counters.feedback_received.add(1);
        let worsened_at = link.estimator.worsened_at();
        let lost = link.on_feedback(self.clock.since_epoch(now), &feedback, protected);
        if link.estimator.worsened_at() > worsened_at {
            self.events.push_back(Event::Worsened { peer: peer.id });
        }
        self.send_again_unasked(now, key, &lost, out);
    }

    /// Take in a bound that a subscriber tells (draft-alvestrand-rmcat-remb-03).
    #[expect(clippy::cast_precision_loss, reason = "it has 18 bits of mantissa")]
    pub(super) fn receive_remb(&mut self, now: Instant, peer: PeerKey, bitrate: u64) {
        let octets = self.octets_to(peer);
        let seconds = self.clock.since_epoch(now).as_secs_f64();
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.bound_told = Some(now);
            peer.reports.on_bound(seconds, bitrate as f64, octets);
        }
    }

    /// Take in the losses of a stream, where that is all that is known of its subscriber's link. The stream that carries most
    /// tells for the link.
    pub(super) fn note_losses(&mut self, now: Instant, peer: PeerKey, sink: SinkKey) {
        let octets = self.octets_to(peer);
        let seconds = self.clock.since_epoch(now).as_secs_f64();
        let Some(sink) = self.sinks.get(sink).filter(|sink| sink.octets.get().saturating_mul(2) >= octets) else { return };
        if let Some(peer) = self.peers.get_mut(peer).filter(|peer| peer.link.is_none()) {
            peer.reports.on_report(seconds, sink.fraction_lost().into(), octets);
        }
    }

    /// Payload octets sent to a peer since the beginning.
    fn octets_to(&self, peer: PeerKey) -> u64 {
        let sinks = self.peers.get(peer).map(|peer| peer.sinks.as_slice()).unwrap_or_default();
        sinks.iter().filter_map(|&key| self.sinks.get(key)).map(|sink| sink.octets.get()).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_times_go_on_over_the_wrap_and_back() {
        let mut link = Link::new(PeerKey::default(), Duration::ZERO);
        let wrap = 1 << 24;
        assert_eq!(
            [0xFF_FFFE, 0xFF_FFFF, 1, 0xFF_FFFF, 2].map(|time| link.unroll(time)),
            [wrap - 2, wrap - 1, wrap + 1, wrap - 1, wrap + 2]
        );
    }
}
