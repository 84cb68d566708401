//! The monotonic clock, and a timer that wakes the loop to the microsecond (a poll's timeout counts in milliseconds).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create, timerfd_settime,
};

use crate::time::{Nanos, SECOND};

/// Now; Python's `time.monotonic_ns()` tells the same.
pub fn now() -> Nanos {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as Nanos * SECOND + now.tv_nsec as Nanos
}

/// Becomes readable at the moment that was set last.
pub struct Alarm(OwnedFd);

impl Alarm {
    pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self(timer))
    }

    /// Setting also takes back that it was readable. `None`: never.
    pub fn set(&self, at: Option<Nanos>) -> io::Result<()> {
        // 0 would disarm.
        let at = at.map_or(0, |at| at.max(1));
        let value = Timespec { tv_sec: (at / SECOND) as i64, tv_nsec: (at % SECOND) as i64 };
        let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval: interval, it_value: value })?;
        Ok(())
    }
}
