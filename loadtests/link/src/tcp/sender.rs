//! The sending side of one direction: congestion window, loss detection and repair.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::tcp::MSS;
use crate::time::{MS, Nanos, SECOND};

/// RFC 6928.
const INITIAL_WINDOW: f64 = 10.0;
/// RFC 6298 section 2.1; Linux's least is what clients and servers of today have.
const INITIAL_TIMEOUT: Nanos = SECOND;
const LEAST_VARIATION: Nanos = 200 * MS;
const MOST_TIMEOUT: Nanos = 60 * SECOND;
/// Segments sent later that are acknowledged before one counts as lost (RFC 5681 section 3.2).
const DUPLICATES: u64 = 3;

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
    timer: Option<Nanos>,
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
            timer: None,
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
        let under_way = self.sent.iter().filter(|sent| sent.state == State::UnderWay).count();
        if under_way as f64 >= self.window.floor() {
            return None;
        }
        let place = match self.sent.iter().position(|sent| sent.state == State::Lost) {
            Some(place) => place,
            None => self.cut()?,
        };
        self.transmissions += 1;
        let sent = &mut self.sent[place];
        sent.again = sent.state == State::Lost;
        (sent.sent_at, sent.ordinal, sent.state) = (now, self.transmissions, State::UnderWay);
        let segment = Segment { index: self.first + place as u64, payload: sent.payload.clone() };
        self.timer.get_or_insert(now + self.timeout());
        Some(segment)
    }

    /// All before `cumulative` has arrived, and `index` too.
    pub fn acknowledged(&mut self, now: Nanos, cumulative: u64, index: u64) {
        let ordinal = self.sent.get(self.place(index)).filter(|_| index >= self.first).map(|sent| (sent.ordinal, sent.sent_at, sent.again));
        let mut news = 0;
        for (place, sent) in self.sent.iter_mut().enumerate() {
            let at = self.first + place as u64;
            if (at < cumulative || at == index) && sent.state != State::Acknowledged {
                sent.state = State::Acknowledged;
                news += 1;
            }
        }
        while self.sent.front().is_some_and(|sent| sent.state == State::Acknowledged) {
            self.sent.pop_front();
            self.first += 1;
        }
        let Some((ordinal, sent_at, again)) = ordinal.filter(|_| news > 0) else { return };
        if !again {
            self.measure((now - sent_at) as f64);
        }
        self.backoff = 0;
        self.timer = self.outstanding().then(|| now + self.timeout());
        self.grow(news);
        self.find_losses(ordinal);
    }

    /// When nothing is heard until then, all that is under way counts as lost.
    #[must_use]
    pub fn timer(&self) -> Option<Nanos> {
        self.timer
    }

    /// The timer has run out.
    pub fn timed_out(&mut self, now: Nanos) {
        for sent in self.sent.iter_mut().filter(|sent| sent.state == State::UnderWay) {
            sent.state = State::Lost;
        }
        self.threshold = (self.window / 2.0).max(2.0);
        self.window = 1.0;
        self.recovery = self.first + self.sent.len() as u64;
        self.backoff += 1;
        self.timer = self.outstanding().then(|| now + self.timeout());
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

    fn find_losses(&mut self, ordinal: u64) {
        let mut found = None;
        for (place, sent) in self.sent.iter_mut().enumerate() {
            if sent.state == State::UnderWay && sent.ordinal + DUPLICATES <= ordinal {
                sent.state = State::Lost;
                found = Some(self.first + place as u64);
            }
        }
        if found.is_some_and(|index| index >= self.recovery) {
            self.threshold = (self.window / 2.0).max(2.0);
            self.window = self.threshold;
            self.recovery = self.first + self.sent.len() as u64;
        }
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
