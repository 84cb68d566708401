//! Hand-made packets, and round trips of what is written.

use super::*;

fn only<'a>(datagram: &'a [u8]) -> Result<Packet<'a>, RtcpError> {
    let mut compound = Compound::new(datagram);
    let packet = compound.next().unwrap();
    assert!(compound.next().is_none());
    packet
}

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0xAABB_CCDD,
    fraction_lost: 128,
    cumulative_lost: -2,
    highest_sequence: 0x0001_FFFF,
    jitter: 90,
    last_sr: 0x1234_5678,
    delay_since_last_sr: 65_536,
};

#[test]
fn sender_report_octet_by_octet() {
    let info = SenderInfo { ssrc: 1, ntp: 0x0203_0405_0607_0809, rtp_timestamp: 10, packet_count: 11, octet_count: 12 };
    let mut out = Vec::new();
    write_sender_report(&info, &[BLOCK], &mut out);
    let expected = [
        &[0x81, 200, 0, 12][..],
        &[0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 10, 0, 0, 0, 11, 0, 0, 0, 12],
        &[0xAA, 0xBB, 0xCC, 0xDD, 128, 0xFF, 0xFF, 0xFE, 0, 1, 0xFF, 0xFF, 0, 0, 0, 90, 0x12, 0x34, 0x56, 0x78, 0, 1, 0, 0],
    ];
    assert_eq!(out, expected.concat());
    let Ok(Packet::SenderReport { info: read, reports }) = only(&out) else { panic!("{out:?}") };
    assert_eq!(read, info);
    assert_eq!(reports.collect::<Vec<_>>(), [BLOCK]);
}

#[test]
fn compound_of_everything() {
    let mut out = Vec::new();
    write_receiver_report(7, &[BLOCK; 40], &mut out);
    write_sdes_cname(7, "abc", &mut out);
    write_nack(7, 8, &[65_534, 65_535, 0, 14, 15], &mut out);
    write_pli(7, 9, &mut out);
    write_remb(7, 1_000_000, &[8, 9], &mut out);
    write_bye(&[7], &mut out);
    let packets: Vec<_> = Compound::new(&out).map(Result::unwrap).collect();
    let [
        Packet::ReceiverReport { ssrc: 7, reports },
        Packet::Sdes,
        Packet::Nack { sender: 7, media: 8, lost },
        Packet::Pli { sender: 7, media: 9 },
        Packet::Remb { sender: 7, bitrate, ssrcs },
        Packet::Bye { ssrcs: gone },
    ] = &packets[..]
    else {
        panic!("{packets:?}")
    };
    assert_eq!(reports.clone().count(), MAX_REPORT_BLOCKS);
    assert_eq!(lost.clone().collect::<Vec<_>>(), [65_534, 65_535, 0, 14, 15]);
    assert_eq!((*bitrate, ssrcs.clone().collect::<Vec<_>>()), (1_000_000, vec![8, 9]));
    assert_eq!(gone.clone().collect::<Vec<_>>(), [7]);
}

#[test]
fn cname_ends_with_zeros_to_the_word() {
    for (cname, len) in [("", 12), ("a", 12), ("ab", 16), ("abcdef", 20)] {
        let mut out = Vec::new();
        write_sdes_cname(7, cname, &mut out);
        assert_eq!((out.len(), out.last()), (len, Some(&0)), "{cname:?}");
        assert_eq!(usize::from(out[3]), len / 4 - 1);
    }
}

#[test]
fn nack_packs_16_followers() {
    let mut out = Vec::new();
    write_nack(1, 2, &[100, 101, 116, 117], &mut out);
    assert_eq!(out[12..], [0, 100, 0x80, 1, 0, 117, 0, 0]);
    out.clear();
    write_nack(1, 2, &[], &mut out);
    assert!(out.is_empty());
}

#[test]
fn remb_rounds_down_and_saturates() {
    for (bitrate, read) in [(0, 0), (0x3_FFFF, 0x3_FFFF), (0x4_0001, 0x4_0000), (u64::MAX, 0x3_FFFF << 46)] {
        let mut out = Vec::new();
        write_remb(1, bitrate, &[], &mut out);
        assert!(matches!(only(&out), Ok(Packet::Remb { bitrate, .. }) if bitrate == read), "{bitrate}");
    }
    let hostile = [0x8F, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 0, 0xFF, 0xFF, 0xFF];
    assert!(matches!(only(&hostile), Ok(Packet::Remb { bitrate: u64::MAX, .. })));
}

#[test]
fn full_intra_request_and_transport_feedback() {
    let fir = [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 5, 0, 0, 0];
    let Ok(Packet::Fir { sender: 1, entries }) = only(&fir) else { panic!() };
    assert_eq!(entries.collect::<Vec<_>>(), [(9, 5)]);
    let feedback = [0x8F, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];
    assert!(matches!(only(&feedback), Ok(Packet::TransportFeedback { sender: 1, media: 2, body: [1, 2, 3, 4] })));
}

#[test]
fn unknown_packets_are_skipped() {
    let mut out = vec![0x85, 204, 0, 1, 0, 0, 0, 0];
    write_pli(1, 2, &mut out);
    let packets: Vec<_> = Compound::new(&out).map(Result::unwrap).collect();
    assert!(matches!(packets[..], [Packet::Unknown { packet_type: 204, format: 5 }, Packet::Pli { .. }]));
}

#[test]
fn counts_beyond_the_packet_are_errors() {
    let hostile: [&[u8]; 6] = [
        &[0x81, 201, 0, 1, 0, 0, 0, 1],
        &[0x80, 200, 0, 1, 0, 0, 0, 1],
        &[0x9F, 203, 0, 1, 0, 0, 0, 1],
        &[0x81, 205, 0, 1, 0, 0, 0, 1],
        &[0x8F, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 1, 0, 0, 0],
        &[0x80, 201, 0, 9, 0, 0, 0, 1],
    ];
    for datagram in hostile {
        assert!(matches!(only(datagram), Err(RtcpError::Truncated)), "{datagram:?}");
    }
    assert!(matches!(only(&[0x80, 201, 0]), Err(RtcpError::Truncated)));
    assert!(matches!(only(&[0x40, 201, 0, 1, 0, 0, 0, 1]), Err(RtcpError::Version)));
}

#[test]
fn padding() {
    let padded = [0xA1, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
    assert!(matches!(only(&padded), Ok(Packet::Bye { ssrcs }) if ssrcs.clone().eq([1])));
    for count in [0, 9, 255] {
        let mut hostile = padded;
        hostile[11] = count;
        assert!(matches!(only(&hostile), Err(RtcpError::Padding)));
    }
    assert!(matches!(only(&[0xA0, 203, 0, 0]), Err(RtcpError::Padding)));
}
