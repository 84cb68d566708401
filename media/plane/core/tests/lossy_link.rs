//! What repairs bring a member whose link loses much, both ways, and what they cost: minutes in virtual time, with a browser that asks as
//! libwebrtc does. The real thing is `make bench-weak`; here a change is told from chance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "small numbers of a test")]

mod lossy;

use std::time::Duration;

use lossy::{Loss, Network, Played};
use plane_core::command::Protection;

/// Half an hour of it.
fn play(loss: Loss, rate: f64, playout: f64, protection: Protection) -> Played {
    let network = Network { loss, delay: 0.05, rate, playout };
    let protection = Protection { playout: Duration::from_secs_f64(playout), ..protection };
    (1..=30).map(|seed| network.play(protection, 60.0, seed)).fold(Played::default(), Played::and)
}

/// What policy asks for where three tenths are lost, beside keeping pictures.
const PROTECTION: Protection = Protection { retransmissions: 1, fec: 20, ..Protection::NONE };

#[test]
fn what_is_lost_is_there_before_its_picture_is_shown() {
    for (loss, frozen, rate, overhead) in [(0.2, 0.001, 29.8, 0.6), (0.3, 0.015, 28.5, 0.8)] {
        let [kept, longer] = [0.35, 0.45].map(|playout| play(Loss::Single(loss), 5e6, playout, PROTECTION));
        assert!(longer.frozen() <= frozen && longer.frozen() < 0.7 * kept.frozen(), "{loss}: {kept:?} {longer:?}");
        assert!(longer.rate() >= rate && longer.overhead() <= overhead, "{loss}: {longer:?}");
    }
}

#[test]
fn bursts_take_hardly_more_than_pictures_wait_for() {
    for (rate, frozen) in [(5e6, 0.01), (20e6, 0.006)] {
        let [close, apart] = [20, 90].map(|spacing| {
            let protection = Protection { retransmission_spacing: Duration::from_millis(spacing), ..PROTECTION };
            play(Loss::Bursts, rate, 0.7, protection)
        });
        assert!(apart.frozen() <= frozen && apart.frozen() < close.frozen(), "{rate}: {close:?} {apart:?}");
    }
}
