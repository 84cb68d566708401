//! One direction in virtual time: rate, queue, delay, loss, order.

use std::collections::BTreeSet;

use link::config::PathConfig;
use link::demux::Label;
use link::packet_log::{Fate, Record};
use link::path::{Packet, Path};
use link::time::{MS, Nanos, SECOND};

const OCTETS: usize = 1250; // 10,000 bits

fn path(json: &str, seed: u64) -> Path<u64> {
    Path::new(serde_json::from_str::<PathConfig>(json).expect("it is a configuration"), seed, 0).expect("it holds")
}

fn packet(content: u64) -> Packet<u64> {
    Packet { octets: OCTETS, extra_delay: 0, label: Label::default(), content }
}

/// Push `count` packets, one each `interval`; what came out, with its time, and the records.
fn run(path: &mut Path<u64>, count: u64, interval: Nanos) -> (Vec<(Nanos, u64)>, Vec<Record>) {
    let mut out = Vec::new();
    for number in 0..count {
        path.push(number * interval, packet(number));
        while let Some((at, packet)) = path.pop(number * interval) {
            out.push((at, packet.content));
        }
    }
    while let Some(at) = path.next_at() {
        while let Some((due, packet)) = path.pop(at) {
            out.push((due, packet.content));
        }
    }
    (out, path.take_records())
}

#[test]
fn a_perfect_path_delivers_at_once() {
    let (out, _) = run(&mut path("{}", 1), 3, MS);
    assert_eq!(out, [(0, 0), (MS, 1), (2 * MS, 2)]);
}

#[test]
fn the_delay_is_exact() {
    let (out, records) = run(&mut path(r#"{"delay_ms": 50}"#, 1), 2, 7 * MS);
    assert_eq!(out, [(50 * MS, 0), (57 * MS, 1)]);
    assert_eq!(
        records[1],
        Record { arrived: 7 * MS, left: 7 * MS, out: 57 * MS, octets: OCTETS, label: Label::default(), fate: Fate::Delivered }
    );
}

#[test]
fn a_rate_spaces_packets_out() {
    // 10,000 bits at 1 Mbit/s take 10 ms.
    let (out, _) = run(&mut path(r#"{"rate": 1e6, "delay_ms": 20}"#, 1), 4, MS);
    assert_eq!(out.iter().map(|(at, _)| at / MS).collect::<Vec<_>>(), [30, 40, 50, 60]);
}

#[test]
fn a_packet_under_way_feels_a_step_of_the_rate() {
    // Half of it at 1 Mbit/s until 5 ms, the rest at 0.5 Mbit/s; nothing passes between 20 and 30 ms.
    let steps = r#"{"rate": {"steps": [[0, 1e6], [0.005, 0.5e6], [0.020, 0], [0.030, 1e6]], "repeat_s": null}}"#;
    let (out, _) = run(&mut path(steps, 1), 2, MS);
    assert_eq!(out, [(15 * MS, 0), (37_500_000, 1)]);
}

#[test]
fn a_rate_that_is_set_holds_for_what_is_left() {
    let mut path = path(r#"{"rate": 1e6}"#, 1);
    path.push(0, packet(0));
    path.change(5 * MS, serde_json::from_str(r#"{"rate": 2e6}"#).expect("it is a configuration")).expect("it holds");
    assert_eq!(path.next_at(), Some(7_500_000));
}

#[test]
fn steps_repeat() {
    let (out, _) = run(&mut path(r#"{"rate": {"steps": [[0, 1e6], [0.010, 0]], "repeat_s": 0.1}}"#, 1), 3, 0);
    assert_eq!(out.iter().map(|(at, _)| at / MS).collect::<Vec<_>>(), [10, 110, 210]);
}

#[test]
fn the_queue_is_bounded_in_time_and_octets() {
    // 10 ms each: the one on the wire, and those that find at most 30 ms before them.
    let (out, records) = run(&mut path(r#"{"rate": 1e6, "queue_ms": 30}"#, 1), 10, 0);
    assert_eq!(out.len(), 4);
    assert!(records.iter().filter(|record| record.fate == Fate::QueueFull).all(|record| record.out == 0));
    let (out, _) = run(&mut path(r#"{"rate": 1e6, "queue_octets": 3000}"#, 1), 10, 0);
    assert_eq!(out.len(), 2);
}

/// What becomes of packets of so many octets that come at once.
fn fates(path: &mut Path<u64>, now: Nanos, octets: &[usize]) -> Vec<Fate> {
    for octets in octets {
        path.push(now, Packet { octets: *octets, ..packet(0) });
    }
    path.take_records().iter().map(|record| record.fate).collect()
}

fn passed(fates: &[Fate]) -> usize {
    fates.iter().filter(|fate| **fate == Fate::Delivered).count()
}

#[test]
fn a_policer_holds_its_rate_over_seconds() {
    // Twice the rate, a packet each 5 ms, of which the last comes at 9.995 s.
    let mut path = path(r#"{"policer": {"rate": 1e6, "burst_octets": 30000}}"#, 1);
    let (out, records) = run(&mut path, 2000, 5 * MS);
    let most = (30_000 + 1_249_375) / OCTETS;
    assert!((most - 1..=most).contains(&out.len()), "{}", out.len());
    let [delivered, .., policed] = path.counters().fates;
    assert_eq!((delivered, policed), (out.len() as u64, (2000 - out.len()) as u64));
    // Not in lumps: once the bucket is empty every second packet passes.
    assert!(records[100..].chunks(20).all(|some| some.iter().filter(|record| record.fate == Fate::Policed).count() == 10));
}

#[test]
fn a_burst_passes_a_policer_and_not_a_larger_one_after_rest() {
    let mut path = path(r#"{"policer": {"rate": 1e6, "burst_octets": 30000}}"#, 1);
    for now in [0, 10 * SECOND] {
        let fates = fates(&mut path, now, &[OCTETS; 30]);
        assert!(fates[..24].iter().all(|fate| *fate == Fate::Delivered));
        assert!(fates[24..].iter().all(|fate| *fate == Fate::Policed));
    }
    assert_eq!(passed(&fates(&mut path, 10 * SECOND + 100 * MS, &[OCTETS; 30])), 10);
}

#[test]
fn small_packets_pass_a_policer_where_large_ones_do_not() {
    let mut path = path(r#"{"policer": {"rate": 1e6, "burst_octets": 1500}}"#, 1);
    let found = fates(&mut path, 0, &[OCTETS, OCTETS, 100, OCTETS, 100, 100]);
    assert_eq!(found, [Fate::Delivered, Fate::Policed, Fate::Delivered, Fate::Policed, Fate::Delivered, Fate::Policed]);
}

#[test]
fn a_policer_delays_nothing() {
    let mut path = path(r#"{"policer": {"rate": 1e6, "burst_octets": 3000}, "delay_ms": 20}"#, 1);
    let (out, records) = run(&mut path, 1000, MS);
    assert!(out.iter().all(|(at, number)| *at == (number + 20) * MS));
    let (passed, dropped): (Vec<Record>, Vec<Record>) = records.iter().partition(|record| record.fate == Fate::Delivered);
    assert!(passed.iter().all(|record| record.left == record.arrived));
    assert!(dropped.iter().all(|record| (record.fate, record.left, record.out) == (Fate::Policed, 0, 0)));
    assert_eq!((passed.len() + dropped.len(), path.queue(SECOND).0), (1000, 0));
}

#[test]
fn a_policer_comes_before_the_queue() {
    // What it drops takes no room there.
    let mut path = path(r#"{"rate": 1e6, "queue_octets": 2500, "policer": {"rate": 1e6, "burst_octets": 2500}}"#, 1);
    let (out, records) = run(&mut path, 4, 0);
    assert_eq!(out.len(), 2);
    assert_eq!(records.iter().filter(|record| record.fate == Fate::Policed).count(), 2);
}

#[test]
fn a_policer_that_stays_keeps_its_tokens_and_another_begins_full() {
    let mut path = path(r#"{"policer": {"rate": 1e6, "burst_octets": 2500}}"#, 1);
    let mut change = |now, json| {
        path.change(now, serde_json::from_str(json).expect("it is a configuration")).expect("it holds");
        passed(&fates(&mut path, now, &[OCTETS; 10]))
    };
    assert_eq!(change(0, r#"{"policer": {"rate": 1e6, "burst_octets": 2500}}"#), 2);
    assert_eq!(change(10 * MS, r#"{"policer": {"rate": 1e6, "burst_octets": 2500}, "duplicate": 0}"#), 1);
    assert_eq!(change(10 * MS, r#"{"policer": {"rate": 1e6, "burst_octets": 5000}}"#), 4);
    assert_eq!(change(10 * MS, "{}"), 10);
    assert_eq!(change(10 * MS, r#"{"policer": {"rate": 1e6, "burst_octets": 5000}}"#), 4);
}

#[test]
fn jitter_varies_and_keeps_the_order() {
    let (out, _) = run(&mut path(r#"{"delay_ms": 50, "jitter_ms": 30}"#, 7), 2000, 5 * MS);
    assert!(out.iter().map(|(_, number)| *number).eq(0..2000));
    let extra: Vec<Nanos> = out.iter().map(|(at, number)| at - number * 5 * MS - 50 * MS).collect();
    assert!(extra.iter().all(|extra| *extra <= 30 * MS), "{:?}", extra.iter().max());
    let mean = extra.iter().sum::<Nanos>() / 2000;
    assert!((14 * MS..19 * MS).contains(&mean), "{mean}");
    assert!(extra.iter().any(|extra| *extra < 7 * MS) && extra.iter().any(|extra| *extra > 23 * MS));
}

#[test]
fn independent_loss_has_its_share() {
    let (out, records) = run(&mut path(r#"{"loss": 0.2}"#, 3), 20_000, MS);
    let lost = records.iter().filter(|record| record.fate == Fate::Lost).count();
    assert_eq!(out.len() + lost, 20_000);
    // Five deviations of a binomial.
    assert!((3_717..4_283).contains(&lost), "{lost}");
}

#[test]
fn bursts_are_lengths_of_time_and_not_of_packets() {
    let spells = |interval: Nanos| {
        let bursts = r#"{"bursts": {"good_ms": 400, "bad_ms": 100}}"#;
        let (_, records) = run(&mut path(bursts, 5), 600 * SECOND / interval, interval);
        let lost: Vec<bool> = records.iter().map(|record| record.fate == Fate::Lost).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64;
        let begins = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        (share, share * 600e3 / begins as f64)
    };
    for interval in [MS, 5 * MS] {
        let (share, mean_ms) = spells(interval);
        assert!((0.17..0.23).contains(&share), "{share}");
        assert!((85.0..120.0).contains(&mean_ms), "{mean_ms}");
    }
}

#[test]
fn a_seed_decides_everything() {
    let json = r#"{"delay_ms": 10, "jitter_ms": 9, "loss": 0.1, "bursts": {"good_ms": 90, "bad_ms": 9}, "duplicate": 0.1, "reorder": {"share": 0.1, "delay_ms": 30}}"#;
    let outcome = |seed| run(&mut path(json, seed), 500, MS).1;
    assert_eq!(outcome(11), outcome(11));
    assert_ne!(outcome(11), outcome(12));
}

#[test]
fn another_mechanism_does_not_shift_which_packets_are_lost() {
    let lost = |json| {
        let records = run(&mut path(json, 4), 1000, MS).1;
        records.iter().filter(|record| record.fate == Fate::Lost).map(|record| record.arrived).collect::<Vec<_>>()
    };
    assert_eq!(lost(r#"{"loss": 0.1}"#), lost(r#"{"loss": 0.1, "jitter_ms": 5, "duplicate": 0.3, "delay_ms": 10}"#));
}

#[test]
fn reorder_holds_packets_back() {
    let (out, _) = run(&mut path(r#"{"delay_ms": 10, "reorder": {"share": 0.1, "delay_ms": 5}}"#, 2), 1000, MS);
    let held = out.iter().filter(|(at, number)| *at == (number + 15) * MS).count();
    let others = out.iter().filter(|(at, number)| *at == (number + 10) * MS).count();
    assert_eq!(held + others, 1000);
    assert!((50..150).contains(&held), "{held}");
    assert!(out.windows(2).any(|pair| pair[0].1 > pair[1].1));
}

#[test]
fn duplicates_come_twice() {
    let (out, records) = run(&mut path(r#"{"duplicate": 0.25}"#, 2), 1000, MS);
    let twice = records.iter().filter(|record| record.fate == Fate::Duplicate).count();
    assert_eq!(out.len(), 1000 + twice);
    assert!((180..320).contains(&twice), "{twice}");
    assert_eq!(out.iter().map(|(_, number)| number).collect::<BTreeSet<_>>().len(), 1000);
}

#[test]
fn an_outage_takes_everything_and_ends() {
    let mut path = path("{}", 1);
    path.outage(0, 20 * MS);
    let (out, records) = run(&mut path, 30, MS);
    assert!(out.iter().map(|(_, number)| *number).eq(20..30));
    assert_eq!(records.iter().filter(|record| record.fate == Fate::Outage).count(), 20);
}

#[test]
fn flows_share_the_bottleneck_and_have_delays_of_their_own() {
    let mut path = path(r#"{"rate": 1e6}"#, 1);
    path.push(0, Packet { extra_delay: 100 * MS, ..packet(0) });
    path.push(0, packet(1));
    let mut out = Vec::new();
    while let Some(at) = path.next_at() {
        out.extend(path.pop(at).map(|(at, packet)| (at / MS, packet.content)));
    }
    assert_eq!(out, [(20, 1), (110, 0)]);
}

#[test]
fn a_trace_is_read() {
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/traces/oboe_114.txt");
    let mut path = path(&format!(r#"{{"rate": {{"trace": "{trace}"}}}}"#), 1);
    let (out, _) = run(&mut path, 1, 0);
    assert_eq!(out[0].0, (10_000.0_f64 / 3_682_045.569_620_253 * 1e9).ceil() as Nanos);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    for json in [
        r#"{"loss": 1.5}"#,
        r#"{"delay_ms": -1}"#,
        r#"{"rate": -5}"#,
        r#"{"rate": {"steps": [], "repeat_s": null}}"#,
        r#"{"rate": {"steps": [[1, 5], [0, 5]], "repeat_s": null}}"#,
        r#"{"rate": {"steps": [[0, 0]], "repeat_s": 1}}"#,
        r#"{"rate": {"trace": "no such file"}}"#,
        r#"{"bursts": {"good_ms": 0, "bad_ms": 1}}"#,
    ] {
        assert!(!refusal(json).is_empty(), "{json}");
    }
    assert!(refusal(r#"{"policer": {"rate": 0, "burst_octets": 30000}}"#).contains("more than 0"));
    assert!(refusal(r#"{"policer": {"rate": 1e6, "burst_octets": 1499}}"#).contains("1500 octets"));
    assert!(Path::<u64>::new(serde_json::from_str(r#"{"policer": {"rate": 1, "burst_octets": 1500}}"#).expect("it is one"), 0, 0).is_ok());
}

fn refusal(json: &str) -> String {
    Path::<u64>::new(serde_json::from_str(json).expect("it is a configuration"), 0, 0).err().expect(json)
}
