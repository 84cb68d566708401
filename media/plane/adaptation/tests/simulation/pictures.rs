//! What a viewer sees: pictures of the base layer in their order, each when all of it is there.

use std::collections::VecDeque;

/// Base pictures are 133 ms apart; libwebrtc calls it a freeze where another 150 ms pass, and evens out a little.
const FREEZE: f64 = 0.35;
/// A decoder that misses something for so long asks for a keyframe.
const STUCK: f64 = 1.0;

#[derive(Default)]
pub struct Pictures {
    /// Those of the base layer that were not shown yet: number, and packets that are missing.
    waiting: VecDeque<(u64, usize)>,
    last: Option<f64>,
    /// Freezes are counted from then on, s.
    pub from: f64,
    /// Time in which the picture stood still, s.
    pub frozen: f64,
    /// When one was shown last, and the longest time without one, s: pauses count.
    shown: f64,
    longest: f64,
}

impl Pictures {
    /// A picture of the base layer leaves, in so many packets; before a keyframe nothing is of use any more.
    pub fn on_sent(&mut self, picture: u64, packets: usize, is_key: bool) {
        if is_key {
            self.waiting.clear();
        }
        self.waiting.push_back((picture, packets));
    }

    /// A packet of it arrives.
    pub fn on_arrival(&mut self, now: f64, picture: u64) {
        for (_, missing) in self.waiting.iter_mut().filter(|(number, _)| *number == picture) {
            *missing = missing.saturating_sub(1);
        }
        while self.waiting.front().is_some_and(|(_, missing)| *missing == 0) {
            self.waiting.pop_front();
            self.longest = self.longest_gap(now);
            self.shown = now;
            let gap = self.last.replace(now).map_or(0.0, |last| now - last);
            self.frozen += if gap > FREEZE && now > self.from { gap } else { 0.0 };
        }
    }

    /// No picture is sent for now: that is no freeze.
    pub fn pause(&mut self) {
        self.waiting.clear();
        self.last = None;
    }

    /// The longest time until now in which none was shown, s.
    pub fn longest_gap(&self, now: f64) -> f64 {
        self.longest.max(now - self.shown)
    }

    pub fn is_stuck(&self, now: f64) -> bool {
        self.last.is_some_and(|last| now - last > STUCK)
    }
}
