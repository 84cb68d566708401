//! Two engines as two workers run them: a publisher on one, members on both.

use std::collections::VecDeque;

use super::super::{Crossing, Output};
use super::*;
use crate::address::TransportAddress;
use crate::command::{MediaKind, SourceId, WorkerId};

/// The publisher's worker, and the other.
const OWNER: WorkerId = 0;
const OTHER: WorkerId = 1;

/// A worker's wire and its way to the other worker, which takes so much.
struct Way<'a> {
    wire: &'a mut Wire,
    crossing: &'a mut VecDeque<Crossing>,
    room: usize,
}

impl Output for Way<'_> {
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        self.wire.transmit(destination, segment_size, contents);
    }

    fn hand_over(&mut self, _worker: WorkerId, crossing: Crossing) -> bool {
        let fits = self.crossing.len() < self.room;
        if fits {
            self.crossing.push_back(crossing);
        }
        fits
    }
}

struct Workers {
    worlds: [World; 2],
    /// To each worker.
    crossing: [VecDeque<Crossing>; 2],
    room: usize,
}

impl Workers {
    fn new() -> Self {
        let owner = World::new();
        let mut other = World::new();
        other.now = owner.now;
        Self { worlds: [owner, other], crossing: Default::default(), room: usize::MAX }
    }

    /// Let one engine do something with its outputs.
    fn with(&mut self, worker: WorkerId, action: impl FnOnce(&mut crate::engine::Engine, std::time::Instant, &mut Way<'_>)) {
        let World { engine, now, wire } = &mut self.worlds[worker];
        action(engine, *now, &mut Way { wire, crossing: &mut self.crossing[1 - worker], room: self.room });
    }

    fn command(&mut self, worker: WorkerId, command: Command) {
        self.with(worker, |engine, now, way| engine.handle(command, now, way));
    }

    /// Carry over what waits between the workers, and what follows from that.
    fn cross(&mut self) {
        while let Some(worker) = (0..2).find(|&worker| !self.crossing[worker].is_empty()) {
            let crossing = self.crossing[worker].pop_front().unwrap();
            self.with(worker, |engine, now, way| {
                engine.cross(1 - worker, crossing, now, way);
                engine.flush(now, way);
            });
        }
    }

    fn pass(&mut self, time: Duration) {
        for _ in 0..time.as_millis() {
            for worker in 0..2 {
                self.worlds[worker].now += Duration::from_millis(1);
                self.with(worker, |engine, now, way| engine.timeout(now, way));
            }
            self.cross();
        }
    }

    fn mirror(&mut self, codecs: Vec<Codec>, kind: MediaKind) {
        self.command(OTHER, Command::AddMirror { source: SOURCE, owner: OWNER, kind, codecs, encodings: 1 });
    }

    fn publish(&mut self, host: &mut Client, fields: Fields, payload: &[u8]) {
        self.worlds[OWNER].queue(host, fields, &[], payload);
        self.with(OWNER, |engine, now, way| engine.flush(now, way));
    }

    fn picture(&mut self, host: &mut Client, number: u16, keyframe: bool) {
        self.publish(host, video(555, number, 3000 * u32::from(number)), &frame(keyframe, number, 1, 200));
    }

    fn subscribe(&mut self, worker: WorkerId, id: u32) -> Client {
        let client = self.worlds[worker].join(id, Profile::AeadAes128Gcm);
        let (ssrc, rtx_ssrc) = (1000 + id, 2000 + id);
        let codecs = vp8(120);
        self.command(worker, Command::AddSink { sink: id, peer: id, mid: "7".into(), ssrc, rtx_ssrc, cname: "c".into(), codecs });
        self.route(worker, id, Some(SOURCE));
        client
    }

    fn route(&mut self, worker: WorkerId, sink: u32, source: Option<SourceId>) {
        self.command(worker, Command::Route { sink, source, encoding: 0, spatial: None, temporal: None });
    }

    fn rtcp(&mut self, worker: WorkerId, from: &mut Client, mut compound: Vec<u8>) {
        from.sender.seal_rtcp(&mut compound, 0).unwrap();
        let address = from.address;
        self.with(worker, |engine, now, way| engine.receive(now, address, &mut compound, way));
    }

    fn pictures(&mut self, worker: WorkerId, member: &mut Client) -> Vec<u16> {
        self.worlds[worker].take(member).0.iter().map(|got| picture_id(&got.payload)).collect()
    }
}

/// A publisher on the owner, and a member of its mirror.
fn session() -> (Workers, Client, Client) {
    let mut workers = Workers::new();
    let host = workers.worlds[OWNER].publish_vp8(&[], &[(555, 556)]);
    workers.mirror(vp8(96), MediaKind::Video);
    let member = workers.subscribe(OTHER, 2);
    workers.cross();
    (workers, host, member)
}

#[test]
fn packets_reach_the_members_of_both_workers() {
    let (mut workers, mut host, mut member) = session();
    let mut neighbour = workers.subscribe(OWNER, 3);
    for number in 1..6 {
        workers.picture(&mut host, number, number == 1);
    }
    workers.cross();
    let (media, _) = workers.worlds[OTHER].take(&mut member);
    assert_eq!(media.iter().map(|got| picture_id(&got.payload)).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(media.iter().all(|got| got.header.ssrc == 1002 && got.header.payload_type == 120));
    assert!(media.windows(2).all(|pair| pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp) == 3000));
    assert_eq!(workers.pictures(OWNER, &mut neighbour), [1, 2, 3, 4, 5]);
    assert_eq!(workers.worlds[OWNER].stat("mirror_packets_sent"), 5);
    assert_eq!((workers.worlds[OTHER].stat("sources"), workers.worlds[OTHER].stat("mirrors")), (0, 1));
}

#[test]
fn what_finds_no_room_between_the_workers_comes_when_there_is_some() {
    let (mut workers, mut host, mut member) = session();
    workers.picture(&mut host, 1, true);
    workers.cross();
    workers.room = 0;
    workers.picture(&mut host, 2, false);
    workers.picture(&mut host, 3, false);
    assert_eq!(workers.worlds[OWNER].stat("mirror_packets_delayed"), 2);
    workers.room = usize::MAX;
    workers.picture(&mut host, 4, false);
    workers.cross();
    assert_eq!(workers.pictures(OTHER, &mut member), [1, 2, 3, 4]);
    assert_eq!(workers.worlds[OWNER].stat("mirror_packets_lost"), 0);
}

#[test]
fn what_the_cache_has_lost_meanwhile_is_a_gap_that_ends_with_a_keyframe() {
    let (mut workers, mut host, mut member) = session();
    workers.picture(&mut host, 1, true);
    workers.cross();
    workers.room = 0;
    (2..2000).for_each(|number| workers.picture(&mut host, number, false));
    workers.room = usize::MAX;
    (2000..2003).for_each(|number| workers.picture(&mut host, number, number == 2002));
    workers.cross();
    assert_eq!(workers.worlds[OWNER].stat("mirror_packets_lost"), 1999 - 1024, "the next packet took a place too");
    let (media, _) = workers.worlds[OTHER].take(&mut member);
    assert_eq!(picture_id(&media.last().unwrap().payload), 2002);
    let sequences: Vec<u16> = media.iter().map(|got| got.header.sequence_number).collect();
    assert!(sequences.windows(2).all(|pair| pair[1] > pair[0] && pair[1] - pair[0] <= 1024));
}

#[test]
fn a_loss_upstream_is_repaired_on_both_workers() {
    let (mut workers, mut host, mut member) = session();
    workers.picture(&mut host, 1, true);
    workers.picture(&mut host, 3, false);
    let mut payload = 2_u16.to_be_bytes().to_vec();
    payload.extend(frame(false, 2, 1, 200));
    workers.publish(&mut host, Fields { payload_type: 97, ..video(556, 77, 6000) }, &payload);
    workers.cross();
    let mut pictures = workers.pictures(OTHER, &mut member);
    pictures.sort_unstable();
    assert_eq!(pictures, [1, 2, 3]);
}

#[test]
fn what_will_not_come_is_closed_on_both_workers() {
    let (mut workers, mut host, mut member) = session();
    let mut neighbour = workers.subscribe(OWNER, 3);
    workers.picture(&mut host, 1, true);
    (3..6).for_each(|number| workers.picture(&mut host, number, false));
    workers.pass(Duration::from_secs(4));
    for (worker, viewer) in [(OTHER, &mut member), (OWNER, &mut neighbour)] {
        let (media, _) = workers.worlds[worker].take(viewer);
        let mut sequences: Vec<u16> = media.iter().map(|got| got.header.sequence_number).collect();
        sequences.sort_unstable();
        assert!(sequences.len() == 5 && sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{worker}: {sequences:?}");
        assert_eq!(workers.worlds[worker].stat("fillers_sent"), 1);
    }
    assert!(plis(&workers.worlds[OWNER].take(&mut host).1) >= 1, "and a keyframe is asked for");
}

#[test]
fn keyframes_are_asked_of_the_publisher_by_one_governor() {
    let (mut workers, mut host, mut member) = session();
    let mut neighbour = workers.subscribe(OWNER, 3);
    workers.pass(Duration::from_millis(100));
    assert_eq!(plis(&workers.worlds[OWNER].take(&mut host).1), 1, "two workers' members wait for the same keyframe");
    workers.picture(&mut host, 1, true);
    workers.pass(Duration::from_millis(1500));
    workers.worlds[OWNER].take(&mut host);
    let request = |ssrc| {
        let mut pli = Vec::new();
        rtcp::write_pli(1, ssrc, &mut pli);
        pli
    };
    for _ in 0..3 {
        workers.rtcp(OTHER, &mut member, request(1002));
        workers.rtcp(OWNER, &mut neighbour, request(1003));
        workers.pass(Duration::from_millis(30));
    }
    assert_eq!(plis(&workers.worlds[OWNER].take(&mut host).1), 1);
    workers.picture(&mut host, 2, true);
    workers.pass(Duration::from_millis(1500));
    assert_eq!(plis(&workers.worlds[OWNER].take(&mut host).1), 0, "both workers have it");
}

#[test]
fn nacks_are_answered_from_the_mirrors_cache() {
    let (mut workers, mut host, mut member) = session();
    (1..4).for_each(|number| workers.picture(&mut host, number, number == 1));
    workers.cross();
    let sent = workers.worlds[OTHER].take(&mut member).0;
    let mut nack = Vec::new();
    rtcp::write_nack(1, 1002, &[sent[1].header.sequence_number], &mut nack);
    workers.rtcp(OTHER, &mut member, nack);
    let again = workers.worlds[OTHER].take(&mut member).0;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].header.ssrc, &again[0].payload[2..]), (2002, &sent[1].payload[..]));
    assert!(workers.crossing.iter().all(VecDeque::is_empty));
}

#[test]
fn who_comes_late_is_served_from_the_mirror_and_the_first_of_a_worker_from_the_owners_cache() {
    let mut workers = Workers::new();
    let mut host = workers.worlds[OWNER].publish_vp8(&[], &[(555, 556)]);
    (1..6).for_each(|number| workers.picture(&mut host, number, number == 1));
    workers.mirror(vp8(96), MediaKind::Video);
    let mut first = workers.subscribe(OTHER, 2);
    workers.cross();
    workers.pass(Duration::from_millis(20));
    assert_eq!(workers.pictures(OTHER, &mut first), [1, 2, 3, 4, 5]);
    let mut second = workers.subscribe(OTHER, 3);
    workers.pass(Duration::from_millis(20));
    assert_eq!(workers.pictures(OTHER, &mut second), [1, 2, 3, 4, 5]);
    assert_eq!(workers.worlds[OTHER].stat("cached_replays"), 2);
    workers.pass(Duration::from_millis(500));
    assert_eq!(plis(&workers.worlds[OWNER].take(&mut host).1), 0, "the publisher was not asked");
    workers.picture(&mut host, 6, false);
    workers.cross();
    assert_eq!((workers.pictures(OTHER, &mut first), workers.pictures(OTHER, &mut second)), (vec![6], vec![6]));
}

#[test]
fn a_mirror_that_was_not_heard_asks_again() {
    let mut workers = Workers::new();
    workers.room = 0;
    workers.mirror(vp8(96), MediaKind::Video);
    let mut member = workers.subscribe(OTHER, 2);
    workers.room = usize::MAX;
    let mut host = workers.worlds[OWNER].publish_vp8(&[], &[(555, 556)]);
    workers.picture(&mut host, 1, true);
    workers.pass(Duration::from_millis(600));
    assert_eq!(workers.pictures(OTHER, &mut member), [1]);
}

#[test]
fn sender_reports_and_new_streams_cross() {
    let (mut workers, mut host, mut member) = session();
    let report = |ssrc, rtp_timestamp| {
        let info = SenderInfo { ssrc, ntp: 40 << 32, rtp_timestamp, packet_count: 9, octet_count: 9 };
        let mut report = Vec::new();
        rtcp::write_sender_report(&info, &[], &mut report);
        report
    };
    workers.picture(&mut host, 1, true);
    workers.rtcp(OWNER, &mut host, report(555, 3000));
    workers.picture(&mut host, 2, false);
    workers.cross();
    let (media, control) = workers.worlds[OTHER].take(&mut member);
    let info = Compound::new(&control[0]).find_map(|packet| match packet {
        Ok(Packet::SenderReport { info, .. }) => Some(info),
        _ => None,
    });
    assert_eq!(info.map(|info| (info.ntp, info.rtp_timestamp)), Some((40 << 32, media[0].header.timestamp)));

    // The publisher starts over under another SSRC, with a lower sequence number.
    workers.publish(&mut host, video(777, 0, 0), &frame(true, 9, 1, 200));
    workers.publish(&mut host, video(777, 1, 3000), &frame(false, 10, 1, 200));
    workers.cross();
    let (after, _) = workers.worlds[OTHER].take(&mut member);
    let sequences: Vec<u16> = media.iter().chain(&after).map(|got| got.header.sequence_number).collect();
    assert!(after.len() == 2 && sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequences:?}");
}

#[test]
fn audio_crosses_at_once() {
    let mut workers = Workers::new();
    let opus = |payload_type| vec![Codec { name: "opus".into(), payload_type, clock_rate: 48_000, rtx_payload_type: None }];
    let mut host = workers.worlds[OWNER].join(PUBLISHER, Profile::AeadAes128Gcm);
    let (mid, rids, ssrcs) = ("0".into(), Vec::new(), vec![(555, 0)]);
    workers.command(
        OWNER,
        Command::AddSource { source: SOURCE, peer: PUBLISHER, kind: MediaKind::Audio, mid, codecs: opus(111), rids, ssrcs },
    );
    workers.mirror(opus(111), MediaKind::Audio);
    let mut member = workers.worlds[OTHER].join(2, Profile::AeadAes128Gcm);
    let (mid, cname, codecs) = ("7".into(), "c".into(), opus(109));
    workers.command(OTHER, Command::AddSink { sink: 2, peer: 2, mid, ssrc: 1002, rtx_ssrc: 0, cname, codecs });
    workers.route(OTHER, 2, Some(SOURCE));
    workers.cross();
    let packet = Fields { marker: false, payload_type: 111, sequence_number: 1, timestamp: 960, ssrc: 555 };
    workers.publish(&mut host, packet, &[0xf8, 1, 2]);
    workers.cross();
    let (media, _) = workers.worlds[OTHER].take(&mut member);
    assert_eq!(media.iter().map(|got| (got.header.payload_type, &got.payload[..])).collect::<Vec<_>>(), [(109, &[0xf8, 1, 2][..])]);
}

#[test]
fn a_mirror_that_goes_takes_no_more_and_one_that_returns_begins_anew() {
    let (mut workers, mut host, mut member) = session();
    workers.picture(&mut host, 1, true);
    workers.cross();
    assert_eq!(workers.pictures(OTHER, &mut member), [1]);
    workers.room = 0;
    workers.route(OTHER, 2, None);
    workers.command(OTHER, Command::RemoveMirror(SOURCE));
    workers.room = usize::MAX;
    assert_eq!(workers.worlds[OTHER].stat("ids"), 2, "the peer and its sink");
    workers.picture(&mut host, 2, false);
    workers.cross();
    workers.picture(&mut host, 3, false);
    assert!(workers.crossing[OTHER].is_empty(), "the owner was told when it sent something");
    workers.mirror(vp8(96), MediaKind::Video);
    workers.route(OTHER, 2, Some(SOURCE));
    workers.cross();
    workers.pass(Duration::from_millis(20));
    assert_eq!(workers.pictures(OTHER, &mut member), [1, 2, 3].map(|shown| shown + 1), "picture ids go on");
    workers.command(OWNER, Command::RemovePeer(PUBLISHER));
    workers.command(OTHER, Command::RemoveMirror(SOURCE));
    workers.cross();
    assert_eq!(workers.worlds[OTHER].engine.snapshot()[0].source, 0);
    assert_eq!(workers.worlds[OTHER].stat("mirrors"), 0);
}
