//! The sending side of one direction: congestion window, loss detection and repair.
//!
//! Losses are found as phones, laptops and servers of today find them, by time (RACK-TLP, RFC 8985): what was sent before
//! something that has arrived is lost a little later, and what nothing follows is probed for after two round trips.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::tcp::rack::Rack;
use crate::tcp::{Acknowledgement, MSS};
use crate::time::{MS, Nanos, SECOND};

/// RFC 6928.
const INITIAL_WINDOW: f64 = 10.0;
/// RFC 6298 section 2.1; Linux's least is what clients and servers of today have.
const INITIAL_TIMEOUT: Nanos = SECOND;
const LEAST_VARIATION: Nanos = 200 * MS;
const MOST_TIMEOUT: Nanos = 60 * SECOND;
/// What a lone segment's acknowledgement may be held back for (RFC 8985 section 7.2); Linux's.
const MOST_HELD_BACK: Nanos = 200 * MS;

/// A segment on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its place in the stream, counted in segments.
    pub index: u64,
    /// Empty: the end of the stream.
    pub payload: Arc<[u8]>,
}

#[derive(Debug)]
struct Sent {
    payload: Arc<[u8]>,
    sent_at: Nanos,
    /// Which transmission it was, of all.
    ordinal: u64,
    state: State,
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    UnderWay,
    Lost,
    Acknowledged,
}

/// Octets to be sent, and what is known of those that were.
#[derive(Debug)]
pub struct Sender {
    unsent: VecDeque<u8>,
    ending: bool,
    ended: bool,
    /// From `first` on; what is acknowledged leaves at the front.
    sent: VecDeque<Sent>,
    first: u64,
    transmissions: u64,
    window: f64,
    threshold: f64,
    /// Losses of what was sent before this index belong to the same event.
    recovery: u64,
    smoothed: Option<(f64, f64)>,
    backoff: u32,
    rack: Rack,
    /// When all that is under way counts as lost, when the tail is probed for, when what may only be late counts as lost.
    timeout_at: Option<Nanos>,
    probe_at: Option<Nanos>,
    late_at: Option<Nanos>,
    /// A probe is to be sent, whatever the window; the index of the last one, as long as it is under way.
    probe: bool,
    probed: Option<u64>,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            unsent: VecDeque::new(),
            ending: false,
            ended: false,
            sent: VecDeque::new(),
            first: 0,
            transmissions: 0,
            window: INITIAL_WINDOW,
            threshold: f64::INFINITY,
            recovery: 0,
            smoothed: None,
            backoff: 0,
            rack: Rack::default(),
            timeout_at: None,
            probe_at: None,
            late_at: None,
            probe: false,
            probed: None,
        }
    }
}

impl Sender {
    /// Octets to send behind all others.
    pub fn write(&mut self, octets: &[u8]) {
        self.unsent.extend(octets);
    }

    /// The stream ends behind what was written.
    pub fn end(&mut self) {
        self.ending = true;
    }

    /// Octets that wait for the window.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.unsent.len()
    }

    /// The next segment that may be sent now; what is lost first.
    pub fn transmit(&mut self, now: Nanos) -> Option<Segment> {
        let place = if std::mem::take(&mut self.probe) {
            self.cut().or_else(|| self.sent.iter().rposition(|sent| sent.state == State::UnderWay))?
        } else {
            let under_way = self.sent.iter().filter(|sent| sent.state == State::UnderWay).count();
            if under_way as f64 >= self.window.floor() {
                return None;
            }
            match self.sent.iter().position(|sent| sent.state == State::Lost) {
                Some(place) => place,
                None => self.cut()?,
            }
        };
        self.transmissions += 1;
        let sent = &mut self.sent[place];
        sent.again = sent.ordinal > 0;
        (sent.sent_at, sent.ordinal, sent.state) = (now, self.transmissions, State::UnderWay);
        let segment = Segment { index: self.first + place as u64, payload: sent.payload.clone() };
        self.timeout_at.get_or_insert(now + self.timeout());
        self.arm_probe(now);
        Some(segment)
    }

    /// What one acknowledgement says.
    pub fn acknowledged(&mut self, now: Nanos, told: &Acknowledgement) {
        let mut news = 0;
        for (place, sent) in self.sent.iter_mut().enumerate() {
            let index = self.first + place as u64;
            if told.has(index) && sent.state != State::Acknowledged {
                sent.state = State::Acknowledged;
                news += 1;
                self.rack.arrived(now, index, sent.sent_at, sent.ordinal, sent.again);
            }
        }
        if news == 0 {
            return;
        }
        if let Some(sent) = self.sent.get(self.place(told.index)).filter(|sent| told.index >= self.first && !sent.again) {
            self.measure((now - sent.sent_at) as f64);
        }
        while self.sent.front().is_some_and(|sent| sent.state == State::Acknowledged) {
            self.sent.pop_front();
            self.first += 1;
        }
        if self.probed.is_some_and(|index| index < self.first) {
            // What the probe repaired was a loss. (That it was none is told by a D-SACK, which there is not here.)
            self.probed = None;
            self.congestion();
        }
        self.backoff = 0;
        self.timeout_at = self.outstanding().then(|| now + self.timeout());
        self.grow(news);
        self.find_losses(now);
        self.arm_probe(now);
    }

    /// When `timed_out` is to be called.
    #[must_use]
    pub fn timer(&self) -> Option<Nanos> {
        [self.timeout_at, self.probe_at, self.late_at].into_iter().flatten().min()
    }

    /// A timer has run out.
    pub fn timed_out(&mut self, now: Nanos) {
        let due = |timer: Option<Nanos>| timer.is_some_and(|at| at <= now);
        if due(self.late_at) {
            self.find_losses(now);
        }
        if due(self.timeout_at) {
            self.all_lost(now);
        } else if due(self.probe_at) {
            (self.probe, self.probe_at) = (true, None);
            self.timeout_at = Some(now + self.timeout());
            let again = self.unsent.is_empty() && (!self.ending || self.ended);
            self.probed = again.then(|| self.first + self.sent.len() as u64 - 1);
        }
    }

    fn all_lost(&mut self, now: Nanos) {
        for sent in self.sent.iter_mut().filter(|sent| sent.state == State::UnderWay) {
            sent.state = State::Lost;
        }
        self.threshold = (self.window / 2.0).max(2.0);
        self.window = 1.0;
        self.recovery = self.first + self.sent.len() as u64;
        self.backoff += 1;
        (self.probe_at, self.late_at, self.probed) = (None, None, None);
        self.timeout_at = self.outstanding().then(|| now + self.timeout());
    }

    /// Two round trips after the last that was sent, where nothing is known to lack (RFC 8985 section 7.2).
    fn arm_probe(&mut self, now: Nanos) {
        let under_way = self.sent.iter().filter(|sent| sent.state == State::UnderWay).count();
        let orderly = under_way == self.sent.len() && self.first >= self.recovery;
        self.probe_at = self.smoothed.filter(|_| under_way > 0 && orderly && self.probed.is_none()).map(|(mean, _)| {
            let held_back = if under_way == 1 { MOST_HELD_BACK } else { 0 };
            now + 2 * mean as Nanos + held_back
        });
    }

    fn cut(&mut self) -> Option<usize> {
        let length = self.unsent.len().min(MSS);
        if length == 0 && (!self.ending || self.ended) {
            return None;
        }
        self.ended = length == 0;
        let payload = self.unsent.drain(..length).collect();
        self.sent.push_back(Sent { payload, sent_at: 0, ordinal: 0, state: State::UnderWay, again: false });
        Some(self.sent.len() - 1)
    }

    fn grow(&mut self, segments: usize) {
        if self.first < self.recovery {
            return;
        }
        if self.window < self.threshold {
            self.window += segments as f64;
        } else {
            self.window += segments as f64 / self.window;
        }
    }

    fn find_losses(&mut self, now: Nanos) {
        let arrived = self.sent.iter().filter(|sent| sent.state == State::Acknowledged).count();
        let patience = self.rack.patience(arrived, self.first < self.recovery);
        self.late_at = None;
        let mut found = None;
        for (place, sent) in self.sent.iter_mut().enumerate().filter(|(_, sent)| sent.state == State::UnderWay) {
            match self.rack.lost_at(sent.sent_at, sent.ordinal, patience) {
                Some(at) if at <= now => {
                    sent.state = State::Lost;
                    found = Some(self.first + place as u64);
                }
                Some(at) => self.late_at = Some(self.late_at.map_or(at, |earlier| earlier.min(at))),
                None => {}
            }
        }
        if found.is_some_and(|index| index >= self.recovery) {
            self.congestion();
        }
    }

    /// RFC 5681 section 3.2 and RFC 6582.
    fn congestion(&mut self) {
        self.threshold = (self.window / 2.0).max(2.0);
        self.window = self.threshold;
        self.recovery = self.first + self.sent.len() as u64;
    }

    /// RFC 6298 section 2.
    fn measure(&mut self, sample: f64) {
        self.smoothed = Some(match self.smoothed {
            None => (sample, sample / 2.0),
            Some((mean, variation)) => (0.875 * mean + 0.125 * sample, 0.75 * variation + 0.25 * (mean - sample).abs()),
        });
    }

    fn timeout(&self) -> Nanos {
        let timeout =
            self.smoothed.map_or(INITIAL_TIMEOUT, |(mean, variation)| mean as Nanos + ((4.0 * variation) as Nanos).max(LEAST_VARIATION));
        (timeout << self.backoff.min(8)).min(MOST_TIMEOUT)
    }

    fn outstanding(&self) -> bool {
        self.sent.iter().any(|sent| sent.state != State::Acknowledged)
    }

    fn place(&self, index: u64) -> usize {
        usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }
}
