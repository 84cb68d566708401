//! Reception statistics of one incoming stream for report blocks (RFC 3550 appendices A.1, A.3, A.8).

use std::time::Duration;

use crate::ntp;
use crate::rtcp::ReportBlock;
use crate::sequence::{SequenceUnwrapper, low32};

/// What was received of one SSRC. Without probation: packets are authenticated before they come here.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    sequence: SequenceUnwrapper,
    /// Unrolled sequence number from which on packets are expected.
    base: Option<i64>,
    received: u64,
    jitter: Jitter,
    last_sender_report: Option<SenderReport>,
    /// What the last report block counted up to.
    reported: Totals,
}

#[derive(Clone, Copy, Debug)]
struct SenderReport {
    ntp: u64,
    arrival: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    expected: u64,
    received: u64,
}

impl Reception {
    /// Counts a packet.
    ///
    /// * `arrival`: since any fixed epoch, the same in all calls.
    /// * `clock_rate`: of the packet's payload type, Hz.
    pub fn on_packet(&mut self, sequence_number: u16, rtp_timestamp: u32, arrival: Duration, clock_rate: u32) {
        let unrolled = self.sequence.unwrap(sequence_number);
        // A packet that overtook the first one moves the beginning back: it was expected after all.
        self.base = Some(self.base.map_or(unrolled, |base| base.min(unrolled)));
        self.received = self.received.saturating_add(1);
        self.jitter.on_packet(rtp_timestamp, arrival, clock_rate);
    }

    /// Notes a sender report of the stream: its NTP timestamp and when it arrived.
    pub fn on_sender_report(&mut self, ntp: u64, arrival: Duration) {
        self.last_sender_report = Some(SenderReport { ntp, arrival });
    }

    /// The report block for `ssrc`, or `None` before the first packet. Starts the next interval of `fraction_lost`.
    pub fn report(&mut self, ssrc: u32, now: Duration) -> Option<ReportBlock> {
        let highest = self.sequence.highest()?;
        let totals = Totals { expected: self.expected(), received: self.received };
        let fraction_lost = fraction_lost(self.reported, totals);
        self.reported = totals;
        let (last_sr, delay_since_last_sr) =
            self.last_sender_report.map_or((0, 0), |report| (ntp::middle(report.ntp), ntp::to_q16(now.saturating_sub(report.arrival))));
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost: cumulative_lost(totals),
            highest_sequence: low32(highest),
            jitter: self.jitter.value(),
            last_sr,
            delay_since_last_sr,
        })
    }

    /// Packets received, duplicates included.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Packets missing now (A.3); duplicates can hide some.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Packets from the first to the highest.
    fn expected(&self) -> u64 {
        let (Some(base), Some(highest)) = (self.base, self.sequence.highest()) else {
            return 0;
        };
        highest.abs_diff(base).saturating_add(1)
    }
}

/// Losses of the interval in 1/256 (A.3); 0 where duplicates outnumber them.
fn fraction_lost(before: Totals, now: Totals) -> u8 {
    let expected = now.expected.saturating_sub(before.expected);
    let received = now.received.saturating_sub(before.received);
    let lost = expected.saturating_sub(received);
    let fraction = lost.saturating_mul(256).checked_div(expected).unwrap_or(0);
    // All lost is 256/256, which 8 bits do not hold.
    u8::try_from(fraction).unwrap_or(u8::MAX)
}

/// Expected − received, clamped to 24 bits signed (A.3).
fn cumulative_lost(totals: Totals) -> i32 {
    let difference = i128::from(totals.expected).saturating_sub(i128::from(totals.received));
    i32::try_from(difference.clamp(-0x80_0000, 0x7F_FFFF)).unwrap_or(0)
}

/// Interarrival jitter (A.8).
#[derive(Clone, Copy, Debug, Default)]
struct Jitter {
    /// Arrival minus RTP timestamp of the last packet, in timestamp units, wrapping.
    transit: Option<u32>,
    /// The estimate in 1/16 timestamp units.
    scaled: u32,
}

impl Jitter {
    fn on_packet(&mut self, rtp_timestamp: u32, arrival: Duration, clock_rate: u32) {
        let arrival = timestamp_units(arrival, clock_rate);
        let transit = arrival.wrapping_sub(rtp_timestamp);
        if let Some(last) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            // J += (|D| − J) / 16, kept scaled by 16 as in A.8. A jump of the timestamps must not overflow it.
            let decayed = self.scaled.saturating_sub(self.scaled.saturating_add(8) >> 4);
            self.scaled = decayed.saturating_add(difference);
        }
    }

    const fn value(&self) -> u32 {
        self.scaled >> 4
    }
}

/// A time on the stream's RTP clock, wrapping.
fn timestamp_units(time: Duration, clock_rate: u32) -> u32 {
    let fraction = u64::from(time.subsec_nanos()).saturating_mul(u64::from(clock_rate)) / 1_000_000_000;
    let units = time.as_secs().wrapping_mul(u64::from(clock_rate)).wrapping_add(fraction);
    low32(units.cast_signed())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    const CLOCK: u32 = 90_000;
    const FRAME: Duration = Duration::from_millis(10);

    /// Packets 10 ms apart that arrive exactly on time.
    fn received(sequence_numbers: impl IntoIterator<Item = u16>) -> Reception {
        let mut reception = Reception::default();
        for sequence_number in sequence_numbers {
            on_time(&mut reception, sequence_number);
        }
        reception
    }

    fn on_time(reception: &mut Reception, sequence_number: u16) {
        let count = u32::try_from(reception.received()).unwrap();
        reception.on_packet(sequence_number, 900 * count, FRAME * count, CLOCK);
    }

    #[test]
    fn nothing_to_report_before_the_first_packet() {
        assert_eq!(Reception::default().report(1, FRAME), None);
    }

    #[test]
    fn losses_of_the_interval_and_of_all_time() {
        let mut reception = received((0..100).filter(|sequence_number| sequence_number % 4 != 1));
        let block = reception.report(7, FRAME).unwrap();
        assert_eq!((block.ssrc, block.fraction_lost, block.cumulative_lost, block.highest_sequence), (7, 64, 25, 99));
        for sequence_number in 100..200 {
            on_time(&mut reception, sequence_number);
        }
        let block = reception.report(7, FRAME).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 25));
        assert_eq!((reception.received(), reception.lost()), (175, 25));
    }

    #[test]
    fn wraps_are_counted() {
        let block = received([65_534, 65_535, 0, 1]).report(7, FRAME).unwrap();
        assert_eq!((block.highest_sequence, block.cumulative_lost), (0x0001_0001, 0));
    }

    #[test]
    fn reordering_around_the_first_packet_is_no_loss() {
        let mut reception = received([1, 0, 65_535, 2]);
        assert_eq!(reception.lost(), 0);
        assert_eq!(reception.report(7, FRAME).unwrap().cumulative_lost, 0);
    }

    #[test]
    fn duplicates_make_the_loss_negative_but_not_the_fraction() {
        let mut reception = received([1, 1, 1, 2]);
        let block = reception.report(7, FRAME).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, -2));
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn cumulative_loss_is_clamped_to_24_bits() {
        assert_eq!(cumulative_lost(Totals { expected: 1 << 40, received: 0 }), 0x7F_FFFF);
        assert_eq!(cumulative_lost(Totals { expected: 0, received: 1 << 40 }), -0x80_0000);
    }

    #[test]
    fn silence_is_no_loss() {
        let mut reception = received([1, 2]);
        reception.report(7, FRAME);
        assert_eq!(reception.report(7, FRAME).unwrap().fraction_lost, 0);
    }

    #[test]
    fn jitter_is_zero_when_on_time_and_converges_when_not() {
        assert_eq!(received(0..100).report(7, FRAME).unwrap().jitter, 0);
        let mut reception = Reception::default();
        for count in 0..400 {
            // Every other packet is 5 ms late: |D| is always 450 units.
            let late = Duration::from_millis(if count % 2 == 0 { 0 } else { 5 });
            reception.on_packet(u16::try_from(count).unwrap(), 900 * count, FRAME * count + late, CLOCK);
        }
        let jitter = reception.report(7, FRAME).unwrap().jitter;
        assert!((445..=450).contains(&jitter), "{jitter}");
    }

    #[test]
    fn delay_since_the_last_sender_report() {
        let mut reception = received([1]);
        let block = reception.report(7, FRAME).unwrap();
        assert_eq!((block.last_sr, block.delay_since_last_sr), (0, 0));
        reception.on_sender_report(0x1122_3344_5566_7788, Duration::from_secs(10));
        let block = reception.report(7, Duration::from_millis(10_500)).unwrap();
        assert_eq!((block.last_sr, block.delay_since_last_sr), (0x3344_5566, 0x8000));
    }
}
