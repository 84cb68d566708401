//! What is beyond a rate may be dropped, with no queue that tells.

use super::Estimator;
use crate::loss::{Loss, Onset};
use crate::policed::Verdict;

impl Estimator {
    /// A packet was told as arrived or lost.
    pub(super) fn on_told(&mut self, sent: f64, octets: f64, arrived: bool) {
        self.policed.on_packet(sent, octets, arrived, |from, to| self.history.copied_between(from, to));
    }

    /// Send no more than passes.
    pub(super) fn mind_policer(&mut self, now: f64) {
        let lossy = self.loss.share() >= self.config.lossy && !self.contention.is_contended();
        let verdict = self.policed.on_report(now, self.estimate, lossy, |from, to| self.history.copied_between(from, to));
        match verdict {
            Some(Verdict::Bound) => self.worsened_at = now,
            Some(Verdict::Confirmed) => (self.loss, self.onset) = (Loss::default(), Onset::default()),
            Some(Verdict::Refuted(before)) => self.estimate = self.estimate.max(before),
            None => {}
        }
        self.estimate = self.estimate.min(self.policed.bound(now)).max(self.config.min);
    }

    /// Whether what is beyond a rate is dropped: probing for more would only lose.
    #[must_use]
    pub fn is_policed(&self, now: f64) -> bool {
        self.policed.bound(now) < self.config.max
    }
}
