//! Whether what becomes of packets goes together with what a policer's bucket would hold when they are sent.

/// What is in the bucket is forgotten within so many seconds: its rate is not known exactly.
const LEAK: f64 = 0.3;
/// Weight of a packet in the comparison: of some hundreds.
const WEIGHT: f64 = 1.0 / 300.0;

/// What a policer of the rate at which packets arrive would hold, octets, but for a constant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// What is in it.
    pub octets: f64,
    /// When it held that.
    pub at: f64,
    /// Octets a second that arrive.
    pub rate: f64,
}

/// How far what the bucket holds and what becomes of packets go together: weighted sums over packets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comparison {
    weights: f64,
    squared_weights: f64,
    held: f64,
    squared_held: f64,
    arrived: f64,
    both: f64,
}

impl Bucket {
    /// What it holds when a packet is sent, where so many octets of copies arrived since the one before.
    pub fn on_sent(&mut self, sent: f64, copies: f64) -> f64 {
        let elapsed = (sent - self.at).max(0.0);
        // What has come in since leaks too: a pause must not look like a full bucket.
        let kept = (-elapsed / LEAK).exp();
        self.octets = self.octets * kept + self.rate * LEAK * (1.0 - kept) - copies;
        self.at = sent.max(self.at);
        self.octets
    }
}

impl Comparison {
    /// The bucket held so much when a packet was sent, which arrived or did not.
    pub fn add(&mut self, held: f64, arrived: bool) {
        let (kept, arrived) = (1.0 - WEIGHT, f64::from(u8::from(arrived)));
        self.weights = self.weights * kept + 1.0;
        self.squared_weights = self.squared_weights * kept * kept + 1.0;
        self.held = self.held * kept + held;
        self.squared_held = self.squared_held * kept + held * held;
        self.arrived = self.arrived * kept + arrived;
        self.both = self.both * kept + held * arrived;
    }

    /// The correlation, and that in standard deviations of chance's.
    #[must_use]
    pub fn together(&self) -> (f64, f64) {
        let mean = |sum: f64| sum / self.weights.max(1.0);
        let (held, arrived) = (mean(self.held), mean(self.arrived));
        let spread = (mean(self.squared_held) - held * held).max(0.0) * (arrived * (1.0 - arrived)).max(0.0);
        let together = if spread > 0.0 { (mean(self.both) - held * arrived) / spread.sqrt() } else { 0.0 };
        let packets = self.weights * self.weights / self.squared_weights.max(1.0);
        (together, together * packets.sqrt())
    }

    /// Share that arrives, and its variance where chance decides.
    #[must_use]
    pub fn share(&self) -> (f64, f64) {
        let share = self.arrived / self.weights.max(1.0);
        (share, share * (1.0 - share) * self.squared_weights / (self.weights * self.weights).max(1.0))
    }
}
