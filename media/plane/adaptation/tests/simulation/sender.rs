//! A publisher's layers, forwarded to one viewer by what the estimate allows.

use std::collections::VecDeque;

use adaptation::pacer::{Class, Pacer};
use adaptation::probe::{self, Prober};
use adaptation::{Config, Estimator};

use super::Random;
use super::choice::{Choice, LEVELS, Link, level};
use super::feedback::Feedback;
use super::pictures::Pictures;
use super::repeats::Repeats;

const PACKET: f64 = 1150.0;
/// Between a packet's place in the queue and the receiver's asking for it, where it was lost.
const NOTICED: f64 = 0.01;
/// Probes look for so much more than what is wanted takes.
const WANTED: f64 = 1.05;
/// Between a retransmission and its copies.
const SPACING: f64 = 0.008;
const REPAIRED_AT_MOST: u32 = 10;

/// What waits in the pacer: octets, how often it was sent before, and the picture of the base layer that it belongs to.
type Waiting = (f64, u32, Option<u64>);

pub struct Sender {
    pub estimator: Estimator,
    pub prober: Prober,
    pub start: f64,
    pub stop: f64,
    /// Index in LEVELS; None: no picture.
    pub level: Option<usize>,
    random: Random,
    next_frame: f64,
    next_audio: f64,
    pacer: Pacer<Waiting>,
    /// Longest that the pacer's queue has been, seconds.
    pub pacer_delay: f64,
    pub pacer_dropped: u64,
    probing: VecDeque<(f64, f64)>,
    pub feedback: Feedback,
    pub sent_octets: f64,
    pub probe_octets: f64,
    pub arrived_octets: f64,
    pub switches: usize,
    sizes: std::collections::HashMap<u16, f64>,
    attempts: std::collections::HashMap<u16, u32>,
    /// Which picture of the base layer a packet belongs to.
    picture_of: std::collections::HashMap<u16, u64>,
    pub pictures: Pictures,
    pub audio_sent: f64,
    pub audio_arrived: f64,
    /// Numbers of the audio packets that are on their way.
    audio: std::collections::HashSet<u16>,
    /// How often each audio packet is sent again, and how far apart, s.
    pub copies: (u32, f64),
    copying: Repeats,
    /// Retransmissions have copies 8 ms apart, more the more is lost, as the plane sends them.
    pub repeats_repairs: bool,
    repeating: Repeats,
    /// Numbers that have copies and were told as lost.
    told: std::collections::HashSet<u16>,
    /// The estimator's loss at each report.
    pub losses: Vec<f64>,
    keyframe: bool,
    /// What the receiver asks for again: when that is known here, octets, and how often it was sent.
    nacks: VecDeque<(f64, Waiting)>,
    /// What a receiver misses is known to it when something behind it arrives, so all that a burst takes is asked for at once.
    pub notices_by_arrival: bool,
    missed: Vec<Waiting>,
    pub repair_octets: f64,
    pub given_up: usize,
    next_choice: f64,
    choice: Choice,
    /// Copies by what the link loses, and until when less is not enough.
    pub protects: bool,
    protected_until: f64,
    /// What stands in the queue and what is lost, smoothed over five seconds, and whether both are so much that base pictures are
    /// sent twice: others keep it full.
    behind: (f64, f64, bool),
    pub measured_from: f64,
    /// A picture of ten times the size so often, s, and pictures of temporal layers, all sent as they come: as a publisher's
    /// encoder makes them where nothing paces.
    pub bursts_every: Option<f64>,
    /// Pictures of the base layer are twice as large as the others.
    pub layered: bool,
    frames: usize,
    /// For how long others were believed to use the link, s.
    pub contended: f64,
    /// For how long there was sound alone, s.
    pub alone: f64,
    polled: f64,
}

impl Sender {
    pub fn new(seed: u64, back: f64) -> Self {
        Self {
            estimator: Estimator::new(Config::default()),
            prober: Prober::default(),
            start: 0.0,
            stop: f64::INFINITY,
            level: Some(2),
            random: Random(seed),
            next_frame: 0.0,
            next_audio: 0.0,
            pacer: Pacer::default(),
            pacer_delay: 0.0,
            pacer_dropped: 0,
            probing: VecDeque::new(),
            feedback: Feedback::new(back),
            sent_octets: 0.0,
            probe_octets: 0.0,
            arrived_octets: 0.0,
            switches: 0,
            sizes: Default::default(),
            attempts: Default::default(),
            picture_of: Default::default(),
            pictures: Pictures::default(),
            layered: false,
            audio_sent: 0.0,
            audio_arrived: 0.0,
            audio: Default::default(),
            copies: (0, 0.0),
            copying: Repeats::default(),
            repeats_repairs: false,
            repeating: Repeats::default(),
            told: std::collections::HashSet::new(),
            losses: Vec::new(),
            keyframe: true,
            notices_by_arrival: false,
            missed: Vec::new(),
            nacks: VecDeque::new(),
            repair_octets: 0.0,
            given_up: 0,
            next_choice: 0.0,
            choice: Choice::default(),
            protects: false,
            protected_until: 0.0,
            behind: (0.0, 0.0, false),
            measured_from: 0.0,
            bursts_every: None,
            frames: 0,
            contended: 0.0,
            alone: 0.0,
            polled: 0.0,
        }
    }
    pub fn estimate(&self) -> f64 {
        self.estimator.estimate()
    }
    pub fn encoding(&self) -> i32 {
        self.level.map_or(-1, |level| LEVELS[level].encoding as i32)
    }

    /// Packets that leave now: transport-wide sequence number and octets.
    pub fn poll(&mut self, now: f64) -> Vec<(u16, f64)> {
        if now < self.start || now > self.stop {
            self.next_frame = now;
            self.next_audio = now;
            return Vec::new();
        }
        self.contended += if self.estimator.is_contended() { now - self.polled } else { 0.0 };
        self.alone += if self.level.is_none() { now - self.polled } else { 0.0 };
        self.polled = now;
        let mut out = Vec::new();
        while let Some(report) = self.feedback.take(now) {
            self.estimator.on_feedback(now, report.into_iter());
            self.losses.push(self.estimator.loss());
        }
        if self.estimator.is_told() {
            let (rate, queue) = self.estimator.pace(now);
            self.pacer.set_link(now, rate, queue);
        }
        if now >= self.next_choice {
            self.next_choice = now + 0.1;
            self.protect(now);
            self.choose(now);
        }
        self.repair(now, &mut out);
        if now >= self.next_audio {
            self.next_audio += 0.02;
            self.leave(now, 140.0, &mut out);
            self.audio_sent += 1.0;
            let sequence = out.last().unwrap().0;
            self.audio.insert(sequence);
            self.copying.add(now + self.copies.1, sequence, self.copies.0);
        }
        self.copy(now, &mut out);
        if now >= self.next_frame {
            let level = self.level.map_or(level(0, 0.0, 30.0), |level| LEVELS[level]);
            self.next_frame += level.interval;
            let mean = level.rate * level.interval / 8.0;
            let mut size = mean * (0.7 + 0.6 * self.random.next());
            let is_key = std::mem::take(&mut self.keyframe);
            size *= if is_key { 5.0 } else { 1.0 };
            let group = (0.134 / level.interval) as usize;
            let is_base = is_key || self.frames % group.max(1) == 0;
            if self.bursts_every.is_some_and(|every| self.frames % (every * 30.0) as usize == 29) {
                size *= 10.0;
            } else if (self.bursts_every.is_some() || self.layered) && !is_key {
                size *= [&[1.0][..], &[1.3, 0.7], &[1.6, 0.8, 0.8, 0.8]][group.min(4) / 2][self.frames % group.max(1)];
            }
            self.frames += 1;
            let packets = if size > 0.0 { (size / PACKET).ceil() } else { 0.0 };
            let (packets, each) = (packets as usize, size / packets + 45.0);
            let picture = (is_base && packets > 0).then_some(self.frames as u64);
            if let Some(picture) = picture {
                self.pictures.on_sent(picture, packets, is_key);
            }
            let passing = self.pacer.passing(now, Class::Video, packets, each as usize);
            (0..passing).for_each(|_| self.leave_again(now, (each, 0, picture), &mut out));
            (passing..packets).for_each(|_| self.pacer.hold(now, Class::Video, each as usize, (each, 0, picture)));
            if self.pictures.is_stuck(now) && self.layered {
                self.begin();
            }
        }
        for waiting in self.pacer.take_burst(now) {
            self.leave_again(now, waiting, &mut out);
        }
        self.pacer_delay = self.pacer_delay.max(self.pacer.delay());
        self.pacer_dropped += self.pacer.take_dropped();
        self.probe(now, &mut out);
        out
    }

    fn copy(&mut self, now: f64, out: &mut Vec<(u16, f64)>) {
        let sound = self.copying.take_due(now, self.copies.1);
        let repairs = self.repeating.take_due(now, SPACING);
        let paced = std::iter::repeat_n(false, sound.len()).chain(std::iter::repeat(true));
        for (sequence, paced) in sound.into_iter().chain(repairs).zip(paced) {
            let octets = self.sizes.get(&sequence).copied().unwrap_or(0.0);
            self.estimator.on_copied(now, sequence);
            if paced {
                self.pacer.on_sent(now, octets as usize);
            }
            self.sent_octets += octets;
            out.push((sequence, octets));
        }
    }

    /// A packet was lost; `known`: when the receiver would have had it.
    pub fn on_lost(&mut self, known: f64, sequence: u16) {
        let octets = self.sizes.get(&sequence).copied().unwrap_or(0.0);
        // What feedback tells is sent again at once, whatever becomes of its copies.
        if !self.told.insert(sequence) {
            return;
        }
        let attempt = self.attempts.remove(&sequence).unwrap_or(0) + 1;
        if octets != 140.0 && octets != probe::PACKET_OCTETS && attempt <= REPAIRED_AT_MOST {
            let waiting = (octets, attempt, self.picture_of.remove(&sequence));
            if self.notices_by_arrival {
                self.missed.push(waiting);
            } else {
                self.nacks.push_back((known + NOTICED + self.feedback.back, waiting));
            }
        }
    }

    /// Send again what is asked for, or begin anew where that is too much.
    fn repair(&mut self, now: f64, out: &mut Vec<(u16, f64)>) {
        let due: Vec<_> = self.nacks.iter().copied().filter(|(at, ..)| *at <= now).collect();
        self.nacks.retain(|(at, ..)| *at > now);
        let octets: f64 = due.iter().map(|(_, (octets, ..))| octets).sum();
        if due.is_empty() {
            return;
        }
        if !self.pacer.take_repairs(now, octets as usize, false) {
            self.given_up += 1;
            return self.begin();
        }
        for (_, waiting) in due {
            let octets = waiting.0;
            self.repair_octets += octets;
            if self.pacer.passing(now, Class::Retransmission, 1, octets as usize) == 1 {
                self.leave_again(now, waiting, out);
            } else {
                self.pacer.hold(now, Class::Retransmission, octets as usize, waiting);
            }
        }
    }

    /// A packet of a picture leaves, for the first time or another.
    fn leave_again(&mut self, now: f64, (octets, attempt, picture): Waiting, out: &mut Vec<(u16, f64)>) {
        self.leave(now, octets, out);
        let sequence = out.last().unwrap().0;
        if attempt > 0 {
            self.attempts.insert(sequence, attempt);
        }
        if attempt > 0 && self.repeats_repairs && self.protects {
            let loss = self.estimator.loss();
            let count = u32::from(loss >= 0.15) + u32::from(loss >= 0.45) + u32::from(attempt > 1);
            // Copies take of what retransmissions may.
            let fits = count > 0 && self.pacer.take_copies(now, octets as usize * count as usize);
            self.repeating.add(now + SPACING, sequence, if fits { count } else { 0 });
        }
        if self.behind.2 && (attempt > 0 || picture.is_some()) {
            self.repeating.add(now + SPACING, sequence, 1);
        }
        match picture {
            Some(picture) => self.picture_of.insert(sequence, picture),
            None => self.picture_of.remove(&sequence),
        };
    }

    /// The next picture is a keyframe, and nothing before it is of use.
    fn begin(&mut self) {
        self.keyframe = true;
        self.nacks.clear();
        self.pacer.drop_where(|_| true);
        self.pacer.take_dropped();
    }

    fn protect(&mut self, now: f64) {
        if !self.protects {
            return;
        }
        let (queue, missed, behind) = &mut self.behind;
        *queue += 0.02 * (self.estimator.standing_queue() - *queue);
        *missed += 0.02 * (self.estimator.missed() - *missed);
        *behind = if *behind { *missed >= 0.015 && *queue >= 0.05 } else { *missed >= 0.02 && *queue >= 0.1 };
        let loss = self.estimator.loss();
        let needed = if loss >= 0.03 { ((0.02_f64.ln() / loss.ln()).ceil() as u32).clamp(2, 10) - 1 } else { 0 };
        // They take half of the estimate at most.
        let most = ((self.estimate() * 0.5 / 48_000.0) as u32).max(1);
        let needed = needed.min(most);
        self.copies.0 = self.copies.0.min(most);
        if needed >= self.copies.0 && needed > 0 {
            self.copies = (needed, 0.16 / f64::from(needed.max(2)));
            self.protected_until = now + 5.0;
        } else if now >= self.protected_until && (needed > 0 || loss < 0.01) {
            self.copies = (needed, 0.16 / f64::from(needed.max(2)));
        }
    }

    fn probe(&mut self, now: f64, out: &mut Vec<(u16, f64)>) {
        let wanted = (LEVELS.last().unwrap().rate * 1.08 * 1.06 + 64_000.0) * WANTED;
        if self.probing.is_empty() && !self.pacer.is_waiting() && !self.estimator.is_policed(now) {
            if let Some(probe) = self.prober.poll(now, self.estimate(), wanted) {
                let mut at = now;
                let mut left = probe.octets;
                while left > 0.0 {
                    self.probing.push_back((at, probe::PACKET_OCTETS));
                    at += probe::PACKET_OCTETS * 8.0 / probe.rate;
                    left -= probe::PACKET_OCTETS;
                }
            }
        }
        while self.probing.front().is_some_and(|(at, _)| *at <= now) {
            let (_, octets) = self.probing.pop_front().unwrap();
            self.probe_octets += octets;
            self.leave(now, octets, out);
        }
    }

    fn leave(&mut self, now: f64, octets: f64, out: &mut Vec<(u16, f64)>) {
        self.pacer.on_sent(now, octets as usize);
        let sequence = self.estimator.on_sent(now, octets);
        self.sent_octets += octets;
        self.sizes.insert(sequence, octets);
        self.told.remove(&sequence);
        out.push((sequence, octets));
    }

    fn choose(&mut self, now: f64) {
        if !self.estimator.is_told() {
            return;
        }
        let copies = f64::from(self.copies.0) * 140.0 * 8.0 * 50.0;
        let link = Link {
            contended: self.estimator.is_contended(),
            pushed_aside: self.estimator.is_pushed_aside(),
            lossy: copies > 0.0 && self.estimator.loss() >= 0.02,
        };
        let chosen = self.choice.choose(now, self.level, self.estimate() - copies, link);
        if let Some(level) = chosen {
            self.switch(level);
        }
    }

    fn switch(&mut self, level: Option<usize>) {
        let before = self.encoding();
        self.level = level;
        if level.is_none() {
            self.pictures.pause();
        }
        self.switches += 1;
        if self.encoding() != before {
            self.begin();
        }
    }

    pub fn on_arrival(&mut self, arrived: f64, sequence: u16) {
        let missed = std::mem::take(&mut self.missed);
        let asked = arrived + NOTICED + self.feedback.back;
        self.nacks.extend(missed.into_iter().map(|waiting| (asked, waiting)));
        if arrived > self.measured_from {
            self.arrived_octets += self.sizes.get(&sequence).copied().unwrap_or(0.0);
        }
        if let Some(picture) = self.picture_of.remove(&sequence) {
            self.pictures.on_arrival(arrived, picture);
        }
        let is_new = self.audio.remove(&sequence);
        self.audio_arrived += f64::from(u8::from(is_new));
        // A replay: audio that has arrived.
        if !is_new && self.sizes.get(&sequence) == Some(&140.0) {
            return;
        }
        self.feedback.on_arrival(arrived, sequence);
    }
}
