//! Others who keep the queue full whatever we send, as TCP does: whether they do now, and whether they are to be expected again.
//!
//! Connections come and go. Each time the queue grows from nothing within half a second, and a second passes until it is known that
//! it is not ours: meanwhile we step back, and the picture waits in the pacer for a queue that does not drain by that. Who saw that of
//! late takes the next queue for theirs sooner.

use crate::contention::{MOST_SHOWN, remembered};

/// So long they have to keep it full to be expected again, s: flows of ours that begin together push one another aside for a moment, and
/// one page that is loaded is no reason.
const LASTING: f64 = 6.0;

/// Remembers them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aside {
    /// Since when they do.
    since: Option<f64>,
    /// When they last did for long.
    last: f64,
    /// How often in a row they came again while they were expected.
    shown: i32,
    expected: bool,
}

impl Aside {
    /// They do from now on.
    pub const fn begin(&mut self, now: f64) {
        self.since = Some(now);
    }

    /// The queue has been empty, for so long that it is believed.
    pub const fn end(&mut self) {
        self.since = None;
    }

    /// A report came.
    pub fn on_report(&mut self, now: f64) {
        if let Some(lasting_since) = self.since.map(|since| since + LASTING).filter(|lasting| now >= *lasting) {
            if self.last < lasting_since {
                self.shown = if self.expected { self.shown.saturating_add(1).min(MOST_SHOWN) } else { 1 };
            }
            self.last = now;
        }
        self.expected = self.shown > 0 && now - self.last < remembered(self.shown);
    }

    /// Whether they keep the queue full.
    #[must_use]
    pub const fn is_pushed(&self) -> bool {
        self.since.is_some()
    }

    /// Whether they did of late, so that the next queue is rather theirs than ours.
    #[must_use]
    pub const fn is_expected(&self) -> bool {
        self.expected
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    /// Ten reports a second, of which those from `from` to `to` find them there.
    fn pushed(aside: &mut Aside, from: u32, to: u32) {
        aside.begin(f64::from(from));
        (from * 10..=to * 10).for_each(|tenth| aside.on_report(f64::from(tenth) / 10.0));
        aside.end();
    }

    fn expected(aside: &mut Aside, at: f64) -> bool {
        aside.on_report(at);
        aside.is_expected()
    }

    #[test]
    fn who_stays_for_a_moment_is_not_expected_again() {
        let mut aside = Aside::default();
        pushed(&mut aside, 10, 15);
        assert!(!expected(&mut aside, 15.1));
    }

    #[test]
    fn who_stays_is_expected_for_a_while_and_for_longer_when_that_was_right() {
        let (mut once, mut again) = (Aside::default(), Aside::default());
        pushed(&mut once, 10, 20);
        pushed(&mut again, 10, 20);
        assert!(expected(&mut once, 32.0) && !expected(&mut once, 34.0));
        pushed(&mut again, 25, 35);
        assert!(expected(&mut again, 50.0) && !expected(&mut again, 62.0));
        pushed(&mut again, 100, 110);
        assert!(!expected(&mut again, 124.0), "that was not in a row");
    }
}
