//! NTP timestamps as RTCP uses them (RFC 3550 section 4).

use std::time::Duration;

/// Seconds from 1900-01-01 to 1970-01-01.
const UNIX_EPOCH_S: u64 = 2_208_988_800;

/// 32.32 fixed point seconds since 1900 for a time since 1970. Wraps in 2036, as the format does.
#[must_use]
pub fn from_unix(since_unix_epoch: Duration) -> u64 {
    let seconds = since_unix_epoch.as_secs().wrapping_add(UNIX_EPOCH_S);
    (seconds << 32) | fraction(since_unix_epoch)
}

/// Milliseconds since 1970 of a timestamp; 0 for one before that.
#[must_use]
pub const fn to_unix_ms(ntp: u64) -> u64 {
    let Some(seconds) = (ntp >> 32).checked_sub(UNIX_EPOCH_S) else { return 0 };
    let thousandths = ((ntp & 0xffff_ffff).saturating_mul(1000)) >> 32;
    seconds.saturating_mul(1000).saturating_add(thousandths)
}

/// The middle 32 bits: 16.16 fixed point seconds, the unit of LSR and DLSR.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "the middle 32 bits are what is asked for")]
pub const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A duration in 16.16 fixed point seconds; `u32::MAX` (18 h) where it is longer.
#[must_use]
pub fn to_q16(duration: Duration) -> u32 {
    let q16 = (duration.as_secs().saturating_mul(1 << 16)).saturating_add(fraction(duration) >> 16);
    u32::try_from(q16).unwrap_or(u32::MAX)
}

/// The duration that 16.16 fixed point seconds stand for.
#[must_use]
pub fn from_q16(q16: u32) -> Duration {
    Duration::from_nanos(u64::from(q16).saturating_mul(1_000_000_000) >> 16)
}

/// Round trip time from a report block (RFC 3550 section 6.4.1): arrival − LSR − DLSR.
///
/// `now` is the arrival of the report on the clock that wrote the sender report. `None` when the peer has
/// seen no sender report yet (LSR 0), or when the difference is negative, which only clock trouble explains.
#[must_use]
pub fn round_trip(now: u64, last_sr: u32, delay_since_last_sr: u32) -> Option<Duration> {
    if last_sr == 0 {
        return None;
    }
    let q16 = middle(now).wrapping_sub(last_sr).wrapping_sub(delay_since_last_sr);
    (q16 < 1 << 31).then(|| from_q16(q16))
}

/// Fraction of a second in 2⁻³² units.
fn fraction(duration: Duration) -> u64 {
    // Below 10⁹ · 2³², so neither step can overflow.
    (u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn unix_epoch_and_fraction() {
        assert_eq!(from_unix(Duration::ZERO), 2_208_988_800 << 32);
        assert_eq!(from_unix(Duration::from_millis(500)) & 0xFFFF_FFFF, 1 << 31);
    }

    #[test]
    fn rolls_over_in_2036() {
        let last_second = Duration::from_secs(u64::from(u32::MAX) - UNIX_EPOCH_S);
        assert_eq!(from_unix(last_second) >> 32, u64::from(u32::MAX));
        assert_eq!(from_unix(last_second + Duration::from_secs(1)), 0);
    }

    #[test]
    fn q16_round_trips_and_saturates() {
        assert_eq!(to_q16(Duration::from_millis(1500)), 0x0001_8000);
        assert_eq!(from_q16(0x0001_8000), Duration::from_millis(1500));
        assert_eq!(to_q16(Duration::from_secs(100_000)), u32::MAX);
    }

    /// The worked example of RFC 3550 section 6.4.1, figure 2.
    #[test]
    fn round_trip_of_rfc_3550_figure_2() {
        let now = 0xb710_8000_u64 << 16;
        assert_eq!(round_trip(now, 0xb705_2000, 0x0005_4000), Some(from_q16(0x0006_2000)));
    }

    #[test]
    fn round_trip_needs_a_report_and_a_sane_clock() {
        assert_eq!(round_trip(1 << 40, 0, 0), None);
        assert_eq!(round_trip(10 << 16, 20, 0), None);
    }
}
