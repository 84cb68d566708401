//! Layers are switched while the publisher's network loses, delays and repeats packets: the output stays one continuous stream.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small numbers of a test")]

mod layered;

use std::collections::BTreeMap;

use layered::{Mode, Output, PATTERN, World, output, payload};
use plane_core::rtp::Header;
use proptest::collection::vec;
use proptest::prelude::*;

/// The highest spatial and temporal layer that is asked for; none: all.
type Limit = (Option<u8>, Option<u8>);

/// What the network does to a packet.
#[derive(Clone, Copy, Debug)]
struct Fate {
    lost: bool,
    twice: bool,
    /// Packets that overtake it.
    late: usize,
}

/// A picture in three spatial layers, the fate of each of its packets (two a layer), and what is asked for behind it.
#[derive(Clone, Debug)]
struct Step {
    keyframe: bool,
    fates: [Fate; 6],
    route: Option<Limit>,
}

/// What went in and what came out.
struct Played {
    /// Whether each packet of the publisher arrived in the interval that it was sent in.
    in_time: Vec<bool>,
    /// Whether it arrived at all.
    arrived: Vec<bool>,
    /// What each picture was sent under.
    limits: Vec<Limit>,
    /// By extended number: header, and the payload, which is empty where a number was only filled.
    outputs: BTreeMap<i64, (Header, Vec<u8>)>,
}

fn play(mode: Mode, steps: &[Step]) -> Played {
    let mut world = World::new();
    world.route(None, None);
    let (mut limit, mut since_key) = ((None, None), 0);
    let mut on_their_way: Vec<(usize, usize, Vec<u8>)> = Vec::new();
    let mut played = Played { in_time: Vec::new(), arrived: Vec::new(), limits: Vec::new(), outputs: BTreeMap::new() };
    for (picture, step) in (0_u16..).zip(steps) {
        let keyframe = step.keyframe || picture == 0;
        since_key = if keyframe { 0 } else { since_key + 1 };
        let (temporal, back) = PATTERN[since_key % 8];
        let mode = Mode { told: mode.told && since_key % 8 == 0, ..mode };
        for (at, fate) in step.fates.iter().enumerate() {
            let (spatial, end) = (at as u8 / 2, at % 2 == 1);
            let back = if keyframe { 0 } else { back };
            let mut payload = payload(mode, (picture, spatial), temporal, back, keyframe, !end, end);
            // Behind what `output` reads.
            let id = played.arrived.len();
            payload[20..24].copy_from_slice(&(id as u32).to_be_bytes());
            let packet = world.packet(end && spatial == 2, 3000 * u32::from(picture), &[], &payload);
            let copies = if fate.lost { 0 } else { 1 + usize::from(fate.twice) };
            on_their_way.extend(std::iter::repeat_n((id + fate.late, id, packet), copies));
            played.arrived.push(false);
        }
        on_their_way.sort_by_key(|(place, ..)| *place);
        let due = on_their_way.partition_point(|(place, ..)| *place < played.arrived.len());
        for (_, id, packet) in on_their_way.drain(..due) {
            played.arrived[id] = true;
            world.deliver(packet);
        }
        let so_far = played.in_time.len();
        played.in_time.extend_from_slice(&played.arrived[so_far..]);
        played.limits.push(limit);
        for (index, header, payload) in world.turn() {
            assert!(played.outputs.insert(index, (header, payload)).is_none(), "a number goes out once");
        }
        if let Some(route) = step.route {
            limit = route;
            world.route(route.0, route.1);
        }
    }
    played
}

/// The publisher's packet that an output is.
fn input(payload: &[u8]) -> usize {
    u32::from_be_bytes(payload[20..24].try_into().unwrap()) as usize
}

fn check(mode: Mode, steps: &[Step]) -> Result<(), TestCaseError> {
    let played = play(mode, steps);
    let pictures: Vec<(i64, usize)> = played
        .outputs
        .iter()
        .filter(|(_, (_, payload))| !payload.is_empty())
        .map(|(index, (_, payload))| (*index, input(payload)))
        .collect();
    // Where the cached group was sent once more, for the last time.
    let last_run = pictures.windows(2).rev().find(|pair| pair[1].1 <= pair[0].1).map_or(0, |pair| pair[1].0);
    let mut last: Option<(Output, usize)> = None;
    for (&index, (header, payload)) in played.outputs.iter().filter(|(_, (_, payload))| !payload.is_empty()) {
        let (now, to) = (output((index, *header, payload.clone())), input(payload));
        // From the route on that was asked for behind an earlier picture; a picture that is sent late may be sent with more.
        let most =
            |layer: fn(&Limit) -> Option<u8>| played.limits[usize::from(now.picture)..].iter().map(|limit| layer(limit).unwrap_or(7)).max();
        prop_assert!(Some(now.spatial) <= most(|limit| limit.0) && Some(now.temporal) <= most(|limit| limit.1), "{now:?}");
        if let Some((earlier, from)) = last {
            // Whoever is to get more layers may be served from the keyframe on once more.
            let again = steps[usize::from(now.picture)].keyframe || now.picture == 0;
            prop_assert!(to > from || (again && to % 6 == 0), "{earlier:?} {now:?}");
            let same = earlier.picture == now.picture && to > from;
            prop_assert_eq!(same, earlier.header.timestamp == header.timestamp, "{:?} {:?}", earlier, now);
            prop_assert!(!(same && earlier.header.marker), "a picture ends once: {earlier:?} {now:?}");
            // Each number between them that did not go out is a packet's that did not come, or came when something else was shown.
            let holes = (earlier.index + 1..index).filter(|index| !played.outputs.contains_key(index)).count();
            let came = if index > last_run { &played.arrived } else { &played.in_time };
            let missing = came.get(from + 1..to).unwrap_or(&came[from + 1..]).iter().filter(|came| !**came).count();
            prop_assert!(holes <= missing, "{holes} holes, {missing} missing: {earlier:?} {now:?}");
        }
        last = Some((now, to));
    }
    Ok(())
}

fn fate() -> impl Strategy<Value = Fate> {
    let late = prop_oneof![12 => Just(0), 1 => 1..5_usize, 1 => 5..20_usize];
    (proptest::bool::weighted(0.05), proptest::bool::weighted(0.05), late).prop_map(|(lost, twice, late)| Fate { lost, twice, late })
}

fn step() -> impl Strategy<Value = Step> {
    let layer = || proptest::option::of(0..3_u8);
    let route = prop_oneof![3 => Just(None), 1 => (layer(), layer()).prop_map(Some)];
    let fates = [fate(), fate(), fate(), fate(), fate(), fate()];
    (proptest::bool::weighted(0.06), fates, route).prop_map(|(keyframe, fates, route)| Step { keyframe, fates, route })
}

proptest! {
    /// In order of numbers packets are in the publisher's order, a picture has one timestamp and one end, nothing is above what was
    /// asked for, and a number is missing only for a packet that is.
    #[test]
    fn the_output_is_one_stream(steps in vec(step(), 1..80), only_key in any::<bool>(), told in any::<bool>()) {
        check(Mode { only_key, told }, &steps)?;
    }
}
