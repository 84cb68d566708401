//! All deadlines of the engine in one table.

use std::time::{Duration, Instant};

/// What can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Forward what waited for the rest of its picture.
    Flush,
    /// Send the next part of replays from the cache.
    Replays,
    /// Send what waits for its turn on a link.
    Pacing,
    /// Send padding that probes links.
    Probes,
    /// Send copies of packets.
    Copies,
    /// Send repair packets.
    Fec,
    /// Begin media that waited behind the last flight of DTLS.
    Openings,
    /// Ask publishers for lost packets again.
    Repair,
    /// Send the keyframe requests that were held back.
    Keyframes,
    /// Transport-wide feedback to publishers.
    Feedback,
    /// Receiver reports to publishers.
    Reports,
    /// Encodings that ceased to arrive.
    Silence,
    /// Peers that fell silent.
    Liveness,
}

const ALL: [Timer; 13] = [
    Timer::Flush,
    Timer::Replays,
    Timer::Pacing,
    Timer::Probes,
    Timer::Copies,
    Timer::Fec,
    Timer::Openings,
    Timer::Repair,
    Timer::Keyframes,
    Timer::Feedback,
    Timer::Reports,
    Timer::Silence,
    Timer::Liveness,
];

impl Timer {
    /// How often a timer that always runs is due. The others are armed by what happens.
    fn period(self) -> Option<Duration> {
        match self {
            Self::Flush | Self::Replays | Self::Pacing | Self::Probes | Self::Copies | Self::Fec | Self::Openings => None,
            Self::Repair | Self::Keyframes | Self::Feedback => None,
            // Often enough for the publisher's loss estimate, within RFC 3550's 5 % of any media bandwidth.
            Self::Reports | Self::Liveness => Some(Duration::from_secs(1)),
            Self::Silence => Some(Duration::from_millis(250)),
        }
    }
}

pub(super) struct Timers {
    deadlines: [Option<Instant>; ALL.len()],
}

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        Self { deadlines: ALL.map(|timer| timer.period().and_then(|period| now.checked_add(period))) }
    }

    /// Make `timer` due at `at`, unless it is due sooner.
    pub(super) fn arm(&mut self, timer: Timer, at: Instant) {
        let slot = self.slot(timer);
        *slot = Some(slot.map_or(at, |due| due.min(at)));
    }

    /// Make `timer` due after `delay`, unless it is due sooner.
    pub(super) fn arm_in(&mut self, timer: Timer, now: Instant, delay: Duration) {
        if let Some(at) = now.checked_add(delay) {
            self.arm(timer, at);
        }
    }

    /// When the first is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.deadlines.iter().flatten().min().copied()
    }

    /// One timer that is due; it is disarmed, or set for its next period.
    pub(super) fn expired(&mut self, now: Instant) -> Option<Timer> {
        let timer = ALL.into_iter().find(|&timer| self.slot(timer).is_some_and(|due| due <= now))?;
        *self.slot(timer) = timer.period().and_then(|period| now.checked_add(period));
        Some(timer)
    }

    #[expect(clippy::indexing_slicing, reason = "the table has a place for every variant")]
    fn slot(&mut self, timer: Timer) -> &mut Option<Instant> {
        &mut self.deadlines[timer as usize]
    }
}
