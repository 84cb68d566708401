//! Whole networks in virtual time: senders with an estimator each, one bottleneck, receivers that report.
#![allow(
    clippy::all,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    missing_docs,
    dead_code,
    reason = "test code"
)]

pub mod choice;
pub mod feedback;
pub mod link;
pub mod pictures;
pub mod repeats;
pub mod sender;
pub mod tcp;

pub use link::{Capacity, Link};
pub use sender::Sender;
pub use tcp::Tcp;

/// A step of virtual time, seconds.
pub const TICK: f64 = 0.001;

/// A small generator (SplitMix64), so that a seed says everything.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to 1, normal around half, three standard deviations either way: as RFC 8867 section 4.1 has jitter, and the test link.
    pub fn truncated_normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.next()).ln()).sqrt();
        let deviations = radius * (std::f64::consts::TAU * self.next()).cos();
        0.5 + deviations.clamp(-3.0, 3.0) / 6.0
    }
}

#[derive(Default, Debug, Clone)]
pub struct Report {
    pub utilisation: f64,
    pub best_layer: f64,
    pub queue_p95_ms: f64,
    pub queue_mean_ms: f64,
    pub dropped: f64,
    pub over: f64,
    pub repairs: f64,
    pub given_up: usize,
    pub probe_share: f64,
    pub delivered_mbps: f64,
    pub switches: usize,
    pub pacer_delay: f64,
    pub pacer_dropped: u64,
    pub audio_lost: f64,
    /// Share of the time in which the picture stood still.
    pub frozen: f64,
    /// The longest time without a picture, s: frozen, or sound alone.
    pub longest_gap: f64,
}

/// When, estimate, capacity, encoding.
type Sample = (f64, f64, f64, i32);

/// Run flows over a link for so long; a report a flow.
pub fn run(link: &mut Link, senders: &mut [Sender], duration: f64) -> Vec<Report> {
    run_with(link, senders, &mut [], duration)
}

/// The same beside TCP connections, whose flows come behind those of the senders.
pub fn run_with(link: &mut Link, senders: &mut [Sender], tcps: &mut [Tcp], duration: f64) -> Vec<Report> {
    let mut now = 0.0;
    let mut stats: Vec<Vec<Sample>> = vec![Vec::new(); senders.len()];
    while now < duration {
        step(link, senders, tcps, now);
        for (flow, sender) in senders.iter().enumerate() {
            let since_step = now - link.capacity.last_step(now);
            if since_step > 3.0 || !link.capacity.steps_are_few() {
                stats[flow].push((now, sender.estimate(), link.capacity.at(now), sender.encoding()));
            }
        }
        now += TICK;
    }
    stats.iter().enumerate().map(|(flow, samples)| report(link, &senders[flow], flow, samples, duration)).collect()
}

/// Let time pass from one moment to another.
pub fn proceed(link: &mut Link, senders: &mut [Sender], tcps: &mut [Tcp], from: f64, until: f64) {
    let mut now = from;
    while now < until {
        step(link, senders, tcps, now);
        now += TICK;
    }
}

/// A step of virtual time.
pub fn step(link: &mut Link, senders: &mut [Sender], tcps: &mut [Tcp], now: f64) {
    for (flow, sender) in senders.iter_mut().enumerate() {
        for (sequence, octets) in sender.poll(now) {
            if !link.send(now, flow, sequence, octets) {
                sender.on_lost(now + link.queue_delay(now) + link.delay[flow], sequence);
            }
        }
    }
    for tcp in tcps.iter_mut() {
        for sequence in tcp.poll(now) {
            link.send(now, tcp.flow, sequence, tcp::SEGMENT);
        }
    }
    for (arrived, flow, sequence) in link.poll(now) {
        match senders.get_mut(flow) {
            Some(sender) => sender.on_arrival(arrived, sequence),
            None => tcps[flow - senders.len()].on_arrival(arrived, sequence),
        }
    }
    for (arrived, flow, sequence) in std::mem::take(&mut link.gone) {
        if let Some(sender) = senders.get_mut(flow) {
            sender.on_lost(arrived, sequence);
        }
    }
    for sender in senders.iter_mut() {
        sender.feedback.poll(now);
    }
}

fn report(link: &Link, sender: &Sender, flow: usize, samples: &[Sample], duration: f64) -> Report {
    let top = choice::need(2);
    let count = samples.len().max(1) as f64;
    let utilisation = samples.iter().map(|(_, e, c, _)| e.min(c.min(top)) / c.min(top)).sum::<f64>() / count;
    let over = samples.iter().map(|(_, e, c, _)| (e.min(top) - c.min(top)).max(0.0) / c.min(top)).sum::<f64>() / count;
    let best = samples.iter().filter(|sample| is_best(link, sample)).count() as f64 / count;
    let mut waits: Vec<f64> = link.waits.iter().filter(|(f, _)| *f == flow).map(|(_, wait)| *wait).collect();
    waits.sort_by(f64::total_cmp);
    let p95 = waits.get(waits.len() * 95 / 100).copied().unwrap_or(0.0);
    Report {
        utilisation,
        best_layer: best,
        queue_p95_ms: p95 * 1e3,
        queue_mean_ms: waits.iter().sum::<f64>() / waits.len().max(1) as f64 * 1e3,
        dropped: link.dropped as f64 / (link.dropped as usize + waits.len()).max(1) as f64,
        over,
        repairs: sender.repair_octets / sender.sent_octets,
        given_up: sender.given_up,
        probe_share: sender.probe_octets / sender.sent_octets,
        delivered_mbps: sender.arrived_octets * 8.0 / duration / 1e6,
        switches: sender.switches,
        pacer_delay: sender.pacer_delay,
        pacer_dropped: sender.pacer_dropped,
        frozen: sender.pictures.frozen / duration,
        longest_gap: sender.pictures.longest_gap(duration),
        audio_lost: 1.0 - sender.audio_arrived / sender.audio_sent.max(1.0),
    }
}

/// Whether the encoding is the best that fits, as `loadtests/weak/figures.py` says: it may lag the least capacity of 3 s, and exceed
/// what fits for 300 ms.
fn is_best(link: &Link, (now, _, _, encoding): &Sample) -> bool {
    let among = |window: f64, choose: fn(f64, f64) -> f64| {
        let at = (0..=30).map(|part| link.capacity.at((now - window * f64::from(part) / 30.0).max(0.0)));
        choice::best_encoding(at.reduce(choose).unwrap())
    };
    *encoding >= among(3.0, f64::min) && *encoding <= among(0.3, f64::max)
}
