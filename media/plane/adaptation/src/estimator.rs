//! The estimate of one subscriber's link.

mod pacing;
mod policing;
mod standing;

use std::collections::VecDeque;

use crate::caution::{Believed, Caution};
use crate::config::Config;
use crate::contention::Contention;
use crate::dispersion::{Dispersion, Evidence};
use crate::history::{Acked, History, News};
use crate::loss::{Loss, Losses, Onset, Runs};
use crate::policed::Policed;
use crate::queue::{Held, QueueDelay};

/// Packets older than this get no report any more.
const HISTORY: f64 = 3.0;
/// Delivered packets that are remembered, for the rate of delivery.
const DELIVERED: f64 = 0.5;
/// Beside others, where jitter is learned slowly, the least wait of so many packets tells whether a queue stands, of earlier reports'
/// too: of one of very few jitter makes a queue, so that who sends little would step back for nothing, and send less.
const FEW: usize = 10;
/// As far as they arrived within so many seconds.
const LATELY: f64 = 0.2;

/// Reports of which hardly all bring nothing but copies: one has five packets of sound, of which at 60 % loss two come at once.
const FLOORS: usize = 3;
/// A packet without copies that was sent less than this before another tells what queue that one met: three pictures' time.
const SAME_QUEUE: f64 = 0.1;
/// What came later than its queue explains, by this share of the time until its first copy was sent, is that copy: less than all
/// of it, because delays waver.
const BY_COPY: f64 = 0.75;
/// So long after it dropped something a queue that others hold is still the same, s.
const DROPPING: f64 = 20.0;
/// A copy sent sooner cannot be told from a packet that was held up.
const TELLING_SPACING: f64 = 0.015;

/// Send-side estimate from transport-wide feedback.
#[derive(Clone, Debug)]
pub struct Estimator {
    config: Config,
    history: History,
    queue: QueueDelay,
    dispersion: Dispersion,
    /// Losses of the link itself.
    loss: Loss,
    onset: Onset,
    /// With those that a full queue dropped.
    missed: Loss,
    runs: Runs,
    /// When the first report came: of what was sent before it, what is lost says nothing of the link.
    began: Option<f64>,
    /// With whether each waited in the queue.
    delivered: VecDeque<(Acked, bool)>,
    estimate: f64,
    standing: f64,
    /// Share of the standing queue that is taken for ours.
    ours: f64,
    /// The least wait of all that arrived in each of the last reports, copies too.
    floors: [f64; FLOORS],
    /// When the last packet that had no copies was sent, and how long it waited.
    uncopied: Option<(f64, f64)>,
    /// What arrived last, and how long it waited.
    newest: Option<(Acked, f64)>,
    rtt: Option<f64>,
    last_cut: f64,
    /// The last cut to less than [`FAR_BELOW`].
    last_fall: f64,
    /// When that was, or a cut that followed while its reports came, or losses began all at once.
    worsened_at: f64,
    last_wait: f64,
    /// When the queue last was so full that it dropped, by the receiver's clock.
    dropped: f64,
    contention: Contention,
    caution: Caution,
    policed: Policed,
    updated: f64,
    told: bool,
}

impl Estimator {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            history: History::default(),
            queue: QueueDelay::default(),
            dispersion: Dispersion::default(),
            loss: Loss::default(),
            onset: Onset::default(),
            missed: Loss::default(),
            runs: Runs::default(),
            began: None,
            delivered: VecDeque::new(),
            estimate: config.start,
            standing: 0.0,
            ours: 1.0,
            floors: [0.0; FLOORS],
            uncopied: None,
            newest: None,
            rtt: None,
            last_cut: f64::NEG_INFINITY,
            last_fall: f64::NEG_INFINITY,
            worsened_at: f64::NEG_INFINITY,
            last_wait: 0.0,
            dropped: f64::NEG_INFINITY,
            contention: Contention::default(),
            caution: Caution::default(),
            policed: Policed::default(),
            updated: 0.0,
            told: false,
        }
    }

    /// A packet leaves; returns the transport-wide sequence number to write into it.
    pub fn on_sent(&mut self, now: f64, octets: f64) -> u16 {
        self.history.forget_before(now - HISTORY);
        self.history.push(now, octets)
    }

    /// A packet leaves again, under its number. What a link loses is judged by what was sent first: that a copy arrives means that
    /// the packet itself was lost.
    pub fn on_copied(&mut self, now: f64, sequence: u16) {
        self.history.on_copied(now, sequence);
    }

    /// What a report says: sequence numbers with their arrival by the receiver's clock, or None if they did not arrive.
    pub fn on_feedback(&mut self, now: f64, reports: impl Iterator<Item = (u16, Option<f64>)>) {
        let began = *self.began.get_or_insert(now);
        let (mut losses, mut arrived) = (Losses::default(), 0.0);
        let (mut least, mut longest) = (f64::INFINITY, 0.0_f64);
        let mut newest: Option<Acked> = None;
        let mut floor = f64::INFINITY;
        for (sequence, at) in reports {
            match self.history.report(sequence, at) {
                None => {}
                // Receivers drop what comes before they have made up their minds, Firefox for some tens of milliseconds of a join.
                Some(News::Lost { sent, .. }) if sent < began => {}
                Some(News::Lost { sent, octets, copied }) => {
                    self.on_told(sent, octets, false);
                    losses.lost(sent, counted(sent, copied));
                    self.runs.lost(sent);
                }
                // A copy arrived: the loss that was told remains one.
                Some(News::ArrivedLate(packet)) if packet.copied.is_some() => {}
                Some(News::ArrivedLate(packet)) => {
                    self.policed.on_late(packet.sent, packet.octets);
                    losses.add(-1.0);
                }
                Some(News::Arrived(packet)) if self.came_by_copy(packet) => {
                    losses.settle();
                    self.on_told(packet.sent, packet.octets, false);
                    self.runs.lost(packet.sent);
                    floor = floor.min(self.wait_of(packet));
                    losses.add(counted(packet.sent, packet.copied));
                    self.on_copy_arrived(packet);
                }
                Some(News::Arrived(packet)) => {
                    losses.settle();
                    self.on_told(packet.sent, packet.octets, true);
                    self.runs.arrived();
                    arrived += counted(packet.sent, packet.copied);
                    least = least.min(self.on_arrival(packet));
                    let wait = self.wait_of(packet);
                    floor = floor.min(wait);
                    longest = longest.max(wait);
                    if packet.copied.is_none() {
                        self.uncopied = Some((packet.sent, wait));
                    }
                    newest = Some(packet);
                }
            }
        }
        self.floors.rotate_right(1);
        self.floors[0] = floor;
        let lost = losses.count();
        // What a full queue drops says nothing of the link: copies would make the queue longer.
        let own = lost <= 0.0 || !self.is_full(longest);
        if own {
            if self.onset.on_report(lost, arrived, self.loss.share()) {
                self.worsened_at = now;
            }
            self.loss.on_report(lost, arrived);
        }
        self.missed.on_report(lost, arrived);
        self.runs.on_report(now, own, self.loss());
        let Some(newest) = newest else { return };
        if !own {
            self.dropped = newest.arrived;
        }
        self.rtt = Some(now - newest.sent);
        self.newest = Some((newest, self.wait_of(newest)));
        self.forget(newest.arrived);
        self.update(now, newest, least, lost);
        self.mind_policer(now);
        self.caution.on_reported(now, &self.believed());
    }

    /// Whether what arrived is rather a copy than the packet itself: it comes later than the queue explains. A copy says nothing of
    /// the queue, but a queue that has grown holds up everything. What it is tells a picture's packet sent just before; where there
    /// is none, the least of some reports' waits.
    fn came_by_copy(&self, packet: Acked) -> bool {
        let Some(copied) = packet.copied else { return false };
        let beside = self.uncopied.filter(|(sent, _)| (0.0..SAME_QUEUE).contains(&(packet.sent - sent)));
        let least = || self.floors.iter().copied().fold(self.wait_of(packet), f64::min);
        let queue = beside.map_or_else(least, |(_, wait)| wait);
        self.wait_of(packet) - queue > (copied - packet.sent) * BY_COPY
    }

    /// One that nobody can tell from its copy was delivered all the same: a queue that grows makes it look like that, and most of what
    /// is sent then may be retransmissions.
    fn on_copy_arrived(&mut self, packet: Acked) {
        if !is_told_apart(packet.sent, packet.copied) {
            let waited = self.wait_of(packet) > self.busy_threshold();
            self.delivered.push_back((packet, waited));
        }
    }

    /// Whether a packet that waited so long met a queue that is full, as far as arrivals that waver tell.
    fn is_full(&self, wait: f64) -> bool {
        wait > self.config.full_queue + 2.0 * self.queue.noise()
    }

    /// Its one-way delay above the least that was seen.
    fn wait_of(&self, packet: Acked) -> f64 {
        let delay = packet.arrived - packet.sent;
        delay - self.queue.base().unwrap_or(delay)
    }

    /// Returns how long the packet waited in the queue.
    fn on_arrival(&mut self, packet: Acked) -> f64 {
        let held = match self.contention.is_pushed_aside() {
            true if packet.arrived - self.dropped < DROPPING => Held::Dropping,
            true => Held::Quiet,
            false => Held::No,
        };
        let wait = self.queue.on_packet(packet.arrived, packet.arrived - packet.sent, held);
        let threshold = self.busy_threshold();
        let waited = wait > threshold;
        let busy = waited && self.last_wait > threshold;
        self.last_wait = wait;
        let arriving = 1.0 - self.loss.share();
        let history = &self.history;
        let pair = self.dispersion.on_packet(packet, busy, self.estimate, |from, to| history.copied_between(from, to).octets() * arriving);
        self.caution.on_arrival(pair, &self.believed());
        self.delivered.push_back((packet, waited));
        wait
    }

    /// The least wait that tells of a queue, where that of a report is `least`: one too long for jitter tells by itself.
    fn least_of_few(&self, arrived: f64, least: f64) -> f64 {
        if least >= self.config.full_queue || !self.contention.is_contended() {
            return least;
        }
        let some = self.delivered.iter().rev().take(FEW).take_while(|(packet, _)| packet.arrived >= arrived - LATELY);
        some.map(|(packet, _)| self.wait_of(*packet)).fold(least, f64::min)
    }

    fn believed(&self) -> Believed {
        let noise = self.queue.noise().max(self.queue.jitter());
        Believed { estimate: self.estimate, noise, loss: self.loss.share() }
    }

    fn busy_threshold(&self) -> f64 {
        self.config.busy + 2.0 * self.queue.noise()
    }

    fn forget(&mut self, arrived: f64) {
        self.dispersion.forget_before(arrived - self.config.memory);
        while self.delivered.front().is_some_and(|(packet, _)| packet.arrived < arrived - DELIVERED) {
            self.delivered.pop_front();
        }
    }

    fn update(&mut self, now: f64, newest: Acked, least: f64, lost: f64) {
        let (of_report, least) = (least, self.least_of_few(newest.arrived, least));
        self.standing = least;
        self.queue.on_report(of_report);
        let noise = self.queue.noise();
        let limit = self.config.standing_queue + 2.0 * self.queue.jitter();
        let evidence = self.dispersion.evidence(0.010 + 8.0 * noise, self.config.stretch);
        if least > limit {
            self.on_standing_queue(now, newest, least, lost);
        } else {
            self.queue.learn_noise(of_report, self.contention.is_contended());
            self.ours = 1.0;
            self.contention.on_empty_queue(now, evidence);
            self.follow(now, evidence);
        }
        self.estimate = self.estimate.clamp(self.config.min, self.config.max);
        self.updated = now;
    }

    /// The queue is empty now and then: what trains say is the link's rate, unless others use it too.
    fn follow(&mut self, now: f64, evidence: Option<Evidence>) {
        // Jitter and losses pull trains apart and never together, so where there is much of them a slower one says little.
        let doubt = 1.0 + self.queue.noise() / self.config.doubtful_noise + self.loss.share() / self.config.doubtful_loss;
        let (target, fall) = match evidence {
            // Beside others a train tells the link's rate and not our share, so it is no reason to send less.
            Some(Evidence::Capacity(rate)) if !self.contention.is_contended() => (rate * self.config.headroom, self.config.fall / doubt),
            Some(Evidence::Capacity(rate)) => (rate * self.config.headroom, 0.0),
            Some(Evidence::AtLeast(rate)) => (rate, 0.0),
            None => return,
        };
        self.told = true;
        let ceiling = self.contention.ceiling(now, || self.delivered_lately()).max(self.estimate);
        self.approach(target.min(ceiling), self.config.rise, fall);
    }

    fn approach(&mut self, target: f64, up: f64, down: f64) {
        let gain = if target > self.estimate { up } else { down };
        self.estimate += gain * (target - self.estimate);
    }

    /// Bits a second that the link is believed to carry.
    #[must_use]
    pub const fn estimate(&self) -> f64 {
        self.estimate
    }

    /// Whether anything that arrived has told of the link; the estimate is an assumption until then.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.told
    }

    /// Least time that packets of the last report waited in the queue.
    #[must_use]
    pub const fn standing_queue(&self) -> f64 {
        self.standing
    }

    /// The same where it gets shorter if we send less: 0 where others keep it full, or did of late.
    #[must_use]
    pub fn own_queue(&self) -> f64 {
        if self.contention.is_pushed_aside() || self.contention.expects_others() { 0.0 } else { self.standing * self.ours }
    }

    /// When the estimate last fell far at once, or followed while the link had just narrowed, or losses began all at once.
    #[must_use]
    pub const fn worsened_at(&self) -> f64 {
        self.worsened_at
    }

    /// When the first report came.
    #[must_use]
    pub const fn began(&self) -> Option<f64> {
        self.began
    }

    /// Share of packets that the link loses, 0 to 1, smoothed, but for its onset: without what its full queue drops, and what an
    /// outage takes.
    #[must_use]
    pub const fn loss(&self) -> f64 {
        self.loss.share().max(self.onset.share())
    }

    /// The same with what its full queue drops.
    #[must_use]
    pub const fn missed(&self) -> f64 {
        self.missed.share()
    }

    /// How long all that is sent is lost at a time, seconds: the longest burst of late.
    #[must_use]
    pub const fn lost_run(&self) -> f64 {
        self.runs.longest()
    }

    /// Round trip of the newest packet, with the time its report waited at the receiver.
    #[must_use]
    pub const fn rtt(&self) -> Option<f64> {
        self.rtt
    }

    /// Whether others are believed to use the link too.
    #[must_use]
    pub const fn is_contended(&self) -> bool {
        self.contention.is_contended()
    }

    /// Whether they keep its queue full whatever we send.
    #[must_use]
    pub const fn is_pushed_aside(&self) -> bool {
        self.contention.is_pushed_aside()
    }
}

/// Whether what arrived is known to be a packet or its copy: not where that was sent too soon behind it.
fn is_told_apart(sent: f64, copied: Option<f64>) -> bool {
    copied.is_none_or(|copied| copied - sent >= TELLING_SPACING)
}

/// For how many a packet counts in the share that is lost.
fn counted(sent: f64, copied: Option<f64>) -> f64 {
    f64::from(u8::from(is_told_apart(sent, copied)))
}
