//! When to send padding, to learn whether more would fit.

/// A train of padding to send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Send it at this rate, bit/s.
    pub rate: f64,
    /// So many octets in all.
    pub octets: f64,
}

/// Octets of a padding packet: RTP padding is at most 255 (RFC 3550 section 5.1), behind header and tag.
pub const PACKET_OCTETS: f64 = 290.0;
/// Packets of a probe at least: dispersion wants neighbours.
const MIN_PACKETS: f64 = 6.0;
/// How long a probe lasts at least.
const DURATION: f64 = 0.015;

/// Spaces probes: soon at first and after something changed, then ever more rarely while they find nothing.
#[derive(Clone, Copy, Debug)]
pub struct Prober {
    next: f64,
    interval: f64,
    estimate: f64,
}

/// Between the first probes.
const FIRST_INTERVAL: f64 = 0.25;
/// Between probes that find nothing new.
const MAX_INTERVAL: f64 = 1.0;

impl Default for Prober {
    fn default() -> Self {
        Self { next: 0.0, interval: FIRST_INTERVAL, estimate: 0.0 }
    }
}

impl Prober {
    /// A probe, if one is due and the estimate is below `wanted`.
    pub fn poll(&mut self, now: f64, estimate: f64, wanted: f64) -> Option<Probe> {
        if estimate >= wanted || now < self.next {
            return None;
        }
        let grew = estimate > self.estimate * 1.1;
        self.interval = if grew { FIRST_INTERVAL } else { (self.interval * 1.5).min(MAX_INTERVAL) };
        self.estimate = estimate;
        self.next = now + self.interval;
        let rate = (estimate * 2.0).min(wanted * 1.3);
        Some(Probe { rate, octets: (rate * DURATION / 8.0).max(MIN_PACKETS * PACKET_OCTETS) })
    }
}
