//! A timer that wakes the poll on time: the poll's own timeout counts in whole milliseconds, and what waits for the rest of
//! its picture waits one.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime};

/// Beyond this the poll's timeout is near enough, and costs no system call of its own.
const NEAR: Duration = Duration::from_millis(10);

pub(super) struct Alarm {
    timer: OwnedFd,
    set_for: Option<Instant>,
}

impl Alarm {
    /// An alarm that wakes the poll of `registry` under `token`.
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // The poll tells of each expiry anew, so nothing is ever read.
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, set_for: None })
    }

    /// Wake the poll at `deadline`, which is `wait` from now, unless that is far. The poll's timeout must be set all the same.
    ///
    /// # Errors
    /// What the system says; none is documented for a wait within seconds.
    pub(super) fn set(&mut self, deadline: Instant, wait: Duration) -> io::Result<()> {
        if wait.is_zero() || wait > NEAR || self.set_for == Some(deadline) {
            return Ok(());
        }
        let once = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
        let spec = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: once };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        self.set_for = Some(deadline);
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use mio::{Events, Poll};

    use super::*;

    #[test]
    fn it_wakes_the_poll_each_time_it_is_set() {
        let mut poll = Poll::new().unwrap();
        let mut alarm = Alarm::new(poll.registry(), Token(7)).unwrap();
        let mut events = Events::with_capacity(4);
        for _ in 0..2 {
            let wait = Duration::from_micros(200);
            let deadline = Instant::now() + wait;
            alarm.set(deadline, wait).unwrap();
            poll.poll(&mut events, None).unwrap();
            assert!(events.iter().any(|event| event.token() == Token(7)));
            assert!(Instant::now() >= deadline);
        }
    }
}
