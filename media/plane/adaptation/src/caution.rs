//! The first sign that a link became much narrower: a few packets, of one report, that came apart far more than the estimate says.
//!
//! That is too little to cut an estimate by: jitter and others' packets pull single packets apart too. But the next report comes as
//! late as it takes to fill a queue of 300 ms with what a link no longer carries. So until then pictures are held as if it were
//! true; if it is not they are late by one report.

/// What arrives at less than this share of the estimate tells that.
const FAR_BELOW: f64 = 0.5;
/// And so much later than the estimate explains, s, beside so many times the noise.
const LATE: f64 = 0.006;
const NOISES: f64 = 2.0;
/// Where arrival times waver by more, s, or more is lost, single packets say nothing.
const STEADY: (f64, f64) = (0.004, 0.02);
/// Nothing is believed to have become narrower than this share at once.
const LEAST: f64 = 0.2;
/// Octets that the packets must have at least: the spacing of small ones says little.
const MIN_OCTETS: f64 = 600.0;
/// It lasts no longer without a report, s.
const LASTS: f64 = 0.15;
/// And it does not come again so soon, s: what the next report does not confirm was others' packets, which come all the time.
const APART: f64 = 2.0;

/// What the last report made suspect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caution {
    run: Option<Run>,
    /// Bit/s at which the last packets came that tell anything, where that is far too slow.
    slow: Option<f64>,
    /// Bit/s that the link is held for, and until when.
    suspected: Option<(f64, f64)>,
    /// When that was last so.
    last: Option<f64>,
}

/// What is believed while a report is taken in.
#[derive(Clone, Copy, Debug)]
pub struct Believed {
    /// Bit/s.
    pub estimate: f64,
    /// How much arrival times waver, seconds.
    pub noise: f64,
    /// Share that the link loses.
    pub loss: f64,
}

/// Packets that left a queue one behind the other: octets of all but the first, and how long they took.
#[derive(Clone, Copy, Debug)]
struct Run {
    octets: f64,
    span: f64,
}

impl Caution {
    /// A packet arrived. `pair`: octets, and seconds behind the packet before, where it left a queue right behind that one
    /// ([`Dispersion::on_packet`](crate::dispersion::Dispersion::on_packet)).
    pub fn on_arrival(&mut self, pair: Option<(f64, f64)>, believed: &Believed) {
        if let Some((octets, span)) = pair {
            let run = self.run.get_or_insert(Run { octets: 0.0, span: 0.0 });
            *run = Run { octets: run.octets + octets, span: run.span + span };
        } else {
            self.judge(believed);
        }
    }

    /// The report ends; it alone counts.
    pub fn on_reported(&mut self, now: f64, believed: &Believed) {
        self.judge(believed);
        let slow = self.slow.take().filter(|_| self.last.is_none_or(|last| now - last > APART));
        self.last = slow.map(|_| now).or(self.last);
        self.suspected = slow.map(|rate| (rate.max(believed.estimate * LEAST), now + LASTS));
    }

    /// A run ends.
    fn judge(&mut self, believed: &Believed) {
        let Some(Run { octets, span }) = self.run.take().filter(|run| run.octets >= MIN_OCTETS) else { return };
        let (most_noise, most_loss) = STEADY;
        let steady = believed.noise < most_noise && believed.loss < most_loss;
        let late = span - octets * 8.0 / believed.estimate;
        let rate = octets * 8.0 / span.max(1e-3);
        let slow = steady && late > LATE + NOISES * believed.noise && rate < believed.estimate * FAR_BELOW;
        self.slow = slow.then_some(rate);
    }

    /// Bit/s that the link is to be held for until more is known, if that is less than what is believed.
    #[must_use]
    pub fn suspected(&self, now: f64) -> Option<f64> {
        self.suspected.filter(|(_, until)| now < *until).map(|(rate, _)| rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEADY: Believed = Believed { estimate: 2e6, noise: 0.001, loss: 0.0 };

    /// What is suspected after a report of so many packets of 1000 octets behind a first one, each so many ms later, where 2 Mbit/s
    /// are believed.
    fn after(pairs: usize, apart_ms: f64, believed: &Believed) -> Option<f64> {
        let mut caution = Caution::default();
        caution.on_arrival(None, believed);
        (0..pairs).for_each(|_| caution.on_arrival(Some((1000.0, apart_ms / 1000.0)), believed));
        caution.on_reported(1.0, believed);
        assert_eq!(caution.suspected(2.0), None, "it passes");
        caution.suspected(1.05)
    }

    #[test]
    fn two_packets_that_come_far_apart_are_suspect() {
        assert!(after(1, 16.0, &STEADY).is_some_and(|rate| (rate - 0.5e6).abs() < 1.0));
        assert_eq!(after(1, 7.0, &STEADY), None, "little less than believed");
        assert_eq!(after(0, 16.0, &STEADY), None);
        assert!(after(1, 500.0, &STEADY).is_some_and(|rate| (rate - 0.4e6).abs() < 1.0), "a fifth at least");
    }

    #[test]
    fn where_arrivals_waver_or_packets_are_lost_nothing_is() {
        assert_eq!(after(1, 16.0, &Believed { noise: 0.006, ..STEADY }), None);
        assert_eq!(after(1, 16.0, &Believed { loss: 0.1, ..STEADY }), None);
    }

    #[test]
    fn what_comes_again_at_once_is_others_packets() {
        let mut caution = Caution::default();
        let mut report = |now: f64| {
            caution.on_arrival(Some((1000.0, 0.05)), &STEADY);
            caution.on_reported(now, &STEADY);
            caution.suspected(now).is_some()
        };
        assert_eq!([1.0, 1.06, 2.9, 3.1].map(&mut report), [true, false, false, true]);
    }

    #[test]
    fn sound_behind_a_picture_leaves_what_the_picture_said_and_another_picture_does_not() {
        let mut caution = Caution::default();
        caution.on_arrival(Some((1000.0, 0.03)), &STEADY);
        caution.on_arrival(None, &STEADY);
        let mut with_another = caution;
        caution.on_reported(1.0, &STEADY);
        assert!(caution.suspected(1.0).is_some());
        with_another.on_arrival(Some((1000.0, 0.004)), &STEADY);
        with_another.on_reported(1.0, &STEADY);
        assert_eq!(with_another.suspected(1.0), None);
    }
}
