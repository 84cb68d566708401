//! What leaves when, in virtual time.

use super::*;

/// A pacer that knows of 800 kbit/s: it sends a packet of 1000 octets in 8 ms.
fn pacer() -> Pacer<u32> {
    let mut pacer = Pacer::default();
    pacer.set_link(0.0, 800_000.0, 0.0);
    pacer
}

/// Everything that leaves until `end`, a millisecond a step: (millisecond, packet).
fn drain(pacer: &mut Pacer<u32>, end: u32) -> Vec<(u32, u32)> {
    let mut left = Vec::new();
    for ms in 0..end {
        let now = f64::from(ms) / 1000.0;
        for packet in pacer.take_burst(now) {
            pacer.on_sent(now, 1000);
            left.push((ms, packet));
        }
    }
    left
}

#[test]
fn nothing_waits_where_nothing_is_known_or_the_link_is_ample() {
    let unknown = Pacer::<u32>::default();
    assert_eq!(unknown.passing(0.0, Class::Video, 64, 1200), 64);
    let mut ample = Pacer::<u32>::default();
    ample.set_link(0.0, 10e6, 0.0);
    assert_eq!(ample.passing(0.0, Class::Video, 7, 1200), 7, "9 kB in 6 ms");
    assert_eq!(ample.passing(0.0, Class::Video, 64, 1200), 7);
}

#[test]
fn a_keyframe_is_spread_in_bursts_that_keep_their_order() {
    let mut pacer = pacer();
    assert_eq!(pacer.passing(0.0, Class::Video, 20, 1000), MIN_PACKETS);
    for packet in 0..20 {
        pacer.hold(0.0, Class::Video, 1000, packet);
    }
    let left = drain(&mut pacer, 400);
    let order: Vec<u32> = left.iter().map(|(_, packet)| *packet).collect();
    assert_eq!(order, (0..20).collect::<Vec<_>>());
    // 19 ms for each burst of two, and 16 where little is left.
    let (last, _) = left[19];
    assert!((155..=180).contains(&last), "{left:?}");
    assert!(left.windows(2).all(|pair| pair[0].0 == pair[1].0 || pair[1].0 - pair[0].0 >= 10), "{left:?}");
}

#[test]
fn what_keeps_the_link_busy_for_long_does_not_pile_up_in_its_queue() {
    let mut pacer = Pacer::default();
    pacer.set_link(0.0, 800_000.0, 0.0);
    (0..40).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
    let left = drain(&mut pacer, 1000);
    // What stands in the queue of a link of 800 kbit/s, ms.
    let queue = |sent: usize, ms: u32| sent as f64 * 10.0 - f64::from(ms);
    let longest = left.iter().enumerate().map(|(sent, (ms, _))| queue(sent + 1, *ms)).fold(0.0, f64::max);
    assert!(left.len() == 40 && longest <= 60.0, "{longest} {left:?}");
}

#[test]
fn a_link_that_turns_out_to_be_faster_is_used_at_once() {
    let mut pacer = pacer();
    pacer.set_link(0.0, 800_000.0, FULL);
    pacer.on_sent(0.0, 1000);
    (0..2).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
    assert!(pacer.due().is_some_and(|due| due > 0.09), "{:?}", pacer.due());
    pacer.set_link(0.01, 800_000.0, 0.0);
    assert!(pacer.due().is_some_and(|due| due < 0.02), "{:?}", pacer.due());
}

#[test]
fn sound_never_waits_and_retransmissions_go_before_pictures() {
    let mut pacer = pacer();
    (0..4).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
    pacer.hold(0.0, Class::Retransmission, 1000, 100);
    assert_eq!(pacer.passing(0.0, Class::Audio, 1, 140), 1);
    assert_eq!(pacer.passing(0.0, Class::Retransmission, 1, 1000), 0, "behind those that wait");
    assert_eq!(drain(&mut pacer, 100).first().map(|(_, packet)| *packet), Some(100));
}

#[test]
fn what_is_too_much_or_too_old_is_dropped_and_counted() {
    let mut pacer = pacer();
    (0..500).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
    assert_eq!((pacer.octets(), pacer.take_dropped()), (400_000, 100));
    assert!(pacer.take_burst(2.0).is_empty() && !pacer.is_waiting());
    assert_eq!((pacer.octets(), pacer.take_dropped()), (0, 400));
}

#[test]
fn whatever_waits_leaves_in_time_on_the_slowest_link() {
    let mut pacer = Pacer::default();
    pacer.set_link(0.0, 40_000.0, 0.0);
    (0..40).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
    let left = drain(&mut pacer, 900);
    assert!(left.len() == 40 && pacer.take_dropped() == 0, "{left:?}");
    assert!(!pacer.is_waiting());
}

#[test]
fn a_long_queue_drains_because_less_is_sent() {
    let left_within = |queue: f64| {
        let mut pacer = pacer();
        pacer.set_link(0.0, 800_000.0, queue);
        (0..10).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
        drain(&mut pacer, 1000).last().map(|(ms, _)| *ms)
    };
    assert!(left_within(0.0).is_some_and(|ms| ms <= 80), "10 kB at 1 Mbit/s");
    assert!(left_within(0.3).is_some_and(|ms| ms >= 110), "at 0.48 to 0.58 Mbit/s");
}

#[test]
fn repairs_take_a_part_of_the_link_and_no_more() {
    let mut pacer = pacer();
    assert!(pacer.take_repairs(0.0, 20_000, false), "a quarter of a second of 800 kbit/s is 25 kB");
    assert!(!pacer.take_repairs(0.0, 20_000, false));
    assert!(pacer.take_repairs(0.0, 5_000, false), "what did not fit took nothing");
    assert!(pacer.take_repairs(0.1, 4_000, false) && !pacer.take_repairs(0.1, 4_000, false), "50 kB a second");
}

#[test]
fn repairs_at_once_are_bounded_and_more_where_pictures_are_kept_for_them() {
    let fits = |octets: usize, kept: bool| {
        let mut pacer: Pacer<usize> = Pacer::default();
        pacer.set_link(0.0, 10e6, 0.0);
        pacer.take_repairs(0.0, octets, kept)
    };
    assert!(fits(75_000, false) && !fits(76_000, false));
    assert!(fits(150_000, true) && !fits(151_000, true));
}

#[test]
fn copies_take_nothing_of_what_repairs_may() {
    let mut pacer = pacer();
    assert!(pacer.take_copies(0.0, 25_000) && !pacer.take_copies(0.0, 1000));
    assert!(pacer.take_repairs(0.0, 25_000, false));
    assert!(!pacer.take_copies(0.03, 1000) && pacer.take_copies(0.04, 1000), "25 kB a second");
}

#[test]
fn what_is_of_no_use_leaves_the_rest_in_order() {
    let mut pacer = pacer();
    (0..6).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
    assert_eq!((pacer.drop_where(|packet| packet % 2 == 0), pacer.octets(), pacer.take_dropped()), (3, 3000, 3));
    assert_eq!(drain(&mut pacer, 100).iter().map(|(_, packet)| *packet).collect::<Vec<_>>(), [1, 3, 5]);
}

#[test]
fn a_retransmission_outlasts_a_queue_that_has_to_drain() {
    let mut pacer = pacer();
    pacer.set_link(0.0, 800_000.0, FULL);
    pacer.hold(0.0, Class::Retransmission, 1000, 1);
    pacer.on_sent(0.0, 6_000);
    assert!(pacer.take_burst(0.4).is_empty(), "the link's queue first");
    pacer.set_link(0.4, 800_000.0, 0.0);
    let left = pacer.due().map(|due| pacer.take_burst(due));
    assert_eq!((left, pacer.take_dropped()), (Some(vec![1]), 0));
}

#[test]
fn next_to_nothing_is_sent_into_a_queue_that_is_full() {
    let mut pacer = pacer();
    pacer.set_link(0.0, 800_000.0, FULL);
    (0..10).for_each(|packet| pacer.hold(0.0, Class::Video, 1000, packet));
    assert!(drain(&mut pacer, 150).len() <= 2 * MIN_PACKETS, "at 80 to 96 kbit/s");
}

#[test]
fn sound_beside_a_full_queue_holds_up_nothing_behind_it() {
    let mut pacer = pacer();
    pacer.set_link(0.0, 40_000.0, FULL);
    // 56 kbit/s of sound, of which 4 would be drained in that time.
    (0..50).for_each(|packet| pacer.on_sent(f64::from(packet) * 0.02, 140));
    pacer.set_link(1.0, 500_000.0, 0.0);
    pacer.hold(1.0, Class::Video, 1000, 1);
    assert_eq!(pacer.due().map(|due| due <= 1.02), Some(true), "{:?}", pacer.due());
}
