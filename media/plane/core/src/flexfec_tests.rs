//! A receiver that does what the draft says, and what it gets back.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "test code"
)]

use std::collections::BTreeMap;

use far_end::protected;

use super::*;
use crate::extension;
use crate::rtp::Fields;

const SSRC: u32 = 0x1122_3344;

/// A repair packet as section 4.2.1 has it read.
struct Repair {
    head: [u8; 8],
    numbers: Vec<u16>,
    body: Vec<u8>,
}

impl Repair {
    fn parse(payload: &[u8]) -> Self {
        assert_eq!(payload[0] & 0xC0, 0, "R and F");
        assert_eq!(payload[8..12], [1, 0, 0, 0], "one stream, and what is reserved");
        assert_eq!(payload[12..16], SSRC.to_be_bytes());
        let (numbers, at) = protected(payload);
        Self { head: payload[..8].try_into().unwrap(), numbers, body: payload[at..].to_vec() }
    }

    /// The one packet that is missing, by section 6.3.
    fn recover(&self, arrived: &BTreeMap<u16, Vec<u8>>) -> Option<(u16, Vec<u8>)> {
        let missing: Vec<u16> = self.numbers.iter().copied().filter(|number| !arrived.contains_key(number)).collect();
        let [missing] = missing[..] else { return None };
        let (mut head, mut body) = (self.head, self.body.clone());
        let mut length = u16::from_be_bytes([head[2], head[3]]);
        for packet in self.numbers.iter().filter_map(|number| arrived.get(number)) {
            head.iter_mut().zip(packet).for_each(|(to, from)| *to ^= from);
            length ^= (packet.len() - 12) as u16;
            body.iter_mut().zip(&packet[12..]).for_each(|(to, from)| *to ^= from);
        }
        let mut packet = head.to_vec();
        packet[0] = packet[0] & 0x3F | 0x80;
        packet[2..4].copy_from_slice(&missing.to_be_bytes());
        packet.extend(SSRC.to_be_bytes());
        packet.extend(&body[..length.into()]);
        Some((missing, packet))
    }
}

/// Everything that `repairs` give back of what did not arrive.
fn repaired(repairs: &[Repair], mut arrived: BTreeMap<u16, Vec<u8>>) -> BTreeMap<u16, Vec<u8>> {
    while let Some((number, packet)) = repairs.iter().find_map(|repair| repair.recover(&arrived)) {
        arrived.insert(number, packet);
    }
    arrived
}

/// A picture's packets, of lengths that differ.
fn picture(first: u16, count: u16) -> BTreeMap<u16, Vec<u8>> {
    let packet = |index: u16| {
        let number = first.wrapping_add(index);
        let fields = Fields {
            marker: index + 1 == count,
            payload_type: 96,
            sequence_number: number,
            timestamp: 90_000 + u32::from(first),
            ssrc: SSRC,
        };
        let mut packet = Vec::new();
        extension::write_header(&mut packet, &fields, &[(4, b"7"), (3, &[0, 0])]).unwrap();
        let length = 900 + usize::from(index * 37 % 200);
        packet.extend((0..length).map(|octet| (octet as u8).wrapping_mul(31) ^ number as u8));
        (number, packet)
    };
    (0..count).map(packet).collect()
}

/// Repair packets of a group in the order of its numbers.
fn repairs(packets: &BTreeMap<u16, Vec<u8>>, first: u16, count: usize) -> Vec<Repair> {
    let ordered: Vec<(u16, &[u8])> =
        (0..packets.len() as u16).map(|index| first.wrapping_add(index)).map(|number| (number, packets[&number].as_slice())).collect();
    let of_row = |row: usize| {
        let covers = move |index: usize| matches!(rows(index, count), (first, second) if first == row || second == Some(row));
        let members = ordered.iter().enumerate().filter(move |(index, _)| covers(*index)).map(|(_, member)| *member);
        let mut payload = Vec::new();
        assert!(write(SSRC, members, &mut payload));
        Repair::parse(&payload)
    };
    (0..count).map(of_row).collect()
}

fn without(packets: &BTreeMap<u16, Vec<u8>>, lost: &[u16]) -> BTreeMap<u16, Vec<u8>> {
    packets.iter().filter(|(number, _)| !lost.contains(number)).map(|(number, packet)| (*number, packet.clone())).collect()
}

#[test]
fn the_fields_lie_where_the_draft_has_them() {
    let packets: [&[u8]; 2] = [
        &[0x90, 0xE0, 0xFF, 0xFE, 0, 0, 0, 1, 0x11, 0x22, 0x33, 0x44, 0xAA, 0xBB, 0xCC],
        &[0x80, 0x60, 0x00, 0x00, 0, 0, 0, 3, 0x11, 0x22, 0x33, 0x44, 0x0A],
    ];
    let mut payload = vec![0xEE];
    assert!(write(SSRC, [(0xFFFE, packets[0]), (0, packets[1])].into_iter(), &mut payload));
    let expected = [
        0xEE, // what was there
        0x10, 0x80, // P, X and CC, then M and PT, one against the other
        0, 2, // lengths 3 and 1
        0, 0, 0, 2, // timestamps
        1, 0, 0, 0, // one stream
        0x11, 0x22, 0x33, 0x44, 0xFF, 0xFE, // the stream and its first number
        0xD0, 0, // the last part: the first and the third
        0xA0, 0xBB, 0xCC,
    ];
    assert_eq!(payload, expected);
}

#[test]
fn a_mask_has_as_many_parts_as_it_needs() {
    for (distance, octets) in [(14, 2), (15, 6), (45, 6), (46, 14), (108, 14)] {
        let packets = [(7_u16, [0x80_u8; 12]), (7 + distance, [0x80; 12])];
        let mut payload = Vec::new();
        assert!(write(SSRC, packets.iter().map(|(number, packet)| (*number, packet.as_slice())), &mut payload));
        assert_eq!(payload.len(), FIXED_HEADER_LEN + octets);
        assert_eq!(Repair::parse(&payload).numbers, [7, 7 + distance]);
    }
    assert_eq!(most_overhead(), FIXED_HEADER_LEN + 14);
    let packets = [(7_u16, [0x80_u8; 12]), (7 + MAX_SPAN, [0x80; 12])];
    let mut payload = Vec::new();
    assert!(!write(SSRC, packets.iter().map(|(number, packet)| (*number, packet.as_slice())), &mut payload));
    assert!(!write(SSRC, std::iter::empty(), &mut payload) && payload.is_empty());
}

#[test]
fn any_single_loss_is_repaired_to_the_octet() {
    for (count, repair_packets) in [(1, 1), (2, 1), (5, 2), (7, 4), (24, 12), (48, 3)] {
        let packets = picture(65_530, count);
        let repairs = repairs(&packets, 65_530, repair_packets);
        for lost in packets.keys() {
            assert_eq!(repaired(&repairs, without(&packets, &[*lost])), packets, "{lost} of {count} by {repair_packets}");
        }
    }
}

#[test]
fn any_two_losses_are_repaired_where_half_as_much_again_is_sent() {
    for count in 4..=24_u16 {
        let packets = picture(100, count);
        let repairs = repairs(&packets, 100, usize::from(count.div_ceil(2).max(3)));
        for first in packets.keys() {
            for second in packets.keys().filter(|second| *second > first) {
                let got = repaired(&repairs, without(&packets, &[*first, *second]));
                assert_eq!(got, packets, "{first} and {second} of {count}");
            }
        }
    }
}

/// A small generator with a seed: losses of a whole network in no time.
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as f64 / f64::from(1_u32 << 31)
}

#[test]
fn of_a_fifth_lost_half_as_much_again_leaves_a_fifth_and_nothing_is_ever_made_up() {
    let (mut lost, mut left, mut state) = (0, 0, 7);
    for round in 0..2_000_u16 {
        let count = 4 + round % 17;
        let packets = picture(round, count);
        let sent = repairs(&packets, round, usize::from(count.div_ceil(2)));
        let arrived: BTreeMap<_, _> = packets.clone().into_iter().filter(|_| random(&mut state) > 0.2).collect();
        let sent: Vec<Repair> = sent.into_iter().filter(|_| random(&mut state) > 0.2).collect();
        lost += packets.len() - arrived.len();
        let got = repaired(&sent, arrived);
        assert!(got.iter().all(|(number, packet)| packets[number] == *packet));
        left += packets.len() - got.len();
    }
    assert!(left * 4 < lost, "{left} of {lost}");
}
