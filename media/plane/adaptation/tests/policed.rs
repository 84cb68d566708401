//! Links that drop what is beyond a rate and have no queue that would tell of it, and links that only look like that; in virtual time.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "test code")]

mod simulation;

use simulation::link::{Policer, bursts};
use simulation::{Capacity, Link, Random, Sender, TICK, proceed, step};

/// Of a run of a minute, from the tenth second on.
#[derive(Debug)]
struct Seen {
    /// Share of all packets that the link lost.
    lost: f64,
    /// Mean and least of the estimate, Mbit/s.
    estimate: f64,
    least: f64,
    switches: usize,
    /// Of all sound; with its copies.
    sound_lost: f64,
    /// Share of the time.
    frozen: f64,
}

/// `repeats`: retransmissions have copies, as the plane sends them.
fn played(seed: u64, repeats: bool, change: impl FnOnce(&mut Link)) -> Seen {
    let mut link = Link::new(Capacity::constant(20e6), &[0.05]);
    link.random = Random(seed);
    change(&mut link);
    let mut sender = [Sender::new(seed, 0.05)];
    (sender[0].protects, sender[0].notices_by_arrival, sender[0].repeats_repairs) = (true, true, repeats);
    proceed(&mut link, &mut sender, &mut [], 0.0, 10.0);
    let before = (link.dropped, link.waits.len(), sender[0].switches, sender[0].pictures.frozen);
    let (mut now, mut sum, mut count, mut least) = (10.0, 0.0, 0.0, f64::INFINITY);
    while now < 60.0 {
        step(&mut link, &mut sender, &mut [], now);
        let estimate = sender[0].estimate() / 1e6;
        (sum, count, least) = (sum + estimate, count + 1.0, least.min(estimate));
        now += TICK;
    }
    let lost = (link.dropped - before.0) as f64;
    Seen {
        lost: lost / (lost + (link.waits.len() - before.1) as f64),
        estimate: sum / count,
        least,
        switches: sender[0].switches - before.2,
        sound_lost: 1.0 - sender[0].audio_arrived / sender[0].audio_sent,
        frozen: (sender[0].pictures.frozen - before.3) / 50.0,
    }
}

/// Shares of packets and of sound lost, of time frozen, and switches at most, of each rate and bucket.
fn assert_not_sent_for_long(repeats: bool, (lost_at_most, sound_at_most, frozen_at_most, switches_at_most): (f64, f64, f64, f64)) {
    for rate in [0.3e6, 0.6e6, 1e6, 1.5e6] {
        for bucket_s in [0.02, 0.1, 0.5_f64] {
            let bits = f64::max(rate * bucket_s, 16_000.0);
            let policed = |seed| played(seed, repeats, |link| link.policer = Some(Policer::new(rate, bits)));
            let seen: Vec<Seen> = (1..=8).map(policed).collect();
            let mean = |of: fn(&Seen) -> f64| seen.iter().map(of).sum::<f64>() / seen.len() as f64;
            let worst = |of: fn(&Seen) -> f64| seen.iter().map(of).fold(0.0, f64::max);
            let (lost, estimate, frozen) = (mean(|seen| seen.lost), mean(|seen| seen.estimate) * 1e6 / rate, mean(|seen| seen.frozen));
            let (sound, switches) = (worst(|seen| seen.sound_lost), worst(|seen| seen.switches as f64));
            println!(
                "{:.1} Mbit/s, bucket {bucket_s} s: lost {lost:.3}, {estimate:.2} of it claimed, sound lost {sound:.4}, frozen {frozen:.3}, {switches} switches",
                rate / 1e6
            );
            assert!(lost <= lost_at_most && sound <= sound_at_most, "{rate} {bucket_s}: {seen:?}");
            assert!(frozen <= frozen_at_most && switches <= switches_at_most, "{rate} {bucket_s}: {seen:?}");
            // What is claimed grows by 5 % a second where nothing is sent that would tell: a level that was too much is tried late.
            assert!((0.4..1.5).contains(&estimate), "{rate} {bucket_s}: {seen:?}");
        }
    }
}

/// Losses end within seconds, and sound does not break meanwhile.
#[test]
fn what_is_beyond_a_policed_rate_is_not_sent_for_long() {
    assert_not_sent_for_long(false, (0.03, 0.003, 0.03, 8.0));
}

/// Nor where each packet that is lost goes out again and again, by which for moments six times the rate is sent and hardly anything
/// large arrives.
#[test]
fn copies_of_what_is_dropped_do_not_hide_a_policer() {
    assert_not_sent_for_long(true, (0.08, 0.003, 0.15, 8.0));
}

/// With copies by what the link loses, one by one and in bursts.
#[test]
fn losses_by_chance_are_not_taken_for_a_policer() {
    assert_chance_is_no_policer(false);
}

#[test]
fn losses_by_chance_are_not_taken_for_a_policer_where_repairs_have_copies() {
    assert_chance_is_no_policer(true);
}

/// Of 25 links of each kind: a trial, which ends within 5 s, may be one of them where repairs have copies.
fn assert_chance_is_no_policer(repeats: bool) {
    let assert_rare = |what: String, change: &dyn Fn(u64, &mut Link)| {
        let least: Vec<f64> = (1..=25).map(|seed| played(seed, repeats, |link| change(seed, link)).least).collect();
        let tried = least.iter().filter(|least| **least < 4.0).count();
        println!("{what}: least {:.2} Mbit/s", least.iter().copied().fold(f64::INFINITY, f64::min));
        assert!(tried <= usize::from(repeats), "{what}: {least:?}");
    };
    for loss in [0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8] {
        assert_rare(format!("{loss} lost one by one"), &|_, link| link.lost_behind = loss);
    }
    for loss in [0.0, 0.2] {
        assert_rare(format!("{loss} lost one by one between bursts"), &|seed, link| {
            (link.bursts, link.lost_behind) = (bursts(&mut Random(seed), 60.0), loss);
        });
    }
}

/// As where pictures alone are lost for a while: they are waited for.
#[test]
fn a_while_in_which_nothing_large_arrives_is_no_policer() {
    for seed in 1..=8 {
        let seen = played(seed, true, |link| link.narrow = Some((20.0, 24.0, 500.0)));
        println!("least {:.2} Mbit/s", seen.least);
        assert!(seen.least >= 4.0, "{seed}: {seen:?}");
    }
}

/// Losses that begin in the middle of a clean session: the answers to them are what is sent more from then on.
#[test]
fn losses_that_begin_are_no_policer() {
    for (repeats, loss) in [false, true].into_iter().flat_map(|repeats| [0.2, 0.3, 0.45, 0.6, 0.8].map(|loss| (repeats, loss))) {
        let least = |seed: u64| {
            let mut link = Link::new(Capacity::constant(20e6), &[0.02]);
            link.random = Random(seed);
            let mut sender = [Sender::new(seed, 0.02)];
            (sender[0].protects, sender[0].notices_by_arrival, sender[0].repeats_repairs) = (true, true, repeats);
            let begins = 4.0 + seed as f64 * 0.037;
            proceed(&mut link, &mut sender, &mut [], 0.0, begins);
            link.lost_behind = loss;
            let (mut now, mut least) = (begins, f64::INFINITY);
            while now < begins + 15.0 {
                step(&mut link, &mut sender, &mut [], now);
                least = least.min(sender[0].estimate() / 1e6);
                now += TICK;
            }
            least
        };
        let least: Vec<f64> = (1..=50).map(least).collect();
        assert!(least.iter().all(|least| *least >= 4.0), "{loss}, copies {repeats}: {least:.1?}");
    }
}
