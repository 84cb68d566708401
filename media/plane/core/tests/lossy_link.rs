//! What repairs bring a member whose link loses much, both ways, and what they cost: minutes in virtual time, with a browser that asks as
//! libwebrtc does. The real thing is `make bench-weak`; here a change is told from chance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "small numbers of a test")]

mod lossy;

use std::time::Duration;

use lossy::{Loss, Network, Played};
use plane_core::command::Protection;

/// Half an hour of it.
fn play(loss: Loss, playout: f64, protection: Protection) -> Played {
    let network = Network { loss, delay: 0.05, rate: 5e6, playout };
    (1..=30).map(|seed| network.play(protection, 60.0, seed)).fold(Played::default(), Played::and)
}

/// What policy asks for where a fifth or more is lost, with so many repair packets.
fn protection(fec: u8) -> Protection {
    Protection { retransmissions: 1, fec, ..Protection::NONE }
}

#[test]
fn repair_packets_bring_what_is_lost_with_the_reports_that_tell_of_it() {
    for (loss, frozen, rate, overhead) in [(0.2, 0.0015, 29.7, 0.7), (0.3, 0.02, 28.0, 0.95)] {
        let [few, many] = [20, 50].map(|fec| play(Loss::Single(loss), 0.35, protection(fec)));
        assert!(many.frozen() <= frozen && many.frozen() < 0.7 * few.frozen(), "{loss}: {few:?} {many:?}");
        assert!(many.rate() >= rate && many.overhead() <= overhead, "{loss}: {many:?}");
    }
}

#[test]
fn bursts_take_hardly_more_than_pictures_wait_for() {
    let [close, apart] = [20, 90].map(|spacing| {
        let protection = Protection { retransmission_spacing: Duration::from_millis(spacing), ..protection(20) };
        play(Loss::Bursts, 0.6, protection)
    });
    assert!(apart.frozen() <= 0.025 && apart.frozen() < close.frozen(), "{close:?} {apart:?}");
}
