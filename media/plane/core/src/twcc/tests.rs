//! What is built, read by a parser written from the draft alone.

use super::*;
use crate::rtcp::{Compound, Packet};

/// A message as a media sender reads it.
#[derive(Debug, PartialEq, Eq)]
struct Feedback {
    base: u16,
    count: u8,
    /// Arrival of each packet from `base` on in 250 µs ticks, `None` where it was not received.
    arrivals: Vec<Option<i64>>,
}

fn read(datagram: &[u8]) -> Feedback {
    let mut compound = Compound::new(datagram);
    let Some(Ok(Packet::TransportFeedback { sender: 1, media: 2, body })) = compound.next() else { panic!("{datagram:?}") };
    assert!(compound.next().is_none());
    let field = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let total = usize::from(field(2));
    let mut time = i64::from(i32::from_be_bytes([body[4], body[5], body[6], 0]) >> 8) * 256;
    let mut at = 8;
    let mut symbols = Vec::new();
    while symbols.len() < total {
        let chunk = field(at);
        at += 2;
        match chunk >> 14 {
            0 | 1 => symbols.extend(std::iter::repeat_n(chunk >> 13 & 3, usize::from(chunk & 0x1FFF))),
            2 => symbols.extend((0..14).rev().map(|bit| chunk >> bit & 1)),
            _ => symbols.extend((0..7).rev().map(|pair| chunk >> (2 * pair) & 3)),
        }
    }
    assert!(symbols[total..].iter().all(|symbol| *symbol == 0));
    let mut delta = |symbol| {
        let (value, len) = match symbol {
            0 => return None,
            1 => (i64::from(body[at]), 1),
            2 => (i64::from(field(at).cast_signed()), 2),
            _ => panic!("reserved symbol"),
        };
        at += len;
        time += value;
        Some(time)
    };
    let arrivals = symbols[..total].iter().map(|symbol| delta(*symbol)).collect();
    assert_eq!(at, body.len());
    Feedback { base: field(0), count: body[7], arrivals }
}

fn build(recorder: &mut Recorder) -> Option<Feedback> {
    let mut out = Vec::new();
    recorder.build(1, 2, &mut out).then(|| {
        assert!(out.len() <= 1100, "{}", out.len());
        read(&out)
    })
}

/// Ticks as a duration.
fn at(ticks: u64) -> Duration {
    Duration::from_micros(250 * ticks)
}

/// A recorder with packets at these ticks.
fn recorder(packets: &[(u16, u64)]) -> Recorder {
    let mut recorder = Recorder::default();
    for (sequence_number, ticks) in packets {
        recorder.on_packet(*sequence_number, at(*ticks));
    }
    recorder
}

#[test]
fn nothing_to_report() {
    assert_eq!(build(&mut Recorder::default()), None);
    let mut recorder = recorder(&[(1, 0)]);
    assert!(build(&mut recorder).is_some());
    assert_eq!(build(&mut recorder), None);
}

/// Base 0xFFFF, 4 statuses, reference 2 × 64 ms, a vector chunk of one-bit symbols, deltas 88, 8 and 2, 3 octets of padding.
#[test]
fn octet_by_octet() {
    let mut out = Vec::new();
    recorder(&[(0xFFFF, 600), (1, 608), (2, 610)]).build(1, 2, &mut out);
    let common = [0xAF, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2];
    let body = [0xFF, 0xFF, 0, 4, 0, 0, 2, 0, 0xAC, 0, 88, 8, 2, 0, 0, 3];
    assert_eq!(out, [&common[..], &body].concat());
}

#[test]
fn gaps_large_and_negative_deltas() {
    let mut recorder = recorder(&[(10, 1000), (12, 1300), (13, 1290), (40, 1291), (41, 30_000)]);
    let feedback = build(&mut recorder).unwrap();
    let mut expected = vec![None; 32];
    for (place, ticks) in [(0, 1000), (2, 1300), (3, 1290), (30, 1291), (31, 30_000)] {
        expected[place] = Some(ticks);
    }
    assert_eq!(feedback, Feedback { base: 10, count: 0, arrivals: expected });
}

#[test]
fn a_message_begins_behind_the_one_before_and_counts() {
    let mut recorder = recorder(&[(65_534, 0), (65_535, 1)]);
    assert_eq!(build(&mut recorder).unwrap().base, 65_534);
    recorder.on_packet(2, at(9));
    let expected = Feedback { base: 0, count: 1, arrivals: vec![None, None, Some(9)] };
    assert_eq!(build(&mut recorder), Some(expected));
}

#[test]
fn a_late_packet_is_reported_and_takes_nothing_back() {
    let mut recorder = recorder(&[(1, 0), (3, 2), (4, 3)]);
    build(&mut recorder);
    recorder.on_packet(2, at(10));
    recorder.on_packet(3, at(11));
    let expected = Feedback { base: 2, count: 1, arrivals: vec![Some(10), Some(2), Some(3)] };
    assert_eq!(build(&mut recorder), Some(expected));
}

#[test]
fn what_is_forgotten_is_not_called_lost() {
    let mut recorder = recorder(&[(1, 0), (2, 1)]);
    build(&mut recorder);
    recorder.on_packet(3, at(5000));
    build(&mut recorder);
    recorder.on_packet(0, at(5001));
    recorder.on_packet(1, at(5001));
    assert_eq!(build(&mut recorder), None);
}

#[test]
fn a_delta_too_large_begins_another_message() {
    let mut recorder = recorder(&[(1, 100), (2, 100 + 32_768), (3, 100)]);
    assert_eq!(build(&mut recorder).unwrap().arrivals, [Some(100)]);
    assert_eq!(build(&mut recorder).unwrap().arrivals, [Some(32_868), Some(100)]);
    assert_eq!(build(&mut recorder), None);
}

#[test]
fn long_gaps_are_runs() {
    let mut recorder = recorder(&[(0, 0), (30_000, 1)]);
    let feedback = build(&mut recorder).unwrap();
    assert_eq!(feedback.arrivals.len(), 30_001);
    assert_eq!(feedback.arrivals[30_000], Some(1));
}

#[test]
fn a_jump_beyond_all_statuses_leaves_the_gap_out() {
    let mut recorder = recorder(&[(0, 0), (30_000, 1), (60_000, 2), (24_464, 3)]);
    assert_eq!(build(&mut recorder).unwrap().arrivals.len(), 60_001);
    assert_eq!(build(&mut recorder), Some(Feedback { base: 60_001, count: 1, arrivals: [vec![None; 29_999], vec![Some(3)]].concat() }));
}

#[test]
fn many_packets_take_several_messages() {
    let mut recorder = Recorder::default();
    for number in 0..5001_u16 {
        if number % 3 != 1 {
            recorder.on_packet(number, at(u64::from(number) * 300));
        }
    }
    let (mut next, mut messages) = (0, 0);
    while let Some(feedback) = build(&mut recorder) {
        assert_eq!(usize::from(feedback.base), next);
        for arrival in feedback.arrivals {
            let expected = (next % 3 != 1).then(|| i64::try_from(next).unwrap() * 300);
            assert_eq!(arrival, expected);
            next += 1;
        }
        messages += 1;
    }
    assert_eq!(next, 5001);
    assert!(messages > 5);
}

#[test]
fn memory_is_bounded() {
    let mut recorder = Recorder::default();
    for number in 0..=u16::MAX {
        recorder.on_packet(number, at(u64::from(number)));
    }
    assert_eq!(recorder.arrivals.len(), MAX_ARRIVALS);
    let first = usize::from(u16::MAX) + 1 - MAX_ARRIVALS;
    assert_eq!(usize::from(build(&mut recorder).unwrap().base), first);
}

#[test]
fn the_reference_time_wraps() {
    let epoch = (1 << 24) * 256;
    let mut recorder = recorder(&[(1, epoch + 300)]);
    assert_eq!(build(&mut recorder).unwrap().arrivals, [Some(300)]);
}

#[test]
fn narrow_gaps_are_filled_between_their_neighbours_and_wide_ones_stay() {
    let mut recorder = recorder(&[(65_533, 0), (65_535, 10), (2, 40), (9, 47)]);
    assert_eq!(recorder.unreported(), (4, 9));
    assert_eq!(recorder.fill_gaps(2), 3);
    let expected = [[Some(0), Some(5), Some(10), Some(20), Some(30), Some(40)].as_slice(), &[None; 6], &[Some(47)]].concat();
    assert_eq!(build(&mut recorder).unwrap().arrivals, expected);
    assert_eq!(recorder.unreported(), (0, 0));
    recorder.on_packet(0, at(60));
    assert_eq!(build(&mut recorder), None, "what was filled and comes after all is a duplicate");
    recorder.on_packet(11, at(67));
    assert_eq!(recorder.fill_gaps(2), 1, "the gap behind the last message too");
    assert_eq!(build(&mut recorder).unwrap().arrivals, [Some(57), Some(67)]);
    assert_eq!(Recorder::default().fill_gaps(2), 0);
}
