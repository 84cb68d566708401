//! When a publisher's congestion control is not told of losses: they are random, repaired, and no queue grows.
//!
//! Browsers take loss for congestion: 10 % of it on a link with room to spare leave a third of the bitrate, 20 % a fiftieth. What
//! is lost at random and sent again at once harms nobody, so feedback may call it received. Congestion shows first by a queue, and
//! by loss beyond what repair is good for: then feedback tells all that is lost, as it does until repair has been seen to work.

use std::time::Duration;

use arrayvec::ArrayVec;

/// All thresholds.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The uplink's queue beyond which nothing is kept back. Jitter does not count, because the least delay of half a second
    /// does; sustained overload fills even a short queue beyond this, and clocks drift by 6 ms a minute at most.
    pub queue: Duration,
    /// Share of packets lost, smoothed, beyond which nothing is kept back: repeats that are lost too would then take more than
    /// half as much again, and a policer that drops what is too much shows by such loss alone.
    pub loss: f32,
    /// Least share of what was asked for again that must have come.
    pub repaired: f32,
    /// So many repairs must have been seen.
    pub evidence: f32,
    /// After congestion everything is told for so long, twice as long each time within `forget`.
    pub calm: Duration,
    /// The longest that `calm` gets.
    pub most_calm: Duration,
    /// Without congestion for so long `calm` is as at first.
    pub forget: Duration,
    /// A gap of more packets is no random loss, but an outage or a full queue: at 20 % a run of nine is one in two million.
    pub widest_gap: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            queue: Duration::from_millis(15),
            loss: 0.3,
            repaired: 0.8,
            evidence: 5.0,
            calm: Duration::from_secs(1),
            most_calm: Duration::from_secs(30),
            forget: Duration::from_secs(60),
            widest_gap: 8,
        }
    }
}

/// Streams whose delays are followed: microphone, camera and screen in three encodings each.
const MAX_STREAMS: usize = 7;

/// The least delay of two of these is the present one, and of two of those the delay of an empty queue.
const PRESENT: Duration = Duration::from_millis(250);
const EMPTY: Duration = Duration::from_secs(30);

/// Weight of the newest feedback's loss, which covers 50 ms, in the smoothed one: about a second.
const LOSS_WEIGHT: f32 = 0.05;

/// What is left of the evidence of repairs when another is added: about the last hundred count.
const EVIDENCE_KEPT: f32 = 0.99;

/// Microseconds.
type Micros = i64;

/// See the module. Times are since any fixed epoch, the same in all calls.
#[derive(Debug, Default)]
pub struct Leniency {
    config: Config,
    streams: ArrayVec<Transit, MAX_STREAMS>,
    /// Smoothed share of packets lost.
    loss: f32,
    repaired: f32,
    given_up: f32,
    /// When congestion was seen last, and how long everything is told behind it.
    congested: Option<(Duration, Duration)>,
}

/// How long a stream's packets take, but for an unknown constant.
#[derive(Debug)]
struct Transit {
    ssrc: u32,
    timestamp: u32,
    /// Since the first packet, by its sender's clock.
    media: Micros,
    present: LeastOf,
    empty: LeastOf,
}

/// The least value of the last one to two windows.
#[derive(Clone, Copy, Debug)]
struct LeastOf {
    began: Duration,
    now: Micros,
    before: Micros,
}

impl Leniency {
    /// Notes a packet that came on the stream itself.
    ///
    /// * `clock_rate`: of `timestamp`, Hz.
    pub fn on_packet(&mut self, ssrc: u32, timestamp: u32, clock_rate: u32, arrival: Duration) {
        let at = micros(arrival);
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) {
            return stream.on_packet(timestamp, clock_rate, arrival);
        }
        if self.streams.is_full() {
            self.streams.remove(0);
        }
        let least = LeastOf { began: arrival, now: at, before: at };
        self.streams.push(Transit { ssrc, timestamp, media: 0, present: least, empty: least });
    }

    /// Notes that a lost packet came again.
    pub fn on_repaired(&mut self) {
        self.repaired = self.repaired * EVIDENCE_KEPT + 1.0;
        self.given_up *= EVIDENCE_KEPT;
    }

    /// Notes that so many will not come.
    pub fn on_given_up(&mut self, packets: usize) {
        for _ in 0..packets.min(1000) {
            self.given_up = self.given_up * EVIDENCE_KEPT + 1.0;
            self.repaired *= EVIDENCE_KEPT;
        }
    }

    /// How wide gaps may be that are told as received: 0 where everything is to be told.
    ///
    /// * `received`, `missing`: packets that the feedback is about.
    pub fn widest_gap(&mut self, now: Duration, received: u64, missing: u64) -> u16 {
        let config = self.config;
        let all = received.saturating_add(missing);
        if all > 0 {
            let share = ratio(missing, all);
            self.loss += LOSS_WEIGHT * (share - self.loss);
        }
        if self.loss > config.loss || self.queue(now) > micros(config.queue) {
            self.note_congestion(now);
        }
        let calm = self.congested.is_none_or(|(at, calm)| now.saturating_sub(at) >= calm);
        let repairs = self.repaired + self.given_up;
        let works = self.repaired >= config.evidence && self.repaired >= config.repaired * repairs;
        if calm && works { config.widest_gap } else { 0 }
    }

    /// What waits in the uplink's queue now: the least of all streams, because a browser holds video back by itself.
    fn queue(&self, now: Duration) -> Micros {
        // A stream that has been silent for two windows says nothing of now.
        let speaks = |stream: &&Transit| now.saturating_sub(stream.present.began) < PRESENT.saturating_mul(2);
        let queues = self.streams.iter().filter(speaks).map(|stream| stream.present.least().saturating_sub(stream.empty.least()));
        queues.min().unwrap_or(0)
    }

    fn note_congestion(&mut self, now: Duration) {
        let config = self.config;
        let calm = match self.congested {
            // Still the same.
            Some((at, calm)) if now.saturating_sub(at) < calm => calm,
            Some((at, calm)) if now.saturating_sub(at) < config.forget => calm.saturating_mul(2).min(config.most_calm),
            _ => config.calm,
        };
        self.congested = Some((now, calm));
    }
}

impl Transit {
    fn on_packet(&mut self, timestamp: u32, clock_rate: u32, arrival: Duration) {
        let step = i64::from(timestamp.wrapping_sub(self.timestamp).cast_signed());
        let passed = step.saturating_mul(1_000_000).checked_div(i64::from(clock_rate)).unwrap_or(0);
        self.timestamp = timestamp;
        self.media = self.media.saturating_add(passed);
        let transit = micros(arrival).saturating_sub(self.media);
        self.present.add(transit, arrival, PRESENT);
        self.empty.add(transit, arrival, EMPTY);
    }
}

impl LeastOf {
    fn add(&mut self, value: Micros, at: Duration, window: Duration) {
        if at.saturating_sub(self.began) >= window {
            *self = Self { began: at, now: value, before: self.now };
        }
        self.now = self.now.min(value);
    }

    fn least(&self) -> Micros {
        self.now.min(self.before)
    }
}

fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "packets of one feedback message")]
fn ratio(part: u64, all: u64) -> f32 {
    part as f32 / all as f32
}

#[cfg(test)]
#[path = "leniency_tests.rs"]
mod tests;
