//! Time as the whole crate writes it: nanoseconds of a clock that never goes back.

/// A moment, or a length of time.
pub type Nanos = u64;

/// One millisecond.
pub const MS: Nanos = 1_000_000;

/// One second.
pub const SECOND: Nanos = 1_000 * MS;

/// A length from milliseconds; what is negative or no number is 0.
#[must_use]
pub fn from_ms(ms: f64) -> Nanos {
    (ms * MS as f64).round() as Nanos
}
