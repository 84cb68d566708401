//! Which packets are lost on the wire: independently of one another, or in bursts of time.

use crate::random::Random;
use crate::time::{Nanos, from_ms};

/// Gilbert and Elliott's two states, as lengths of time: a radio is bad for a while, however many packets pass meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bursts {
    /// Mean length of a good spell, exponential, in ms.
    pub good_ms: f64,
    /// Mean length of a bad spell, exponential, in ms.
    pub bad_ms: f64,
    /// Share lost in a good spell.
    pub good_loss: f64,
    /// Share lost in a bad spell.
    pub bad_loss: f64,
}

/// Decides for each packet.
pub struct Loss {
    independent: f64,
    bursts: Option<BurstState>,
    random: Random,
}

struct BurstState {
    bursts: Bursts,
    bad: bool,
    until: Nanos,
    spells: Random,
    packets: Random,
}

impl Loss {
    /// Begins with a good spell at `now`.
    #[must_use]
    pub fn new(independent: f64, bursts: Option<Bursts>, seed: u64, now: Nanos) -> Self {
        Self { independent, bursts: bursts.map(|bursts| BurstState::new(bursts, seed, now)), random: Random::new(seed, "loss") }
    }

    /// Whether the next packet, at a moment that is not before the last one, is lost.
    pub fn takes(&mut self, now: Nanos) -> bool {
        let alone = self.random.happens(self.independent);
        self.bursts.as_mut().is_some_and(|bursts| bursts.takes(now)) || alone
    }
}

impl BurstState {
    fn new(bursts: Bursts, seed: u64, now: Nanos) -> Self {
        let mut spells = Random::new(seed, "spells");
        let until = now + from_ms(spells.exponential(bursts.good_ms));
        Self { bursts, bad: false, until, spells, packets: Random::new(seed, "bursts") }
    }

    fn takes(&mut self, now: Nanos) -> bool {
        while self.until <= now {
            self.bad = !self.bad;
            let mean = if self.bad { self.bursts.bad_ms } else { self.bursts.good_ms };
            // At least a nanosecond, so that time goes on whatever is drawn.
            self.until += from_ms(self.spells.exponential(mean)).max(1);
        }
        self.packets.happens(if self.bad { self.bursts.bad_loss } else { self.bursts.good_loss })
    }
}
