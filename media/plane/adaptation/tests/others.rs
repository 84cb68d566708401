//! Several on one bottleneck: the cases of RFC 8867 in which our flows meet one another and TCP, in virtual time.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "test code")]

mod simulation;

use simulation::{Capacity, Link, Random, Sender, TICK, Tcp, step};

/// Who shares the link, and how long.
struct Case {
    steps: Vec<(f64, f64)>,
    duration: f64,
    limit: f64,
    delays: Vec<f64>,
    /// From when to when each is there.
    there: Vec<(f64, f64)>,
    long_tcp: usize,
    short_tcp: usize,
}

/// The worst of all flows, but for `rates`.
#[derive(Clone, Debug, Default)]
struct Outcome {
    queue_p95_ms: f64,
    frozen: f64,
    audio_lost: f64,
    /// Of the flows while all are there, Mbit/s.
    rates: Vec<f64>,
    jain: f64,
    /// Share of the link that is used, by TCP too.
    used: f64,
    /// Switches of a flow in a minute.
    switches: f64,
}

impl Case {
    fn of(steps: &[(f64, f64)], duration: f64, flows: usize) -> Self {
        Self {
            steps: steps.to_vec(),
            duration,
            limit: 0.3,
            delays: vec![0.05; flows],
            there: vec![(0.0, f64::INFINITY); flows],
            long_tcp: 0,
            short_tcp: 0,
        }
    }

    /// The same in `factor` of its time.
    fn squeezed(mut self, factor: f64) -> Self {
        self.duration *= factor;
        self.steps.iter_mut().for_each(|(at, _)| *at *= factor);
        self.there.iter_mut().for_each(|(from, to)| (*from, *to) = (*from * factor, *to * factor));
        self
    }

    fn run(&self, seed: u64) -> Outcome {
        let (flows, tcps) = (self.delays.len(), self.long_tcp + self.short_tcp);
        let delays: Vec<f64> = self.delays.iter().copied().chain(std::iter::repeat_n(0.05, tcps)).collect();
        let mut link = Link::new(Capacity::steps(&self.steps), &delays);
        (link.limit, link.random) = (self.limit, Random(seed));
        let from = self.there.iter().map(|(from, _)| *from).fold(0.0, f64::max) + 3.0;
        let mut senders: Vec<Sender> = (0_u64..).zip(&self.delays).map(|(flow, delay)| Sender::new(seed * 100 + flow, *delay)).collect();
        for (index, (sender, (start, stop))) in senders.iter_mut().zip(&self.there).enumerate() {
            // Pages open one behind the other.
            let start = &(start + 0.4 * index as f64);
            (sender.start, sender.stop, sender.measured_from) = (*start, *stop, from);
            (sender.layered, sender.protects, sender.report_interval) = (true, true, 0.075);
            sender.pictures.from = start + 2.0;
            sender.level = Some(simulation::sender::LEVELS.len() - 1);
        }
        let mut tcps: Vec<Tcp> = (0..tcps)
            .map(|index| match index {
                // It meets pictures that run.
                _ if index < self.long_tcp => Tcp { start: 3.0, ..Tcp::new_reno(flows + index, 0.05) },
                _ => Tcp::short(flows + index, 0.05, seed * 1000 + index as u64),
            })
            .collect();
        let mut now = 0.0;
        while now < self.duration {
            step(&mut link, &mut senders, &mut tcps, now);
            now += TICK;
        }
        self.judge(&link, &senders, from)
    }

    fn judge(&self, link: &Link, senders: &[Sender], from: f64) -> Outcome {
        let mut waits: Vec<f64> = link.waits.iter().filter(|(flow, _)| *flow < senders.len()).map(|(_, wait)| *wait).collect();
        waits.sort_by(f64::total_cmp);
        let lasting = |(start, stop): (f64, f64)| stop.min(self.duration) - start;
        let staying = || senders.iter().zip(&self.there).filter(|(_, (_, stop))| *stop > self.duration);
        let rates: Vec<f64> = staying().map(|(sender, _)| sender.arrived_octets * 8e-6 / (self.duration - from)).collect();
        let sum: f64 = rates.iter().sum();
        let worst = |of: &dyn Fn(&Sender) -> f64| senders.iter().map(of).fold(0.0, f64::max);
        let capacity: f64 = (0..1000).map(|part| link.capacity.at(self.duration * f64::from(part) / 1000.0) * self.duration / 1000.0).sum();
        Outcome {
            queue_p95_ms: waits[waits.len() * 95 / 100] * 1e3,
            frozen: senders.iter().zip(&self.there).map(|(sender, there)| sender.pictures.frozen / lasting(*there)).fold(0.0, f64::max),
            audio_lost: worst(&|sender| 1.0 - sender.audio_arrived / sender.audio_sent.max(1.0)),
            jain: sum * sum / (rates.len() as f64 * rates.iter().map(|rate| rate * rate).sum::<f64>()),
            rates,
            used: link.served_bits / capacity,
            switches: senders
                .iter()
                .zip(&self.there)
                .map(|(sender, there)| sender.switches as f64 * 60.0 / lasting(*there))
                .fold(0.0, f64::max),
        }
    }
}

/// Medians over seeds of what the case brings, whole and squeezed.
fn medians(name: &str, case: impl Fn() -> Case) -> [Outcome; 2] {
    let first = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    [1.0, 0.4].map(|factor| {
        let outcomes: Vec<Outcome> = (first..first + 8).map(|seed| case().squeezed(factor).run(seed)).collect();
        let median = |of: &dyn Fn(&Outcome) -> f64| {
            let mut values: Vec<f64> = outcomes.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let outcome = Outcome {
            queue_p95_ms: median(&|outcome| outcome.queue_p95_ms),
            frozen: median(&|outcome| outcome.frozen),
            audio_lost: median(&|outcome| outcome.audio_lost),
            rates: (0..outcomes[0].rates.len()).map(|flow| median(&|outcome| outcome.rates[flow])).collect(),
            jain: median(&|outcome| outcome.jain),
            used: median(&|outcome| outcome.used),
            switches: median(&|outcome| outcome.switches),
        };
        let worst = outcomes.iter().map(|outcome| outcome.jain).fold(1.0, f64::min);
        println!(
            "{name:>9} x{factor}: queue {:3.0} frozen {:.3} audio lost {:.3} jain {:.2} (worst {worst:.2}) used {:.2} switches {:4.1} rates {:.2?}",
            outcome.queue_p95_ms, outcome.frozen, outcome.audio_lost, outcome.jain, outcome.used, outcome.switches, outcome.rates
        );
        outcome
    })
}

#[test]
fn two_follow_steps() {
    medians("5.2", || Case::of(&[(0.0, 4.0), (25.0, 2.0), (50.0, 3.5), (75.0, 1.0), (100.0, 2.0)], 125.0, 2));
}

#[test]
fn who_comes_later_gets_its_share() {
    medians("5.4", || {
        let mut case = Case::of(&[(0.0, 3.5)], 120.0, 3);
        case.there = [0.0, 20.0, 40.0].map(|from| (from, f64::INFINITY)).to_vec();
        case
    });
}

#[test]
fn round_trips_make_no_difference() {
    medians("5.5", || {
        let mut case = Case::of(&[(0.0, 4.0)], 120.0, 5);
        case.delays = vec![0.01, 0.025, 0.05, 0.1, 0.15];
        case
    });
}

#[test]
fn a_long_tcp_connection_leaves_a_share() {
    for limit in [0.3, 1.0] {
        medians(&format!("5.6 {limit}"), || {
            let mut case = Case::of(&[(0.0, 2.0)], 120.0, 1);
            (case.long_tcp, case.limit) = (1, limit);
            case
        });
    }
}

#[test]
fn short_tcp_connections_leave_sound_and_picture() {
    medians("5.7", || {
        let mut case = Case::of(&[(0.0, 2.0)], 120.0, 2);
        case.short_tcp = 10;
        case
    });
}

#[test]
fn one_leaves_and_comes_back() {
    medians("5.8", || {
        let mut case = Case::of(&[(0.0, 3.5)], 120.0, 4);
        case.there[1].1 = 40.0;
        case.there[3].0 = 60.0;
        case
    });
}
