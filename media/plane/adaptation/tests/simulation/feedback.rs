//! Transport-wide feedback of one viewer's receiver, and its way back.

use std::collections::VecDeque;

/// Unit of the arrival times, s (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.5).
const UNIT: f64 = 0.000_25;

/// Packets and when each arrived, s; `None`: it did not.
pub type Report = Vec<(u16, Option<f64>)>;

pub struct Feedback {
    /// One-way delay of the reports, s.
    pub back: f64,
    /// Between two reports, s.
    pub interval: f64,
    next: f64,
    arrivals: Vec<(u16, f64)>,
    highest: Option<u16>,
    reported: Option<u16>,
    on_the_way: VecDeque<(f64, Report)>,
}

impl Feedback {
    pub fn new(back: f64) -> Self {
        Self { back, interval: 0.1, next: 0.0, arrivals: Vec::new(), highest: None, reported: None, on_the_way: VecDeque::new() }
    }

    pub fn on_arrival(&mut self, arrived: f64, sequence: u16) {
        self.arrivals.push((sequence, (arrived / UNIT).floor() * UNIT));
        if self.highest.is_none_or(|highest| sequence.wrapping_sub(highest) < 0x8000) {
            self.highest = Some(sequence);
        }
    }

    /// Send a report if it is time.
    pub fn poll(&mut self, now: f64) {
        if now < self.next {
            return;
        }
        self.next = now + self.interval;
        let Some(highest) = self.highest.filter(|_| !self.arrivals.is_empty()) else { return };
        let next = self.reported.map_or(0, |reported| reported.wrapping_add(1));
        // A copy may come after later packets were reported.
        let late = self.arrivals.iter().map(|(sequence, _)| next.wrapping_sub(*sequence)).filter(|late| *late < 0x8000).max();
        let first = next.wrapping_sub(late.unwrap_or(0));
        let mut report = Report::new();
        let mut sequence = first;
        while sequence != highest.wrapping_add(1) {
            let at = self.arrivals.iter().find(|(s, _)| *s == sequence).map(|(_, at)| *at);
            report.push((sequence, at));
            sequence = sequence.wrapping_add(1);
        }
        self.arrivals.clear();
        self.reported = Some(highest);
        self.on_the_way.push_back((now + self.back, report));
    }

    /// The oldest report that has come back by now.
    pub fn take(&mut self, now: f64) -> Option<Report> {
        let is_back = self.on_the_way.front().is_some_and(|(at, _)| *at <= now);
        is_back.then(|| self.on_the_way.pop_front()).flatten().map(|(_, report)| report)
    }
}
