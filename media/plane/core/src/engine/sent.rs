//! Which output sequence numbers were sent lately: none may go out twice.
//!
//! A number is a packet index under one key, and two different packets under the same index give an AES-GCM key away. Whatever
//! path a packet takes to a subscriber, live, replayed or as a filler, it passes here.

/// Numbers told apart; as many as an encoding's cache holds packets, so that nothing older can come. A power of two.
const WINDOW: i64 = 1024;
const WORD_BITS: i64 = 64;
const WORDS: usize = 16;

/// A ring of bits, by output number.
#[derive(Debug)]
pub(super) struct Sent {
    first: i64,
    /// How many numbers were sent.
    count: i64,
    /// The highest number sent.
    highest: i64,
    bits: [u64; WORDS],
}

impl Sent {
    /// As many as it tells apart.
    pub(super) const WINDOW: i64 = WINDOW;

    /// Nothing was sent, and nothing below `first` will be.
    pub(super) fn new(first: i64) -> Self {
        Self { first, count: 0, highest: first.wrapping_sub(1), bits: [0; WORDS] }
    }

    /// Whether a number was sent, or is too old to tell, which means the same.
    pub(super) fn contains(&self, number: i64) -> bool {
        if number > self.highest {
            return false;
        }
        let (word, bit) = place(number);
        self.highest.saturating_sub(number) >= WINDOW || self.bits.get(word).is_none_or(|word| word & bit != 0)
    }

    /// Note that a number is sent, which was not.
    pub(super) fn insert(&mut self, number: i64) {
        self.count = self.count.saturating_add(1);
        let skipped = number.saturating_sub(self.highest).min(WINDOW);
        for ahead in 1..skipped {
            self.clear(self.highest.wrapping_add(ahead));
        }
        if skipped == WINDOW {
            self.bits = [0; WORDS];
        }
        self.highest = self.highest.max(number);
        let (word, bit) = place(number);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
    }

    /// The highest number sent.
    pub(super) fn highest(&self) -> i64 {
        self.highest
    }

    /// How many numbers there are from the first to this.
    pub(super) fn numbers_up_to(&self, number: i64) -> i64 {
        number.saturating_sub(self.first).saturating_add(1)
    }

    /// How many numbers up to this were never sent; `None` when it is too old to tell.
    pub(super) fn unsent_up_to(&self, number: i64) -> Option<i64> {
        if self.highest.saturating_sub(number) >= WINDOW {
            return None;
        }
        let above = (number.saturating_add(1)..=self.highest).filter(|&above| !self.contains(above)).count();
        let all = self.numbers_up_to(self.highest).saturating_sub(self.count);
        Some(all.saturating_sub(i64::try_from(above).unwrap_or(0)))
    }

    fn clear(&mut self, number: i64) {
        let (word, bit) = place(number);
        if let Some(word) = self.bits.get_mut(word) {
            *word &= !bit;
        }
    }
}

/// Word and bit of a number.
fn place(number: i64) -> (usize, u64) {
    let at = number.rem_euclid(WINDOW);
    (usize::try_from(at.div_euclid(WORD_BITS)).unwrap_or(0), 1 << at.rem_euclid(WORD_BITS))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_sent_once_in_any_order_and_over_gaps() {
        let mut sent = Sent::new(0x7FF0);
        for number in [0x7FF0, 0x7FF5, 0x7FF3, 0x8000, 0x7FF9, 0x8400 - 1] {
            assert!(!sent.contains(number), "{number}");
            sent.insert(number);
            assert!(sent.contains(number), "{number}");
        }
        assert!(!sent.contains(0x8001) && sent.contains(0x7FF9), "the one is new, the other too old");
    }

    #[test]
    fn a_jump_over_the_window_forgets_nothing_that_matters() {
        let mut sent = Sent::new(0);
        (0..WINDOW).for_each(|number| sent.insert(number));
        sent.insert(10 * WINDOW);
        assert!((9 * WINDOW + 1..10 * WINDOW).all(|number| !sent.contains(number)));
        assert!((0..=9 * WINDOW).all(|number| sent.contains(number)));
    }

    #[test]
    fn the_place_of_a_number_is_free_when_its_turn_comes_again() {
        let mut sent = Sent::new(0);
        for number in (0..5 * WINDOW).step_by(3) {
            assert!(!sent.contains(number) && !sent.contains(number + 1));
            sent.insert(number);
        }
    }
}
