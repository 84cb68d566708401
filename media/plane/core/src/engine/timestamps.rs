//! Clocks: ours in NTP form, and a publisher's as its sender reports tell it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::ntp;
use crate::sequence::low32;

/// Our clock: an instant and the time of day that it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    start: Instant,
    since_1970: Duration,
}

impl WallClock {
    pub(super) fn new(start: Instant, wall_clock: SystemTime) -> Self {
        Self { start, since_1970: wall_clock.duration_since(UNIX_EPOCH).unwrap_or_default() }
    }

    /// Time since 1970.
    pub(super) fn since_epoch(&self, now: Instant) -> Duration {
        self.since_1970.saturating_add(now.saturating_duration_since(self.start))
    }
}

/// A span of time in NTP's 32.32 fixed point form.
fn to_ntp(span: Duration) -> u64 {
    ntp::from_unix(span).wrapping_sub(ntp::from_unix(Duration::ZERO))
}

/// A difference of NTP timestamps in RTP clock ticks, rounded.
fn ntp_to_ticks(difference: i64, clock_rate: u32) -> i64 {
    let ticks = i128::from(difference).saturating_mul(i128::from(clock_rate)).saturating_add(1 << 31) >> 32;
    i64::try_from(ticks).unwrap_or(0)
}

/// The publisher's last sender report of an encoding: which RTP timestamp stands for which time (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct SenderClock {
    pub(super) ntp: u64,
    pub(super) rtp_timestamp: u32,
    pub(super) received: Instant,
    pub(super) clock_rate: u32,
}

impl SenderClock {
    /// The publisher's time of `timestamp`.
    pub(super) fn ntp_of(&self, timestamp: u32) -> u64 {
        let ticks = i128::from(timestamp.wrapping_sub(self.rtp_timestamp).cast_signed());
        let difference = (ticks << 32).checked_div(i128::from(self.clock_rate)).unwrap_or(0);
        self.ntp.wrapping_add_signed(i64::try_from(difference).unwrap_or(0))
    }

    /// The report that the publisher would send at `now`.
    pub(super) fn at(&self, now: Instant) -> (u64, u32) {
        let elapsed = to_ntp(now.saturating_duration_since(self.received));
        let ticks = ntp_to_ticks(elapsed.cast_signed(), self.clock_rate);
        (self.ntp.wrapping_add(elapsed), self.rtp_timestamp.wrapping_add(low32(ticks)))
    }
}

/// Where an output timeline stands: enough to go on with another input.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastSent {
    /// Extended; the highest.
    pub(super) sequence: i64,
    pub(super) timestamp: u32,
    pub(super) sent: Instant,
}

impl LastSent {
    /// The output timestamp of the first packet of another input: by the publisher's times of the last packet and of this one
    /// where they are known and agree with our clock, else by the time that has passed. Always later than the last.
    pub(super) fn continued(&self, now: Instant, clock_rate: u32, ntp: Option<(u64, u64)>) -> u32 {
        let elapsed = ntp_to_ticks(to_ntp(now.saturating_duration_since(self.sent)).cast_signed(), clock_rate);
        let by_reports = ntp.map(|(last, next)| ntp_to_ticks(next.wrapping_sub(last).cast_signed(), clock_rate));
        let one_second = i64::from(clock_rate);
        let ticks = match by_reports {
            Some(ticks) if (ticks.saturating_sub(elapsed)).abs() < one_second => ticks,
            _ => elapsed,
        };
        // The same picture from another encoding still has to be a new one: 10 ms, less than any frame interval in use.
        let ticks = ticks.max(i64::from(clock_rate / 100));
        self.timestamp.wrapping_add(low32(ticks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_has_32_bits_of_fraction() {
        assert_eq!(to_ntp(Duration::from_millis(1500)), (1 << 32) | (1 << 31));
    }

    #[test]
    fn sender_clock_extrapolates_across_the_wrap() {
        let received = Instant::now();
        let clock = SenderClock { ntp: 10 << 32, rtp_timestamp: u32::MAX - 44_999, received, clock_rate: 90_000 };
        assert_eq!(clock.ntp_of(0), (10 << 32) + (1 << 31));
        assert_eq!(clock.ntp_of(u32::MAX - 89_999), (9 << 32) + (1 << 31));
        let (ntp, rtp) = clock.at(received + Duration::from_millis(500));
        assert_eq!((ntp, rtp), ((10 << 32) + (1 << 31), 0));
    }

    #[test]
    fn continues_by_reports_when_they_agree_with_our_clock() {
        let sent = Instant::now();
        let last = LastSent { sequence: 0, timestamp: 1000, sent };
        let now = sent + Duration::from_millis(100);
        assert_eq!(last.continued(now, 90_000, Some((5 << 32, (5 << 32) + (1 << 31)))), 1000 + 45_000);
        assert_eq!(last.continued(now, 90_000, Some((5 << 32, 50 << 32))), 1000 + 9_000, "absurd report");
        assert_eq!(last.continued(now, 90_000, None), 1000 + 9_000);
        assert_eq!(last.continued(sent, 90_000, Some((5 << 32, 5 << 32))), 1000 + 900, "always later");
    }
}
