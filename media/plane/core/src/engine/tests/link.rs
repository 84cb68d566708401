//! A subscriber's link: transport-wide numbers on all that is sent to it, and the estimate from what it reports.

use super::*;
use crate::twcc::Recorder;

const PACKETS: u16 = 8;

/// A host, and a member whose link takes `spacing` for a packet.
struct Path {
    world: World,
    host: Client,
    member: Client,
    recorder: Recorder,
    numbers: Vec<u16>,
    sent: u16,
    began: std::time::Instant,
    /// When the link has drained what was sent, by the member's clock.
    free_at: Duration,
}

impl Path {
    fn new() -> Self {
        let mut world = World::new();
        let mut host = world.publish_vp8(&[], &[(555, 556)]);
        let member = world.subscribe(2);
        world.take(&mut host);
        let began = world.now;
        Self { world, host, member, recorder: Recorder::default(), numbers: Vec::new(), sent: 0, began, free_at: Duration::ZERO }
    }

    /// A picture of [`PACKETS`] packets of 1000 octets, of which the member gets one every `spacing` milliseconds and reports them.
    fn picture(&mut self, spacing: u64) {
        for index in 0..PACKETS {
            let fields = Fields { marker: index + 1 == PACKETS, ..video(555, self.sent, 3000 * u32::from(self.sent / PACKETS)) };
            let payload = frame(self.sent == 0, self.sent / PACKETS, (self.sent / PACKETS) as u8, 1000);
            self.world.queue(&mut self.host, fields, &[], &payload);
            self.sent += 1;
        }
        self.world.engine.flush(self.world.now, &mut self.world.wire);
        let spacing = Duration::from_millis(spacing);
        for _ in 0..80 {
            for number in self.take() {
                self.free_at = self.free_at.max(self.arrival());
                self.recorder.on_packet(number, self.free_at);
                self.free_at += spacing;
            }
            self.world.pass(Duration::from_millis(1));
        }
        self.report();
    }

    /// The transport-wide numbers of what was sent to the member.
    fn take(&mut self) -> Vec<u16> {
        let (media, _) = self.world.take(&mut self.member);
        let number =
            |got: &Got| got.elements.iter().find(|(id, _)| *id == TRANSPORT_CC).map(|(_, value)| u16::from_be_bytes([value[0], value[1]]));
        let numbers: Vec<u16> = media.iter().map(|got| number(got).unwrap()).collect();
        self.numbers.extend(&numbers);
        numbers
    }

    /// When something that leaves now arrives on an empty link, by the member's clock.
    fn arrival(&self) -> Duration {
        self.world.now.duration_since(self.began) + Duration::from_secs(1000)
    }

    fn report(&mut self) {
        let mut feedback = Vec::new();
        if self.recorder.build(1, 1002, &mut feedback) {
            self.world.send_rtcp(&mut self.member, feedback);
        }
    }

    fn row(&self) -> crate::command::LinkRow {
        self.world.engine.snapshot()[0].link
    }
}

#[test]
fn all_that_is_sent_is_numbered_without_a_gap() {
    let mut path = Path::new();
    path.picture(1);
    let mut nack = Vec::new();
    rtcp::write_nack(1, 1002, &[1002 & 0x7fff, 1003], &mut nack);
    path.world.send_rtcp(&mut path.member, nack);
    path.take();
    path.picture(1);
    assert_eq!(path.world.stat("rtx_sent"), 2);
    assert_eq!(path.numbers, (0..2 * PACKETS + 2).collect::<Vec<_>>(), "retransmissions too");
    assert!(path.row().octets > 18_000);
}

#[test]
fn what_arrives_apart_tells_what_the_link_carries() {
    let mut path = Path::new();
    assert!(path.row().estimate_bps.is_nan(), "nothing is known yet");
    for _ in 0..10 {
        path.picture(4);
    }
    // About 1040 octets every 4 ms.
    let row = path.row();
    assert!((1_700_000.0..2_200_000.0).contains(&row.estimate_bps), "{row:?}");
    assert!((50.0..81.0).contains(&row.rtt_ms) && row.loss == 0.0 && !row.contended, "{row:?}");
    assert_eq!(path.world.stat("feedback_received"), 10);
}

#[test]
fn feedback_that_is_not_whole_or_tells_of_nothing_sent_changes_nothing() {
    let mut path = Path::new();
    path.picture(4);
    let before = path.row();
    let mut feedback = Vec::new();
    let mut stranger = Recorder::default();
    (40_000..40_020).for_each(|number| stranger.on_packet(number, Duration::from_secs(2)));
    stranger.build(1, 1002, &mut feedback);
    path.world.send_rtcp(&mut path.member, feedback.clone());
    // It announces more packets than its chunks tell of.
    feedback[14] = 0xFF;
    path.world.send_rtcp(&mut path.member, feedback);
    assert_eq!(path.row(), before);
    assert_eq!((path.world.stat("feedback_received"), path.world.stat("dropped_malformed")), (2, 1));
}

#[test]
fn without_transport_feedback_a_bound_counts_while_it_is_told() {
    let mut world = World::new();
    world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.join_with(2, Profile::AeadAes128Gcm, ExtensionIds { mid: MID, ..ExtensionIds::default() });
    world.add_sink(2);
    let mut remb = Vec::new();
    rtcp::write_remb(1, 512_000, &[1002], &mut remb);
    world.send_rtcp(&mut member, remb);
    assert_eq!(world.engine.snapshot()[0].link.estimate_bps, 512_000.0);
    world.pass(Duration::from_secs(7));
    assert!(world.engine.snapshot()[0].link.estimate_bps.is_nan());
}

/// A host that sends 800 kbit/s, and a member that tells of it by receiver reports alone, 80 ms from here and back.
struct Reporting {
    world: World,
    host: Client,
    member: Client,
    sent: u16,
    lost: i32,
}

impl Reporting {
    fn new() -> Self {
        let mut world = World::new();
        let host = world.publish_vp8(&[], &[(555, 556)]);
        let member = world.join_with(2, Profile::AeadAes128Gcm, ExtensionIds { mid: MID, ..ExtensionIds::default() });
        world.add_sink(2);
        world.route(2, 0);
        Self { world, host, member, sent: 0, lost: 0 }
    }

    /// A second in which so many of a hundred packets are lost, and the report of it; what is known of the link then.
    fn second(&mut self, lost: u8) -> crate::command::LinkRow {
        let ntp = crate::ntp::from_unix(Duration::from_secs(1_790_000_000) + Duration::from_millis(10) * u32::from(self.sent));
        let info = SenderInfo { ssrc: 555, ntp, rtp_timestamp: 900 * u32::from(self.sent), packet_count: 0, octet_count: 0 };
        let mut highest = None;
        for index in 0..100_u16 {
            let fields = video(555, self.sent, 900 * u32::from(self.sent));
            self.world.send(&mut self.host, fields, &[], &frame(self.sent == 0, self.sent, self.sent as u8, 1000));
            if index == 0 {
                let mut report = Vec::new();
                rtcp::write_sender_report(&info, &[], &mut report);
                self.world.send_rtcp(&mut self.host, report);
            }
            self.world.pass(Duration::from_millis(10));
            self.sent += 1;
            highest = self.world.take(&mut self.member).0.last().map(|got| got.header.sequence_number).or(highest);
        }
        self.lost += i32::from(lost);
        let block = rtcp::ReportBlock {
            ssrc: 1002,
            fraction_lost: (u16::from(lost) * 256 / 100) as u8,
            cumulative_lost: self.lost,
            highest_sequence: highest.unwrap().into(),
            jitter: 0,
            last_sr: crate::ntp::middle(ntp),
            delay_since_last_sr: 65_536 * 92 / 100,
        };
        let mut report = Vec::new();
        rtcp::write_receiver_report(5, &[block], &mut report);
        self.world.send_rtcp(&mut self.member, report);
        self.world.engine.snapshot()[0].link
    }
}

#[test]
fn without_transport_feedback_and_a_bound_losses_that_reports_tell_of_move_the_estimate() {
    let mut reporting = Reporting::new();
    assert!(reporting.world.engine.snapshot()[0].link.estimate_bps.is_nan(), "nothing is known yet");
    let first = reporting.second(0);
    let clean = (0..10).map(|_| reporting.second(0)).last().unwrap();
    assert!(clean.estimate_bps > first.estimate_bps * 2.0 && clean.loss == 0.0, "{first:?} {clean:?}");
    assert!((reporting.world.engine.snapshot()[0].rtt_ms - 80.0).abs() < 1.0);
    let few = reporting.second(5);
    assert!(few.estimate_bps == clean.estimate_bps && (few.loss - 0.05).abs() < 1e-6, "{few:?}");
    let told: Vec<f32> = (0..6).map(|_| reporting.second(20).estimate_bps).collect();
    assert!(told[0] < few.estimate_bps && told.is_sorted_by(|before, after| before >= after), "{told:?}");
    assert!(told[5] < few.estimate_bps * 0.75 && told[5] > few.estimate_bps * 0.5, "{few:?} {told:?}");
    let again: Vec<f32> = (0..6).map(|_| reporting.second(0).estimate_bps).collect();
    assert!(again[0] > told[5] && again.is_sorted_by(|before, after| before < after), "{again:?}");
    assert!(again[5] > few.estimate_bps, "{few:?} {again:?}");
}

#[test]
fn padding_finds_room_where_more_is_wanted_and_only_there() {
    let mut path = Path::new();
    path.picture(8);
    path.picture(8);
    let before = path.row().estimate_bps;
    path.world.pass(Duration::from_secs(2));
    assert_eq!(path.world.stat("probe_packets_sent"), 0);
    path.world.command(Command::WantBitrate { peer: 2, bitrate: 2_000_000.0 });
    // From now on the link carries what is sent on it without a queue.
    for _ in 0..40 {
        for _ in 0..10 {
            path.world.pass(Duration::from_millis(5));
            let at = path.arrival();
            path.take().into_iter().for_each(|number| path.recorder.on_packet(number, at));
        }
        path.report();
    }
    assert!(path.row().estimate_bps > before * 1.5, "{before} {:?}", path.row());
    path.world.command(Command::WantBitrate { peer: 2, bitrate: 0.0 });
    let sent = path.world.stat("probe_packets_sent");
    path.world.pass(Duration::from_secs(2));
    assert_eq!(path.world.stat("probe_packets_sent"), sent);
    assert!(sent < 500, "{sent}");
}

#[test]
fn a_link_that_narrows_far_at_once_is_told() {
    let mut path = Path::new();
    for _ in 0..10 {
        path.picture(2);
    }
    let before = path.row().estimate_bps;
    path.world.events();
    // 1040 octets every 16 ms: longer than the time between two pictures, so a queue grows.
    for _ in 0..4 {
        path.picture(16);
    }
    let told = path.world.events().iter().filter(|event| **event == Event::Worsened { peer: 2 }).count();
    assert!(path.row().estimate_bps < before / 2.0 && (1..=4).contains(&told), "{told} times, {before} {:?}", path.row());
    (0..10).for_each(|_| path.picture(16));
    path.world.events();
    (0..10).for_each(|_| path.picture(16));
    assert!(!path.world.events().contains(&Event::Worsened { peer: 2 }), "it is as narrow as before");
}

#[test]
fn behind_a_keyframe_that_stands_in_a_queue_nothing_before_it_is_sent_again() {
    let mut path = Path::new();
    (0..10).for_each(|_| path.picture(2));
    (0..3).for_each(|_| path.picture(16));
    let before = path.sent - 1;
    // The next picture begins anew, behind 100 ms of queue at least.
    path.world.command(Command::Route { sink: 2, source: None, encoding: 0, spatial: None, temporal: None });
    path.world.route(2, 0);
    let fields = video(555, path.sent, 3000 * u32::from(path.sent / PACKETS));
    path.world.send(&mut path.host, fields, &[], &frame(true, path.sent / PACKETS, 0, 1000));
    path.sent += 1;
    let mut nack = Vec::new();
    rtcp::write_nack(1, 1002, &[(1002 & 0x7fff) + before], &mut nack);
    path.world.send_rtcp(&mut path.member, nack);
    assert_eq!((path.world.stat("nack_obsolete"), path.world.stat("rtx_sent")), (1, 0));
}

#[test]
fn where_repairs_take_more_than_a_moment_those_that_no_other_picture_needs_are_left_out() {
    let mut path = Path::new();
    (0..10).for_each(|_| path.picture(4));
    let first = path.sent;
    for picture in 0..3_u16 {
        // About 1040 octets every 4 ms: 50 ms are twelve packets.
        let number = first / PACKETS + picture;
        for index in 0..PACKETS {
            let fields = Fields { marker: index + 1 == PACKETS, ..video(555, path.sent, 3000 * u32::from(number)) };
            let temporal = if picture == 0 { 0 } else { 2 };
            path.world.queue(&mut path.host, fields, &[], &layer_frame(false, number, number as u8, 1000, temporal, false));
            path.sent += 1;
        }
        path.world.engine.flush(path.world.now, &mut path.world.wire);
        path.world.pass(Duration::from_millis(80));
    }
    let mut repaired = |numbers: std::ops::Range<u16>| {
        let before = path.world.stat("rtx_sent");
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, &numbers.map(|number| (1002 & 0x7fff) + number).collect::<Vec<_>>(), &mut nack);
        path.world.send_rtcp(&mut path.member, nack);
        path.world.pass(Duration::from_millis(500));
        path.world.stat("rtx_sent") - before
    };
    assert_eq!(repaired(first + PACKETS..first + PACKETS + 4), 4, "few are gone in a moment");
    assert_eq!(repaired(first..first + 3 * PACKETS), u64::from(PACKETS), "those of the base layer");
}
