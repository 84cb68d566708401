//! Packets that are sent again some times, apart in time.

use std::collections::VecDeque;

#[derive(Default)]
pub struct Repeats {
    /// When the next one is due, of which number, and how many are.
    due: VecDeque<(f64, u16, u32)>,
}

impl Repeats {
    pub fn add(&mut self, at: f64, sequence: u16, count: u32) {
        if count > 0 {
            self.due.push_back((at, sequence, count));
        }
    }

    /// The numbers of those whose time has come; what is left of them is due so much later.
    pub fn take_due(&mut self, now: f64, spacing: f64) -> Vec<u16> {
        let mut taken = Vec::new();
        for (due, sequence, left) in self.due.iter_mut().filter(|(due, ..)| *due <= now) {
            taken.push(*sequence);
            *due += spacing;
            *left -= 1;
        }
        self.due.retain(|(.., left)| *left > 0);
        taken
    }
}
