//! Losses of a link.

/// Weight of a report in the smoothed loss.
const GAIN: f64 = 0.1;
/// All that is lost for so long is an outage: bursts of loss on the air are shorter.
const OUTAGE: f64 = 0.5;

/// Packets that a report tells as lost, but for those that an outage took: copies do not help against it, nor does sending less.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses {
    count: f64,
    /// Losses since a packet arrived: when the first and the last was sent, and how many they are.
    run: Option<(f64, f64, f64)>,
}

impl Losses {
    /// A packet sent then is lost.
    pub fn lost(&mut self, sent: f64) {
        let (first, _, count) = self.run.unwrap_or((sent, sent, 0.0));
        self.run = Some((first, sent, count + 1.0));
    }

    /// A packet arrived: what was lost before it is settled.
    pub fn settle(&mut self) {
        if let Some((_, _, count)) = self.run.take().filter(|(first, last, _)| last - first < OUTAGE) {
            self.count += count;
        }
    }

    /// What a packet that came by its copy, or late, says of an earlier report.
    pub fn add(&mut self, count: f64) {
        self.count += count;
    }

    /// How many there are. Of a report with more late arrivals than losses nothing was lost.
    #[must_use]
    pub fn count(mut self) -> f64 {
        self.settle();
        self.count.max(0.0)
    }
}

/// Share of packets lost, smoothed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    smoothed: f64,
}

impl Loss {
    /// Take in a report of so many packets.
    pub fn on_report(&mut self, lost: f64, arrived: f64) {
        let total = lost + arrived;
        if total <= 0.0 {
            return;
        }
        // Few packets say little.
        let gain = GAIN * (total / 10.0).min(1.0);
        self.smoothed += gain * (lost / total - self.smoothed);
    }

    /// Share lost, 0 to 1.
    #[must_use]
    pub const fn share(&self) -> f64 {
        self.smoothed
    }
}
