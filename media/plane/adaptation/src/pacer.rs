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
const FULL: f64 = crate::config::LONGEST_QUEUE;
/// What is told beside others' packets, or for long, is not longer.
const LONG: f64 = crate::config::VERY_LONG_QUEUE;
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
/// The same where pictures are kept for long: as much as half a second of the largest ones, which one burst of losses may take.
const MOST_OF_KEPT: f64 = 1_200_000.0;
/// Share of the estimate for copies of retransmissions and of pictures, as many at once: none of the other, because a burst asks for many
/// of both.
const COPIES: f64 = 0.25;
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
    repairs: Allowance,
    copies: Allowance,
    /// When the link has drained what was sent, at that rate.
    free_at: f64,
    dropped: u64,
}

/// Bits that may still be taken of the link for something, and since when that is so.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: f64,
    at: f64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: f64::INFINITY, at: 0.0 }
    }
}

impl Allowance {
    /// Take so many bits if they fit, of such a share of the estimate, of which there are at most so many at once.
    fn take(&mut self, now: f64, (share, most): (f64, f64), estimate: f64, bits: f64) -> bool {
        let gained = (now - self.at).max(0.0) * estimate * share;
        self.left = (self.left + gained).min((estimate * REPAIRS_AT_ONCE).min(most));
        self.at = now;
        let fits = bits <= self.left;
        self.left -= if fits { bits } else { 0.0 };
        fits
    }
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
            repairs: Allowance::default(),
            copies: Allowance::default(),
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
    /// keyframe is there sooner. `kept`: pictures are kept so long before they are shown that more comes in time.
    pub fn take_repairs(&mut self, now: f64, octets: usize, kept: bool) -> bool {
        let most = if kept { MOST_OF_KEPT } else { MOST_REPAIRS };
        self.rate.is_none() || self.repairs.take(now, (REPAIRS, most), self.estimate, bits(octets))
    }

    /// The same of copies of pictures and of retransmissions, which have a share of their own: what a policer drops would be sent ten
    /// times over, which hides that it is one.
    pub fn take_copies(&mut self, now: f64, octets: usize) -> bool {
        self.rate.is_none() || self.copies.take(now, (COPIES, MOST_REPAIRS), self.estimate, bits(octets))
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

    /// The pictures that wait, the oldest first; their sizes must stay.
    pub fn pictures_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.video.iter_mut().map(|waiting| &mut waiting.packet)
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
#[path = "pacer_tests.rs"]
mod tests;
