//! Whether what becomes of packets goes together with what a policer's bucket would hold when they are sent.

/// What is in the bucket is forgotten within so many seconds: its rate is not known exactly.
const LEAK: f64 = 0.3;
/// Weight of a packet in the comparison: of some hundreds.
const WEIGHT: f64 = 1.0 / 300.0;
/// Packets are compared with those of the same so many seconds. Where chance begins to take some, answers to that empty the bucket
/// more from then on: across that moment both go together although neither comes of the other.
const WINDOW: f64 = 0.3;
/// In which what arrived counts e times less, seconds: the same for small packets and large ones, however many of them there are.
const MEMORY: f64 = 0.7;

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

/// How far what the bucket holds and what becomes of packets go together, and how many arrive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comparison {
    window: Window,
    within: Within,
    /// When the last packet was sent; weighted sums over packets since.
    at: f64,
    weights: f64,
    squared_weights: f64,
    arrived: f64,
}

/// Sums over the packets of a window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    /// Of windows since time 0, a whole number.
    index: f64,
    count: f64,
    held: f64,
    squared_held: f64,
    arrived: f64,
    both: f64,
}

/// Weighted sums over complete windows, of deviations from each one's mean; a window of one packet tells nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Within {
    weights: f64,
    squared_weights: f64,
    squared_held: f64,
    squared_arrived: f64,
    both: f64,
}

impl Within {
    fn add(&mut self, window: &Window) {
        let (count, held, arrived) = (window.count, window.held, window.arrived);
        if count < 2.0 {
            return;
        }
        let kept = (1.0 - WEIGHT).powf(count);
        self.weights = self.weights * kept + count - 1.0;
        self.squared_weights = self.squared_weights * kept * kept + count - 1.0;
        self.squared_held = self.squared_held * kept + window.squared_held - held * held / count;
        self.squared_arrived = self.squared_arrived * kept + arrived - arrived * arrived / count;
        self.both = self.both * kept + window.both - held * arrived / count;
    }
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
    pub fn add(&mut self, sent: f64, held: f64, arrived: bool) {
        let arrived = f64::from(u8::from(arrived));
        let kept = ((self.at - sent).min(0.0) / MEMORY).exp();
        self.at = sent.max(self.at);
        self.weights = self.weights * kept + 1.0;
        self.squared_weights = self.squared_weights * kept * kept + 1.0;
        self.arrived = self.arrived * kept + arrived;
        let index = (sent / WINDOW).floor();
        if index > self.window.index {
            self.within.add(&std::mem::replace(&mut self.window, Window { index, ..Window::default() }));
        }
        let window = &mut self.window;
        window.count += 1.0;
        window.held += held;
        window.squared_held += held * held;
        window.arrived += arrived;
        window.both += held * arrived;
    }

    /// The correlation, and that in standard deviations of chance's.
    #[must_use]
    pub fn together(&self) -> (f64, f64) {
        let Within { weights, squared_weights, squared_held, squared_arrived, both } = self.within;
        let spread = squared_held.max(0.0) * squared_arrived.max(0.0);
        let together = if spread > 0.0 { both / spread.sqrt() } else { 0.0 };
        (together, together * weights / squared_weights.max(1.0).sqrt())
    }

    /// Share that arrives, and its variance where chance decides.
    #[must_use]
    pub fn share(&self) -> (f64, f64) {
        let share = self.arrived / self.weights.max(1.0);
        (share, share * (1.0 - share) * self.squared_weights / (self.weights * self.weights).max(1.0))
    }
}
