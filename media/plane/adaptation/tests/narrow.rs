//! A link that becomes so narrow that hardly more than sound fits: sound goes on, whatever stood in its queue before.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "test code")]

mod simulation;

use simulation::{Capacity, Link, Random, Sender, proceed, run};

/// Behind the fall what stands in the queue has to leave, seconds.
const SETTLED: f64 = 3.0;

/// Share of the sound that is lost from `SETTLED` on, in the half minute behind a fall.
fn lost_sound(seed: u64, (from, to): (f64, f64), delay: f64) -> f64 {
    let at = 8.0 + Random(seed).next();
    let mut link = Link::new(Capacity::steps(&[(0.0, from), (at, to)]), &[delay]);
    link.random = Random(seed);
    let mut senders = [Sender::new(seed, delay)];
    (senders[0].protects, senders[0].layered, senders[0].feedback.interval) = (true, true, 0.062);
    run(&mut link, &mut senders, at);
    let mut sound_at = |from: f64, until: f64| {
        proceed(&mut link, &mut senders, &mut [], from, until);
        (senders[0].audio_sent, senders[0].audio_arrived)
    };
    let (sent, arrived) = sound_at(at, at + SETTLED);
    let (all_sent, all_arrived) = sound_at(at + SETTLED, at + 30.0);
    1.0 - (all_arrived - arrived) / (all_sent - sent)
}

/// Sound takes 56 kbit/s.
#[test]
fn sound_goes_on_where_hardly_more_fits() {
    for (to, most) in [(0.07, 0.05), (0.08, 0.03), (0.1, 0.01), (0.12, 0.01), (0.15, 0.01), (0.2, 0.01)] {
        let mut worst = 0.0_f64;
        for from in [5.0, 2.5, 1.0] {
            for delay in [0.001, 0.025, 0.05] {
                for seed in 0..10 {
                    let lost = lost_sound(seed, (from, to), delay);
                    assert!(lost <= most, "from {from} to {to} Mbit/s, {delay} s, seed {seed}: {lost:.3} of the sound is lost");
                    worst = worst.max(lost);
                }
            }
        }
        println!("{to} Mbit/s: {worst:.3} of the sound is lost at most");
    }
}
