//! Others on the same link: trains tell its whole rate, of which only a share is ours.

use crate::aside::Aside;
use crate::dispersion::Evidence;

/// Trains that claim so much more than what we got while the queue stood show that others were in it.
const CONTRADICTION: f64 = 1.15;
/// Reports in a row that have to: the first one behind a link's becoming narrower tells of both rates.
const CONTRADICTIONS: u32 = 2;
/// How long after a cut trains may confirm that.
const VERDICT: f64 = 1.0;
/// How long what a cut kept is a bound.
const HOLD: f64 = 1.0;
/// Growth of the bound behind that: by so much a second, and by so much times the third power of the time, as CUBIC grows
/// (RFC 9438): slow beside the rate that was too much, fast when nothing comes of it.
const GROWTH: f64 = 30_000.0;
const CUBIC_GROWTH: f64 = 16_000.0;
/// Each time in a row that others show themselves the latter is so much of what it was, and they are believed to stay for longer.
const SLOWER: f64 = 0.35;
const LONGER: f64 = 2.0;
/// More often in a row is remembered no longer.
pub const MOST_SHOWN: i32 = 3;
/// Beside others no more is claimed than so many times what arrives, and so many bit/s: about the next better picture. What is claimed
/// beyond what is sent meets no queue, so it would grow until one takes all the others' room at once.
const CLAIMED: (f64, f64) = (2.3, 80_000.0);
/// Who has less than this share of the link steps back by so much less as the share is smaller, but for the least part: the room
/// is where much is sent.
const LARGE_SHARE: f64 = 0.2;
const LEAST_PART: f64 = 0.3;
/// And keeps of what it claimed so many times what arrived, and so many bit/s, up to that share of the link: who sends less than its
/// share fills no queue, and would need half a minute to come back from nothing but sound.
const CLAIM_KEPT: (f64, f64) = (1.5, 50_000.0);
/// Behind that nobody else is believed to be there.
const FORGET: f64 = 6.0;
/// Kept of the share that we had, whatever the queue does, until it is known who fills it: where it is but our own flows half of
/// what all had drains it.
const KEPT: f64 = 0.4;
/// Time in which it does, beyond the round trip.
const DRAINED: f64 = 1.0;
/// A queue that stands longer although we cut, and is so long, and has not become shorter than this share of the longest, is not
/// ours.
const ASIDE_QUEUE: f64 = 0.03;
const ASIDE_SHARE: f64 = 0.5;
/// Share of what was claimed before that is claimed again then: who comes with a burst may have taken all of it.
const AGAIN: f64 = 0.25;
/// And at least so many bit/s, from then on too: sound and the least picture take 128, and policy asks for a fifth more while it doubts.
const LEAST: f64 = 160_000.0;
/// But at most this share of the link's rate: on a narrow one several that claim the least would keep the queue full by themselves.
const LEAST_SHARE: f64 = 0.2;
/// A wait of this share of the longest is as long as the queue can be: what is lost beside it does not fit in.
const FULL: f64 = 0.8;
/// In which the longest of late counts half as much, s: waits are known but for a least delay that may be forgotten.
const LONGEST_HALVES: f64 = 30.0;
/// It has to be gone for so long to be believed.
const FREE: f64 = 0.5;
/// [`DRAINED`] where others who kept it full are expected again.
const DRAINED_AGAIN: f64 = 0.25;

/// How long the fastest rate counts at least, s.
const FASTEST: f64 = 10.0;

/// For how long others are believed in who showed themselves so often in a row, s.
pub fn remembered(shown: i32) -> f64 {
    HOLD + FORGET * LONGER.powi(shown)
}

/// Remembers the share that we had when the queue grew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contention {
    cut: Option<Cut>,
    contended: bool,
    /// How often in a row a cut showed others.
    shown: i32,
    standing: Option<Standing>,
    empty_since: Option<f64>,
    aside: Aside,
    /// The link's rate by trains that others' packets were among, bit/s; 0 where none was.
    link: f64,
    fastest: Fastest,
}

/// The fastest that trains told of late, bit/s: those of who sends little have others' packets between, and tell less than the link's rate.
#[derive(Clone, Copy, Debug, Default)]
struct Fastest {
    began: f64,
    /// In this span of [`FASTEST`] seconds and the one before.
    rates: [f64; 2],
}

impl Fastest {
    fn on_rate(&mut self, now: f64, rate: f64) {
        if now - self.began > FASTEST {
            (self.began, self.rates) = (now, [0.0, self.rates[0]]);
        }
        self.rates[0] = self.rates[0].max(rate);
    }

    fn rate(&self) -> f64 {
        self.rates[0].max(self.rates[1])
    }
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    at: f64,
    delivered: f64,
    /// What is claimed since.
    kept: f64,
    suspicious: bool,
}

/// A queue that has not been empty since.
#[derive(Clone, Copy, Debug)]
struct Standing {
    since: f64,
    /// What arrived of ours then, bit/s.
    share: f64,
    /// What was claimed then.
    claimed: f64,
    /// Longest that a report's least wait has been of late, and when that was told.
    longest: f64,
    told: f64,
    /// Reports in a row whose trains have told that others' packets are in it, and then for good.
    contradicted: u32,
    /// Whether what was told last is that it is ours. Where little is sent few reports tell anything.
    ours: bool,
}

impl Contention {
    /// The estimate was cut to `kept` of what was `delivered`; `dense` is what trains alone said of that time.
    pub fn on_cut(&mut self, now: f64, delivered: f64, kept: f64, dense: Option<f64>) {
        let suspicious = dense.is_some_and(|rate| rate > delivered * CONTRADICTION);
        self.cut = Some(Cut { at: now, delivered, kept, suspicious });
    }

    /// The queue is empty; `evidence` is what trains tell.
    pub fn on_empty_queue(&mut self, now: f64, evidence: Option<Evidence>) {
        self.standing = None;
        if let Some(Evidence::Capacity(rate)) = evidence {
            self.fastest.on_rate(now, rate);
        }
        let since = *self.empty_since.get_or_insert(now);
        if now - since > FREE {
            self.aside.end();
        }
        self.aside.on_report(now);
        let (Some(cut), Some(Evidence::Capacity(rate) | Evidence::AtLeast(rate))) = (self.cut, evidence) else { return };
        if now - cut.at < VERDICT {
            if cut.suspicious && rate > cut.delivered * CONTRADICTION {
                self.contended = true;
                self.shown = self.shown.saturating_add(1).min(MOST_SHOWN);
                self.cut = Some(Cut { suspicious: false, ..cut });
            }
        } else if !self.contended || now - cut.at > remembered(self.shown) {
            self.contended = false;
            self.shown = 0;
            self.cut = None;
        }
    }

    /// The queue stands: the least to claim, bit/s, until it is known whose it is, and whether it is others' who keep it full although
    /// we cut. `least` is the shortest wait of the last packets, `delivered` what arrived of ours, `ours` whether the last report told
    /// that all in the queue is.
    pub fn on_standing_queue(&mut self, now: f64, least: f64, rtt: f64, (estimate, delivered): (f64, f64), ours: Option<bool>) -> f64 {
        self.empty_since = None;
        let begun = Standing { since: now, share: delivered, claimed: estimate, longest: least, told: now, contradicted: 0, ours: false };
        let standing = self.standing.get_or_insert(begun);
        standing.ours = ours.unwrap_or(standing.ours);
        let halvings = (now - std::mem::replace(&mut standing.told, now)).max(0.0) / LONGEST_HALVES;
        standing.longest = (standing.longest * 0.5_f64.powf(halvings)).max(least);
        let long = least > ASIDE_QUEUE.max(standing.longest * ASIDE_SHARE);
        let drained = rtt + if self.aside.is_expected() { DRAINED_AGAIN } else { DRAINED };
        let mut kept = standing.share * KEPT;
        if !self.aside.is_pushed() && long && !standing.ours && now - standing.since > drained {
            self.aside.begin(now);
            kept = kept.max(standing.claimed * AGAIN).max(self.least());
        }
        self.aside.on_report(now);
        kept
    }

    /// What trains told of the standing queue: `dense`, beside what was `delivered` of ours. Returns whether others' packets are in it:
    /// once that is known, trains too few to tell say nothing else.
    pub fn shares_queue(&mut self, now: f64, delivered: f64, dense: Option<f64>) -> bool {
        if let Some(rate) = dense {
            self.fastest.on_rate(now, rate);
        }
        let Some(standing) = &mut self.standing else { return false };
        let known = standing.contradicted >= CONTRADICTIONS;
        match dense {
            Some(rate) if rate > delivered * CONTRADICTION => {
                self.link = rate;
                standing.contradicted = standing.contradicted.saturating_add(1);
            }
            Some(_) if !known => standing.contradicted = 0,
            _ => {}
        }
        standing.contradicted >= CONTRADICTIONS
    }

    /// What the link is held for, bit/s, where trains tell `dense` now; where the queue is `long` it may have become narrower than it was.
    #[must_use]
    pub fn link(&self, dense: Option<f64>, long: bool) -> f64 {
        let told = dense.unwrap_or(self.link);
        if long { told } else { told.max(self.fastest.rate()) }
    }

    /// What a cut beside others leaves, bit/s, of what is claimed as `estimate`, where `delivered` arrives of what the `link` carries and a
    /// share of `kept` of that would drain the queue.
    #[must_use]
    pub fn shared_cut(estimate: f64, delivered: f64, kept: f64, link: f64) -> f64 {
        let link = link.max(delivered);
        let part = (delivered / (link * LARGE_SHARE).max(1.0)).clamp(LEAST_PART, 1.0);
        let (times, more) = CLAIM_KEPT;
        let claimed = estimate.min(delivered * times + more).min(link * LARGE_SHARE);
        claimed.max(delivered) * (1.0 - (1.0 - kept) * part)
    }

    /// The least to claim, bit/s, where others keep the queue full. What trains of few packets tell beside them is far below the link's
    /// rate, so the fastest of late counts.
    #[must_use]
    pub fn least(&self) -> f64 {
        LEAST.min(self.link.max(self.fastest.rate()) * LEAST_SHARE)
    }

    /// Whether a wait is about as long as the queue has been: what is lost then does not fit into it.
    #[must_use]
    pub fn is_full(&self, wait: f64) -> bool {
        self.standing.is_some_and(|standing| wait > standing.longest * FULL)
    }

    /// Whether the queue is ours: packets sent together come apart as fast as all of ours arrive, which leaves no room for others'.
    #[must_use]
    pub fn is_ours(delivered: f64, dense: Option<f64>) -> Option<bool> {
        dense.map(|rate| rate < delivered * CONTRADICTION)
    }

    /// A queue stood that was ours alone: what others were taken for was something else, or they have left.
    pub const fn on_alone(&mut self) {
        self.contended = false;
        self.shown = 0;
    }

    /// The same, known for sure: what stands in the queue now is ours too. The first trains behind a link's becoming narrower, which
    /// were sent at its former rate, may have told that others' packets are in it.
    pub fn on_even_queue(&mut self) {
        self.on_alone();
        self.aside = Aside::default();
        if let Some(standing) = &mut self.standing {
            standing.contradicted = 0;
        }
    }

    /// Whether others use the link.
    #[must_use]
    pub const fn is_contended(&self) -> bool {
        self.contended || self.aside.is_pushed()
    }

    /// Whether others keep the queue full whatever we do.
    #[must_use]
    pub const fn is_pushed_aside(&self) -> bool {
        self.aside.is_pushed()
    }

    /// Whether a queue is others' rather than ours, as far as nothing tells whose it is: they kept it full of late.
    #[must_use]
    pub fn expects_others(&self) -> bool {
        self.aside.is_expected() && !self.standing.is_some_and(|standing| standing.ours)
    }

    /// No estimate above this from trains alone, bit/s, where so much arrives of late as `delivered` tells.
    #[must_use]
    pub fn ceiling(&self, now: f64, delivered: impl FnOnce() -> f64) -> f64 {
        if !self.is_contended() {
            return f64::INFINITY;
        }
        let (times, more) = CLAIMED;
        let claimed = delivered() * times + more;
        let Some(cut) = self.cut.filter(|_| self.contended) else { return claimed };
        let time = (now - cut.at - HOLD).max(0.0);
        claimed.min(cut.kept + GROWTH * time + CUBIC_GROWTH * SLOWER.powi(self.shown) * time.powi(3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: f64 = 4e6;

    fn cut(estimate: f64, delivered: f64, link: f64) -> f64 {
        Contention::shared_cut(estimate, delivered, 0.8, link)
    }

    #[test]
    fn who_has_much_steps_back_by_much_and_who_has_little_by_little() {
        let near = |left: f64, expected: f64| assert!((left - expected).abs() < 1.0, "{left} instead of {expected}");
        near(cut(2e6, 1.6e6, LINK), 1.28e6);
        near(cut(0.4e6, 0.4e6, LINK), 0.36e6);
        near(cut(0.1e6, 0.1e6, LINK), 0.094e6);
        near(cut(0.6e6, 0.4e6, 0.0), 0.32e6);
    }

    #[test]
    fn what_is_claimed_below_a_fifth_of_the_link_is_kept_in_part() {
        assert!(cut(0.5e6, 0.2e6, LINK) > 0.3e6, "half as much again");
        assert!(cut(3e6, 0.7e6, LINK) < 0.8e6, "no more than a fifth");
        assert!(cut(3e6, 0.9e6, LINK) < 0.9e6, "who has more keeps of what it has");
    }

    #[test]
    fn the_link_is_held_for_the_fastest_that_trains_told_of_late() {
        let mut contention = Contention::default();
        contention.on_empty_queue(1.0, Some(Evidence::Capacity(4e6)));
        assert_eq!(contention.link(Some(1.2e6), false), 4e6, "others' packets are among those that wait");
        assert_eq!(contention.link(Some(1.2e6), true), 1.2e6, "it may have become narrower");
        for now in [8.0, 15.0, 22.0, 29.0] {
            contention.on_empty_queue(now, Some(Evidence::Capacity(2e6)));
        }
        assert_eq!(contention.link(None, false), 2e6);
    }

    #[test]
    fn sound_and_the_least_picture_are_claimed_on_a_fast_link_though_trains_among_others_packets_are_slow() {
        let mut contention = Contention::default();
        contention.on_empty_queue(1.0, Some(Evidence::Capacity(2e6)));
        contention.on_standing_queue(2.0, 0.1, 0.1, (1e6, 0.4e6), None);
        assert!(!contention.shares_queue(2.0, 0.4e6, Some(0.5e6)), "one report");
        assert!(contention.shares_queue(2.1, 0.4e6, Some(0.5e6)));
        assert_eq!(contention.least(), LEAST);
    }

    #[test]
    fn a_queue_is_others_sooner_where_they_kept_it_full_of_late() {
        let mut contention = Contention::default();
        let aside = |contention: &mut Contention, from: u32, reports: u32| {
            let at = |report: u32| f64::from(from) + f64::from(report) * 0.1;
            let mut found = (0..reports).map(|report| {
                contention.on_standing_queue(at(report), 0.2, 0.28, (1e6, 0.4e6), None);
                contention.is_pushed_aside()
            });
            found.position(|aside| aside).map(|first| (first, found.count()))
        };
        let empty = |contention: &mut Contention, from: f64| {
            contention.on_empty_queue(from, None);
            contention.on_empty_queue(from + FREE + 0.1, None);
        };
        assert_eq!(aside(&mut contention, 10, 100), Some((13, 86)), "a round trip and a second");
        empty(&mut contention, 20.0);
        assert!(!contention.is_pushed_aside() && contention.expects_others());
        assert_eq!(aside(&mut contention, 21, 10), Some((6, 3)));
        empty(&mut contention, 22.0);
        empty(&mut contention, 40.0);
        assert!(!contention.expects_others());
        assert_eq!(aside(&mut contention, 41, 20), Some((13, 6)));
    }

    #[test]
    fn beside_others_no_more_is_claimed_than_about_the_next_better_picture() {
        let mut contention = Contention::default();
        assert!(contention.ceiling(9.0, || 0.3e6).is_infinite(), "alone");
        contention.on_cut(1.0, 0.5e6, 0.4e6, Some(LINK));
        contention.on_empty_queue(1.5, Some(Evidence::Capacity(4e6)));
        assert!(contention.is_contended());
        assert!((contention.ceiling(1.5, || 0.5e6) - 0.4e6).abs() < 1.0, "what the cut kept");
        assert!((contention.ceiling(9.0, || 0.2e6) - 0.54e6).abs() < 1.0);
    }
}
