//! When packets to one subscriber leave: what its link drains within a few milliseconds goes straight out, the rest waits its turn.
//!
//! Sound never waits. Retransmissions go before pictures. Padding that probes a link is spaced by itself and is of no use behind
//! anything that waits, so it never does: [`Pacer::is_waiting`] tells not to send it.

use std::collections::VecDeque;

/// Rate at which is sent, over the estimate: pictures that are larger than the average must not pile up.
const FACTOR: f64 = 1.25;
/// The same where more waits than so many seconds of the estimate: a keyframe keeps the link busy that long anyway, and is not there
/// sooner for standing in the link's queue, where sound waits behind it.
const LARGE: (f64, f64) = (0.1, 1.05);
/// The same where the link's queue is long: it drains meanwhile, because sound waits in it and what does not fit into it is lost.
const DRAINING: f64 = 0.3;
/// From this queue, seconds, on less is sent, and from that one on so much.
const QUEUE: (f64, f64) = (0.04, 0.15);
/// The same where the queue is as long as queues are: it holds up everything, and drops what comes next.
const STANDING_STILL: f64 = 0.1;
/// From this queue on; between the two begins at `LONG`.
const FULL: f64 = 0.3;
/// What is told beside others' packets, or for long, is not longer.
const LONG: f64 = 0.2;
/// What the link drains in so many seconds leaves at once: a fifth of the time between two pictures.
const WINDOW: f64 = 0.006;
/// What waited leaves in bursts of so many seconds.
const BURST: f64 = 0.004;
/// Packets of a burst at least: neighbours tell the link's rate by how far apart they arrive.
const MIN_PACKETS: usize = 2;
/// Everything that waits is to leave within about so many seconds: a keyframe that is far too large for the link has to come through
/// too, or the picture would never begin.
const DRAIN: f64 = 0.5;
/// But not at more than so many times the usual rate where the link is known to carry more than `LEAST`: what it drops instead
/// comes later still.
const HASTE: f64 = 1.2;
/// Bit/s below which an estimate may be wrong because next to nothing was sent.
const LEAST: f64 = 400_000.0;
/// Share of the estimate that retransmissions may take, because new pictures need the rest, and how many seconds of it at once.
const REPAIRS: f64 = 0.5;
const REPAIRS_AT_ONCE: f64 = 0.25;
/// And at most so many bits at once: several keyframes' worth, so that one is there sooner.
const MOST_REPAIRS: f64 = 600_000.0;
/// What was sent holds up what waits for so many seconds at most: sound leaves always, and at the least rate it would take all of the
/// link, for longer the longer that rate lasted.
const MOST_AHEAD: f64 = 0.5;
/// What is late by then leaves within so many seconds.
const LEAST_DRAIN: f64 = 0.1;
/// Older pictures are dropped.
const MAX_AGE: f64 = 1.2;
/// Older retransmissions are dropped. Not much sooner than pictures: while they wait nobody is answered again, and Chromium has been
/// seen not to ask again for three seconds.
const MAX_RETRANSMISSION_AGE: f64 = 1.0;
/// Octets that wait at most, beyond which the oldest pictures are dropped: a keyframe of 1080p takes 200 kB.
const MAX_OCTETS: usize = 400_000;

/// What a packet is, in order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Leaves at once, always.
    Audio,
    /// Somebody waits for it.
    Retransmission,
    /// Pictures, and what protects them.
    Video,
}

/// Packets that wait, as `T`.
#[derive(Clone, Debug)]
pub struct Pacer<T> {
    retransmissions: VecDeque<Waiting<T>>,
    video: VecDeque<Waiting<T>>,
    octets: usize,
    /// Bit/s; `None`: nothing is known of the link, and nothing waits.
    rate: Option<f64>,
    estimate: f64,
    /// Bits that retransmissions may still take, and since when that is so.
    repairs: f64,
    repairs_at: f64,
    /// When the link has drained what was sent, at that rate.
    free_at: f64,
    dropped: u64,
}

#[derive(Clone, Debug)]
struct Waiting<T> {
    since: f64,
    octets: usize,
    packet: T,
}

impl<T> Default for Pacer<T> {
    fn default() -> Self {
        Self {
            retransmissions: VecDeque::new(),
            video: VecDeque::new(),
            octets: 0,
            rate: None,
            estimate: 0.0,
            repairs: f64::INFINITY,
            repairs_at: 0.0,
            free_at: 0.0,
            dropped: 0,
        }
    }
}

impl<T> Pacer<T> {
    /// The link is believed to carry so many bit/s, and packets wait in its queue for at least so many seconds.
    pub fn set_link(&mut self, now: f64, estimate: f64, queue: f64) {
        let (short, long) = QUEUE;
        let share = |from: f64, to: f64| ((queue - from) / (to - from)).clamp(0.0, 1.0);
        let factor = FACTOR + share(short, long) * (DRAINING - FACTOR) + share(LONG, FULL) * (STANDING_STILL - DRAINING);
        let rate = estimate * factor;
        // What was sent is drained sooner, or later, than it seemed.
        let ahead = (self.free_at - now).max(0.0) * self.rate.map_or(1.0, |before| before / rate.max(1.0));
        self.free_at = self.free_at.min(now) + ahead.min(MOST_AHEAD);
        self.rate = Some(rate);
        self.estimate = estimate;
    }

    /// Whether so many octets of retransmissions would come in time; if so they are taken off what others may take. If not, a
    /// keyframe is there sooner.
    pub fn take_repairs(&mut self, now: f64, octets: usize) -> bool {
        if self.rate.is_none() {
            return true;
        }
        let gained = (now - self.repairs_at).max(0.0) * self.estimate * REPAIRS;
        self.repairs = (self.repairs + gained).min((self.estimate * REPAIRS_AT_ONCE).min(MOST_REPAIRS));
        self.repairs_at = now;
        let fits = bits(octets) <= self.repairs;
        self.repairs -= if fits { bits(octets) } else { 0.0 };
        fits
    }

    /// Drop what waits but is of no use any more, and what waits behind it of the same kind keeps its order. Returns how many.
    pub fn drop_where(&mut self, useless: impl Fn(&T) -> bool) -> usize {
        let before = self.retransmissions.len().saturating_add(self.video.len());
        self.retransmissions.retain(|waiting| !useless(&waiting.packet));
        self.video.retain(|waiting| !useless(&waiting.packet));
        self.octets = self.retransmissions.iter().chain(&self.video).fold(0, |octets, waiting| octets.saturating_add(waiting.octets));
        let dropped = before.saturating_sub(self.retransmissions.len().saturating_add(self.video.len()));
        self.dropped = self.dropped.saturating_add(dropped as u64);
        dropped
    }

    /// How many of the next `packets`, of `octets` each, may leave at once. The others have to be held.
    #[must_use]
    pub fn passing(&self, now: f64, class: Class, packets: usize, octets: usize) -> usize {
        let Some(rate) = self.rate.filter(|_| class != Class::Audio) else { return packets };
        if self.is_waiting() {
            return 0;
        }
        let ahead = (self.free_at - now).max(0.0);
        let each = bits(octets) / rate.max(1.0);
        let mut fitting = if ahead > 0.0 { 0 } else { MIN_PACKETS };
        let mut end = ahead + bits(octets.saturating_mul(fitting)) / rate.max(1.0) + each;
        while fitting < packets && end <= WINDOW {
            fitting = fitting.saturating_add(1);
            end += each;
        }
        fitting.min(packets)
    }

    /// A packet leaves.
    pub fn on_sent(&mut self, now: f64, octets: usize) {
        if let Some(rate) = self.present_rate(now) {
            // A timer that is a little late loses nothing.
            self.free_at = (self.free_at.max(now - BURST) + bits(octets) / rate).min(now + MOST_AHEAD);
        }
    }

    /// Keep a packet until its turn comes.
    pub fn hold(&mut self, now: f64, class: Class, octets: usize, packet: T) {
        self.octets = self.octets.saturating_add(octets);
        let waiting = Waiting { since: now, octets, packet };
        if class == Class::Retransmission {
            self.retransmissions.push_back(waiting)
        } else {
            self.video.push_back(waiting)
        }
        while self.octets > MAX_OCTETS {
            let oldest = self.video.pop_front().or_else(|| self.retransmissions.pop_front());
            let Some(oldest) = oldest else { return };
            self.drop_one(&oldest);
        }
    }

    /// Packets whose turn has come, the most urgent first; none when it is not time yet.
    pub fn take_burst(&mut self, now: f64) -> Vec<T> {
        self.drop_old(now);
        let Some(rate) = self.present_rate(now).filter(|_| self.free_at <= now) else { return Vec::new() };
        let (mut burst, mut octets) = (Vec::new(), 0_usize);
        while burst.len() < MIN_PACKETS || bits(octets) < rate * BURST {
            let Some(next) = self.retransmissions.pop_front().or_else(|| self.video.pop_front()) else { break };
            self.octets = self.octets.saturating_sub(next.octets);
            octets = octets.saturating_add(next.octets);
            burst.push(next.packet);
        }
        burst
    }

    /// When the next burst may leave, if anything waits.
    #[must_use]
    pub fn due(&self) -> Option<f64> {
        self.is_waiting().then_some(self.free_at)
    }

    /// Whether anything waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !(self.retransmissions.is_empty() && self.video.is_empty())
    }

    /// Octets that wait.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }

    /// Seconds until what waits has left.
    #[must_use]
    pub fn delay(&self) -> f64 {
        self.rate.map_or(0.0, |rate| (bits(self.octets) / rate.max(1.0)).min(MAX_AGE))
    }

    /// Packets dropped since this was last asked: older than they are of use for, or more than may wait.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// The usual rate, or less where much waits, or more where the oldest packet would have to wait too long.
    fn present_rate(&self, now: f64) -> Option<f64> {
        let oldest = self.video.front().or(self.retransmissions.front()).map_or(now, |oldest| oldest.since);
        let left = (DRAIN - (now - oldest)).max(LEAST_DRAIN);
        let waiting = bits(self.octets);
        let (large, factor) = LARGE;
        self.rate.map(|rate| {
            let draining = rate < self.estimate;
            let most = (rate * HASTE).max(if draining { 0.0 } else { LEAST });
            let usual = if waiting > large * self.estimate { rate.min(self.estimate * factor) } else { rate };
            usual.max((waiting / left).min(most)).max(1.0)
        })
    }

    fn drop_old(&mut self, now: f64) {
        while let Some(old) = pop_older(&mut self.retransmissions, now - MAX_RETRANSMISSION_AGE) {
            self.drop_one(&old);
        }
        while let Some(old) = pop_older(&mut self.video, now - MAX_AGE) {
            self.drop_one(&old);
        }
    }

    fn drop_one(&mut self, packet: &Waiting<T>) {
        self.octets = self.octets.saturating_sub(packet.octets);
        self.dropped = self.dropped.saturating_add(1);
    }
}

fn pop_older<T>(waiting: &mut VecDeque<Waiting<T>>, horizon: f64) -> Option<Waiting<T>> {
    waiting.front().is_some_and(|first| first.since < horizon).then(|| waiting.pop_front()).flatten()
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred kilobytes at most")]
fn bits(octets: usize) -> f64 {
    octets as f64 * 8.0
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "test code")]
mod tests {
    use super::*;

    /// A pacer that knows of 800 kbit/s: it sends a packet of 1000 octets in 8 ms.
    fn pacer() -> Pacer<u32> {
        let mut pacer = Pacer::default();
        pacer.set_link(0.0, 800_000.0, 0.0);
        pacer
    }

    /// Everything that leaves until `end`, a millisecond a step: (millisecond, packet).
    fn drain(pacer: &mut Pacer<u32>, end: u32) -> Vec<(u32, u32)> {
        let mut left = Vec::new();
        for ms in 0..end {
            let now = f64::from(ms) / 1000.0;
            for packet in pacer.take_burst(now) {
                pacer.on_sent(now, 1000);
                left.push((ms, packet));
            }
        }
        left
    }

    #[test]
    fn nothing_waits_where_nothing_is_known_or_the_link_is_ample() {
        let unknown = Pacer::<u32>::default();
        assert_eq!(unknown.passing(0.0, Class::Video, 64, 1200), 64);
        let mut ample = Pacer::<u32>::default();
        ample.set_link(0.0, 10e6, 0.0);
        assert_eq!(ample.passing(0.0, Class::Video, 7, 1200), 7, "9 kB in 6 ms");
        assert_eq!(ample.passing(0.0, Class::Video, 64, 1200), 7);
    }

    #[test]
    fn a_keyframe_is_spread_in_bursts_that_keep_their_order() {
        let mut pacer = pacer();
        assert_eq!(pacer.passing(0.0, Class::Video, 20, 1000), MIN_PACKETS);
        for packet in 0..20 {
            pacer.hold(0.0, Class::Video, 1000, packet);
        }
        let left = drain(&mut pacer, 400);
        let order: Vec<u32> = left.iter().map(|(_, packet)| *packet).collect();
        assert_eq!(order, (0..20).collect::<Vec<_>>());
        // 19 ms for each burst of two, and 16 where little is left.
        let (last, _) = left[19];
        assert!((155..=180).contains(&last), "{left:?}");
        assert!(left.windows(2).all(|pair| pair[0].0 == pair[1].0 || pair[1].0 - pair[0].0 >= 10), "{left:?}");
    }

    #[test]
    fn what_keeps_the_link_busy_for_long_does_not_pile_up_in_its_queue() {
        let mut pacer = Pacer::default();
        pacer.set_link(0.0, 800_000.0, 0.0);
        (0..40).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        let left = drain(&mut pacer, 1000);
        // What stands in the queue of a link of 800 kbit/s, ms.
        let queue = |sent: usize, ms: u32| sent as f64 * 10.0 - f64::from(ms);
        let longest = left.iter().enumerate().map(|(sent, (ms, _))| queue(sent + 1, *ms)).fold(0.0, f64::max);
        assert!(left.len() == 40 && longest <= 60.0, "{longest} {left:?}");
    }

    #[test]
    fn a_link_that_turns_out_to_be_faster_is_used_at_once() {
        let mut pacer = pacer();
        pacer.set_link(0.0, 800_000.0, FULL);
        pacer.on_sent(0.0, 1000);
        (0..2).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        assert!(pacer.due().is_some_and(|due| due > 0.09), "{:?}", pacer.due());
        pacer.set_link(0.01, 800_000.0, 0.0);
        assert!(pacer.due().is_some_and(|due| due < 0.02), "{:?}", pacer.due());
    }

    #[test]
    fn sound_never_waits_and_retransmissions_go_before_pictures() {
        let mut pacer = pacer();
        (0..4).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        pacer.hold(0.0, Class::Retransmission, 1000, 100);
        assert_eq!(pacer.passing(0.0, Class::Audio, 1, 140), 1);
        assert_eq!(pacer.passing(0.0, Class::Retransmission, 1, 1000), 0, "behind those that wait");
        assert_eq!(drain(&mut pacer, 100).first().map(|(_, packet)| *packet), Some(100));
    }

    #[test]
    fn what_is_too_much_or_too_old_is_dropped_and_counted() {
        let mut pacer = pacer();
        (0..500).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        assert_eq!((pacer.octets(), pacer.take_dropped()), (400_000, 100));
        assert!(pacer.take_burst(2.0).is_empty() && !pacer.is_waiting());
        assert_eq!((pacer.octets(), pacer.take_dropped()), (0, 400));
    }

    #[test]
    fn whatever_waits_leaves_in_time_on_the_slowest_link() {
        let mut pacer = Pacer::default();
        pacer.set_link(0.0, 40_000.0, 0.0);
        (0..40).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        let left = drain(&mut pacer, 900);
        assert!(left.len() == 40 && pacer.take_dropped() == 0, "{left:?}");
        assert!(!pacer.is_waiting());
    }

    #[test]
    fn a_long_queue_drains_because_less_is_sent() {
        let left_within = |queue: f64| {
            let mut pacer = pacer();
            pacer.set_link(0.0, 800_000.0, queue);
            (0..10).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
            drain(&mut pacer, 1000).last().map(|(ms, _)| *ms)
        };
        assert!(left_within(0.0).is_some_and(|ms| ms <= 80), "10 kB at 1 Mbit/s");
        assert!(left_within(0.3).is_some_and(|ms| ms >= 110), "at 0.48 to 0.58 Mbit/s");
    }

    #[test]
    fn repairs_take_a_part_of_the_link_and_no_more() {
        let mut pacer = pacer();
        assert!(pacer.take_repairs(0.0, 20_000), "a quarter of a second of 800 kbit/s is 25 kB");
        assert!(!pacer.take_repairs(0.0, 20_000));
        assert!(pacer.take_repairs(0.0, 5_000), "what did not fit took nothing");
        assert!(pacer.take_repairs(0.1, 4_000) && !pacer.take_repairs(0.1, 4_000), "50 kB a second");
    }

    #[test]
    fn what_is_of_no_use_leaves_the_rest_in_order() {
        let mut pacer = pacer();
        (0..6).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        assert_eq!((pacer.drop_where(|packet| packet % 2 == 0), pacer.octets(), pacer.take_dropped()), (3, 3000, 3));
        assert_eq!(drain(&mut pacer, 100).iter().map(|(_, packet)| *packet).collect::<Vec<_>>(), [1, 3, 5]);
    }

    #[test]
    fn a_retransmission_outlasts_a_queue_that_has_to_drain() {
        let mut pacer = pacer();
        pacer.set_link(0.0, 800_000.0, FULL);
        pacer.hold(0.0, Class::Retransmission, 1000, 1);
        pacer.on_sent(0.0, 6_000);
        assert!(pacer.take_burst(0.4).is_empty(), "the link's queue first");
        pacer.set_link(0.4, 800_000.0, 0.0);
        let left = pacer.due().map(|due| pacer.take_burst(due));
        assert_eq!((left, pacer.take_dropped()), (Some(vec![1]), 0));
    }

    #[test]
    fn next_to_nothing_is_sent_into_a_queue_that_is_full() {
        let mut pacer = pacer();
        pacer.set_link(0.0, 800_000.0, FULL);
        (0..10).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        assert!(drain(&mut pacer, 150).len() <= 2 * MIN_PACKETS, "at 80 to 96 kbit/s");
    }

    #[test]
    fn sound_beside_a_full_queue_holds_up_nothing_behind_it() {
        let mut pacer = pacer();
        pacer.set_link(0.0, 40_000.0, FULL);
        // 56 kbit/s of sound, of which 4 would be drained in that time.
        (0..50).for_each(|packet| pacer.on_sent(f64::from(packet) * 0.02, 140));
        pacer.set_link(1.0, 500_000.0, 0.0);
        pacer.hold(1.0, Class::Video, 1000, 1);
        assert_eq!(pacer.due().map(|due| due <= 1.02), Some(true), "{:?}", pacer.due());
    }
}
