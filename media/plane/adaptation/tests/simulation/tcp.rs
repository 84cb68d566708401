//! A long TCP connection: windows, acknowledgements, halving on loss (RFC 5681), with CUBIC's factor of 0.7 (RFC 9438).

use std::collections::VecDeque;

pub struct Tcp {
    pub flow: usize,
    window: f64,
    threshold: f64,
    in_flight: VecDeque<(f64, u16)>,
    next: u16,
    acks: VecDeque<(f64, u16)>,
    back: f64,
    recover_until: f64,
    rtt: f64,
    pub delivered: f64,
    pub start: f64,
}

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
        }
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
            let mut lost = false;
            while let Some(&(sent, first)) = self.in_flight.front() {
                if (first.wrapping_sub(sequence) as i16) > 0 {
                    break;
                }
                self.in_flight.pop_front();
                if first == sequence {
                    self.rtt = now - sent;
                } else {
                    lost = true;
                }
            }
            self.delivered += SEGMENT;
            if lost && now > self.recover_until {
                self.window = (self.window * 0.7).max(2.0);
                self.threshold = self.window;
                self.recover_until = now + self.rtt;
            } else if self.window < self.threshold {
                self.window += 1.0;
            } else {
                self.window += 1.0 / self.window;
            }
        }
        if self.in_flight.front().is_some_and(|(at, _)| now - at > 1.5) {
            self.in_flight.clear();
            self.window = 2.0;
        }
        let mut out = Vec::new();
        while (self.in_flight.len() as f64) < self.window {
            self.in_flight.push_back((now, self.next));
            out.push(self.next);
            self.next = self.next.wrapping_add(1);
        }
        out
    }
}
