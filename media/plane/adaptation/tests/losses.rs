//! What a link's own losses tell of it and what they do not, in virtual time.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "test code")]

mod simulation;

use adaptation::{Config, Estimator};
use simulation::link::bursts;
use simulation::{Capacity, Link, Random, Sender, TICK, step};

/// A minute on a link that loses packets, 50 ms each way.
struct Through {
    rate: f64,
    /// Share of packets that are lost one by one behind the bottleneck.
    loss: f64,
    in_bursts: bool,
    /// Of sound: how many, and how far apart, s.
    copies: (u32, f64),
    /// Copies by what the link loses instead.
    protects: bool,
}

impl Default for Through {
    fn default() -> Self {
        Self { rate: 5e6, loss: 0.0, in_bursts: false, copies: (0, 0.0), protects: false }
    }
}

impl Through {
    /// The least that the estimate is from 10 s on, and its mean, Mbit/s.
    fn play(&self, seed: u64) -> (f64, f64) {
        let mut link = Link::new(Capacity::constant(self.rate), &[0.05]);
        link.lost_behind = self.loss;
        if self.in_bursts {
            link.bursts = bursts(&mut Random(seed), 60.0);
        } else {
            link.random = Random(seed);
        }
        let mut sender = [Sender::new(seed, 0.05)];
        (sender[0].copies, sender[0].protects, sender[0].notices_by_arrival) = (self.copies, self.protects, true);
        let (mut now, mut least, mut sum, mut count) = (0.0, f64::INFINITY, 0.0, 0.0);
        while now < 60.0 {
            step(&mut link, &mut sender, &mut [], now);
            if now > 10.0 {
                let estimate = sender[0].estimate() / 1e6;
                least = least.min(estimate);
                (sum, count) = (sum + estimate, count + 1.0);
            }
            now += TICK;
        }
        (least, sum / count)
    }
}

/// Through bursts.
fn through_bursts(seed: u64, copies: (u32, f64), rate: f64) -> (f64, f64) {
    Through { rate, copies, in_bursts: true, ..Through::default() }.play(seed)
}

#[test]
fn bursts_in_which_copies_alone_arrive_are_no_congestion() {
    // With losses one by one between them too.
    for seed in 1..=8 {
        let (least, mean) = Through { loss: 0.2, in_bursts: true, copies: (2, 0.08), ..Through::default() }.play(seed);
        println!("with losses between: least {least:.2}, mean {mean:.2}");
        assert!(least >= 4.0, "seed {seed}: {least} {mean}");
    }
    for copies in [(0, 0.0), (1, 0.08), (2, 0.08), (3, 0.053)] {
        let found: Vec<(f64, f64)> = (1..=8).map(|seed| through_bursts(seed, copies, 5e6)).collect();
        let least = found.iter().map(|(least, _)| *least).fold(f64::INFINITY, f64::min);
        let mean = found.iter().map(|(_, mean)| *mean).sum::<f64>() / found.len() as f64;
        println!("{copies:?}: least {least:.2}, mean {mean:.2}: {found:.2?}");
        assert!(least >= 4.0, "{copies:?}: {found:.2?}");
    }
}

/// What repairs fill the queue with, and what it then drops, is no reason to take what is delivered for all that the link carries.
#[test]
fn where_most_is_lost_the_estimate_does_not_fall_to_what_is_left() {
    for loss in [0.6, 0.7, 0.8] {
        for seed in 1..=8 {
            let (least, mean) = Through { loss, protects: true, ..Through::default() }.play(seed);
            println!("{loss}, {seed}: least {least:.2}, mean {mean:.2}");
            assert!(least >= 1.2 && mean >= 3.5, "{loss}, {seed}: {least} {mean}");
        }
    }
}

#[test]
fn a_narrow_link_that_loses_in_bursts_is_not_taken_for_a_wide_one() {
    for rate in [0.6e6, 1.2e6, 2e6] {
        let found: Vec<(f64, f64)> = (1..=8).map(|seed| through_bursts(seed, (2, 0.08), rate)).collect();
        let mean = found.iter().map(|(_, mean)| *mean).sum::<f64>() / found.len() as f64;
        println!("{rate}: mean {mean:.2}: {found:.2?}");
        assert!(mean <= rate / 1e6 && found.iter().all(|(_, mean)| *mean >= 0.75 * rate / 1e6), "{rate}: {found:.2?}");
    }
}

/// The loss that is told of a link that loses one by one, where each third packet has a copy 8 ms behind it, as retransmissions do.
fn told_beside_close_copies(share: f64) -> f64 {
    let (mut estimator, mut random) = (Estimator::new(Config::default()), Random(1));
    let (mut told, mut count) = (0.0, 0.0);
    let mut reported = 0.0;
    let mut due: Vec<(f64, u16, Option<f64>)> = Vec::new();
    for packet in 0..15_000 {
        let at = f64::from(packet) * 0.004;
        let number = estimator.on_sent(at, 1000.0);
        let mut arrival = (random.next() >= share).then_some(at + 0.05);
        if packet % 3 == 0 {
            estimator.on_copied(at + 0.008, number);
            arrival = arrival.or((random.next() >= share).then_some(at + 0.058));
        }
        due.push((at, number, arrival));
        if at - reported >= 0.05 {
            reported = at;
            let report: Vec<_> = due.extract_if(.., |(sent, ..)| *sent <= at - 0.1).map(|(_, number, arrival)| (number, arrival)).collect();
            estimator.on_feedback(at, report.into_iter());
            if at > 10.0 {
                (told, count) = (told + estimator.loss(), count + 1.0);
            }
        }
    }
    told / count
}

#[test]
fn packets_whose_copies_are_too_close_to_tell_do_not_make_losses_look_smaller() {
    for share in [0.1, 0.3, 0.4, 0.6] {
        let told = told_beside_close_copies(share);
        println!("{share}: told {told:.3}");
        assert!((told - share).abs() <= 0.07 * share, "{told} of {share}");
    }
}

#[test]
fn what_a_full_queue_drops_is_missed_but_not_lost_by_the_link() {
    let (mut estimator, mut random) = (Estimator::new(Config::default()), Random(1));
    let mut report = Vec::new();
    for packet in 0..3000_u32 {
        let at = f64::from(packet) * 0.005;
        let number = estimator.on_sent(at, 500.0);
        let wait = if at > 1.0 { 0.25 } else { 0.0 };
        let arrives = wait == 0.0 || random.next() >= 0.1;
        report.push((number, arrives.then_some(at + 0.05 + wait)));
        if packet % 10 == 9 {
            estimator.on_feedback(at + 0.1 + wait, std::mem::take(&mut report).into_iter());
        }
    }
    println!("lost {:.3}, missed {:.3}", estimator.loss(), estimator.missed());
    assert!(estimator.loss() < 0.01 && (0.06..0.14).contains(&estimator.missed()));
}

/// The least estimate while retransmissions with copies close behind them fill a queue of 5 Mbit/s that loses nothing.
fn beside_repairs_with_copies() -> f64 {
    let mut estimator = Estimator::new(Config::default());
    let (mut free, mut least) = (0.0_f64, f64::INFINITY);
    let (mut copies, mut reports) = (Vec::new(), Vec::new());
    for ms in 0..5600_u32 {
        let now = f64::from(ms) / 1e3;
        let repairs = if (5000..5300).contains(&ms) && ms % 4 == 0 { 2 } else { 0 };
        let pictures = if ms % 33 == 0 { 5 } else { 0 };
        let carry = |free: &mut f64| {
            *free = free.max(now) + 1150.0 * 8.0 / 5e6;
            *free + 0.05
        };
        for packet in 0..pictures + repairs {
            let number = estimator.on_sent(now, 1150.0);
            reports.push((number, carry(&mut free)));
            if packet >= pictures {
                copies.push((now + 0.008, number));
            }
        }
        for (_, number) in copies.extract_if(.., |(due, _)| *due <= now) {
            estimator.on_copied(now, number);
            carry(&mut free);
        }
        if ms % 50 == 0 {
            let told: Vec<_> = reports.extract_if(.., |(_, at)| *at <= now - 0.05).map(|(number, at)| (number, Some(at))).collect();
            estimator.on_feedback(now, told.into_iter());
            least = if ms > 3000 { least.min(estimator.estimate()) } else { least };
        }
    }
    least / 1e6
}

#[test]
fn repairs_that_a_queue_holds_up_are_delivered_although_they_have_copies() {
    let least = beside_repairs_with_copies();
    println!("least {least:.2}");
    assert!(least >= 3.9, "{least}");
}
