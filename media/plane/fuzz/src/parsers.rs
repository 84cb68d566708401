//! One parser a target.

use std::time::Duration;

use plane_core::demux::{Kind, classify};
use plane_core::rtcp::{Compound, Packet};
use plane_core::rtp::Header;
use plane_core::srtp::{MasterKey, Profile, SrtpReceiver};
use plane_core::stun::BindingRequest;
use plane_core::twcc::{Feedback, Recorder};
use plane_core::{h264 as avc, vp8 as vp};

/// What is classified has at least the octets of the header that it is said to have.
pub fn demux(data: &[u8]) {
    let least = classify(data).map(|kind| match kind {
        Kind::Stun => 20,
        Kind::Dtls => 13,
        Kind::Rtp => 12,
        Kind::Rtcp => 8,
    });
    assert!(least.is_none_or(|least| data.len() >= least));
}

/// Nobody is authentic without the password, and the answer to whoever is takes no more octets than a request can have.
pub fn stun(data: &[u8]) {
    let Ok(request) = BindingRequest::parse(data) else { return };
    assert!(request.verify(b"a password that no input knows").is_err());
    assert!(request.unknown_attributes().len() <= 4);
    assert!(request.local_ufrag.len() + request.remote_ufrag.len() < data.len());
    let mut answer = Vec::new();
    plane_core::stun::write_success(request.transaction, ([192, 0, 2, 1], 9).into(), b"pw", &mut answer);
    assert!(answer.len() <= 64);
}

/// Elements and payload lie in the packet, in this order.
pub fn rtp(data: &[u8]) {
    let Ok(header) = Header::parse(data) else { return };
    let octets: usize = header.elements(data).map(|(_, value)| value.len()).sum();
    assert!(octets <= header.header_len && header.header_len <= data.len());
    if let Ok(payload) = header.payload_range(data) {
        assert!(payload.start == header.header_len && payload.end <= data.len());
    }
}

/// Whatever a compound says of its lengths, reading it ends, and within a bound that its size gives.
pub fn rtcp(data: &[u8]) {
    let mut items = 0;
    for packet in Compound::new(data) {
        items += 1;
        items += match packet {
            Ok(Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. }) => reports.count(),
            Ok(Packet::Bye { ssrcs } | Packet::Remb { ssrcs, .. }) => ssrcs.count(),
            // A pair of 4 octets tells of up to 17 packets.
            Ok(Packet::Nack { lost, .. }) => lost.count() / 17,
            Ok(Packet::Fir { entries, .. }) => entries.count(),
            Ok(_) | Err(_) => 0,
        };
    }
    assert!(items <= data.len());
}

/// Nothing opens without the key, under either profile, and no attempt makes the next one succeed.
pub fn srtp(data: &[u8]) {
    for profile in [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80] {
        let mut receiver = SrtpReceiver::new(profile, &MasterKey { key: [0xA5; 16], salt: [0x5A; 14] });
        for _ in 0..2 {
            let mut packet = data.to_vec();
            if let Ok(header) = Header::parse(&packet) {
                assert!(receiver.open_rtp(&mut packet, &header).is_err());
            }
            let mut packet = data.to_vec();
            assert!(receiver.open_rtcp(&mut packet).is_err());
        }
    }
}

/// Rewriting changes the ids and nothing else, and on another payload at least does no harm.
pub fn vp8(data: &[u8]) {
    let Ok(descriptor) = vp::Descriptor::parse(data) else { return };
    assert!(descriptor.descriptor_len <= data.len());
    let mut rewritten = data.to_vec();
    descriptor.rewrite(&mut rewritten, 0x1234, 0x56);
    let read = vp::Descriptor::parse(&rewritten).expect("it parsed before");
    assert_eq!(read.descriptor_len, descriptor.descriptor_len);
    assert_eq!(rewritten[read.descriptor_len..], data[read.descriptor_len..]);
    assert_eq!(read.tl0picidx, descriptor.tl0picidx.map(|_| 0x56));
    let id = descriptor.picture_id.map(|id| if id.wide { 0x1234 } else { 0x34 });
    assert_eq!(read.picture_id.map(|id| id.value), id);
    descriptor.rewrite(&mut rewritten[..data.len() / 2], 1, 2);
}

/// Any payload can be asked whether a keyframe begins there; an empty one never does.
pub fn h264(data: &[u8]) {
    assert!(!avc::is_keyframe_start(data) || !data.is_empty());
}

/// Packets that arrive in any order and rhythm: each message fits a datagram and parses, and the reporting ends.
pub fn feedback(data: &[u8]) {
    let (mut recorder, mut now, mut out) = (Recorder::default(), Duration::ZERO, Vec::new());
    for (index, step) in data.chunks_exact(4).enumerate() {
        let [seq0, seq1, time, unit] = *step else { continue };
        now += Duration::from_micros(u64::from(time) << (unit & 0x1F));
        recorder.on_packet(u16::from_be_bytes([seq0, seq1]), now);
        if unit & 0x80 != 0 || index % 64 == 63 {
            report(&mut recorder, index + 1, &mut out);
        }
    }
    report(&mut recorder, data.len() + 1, &mut out);
}

/// Whatever feedback says, as many packets are told of as it announces, and arrivals move by what 16 bits hold.
pub fn reports(data: &[u8]) {
    let Ok(feedback) = Feedback::parse(data) else { return };
    assert_eq!(feedback.reports().count(), usize::from(feedback.count));
    let mut at = 0;
    for (_, ticks) in feedback.reports() {
        let Some(ticks) = ticks else { continue };
        assert!((ticks - at).abs() <= 0x8000);
        at = ticks;
    }
}

fn report(recorder: &mut Recorder, most: usize, out: &mut Vec<u8>) {
    let mut messages = 0;
    loop {
        out.clear();
        if !recorder.build(1, 2, out) {
            return;
        }
        messages += 1;
        assert!(out.len() <= 1100 && messages <= most, "{} octets, message {messages}", out.len());
        assert!(matches!(Compound::new(out).next(), Some(Ok(Packet::TransportFeedback { .. }))));
    }
}
