//! The engine as publisher and subscribers see it: datagrams in, datagrams out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "test code")]
#![allow(clippy::cast_possible_truncation, reason = "test code")]

use std::time::Duration;

use crate::command::{Codec, Command, Event, ExtensionIds, MediaKind};
use crate::rtcp::{self, Compound, Packet, SenderInfo};
use crate::rtp::Fields;
use crate::srtp::Profile;

mod audio;
mod codecs;
mod copies;
mod fec;
mod handshake;
mod link;
mod mirrors;
mod pacing;
mod prompt;
mod repair;
mod riding;
mod switching;
mod thinning;
mod tickets;
mod transport;
mod world;

use world::*;

#[test]
fn forwards_with_the_subscribers_numbers() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut members = [world.subscribe(2), world.subscribe(3)];
    world.take(&mut host);
    world.send(&mut host, video(555, 9, 1000), &[(MID, b"0")], &frame(true, 5, 3, 100));
    world.send(&mut host, video(555, 10, 4000), &[], &frame(false, 6, 4, 100));
    for member in &mut members {
        let (media, _) = world.take(member);
        assert_eq!(media.len(), 2);
        assert!(media.iter().all(|got| got.header.ssrc == 1000 + member.id && got.header.payload_type == 120 && got.header.marker));
        assert_eq!(media[0].payload, frame(true, 5, 3, 100));
        assert_eq!(media[0].elements.iter().find(|(id, _)| *id == MID).unwrap().1, b"7");
        assert!(media[0].elements.iter().any(|(id, value)| *id == 2 && value.len() == 3), "abs-send-time");
        assert_eq!(media[1].header.sequence_number, media[0].header.sequence_number.wrapping_add(1));
        assert_eq!(media[1].header.timestamp.wrapping_sub(media[0].header.timestamp), 3000);
    }
    assert_eq!((world.stat("rtp_received"), world.stat("rtp_sent")), (2, 4));
}

#[test]
fn waits_for_a_keyframe_and_asks_for_it_once_in_the_interval() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    world.subscribe(3);
    world.pass(Duration::from_millis(10));
    world.send(&mut host, video(555, 1, 0), &[], &frame(false, 1, 1, 100));
    world.pass(Duration::from_millis(480));
    assert_eq!(plis(&world.take(&mut host).1), 1);
    assert!(world.take(&mut member).0.is_empty());
    world.pass(Duration::from_millis(500));
    assert_eq!(plis(&world.take(&mut host).1), 1, "asked again while none comes");
    world.send(&mut host, video(555, 2, 3000), &[], &frame(true, 2, 2, 100));
    assert_eq!(world.take(&mut member).0.len(), 1);
    world.pass(Duration::from_millis(900));
    assert_eq!(plis(&world.take(&mut host).1), 0);
    let mut pli = Vec::new();
    rtcp::write_pli(1, 1002, &mut pli);
    world.send_rtcp(&mut member, pli);
    world.pass(Duration::from_millis(1));
    assert_eq!(plis(&world.take(&mut host).1), 1, "a subscriber's request is passed up");
}

#[test]
fn answers_nack_with_rtx_once() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    for sequence in 0..5_u16 {
        world.send(&mut host, video(555, sequence, 3000 * u32::from(sequence)), &[], &frame(sequence == 0, sequence, 1, 50));
    }
    let sent = world.take(&mut member).0;
    let lost = sent[2].header.sequence_number;
    for _ in 0..2 {
        let mut nack = Vec::new();
        rtcp::write_nack(1, 1002, &[lost, lost.wrapping_add(100)], &mut nack);
        world.send_rtcp(&mut member, nack);
    }
    let again = world.take(&mut member).0;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].header.ssrc, again[0].header.payload_type, again[0].header.timestamp), (2002, 121, sent[2].header.timestamp));
    assert_eq!(again[0].payload[..2], lost.to_be_bytes());
    assert_eq!(again[0].payload[2..], sent[2].payload);
    assert_eq!((world.stat("rtx_sent"), world.stat("nack_suppressed"), world.stat("nack_missed")), (1, 1, 2));
}

#[test]
fn a_gap_upstream_is_asked_for_and_filled_by_rtx() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    for sequence in [0_u16, 1, 3] {
        world.send(&mut host, video(555, sequence, 3000), &[], &frame(sequence == 0, 1, 1, 50));
    }
    world.pass(Duration::from_millis(50));
    let (_, control) = world.take(&mut host);
    let asked: Vec<u16> = control
        .iter()
        .flat_map(|c| Compound::new(c))
        .filter_map(|p| if let Ok(Packet::Nack { lost, .. }) = p { Some(lost) } else { None })
        .flatten()
        .collect();
    assert_eq!(asked.first(), Some(&2));
    let mut payload = 2_u16.to_be_bytes().to_vec();
    payload.extend(frame(false, 1, 1, 50));
    let retransmission = Fields { payload_type: 97, ..video(556, 77, 3000) };
    world.send(&mut host, retransmission, &[], &payload);
    let mut sequences: Vec<u16> = world.take(&mut member).0.iter().map(|got| got.header.sequence_number).collect();
    sequences.sort_unstable();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1) && sequences.len() == 4, "{sequences:?}");
}

#[test]
fn translates_sender_reports_and_measures_the_round_trip() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    world.send(&mut host, video(555, 1, 90_000), &[], &frame(true, 1, 1, 50));
    let out = world.take(&mut member).0[0].header.timestamp;
    let mut report = Vec::new();
    rtcp::write_sender_report(
        &SenderInfo { ssrc: 555, ntp: 40 << 32, rtp_timestamp: 180_000, packet_count: 9, octet_count: 9 },
        &[],
        &mut report,
    );
    world.send_rtcp(&mut host, report);
    let control = world.take(&mut member).1;
    let Some(Ok(Packet::SenderReport { info, .. })) = Compound::new(&control[0]).next() else { panic!("no sender report") };
    assert_eq!((info.ssrc, info.ntp, info.packet_count), (1002, 40 << 32, 1));
    assert_eq!(info.rtp_timestamp, out.wrapping_add(90_000));
    world.now += Duration::from_millis(120);
    let block =
        rtcp::ReportBlock { ssrc: 1002, last_sr: crate::ntp::middle(info.ntp), delay_since_last_sr: 65_536 / 50, ..Default::default() };
    let mut report = Vec::new();
    rtcp::write_receiver_report(5, &[block], &mut report);
    world.send_rtcp(&mut member, report);
    let row = world.engine.snapshot()[0];
    assert!((row.rtt_ms - 100.0).abs() < 0.5, "{}", row.rtt_ms);
    assert_eq!(world.engine.source_stats(SOURCE, world.now)[0].media_ms, 0, "a clock before 1970");
    let told = crate::ntp::from_unix(Duration::from_millis(1_790_000_000_250));
    let mut report = Vec::new();
    let info_of_host = SenderInfo { ssrc: 555, ntp: told, rtp_timestamp: 270_000, packet_count: 9, octet_count: 9 };
    rtcp::write_sender_report(&info_of_host, &[], &mut report);
    world.send_rtcp(&mut host, report);
    let later = world.now + Duration::from_millis(500);
    let media_ms = world.engine.source_stats(SOURCE, later)[0].media_ms;
    assert!(media_ms.abs_diff(1_790_000_000_750) <= 1, "{media_ms}");
}

#[test]
fn a_burst_is_evened_out_by_padding_and_reads_the_same() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    let sizes = [900, 900, 901, 901, 300];
    for (sequence, &size) in (0_u16..).zip(&sizes) {
        world.queue(&mut host, video(555, sequence, 0), &[], &frame(sequence == 0, 1, 1, size));
    }
    let before = world.stat("bursts_sent");
    world.engine.flush(world.now, &mut world.wire);
    assert_eq!(world.stat("bursts_sent") - before, 1);
    let got: Vec<usize> = world.take(&mut member).0.iter().map(|got| got.payload.len()).collect();
    assert_eq!(got, sizes);
}

#[test]
fn publishers_get_reports_and_transport_feedback() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    for sequence in 0..5_u16 {
        world.send(&mut host, video(555, sequence, 0), &[(TRANSPORT_CC, &sequence.to_be_bytes())], &frame(sequence == 0, 1, 1, 50));
    }
    world.pass(Duration::from_millis(1100));
    let control = world.take(&mut host).1;
    let packets: Vec<_> = control.iter().flat_map(|c| Compound::new(c)).collect();
    assert!(packets.iter().any(|p| matches!(p, Ok(Packet::TransportFeedback { .. }))));
    assert!(packets.iter().any(|p| matches!(p, Ok(Packet::ReceiverReport { .. }))));
}

#[test]
fn encodings_begin_and_cease() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    world.events();
    world.send(&mut host, video(70, 1, 0), &[(MID, b"0"), (RID, b"f")], &frame(true, 1, 1, 50));
    let began = Event::Encoding { peer: PUBLISHER, source: SOURCE, encoding: 1, active: true };
    assert_eq!(world.events(), [began]);
    world.pass(Duration::from_secs(3));
    assert_eq!(world.events(), [Event::Encoding { peer: PUBLISHER, source: SOURCE, encoding: 1, active: false }]);
}

#[test]
fn a_check_needs_the_password_and_a_nomination_moves_the_peer() {
    let mut world = World::new();
    let address = udp("10.0.0.9:1");
    let moved = udp("10.9.9.9:2");
    world.command(Command::AddPeer { peer: 9, local_ufrag: "u9".into(), local_pwd: "p9".into(), extensions: ExtensionIds::default() });
    world.check(9, address, "wrong", true);
    assert!(world.wire.0.is_empty() && world.events().is_empty());
    assert_eq!(world.stat("stun_rejected"), 1);
    world.check(9, address, "p9", false);
    assert_eq!(world.events(), [Event::Connected { peer: 9, address }]);
    world.check(9, moved, "p9", true);
    world.wire.0.clear();
    world.command(Command::SendDtls { peer: 9, datagram: vec![22; 30] });
    assert_eq!(world.wire.0, [(moved, vec![22; 30])]);
    world.receive(moved, vec![22; 40]);
    assert_eq!(world.events(), [Event::Dtls { peer: 9, datagram: vec![22; 40] }]);
}

#[test]
fn a_peer_goes_on_by_udp_when_its_connection_closes_and_comes_back_by_another() {
    let mut world = World::new();
    let (datagrams, first) = (udp("10.0.0.9:1"), tcp("10.0.0.9:2", 3));
    world.command(Command::AddPeer { peer: 9, local_ufrag: "u9".into(), local_pwd: "p9".into(), extensions: ExtensionIds::default() });
    world.check(9, datagrams, "p9", false);
    assert!(world.engine.is_checked(datagrams) && !world.engine.is_checked(first));
    world.check(9, first, "p9", true);
    assert_eq!(world.dtls_goes_to(9), Some(first), "the nominated one");
    world.engine.forget_address(first);
    assert_eq!(world.dtls_goes_to(9), Some(datagrams));

    // Without any it waits, and is heard again on a connection from the very same port.
    world.engine.forget_address(datagrams);
    assert_eq!(world.dtls_goes_to(9), None);
    world.events();
    let second = tcp("10.0.0.9:2", 4);
    world.receive(second, vec![22; 40]);
    assert!(world.events().is_empty(), "another connection has to pass a check of its own");
    world.check(9, second, "p9", true);
    assert_eq!(world.dtls_goes_to(9), Some(second));
    assert_eq!(world.events(), [Event::Connected { peer: 9, address: second }]);
    world.engine.forget_address(first);
    assert_eq!(world.dtls_goes_to(9), Some(second), "what closed long ago changes nothing");
    world.command(Command::RemovePeer(9));
    assert!(!world.engine.is_checked(second));
}

#[test]
fn silence_is_loss_and_removal_leaves_nothing() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let member = world.subscribe(2);
    world.send(&mut host, video(555, 1, 0), &[], &frame(true, 1, 1, 50));
    world.events();
    world.pass(Duration::from_secs(20));
    let lost: Vec<_> = world.events().into_iter().filter(|event| matches!(event, Event::Lost { .. })).collect();
    assert_eq!(lost.len(), 2);
    world.command(Command::RemovePeer(host.id));
    world.command(Command::RemovePeer(member.id));
    world.command(Command::RemovePeer(member.id));
    for gauge in ["peers", "sources", "sinks", "addresses"] {
        assert_eq!(world.stat(gauge), 0, "{gauge}");
    }
    assert_eq!(world.stat("unknown_id"), 1);
}

#[test]
fn hostile_datagrams_are_counted_and_change_nothing() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    let stranger = udp("10.1.1.1:1");
    for datagram in [vec![], vec![0], vec![0; 20], vec![22; 9], vec![0x80; 40], vec![0x80, 200, 0, 1], vec![255; 1500]] {
        world.receive(stranger, datagram.clone());
        world.receive(host.address, datagram.clone());
        world.receive(member.address, datagram);
    }
    assert!(
        world.stat("dropped_unclassified") > 0 && world.stat("dropped_unknown_address") > 0 && world.stat("dropped_unauthenticated") > 0
    );
    world.send(&mut host, video(555, 1, 0), &[], &frame(true, 1, 1, 50));
    assert_eq!(world.take(&mut member).0.len(), 1);
}

#[test]
fn a_publisher_that_starts_over_is_followed_at_its_keyframe() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q"], &[]);
    let mut member = world.subscribe(2);
    world.send(&mut host, video(70, 50_000, 0), &[(MID, b"0"), (RID, b"q")], &frame(true, 1, 1, 50));
    world.now += Duration::from_millis(40);
    world.send(&mut host, video(71, 3, 777), &[(MID, b"0"), (RID, b"q")], &frame(false, 1, 1, 50));
    world.send(&mut host, video(71, 4, 3777), &[(MID, b"0"), (RID, b"q")], &frame(true, 900, 1, 50));
    let got = world.take(&mut member).0;
    assert_eq!(got.len(), 2);
    assert_eq!(got[1].header.sequence_number, got[0].header.sequence_number.wrapping_add(1));
    assert_eq!(picture_id(&got[1].payload), picture_id(&got[0].payload) + 1);
}

#[test]
fn the_loud_microphone_speaks_and_the_quiet_one_does_not() {
    let mut world = World::new();
    let opus = vec![Codec { name: "opus".into(), payload_type: 111, clock_rate: 48_000, rtx_payload_type: None }];
    let mut microphones: Vec<_> = [(1, 20), (2, 70)].map(|(id, level)| (world.join(id, Profile::AeadAes128Gcm), level)).into();
    for (client, _) in &microphones {
        let (source, peer, codecs) = (SOURCE + client.id, client.id, opus.clone());
        let (kind, mid, rids, ssrcs) = (MediaKind::Audio, "0".into(), Vec::new(), vec![(client.id, 0)]);
        world.command(Command::AddSource { source, peer, kind, mid, codecs, rids, ssrcs });
    }
    for sequence_number in 0..50 {
        for (client, level) in &mut microphones {
            let fields =
                Fields { marker: false, payload_type: 111, sequence_number, timestamp: u32::from(sequence_number) * 960, ssrc: client.id };
            world.send(client, fields, &[(AUDIO_LEVEL, &[*level])], &[0xf8; 40]);
        }
        world.pass(Duration::from_millis(20));
    }
    let speaking: Vec<_> = world.engine.audio_levels(world.now).into_iter().map(|(source, _)| source).collect();
    assert_eq!(speaking, [SOURCE + 1]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.engine.audio_levels(world.now), [], "no packets are silence");
}
