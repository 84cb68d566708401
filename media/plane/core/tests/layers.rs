//! Whatever layers a subscriber is routed to, and whenever: what it gets can be decoded, and each picture has one end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers of a test")]

mod layered;

use std::collections::HashSet;
use std::time::Duration;

use layered::{Frame, IDS, Mode, Output, PATTERN, World, output, payload};
use plane_core::dependency_descriptor::{Descriptor, StreamState};
use plane_core::rtp::Header;
use proptest::collection::vec;
use proptest::prelude::*;

/// A picture of an encoder, and what the subscriber asks for behind it.
#[derive(Clone, Debug)]
struct Step {
    keyframe: bool,
    /// Of this many spatial layers, 1 to 3.
    spatial: u8,
    packets: u8,
    route: Option<(Option<u8>, Option<u8>)>,
}

/// The frames that a frame needs.
fn needs(mode: Mode, pictures: &[(u8, u16, bool)], (picture, spatial): Frame) -> Vec<Frame> {
    let (_, back, keyframe) = pictures[usize::from(picture)];
    let below = (spatial > 0 && (keyframe || !mode.only_key)).then(|| (picture, spatial - 1));
    let before = (back != 0).then(|| (picture - back, spatial));
    below.into_iter().chain(before).collect()
}

fn check(mode: Mode, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    world.route(None, None);
    let (mut limit, mut since_key, mut layers) = ((None, None), 0_u16, 1);
    let mut pictures: Vec<(u8, u16, bool)> = Vec::new();
    let (mut decoded, mut last) = (HashSet::<Frame>::new(), None::<Output>);
    for (picture, step) in (0_u16..).zip(steps) {
        let keyframe = step.keyframe || picture == 0;
        (since_key, layers) = if keyframe { (0, step.spatial) } else { (since_key + 1, layers) };
        let (temporal, back) = PATTERN[usize::from(since_key % 8)];
        let back = if keyframe { 0 } else { back };
        pictures.push((temporal, back, keyframe));
        for spatial in 0..layers {
            for packet in 0..step.packets {
                let end = packet + 1 == step.packets;
                let mode = Mode { told: mode.told && since_key % 8 == 0, ..mode };
                let payload = payload(mode, (picture, spatial), temporal, back, keyframe, packet == 0, end);
                let packet = world.packet(end && spatial + 1 == layers, 3000 * u32::from(picture), &[], &payload);
                world.deliver(packet);
            }
        }
        for output in world.turn().into_iter().map(output) {
            prop_assert!(output.spatial <= limit.0.unwrap_or(7) && output.temporal <= limit.1.unwrap_or(7), "{output:?} {limit:?}");
            if let Some(last) = &last {
                prop_assert_eq!(output.index, last.index + 1);
                let same = output.header.timestamp == last.header.timestamp;
                prop_assert!(same != last.header.marker, "{last:?} {output:?}");
                prop_assert!(!same || output.picture == last.picture);
            }
            let frame = (output.picture, output.spatial);
            if pictures[usize::from(output.picture)].2 && output.spatial == 0 {
                decoded.clear();
            }
            for needed in needs(mode, &pictures, frame) {
                prop_assert!(decoded.contains(&needed), "{frame:?} needs {needed:?}");
            }
            decoded.insert(frame);
            last = Some(output);
        }
        if let Some(route) = step.route {
            limit = route;
            world.route(route.0, route.1);
        }
    }
    prop_assert!(last.is_some());
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    let layer = || proptest::option::of(0..3_u8);
    let route = prop_oneof![3 => Just(None), 1 => (layer(), layer()).prop_map(Some)];
    (proptest::bool::weighted(0.06), 1..4_u8, 1..3_u8, route).prop_map(|(keyframe, spatial, packets, route)| Step {
        keyframe,
        spatial,
        packets,
        route,
    })
}

proptest! {
    /// Every frame that is sent has all that it needs, since the last keyframe. Numbers have no holes, and a picture ends once.
    #[test]
    fn what_is_sent_can_be_decoded(steps in vec(step(), 1..120), only_key in any::<bool>(), told in any::<bool>()) {
        check(Mode { only_key, told }, &steps)?;
    }
}

/// Chromium's VP9 in nine decode targets: who gets the lowest layer alone is told so, in every packet.
#[test]
fn descriptors_tell_which_targets_are_active() {
    let mut world = World::new();
    world.route(Some(0), Some(0));
    let octets =
        |hex: &str| -> Vec<u8> { (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect() };
    let (mut state, mut expected, mut got) = (StreamState::default(), 0, Vec::new());
    let (mut timestamp, mut numbers) = (0, Vec::new());
    for line in include_str!("captured/chromium_vp9_l3t3.hex").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split(' ').collect();
        let descriptor = octets(fields[1]);
        let frame = state.read(&descriptor).unwrap().frame;
        if (frame.layer.spatial_id, frame.layer.temporal_id) == (0, 0) {
            expected += 1;
            numbers.push(frame.number);
        }
        let packet = world.packet(fields[0] == "1", timestamp, &[(IDS.dependency_descriptor, &descriptor)], &octets(fields[3]));
        world.deliver(packet);
        timestamp += if fields[0] == "1" { 3000 } else { 0 };
        got.extend(world.turn_with_elements());
    }
    assert!(expected > 3 && got.len() == expected, "{} of {expected}", got.len());
    let mut known = None;
    for ((header, descriptor), number) in got.iter().zip(numbers) {
        let descriptor = Descriptor::parse(descriptor, known.as_ref()).unwrap();
        assert_eq!((descriptor.frame.active_targets, descriptor.frame.number), (Some(1), number));
        assert_eq!(header.marker, descriptor.frame.end, "the picture ends with the only layer that is sent");
        known = descriptor.structure.or(known);
    }
}

impl World {
    /// As `turn`, with the dependency descriptors instead of the payloads.
    fn turn_with_elements(&mut self) -> Vec<(Header, Vec<u8>)> {
        self.engine.flush(self.now, &mut self.wire);
        self.now += Duration::from_millis(33);
        self.engine.timeout(self.now, &mut self.wire);
        let datagrams = self.wire.take(self.member.address).into_iter();
        datagrams
            .filter_map(|datagram| {
                let header = Header::parse(&datagram).ok().filter(|header| header.ssrc == 60)?;
                // Extensions are not encrypted.
                let (_, data) = header.elements(&datagram).find(|(id, _)| *id == IDS.dependency_descriptor)?;
                Some((header, data.to_vec()))
            })
            .collect()
    }
}
