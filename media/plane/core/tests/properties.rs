//! No parser panics on any octets, what is written is read back, and what is sealed opens.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]

use std::time::{Duration, Instant};

use plane_core::extension::{Elements, block_len, write_header};
use plane_core::framing::{Deframer, FrameQueue, MAX_FRAME_OCTETS};
use plane_core::nack::NackGenerator;
use plane_core::rtcp::{self, Compound, Packet, ReportBlock, SenderInfo};
use plane_core::rtp::{Fields, Header};
use plane_core::srtp::{MasterKey, Profile, SrtpReceiver, SrtpSender};
use plane_core::twcc::{Feedback, Recorder};
use plane_core::video_layers_allocation::Allocation;
use plane_core::{av1, demux, h264, red, stun, vp8, vp9};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

const PROFILES: [Profile; 2] = [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80];

fn octets() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

/// Octets that get past the first checks of their protocol, so that the checks behind them are reached.
fn nearly(head: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    octets().prop_map(move |tail| [head, &tail].concat())
}

/// RTCP packets with honest lengths and otherwise arbitrary content.
fn framed_rtcp() -> impl Strategy<Value = Vec<u8>> {
    let packet = (0x80..=0xBF_u8, 200..=207_u8, vec(any::<[u8; 4]>(), 0..12)).prop_map(|(first, packet_type, words)| {
        let length = u16::try_from(words.len()).unwrap().to_be_bytes();
        [&[first, packet_type, length[0], length[1]], words.as_flattened()].concat()
    });
    vec(packet, 1..5).prop_map(|packets| packets.concat())
}

/// STUN with an honest header and framed attributes.
fn framed_stun() -> impl Strategy<Value = Vec<u8>> {
    let attribute = (prop_oneof![Just(6_u16), Just(8), Just(0x25), Just(0x8028), any::<u16>()], vec(any::<u8>(), 0..24));
    vec(attribute, 0..6).prop_map(|attributes| {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            body.extend(&value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[0, 1, length[0], length[1], 0x21, 0x12, 0xA4, 0x42], &[7; 12][..], &body].concat()
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    (any::<bool>(), 0..128_u8, any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
        |(marker, payload_type, sequence_number, timestamp, ssrc)| Fields { marker, payload_type, sequence_number, timestamp, ssrc },
    )
}

fn report_block() -> impl Strategy<Value = ReportBlock> {
    (any::<[u32; 5]>(), any::<u8>(), -0x80_0000..0x80_0000_i32).prop_map(
        |([ssrc, highest_sequence, jitter, last_sr, delay_since_last_sr], fraction_lost, cumulative_lost)| ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost,
            highest_sequence,
            jitter,
            last_sr,
            delay_since_last_sr,
        },
    )
}

/// Reads everything that a compound offers.
fn read_rtcp(datagram: &[u8]) {
    for packet in Compound::new(datagram).map_while(Result::ok) {
        match packet {
            Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. } => drop(reports.count()),
            Packet::Bye { ssrcs } | Packet::Remb { ssrcs, .. } => drop(ssrcs.count()),
            Packet::Nack { lost, .. } => drop(lost.count()),
            Packet::Fir { entries, .. } => drop(entries.count()),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn parsers_never_panic(bytes in octets(), rtp in nearly(&[0xBF, 0x60]), profile in any::<u16>()) {
        let _ = demux::classify(&bytes);
        let _ = stun::BindingRequest::parse(&bytes);
        let _ = h264::is_keyframe_start(&bytes);
        let _ = av1::is_keyframe_start(&bytes);
        let _ = Allocation::parse(&bytes);
        if let Ok(descriptor) = vp9::Descriptor::parse(&bytes) {
            prop_assert!(descriptor.descriptor_len <= bytes.len());
            prop_assert_eq!(descriptor.structure(&bytes).is_some(), bytes[0] & 0x02 != 0);
        }
        read_rtcp(&bytes);
        let _ = Elements::new(0xBEDE, &bytes).count() + Elements::new(0x1000, &bytes).count() + Elements::new(profile, &bytes).count();
        for packet in [&bytes, &rtp] {
            if let Ok(header) = Header::parse(packet) {
                let _ = header.elements(packet).count();
                if let Ok(range) = header.payload_range(packet) {
                    prop_assert!(packet.get(range).is_some());
                }
            }
        }
    }

    #[test]
    fn framed_rtcp_never_panics(datagram in framed_rtcp()) {
        read_rtcp(&datagram);
    }

    #[test]
    fn framed_stun_never_panics_and_is_never_authentic(datagram in framed_stun()) {
        if let Ok(request) = stun::BindingRequest::parse(&datagram) {
            prop_assert!(request.verify(b"password").is_err());
        }
    }

    #[test]
    fn srtp_refuses_anything(bytes in nearly(&[0x80, 0x60]), mut rtcp in nearly(&[0x80, 200])) {
        for profile in PROFILES {
            let mut receiver = SrtpReceiver::new(profile, &MasterKey { key: [1; 16], salt: [2; 14] });
            let mut packet = bytes.clone();
            if let Ok(header) = Header::parse(&packet) {
                prop_assert!(receiver.open_rtp(&mut packet, &header).is_err());
            }
            prop_assert!(receiver.open_rtcp(&mut rtcp).is_err());
        }
    }

    #[test]
    fn a_written_header_is_read_back(
        fields in fields(),
        elements in vec((0..=255_u8, vec(any::<u8>(), 0..40)), 0..8),
        payload in octets(),
    ) {
        let elements: Vec<(u8, &[u8])> = elements.iter().map(|(id, data)| (*id, data.as_slice())).collect();
        let mut packet = Vec::new();
        let header_len = write_header(&mut packet, &fields, &elements).unwrap();
        prop_assert_eq!(header_len, 12 + block_len(&elements));
        packet.extend(&payload);
        let header = Header::parse(&packet).unwrap();
        prop_assert_eq!((header.fields(), header.header_len), (fields, header_len));
        prop_assert!(header.elements(&packet).eq(elements.into_iter().filter(|(id, _)| *id != 0)));
        prop_assert_eq!(&packet[header.payload_range(&packet).unwrap()], payload);
    }

    #[test]
    fn written_rtcp_is_read_back(
        numbers in any::<[u32; 4]>(),
        ntp in any::<u64>(),
        reports in vec(report_block(), 0..=31),
        start in any::<u16>(),
        steps in btree_set(0..30_000_u16, 0..300),
        ssrcs in vec(any::<u32>(), 0..=31),
        cname in "[ -~]{0,255}",
    ) {
        let [ssrc, rtp_timestamp, packet_count, octet_count] = numbers;
        let info = SenderInfo { ssrc, ntp, rtp_timestamp, packet_count, octet_count };
        let lost: Vec<u16> = steps.into_iter().map(|step| start.wrapping_add(step)).collect();
        let mut out = Vec::new();
        rtcp::write_sender_report(&info, &reports, &mut out);
        rtcp::write_sdes_cname(ssrc, &cname, &mut out);
        rtcp::write_receiver_report(ssrc, &reports, &mut out);
        rtcp::write_bye(&ssrcs, &mut out);
        rtcp::write_remb(ssrc, ntp, &ssrcs, &mut out);
        rtcp::write_nack(ssrc, 7, &lost, &mut out);
        for packet in Compound::new(&out) {
            match packet.unwrap() {
                Packet::SenderReport { info: read, reports: blocks } => {
                    prop_assert_eq!(read, info);
                    prop_assert!(blocks.eq(reports.iter().copied()));
                }
                Packet::ReceiverReport { ssrc: read, reports: blocks } => {
                    prop_assert_eq!(read, ssrc);
                    prop_assert!(blocks.eq(reports.iter().copied()));
                }
                Packet::Bye { ssrcs: read } => prop_assert!(read.eq(ssrcs.iter().copied())),
                Packet::Remb { bitrate, ssrcs: read, .. } => {
                    prop_assert!(bitrate <= ntp && ntp - bitrate <= ntp >> 17);
                    prop_assert!(read.eq(ssrcs.iter().copied()));
                }
                Packet::Nack { lost: read, .. } => prop_assert!(read.eq(lost.iter().copied())),
                Packet::Sdes => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_sealed_opens(
        key in any::<[u8; 16]>(),
        salt in any::<[u8; 14]>(),
        fields in fields(),
        roc in 0..2_u32,
        payload in octets(),
        before in octets(),
    ) {
        let master = MasterKey { key, salt };
        for profile in PROFILES {
            let mut sender = SrtpSender::new(profile, &master);
            let mut receiver = SrtpReceiver::new(profile, &master);
            let mut packet = before.clone();
            let header_len = write_header(&mut packet, &fields, &[(1, b"mid")]).unwrap();
            packet.extend(&payload);
            let plain = packet[before.len()..].to_vec();
            sender.seal_rtp(&mut packet, before.len(), header_len, roc).unwrap();
            prop_assert!(packet.starts_with(&before));
            let sealed = &mut packet[before.len()..];
            let header = Header::parse(sealed).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + sender.rtp_overhead());
            match receiver.open_rtp(sealed, &header) {
                Ok(len) => prop_assert_eq!((roc, &sealed[..len]), (0, plain.as_slice())),
                // A receiver that has seen nothing cannot know that the counter has wrapped.
                Err(_) => prop_assert_eq!(roc, 1),
            }

            let mut report = before.clone();
            rtcp::write_receiver_report(fields.ssrc, &[], &mut report);
            let plain = report[before.len()..].to_vec();
            sender.seal_rtcp(&mut report, before.len()).unwrap();
            let sealed = &mut report[before.len()..];
            let len = receiver.open_rtcp(sealed).unwrap();
            prop_assert_eq!(&sealed[..len], plain.as_slice());
        }
    }

    #[test]
    fn vp8_rewrite_changes_only_the_ids(payload in nearly(&[0x90, 0xF0]), picture_id in 0..0x8000_u16, tl0picidx in any::<u8>()) {
        if let Ok(descriptor) = vp8::Descriptor::parse(&payload) {
            let mut rewritten = payload.clone();
            descriptor.rewrite(&mut rewritten, picture_id, tl0picidx);
            let read = vp8::Descriptor::parse(&rewritten).unwrap();
            let expected = descriptor.picture_id.map(|id| if id.wide { picture_id } else { picture_id & 0x7F });
            prop_assert_eq!(read.picture_id.map(|id| id.value), expected);
            prop_assert_eq!(read.tl0picidx, descriptor.tl0picidx.map(|_| tl0picidx));
            prop_assert_eq!(read.descriptor_len, descriptor.descriptor_len);
            prop_assert_eq!(&rewritten[read.descriptor_len..], &payload[read.descriptor_len..]);
        }
        let _ = vp8::Descriptor::parse(&payload[2..]);
    }

    #[test]
    fn vp9_rewrite_changes_only_the_ids(payload in nearly(&[0xAA, 0xF0]), picture_id in 0..0x8000_u16, tl0picidx in any::<u8>()) {
        if let Ok(descriptor) = vp9::Descriptor::parse(&payload) {
            let mut rewritten = payload.clone();
            descriptor.rewrite(&mut rewritten, picture_id, tl0picidx);
            let read = vp9::Descriptor::parse(&rewritten).unwrap();
            prop_assert_eq!(read.picture_id.unwrap().value, picture_id);
            prop_assert_eq!(read.tl0picidx, Some(tl0picidx));
            let original = descriptor.picture_id.unwrap().value;
            read.rewrite(&mut rewritten, original, descriptor.tl0picidx.unwrap());
            prop_assert_eq!(rewritten, payload);
        }
    }

    #[test]
    fn packed_red_is_parsed_back(
        frames in vec((0..0x4000_u16, vec(any::<u8>(), 0..400)), 0..10),
        primary in vec(any::<u8>(), 0..400),
        payload_type in 0..128_u8,
    ) {
        let mut blocks: Vec<_> = frames.iter().map(|(timestamp_offset, data)| red::Block { payload_type, timestamp_offset: *timestamp_offset, data }).collect();
        let last = red::Block { payload_type, timestamp_offset: 0, data: &primary };
        blocks.truncate(red::MAX_BLOCKS - 1);
        let mut out = Vec::new();
        red::pack(&last, &blocks, &mut out);
        blocks.push(last);
        let parsed = red::parse(&out).unwrap();
        prop_assert_eq!(parsed.as_slice(), &blocks[..]);
        prop_assert_eq!(red::unpack(&out), Ok(last));
    }

    #[test]
    fn red_blocks_lie_within_the_payload(payload in octets()) {
        if let Ok(blocks) = red::parse(&payload) {
            prop_assert!(blocks.iter().map(|block| block.data.len()).sum::<usize>() < payload.len());
        }
    }

    /// Whatever arrives in whatever order: what is reported as received did arrive, then, and nothing is left unreported.
    #[test]
    fn feedback_ends_whatever_arrives(packets in vec((any::<u16>(), 0..10_000_000_u64), 0..200)) {
        let mut recorder = Recorder::default();
        for (sequence_number, micros) in packets {
            recorder.on_packet(sequence_number, Duration::from_micros(micros));
        }
        let (mut out, mut messages) = (Vec::new(), 0);
        while recorder.build(1, 2, &mut out) {
            messages += 1;
            prop_assert!(out.len() <= 1100 * messages && messages <= 200);
        }
        prop_assert_eq!(Compound::new(&out).filter(|packet| matches!(packet, Ok(Packet::TransportFeedback { .. }))).count(), messages);
    }

    /// Whatever arrives: only numbers that did not arrive are asked for, and the asking ends.
    #[test]
    fn written_feedback_is_read_back(steps in vec((1..60_u16, -400..40_000_i64), 1..150), start in any::<u16>()) {
        let (mut recorder, mut number, mut at) = (Recorder::default(), start, 50_000_i64);
        let mut sent = Vec::new();
        for (gap, ticks) in steps {
            number = number.wrapping_add(gap);
            at = (at + ticks).max(0);
            recorder.on_packet(number, Duration::from_micros(250 * at.unsigned_abs()));
            sent.push((number, at));
        }
        let (mut out, mut told) = (Vec::new(), Vec::new());
        while recorder.build(1, 2, &mut out) {
            let Some(Ok(Packet::TransportFeedback { body, .. })) = Compound::new(&out).next() else { panic!("{out:?}") };
            let feedback = Feedback::parse(body).unwrap();
            let reference = i64::from(feedback.reference) * 256;
            prop_assert_eq!(feedback.reports().count(), usize::from(feedback.count));
            told.extend(feedback.reports().filter_map(|(number, ticks)| Some((number, reference + ticks?))));
            out.clear();
        }
        prop_assert_eq!(told, sent);
    }

    #[test]
    fn feedback_of_any_octets_ends(body in nearly(&[0, 1, 0, 40, 0, 0, 1, 0, 0xE5]), plain in octets()) {
        for body in [body, plain] {
            if let Ok(feedback) = Feedback::parse(&body) {
                prop_assert_eq!(feedback.reports().count(), usize::from(feedback.count));
            }
        }
    }

    #[test]
    fn nacks_are_for_missing_packets_and_end(steps in vec(1..40_u16, 1..100), swap in any::<bool>()) {
        let start = Instant::now();
        let mut numbers: Vec<u16> = steps.iter().scan(65_000_u16, |number, step| { *number = number.wrapping_add(*step); Some(*number) }).collect();
        if swap {
            numbers.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        }
        let mut generator = NackGenerator::default();
        for number in &numbers {
            generator.on_packet(*number, start);
        }
        let mut rounds = 0;
        while let Some(deadline) = generator.deadline() {
            prop_assert!(generator.due(deadline, Duration::from_millis(50)).iter().all(|number| !numbers.contains(number)));
            rounds += 1;
            prop_assert!(rounds < 200);
        }
    }
}

/// A stream of frames, and the frames.
fn framed() -> impl Strategy<Value = (Vec<u8>, Vec<Vec<u8>>)> {
    vec(vec(any::<u8>(), 0..600), 0..20).prop_map(|frames| {
        let mut queue = FrameQueue::new(usize::MAX);
        assert!(frames.iter().all(|frame| queue.push(frame)));
        let mut stream = Vec::new();
        while !queue.unsent().is_empty() {
            stream.extend_from_slice(queue.unsent());
            queue.advance(queue.unsent().len());
        }
        (stream, frames.into_iter().filter(|frame| !frame.is_empty()).collect())
    })
}

proptest! {
    #[test]
    fn frames_come_out_however_the_stream_is_cut((stream, frames) in framed(), cuts in vec(1..700_usize, 1..40)) {
        let (mut deframer, mut got, mut rest) = (Deframer::default(), Vec::new(), &stream[..]);
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            deframer.feed(&mut now.to_vec(), |frame| got.push(frame.to_vec())).unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(got, frames);
    }

    #[test]
    fn no_stream_makes_a_deframer_panic_or_hand_over_what_is_too_long(stream in vec(any::<u8>(), 0..9_000), cut in 1..5_000_usize, small in any::<bool>()) {
        // With lengths below 256 the stream is read to its end.
        let mut stream: Vec<u8> = if small { stream.into_iter().flat_map(|length| [vec![0, length], vec![length; usize::from(length)]].concat()).collect() } else { stream };
        let mut deframer = Deframer::default();
        for part in stream.chunks_mut(cut) {
            let mut handed_over = 0;
            let available = part.len() + MAX_FRAME_OCTETS + 2;
            let result = deframer.feed(part, |frame| { assert!((1..=MAX_FRAME_OCTETS).contains(&frame.len())); handed_over += frame.len() + 2; });
            prop_assert!(handed_over <= available);
            if result.is_err() {
                prop_assert!(!small);
                break;
            }
        }
    }

    #[test]
    fn a_queue_keeps_its_bound_and_the_order(steps in vec((vec(any::<u8>(), 0..300), 0..400_usize), 0..60), limit in 0..1_000_usize) {
        let (mut queue, mut written, mut taken) = (FrameQueue::new(limit), Vec::new(), Vec::new());
        let mut waiting = 0;
        for (frame, sent) in steps {
            let fits = waiting + frame.len() + 2 <= limit;
            prop_assert_eq!(queue.push(&frame), fits);
            if fits {
                waiting += frame.len() + 2;
                taken.push(frame);
            }
            let sent = sent.min(queue.unsent().len());
            written.extend_from_slice(&queue.unsent()[..sent]);
            queue.advance(sent);
            waiting -= sent;
        }
        while !queue.unsent().is_empty() {
            written.extend_from_slice(queue.unsent());
            queue.advance(queue.unsent().len());
        }
        let mut got = Vec::new();
        Deframer::default().feed(&mut written, |frame| got.push(frame.to_vec())).unwrap();
        taken.retain(|frame| !frame.is_empty());
        prop_assert_eq!(got, taken);
    }
}
