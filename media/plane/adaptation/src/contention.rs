//! Others on the same link: trains tell its whole rate, of which only a share is ours.

use crate::dispersion::Evidence;

/// Trains that claim so much more than what we got while the queue stood show that others were in it.
const CONTRADICTION: f64 = 1.15;
/// How long after a cut trains may confirm that.
const VERDICT: f64 = 1.0;
/// How long the share that we had is a bound.
const HOLD: f64 = 1.0;
/// Growth of the bound behind that: by so much a second, and by so much times the third power of the time, as CUBIC grows
/// (RFC 9438): slow beside the rate that was too much, fast when nothing comes of it.
const GROWTH: f64 = 30_000.0;
const CUBIC_GROWTH: f64 = 8_000.0;
/// Behind that nobody else is believed to be there.
const FORGET: f64 = 8.0;
/// A queue that stands so long although we cut is not ours.
const PUSHED_ASIDE: f64 = 2.0;
/// Having gone down to this share.
const YIELDED: f64 = 0.6;
/// And is so long.
const ASIDE_QUEUE: f64 = 0.03;
/// How long that is believed without another look.
const TEST: f64 = 15.0;
/// It has to be gone for so long to be believed.
const FREE: f64 = 2.0;

/// Remembers the share that we had when the queue grew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contention {
    cut: Option<Cut>,
    contended: bool,
    /// Since when the queue has been standing, and the estimate then.
    standing_since: Option<(f64, f64)>,
    empty_since: Option<f64>,
    /// Longest that a report's least wait has been meanwhile.
    longest: f64,
    pushed_aside: bool,
    /// The estimate at which it was last looked whether the queue is somebody else's still.
    tested: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    at: f64,
    delivered: f64,
    suspicious: bool,
}

impl Contention {
    /// The estimate was cut to what was delivered; `dense` is what trains alone said of that time.
    pub fn on_cut(&mut self, now: f64, delivered: f64, dense: Option<f64>) {
        let suspicious = dense.is_some_and(|rate| rate > delivered * CONTRADICTION);
        self.cut = Some(Cut { at: now, delivered, suspicious });
    }

    /// The queue is empty; `evidence` is what trains tell.
    pub fn on_empty_queue(&mut self, now: f64, evidence: Option<Evidence>) {
        self.standing_since = None;
        self.longest = 0.0;
        self.tested = None;
        let since = *self.empty_since.get_or_insert(now);
        if now - since > FREE {
            self.pushed_aside = false;
        }
        let (Some(cut), Some(Evidence::Capacity(rate) | Evidence::AtLeast(rate))) = (self.cut, evidence) else { return };
        if now - cut.at < VERDICT {
            self.contended |= cut.suspicious && rate > cut.delivered * CONTRADICTION;
        } else if !self.contended || now - cut.at > HOLD + FORGET {
            self.contended = false;
            self.cut = None;
        }
    }

    /// The least to claim while others keep the queue full although we cut; None: they do not. `least` is the shortest wait of the
    /// last packets.
    pub fn pushed_aside(&mut self, now: f64, least: f64, estimate: f64, delivered: f64, dense: Option<f64>) -> Option<f64> {
        let ours = Self::is_ours(delivered, dense);
        self.empty_since = None;
        let (since, before) = *self.standing_since.get_or_insert((now, estimate));
        self.longest = self.longest.max(least);
        if self.pushed_aside {
            if now - since > TEST {
                // Step back once more, to see whether the queue is somebody else's still.
                self.pushed_aside = false;
                self.standing_since = Some((now, estimate));
                self.tested = Some(estimate);
            }
        } else if !ours && now - since > PUSHED_ASIDE && estimate < before * YIELDED && least > ASIDE_QUEUE.max(self.longest * 0.6) {
            self.pushed_aside = true;
            self.standing_since = Some((now, estimate));
            return Some(self.tested.take().unwrap_or(estimate));
        }
        self.pushed_aside.then_some(estimate)
    }

    /// Whether the queue is ours: packets sent together come apart as fast as all of ours arrive, which leaves no room for others'.
    #[must_use]
    pub fn is_ours(delivered: f64, dense: Option<f64>) -> bool {
        dense.is_some_and(|rate| rate < delivered * CONTRADICTION)
    }

    /// A queue stood that was ours alone: what others were taken for was something else, or they have left.
    pub const fn on_alone(&mut self) {
        self.contended = false;
        self.pushed_aside = false;
    }

    /// Whether others use the link.
    #[must_use]
    pub const fn is_contended(&self) -> bool {
        self.contended || self.pushed_aside
    }

    /// No estimate above this from trains alone.
    #[must_use]
    pub fn ceiling(&self, now: f64) -> f64 {
        let Some(cut) = self.cut.filter(|_| self.contended) else { return f64::INFINITY };
        let time = (now - cut.at - HOLD).max(0.0);
        cut.delivered + GROWTH * time + CUBIC_GROWTH * time.powi(3)
    }
}
