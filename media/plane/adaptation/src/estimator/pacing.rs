//! What the link is held for while packets leave.

use super::Estimator;

impl Estimator {
    /// What to pace by: bit/s that the link is held for, and how long what leaves now will wait in its queue, seconds. Both are those
    /// believed, or those of a link that the last report makes suspect to have become much narrower ([`Caution`](crate::caution::Caution)).
    #[must_use]
    pub fn pace(&self, now: f64) -> (f64, f64) {
        let suspected = self.caution.suspected(now).filter(|_| !self.is_contended());
        suspected.map_or_else(|| (self.estimate, self.queue_ahead(now)), |rate| (rate, self.on_the_way(now, rate)))
    }

    /// How long what leaves now will wait, where that gets shorter if we send less. What the last report told is a round trip old: when
    /// the link has just narrowed, what was sent since is in the queue too, but for what was drained and what a full queue dropped.
    /// Later it is told by reports, and not all of what stands in a queue may be ours.
    #[must_use]
    pub fn queue_ahead(&self, now: f64) -> f64 {
        if self.is_narrowing(now) && !self.is_contended() && self.ours >= 1.0 {
            self.on_the_way(now, self.estimate)
        } else {
            self.own_queue().min(self.config.very_long_queue)
        }
    }

    /// How long what is on the way stands in the queue of a link of such a rate.
    fn on_the_way(&self, now: f64, rate: f64) -> f64 {
        let Some((newest, wait)) = self.newest else { return 0.0 };
        let (mut queue, mut at) = (wait, newest.sent);
        for (sent, octets) in self.history.sent_behind(&newest) {
            queue = (queue - (sent - at)).max(0.0);
            at = sent;
            let more = octets * 8.0 / rate.max(1.0);
            queue += if queue + more <= self.config.longest_queue { more } else { 0.0 };
        }
        (queue - (now - at)).max(0.0)
    }

    /// Whether the link has just become much narrower. What arrived before that makes the first reports say too little of it.
    pub(super) fn is_narrowing(&self, now: f64) -> bool {
        now - self.last_fall < self.config.narrowing
    }
}
