//! One direction of a link.

use std::collections::VecDeque;

/// Seconds of the queue.
const QUEUE: f64 = 0.3;
/// Octets of IPv4 and UDP.
const HEADERS: usize = 28;

/// What is lost.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    /// Each packet by itself, with this probability.
    Single(f64),
    /// A fifth of the time everything, 0.1 s at a time on average.
    Bursts,
}

pub struct Way {
    pub loss: Option<Loss>,
    rate: f64,
    delay: f64,
    random: fastrand::Rng,
    /// When its queue is empty.
    free: f64,
    /// The last burst: from, until.
    burst: (f64, f64),
    under_way: VecDeque<(f64, Vec<u8>)>,
}

impl Way {
    /// One that loses nothing yet. `rate`: bit/s; `delay`: seconds.
    pub fn new(rate: f64, delay: f64, seed: u64) -> Self {
        Self { loss: None, rate, delay, random: fastrand::Rng::with_seed(seed), free: 0.0, burst: (0.0, 0.0), under_way: VecDeque::new() }
    }

    pub fn send(&mut self, now: f64, datagram: Vec<u8>) {
        let begins = self.free.max(now);
        if begins - now > QUEUE {
            return;
        }
        self.free = begins + ((datagram.len() + HEADERS) * 8) as f64 / self.rate;
        if !self.loses(self.free) {
            self.under_way.push_back((self.free + self.delay, datagram));
        }
    }

    /// What has arrived by now, and when.
    pub fn arrived(&mut self, now: f64) -> Option<(f64, Vec<u8>)> {
        self.under_way.front().filter(|(at, _)| *at <= now)?;
        self.under_way.pop_front()
    }

    fn loses(&mut self, at: f64) -> bool {
        match self.loss {
            None => false,
            Some(Loss::Single(share)) => self.random.f64() < share,
            Some(Loss::Bursts) => {
                while at >= self.burst.1 {
                    let from = self.burst.1 + 0.4 * self.exponential();
                    self.burst = (from, from + 0.1 * self.exponential());
                }
                at >= self.burst.0
            }
        }
    }

    /// With mean 1.
    fn exponential(&mut self) -> f64 {
        -(1.0 - self.random.f64()).ln()
    }
}
