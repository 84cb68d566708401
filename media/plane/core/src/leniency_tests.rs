//! Both sides: random loss is kept back, congestion never is.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may panic")]

use super::*;

/// A publisher of voice (a packet in 20 ms) whose packets wait `queue` at `second`, of which `lost` in a hundred are lost and repaired.
fn publish(leniency: &mut Leniency, seconds: std::ops::Range<u64>, lost: u64, queue: impl Fn(u64) -> u64) -> Vec<u16> {
    let mut told = Vec::new();
    for tick in seconds.start * 20..seconds.end * 20 {
        let now = Duration::from_millis(tick * 50);
        for packet in 0..5 {
            let sent = tick * 50 + packet * 10;
            let arrival = Duration::from_millis(40 + sent + queue(sent));
            leniency.on_packet(1, u32::try_from(sent * 48).unwrap(), 48_000, arrival);
        }
        (0..lost / 10).for_each(|_| leniency.on_repaired());
        told.push(leniency.widest_gap(now, 100 - lost, lost));
    }
    told
}

fn empty(_: u64) -> u64 {
    0
}

#[test]
fn random_loss_is_kept_back_once_it_was_repaired() {
    let mut leniency = Leniency::default();
    assert_eq!(leniency.widest_gap(Duration::ZERO, 80, 20), 0, "nothing has been seen to work yet");
    let told = publish(&mut leniency, 0..10, 20, empty);
    assert!(told.iter().skip(20).all(|&gap| gap == 8), "{told:?}");
}

#[test]
fn jitter_is_no_queue() {
    let told = publish(&mut Leniency::default(), 0..10, 20, |sent| sent * 7 % 30);
    assert!(told.iter().skip(20).all(|&gap| gap == 8), "{told:?}");
}

#[test]
fn nothing_is_kept_back_while_the_delay_grows_and_a_while_after() {
    let mut leniency = Leniency::default();
    publish(&mut leniency, 0..10, 10, empty);
    let full = publish(&mut leniency, 10..12, 10, |sent| (sent - 10_000) / 10);
    assert!(full.iter().skip(20).all(|&gap| gap == 0), "{full:?}");
    let after = publish(&mut leniency, 12..20, 10, empty);
    let quiet = after.iter().take_while(|&&gap| gap == 0).count();
    assert!((19..32).contains(&quiet), "a second, and what the delay's window takes: {quiet} of 50 ms");
    assert!(after.iter().skip(quiet).all(|&gap| gap == 8), "{after:?}");
}

#[test]
fn a_full_short_queue_is_congestion_too() {
    let mut leniency = Leniency::default();
    publish(&mut leniency, 0..5, 10, empty);
    let told = publish(&mut leniency, 5..20, 10, |_| 20);
    assert!(told.iter().skip(20).all(|&gap| gap == 0), "{told:?}");
}

#[test]
fn heavy_loss_is_told_and_its_coming_back_makes_quiet_longer() {
    let mut leniency = Leniency::default();
    publish(&mut leniency, 0..5, 10, empty);
    let quiet: Vec<usize> = (0..4)
        .map(|round| {
            let told = publish(&mut leniency, 5 + round * 10..8 + round * 10, 60, empty);
            assert_eq!(told.last(), Some(&0));
            let after = publish(&mut leniency, 8 + round * 10..15 + round * 10, 10, empty);
            after.iter().take_while(|&&gap| gap == 0).count()
        })
        .collect();
    assert!(quiet.is_sorted_by(|before, after| before < after), "{quiet:?}");
}

#[test]
fn what_is_not_repaired_is_told() {
    let mut leniency = Leniency::default();
    publish(&mut leniency, 0..5, 10, empty);
    leniency.on_given_up(60);
    assert_eq!(publish(&mut leniency, 5..6, 0, empty).last(), Some(&0));
    assert_eq!(publish(&mut leniency, 6..12, 10, empty).last(), Some(&8), "until it works again");
}
