//! Losses of a link, and which of them come from sending too much.

/// Weight of a report in the smoothed loss.
const GAIN: f64 = 0.2;

/// Share of packets lost, smoothed, and what is usual on this link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    smoothed: f64,
    usual: f64,
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
        let towards = if self.smoothed < self.usual { 0.2 } else { 0.01 };
        self.usual += towards * gain * (self.smoothed - self.usual);
    }

    /// Share lost, 0 to 1.
    #[must_use]
    pub const fn share(&self) -> f64 {
        self.smoothed
    }

    /// Share lost beyond what is usual here.
    #[must_use]
    pub fn unusual(&self) -> f64 {
        (self.smoothed - self.usual).max(0.0)
    }
}
