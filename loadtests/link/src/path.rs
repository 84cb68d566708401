//! One direction: policer, then bottleneck, then loss, then delay with jitter, reorder and duplication.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::bottleneck::{Bottleneck, Left};
use crate::config::PathConfig;
use crate::demux::Label;
use crate::loss::Loss;
use crate::packet_log::{Fate, Record};
use crate::policer::Policer;
use crate::random::Random;
use crate::time::{Nanos, from_ms};

/// What goes over a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<T> {
    /// On the wire, headers included.
    pub octets: usize,
    /// Delay of its flow alone, beside that of the path.
    pub extra_delay: Nanos,
    /// For the log.
    pub label: Label,
    /// Itself.
    pub content: T,
}

/// What has happened on a path so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that came.
    pub packets: u64,
    /// Octets that came.
    pub octets: u64,
    /// Octets that went out.
    pub delivered_octets: u64,
    /// By fate, in the order of [`Fate`].
    pub fates: [u64; 6],
}

/// One direction of a link. Time never goes back from call to call.
pub struct Path<T> {
    config: PathConfig,
    seed: u64,
    policer: Option<Policer>,
    bottleneck: Bottleneck<Packet<T>>,
    loss: Loss,
    jitter: Random,
    reorder: Random,
    duplicate: Random,
    outage_until: Nanos,
    /// Out of all that keep their order, the last.
    last_out: Nanos,
    order: BinaryHeap<Reverse<(Nanos, u64)>>,
    flying: BTreeMap<u64, Packet<T>>,
    launched: u64,
    counters: Counters,
    records: Vec<Record>,
}

impl<T: Clone> Path<T> {
    /// An idle path; rates count from `now`.
    ///
    /// # Errors
    /// The configuration does not hold; why, in words.
    pub fn new(config: PathConfig, seed: u64, now: Nanos) -> Result<Self, String> {
        config.check()?;
        Ok(Self {
            policer: config.policer(now),
            bottleneck: Bottleneck::new(config.capacity(now)?, config.limit()),
            loss: loss(&config, seed, now),
            jitter: Random::new(seed, "jitter"),
            reorder: Random::new(seed, "reorder"),
            duplicate: Random::new(seed, "duplicate"),
            outage_until: 0,
            last_out: 0,
            order: BinaryHeap::new(),
            flying: BTreeMap::new(),
            launched: 0,
            counters: Counters::default(),
            records: Vec::new(),
            config,
            seed,
        })
    }

    /// Another configuration from now on; what is under way keeps its times, and a policer that stays its tokens.
    ///
    /// # Errors
    /// The configuration does not hold, and nothing has changed; why, in words.
    pub fn change(&mut self, now: Nanos, config: PathConfig) -> Result<(), String> {
        config.check()?;
        let capacity = if config.rate == self.config.rate { None } else { Some(config.capacity(now)?) };
        self.advance(now);
        match capacity {
            Some(capacity) => self.bottleneck.change(now, capacity, config.limit()),
            None => self.bottleneck.limit(config.limit()),
        }
        if (config.loss, config.bursts) != (self.config.loss, self.config.bursts) {
            self.loss = loss(&config, self.seed, now);
        }
        if config.policer != self.config.policer {
            self.policer = config.policer(now);
        }
        self.config = config;
        Ok(())
    }

    /// Lose all that leaves the bottleneck for so long.
    pub fn outage(&mut self, now: Nanos, length: Nanos) {
        self.advance(now);
        self.outage_until = now.saturating_add(length);
    }

    /// Take a packet.
    pub fn push(&mut self, now: Nanos, packet: Packet<T>) {
        self.advance(now);
        self.counters.packets += 1;
        self.counters.octets += packet.octets as u64;
        let (octets, label) = (packet.octets, packet.label);
        let refused = |fate| Record { arrived: now, left: 0, out: 0, octets, label, fate };
        if self.policer.as_mut().is_some_and(|policer| !policer.passes(now, octets)) {
            return self.note(refused(Fate::Policed));
        }
        if self.bottleneck.push(now, octets, packet).is_err() {
            self.note(refused(Fate::QueueFull));
        }
        self.advance(now);
    }

    /// The next packet that is due by now.
    pub fn pop(&mut self, now: Nanos) -> Option<(Nanos, Packet<T>)> {
        self.advance(now);
        let Reverse((at, number)) = *self.order.peek().filter(|next| next.0.0 <= now)?;
        self.order.pop();
        Some((at, self.flying.remove(&number)?))
    }

    /// When `pop` has something next.
    #[must_use]
    pub fn next_at(&self) -> Option<Nanos> {
        let flying = self.order.peek().map(|next| next.0.0);
        [flying, self.bottleneck.next_at()].into_iter().flatten().min()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Octets that wait, and bits a second at this moment.
    #[must_use]
    pub fn queue(&self, now: Nanos) -> (usize, Option<f64>) {
        (self.bottleneck.octets(), self.bottleneck.rate(now))
    }

    /// The records since the last call.
    pub fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    fn advance(&mut self, now: Nanos) {
        while let Some(left) = self.bottleneck.pop(now) {
            self.launch(left);
        }
    }

    /// Decide about a packet as it leaves the bottleneck. Each mechanism draws for each packet, so that its stream depends on nothing else.
    fn launch(&mut self, Left { arrived, left, item: packet }: Left<Packet<T>>) {
        let lost = self.loss.takes(left);
        let delay = from_ms(self.config.delay_ms) + self.draw_jitter();
        let held = self.config.reorder.filter(|reorder| self.reorder.happens(reorder.share));
        let twice = self.duplicate.happens(self.config.duplicate);
        let mut record = Record { arrived, left, out: 0, octets: packet.octets, label: packet.label, fate: Fate::Lost };
        if left < self.outage_until {
            return self.note(Record { fate: Fate::Outage, ..record });
        }
        if lost {
            return self.note(record);
        }
        let in_order = (left + delay).max(self.last_out);
        record.out = in_order + packet.extra_delay;
        match held {
            Some(reorder) => record.out += from_ms(reorder.delay_ms),
            None => self.last_out = in_order,
        }
        if twice {
            self.fly(record.out, packet.clone());
            self.note(Record { fate: Fate::Duplicate, ..record });
        }
        self.fly(record.out, packet);
        self.note(Record { fate: Fate::Delivered, ..record });
    }

    fn draw_jitter(&mut self) -> Nanos {
        let deviations = self.jitter.normal().clamp(-3.0, 3.0);
        from_ms(self.config.jitter_ms * (0.5 + deviations / 6.0))
    }

    fn fly(&mut self, at: Nanos, packet: Packet<T>) {
        self.counters.delivered_octets += packet.octets as u64;
        self.order.push(Reverse((at, self.launched)));
        self.flying.insert(self.launched, packet);
        self.launched += 1;
    }

    fn note(&mut self, record: Record) {
        self.counters.fates[record.fate as usize] += 1;
        self.records.push(record);
    }
}

fn loss(config: &PathConfig, seed: u64, now: Nanos) -> Loss {
    Loss::new(config.loss, config.bursts.map(crate::config::BurstsConfig::bursts), seed, now)
}
