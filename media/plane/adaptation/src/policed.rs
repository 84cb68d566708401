//! Links that drop what is beyond a rate and keep none of it in a queue, as operators throttle (a token bucket, RFC 2697).
//!
//! No queue tells of such a rate, and trains pass it as fast as they were sent. What tells is which packets arrive: those before which
//! little had arrived for some time, because they find tokens in the bucket. Whether chance takes a packet has nothing to do with
//! that, however sending answers to what was lost before. So a bucket is kept here that is filled at the rate at which packets arrive
//! and emptied by those that do, and what is in it when a packet is sent is compared with what becomes of the packet. What looks like
//! a policer is believed when the losses end with sending no more than what arrived, and taken back when they do not.

use std::collections::VecDeque;

use crate::comparison::{Bucket, Comparison};
use crate::history::Copied;

/// In such spans of sending, seconds, rates are measured: some pictures each.
const SPAN: f64 = 0.1;
/// So many are kept, and so many suffice.
const SPANS: usize = 20;
const LEAST_SPANS: usize = 5;
/// Share of their octets that must be lost, and at least of so many spans where a rate is known.
const LOSS: f64 = 0.06;
const KNOWN_LOSS: f64 = 0.08;
/// Packets of less octets find room where others do not: they are no evidence.
pub const LARGE: f64 = 500.0;
/// But where large ones arrive so much more seldom, by as many standard deviations, and no more than such a share of what small ones
/// do, for so many seconds, that is evidence too: answers to losses have left no room for them. Sound has copies, which come in place
/// of what is lost and are not always told apart.
const SELDOM: f64 = 0.25;
const MUCH_MORE_SELDOM: f64 = 0.35;
const SELDOM_FOR: f64 = 5.0;
/// Where one arrives now and then, at least so often, it need not last as long: what loses large ones alone for a while loses them all.
const SELDOM_BUT_SOME_FOR: f64 = 2.0;
const NOW_AND_THEN: f64 = 0.5;
/// A policer takes large packets and lets them pass in turns: so often lately one must have arrived behind one that was lost. Where
/// none passes any more from some moment on, what is in the bucket and what arrives go together too, by the answers to losses.
const TURNS: usize = 3;
/// What is in the bucket and what becomes of packets go together by so much (a correlation), and by so many standard deviations of
/// what chance makes of as many packets.
const TOGETHER: f64 = 0.25;
const SURE: f64 = 5.0;
/// The same where that was so and is being tried: what sends less is compared by fewer packets.
const STILL_TOGETHER: f64 = 0.15;
const STILL_SURE: f64 = 3.5;
/// A span of which less than this share of the mean arrives is a burst on the air: a policer always lets something pass.
const EMPTY: f64 = 0.2;
const MOST_EMPTY: f64 = 0.02;
/// Kept of what arrived.
const KEPT: f64 = 0.95;
/// So many spans that were sent within the bound, this factor aside, show whether the losses have ended with that; after so many
/// seconds they have not.
const TRIED: usize = 8;
const WITHIN: f64 = 1.15;
const TRIED_FOR: f64 = 5.0;
/// They have where less than this share of what was lost is lost, or less than that.
const ENDED: (f64, f64) = (0.4, 0.03);
/// Where less than this share is, the bound was but too high: a bucket that was not empty yet let more pass. So often it is lowered.
const LESS: f64 = 0.75;
const TRIES: u32 = 6;
/// What was chance is not tried again for so many seconds, twice as long each time, up to that.
const AGAIN: (f64, f64) = (10.0, 600.0);
/// The bound stays for so many seconds, twice as long each time that what was beyond it was lost, up to that.
const HELD: (f64, f64) = (15.0, 240.0);
/// And grows by this share a second behind that.
const GROWTH: f64 = 0.05;
/// What is lost while less than this share of a known rate is sent is lost by chance.
const USED: f64 = 0.85;
/// A rate is known no longer after so many seconds in which nothing told of it.
const FORGOTTEN: f64 = 600.0;

/// What a report shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// What is beyond a rate is dropped, as it seems: send no more than [`Policed::bound`].
    Bound,
    /// It is indeed: what was lost says nothing of the link.
    Confirmed,
    /// It was chance: this was the estimate.
    Refuted(f64),
}

/// Looks for a policer on the way.
#[derive(Clone, Debug, Default)]
pub struct Policed {
    spans: VecDeque<Span>,
    bucket: Bucket,
    comparison: Comparison,
    /// Of packets smaller than [`LARGE`].
    small: Comparison,
    /// Since when large ones arrive far more seldom.
    seldom_since: Option<f64>,
    /// When the last one was sent that arrived, and since when there was always one now and then.
    large_arrived: f64,
    steady_since: f64,
    /// Whether the last large one was lost, and when the last ones were sent that arrived behind such a one, the latest last.
    large_lost: bool,
    turns: VecDeque<f64>,
    state: State,
    /// When it is looked for again, and for how long it was put off.
    not_before: f64,
    put_off: f64,
}

/// What was sent in a span of time, and what of that arrived, octets, as far as it is told.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    /// Of spans since time 0, a whole number.
    index: f64,
    sent: f64,
    arrived: f64,
    /// Of copies of large packets, which nobody reports: sent. Those of sound take a known part.
    copied: f64,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Unknown,
    Tried(Trial),
    /// For `held` seconds since then no more than the rate.
    Known {
        since: f64,
        rate: f64,
        held: f64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    since: f64,
    /// The first span that counts.
    from: f64,
    rate: f64,
    /// Share that was lost, and the estimate, before.
    loss: f64,
    before: f64,
    /// How often it has been lowered.
    lowered: u32,
    /// For how long it is to hold.
    held: f64,
    /// Such a rate was known before.
    known: bool,
}

/// Of some spans: octets a span sent and arrived, and the share of them that were empty.
struct Seen {
    sent: f64,
    arrived: f64,
    empty: f64,
}

impl Seen {
    fn of<'a>(spans: impl Iterator<Item = &'a Span> + Clone, least: usize) -> Option<Self> {
        let add = |(count, sent, arrived): (f64, f64, f64), span: &Span| (count + 1.0, sent + span.sent, arrived + span.arrived);
        let (count, sent, arrived) = spans.clone().fold((0.0, 0.0, 0.0), add);
        if count < least as f64 || arrived <= 0.0 {
            return None;
        }
        let (sent, arrived) = (sent / count, arrived / count);
        let empty = spans.filter(|span| span.arrived < arrived * EMPTY).count() as f64 / count;
        Some(Self { sent, arrived, empty })
    }

    fn loss(&self) -> f64 {
        1.0 - self.arrived / self.sent
    }
}

impl Policed {
    /// A packet of so many octets was told as arrived or lost, in order of sending.
    ///
    /// copies: octets of copies sent from one time to another, which nobody reports.
    pub fn on_packet(&mut self, sent: f64, octets: f64, arrived: bool, copies: impl Fn(f64, f64) -> Copied) {
        let index = index_of(sent);
        if self.spans.back().is_none_or(|span| span.index < index) {
            self.bucket.rate = Seen::of(self.spans.iter(), 1).map_or(0.0, |seen| seen.arrived / SPAN);
            self.spans.push_back(Span { index, ..Span::default() });
            if self.spans.len() > SPANS {
                self.spans.pop_front();
            }
        }
        let copied = copies(self.bucket.at, sent);
        let held = self.bucket.on_sent(sent, self.arrived_of(copied, 1.0));
        let comparison = if octets >= LARGE { &mut self.comparison } else { &mut self.small };
        comparison.add(sent, held, arrived);
        if octets >= LARGE {
            self.note_large(sent, arrived);
        }
        let arrived = if arrived { octets } else { 0.0 };
        self.bucket.octets -= arrived;
        if let Some(span) = self.find(index) {
            span.sent += octets;
            span.arrived += arrived;
            span.copied += copied.large;
        }
    }

    fn note_large(&mut self, sent: f64, arrived: bool) {
        if arrived {
            if sent - self.large_arrived > NOW_AND_THEN {
                self.steady_since = sent;
            }
            self.large_arrived = self.large_arrived.max(sent);
            if self.large_lost {
                self.turns.push_back(sent);
                if self.turns.len() > TURNS {
                    self.turns.pop_front();
                }
            }
        }
        self.large_lost = !arrived;
    }

    /// A packet that had been told as lost arrived.
    pub fn on_late(&mut self, sent: f64, octets: f64) {
        if let Some(span) = self.find(index_of(sent)) {
            span.arrived += octets;
        }
    }

    fn find(&mut self, index: f64) -> Option<&mut Span> {
        self.spans.iter_mut().rev().find(|span| (span.index - index).abs() < 0.5)
    }

    /// No estimate above this, bit/s.
    #[must_use]
    pub fn bound(&self, now: f64) -> f64 {
        match self.state {
            State::Unknown => f64::INFINITY,
            State::Tried(trial) => trial.rate,
            State::Known { since, rate, held } => rate * (1.0 + GROWTH).powf((now - since - held).max(0.0)),
        }
    }

    /// A report has been taken in.
    ///
    /// lossy: whether the link itself loses packets, and is nobody else's, as far as is known.
    /// copies: octets of copies sent from one time to another, which nobody reports.
    pub fn on_report(&mut self, now: f64, estimate: f64, lossy: bool, copies: impl Fn(f64, f64) -> Copied) -> Option<Verdict> {
        match self.state {
            State::Unknown if lossy && now >= self.not_before => self.look(now, estimate, copies),
            State::Unknown => None,
            State::Tried(trial) => self.judge(now, trial, copies),
            State::Known { since, rate, .. } => {
                if now - since > FORGOTTEN {
                    self.state = State::Unknown;
                    return None;
                }
                let seen = Seen::of(self.complete().take(LEAST_SPANS), LEAST_SPANS)?;
                // Before that spans tell of what was sent before.
                let settled = now - since > SPAN * LEAST_SPANS as f64;
                let too_much = seen.loss() >= KNOWN_LOSS && bits_a_second(seen.sent) >= rate * USED;
                (settled && too_much).then(|| self.attempt(now, estimate, &seen, copies))
            }
        }
    }

    fn look(&mut self, now: f64, estimate: f64, copies: impl Fn(f64, f64) -> Copied) -> Option<Verdict> {
        let seen = Seen::of(self.complete(), LEAST_SPANS)?;
        let tells = self.tells(now) && seen.loss() >= LOSS && seen.empty <= MOST_EMPTY;
        (tells && self.arriving(&seen, &copies) < estimate).then(|| self.attempt(now, estimate, &seen, copies))
    }

    /// Whether it is no chance which packets arrive. That large ones do not may have other causes, which end: that has to last.
    fn tells(&mut self, now: f64) -> bool {
        if self.is_seldom() {
            self.seldom_since.get_or_insert(now);
        } else {
            self.seldom_since = None;
        }
        // What was sent a while ago is told now.
        let newest = self.spans.back().map_or(now, |span| (span.index + 1.0) * SPAN);
        let steady = newest - self.large_arrived <= NOW_AND_THEN && newest - self.steady_since >= SELDOM_BUT_SOME_FOR;
        let lasts = if steady { SELDOM_BUT_SOME_FOR } else { SELDOM_FOR };
        let kept = SPAN * SPANS as f64;
        let in_turns = self.turns.len() == TURNS && self.turns.front().is_some_and(|first| newest - first <= kept);
        (in_turns && self.is_together(TOGETHER, SURE)) || self.seldom_since.is_some_and(|since| now - since >= lasts)
    }

    fn is_together(&self, least: f64, least_sure: f64) -> bool {
        let (together, sure) = self.comparison.together();
        together >= least && sure >= least_sure
    }

    /// Whether large packets arrive far more seldom than small ones.
    fn is_seldom(&self) -> bool {
        let ((small, small_variance), (large, large_variance)) = (self.small.share(), self.comparison.share());
        let chance = (small_variance + large_variance).sqrt();
        small - large >= SELDOM.max(SURE * chance) && large <= small * MUCH_MORE_SELDOM
    }

    /// See what becomes of the losses with no more than what arrives.
    fn attempt(&mut self, now: f64, before: f64, seen: &Seen, copies: impl Fn(f64, f64) -> Copied) -> Verdict {
        let arriving = self.arriving(seen, copies) * KEPT;
        let (known, held, rate) = match self.state {
            // Of a bucket that had filled up more has passed than its rate.
            State::Known { rate, held, .. } => (true, (held * 2.0).min(HELD.1), arriving.min((arriving * rate).sqrt())),
            _ => (false, HELD.0, arriving),
        };
        let from = index_of(now) + 1.0;
        self.state = State::Tried(Trial { since: now, from, rate, loss: seen.loss(), before, lowered: 0, held, known });
        Verdict::Bound
    }

    fn judge(&mut self, now: f64, trial: Trial, copies: impl Fn(f64, f64) -> Copied) -> Option<Verdict> {
        let since = |span: &&Span| span.index >= trial.from;
        let within = |span: &&Span| since(span) && bits_a_second(span.sent + span.copied) <= trial.rate * WITHIN;
        let fitting = Seen::of(self.complete().filter(within), TRIED);
        if fitting.is_none() && now - trial.since < TRIED_FOR {
            return None;
        }
        // Retransmissions may be more than the bound.
        let (is_fitting, seen) = (fitting.is_some(), fitting.or_else(|| Seen::of(self.complete().filter(since), 1)));
        if let Some(seen) = seen {
            let (share, least) = ENDED;
            if is_fitting && seen.loss() <= (trial.loss * share).max(least) {
                self.state = State::Known { since: now, rate: trial.rate, held: trial.held };
                self.put_off = 0.0;
                return Some(Verdict::Confirmed);
            }
            if trial.lowered < TRIES
                && (trial.known || seen.loss() < trial.loss * LESS || self.is_together(STILL_TOGETHER, STILL_SURE) || self.is_seldom())
            {
                let rate = self.arriving(&seen, copies).min(trial.rate) * KEPT;
                let from = index_of(now) + 1.0;
                self.state = State::Tried(Trial { since: now, from, rate, lowered: trial.lowered.saturating_add(1), ..trial });
                return Some(Verdict::Bound);
            }
        }
        self.state = State::Unknown;
        self.put_off = (self.put_off * 2.0).clamp(AGAIN.0, AGAIN.1);
        self.not_before = now + self.put_off;
        Some(Verdict::Refuted(trial.before))
    }

    /// Of copies the same share arrives as of packets of their size, but of large ones no more than `most`.
    fn arrived_of(&self, copied: Copied, most: f64) -> f64 {
        copied.small * self.small.share().0 + copied.large * self.comparison.share().0.min(most)
    }

    /// What arrives, bit/s.
    fn arriving(&self, seen: &Seen, copies: impl Fn(f64, f64) -> Copied) -> f64 {
        let mut complete = self.complete();
        let (Some(last), Some(first)) = (complete.next(), complete.last()) else { return bits_a_second(seen.arrived) };
        // Where losses have just begun the share known is still too large.
        let copied = self.arrived_of(copies(first.index * SPAN, (last.index + 1.0) * SPAN), 1.0 - seen.loss());
        bits_a_second(seen.arrived + copied / (last.index - first.index + 1.0))
    }

    /// The spans of which all is told, newest first.
    fn complete(&self) -> impl Iterator<Item = &Span> + Clone {
        self.spans.iter().rev().skip(1)
    }
}

fn index_of(at: f64) -> f64 {
    (at / SPAN).floor()
}

fn bits_a_second(octets_a_span: f64) -> f64 {
    octets_a_span * 8.0 / SPAN
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    /// Half a second after a policer (1 Mbit/s, 4 kB), or something that takes all that is large, begins behind 1 s without losses,
    /// each picture being sent five times from then on: whether a bound is set.
    fn is_bound(policer: bool) -> bool {
        let mut policed = Policed::default();
        let (mut tokens, nothing) = (4_000.0, |_, _| Copied::default());
        for tick in 0..150 {
            let now = f64::from(tick) / 100.0;
            let begun = tick >= 100;
            tokens = f64::min(tokens + 1_250.0, 4_000.0);
            for _ in 0..if begun { 5 } else { 1 } {
                let arrives = !begun || policer && tokens >= 1_000.0;
                tokens -= if arrives { 1_000.0 } else { 0.0 };
                policed.on_packet(now, 1_000.0, arrives, nothing);
            }
            policed.on_packet(now, 400.0, true, nothing);
            if tick % 5 == 0 && policed.on_report(now, 10e6, begun, nothing) == Some(Verdict::Bound) {
                return true;
            }
        }
        false
    }

    #[test]
    fn what_takes_all_that_is_large_from_some_moment_on_is_no_policer() {
        assert!(is_bound(true));
        assert!(!is_bound(false));
    }
}
