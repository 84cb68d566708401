//! Connections over a link in virtual time: what set-up, transfer and loss cost.

use std::ops::{Deref, DerefMut};

use link::config::PathConfig;
use link::link::{Link, Output};
use link::packet_log::Way;
use link::tcp::Effect;
use link::time::{MS, Nanos, SECOND};

const FLOW: u16 = 1;

/// A link, and the moment up to which it has run.
struct World {
    link: Link,
    now: Nanos,
}

impl Deref for World {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.link
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Link {
        &mut self.link
    }
}

fn link(json: &str, seed: u64) -> World {
    let config: PathConfig = serde_json::from_str(json).expect("it is a configuration");
    World { link: Link::new(config.clone(), config, seed, 0).expect("it holds"), now: 0 }
}

/// Runs until an effect, accepting connections on the way.
fn until(link: &mut World, wanted: impl Fn(&Effect) -> bool) -> (Nanos, Effect) {
    loop {
        let now = link.now;
        while let Some(output) = link.outputs.pop_front() {
            let Output::Tcp(FLOW, effect) = output else { panic!("{output:?}") };
            if wanted(&effect) {
                return (now, effect);
            }
            if effect == Effect::Connect {
                link.connection(now, FLOW, |connection, send| connection.accepted(send));
            }
        }
        link.now = link.next_at().expect("something is under way");
        let now = link.now;
        link.run(now);
    }
}

/// Octets delivered this way until so many are there, and when.
fn collect(link: &mut World, way: Way, octets: usize) -> (Nanos, Vec<u8>) {
    let (mut collected, mut at) = (Vec::new(), 0);
    while collected.len() < octets {
        let (now, effect) = until(link, |effect| matches!(effect, Effect::Deliver(to, _) if *to == way));
        let Effect::Deliver(_, more) = effect else { unreachable!("it was asked for") };
        collected.extend(more);
        at = now;
    }
    (at, collected)
}

fn open(link: &mut World) -> Nanos {
    link.open(0, FLOW, 0);
    until(link, |effect| *effect == Effect::Opened).0
}

fn write(link: &mut World, now: Nanos, way: Way, octets: &[u8]) {
    link.now = now;
    link.connection(now, FLOW, |connection, send| connection.write(now, way, Some(octets), send));
}

#[test]
fn set_up_costs_one_round_trip_and_a_request_another() {
    let mut link = link(r#"{"delay_ms": 50}"#, 1);
    let opened = open(&mut link);
    assert_eq!(opened, 100 * MS);
    write(&mut link, opened, Way::Up, b"GET");
    assert_eq!(collect(&mut link, Way::Up, 3), (150 * MS, b"GET".to_vec()));
    write(&mut link, 150 * MS, Way::Down, b"200");
    assert_eq!(collect(&mut link, Way::Down, 3), (200 * MS, b"200".to_vec()));
}

#[test]
fn a_lost_syn_costs_a_second() {
    let mut link = link(r#"{"delay_ms": 50}"#, 1);
    link.path(Way::Up).outage(0, 10 * MS);
    assert_eq!(open(&mut link), SECOND + 100 * MS);
}

#[test]
fn a_new_connection_sends_ten_segments_a_round_trip_and_then_doubles() {
    let mut link = link(r#"{"delay_ms": 50}"#, 1);
    let now = open(&mut link);
    write(&mut link, now, Way::Down, &[7; 30 * 1448]);
    assert_eq!(collect(&mut link, Way::Down, 30 * 1448).0, now + 50 * MS + 100 * MS);
    write(&mut link, SECOND, Way::Up, &[7; 70 * 1448]);
    // 10, 20, 40 segments.
    assert_eq!(collect(&mut link, Way::Up, 70 * 1448).0, SECOND + 50 * MS + 200 * MS);
}

#[test]
fn octets_arrive_whole_and_in_order_whatever_is_lost() {
    for seed in 0..20 {
        let mut link =
            link(r#"{"delay_ms": 20, "loss": 0.1, "reorder": {"share": 0.05, "delay_ms": 10}, "duplicate": 0.05, "rate": 20e6}"#, seed);
        let now = open(&mut link);
        let octets: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        write(&mut link, now, Way::Up, &octets);
        assert!(collect(&mut link, Way::Up, octets.len()).1 == octets, "seed {seed}");
    }
}

#[test]
fn a_long_transfer_fills_the_bottleneck_and_its_queue_without_collapse() {
    let mut link = link(r#"{"delay_ms": 25, "rate": 2e6, "queue_ms": 300}"#, 1);
    let now = open(&mut link);
    write(&mut link, now, Way::Up, &vec![1; 5_000_000]);
    let (end, _) = collect(&mut link, Way::Up, 5_000_000);
    let goodput = 5_000_000.0 * 8.0 / ((end - now) as f64 / 1e9);
    assert!(goodput > 0.85 * 2e6, "{goodput}");
    assert!(link.path(Way::Up).counters().fates[2] > 0, "it fills the queue until it drops");
}

#[test]
fn a_single_lost_segment_is_repaired_after_a_timeout_of_round_trip_and_200_ms() {
    let mut link = link(r#"{"delay_ms": 50}"#, 1);
    let now = open(&mut link);
    // One sample of 100 ms makes the timeout 100 + max(4 · 50, 200) = 300 ms.
    write(&mut link, now, Way::Up, b"one");
    collect(&mut link, Way::Up, 3);
    link.run(SECOND);
    link.path(Way::Up).outage(SECOND, MS);
    write(&mut link, SECOND, Way::Up, b"two");
    assert_eq!(collect(&mut link, Way::Up, 3).0, SECOND + 300 * MS + 50 * MS);
}

/// When the last of three segments, sent 10 ms apart, is there, if the link takes these of them, and what it is sent back at a time.
fn three_segments(lost: &[Nanos], back_lost_at: Option<Nanos>) -> Nanos {
    let mut link = link(r#"{"delay_ms": 50}"#, 1);
    let now = open(&mut link);
    write(&mut link, now, Way::Up, b"0");
    collect(&mut link, Way::Up, 1);
    for (index, octets) in [b"1", b"2", b"3"].into_iter().enumerate() {
        let now = SECOND + 10 * MS * index as Nanos;
        link.run(now);
        if lost.contains(&(index as Nanos + 1)) {
            link.path(Way::Up).outage(now, MS);
        }
        write(&mut link, now, Way::Up, octets);
    }
    if let Some(at) = back_lost_at {
        link.run(SECOND + at);
        link.path(Way::Down).outage(SECOND + at, MS);
    }
    let (at, octets) = collect(&mut link, Way::Up, 3);
    assert_eq!(octets, b"123");
    at - SECOND
}

#[test]
fn a_segment_that_others_follow_is_repaired_after_a_round_trip_and_a_quarter() {
    assert_eq!(three_segments(&[], None), 70 * MS);
    // The one behind it is acknowledged after 110 ms; the lost one is waited for until a quarter of a round trip later than it was due.
    assert_eq!(three_segments(&[1], None), 125 * MS + 50 * MS);
}

#[test]
fn an_acknowledgement_tells_of_those_that_were_lost() {
    // The acknowledgement of the second is lost; the third's has both.
    assert_eq!(three_segments(&[1], Some(59 * MS + MS / 2)), 125 * MS + 50 * MS);
}

#[test]
fn what_nothing_follows_is_probed_for_after_two_round_trips() {
    // The last two are lost: two round trips after the last acknowledgement the last is sent again, whose acknowledgement tells of the other.
    assert_eq!(three_segments(&[2, 3], None), 300 * MS + 100 * MS + 50 * MS);
}

#[test]
fn what_only_comes_late_is_not_sent_again() {
    let mut link = link(r#"{"delay_ms": 50, "reorder": {"share": 0.2, "delay_ms": 20}}"#, 3);
    let now = open(&mut link);
    write(&mut link, now, Way::Up, &[7; 8 * 1448]);
    collect(&mut link, Way::Up, 8 * 1448);
    assert_eq!(link.path(Way::Up).counters().fates[0], 9, "SYN and eight segments");
}

#[test]
fn both_streams_end_by_themselves() {
    let mut link = link(r#"{"delay_ms": 5}"#, 1);
    let now = open(&mut link);
    link.connection(now, FLOW, |connection, send| connection.write(now, Way::Down, None, send));
    let (at, _) = until(&mut link, |effect| *effect == Effect::Finish(Way::Down));
    assert_eq!(at, now + 5 * MS);
    write(&mut link, at, Way::Up, b"still");
    assert_eq!(collect(&mut link, Way::Up, 5).0, at + 5 * MS);
}

#[test]
fn a_refusal_is_heard_over_the_link() {
    let mut link = link(r#"{"delay_ms": 30}"#, 1);
    link.open(0, FLOW, 0);
    let (at, _) = until(&mut link, |effect| *effect == Effect::Connect);
    link.connection(at, FLOW, |connection, send| connection.broke(Way::Down, send));
    assert_eq!(until(&mut link, |effect| *effect == Effect::Abort).0, 60 * MS);
}
