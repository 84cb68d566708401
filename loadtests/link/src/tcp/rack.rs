//! What has arrived lately, and what that says of the rest (RACK, RFC 8985 section 6).

use crate::time::Nanos;

/// With as many that arrived out of order nothing waits any longer (RFC 8985 section 6.2 step 4).
const DUPLICATES: usize = 3;

/// The last transmission that is known to have arrived.
#[derive(Debug, Default)]
pub struct Rack {
    ordinal: u64,
    round_trip: Nanos,
    least_round_trip: Option<Nanos>,
    /// The highest index that has arrived, and whether one below it came later without having been sent again.
    highest: u64,
    reordered: bool,
}

impl Rack {
    /// A segment's transmission with this ordinal, of all transmissions, is acknowledged.
    pub fn arrived(&mut self, now: Nanos, index: u64, sent_at: Nanos, ordinal: u64, again: bool) {
        let round_trip = now.saturating_sub(sent_at);
        if again && self.least_round_trip.is_some_and(|least| round_trip < least) {
            // It was the transmission before.
            return;
        }
        self.least_round_trip = Some(self.least_round_trip.map_or(round_trip, |least| least.min(round_trip)));
        self.reordered |= index < self.highest && !again;
        self.highest = self.highest.max(index);
        if ordinal > self.ordinal {
            (self.ordinal, self.round_trip) = (ordinal, round_trip);
        }
    }

    /// How much later than a later one a segment may arrive.
    #[must_use]
    pub fn patience(&self, arrived_out_of_order: usize, recovering: bool) -> Nanos {
        if !self.reordered && (recovering || arrived_out_of_order >= DUPLICATES) {
            return 0;
        }
        self.least_round_trip.unwrap_or(0) / 4
    }

    /// From when on a transmission counts as lost; None where nothing that was sent later has arrived.
    #[must_use]
    pub fn lost_at(&self, sent_at: Nanos, ordinal: u64, patience: Nanos) -> Option<Nanos> {
        (ordinal < self.ordinal).then(|| sent_at + self.round_trip + patience)
    }
}
