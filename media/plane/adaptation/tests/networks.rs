//! Whole networks in virtual time.
mod simulation;
use simulation::{Capacity, Link, Sender, Tcp, run, run_with};

#[test]
fn table() {
    let report = |name: &str, capacity: Capacity, duration: f64, loss: f64, jitter: f64| {
        let mut link = Link::new(capacity, &[0.05]);
        link.loss = loss;
        link.jitter = jitter;
        let mut senders = [Sender::new(7, 0.05)];
        let log = std::env::var("SIM_LOG").ok().map(|dir| format!("{dir}/{name}.txt"));
        let result = run(&mut link, &mut senders, duration, log.as_deref());
        let r = &result[0];
        println!("{name:16} util {:.2} best {:.2} over {:.2} q95 {:5.0} mean {:4.0} drop {:.3} probe {:.3} sw {}", r.utilisation, r.best_layer, r.over, r.queue_p95_ms, r.queue_mean_ms, r.dropped, r.probe_share, r.switches);
    };
    report("5.1", Capacity::steps(&[(0.0, 1.0), (40.0, 2.5), (60.0, 0.6), (80.0, 1.0)]), 100.0, 0.0, 0.0);
    report("5.1j10", Capacity::steps(&[(0.0, 1.0), (40.0, 2.5), (60.0, 0.6), (80.0, 1.0)]), 100.0, 0.0, 0.01);
    report("5.1j30", Capacity::steps(&[(0.0, 1.0), (40.0, 2.5), (60.0, 0.6), (80.0, 1.0)]), 100.0, 0.0, 0.03);
    report("ample", Capacity::constant(5e6), 60.0, 0.0, 0.0);
    report("loss20", Capacity::constant(5e6), 60.0, 0.2, 0.0);
    report("0.3", Capacity::constant(0.3e6), 60.0, 0.0, 0.0);
    for name in ["norway_bus_11", "norway_car_5", "norway_ferry_20", "norway_metro_10", "oboe_114", "oboe_132", "oboe_168"] {
        let capacity = Capacity::trace(name);
        let end = capacity.end();
        report(name, capacity, end, 0.0, 0.0);
    }
}

fn jain(rates: &[f64]) -> f64 {
    let sum: f64 = rates.iter().sum();
    sum * sum / (rates.len() as f64 * rates.iter().map(|rate| rate * rate).sum::<f64>())
}

#[test]
fn several() {
    let several = |name: &str, capacity: Capacity, duration: f64, delays: &[f64], starts: &[f64], stops: &[f64]| {
        let mut link = Link::new(capacity, delays);
        let mut senders: Vec<Sender> = delays.iter().enumerate().map(|(flow, delay)| Sender::new(flow as u64, *delay)).collect();
        for (sender, start) in senders.iter_mut().zip(starts) { sender.start = *start; }
        for (sender, stop) in senders.iter_mut().zip(stops) { sender.stop = *stop; }
        let from = starts.iter().copied().fold(0.0, f64::max) + 10.0;
        for sender in &mut senders { sender.measured_from = from; }
        let log = std::env::var("SIM_LOG").ok().map(|dir| format!("{dir}/{name}.txt"));
        let result = run(&mut link, &mut senders, duration, log.as_deref());
        let rates: Vec<f64> = result.iter().zip(&senders).map(|(r, s)| r.delivered_mbps * duration / (duration.min(s.stop) - from)).collect();
        let q = result.iter().map(|r| r.queue_p95_ms).fold(0.0, f64::max);
        println!("{name:10} jain {:.2} rates {:.2?} q95 {q:.0} drop {:.3} sw {:?}", jain(&rates), rates, result[0].dropped, result.iter().map(|r| r.switches).collect::<Vec<_>>());
    };
    several("5.2", Capacity::steps(&[(0.0, 4.0), (25.0, 2.0), (50.0, 3.5), (75.0, 1.0), (100.0, 2.0)]), 125.0, &[0.05, 0.05], &[0.0, 0.0], &[]);
    several("5.4", Capacity::constant(3.5e6), 120.0, &[0.05; 3], &[0.0, 20.0, 40.0], &[]);
    several("5.5", Capacity::constant(4e6), 300.0, &[0.01, 0.025, 0.05, 0.1, 0.15], &[0.0, 10.0, 20.0, 30.0, 40.0], &[]);
    several("3x1.5", Capacity::constant(1.5e6), 120.0, &[0.05; 3], &[0.0, 20.0, 40.0], &[]);
    several("3x0.9", Capacity::constant(0.9e6), 120.0, &[0.05; 3], &[0.0, 20.0, 40.0], &[]);
    for limit in [0.3, 1.0] {
        let mut link = Link::new(Capacity::constant(2e6), &[0.05, 0.05]);
        link.limit = limit;
        let mut senders = [Sender::new(3, 0.05)];
        let mut tcps = [Tcp::new(1, 0.05)];
        let log = std::env::var("SIM_LOG").ok().map(|dir| format!("{dir}/tcp{limit}.txt"));
        let r = run_with(&mut link, &mut senders, &mut tcps, 120.0, log.as_deref());
        println!("5.6 limit {limit}: media {:.2} tcp {:.2} q95 {:.0} sw {} loss {:.3}", r[0].delivered_mbps, tcps[0].delivered * 8.0 / 120.0 / 1e6, r[0].queue_p95_ms, r[0].switches, r[0].dropped);
    }
}
