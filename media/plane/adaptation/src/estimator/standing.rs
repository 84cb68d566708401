//! What a queue that stands tells: whose it is, and what is left for us.

use super::{DELIVERED, Estimator};
use crate::contention::Contention;
use crate::dispersion::Evidence;
use crate::history::Acked;

/// Bits of a segment of TCP.
const SEGMENT: f64 = 12_000.0;
/// What is delivered at less than this share of the estimate is too urgent to wait for the last cut to show.
const FAR_BELOW: f64 = 0.7;
/// Links do not narrow much more often than every so many seconds. Who has to step back more often shares the link with others.
const FALLS_APART: f64 = 4.0;

impl Estimator {
    /// More comes in than goes out, from us or from others.
    pub(super) fn on_standing_queue(&mut self, now: f64, newest: Acked, least: f64, lost: f64) {
        let arrived = newest.arrived;
        let Some(delivered) = self.delivered_since(arrived - self.config.share_window) else { return };
        self.told = true;
        let even = self.dispersion.is_even();
        let dense = self.dispersion.dense(arrived - self.config.share_window).filter(|_| !even);
        let ours = if even { Some(true) } else { Contention::is_ours(delivered, dense) };
        let alone = ours == Some(true);
        if even {
            self.contention.on_even_queue();
        }
        let rtt = self.rtt.unwrap_or(0.1);
        let aside = self.contention.is_pushed_aside();
        let floor = self.contention.on_standing_queue(now, least, rtt, (self.estimate, delivered), ours);
        if self.contention.is_pushed_aside() {
            self.estimate = if aside { self.estimate } else { self.estimate.max(floor) };
            return self.compete(now, self.wait_of(newest), lost);
        }
        if alone {
            self.contention.on_alone();
        }
        let shares = self.contention.shares_queue(now, delivered, dense);
        if shares {
            // It drains by what we send less as fast as our share of it is large. Who steps back has less of it, though trains too
            // few to tell say nothing.
            let share = |rate: f64| (delivered / rate.max(1.0)).min(1.0);
            self.ours = dense.map_or_else(|| share(self.contention.link(None, true)).min(self.ours), share);
        }
        let unknown = dense.is_none() && !shares && !self.contention.expects_others();
        let alone = (alone || unknown) && !self.contention.is_contended();
        // Who sends little has, of a moment, nothing in a short queue.
        let long = least >= self.config.long_queue;
        let brief = self.contention.is_contended() && !long;
        let delivered = if brief { delivered.max(self.delivered_lately().min(self.estimate)) } else { delivered };
        // What a cut changes shows a round trip later.
        let settled = now - self.last_cut >= rtt + self.config.settling;
        // What was sent before the fall still tells the link's rate; what was sent since, only what we send.
        let narrowing = alone && !settled && newest.sent < self.last_fall;
        if !(settled || narrowing || alone && delivered < self.estimate * FAR_BELOW) {
            return;
        }
        // While it narrows not yet what drains the queue, which the last cut has begun.
        let depth = if narrowing { self.config.headroom } else { self.depth(least) };
        let kept = self.config.kept(least, self.config.shared_drain);
        // Sound and the least picture take little of the others' room: it is for them to step back.
        let floor = floor.max(self.estimate.min(self.contention.least()));
        let shared = || Contention::shared_cut(self.estimate, delivered, kept, self.contention.link(dense, long)).max(floor);
        let target = if alone { delivered * depth } else { shared() };
        if target < self.estimate {
            if target < self.estimate * FAR_BELOW && now - self.last_fall > FALLS_APART {
                self.last_fall = now;
            }
            if self.is_narrowing(now) {
                self.worsened_at = now;
            }
            self.contention.on_cut(now, delivered, target, dense);
            self.estimate = target;
            self.last_cut = now;
        } else if let Some(Evidence::Capacity(rate)) = self.dispersion.evidence(0.1, self.config.stretch).filter(|_| alone) {
            self.approach(rate * depth, 0.5, 0.5);
        }
    }

    /// Kept by a cut of ours alone.
    fn depth(&self, least: f64) -> f64 {
        match least {
            _ if least > self.config.very_long_queue => self.config.deepest_cut,
            _ if least > self.config.long_queue => self.config.deep_cut,
            _ => self.config.headroom,
        }
    }

    /// Somebody else keeps the queue full: hold against it as TCP does, by losses alone (AIMD, RFC 5681).
    fn compete(&mut self, now: f64, wait: f64, lost: f64) {
        let elapsed = (now - self.updated).clamp(0.0, 0.5);
        let rtt = self.rtt.unwrap_or(0.1);
        let kept = self.config.kept(wait, self.config.competing_drain);
        if lost >= self.config.competing_losses && self.contention.is_full(wait) {
            if now - self.last_cut > rtt {
                // A picture that comes and goes with every cut would be worse than its few losses.
                self.estimate = (self.estimate * kept).max(self.estimate.min(self.contention.least()));
                self.last_cut = now;
            }
        } else {
            let step = SEGMENT / (rtt * rtt) * 3.0 * (1.0 - kept) / (1.0 + kept);
            // What is claimed beyond what is sent meets no losses: of few packets few are lost, however much the queue drops.
            let most = self.contention.ceiling(now, || self.delivered_lately()).max(self.estimate);
            self.estimate = (self.estimate + step.max(self.config.competing_step) * elapsed).min(most);
        }
    }

    /// Rate of what arrived since then by the receiver's clock, as far back as the queue was never empty: before that the link
    /// may have had nothing to do, which says nothing about our share of it. What arrived before a burst of losses does not count
    /// either: what the link carried meanwhile nobody knows.
    fn delivered_since(&self, horizon: f64) -> Option<f64> {
        let mut behind: Option<Acked> = None;
        let standing = self.delivered.iter().rev().take_while(|(packet, waited)| {
            let hole = behind.replace(*packet).is_some_and(|behind| self.is_hole(*packet, behind));
            *waited && packet.arrived >= horizon && !hole
        });
        let (octets, bounds) = standing.fold((0.0, None), |(octets, bounds), (packet, _)| {
            (octets + packet.octets, Some((*packet, bounds.map_or(*packet, |(_, last)| last))))
        });
        let (first, last): (Acked, Acked) = bounds?;
        let copies = self.history.copied_between(first.sent, last.sent).octets() * (1.0 - self.loss.share());
        // What the link itself loses it had carried, or it could be sent more for that. Of what is lost beside a full queue that is as
        // much as is lost else.
        let full = self.is_full(self.wait_of(first).max(self.wait_of(last)));
        let share = self.loss.share();
        let most = if full { octets * share / (1.0 - share).max(0.05) } else { f64::INFINITY };
        let lost = self.history.lost_between(&first, &last).min(most);
        let span = last.arrived - first.arrived;
        // The first packet was on its way before what is counted.
        (span > 0.02).then(|| (octets - first.octets + copies + lost) * 8.0 / span)
    }

    /// Whether so much is missing between two that arrived that the queue may have been empty meanwhile.
    fn is_hole(&self, before: Acked, behind: Acked) -> bool {
        behind.sequence > before.sequence.saturating_add(1) && behind.sent - before.sent > self.wait_of(before)
    }

    /// Rate of what arrived of late, whether the queue was empty or not.
    pub(super) fn delivered_lately(&self) -> f64 {
        let octets: f64 = self.delivered.iter().map(|(packet, _)| packet.octets).sum();
        octets * 8.0 / DELIVERED
    }
}
