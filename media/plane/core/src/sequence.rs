//! Wrapping counters unrolled: RTP sequence numbers and timestamps as numbers that only grow.

/// Unrolls 16-bit sequence numbers: each is taken as the one nearest to the highest so far.
#[derive(Clone, Debug, Default)]
pub struct SequenceUnwrapper {
    highest: Option<i64>,
}

/// Unrolls 32-bit timestamps likewise.
#[derive(Clone, Debug, Default)]
pub struct TimestampUnwrapper {
    highest: Option<i64>,
}

impl SequenceUnwrapper {
    /// The unrolled number. The first is itself (0–65535); later ones may be negative if they precede it.
    pub fn unwrap(&mut self, sequence_number: u16) -> i64 {
        let Some(highest) = self.highest else {
            return *self.highest.insert(i64::from(sequence_number));
        };
        let step = sequence_number.wrapping_sub(low16(highest)).cast_signed();
        let unrolled = highest.saturating_add(i64::from(step));
        self.highest = Some(highest.max(unrolled));
        unrolled
    }

    /// The highest so far.
    #[must_use]
    pub const fn highest(&self) -> Option<i64> {
        self.highest
    }
}

impl TimestampUnwrapper {
    /// The unrolled timestamp. The first is itself; later ones may be negative if they precede it.
    pub fn unwrap(&mut self, timestamp: u32) -> i64 {
        let Some(highest) = self.highest else {
            return *self.highest.insert(i64::from(timestamp));
        };
        let step = timestamp.wrapping_sub(low32(highest)).cast_signed();
        let unrolled = highest.saturating_add(i64::from(step));
        self.highest = Some(highest.max(unrolled));
        unrolled
    }
}

/// Whether `a` comes after `b` in wrapping order (RFC 1982): by less than half the range.
#[must_use]
pub const fn is_newer(a: u16, b: u16) -> bool {
    a != b && a.wrapping_sub(b) < 0x8000
}

/// The wrapping 16-bit counter of an unrolled number.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "the low 16 bits are what is asked for")]
pub const fn low16(unrolled: i64) -> u16 {
    unrolled as u16
}

/// The wrapping 32-bit counter of an unrolled number.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "the low 32 bits are what is asked for")]
pub const fn low32(unrolled: i64) -> u32 {
    unrolled as u32
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_unroll_over_the_wrap_and_back() {
        let mut unwrapper = SequenceUnwrapper::default();
        assert_eq!(unwrapper.highest(), None);
        let unrolled: Vec<i64> = [65_534, 1, 65_535, 2, 32_769, 0].into_iter().map(|seq| unwrapper.unwrap(seq)).collect();
        assert_eq!(unrolled, [65_534, 65_537, 65_535, 65_538, 98_305, 131_072]);
        assert_eq!(unwrapper.highest(), Some(131_072));
    }

    #[test]
    fn what_precedes_the_first_is_negative() {
        let mut unwrapper = SequenceUnwrapper::default();
        assert_eq!((unwrapper.unwrap(2), unwrapper.unwrap(65_535), unwrapper.unwrap(3)), (2, -1, 3));
    }

    #[test]
    fn timestamps_unroll() {
        let mut unwrapper = TimestampUnwrapper::default();
        assert_eq!(unwrapper.unwrap(u32::MAX), i64::from(u32::MAX));
        assert_eq!(unwrapper.unwrap(2), (1 << 32) + 2);
        assert_eq!(unwrapper.unwrap(u32::MAX - 5), i64::from(u32::MAX) - 5);
    }

    #[test]
    fn newer_by_less_than_half() {
        assert!(is_newer(1, 0) && is_newer(0, 65_535) && is_newer(0x7FFF, 0));
        assert!(!is_newer(0, 0) && !is_newer(0x8000, 0) && !is_newer(65_535, 0));
    }

    #[test]
    fn low_bits() {
        assert_eq!((low16(-1), low32(-1), low16(65_537)), (0xFFFF, 0xFFFF_FFFF, 1));
    }
}
