//! Whatever the host's uplink loses and repairs, the host is told its own loss exactly, and no subscriber's link is blamed for it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small numbers of a test")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Received, Wire};
use plane_core::address::TransportAddress;
use plane_core::command::{Codec, Command, ExtensionIds, MediaKind};
use plane_core::engine::{Config, Engine};
use plane_core::rtcp::{self, Compound, Packet, ReportBlock};
use plane_core::rtp::Fields;
use plane_core::srtp::Profile;
use proptest::collection::vec;
use proptest::prelude::*;

const MEDIA: u32 = 100;
const RTX: u32 = 101;
const SINK: u32 = 0x7FF0;
const INTERVAL: Duration = Duration::from_millis(20);

/// What becomes of a packet of the host.
#[derive(Clone, Copy, Debug)]
struct Fate {
    /// The uplink loses it.
    lost: bool,
    /// The uplink loses so many of its repairs.
    lost_repairs: usize,
    /// The member's link loses what arrives of it.
    lost_below: bool,
}

fn fate() -> impl Strategy<Value = Fate> {
    (prop::bool::weighted(0.2), 0..20_usize, prop::bool::weighted(0.1)).prop_map(|(lost, lost_repairs, lost_below)| Fate {
        lost,
        lost_repairs,
        lost_below,
    })
}

/// A host and a member, each with a link of its own.
struct World {
    engine: Engine,
    now: Instant,
    wire: Wire,
    host: Client,
    member: Client,
    fates: Vec<Fate>,
    repairs: Vec<usize>,
    rtx_index: i64,
    arrived: u32,
    /// Output numbers that the member's link carried, and those that it lost.
    received: BTreeSet<i64>,
    lost_below: u64,
    told: Option<ReportBlock>,
}

impl World {
    fn new(fates: Vec<Fate>) -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        let client = |peer: u32| {
            Client::new(peer, TransportAddress::udp(([10, 0, 0, peer as u8], 5000).into()), Profile::AeadAes128Gcm, peer.into())
        };
        let mut world = Self {
            engine: Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7),
            now,
            wire: Wire::default(),
            host: client(1),
            member: client(2),
            repairs: vec![0; fates.len()],
            fates,
            rtx_index: 1,
            arrived: 0,
            received: BTreeSet::new(),
            lost_below: 0,
            told: None,
        };
        world.join();
        world
    }

    fn join(&mut self) {
        let codecs =
            |payload_type| vec![Codec { name: "VP8".into(), payload_type, clock_rate: 90_000, rtx_payload_type: Some(payload_type + 1) }];
        for client in [&self.host, &self.member] {
            client.join(&mut self.engine, self.now, ExtensionIds::default(), &mut self.wire);
        }
        let (kind, mid, cname) = (MediaKind::Video, String::from("0"), String::from("c"));
        let ssrcs = vec![(MEDIA, RTX)];
        let source = Command::AddSource { source: 5, peer: 1, kind, mid: mid.clone(), codecs: codecs(96), rids: Vec::new(), ssrcs };
        let sink = Command::AddSink { sink: 9, peer: 2, mid, ssrc: SINK, rtx_ssrc: SINK + 1, cname, codecs: codecs(120) };
        let route = Command::Route { sink: 9, source: Some(5), encoding: 0, spatial: None, temporal: None };
        for command in [source, sink, route] {
            self.engine.handle(command, self.now, &mut self.wire);
        }
    }

    fn send(&mut self, number: usize) {
        let picture = [(number >> 8) as u8 | 0x80, number as u8];
        let mut payload = vec![0x90, 0xC0, picture[0], picture[1], number as u8, u8::from(number != 0)];
        payload.resize(40, 0);
        let fields = Fields { marker: true, payload_type: 96, sequence_number: 0, timestamp: 1800 * number as u32, ssrc: MEDIA };
        let lost = number != 0 && self.fates[number].lost;
        let mut packet = self.host.rtp(&fields, number as i64, &[], &payload);
        if !lost {
            self.arrived += 1;
            self.engine.receive(self.now, self.host.address, &mut packet, &mut self.wire);
            self.engine.flush(self.now, &mut self.wire);
        }
    }

    /// Answer what the host is asked for again, and note what it is told.
    fn host_hears(&mut self) {
        for datagram in self.wire.take(self.host.address) {
            let Received::Rtcp(compound) = self.host.subscriber.receive(datagram) else { continue };
            for packet in Compound::new(&compound).map(Result::unwrap) {
                match packet {
                    Packet::Nack { lost, .. } => lost.for_each(|number| self.repair(number)),
                    Packet::ReceiverReport { mut reports, .. } => self.told = reports.next(),
                    _ => {}
                }
            }
        }
    }

    fn repair(&mut self, number: u16) {
        let at = usize::from(number);
        self.repairs[at] += 1;
        if self.repairs[at] <= self.fates[at].lost_repairs {
            return;
        }
        let fields = Fields { marker: true, payload_type: 97, sequence_number: 0, timestamp: 1800 * u32::from(number), ssrc: RTX };
        let [high, low] = (number | 0x8000).to_be_bytes();
        let mut payload = [&number.to_be_bytes()[..], &[0x90, 0xC0, high, low, number as u8, 1]].concat();
        payload.resize(40, 0);
        let mut packet = self.host.rtp(&fields, self.rtx_index, &[], &payload);
        self.rtx_index += 1;
        self.engine.receive(self.now, self.host.address, &mut packet, &mut self.wire);
        self.engine.flush(self.now, &mut self.wire);
    }

    /// What the member's link makes of what is sent to it: each packet's fate is that of its output number.
    fn member_hears(&mut self) {
        for datagram in self.wire.take(self.member.address) {
            let Received::Rtp { index, header, .. } = self.member.subscriber.receive(datagram) else { continue };
            if header.ssrc != SINK {
                continue;
            }
            let at = (index - i64::from(SINK & 0x7FFF)) as usize;
            if at > 0 && self.fates[at].lost_below {
                self.lost_below += 1;
            } else {
                self.received.insert(index);
            }
        }
    }

    fn member_reports(&mut self) {
        let (Some(&first), Some(&highest)) = (self.received.first(), self.received.last()) else { return };
        let lost = highest - first + 1 - self.received.len() as i64;
        let block = ReportBlock { ssrc: SINK, highest_sequence: highest as u32, cumulative_lost: lost as i32, ..ReportBlock::default() };
        let mut compound = Vec::new();
        rtcp::write_receiver_report(1, &[block], &mut compound);
        let mut datagram = self.member.rtcp(compound).unwrap();
        self.engine.receive(self.now, self.member.address, &mut datagram, &mut self.wire);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.engine.deadline().filter(|&due| due <= end) {
            self.now = due.max(self.now);
            self.engine.timeout(self.now, &mut self.wire);
            self.host_hears();
        }
        self.now = end;
        self.member_hears();
    }

    fn play(&mut self) {
        for number in 0..self.fates.len() {
            self.send(number);
            self.pass(INTERVAL);
            if number % 50 == 49 {
                self.member_reports();
            }
        }
        // Until all is repaired or given up, and reported.
        for _ in 0..6 {
            self.pass(Duration::from_secs(1));
            self.member_reports();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_link_is_told_its_own_loss(mut fates in vec(fate(), 2..400)) {
        // What comes last arrives, or nobody knew that something was missing.
        *fates.last_mut().unwrap() = Fate { lost: false, lost_repairs: 0, lost_below: false };
        let mut world = World::new(fates);
        world.play();
        let told = world.told.unwrap();
        prop_assert_eq!(told.cumulative_lost, world.fates.len() as i32 - world.arrived as i32);
        let row = world.engine.snapshot()[0];
        prop_assert_eq!(row.lost, world.lost_below);
    }

    #[test]
    fn a_link_that_loses_nothing_is_never_blamed(mut fates in vec(fate(), 2..400)) {
        fates.iter_mut().for_each(|fate| fate.lost_below = false);
        let mut world = World::new(fates);
        for number in 0..world.fates.len() {
            world.send(number);
            world.pass(INTERVAL);
            world.member_reports();
            prop_assert_eq!(world.engine.snapshot()[0].fraction_lost, 0.0);
        }
        prop_assert_eq!(world.engine.snapshot()[0].lost, 0);
    }
}
