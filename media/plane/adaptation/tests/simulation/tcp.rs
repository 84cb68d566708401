//! TCP connections, long ones and short ones with pauses between: windows, acknowledgements, a cut on loss (RFC 5681).

use std::collections::VecDeque;

use super::Random;

pub struct Tcp {
    pub flow: usize,
    pub window: f64,
    pub threshold: f64,
    pub in_flight: VecDeque<(f64, u16)>,
    pub next: u16,
    pub acks: VecDeque<(f64, u16)>,
    pub back: f64,
    pub recover_until: f64,
    pub rtt: f64,
    pub delivered: f64,
    pub start: f64,
    /// Kept on a loss: CUBIC's factor (RFC 9438), or NewReno's half.
    pub kept: f64,
    /// Octets that are left to send of a short one.
    pub left: f64,
    pub short: Option<Random>,
}

/// What a short one sends, octets, and the mean of the pauses between, s.
const SHORT: (f64, f64) = (100_000.0, 1_000_000.0);
const PAUSE: f64 = 10.0;

pub const SEGMENT: f64 = 1500.0;

impl Tcp {
    pub fn new(flow: usize, back: f64) -> Self {
        Self {
            flow,
            window: 10.0,
            threshold: f64::INFINITY,
            in_flight: VecDeque::new(),
            next: 0,
            acks: VecDeque::new(),
            back,
            recover_until: 0.0,
            rtt: 0.2,
            delivered: 0.0,
            start: 0.0,
            kept: 0.7,
            left: f64::INFINITY,
            short: None,
        }
    }

    /// As the test link's: NewReno.
    pub fn new_reno(flow: usize, back: f64) -> Self {
        Self { kept: 0.5, ..Self::new(flow, back) }
    }

    /// One of 100 kB to 1 MB, again and again behind pauses.
    pub fn short(flow: usize, back: f64, seed: u64) -> Self {
        let mut tcp = Self { short: Some(Random(seed)), ..Self::new_reno(flow, back) };
        tcp.begin(0.0);
        tcp
    }

    fn begin(&mut self, now: f64) {
        let Some(random) = &mut self.short else { return };
        self.start = now - PAUSE * (1.0 - random.next()).ln();
        self.left = SHORT.0 + (SHORT.1 - SHORT.0) * random.next();
        (self.window, self.threshold) = (10.0, f64::INFINITY);
    }

    pub fn on_arrival(&mut self, arrived: f64, sequence: u16) {
        self.acks.push_back((arrived + self.back, sequence));
    }

    pub fn poll(&mut self, now: f64) -> Vec<u16> {
        if now < self.start {
            return Vec::new();
        }
        while self.acks.front().is_some_and(|(at, _)| *at <= now) {
            let (_, sequence) = self.acks.pop_front().unwrap();
            let mut lost = 0.0;
            while let Some(&(sent, first)) = self.in_flight.front() {
                if (first.wrapping_sub(sequence) as i16) > 0 {
                    break;
                }
                self.in_flight.pop_front();
                if first == sequence {
                    self.rtt = now - sent;
                } else {
                    lost += SEGMENT;
                }
            }
            self.delivered += SEGMENT;
            self.left += lost;
            if lost > 0.0 && now > self.recover_until {
                self.window = (self.window * self.kept).max(2.0);
                self.threshold = self.window;
                self.recover_until = now + self.rtt;
            } else if self.window < self.threshold {
                self.window += 1.0;
            } else {
                self.window += 1.0 / self.window;
            }
        }
        if self.in_flight.front().is_some_and(|(at, _)| now - at > 1.5) {
            self.left += SEGMENT * self.in_flight.len() as f64;
            self.in_flight.clear();
            self.window = 2.0;
        }
        let mut out = Vec::new();
        if self.left <= 0.0 && self.in_flight.is_empty() {
            self.begin(now);
            return out;
        }
        while (self.in_flight.len() as f64) < self.window && self.left > 0.0 {
            self.left -= SEGMENT;
            self.in_flight.push_back((now, self.next));
            out.push(self.next);
            self.next = self.next.wrapping_add(1);
        }
        out
    }
}
