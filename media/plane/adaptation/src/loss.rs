//! Losses of a link.

/// Weight of a report in the smoothed loss.
const GAIN: f64 = 0.1;
/// All that is lost for so long is an outage: bursts of loss on the air are shorter.
const OUTAGE: f64 = 0.5;

/// Packets lost one behind the other: when the first and the last was sent, and how many they are.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: f64,
    last: f64,
    count: f64,
}

impl Run {
    /// So many more, of those that are open or as the first.
    fn extend(open: &mut Option<Self>, sent: f64, count: f64) {
        let run = open.get_or_insert(Self { first: sent, last: sent, count: 0.0 });
        run.last = sent;
        run.count += count;
    }

    fn seconds(&self) -> f64 {
        self.last - self.first
    }

    fn is_outage(&self) -> bool {
        self.seconds() >= OUTAGE
    }
}

/// Packets that a report tells as lost, but for those that an outage took: copies do not help against it, nor does sending less.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses {
    count: f64,
    /// Losses since a packet arrived.
    run: Option<Run>,
}

impl Losses {
    /// A packet sent then is lost, which counts for so many.
    pub fn lost(&mut self, sent: f64, count: f64) {
        Run::extend(&mut self.run, sent, count);
    }

    /// A packet arrived: what was lost before it is settled.
    pub fn settle(&mut self) {
        if let Some(run) = self.run.take().filter(|run| !run.is_outage()) {
            self.count += run.count;
        }
    }

    /// So many more that came by a copy, or fewer that came late.
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

/// In which what is known of runs counts half as much: bursts of exponential length come two a second, and of twenty the longest tells
/// what most are shorter than.
const RUNS_HALVE: f64 = 20.0;
/// A run that comes about by chance with less than this probability, at the share known to be lost, is a burst: in some seconds there
/// are a few thousand packets.
const CHANCE: f64 = 1e-5;
/// What the share known wavers by, which a high power makes much of.
const DOUBT: f64 = 0.05;
/// So long after a run the share is known that it is judged by: of losses that have just begun it is far too small.
const KNOWN_AFTER: f64 = 1.0;

/// How long all that is sent is lost at a time: what repairs have to wait for. What losses of packets one by one make runs of by
/// chance is none, and an outage tells nothing of the next one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runs {
    /// Since a packet arrived.
    open: Option<Run>,
    /// The longest of the present report.
    found: Option<Run>,
    /// The longest that is not judged yet, and when it ended.
    waiting: Option<(Run, f64)>,
    longest: f64,
    at: f64,
}

impl Runs {
    /// A packet sent then is lost, whether or not a copy of it arrived.
    pub fn lost(&mut self, sent: f64) {
        Run::extend(&mut self.open, sent, 1.0);
    }

    /// A packet itself arrived.
    pub fn arrived(&mut self) {
        let ended = self.open.take().filter(|run| !run.is_outage());
        self.found = ended.filter(|run| self.found.is_none_or(|found| run.seconds() > found.seconds())).or(self.found);
    }

    /// A report ends. `own`: what it tells as lost the link lost, and not a queue that is full. `known`: the share known to be lost.
    pub fn on_report(&mut self, now: f64, own: bool, known: f64) {
        self.longest *= 0.5_f64.powf((now - self.at).max(0.0) / RUNS_HALVE);
        self.at = now;
        let longer = |run: &Run| self.waiting.is_none_or(|(waiting, _)| run.seconds() > waiting.seconds());
        if let Some(run) = self.found.take().filter(|run| own && longer(run)) {
            self.waiting = Some((run, now));
        }
        if let Some((run, _)) = self.waiting.take_if(|(_, ended)| now - *ended >= KNOWN_AFTER)
            && (known + DOUBT).powf(run.count) < CHANCE
        {
            self.longest = self.longest.max(run.seconds());
        }
    }

    /// The longest of late, seconds: from the first packet lost to the last. What is long ago counts less.
    #[must_use]
    pub const fn longest(&self) -> f64 {
        self.longest
    }
}

/// Packets that two reports must tell as lost, and the share of theirs that they must be, for losses that have begun: of a link that
/// loses one in a hundred that is hardly ever chance.
const ONSET: (f64, f64) = (3.0, 0.08);
/// And so many times what is expected, and so many times what that wavers by.
const SUDDEN: (f64, f64) = (2.0, 3.0);
/// Where so much is known to be lost nothing begins: what a burst takes of two reports is far more than what the link loses.
const KNOWN: f64 = 0.05;
/// Of the share of so few packets that is believed, and the most, for the same reason.
const BELIEVED: (f64, f64) = (0.7, 0.3);
/// What is left of it after each later report, by which the smoothed share has learned as much.
const LEFT: f64 = 0.9;

/// Losses that begin all at once: what a smoothed share tells half a second later is in the first reports already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Onset {
    /// Of the report before: packets lost, and all.
    before: (f64, f64),
    share: f64,
}

impl Onset {
    /// Take in a report of so many packets; `known`: the share that was known to be lost. Returns whether losses began.
    pub fn on_report(&mut self, lost: f64, arrived: f64, known: f64) -> bool {
        self.share *= LEFT;
        let (lost_before, all_before) = std::mem::replace(&mut self.before, (lost, lost + arrived));
        let (lost, all) = (lost + lost_before, lost + arrived + all_before);
        let known = known.max(self.share);
        let expected = all * known;
        let ((least, least_share), (times, deviations)) = (ONSET, SUDDEN);
        let begun = known < KNOWN && lost >= least.max(all * least_share) && lost > expected * times + expected.sqrt() * deviations;
        if begun {
            let (part, most) = BELIEVED;
            self.share = (lost / all * part).min(most);
        }
        begun
    }

    /// Share that is lost since, 0 to 1, as long as a smoothed one does not tell.
    #[must_use]
    pub const fn share(&self) -> f64 {
        self.share
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_begin_are_known_from_the_first_reports() {
        let mut onset = Onset::default();
        assert!(!onset.on_report(0.0, 15.0, 0.0));
        assert!(!onset.on_report(2.0, 13.0, 0.0), "two may be chance");
        assert!(onset.on_report(2.0, 13.0, 0.01) && (0.06..=0.14).contains(&onset.share()), "{}", onset.share());
        assert!(!onset.on_report(3.0, 12.0, 0.02), "known");
        (0..30).for_each(|_| assert!(!onset.on_report(3.0, 12.0, 0.15)));
        assert!(onset.share() < 0.01, "what is smoothed tells by now");
        assert!(!onset.on_report(15.0, 0.0, 0.15), "a burst");
        let mut burst = Onset::default();
        assert!(burst.on_report(15.0, 1.0, 0.0) && burst.share() <= 0.3);
    }

    #[test]
    fn bursts_are_as_long_as_the_longest_of_late_and_no_outage() {
        let mut runs = Runs::default();
        let mut report = |now: f64, (began, lasts): (f64, f64), known: f64, own: bool| {
            (0..10).for_each(|packet| runs.lost(began + lasts * f64::from(packet) / 9.0));
            runs.arrived();
            runs.on_report(now, own, known);
            runs.on_report(now + KNOWN_AFTER, own, known);
            runs.longest()
        };
        assert!((report(2.0, (1.6, 0.15), 0.2, true) - 0.15).abs() < 1e-9);
        assert!((report(22.0, (21.9, 0.02), 0.2, true) - 0.075).abs() < 1e-9, "it counts half as much");
        assert!(report(24.0, (23.0, 0.3), 0.2, false) < 0.075, "what a full queue drops");
        assert!(report(26.0, (25.0, 0.6), 0.2, true) < 0.075, "an outage");
        assert!(report(28.0, (27.0, 0.3), 0.35, true) < 0.075, "ten in a row are chance where a third is lost");
        assert!(report(30.0, (29.0, 0.3), 0.25, true) > 0.29);
    }

    /// A minute of so many packets a report, 20 reports a second, over a link that loses packets one by one from the second second on:
    /// the longest run that it is held to have.
    fn runs_by_chance(share: f64, packets: u32, seed: u64) -> f64 {
        let (mut runs, mut loss, mut onset, mut longest) = (Runs::default(), Loss::default(), Onset::default(), 0.0_f64);
        let mut state = seed;
        for report in 0..1200_u32 {
            let began = f64::from(report) / 20.0;
            let (mut lost, mut arrived) = (0.0, 0.0);
            for packet in 0..packets {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let chance = (state >> 40) as f64 / f64::from(1_u32 << 24);
                if began > 2.0 && chance < share {
                    runs.lost(began + f64::from(packet) / f64::from(packets) / 20.0);
                    lost += 1.0;
                } else {
                    runs.arrived();
                    arrived += 1.0;
                }
            }
            onset.on_report(lost, arrived, loss.share());
            loss.on_report(lost, arrived);
            runs.on_report(began, true, loss.share().max(onset.share()));
            longest = longest.max(runs.longest());
        }
        longest
    }

    #[test]
    fn what_is_lost_one_by_one_makes_no_bursts() {
        for share in [0.05, 0.2, 0.3, 0.4] {
            for packets in [3, 5, 12] {
                let long = (1..=40).filter(|seed| runs_by_chance(share, packets, *seed) >= 0.1).count();
                assert!(long <= 2, "{share} {packets}: {long} of 40 minutes");
            }
        }
    }

    #[test]
    fn what_is_lost_now_and_then_is_no_onset() {
        let mut onset = Onset::default();
        assert!([1.0, 2.0, 1.0, 2.0].iter().all(|lost| !onset.on_report(*lost, 40.0, 0.02)));
    }
}
