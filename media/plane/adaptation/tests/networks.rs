//! Whole networks in virtual time: RFC 8867 cases and measured traces, one bottleneck, drop-tail.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "test code")]

mod simulation;

use simulation::{Capacity, Link, Random, Report, Sender, Tcp, proceed, run, run_with, step};

/// One sender, 50 ms each way.
fn alone(capacity: Capacity, duration: f64, change: impl FnOnce(&mut Link)) -> Report {
    let mut link = Link::new(capacity, &[0.05]);
    change(&mut link);
    let mut sender = Sender::new(7, 0.05);
    sender.protects = true;
    let report = run(&mut link, &mut [sender], duration).remove(0);
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

/// Means of some seeds, because where arrivals waver by 30 ms a single run may doubt a layer for half of its time.
#[test]
fn a_capacity_that_changes_is_followed() {
    let steps = || Capacity::steps(&[(0.0, 1.0), (40.0, 2.5), (60.0, 0.6), (80.0, 1.0)]);
    for (jitter, used) in [(0.0, 0.9), (0.01, 0.9), (0.03, 0.85)] {
        let reports: Vec<Report> = (1..=6)
            .map(|seed| {
                alone(steps(), 100.0, |link| {
                    link.jitter = jitter;
                    link.random = Random(seed);
                })
            })
            .collect();
        let mean = |of: fn(&Report) -> f64| reports.iter().map(of).sum::<f64>() / reports.len() as f64;
        let (utilisation, best) = (mean(|report| report.utilisation), mean(|report| report.best_layer));
        assert!(utilisation >= used && best >= 0.9, "{jitter}: {utilisation} {best}");
        let each = |report: &Report| jitter > 0.01 || report.utilisation >= used && report.best_layer >= 0.9;
        assert!(reports.iter().all(each), "{jitter}: {reports:?}");
        assert!(reports.iter().all(|report| report.queue_p95_ms <= 40.0 && report.over < 0.05), "{jitter}: {reports:?}");
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

/// Mean of the loss that the estimator tells, the share of reports at which it is what makes policy begin with copies, and what of
/// all packets the link really lost.
fn told_losses(mut link: Link, copies: (u32, f64), duration: f64) -> (f64, f64, f64) {
    let mut sender = Sender::new(7, 0.05);
    sender.copies = copies;
    let report = run(&mut link, std::slice::from_mut(&mut sender), duration).remove(0);
    let count = sender.losses.len() as f64;
    let told = sender.losses.iter().sum::<f64>() / count;
    let above = sender.losses.iter().filter(|loss| **loss >= 0.03).count() as f64 / count;
    println!("{copies:?}: told {told:.4}, above {above:.3}, audio lost {:.4}, {report:.2?}", report.audio_lost);
    (told, above, report.dropped)
}

#[test]
fn queues_are_no_losses_because_there_are_copies() {
    let steps = || Link::new(Capacity::steps(&[(0.0, 1.0), (20.0, 2.5), (30.0, 0.6), (45.0, 1.0)]), &[0.05]);
    let narrow = || Link::new(Capacity::steps(&[(0.0, 0.6), (20.0, 0.35), (40.0, 0.6)]), &[0.05]);
    for link in [steps, narrow, || Link::new(Capacity::trace("norway_bus_11"), &[0.05])] {
        for limit in [0.3, 1.0] {
            let told = |copies| {
                let mut link = link();
                link.limit = limit;
                told_losses(link, copies, 60.0)
            };
            let (without, with) = (told((0, 0.0)), told((1, 0.08)));
            assert!(with.0 <= without.0 + 0.01 && with.1 <= without.1 + 0.03, "{with:?}, {without:?} without");
            let more = told((3, 0.053));
            assert!(more.0 <= more.2 + 0.01, "{more:?}");
        }
    }
}

#[test]
fn copies_do_not_hide_what_a_link_loses() {
    for (loss, copies) in [(0.1, (1, 0.08)), (0.3, (3, 0.053)), (0.6, (7, 0.022))] {
        let mut link = Link::new(Capacity::constant(5e6), &[0.05]);
        link.loss = loss;
        let (told, ..) = told_losses(link, copies, 30.0);
        assert!((told - loss).abs() <= 0.15 * loss, "{told} of {loss}");
    }
}

#[test]
fn measured_networks_are_used_and_their_queues_kept_short() {
    for name in ["norway_bus_11", "norway_car_5", "norway_ferry_20", "norway_metro_10", "oboe_114", "oboe_132", "oboe_168"] {
        let capacity = Capacity::trace(name);
        let end = capacity.end();
        let report = alone(capacity, end, |_| {});
        assert!(report.utilisation >= 0.85 && report.queue_p95_ms <= 60.0, "{name}: {report:?}");
        assert!(report.best_layer >= 0.75, "{name}: {report:?}");
    }
}

#[test]
fn flows_share_a_link_alike() {
    let (rates, queue) = together(Capacity::constant(3.5e6), 120.0, &[0.05; 3], &[0.0, 20.0, 40.0]);
    assert!(jain(&rates) >= 0.9 && queue <= 150.0, "{rates:?}, {queue} ms");
    let (rates, queue) = together(Capacity::constant(4e6), 300.0, &[0.01, 0.025, 0.05, 0.1, 0.15], &[0.0, 10.0, 20.0, 30.0, 40.0]);
    assert!(jain(&rates) >= 0.9 && queue <= 100.0, "{rates:?}, {queue} ms");
}

/// RFC 8867 section 5.6: of 2 Mbit/s one of two has a right to 1; 30 % of that are 0.3.
#[test]
fn a_long_tcp_connection_leaves_a_share() {
    for limit in [0.3, 1.0] {
        let mut link = Link::new(Capacity::constant(2e6), &[0.05, 0.05]);
        link.limit = limit;
        let mut tcps = [Tcp::new(1, 0.05)];
        let report = run_with(&mut link, &mut [Sender::new(3, 0.05)], &mut tcps, 120.0).remove(0);
        println!("beside TCP, queue {limit} s: {report:.2?}");
        assert!(report.delivered_mbps >= 0.3 && tcps[0].delivered > 0.0, "{report:?}");
        // Pictures do not wait for a queue that is not theirs, from the first one on.
        assert!(report.longest_gap <= 2.0, "{report:?}");
    }
}

/// A link that a seed makes: a capacity that changes every few seconds, delay, jitter, loss and a queue of some length.
fn random_link(random: &mut Random) -> (Link, f64) {
    let (mut steps, mut at) = (Vec::new(), 0.0);
    while at < 30.0 {
        steps.push((at, 0.3 * 15_f64.powf(random.next())));
        at += 5.0 + 10.0 * random.next();
    }
    let delay = 0.005 + 0.1 * random.next();
    let mut link = Link::new(Capacity::steps(&steps), &[delay]);
    link.jitter = if random.next() < 0.3 { 0.02 * random.next() } else { 0.0 };
    // Of any kind: RFC 8867's cases have the other one.
    link.is_jitter_uniform = true;
    link.loss = if random.next() < 0.3 { 0.1 * random.next() } else { 0.0 };
    link.limit = 0.2 + 0.4 * random.next();
    (link, delay)
}

/// Whatever the network is: it is used, its queue is kept short, layers do not oscillate, sound comes, and nothing waits for ever.
/// Thresholds were tuned on seeds 0 to 149 alone; the others are fresh.
#[test]
fn hundreds_of_random_networks_hold_what_is_promised() {
    for seeds in [0..150, 150..300] {
        hold_on_random_networks(seeds);
    }
}

fn hold_on_random_networks(seeds: std::ops::Range<u64>) {
    let mut reports: Vec<(Report, f64)> = Vec::new();
    for seed in seeds.clone() {
        let (mut link, delay) = random_link(&mut Random(seed));
        let mut sender = Sender::new(seed, delay);
        sender.protects = true;
        let report = run(&mut link, std::slice::from_mut(&mut sender), 30.0).remove(0);
        assert!(report.utilisation > 0.6 && report.switches <= 30, "seed {seed}: {report:?}");
        assert!(report.pacer_dropped == 0, "seed {seed}: {report:?}");
        // The least picture fits all of these links at all times.
        assert!(report.longest_gap <= 1.95 && report.delivered_mbps >= 0.2, "seed {seed}: {report:?}");
        if report.queue_p95_ms > 150.0 {
            println!("seed {seed}: {:.1?} {report:.2?}", link.capacity.steps);
        }
        reports.push((report, link.loss));
    }
    let at = |of: fn(&(Report, f64)) -> f64, shares: [f64; 3]| {
        let mut values: Vec<f64> = reports.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        shares.map(|share| values[(share * (values.len() - 1) as f64) as usize])
    };
    let utilisation = at(|(report, _)| report.utilisation, [0.0, 0.05, 0.5]);
    let queue = at(|(report, _)| report.queue_p95_ms, [0.5, 0.95, 1.0]);
    let switches = at(|(report, _)| report.switches as f64, [0.5, 0.95, 1.0]);
    let audio = at(|(report, _)| report.audio_lost, [0.5, 0.95, 1.0]);
    // Beyond what the link loses of everything.
    let beyond = at(|(report, loss)| report.audio_lost - loss, [0.5, 0.95, 1.0]);
    let frozen = at(|(report, _)| report.frozen, [0.5, 0.95, 1.0]);
    let gap = at(|(report, _)| report.longest_gap, [0.5, 0.95, 1.0]);
    let best = at(|(report, _)| report.best_layer, [0.0, 0.05, 0.5]);
    let delivered = at(|(report, _)| report.delivered_mbps, [0.0, 0.05, 0.5]);
    let long = reports.iter().filter(|(report, _)| report.queue_p95_ms > 150.0).count();
    println!(
        "{seeds:?}: utilisation {utilisation:.2?} best {best:.2?} delivered {delivered:.2?} queue {queue:.0?}, {long} long, switches {switches:?} \
         audio lost {audio:.4?}, beyond the link's {beyond:.4?}, frozen {frozen:.3?}, without a picture {gap:.2?} s"
    );
    assert!(beyond[1] <= 0.0065 && beyond[2] <= 0.01, "{beyond:?}");
    assert!(audio[1] <= 0.015 && audio[2] <= 0.029, "{audio:?}");
    assert!(frozen[1] <= 0.125 && frozen[2] <= 0.31, "{frozen:?}");
    assert!(best[1] >= 0.3 && best[2] >= 0.95, "{best:?}");
    assert!(
        utilisation[0] >= 0.7 && utilisation[2] >= 0.9 && queue[0] <= 40.0 && queue[1] <= 110.0 && long <= 3 && switches[1] <= 12.0,
        "{utilisation:?} {queue:?} {switches:?}"
    );
}

/// Where jitter or losses are large and the link narrow estimates waver by more than a level takes.
#[test]
fn a_constant_link_sees_a_switch_a_minute_at_most() {
    let (mut many, mut most, mut links) = (0, 0, 0);
    for (seed, rate) in [0.2e6, 0.3e6, 0.45e6, 0.6e6, 0.7e6, 0.9e6, 1.15e6, 1.4e6, 1.9e6, 2.1e6, 3e6].into_iter().enumerate() {
        for (loss, jitter) in [(0.0, 0.0), (0.1, 0.0), (0.0, 0.03), (0.1, 0.01)] {
            let mut link = Link::new(Capacity::constant(rate), &[0.05]);
            (link.loss, link.jitter) = (loss, jitter);
            let mut sender = [Sender::new(seed as u64, 0.05)];
            sender[0].protects = true;
            // The first half minute finds out what the link is.
            run(&mut link, &mut sender, 30.0);
            let before = sender[0].switches;
            proceed(&mut link, &mut sender, &mut [], 30.0, 630.0);
            let switches = sender[0].switches - before;
            println!("{rate} {loss} {jitter}: {switches} switches in ten minutes, encoding {}", sender[0].encoding());
            links += 1;
            many += usize::from(switches > 10);
            most = most.max(switches);
        }
    }
    println!("{many} of {links} links saw more than a switch a minute, the worst {most} in ten");
    assert!(many == 0, "{many} {most}");
}

#[test]
fn an_outage_is_over_when_it_is_over() {
    for rate in [0.6e6, 1e6, 2.5e6, 5e6] {
        let mut link = Link::new(Capacity::constant(rate), &[0.05]);
        link.outages = vec![(20.0, 22.0)];
        let mut sender = [Sender::new(7, 0.05)];
        sender[0].protects = true;
        run(&mut link, &mut sender, 22.0);
        let (before, encoding) = (link.waits.len(), sender[0].encoding());
        proceed(&mut link, &mut sender, &mut [], 22.0, 26.0);
        let longest = link.waits[before..].iter().map(|(_, wait)| *wait).fold(0.0, f64::max);
        println!("{rate}: queue {:.0} ms at most, encoding {encoding} and then {}", longest * 1e3, sender[0].encoding());
        assert!(longest <= 0.1 && sender[0].encoding() >= encoding, "{longest}");
        assert!(sender[0].copies.0 == 0, "what an outage took is not lost by the link");
    }
}

/// When, after `from`, the estimate first is as `reached` says; nothing is judged before.
fn time_until(capacity: Capacity, from: f64, reached: impl Fn(&Sender) -> bool) -> f64 {
    let mut link = Link::new(capacity, &[0.05]);
    let mut sender = [Sender::new(7, 0.05)];
    run(&mut link, &mut sender, from);
    let mut now = from;
    while !reached(&sender[0]) && now < from + 20.0 {
        step(&mut link, &mut sender, &mut [], now);
        now += simulation::TICK;
    }
    now - from
}

#[test]
fn the_first_estimate_comes_with_the_first_report_and_room_is_found_soon() {
    for rate in [0.3e6, 1e6, 5e6] {
        let first = time_until(Capacity::constant(rate), 0.0, |sender| sender.estimator.is_told());
        let found = time_until(Capacity::steps(&[(0.0, 0.6), (20.0, 2.5)]), 20.0, |sender| sender.encoding() == 2);
        println!("{rate}: first estimate after {first:.3} s, the best layer {found:.1} s after a step up");
        assert!(first <= 0.3 && found <= 3.0, "{first} {found}");
    }
}

/// From 2.5 to 0.6 Mbit/s at `at`: when the estimate is within the new capacity, when less than 120 ms stand in the queue for good, and
/// how many packets the queue drops.
fn narrowed(seed: u64, at: f64, report_interval: f64) -> (f64, f64, u64) {
    let mut link = Link::new(Capacity::steps(&[(0.0, 2.5), (at, 0.6)]), &[0.05]);
    let mut sender = [Sender::new(seed, 0.05)];
    sender[0].feedback.interval = report_interval;
    run(&mut link, &mut sender, at);
    let (mut now, mut told, mut full) = (at, f64::NAN, at);
    while now < at + 2.0 {
        step(&mut link, &mut sender, &mut [], now);
        told = if told.is_nan() && sender[0].estimate() <= 0.6e6 { now } else { told };
        full = if link.queue_delay(now) > 0.12 { now } else { full };
        now += simulation::TICK;
    }
    println!("{seed}: told after {:.3} s, drained after {:.3} s, {} dropped", told - at, full - at, link.dropped);
    (told - at, full - at, link.dropped)
}

#[test]
fn a_link_that_narrows_far_is_noticed_at_once_and_its_queue_drained() {
    for seed in [3, 7, 11, 19] {
        let (told, full, _) = narrowed(seed, 20.0, 0.1);
        assert!(told <= 0.3 && full <= 0.55, "{seed}: {told} {full}");
    }
}

/// Wherever between two pictures and two reports it comes.
#[test]
fn a_link_that_narrows_far_drops_few_packets() {
    let dropped: u64 = (0..12).map(|seed| narrowed(seed, 20.0 + 0.011 * seed as f64, 0.06).2).sum();
    assert!(dropped <= 14 * 12, "{dropped}");
}

/// A route that becomes longer, as at a handover, looks like a queue that somebody else keeps, and what the link loses like what that drops.
#[test]
fn a_route_that_becomes_longer_is_believed_in_time_though_the_link_loses() {
    for (seed, loss) in [(1, 0.0), (2, 0.03), (3, 0.1)] {
        let mut link = Link::new(Capacity::constant(3e6), &[0.05]);
        (link.loss, link.jitter, link.random) = (loss, 0.01, Random(seed));
        let mut senders = [Sender::new(seed, 0.05)];
        senders[0].protects = true;
        proceed(&mut link, &mut senders, &mut [], 0.0, 20.0);
        link.delay[0] += 0.12;
        proceed(&mut link, &mut senders, &mut [], 20.0, 200.0);
        let [sender] = &senders;
        println!("{loss}: {:.2} Mbit/s, pushed aside: {}", sender.estimate() * 1e-6, sender.estimator.is_pushed_aside());
        assert!(!sender.estimator.is_pushed_aside() && sender.estimate() > 1.9e6, "{loss}: {}", sender.estimate());
    }
}
