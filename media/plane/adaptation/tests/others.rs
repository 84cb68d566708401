//! Several on one bottleneck: the cases of RFC 8867 in which our flows meet one another and TCP, in virtual time.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "test code")]

mod simulation;

use simulation::{Capacity, Link, Random, Sender, Tcp, proceed};

/// Who shares the link, and how long.
struct Case {
    steps: Vec<(f64, f64)>,
    duration: f64,
    limit: f64,
    /// The most that is added to the delay, s.
    jitter: f64,
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
    /// Share of the time without a picture.
    alone: f64,
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
            jitter: 0.0,
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
        (link.limit, link.jitter, link.random) = (self.limit, self.jitter, Random(seed));
        let from = self.there.iter().map(|(from, _)| *from).fold(0.0, f64::max) + 3.0;
        let mut senders: Vec<Sender> = (0_u64..).zip(&self.delays).map(|(flow, delay)| Sender::new(seed * 100 + flow, *delay)).collect();
        for (index, (sender, (start, stop))) in senders.iter_mut().zip(&self.there).enumerate() {
            // Pages open one behind the other.
            let start = &(start + 0.4 * index as f64);
            (sender.start, sender.stop, sender.measured_from) = (*start, *stop, from);
            (sender.layered, sender.protects, sender.feedback.interval) = (true, true, 0.075);
            sender.pictures.from = start + 2.0;
            sender.level = Some(simulation::choice::LEVELS.len() - 1);
        }
        let mut tcps: Vec<Tcp> = (0..tcps)
            .map(|index| match index {
                // It meets pictures that run.
                _ if index < self.long_tcp => Tcp { start: 3.0, ..Tcp::new_reno(flows + index, 0.05) },
                _ => Tcp::short(flows + index, 0.05, seed * 1000 + index as u64),
            })
            .collect();
        proceed(&mut link, &mut senders, &mut tcps, 0.0, self.duration);
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
            alone: senders.iter().zip(&self.there).map(|(sender, there)| sender.alone / lasting(*there)).fold(0.0, f64::max),
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

/// Most thresholds were tuned on 1 to 8; the last of them, and the bounds below, were chosen on these.
const SEEDS: std::ops::Range<u64> = 101..109;

/// Where bursts of others fill the queue it is chance how long pictures freeze.
const MORE_SEEDS: std::ops::Range<u64> = 101..133;

/// Without any, and the most that RFC 8867 has.
const JITTERS: [f64; 2] = [0.0, 0.03];

/// Medians over seeds of what the case brings, whole and squeezed, for each of [`JITTERS`].
fn medians(name: &str, case: impl Fn() -> Case) -> [[Outcome; 2]; 2] {
    medians_over(SEEDS, name, case)
}

fn medians_over(seeds: std::ops::Range<u64>, name: &str, case: impl Fn() -> Case) -> [[Outcome; 2]; 2] {
    JITTERS.map(|jitter| [1.0, 0.4].map(|factor| median(seeds.clone(), name, || Case { jitter, ..case().squeezed(factor) })))
}

fn median(seeds: std::ops::Range<u64>, name: &str, case: impl Fn() -> Case) -> Outcome {
    let outcomes: Vec<Outcome> = seeds.map(|seed| case().run(seed)).collect();
    let median = |of: &dyn Fn(&Outcome) -> f64| {
        let mut values: Vec<f64> = outcomes.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let outcome = Outcome {
        queue_p95_ms: median(&|outcome| outcome.queue_p95_ms),
        frozen: median(&|outcome| outcome.frozen),
        alone: median(&|outcome| outcome.alone),
        audio_lost: median(&|outcome| outcome.audio_lost),
        rates: (0..outcomes[0].rates.len()).map(|flow| median(&|outcome| outcome.rates[flow])).collect(),
        jain: median(&|outcome| outcome.jain),
        used: median(&|outcome| outcome.used),
        switches: median(&|outcome| outcome.switches),
    };
    let worst = outcomes.iter().map(|outcome| outcome.jain).fold(1.0, f64::min);
    println!(
        "{name:>9} {:3.0} s, jitter {:.2}: queue {:3.0} frozen {:.3} alone {:.3} audio lost {:.3} jain {:.2} (worst {worst:.2}) used {:.2} switches {:4.1} rates {:.2?}",
        case().duration,
        case().jitter,
        outcome.queue_p95_ms,
        outcome.frozen,
        outcome.alone,
        outcome.audio_lost,
        outcome.jain,
        outcome.used,
        outcome.switches,
        outcome.rates
    );
    outcome
}

/// What all cases of our own flows hold; `squeezed` is harder, because all happens in 0.4 of the time.
fn hold(outcomes: [[Outcome; 2]; 2], queue_ms: [f64; 2]) {
    outcomes.into_iter().for_each(|each| hold_each(each, queue_ms));
}

fn hold_each([whole, squeezed]: [Outcome; 2], queue_ms: [f64; 2]) {
    assert!(whole.queue_p95_ms <= queue_ms[0] && squeezed.queue_p95_ms <= queue_ms[1], "{whole:?} {squeezed:?}");
    assert!(whole.frozen <= 0.03 && squeezed.frozen <= 0.06, "{whole:?} {squeezed:?}");
    assert!(whole.alone <= 0.01 && squeezed.alone <= 0.03, "{whole:?} {squeezed:?}");
    assert!(whole.audio_lost <= 0.005 && squeezed.audio_lost <= 0.01, "{whole:?} {squeezed:?}");
    assert!(whole.jain >= 0.9 && squeezed.jain >= 0.8, "{whole:?} {squeezed:?}");
    assert!(whole.used >= 0.65 && squeezed.used >= 0.6, "{whole:?} {squeezed:?}");
    assert!(whole.switches <= 20.0 && squeezed.switches <= 30.0, "{whole:?} {squeezed:?}");
}

/// RFC 8867 section 5.2.
#[test]
fn two_follow_steps() {
    let steps = [(0.0, 4.0), (25.0, 2.0), (50.0, 3.5), (75.0, 1.0), (100.0, 2.0)];
    hold(medians("5.2", || Case::of(&steps, 125.0, 2)), [50.0, 80.0]);
}

/// Section 5.4.
#[test]
fn who_comes_later_gets_its_share() {
    let case = || {
        let mut case = Case::of(&[(0.0, 3.5)], 120.0, 3);
        case.there = [0.0, 20.0, 40.0].map(|from| (from, f64::INFINITY)).to_vec();
        case
    };
    hold(medians("5.4", case), [60.0, 80.0]);
}

/// Section 5.5. All begin within two seconds, in which some may take the others for TCP, until the queue is empty.
#[test]
fn round_trips_make_no_difference() {
    let case = || Case { delays: vec![0.01, 0.025, 0.05, 0.1, 0.15], ..Case::of(&[(0.0, 4.0)], 120.0, 5) };
    hold(medians("5.5", case), [80.0, 180.0]);
}

/// Section 5.6: of 2 Mbit/s one of two has a right to 1; 30 % of that are 0.3.
#[test]
fn a_long_tcp_connection_leaves_a_share() {
    for limit in [0.3, 1.0] {
        let outcomes = medians(&format!("5.6 {limit}"), || Case { long_tcp: 1, limit, ..Case::of(&[(0.0, 2.0)], 120.0, 1) });
        for outcome in outcomes.iter().flatten() {
            assert!((0.3..=1.1).contains(&outcome.rates[0]) && outcome.used >= 0.95, "{outcome:?}");
            assert!(outcome.audio_lost <= 0.04 && outcome.frozen <= 0.1 && outcome.alone <= 0.01, "{outcome:?}");
        }
    }
}

/// Section 5.7: ten connections fill the link by themselves, with losses of all; sound and the least picture come nevertheless.
#[test]
fn short_tcp_connections_leave_sound_and_picture() {
    for outcome in medians_over(MORE_SEEDS, "5.7", || Case { short_tcp: 10, ..Case::of(&[(0.0, 2.0)], 120.0, 2) }).iter().flatten() {
        assert!(outcome.rates.iter().all(|rate| *rate >= 0.08) && outcome.jain >= 0.9, "{outcome:?}");
        assert!(outcome.audio_lost <= 0.1 && outcome.frozen <= 0.25 && outcome.alone <= 0.01, "{outcome:?}");
    }
}

/// Section 5.8.
#[test]
fn one_leaves_and_comes_back() {
    let case = || {
        let mut case = Case::of(&[(0.0, 3.5)], 120.0, 4);
        case.there[1].1 = 40.0;
        case.there[3].0 = 60.0;
        case
    };
    hold(medians("5.8", case), [70.0, 120.0]);
}

/// The same, of which medians do not tell: how many of these had one that went without a picture although there is room for all.
#[test]
fn hardly_anybody_is_starved() {
    for jitter in JITTERS {
        let case = || Case { delays: vec![0.01, 0.025, 0.05, 0.1, 0.15], jitter, ..Case::of(&[(0.0, 4.0)], 120.0, 5) };
        let outcomes: Vec<Outcome> = (201..249).map(|seed| case().run(seed)).collect();
        let (long, unfair) = (outcomes.iter().filter(|of| of.alone > 0.02).count(), outcomes.iter().filter(|of| of.jain < 0.9).count());
        let longest = outcomes.iter().map(|of| of.alone).fold(0.0, f64::max);
        println!(
            "5.5, jitter {jitter:.2}: {long} of 48 without a picture for 2.4 s and more, longest {longest:.3}; jain below 0.9 in {unfair}"
        );
        assert!(longest <= 0.06 && long <= 12 && unfair <= 5, "{longest} {long} {unfair}");
    }
}

/// What others keep full for minutes is their queue still, and no longer route; when they have left nobody of ours keeps it full.
#[test]
fn a_queue_that_is_held_for_minutes_is_no_longer_route_and_drains_when_they_leave() {
    for seed in 1..9 {
        let mut link = Link::new(Capacity::constant(2e6), &[0.05; 10]);
        (link.limit, link.jitter, link.random) = (0.3, 0.03, Random(seed));
        let mut senders: Vec<Sender> = (0..2).map(|flow| Sender::new(seed * 100 + flow, 0.05)).collect();
        for sender in &mut senders {
            (sender.layered, sender.protects, sender.feedback.interval) = (true, true, 0.075);
            sender.level = Some(simulation::choice::LEVELS.len() - 1);
        }
        let mut tcps: Vec<Tcp> = (2..10).map(|index| Tcp { start: 0.3 * index as f64, ..Tcp::new_reno(index, 0.05) }).collect();
        proceed(&mut link, &mut senders, &mut tcps, 0.0, 300.0);
        let rates: Vec<f64> = senders.iter().map(|sender| sender.estimate() * 1e-6).collect();
        let lost = senders.iter().map(|sender| 1.0 - sender.audio_arrived / sender.audio_sent).fold(0.0, f64::max);
        tcps.iter_mut().for_each(|tcp| tcp.start = f64::INFINITY);
        proceed(&mut link, &mut senders, &mut tcps, 300.0, 330.0);
        link.waits.clear();
        proceed(&mut link, &mut senders, &mut tcps, 330.0, 360.0);
        let mut waits: Vec<f64> = link.waits.iter().map(|(_, wait)| *wait).collect();
        waits.sort_by(f64::total_cmp);
        let queue = waits[waits.len() * 95 / 100];
        println!("eight TCP: estimates {rates:.2?}, {lost:.3} of the sound lost, then a queue of {queue:.3} s");
        assert!(rates.iter().all(|rate| *rate < 1.6) && lost < 0.12 && queue < 0.05, "{rates:?} {lost} {queue}");
    }
}
