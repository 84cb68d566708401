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

/// What policy asks for where three tenths are lost; where a fifth is, what was lost again has a copy more.
const PROTECTION: Protection = Protection { retransmissions: 1, fec: 20, ..Protection::NONE };

#[test]
fn pictures_that_are_kept_longer_freeze_less() {
    for (loss, frozen, rate) in [(0.2, 0.003, 29.0), (0.3, 0.03, 27.0)] {
        let [kept, longer] = [0.35, 0.45].map(|playout| play(Loss::Single(loss), playout, PROTECTION));
        assert!(longer.frozen() <= frozen && longer.frozen() < 0.8 * kept.frozen(), "{loss}: {kept:?} {longer:?}");
        assert!(longer.rate() >= rate && longer.overhead() <= 1.1, "{loss}: {longer:?}");
    }
}

#[test]
fn copies_that_are_apart_outlast_bursts() {
    let [close, apart] = [20, 60].map(|spacing| {
        let protection = Protection { retransmission_spacing: Duration::from_millis(spacing), ..PROTECTION };
        play(Loss::Bursts, 0.6, protection)
    });
    assert!(apart.frozen() <= 0.06 && apart.frozen() < close.frozen(), "{close:?} {apart:?}");
}
