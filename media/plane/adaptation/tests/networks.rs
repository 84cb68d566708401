//! Whole networks in virtual time: RFC 8867 cases and measured traces, one bottleneck, drop-tail.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "test code")]

mod simulation;

use simulation::{Capacity, Link, Report, Sender, Tcp, run, run_with};

/// One sender, 50 ms each way.
fn alone(capacity: Capacity, duration: f64, change: impl FnOnce(&mut Link)) -> Report {
    let mut link = Link::new(capacity, &[0.05]);
    change(&mut link);
    let report = run(&mut link, &mut [Sender::new(7, 0.05)], duration).remove(0);
    println!("{report:.2?}");
    report
}

/// Delivered Mbit/s of each flow once all have been there for 10 s, and the worst p95 of the queue in ms.
fn together(capacity: Capacity, duration: f64, delays: &[f64], starts: &[f64]) -> (Vec<f64>, f64) {
    let mut link = Link::new(capacity, delays);
    let from = starts.iter().copied().fold(0.0, f64::max) + 10.0;
    let mut senders: Vec<Sender> = (0_u64..).zip(delays).map(|(seed, delay)| Sender::new(seed, *delay)).collect();
    for (sender, start) in senders.iter_mut().zip(starts) {
        (sender.start, sender.measured_from) = (*start, from);
    }
    let reports = run(&mut link, &mut senders, duration);
    let rates = reports.iter().map(|report| report.delivered_mbps * duration / (duration - from)).collect();
    let queue = reports.iter().map(|report| report.queue_p95_ms).fold(0.0, f64::max);
    println!("{rates:.2?} {queue:.0} ms");
    (rates, queue)
}

/// Jain's index of fairness (RFC 5166 section 2.3.1): 1 is equal.
fn jain(rates: &[f64]) -> f64 {
    let sum: f64 = rates.iter().sum();
    sum * sum / (rates.len() as f64 * rates.iter().map(|rate| rate * rate).sum::<f64>())
}

#[test]
fn a_capacity_that_changes_is_followed() {
    let steps = || Capacity::steps(&[(0.0, 1.0), (40.0, 2.5), (60.0, 0.6), (80.0, 1.0)]);
    for jitter in [0.0, 0.01] {
        let report = alone(steps(), 100.0, |link| link.jitter = jitter);
        assert!(report.utilisation >= 0.9 && report.best_layer >= 0.9, "{report:?}");
        assert!(report.queue_p95_ms <= 40.0 && report.over < 0.05, "{report:?}");
    }
}

#[test]
fn large_pictures_that_are_not_paced_are_not_taken_for_others() {
    for every in [2.0, 3.1, 5.9] {
        let mut link = Link::new(Capacity::steps(&[(0.0, 1.0), (40.0, 2.5), (60.0, 0.6), (80.0, 1.0)]), &[0.05]);
        let mut sender = Sender::new(7, 0.05);
        sender.bursts_every = Some(every);
        let report = run(&mut link, std::slice::from_mut(&mut sender), 100.0).remove(0);
        println!("{every} {:.1} s, {report:.2?}", sender.contended);
        assert!(sender.contended < 1.0 && report.utilisation >= 0.85, "{} s, {report:?}", sender.contended);
    }
}

#[test]
fn random_loss_is_not_taken_for_congestion() {
    for loss in [0.05, 0.2, 0.3] {
        let report = alone(Capacity::constant(5e6), 60.0, |link| link.loss = loss);
        assert!(report.utilisation >= 0.98 && report.best_layer >= 0.95, "{report:?}");
    }
}

#[test]
fn measured_networks_are_used_and_their_queues_kept_short() {
    for name in ["norway_bus_11", "norway_car_5", "norway_ferry_20", "norway_metro_10", "oboe_114", "oboe_132", "oboe_168"] {
        let capacity = Capacity::trace(name);
        let end = capacity.end();
        let report = alone(capacity, end, |_| {});
        assert!(report.utilisation >= 0.85 && report.queue_p95_ms <= 150.0, "{name}: {report:?}");
    }
}

#[test]
fn flows_share_a_link_alike() {
    let (rates, queue) = together(Capacity::constant(3.5e6), 120.0, &[0.05; 3], &[0.0, 20.0, 40.0]);
    assert!(jain(&rates) >= 0.9 && queue <= 150.0, "{rates:?}, {queue} ms");
    let (rates, _) = together(Capacity::constant(4e6), 300.0, &[0.01, 0.025, 0.05, 0.1, 0.15], &[0.0, 10.0, 20.0, 30.0, 40.0]);
    assert!(jain(&rates) >= 0.9, "{rates:?}");
}

#[test]
fn a_long_tcp_connection_leaves_a_share() {
    let mut link = Link::new(Capacity::constant(2e6), &[0.05, 0.05]);
    let mut tcps = [Tcp::new(1, 0.05)];
    let report = run_with(&mut link, &mut [Sender::new(3, 0.05)], &mut tcps, 120.0).remove(0);
    assert!(report.delivered_mbps >= 0.3 && tcps[0].delivered > 0.0, "{report:?}");
}
