//! A bottleneck: a drop-tail queue served at a capacity that changes.

use std::collections::BinaryHeap;

use super::{Random, TICK};

#[derive(Clone, Debug)]
pub struct Capacity {
    /// (from second, bit/s), ascending.
    pub steps: Vec<(f64, f64)>,
}

impl Capacity {
    pub fn constant(rate: f64) -> Self {
        Self { steps: vec![(0.0, rate)] }
    }
    pub fn steps(steps: &[(f64, f64)]) -> Self {
        Self { steps: steps.iter().map(|(at, mbps)| (*at, mbps * 1e6)).collect() }
    }
    pub fn trace(name: &str) -> Self {
        let text = std::fs::read_to_string(format!("{}/../../../loadtests/link/traces/{name}.txt", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let steps = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace().map(|word| word.parse::<f64>().unwrap());
            Some((words.next()?, words.next()? * 1e6))
        });
        Self { steps: steps.collect() }
    }
    pub fn end(&self) -> f64 {
        self.steps.last().unwrap().0
    }
    fn index(&self, now: f64) -> usize {
        self.steps.partition_point(|(at, _)| *at <= now).saturating_sub(1)
    }
    pub fn at(&self, now: f64) -> f64 {
        self.steps[self.index(now)].1
    }
    pub fn last_step(&self, now: f64) -> f64 {
        self.steps[self.index(now)].0
    }
    pub fn steps_are_few(&self) -> bool {
        self.steps.len() < 20
    }
}

pub struct Link {
    pub capacity: Capacity,
    /// One-way delay each way, seconds, of each flow.
    pub delay: Vec<f64>,
    /// Longest wait in the queue, seconds.
    pub limit: f64,
    pub loss: f64,
    /// From when to when nothing comes through.
    pub outages: Vec<(f64, f64)>,
    /// From when to when all that leaves the bottleneck is lost behind it, as on the air.
    pub bursts: Vec<(f64, f64)>,
    /// Share that is lost there at other times.
    pub lost_behind: f64,
    /// What was lost so: when it would have arrived, flow and sequence number.
    pub gone: Vec<(f64, usize, u16)>,
    /// The most that is added to the delay, seconds.
    pub jitter: f64,
    /// Whether each jitter up to that is as likely as another; else they are normal around half of it.
    pub is_jitter_uniform: bool,
    /// What drops all beyond a rate without keeping any of it in a queue, as operators throttle: it comes before the queue.
    pub policer: Option<Policer>,
    /// From when to when nothing larger than so many octets comes through.
    pub narrow: Option<(f64, f64, f64)>,
    pub random: Random,
    queue: std::collections::VecDeque<Waiting>,
    served: f64,
    queued_bits: f64,
    out: BinaryHeap<Arrival>,
    last_out: Vec<f64>,
    pub waits: Vec<(usize, f64)>,
    pub dropped: u64,
    pub served_bits: f64,
}

/// A token bucket (RFC 2697 with one colour).
#[derive(Clone, Debug)]
pub struct Policer {
    pub rate: f64,
    /// Bits that may come at once.
    pub burst: f64,
    tokens: f64,
    at: f64,
}

impl Policer {
    pub fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, tokens: burst, at: 0.0 }
    }

    fn lets_pass(&mut self, now: f64, bits: f64) -> bool {
        self.tokens = (self.tokens + (now - self.at) * self.rate).min(self.burst);
        self.at = now;
        let passes = self.tokens >= bits;
        self.tokens -= if passes { bits } else { 0.0 };
        passes
    }
}

struct Waiting {
    at: f64,
    flow: usize,
    sequence: u16,
    bits: f64,
    left: f64,
}

#[derive(PartialEq)]
struct Arrival(f64, usize, u16, u64);
impl Eq for Arrival {}
impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.total_cmp(&self.0).then(other.3.cmp(&self.3))
    }
}
impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Link {
    pub fn new(capacity: Capacity, delay: &[f64]) -> Self {
        Self {
            capacity,
            delay: delay.to_vec(),
            limit: 0.3,
            loss: 0.0,
            outages: Vec::new(),
            bursts: Vec::new(),
            lost_behind: 0.0,
            gone: Vec::new(),
            jitter: 0.0,
            is_jitter_uniform: false,
            policer: None,
            narrow: None,
            random: Random(1),
            queue: Default::default(),
            served: 0.0,
            queued_bits: 0.0,
            out: BinaryHeap::new(),
            last_out: vec![0.0; delay.len()],
            waits: Vec::new(),
            dropped: 0,
            served_bits: 0.0,
        }
    }

    pub fn queue_delay(&self, now: f64) -> f64 {
        self.queued_bits / self.capacity.at(now).max(1.0)
    }

    /// False where it is lost.
    pub fn send(&mut self, now: f64, flow: usize, sequence: u16, octets: f64) -> bool {
        let lost = self.loss > 0.0 && self.random.next() < self.loss;
        let lost = lost || self.policer.as_mut().is_some_and(|policer| !policer.lets_pass(now, octets * 8.0));
        let out = self.outages.iter().any(|(from, to)| (*from..*to).contains(&now));
        let out = out || self.narrow.is_some_and(|(from, to, most)| (from..to).contains(&now) && octets > most);
        if lost || out || self.queue_delay(now) > self.limit {
            self.dropped += 1;
            return false;
        }
        let bits = octets * 8.0;
        self.queued_bits += bits;
        self.queue.push_back(Waiting { at: now, flow, sequence, bits, left: bits });
        true
    }

    fn draw_jitter(&mut self) -> f64 {
        let share = if self.is_jitter_uniform { self.random.next() } else { self.random.truncated_normal() };
        share * self.jitter
    }

    /// Serve until `now` + TICK; returns what arrived by now.
    pub fn poll(&mut self, now: f64) -> Vec<(f64, usize, u16)> {
        let mut budget = self.capacity.at(now) * TICK;
        let rate = self.capacity.at(now);
        let mut clock = now;
        while let Some(head) = self.queue.front_mut() {
            let take = head.left.min(budget);
            head.left -= take;
            budget -= take;
            self.queued_bits -= take;
            clock += take / rate.max(1.0);
            if head.left > 1e-9 {
                break;
            }
            let head = self.queue.pop_front().unwrap();
            self.waits.push((head.flow, (clock - head.at - head.bits / rate).max(0.0)));
            let jitter = if self.jitter > 0.0 { self.draw_jitter() } else { 0.0 };
            let arrives = (clock + self.delay[head.flow] + jitter).max(self.last_out[head.flow]);
            self.last_out[head.flow] = arrives;
            let lost = self.lost_behind > 0.0 && self.random.next() < self.lost_behind;
            if lost || self.bursts.iter().any(|(from, to)| (*from..*to).contains(&clock)) {
                self.gone.push((arrives, head.flow, head.sequence));
                continue;
            }
            self.served += 1.0;
            self.served_bits += head.bits;
            self.out.push(Arrival(arrives, head.flow, head.sequence, self.served as u64));
        }
        let mut arrived = Vec::new();
        while self.out.peek().is_some_and(|arrival| arrival.0 <= now) {
            let Arrival(at, flow, sequence, _) = self.out.pop().unwrap();
            arrived.push((at, flow, sequence));
        }
        arrived
    }
}

/// From when to when all is lost: after 400 ms for 100 ms on average (Gilbert and Elliott), never for as long as an outage.
pub fn bursts(random: &mut Random, duration: f64) -> Vec<(f64, f64)> {
    let (mut bursts, mut at) = (Vec::new(), 5.0);
    while at < duration {
        let from = at - 0.4 * random.next().ln();
        at = from + (-0.1 * random.next().ln()).min(0.45);
        bursts.push((from, at));
    }
    bursts
}
