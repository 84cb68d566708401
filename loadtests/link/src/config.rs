//! What one direction of the link is like, as the control writes it in JSON.

use std::fs;

use serde::Deserialize;

use crate::bottleneck::Limit;
use crate::capacity::{Capacity, Step};
use crate::loss::Bursts;
use crate::policer::Policer;
use crate::time::{Nanos, from_ms};

/// A packet of full size on the wire: a bucket of fewer octets would never let one pass.
const LARGEST_PACKET: usize = 1500;

/// One direction. What is left out is perfect: no bound, no delay, no loss.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct PathConfig {
    /// Bits a second, headers included; none: no bound.
    pub rate: Option<Rate>,
    /// What waits longer than this, at the present rate, is not let in.
    pub queue_ms: Option<f64>,
    /// Octets that may wait.
    pub queue_octets: Option<usize>,
    /// What drops all beyond a rate before the queue; none of it waits.
    pub policer: Option<PolicerConfig>,
    /// One-way delay behind the queue.
    pub delay_ms: f64,
    /// The most that is added to the delay: normal around half of it, cut off at three deviations, without reorder.
    pub jitter_ms: f64,
    /// Share lost, independently.
    pub loss: f64,
    /// Loss in bursts of time.
    pub bursts: Option<BurstsConfig>,
    /// Packets held back, so that others overtake them.
    pub reorder: Option<ReorderConfig>,
    /// Share that comes twice.
    pub duplicate: f64,
}

/// See `Rate` in the control.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Rate {
    /// The same all the time.
    Constant(f64),
    /// Steps: seconds since the rate was set, and bits a second.
    Steps {
        /// In order of time.
        steps: Vec<(f64, f64)>,
        /// Begin again after so many seconds.
        repeat_s: Option<f64>,
    },
    /// A file whose lines are seconds and Mbit/s.
    Trace {
        /// Its path.
        trace: String,
        /// Begin again at its end, which is as long after its last line as that is after the one before.
        #[serde(default)]
        repeat: bool,
    },
}

/// See [`Policer`].
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct PolicerConfig {
    /// Bits a second, headers included.
    rate: f64,
    /// Octets that may come at once.
    burst_octets: usize,
}

/// See [`Bursts`].
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct BurstsConfig {
    good_ms: f64,
    bad_ms: f64,
    #[serde(default)]
    good_loss: f64,
    #[serde(default = "all")]
    bad_loss: f64,
}

/// Packets held back.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ReorderConfig {
    /// Of all packets.
    pub share: f64,
    /// How long each is held.
    pub delay_ms: f64,
}

fn all() -> f64 {
    1.0
}

impl PathConfig {
    /// # Errors
    /// A value is out of its range; which, in words.
    pub fn check(&self) -> Result<(), String> {
        let bursts = self.bursts.map(BurstsConfig::bursts);
        let shares = [self.loss, self.duplicate, self.reorder.map_or(0.0, |reorder| reorder.share)];
        let burst_shares = bursts.map_or([0.0; 2], |bursts| [bursts.good_loss, bursts.bad_loss]);
        if !shares.iter().chain(&burst_shares).all(|share| (0.0..=1.0).contains(share)) {
            return Err("loss, duplicate and the share of reorder lie between 0 and 1".into());
        }
        let times = [self.delay_ms, self.jitter_ms, self.queue_ms.unwrap_or(0.0), self.reorder.map_or(0.0, |reorder| reorder.delay_ms)];
        if !times.iter().all(|ms| ms.is_finite() && *ms >= 0.0) {
            return Err("times are 0 or more".into());
        }
        if bursts.is_some_and(|bursts| !(bursts.good_ms > 0.0 && bursts.bad_ms > 0.0)) {
            return Err("good and bad spells are longer than 0 on average".into());
        }
        self.policer.map_or(Ok(()), PolicerConfig::check)
    }

    /// The capacity, counted from `origin`.
    ///
    /// # Errors
    /// The steps are not in order, or the trace cannot be read.
    pub fn capacity(&self, origin: Nanos) -> Result<Option<Capacity>, String> {
        self.rate.as_ref().map(|rate| rate.capacity(origin)).transpose()
    }

    /// The policer, full.
    #[must_use]
    pub fn policer(&self, now: Nanos) -> Option<Policer> {
        self.policer.map(|PolicerConfig { rate, burst_octets }| Policer::new(rate, burst_octets, now))
    }

    /// How long the queue may become.
    #[must_use]
    pub fn limit(&self) -> Limit {
        Limit { delay: self.queue_ms.map(from_ms), octets: self.queue_octets }
    }
}

impl PolicerConfig {
    fn check(self) -> Result<(), String> {
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err("the rate of a policer is more than 0 bits a second".into());
        }
        if self.burst_octets < LARGEST_PACKET {
            return Err(format!("a policer lets a packet of {LARGEST_PACKET} octets pass at once: its burst is no less"));
        }
        Ok(())
    }
}

impl BurstsConfig {
    /// As the core takes it.
    #[must_use]
    pub fn bursts(self) -> Bursts {
        Bursts { good_ms: self.good_ms, bad_ms: self.bad_ms, good_loss: self.good_loss, bad_loss: self.bad_loss }
    }
}

impl Rate {
    fn capacity(&self, origin: Nanos) -> Result<Capacity, String> {
        let (steps, repeat_s) = match self {
            Self::Constant(bits_per_s) => (vec![(0.0, *bits_per_s)], None),
            Self::Steps { steps, repeat_s } => (steps.clone(), *repeat_s),
            Self::Trace { trace, repeat } => {
                let steps = read_trace(trace)?;
                let repeat_s = repeat.then(|| end_of(&steps));
                (steps, repeat_s)
            }
        };
        let steps = steps.into_iter().map(|(at_s, bits_per_s)| Step { at: from_ms(at_s * 1e3), bits_per_s }).collect();
        Capacity::new(steps, origin, repeat_s.map(|seconds| from_ms(seconds * 1e3)))
    }
}

fn read_trace(path: &str) -> Result<Vec<(f64, f64)>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("the trace {path} cannot be read: {error}"))?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let mut fields = line.split_whitespace().map(str::parse::<f64>);
            match (fields.next(), fields.next()) {
                (Some(Ok(at_s)), Some(Ok(mbit_per_s))) => Ok((at_s, mbit_per_s * 1e6)),
                _ => Err(format!("{path}: {line:?} is no time and capacity")),
            }
        })
        .collect()
}

fn end_of(steps: &[(f64, f64)]) -> f64 {
    match steps {
        [.., (before, _), (last, _)] => 2.0 * last - before,
        _ => 1.0,
    }
}
