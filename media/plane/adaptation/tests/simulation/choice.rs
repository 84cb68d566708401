//! What a viewer is shown of a publisher's layers, by what the estimate allows: as `media/policy.py` chooses for `main` alone, of levels
//! whose rates are known. It leaves out that an estimate which falls far ends the doubt, and that steps down within half a second are
//! one fall.

/// What a level shows: an encoding, and bit/s of its payload at this frame rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    pub encoding: usize,
    pub rate: f64,
    pub interval: f64,
}

pub const fn level(encoding: usize, rate: f64, fps: f64) -> Level {
    Level { encoding, rate, interval: 1.0 / fps }
}

/// As policy has them: three sizes, the least one at a quarter, at half and at the full frame rate, the others at half and the full.
pub const LEVELS: &[Level] = &[
    level(0, 60_000.0, 7.5),
    level(0, 90_000.0, 15.0),
    level(0, 150_000.0, 30.0),
    level(1, 294_000.0, 15.0),
    level(1, 490_000.0, 30.0),
    level(2, 987_000.0, 15.0),
    level(2, 1_645_000.0, 30.0),
];
/// Bit/s that all levels of an encoding take.
const ENCODINGS: [f64; 3] = [150_000.0, 490_000.0, 1_645_000.0];
pub const AUDIO: f64 = 56_000.0;

/// What an encoding takes on the wire, sound included.
pub fn need(encoding: usize) -> f64 {
    ENCODINGS[encoding] * 1.09 + AUDIO
}

/// The best encoding that fits by policy's rule, spatial before temporal: at the least frame rate at which it is shown. -1: none.
pub fn best_encoding(capacity: f64) -> i32 {
    let fits = |encoding: &usize| {
        let least = LEVELS.iter().find(|level| level.encoding == *encoding).unwrap();
        least.rate * 1.09 + AUDIO <= capacity
    };
    (0..3).filter(fits).count() as i32 - 1
}

/// What is known of a link.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Others are believed to use it.
    pub contended: bool,
    /// They keep its queue full whatever is sent.
    pub pushed_aside: bool,
    /// It loses much by itself.
    pub lossy: bool,
}

/// Since when which choice is wanted or doubted, s.
pub struct Choice {
    want_up_since: Option<(f64, f64)>,
    /// When a level turned out to be too much, and what it takes.
    doubted: Option<(f64, f64)>,
    /// For how long a doubted level has to fit.
    settle: f64,
    last_down: f64,
    last_up: f64,
    patience: f64,
}

impl Default for Choice {
    fn default() -> Self {
        Self { want_up_since: None, doubted: None, settle: 5.0, last_down: -99.0, last_up: -99.0, patience: 0.5 }
    }
}

impl Choice {
    /// What is to be shown from now on, where that is another level than `shown`, of [`LEVELS`]; None in it: no picture. `estimate`: bit/s
    /// for pictures and sound.
    pub fn choose(&mut self, now: f64, shown: Option<usize>, estimate: f64, link: Link) -> Option<Option<usize>> {
        let Link { contended, pushed_aside, lossy } = link;
        let sawn = pushed_aside && shown.is_some();
        let cost = |level: usize| LEVELS[level].rate * 1.06 + 64_000.0;
        let best = |room: f64| (0..LEVELS.len()).rev().find(|level| cost(*level) <= room);
        if let Some(level) = shown.filter(|level| cost(*level) > estimate) {
            self.doubt(now, cost(level), estimate, contended, lossy);
            return Some(best(estimate));
        }
        let doubted = self.doubted.is_some_and(|(at, failed)| now - at < self.doubt_lasts(lossy) && estimate < failed * 1.5);
        // What there was all the time, not a peak at its end.
        let all_the_time = estimate.min(self.want_up_since.map_or(f64::INFINITY, |(_, least)| least));
        let ample = shown.is_none() && !contended && !lossy && all_the_time >= cost(0) * 1.5;
        let rise = match () {
            () if doubted && ample => 1.5,
            () if doubted => 1.2,
            () => 1.08,
        };
        let best = best(if doubted || sawn { all_the_time } else { estimate } / rise);
        if best <= shown {
            self.want_up_since = None;
            return None;
        }
        let (since, least) = self.want_up_since.get_or_insert((now, estimate));
        *least = least.min(estimate);
        let since = *since;
        if !contended || now - self.last_up > 20.0 && now - self.last_down > 20.0 {
            self.patience = 0.5;
        }
        // Without a picture nobody waits longer.
        let most = match () {
            () if ample || shown.is_none() && contended => 2.0,
            () if shown.is_none() && lossy => (self.settle / 5.0).powi(2),
            () => f64::INFINITY,
        };
        // A whole tooth of the saw that others leave.
        let settle = if doubted { self.doubt_settle(lossy) } else { 0.5 }.max(if sawn { 10.0 } else { 0.0 });
        let waited = now - since >= settle.min(most) && now - self.last_down >= self.patience.min(most);
        waited.then(|| {
            (self.last_up, self.want_up_since) = (now, None);
            best
        })
    }

    /// s.
    fn doubt_lasts(&self, lossy: bool) -> f64 {
        (self.doubt_settle(lossy) * 10.0).max(120.0)
    }

    /// s.
    fn doubt_settle(&self, lossy: bool) -> f64 {
        (self.settle * if lossy { 3.0 } else { 1.0 }).min(60.0)
    }

    /// What is shown does not fit any more.
    fn doubt(&mut self, now: f64, cost: f64, estimate: f64, contended: bool, lossy: bool) {
        if now - self.last_up < 10.0 && contended {
            self.patience = (self.patience * 2.0).min(30.0);
        }
        if estimate >= 0.65 * cost || lossy {
            let lasts = self.doubt_lasts(lossy);
            let doubted = self.doubted.is_some_and(|(at, _)| now - at < lasts);
            let taken_back = self.last_up > self.last_down && now - self.last_up < if lossy { 120.0 } else { 40.0 };
            let again = taken_back && self.doubted.is_some_and(|(at, _)| now - at < 2.0 * lasts);
            self.settle = match () {
                () if again => (self.settle * 2.0).min(60.0),
                () if doubted => self.settle,
                () => 5.0,
            };
            let failed = self.doubted.filter(|_| doubted && lossy).map_or(cost, |(_, failed)| failed.max(cost));
            self.doubted = Some((now, failed));
        }
        (self.last_down, self.want_up_since) = (now, None);
    }
}
