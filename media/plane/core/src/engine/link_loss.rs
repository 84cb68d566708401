//! What a subscriber's own link loses: what its receiver reports miss, without what we never sent.
//!
//! A packet that the publisher's uplink lost leaves a number that the subscriber waits for and counts as lost, as RFC 3550
//! appendix A.3 tells it to. Whoever decides by loss what a link can carry must not hold that against this link.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sent::Sent;
use crate::rtcp::ReportBlock;
use crate::sequence::low16;

/// Packets sent out of order that are remembered: repairs of a bad second.
const MAX_LATE: usize = 256;

/// A report may not know yet of what was sent within this time before it came, where the round trip is unknown.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(500);
/// Beyond the round trip, for queues and for reports that wait to be sent.
const MARGIN: Duration = Duration::from_millis(100);

/// One sink's.
#[derive(Debug, Default)]
pub(super) struct LinkLoss {
    /// What went out behind higher numbers, and when: a report that was under way meanwhile counts it as lost.
    late: VecDeque<(i64, Instant)>,
    before: Option<Totals>,
    /// Losses that were told; reordering can take some back, so that as many of the next ones are none.
    told: i64,
    total: u64,
    fraction: f32,
}

/// Up to the highest number that a report names.
#[derive(Clone, Copy, Debug)]
struct Totals {
    sent: i64,
    /// Without what may have been under way to the subscriber when it reported.
    lost: i64,
    under_way: i64,
}

impl LinkLoss {
    /// Share of what was sent between the last two reports, 0–1.
    pub(super) fn fraction(&self) -> f32 {
        self.fraction
    }

    /// Packets since the beginning.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Note a packet that goes out behind higher numbers.
    pub(super) fn sent_late(&mut self, number: i64, now: Instant) {
        if self.late.len() >= MAX_LATE {
            self.late.pop_front();
        }
        self.late.push_back((number, now));
    }

    /// Take in what the subscriber reports.
    pub(super) fn on_report(&mut self, block: &ReportBlock, sent: &Sent, round_trip: Option<Duration>, now: Instant) {
        self.forget_late(round_trip, now);
        let Some(totals) = self.totals(block, sent) else { return };
        let Some(before) = self.before.replace(totals) else {
            // A subscriber counts from the first packet that it got: gaps before that are in our count alone.
            self.told = totals.lost.saturating_add(totals.under_way).min(0);
            self.count(totals, totals.sent);
            return;
        };
        // A subscriber that forgot what it had counted begins anew.
        if totals.lost < before.lost.saturating_sub(Sent::WINDOW) {
            self.told = totals.lost.saturating_add(totals.under_way);
        }
        self.count(totals, totals.sent.saturating_sub(before.sent));
    }

    #[expect(clippy::cast_precision_loss, reason = "at most as many as sent between two reports")]
    fn count(&mut self, totals: Totals, sent: i64) {
        let sent = sent.max(0);
        let lost = totals.lost.saturating_sub(self.told).clamp(0, sent);
        self.told = self.told.max(totals.lost);
        self.total = self.total.saturating_add(lost.unsigned_abs());
        self.fraction = if sent == 0 { 0.0 } else { lost as f32 / sent as f32 };
    }

    /// `None` where the report is so old that what was sent by then is forgotten.
    fn totals(&self, block: &ReportBlock, sent: &Sent) -> Option<Totals> {
        let behind = low16(sent.highest()).wrapping_sub(low16(block.highest_sequence.into()));
        let highest = sent.highest().saturating_sub(behind.into());
        let late = self.late.iter().filter(|(number, _)| *number <= highest).count();
        let under_way = i64::try_from(late).unwrap_or(0);
        let never_arrived = sent.unsent_up_to(highest)?.saturating_add(under_way);
        Some(Totals {
            sent: sent.numbers_up_to(highest).saturating_sub(never_arrived),
            lost: i64::from(block.cumulative_lost).saturating_sub(never_arrived),
            under_way,
        })
    }

    /// What went out late and long ago is in the report: arrived or lost.
    fn forget_late(&mut self, round_trip: Option<Duration>, now: Instant) {
        let under_way = round_trip.map_or(UNKNOWN_ROUND_TRIP, |round_trip| round_trip.saturating_add(MARGIN));
        while self.late.front().is_some_and(|(_, at)| now.saturating_duration_since(*at) > under_way) {
            self.late.pop_front();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    const RTT: Option<Duration> = Some(Duration::from_millis(50));

    fn report(highest: i64, lost: i32) -> ReportBlock {
        ReportBlock { highest_sequence: u32::try_from(highest).unwrap(), cumulative_lost: lost, ..ReportBlock::default() }
    }

    /// Numbers from `from` to `to`, but no multiples of ten.
    fn with_gaps(sent: &mut Sent, from: i64, to: i64) {
        (from..=to).filter(|number| number % 10 != 0).for_each(|number| sent.insert(number));
    }

    #[test]
    fn gaps_that_we_left_are_no_loss_of_the_link() {
        let (mut sent, mut link, now) = (Sent::new(1), LinkLoss::default(), Instant::now());
        with_gaps(&mut sent, 1, 199);
        link.on_report(&report(199, 19), &sent, RTT, now);
        assert_eq!((link.total(), link.fraction()), (0, 0.0));
        with_gaps(&mut sent, 200, 399);
        // Ten of our gaps and nine of the 90 that were sent.
        link.on_report(&report(299, 38), &sent, RTT, now);
        assert_eq!((link.total(), link.fraction()), (9, 0.1));
    }

    #[test]
    fn gaps_before_the_first_packet_that_arrived_hide_no_loss() {
        let (mut sent, mut link, now) = (Sent::new(1), LinkLoss::default(), Instant::now());
        with_gaps(&mut sent, 1, 299);
        // It came in at 95, so that it knows nothing of nine gaps.
        link.on_report(&report(199, 10), &sent, RTT, now);
        link.on_report(&report(299, 23), &sent, RTT, now);
        assert_eq!(link.total(), 3);
    }

    #[test]
    fn a_repair_under_way_is_no_loss_until_a_report_must_know_of_it() {
        let (mut sent, mut link, now) = (Sent::new(1), LinkLoss::default(), Instant::now());
        with_gaps(&mut sent, 1, 99);
        sent.insert(50);
        link.sent_late(50, now);
        link.on_report(&report(99, 9), &sent, RTT, now + Duration::from_millis(20));
        assert_eq!(link.total(), 0);
        with_gaps(&mut sent, 100, 199);
        let lost = LinkLoss { late: link.late.clone(), before: link.before, ..LinkLoss::default() };
        link.on_report(&report(199, 18), &sent, RTT, now + Duration::from_secs(1));
        assert_eq!(link.total(), 0, "it arrived");
        let mut link = LinkLoss { told: 0, ..lost };
        link.on_report(&report(199, 19), &sent, RTT, now + Duration::from_secs(1));
        assert_eq!(link.total(), 1, "it was lost");
    }

    #[test]
    fn a_report_from_beyond_memory_is_passed_over() {
        let (mut sent, mut link, now) = (Sent::new(0), LinkLoss::default(), Instant::now());
        (0..5000).for_each(|number| sent.insert(number));
        link.on_report(&report(3000, 7), &sent, RTT, now);
        assert_eq!(link.total(), 0);
        link.on_report(&report(4999, 7), &sent, RTT, now);
        assert_eq!(link.total(), 7);
    }
}
