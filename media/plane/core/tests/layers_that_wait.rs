//! Layers are taken away while pictures wait for a narrow link: what leaves can be shown, and nothing is missing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers of a test")]

mod layered;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use layered::{Frame, IDS, Mode, PATTERN, World, output, payload};
use plane_core::command::ExtensionIds;
use plane_core::rtcp;
use plane_core::rtp::Header;
use plane_core::twcc::Recorder;
use proptest::collection::vec;
use proptest::prelude::*;

const TRANSPORT_CC: u8 = 3;
/// Between two packets that leave the member's link: about 190 kbit/s.
const APART: Duration = Duration::from_millis(5);
/// Pictures of three layers in one packet each, by which the link becomes known.
const LEARNT: u16 = 70;
/// From so many pictures on a group is not replayed: a replay leaves out what waits altogether.
const LONG: u16 = 67;

/// A picture, and what the subscriber asks for behind it.
#[derive(Clone, Debug)]
struct Step {
    keyframe: bool,
    packets: u8,
    route: Option<(Option<u8>, Option<u8>)>,
    /// Which packet comes behind the next picture.
    late: Option<u8>,
}

/// A member's screen, as libwebrtc fills it: a picture is shown whole up to the frame that ends it, if it has all that it refers to.
#[derive(Default)]
struct Screen {
    mode: Option<Mode>,
    /// By picture: packets of a frame, how far back it refers, whether it is a keyframe.
    pictures: Vec<(u8, u16, bool)>,
    arrived: HashMap<Frame, u8>,
    shown: HashSet<Frame>,
    numbers: BTreeSet<i64>,
    /// The lowest frame with a marker, by picture.
    ends: HashMap<u16, u8>,
    empty: usize,
    /// The last packet that came empty, and the last with a marker.
    emptied: u16,
    ended_with: u16,
    /// Retransmissions.
    again: Vec<(Header, Vec<u8>)>,
}

impl Screen {
    fn take(&mut self, (index, header, payload): (i64, Header, Vec<u8>)) -> Result<(), TestCaseError> {
        if header.ssrc == 61 {
            self.again.push((header, payload));
            return Ok(());
        }
        if header.marker {
            self.ended_with = header.sequence_number;
        }
        prop_assert!(self.numbers.insert(index), "a number came twice");
        if payload.is_empty() {
            prop_assert!(!header.marker);
            self.emptied = header.sequence_number;
            self.empty += 1;
            return Ok(());
        }
        let output = output((index, header, payload));
        *self.arrived.entry((output.picture, output.spatial)).or_default() += 1;
        if output.header.marker {
            let end = self.ends.entry(output.picture).or_insert(output.spatial);
            *end = output.spatial.min(*end);
        }
        Ok(())
    }

    /// All pictures have come: show those that have an end.
    fn show(&mut self) -> Result<(), TestCaseError> {
        let (first, last) = (*self.numbers.first().unwrap(), *self.numbers.last().unwrap());
        prop_assert_eq!(last - first + 1, self.numbers.len() as i64, "a number is missing");
        let mut since_key = 0;
        for (picture, &(packets, back, keyframe)) in (0_u16..).zip(&self.pictures) {
            since_key = if keyframe { 0 } else { since_key + 1 };
            let end = self.ends.get(&picture);
            prop_assert!(end.is_some() || PATTERN[since_key % 8].0 > 0, "{picture}, to which others refer, has no end");
            for spatial in 0..end.map_or(0, |end| end + 1) {
                let (frame, before) = ((picture, spatial), (picture.wrapping_sub(back), spatial));
                prop_assert_eq!(self.arrived.get(&frame), Some(&packets), "{:?} of a picture that ends with {:?} is not whole", frame, end);
                prop_assert!(keyframe || self.shown.contains(&before), "{frame:?} needs {before:?}");
                self.shown.insert(frame);
            }
        }
        Ok(())
    }
}

struct Path {
    world: World,
    screen: Screen,
    timestamp: u32,
    since_key: u16,
    spatial: u8,
    recorder: Recorder,
    late: Vec<Vec<u8>>,
}

impl Path {
    fn new(mode: Mode) -> Self {
        let world = World::with(ExtensionIds { transport_cc: TRANSPORT_CC, ..IDS });
        let mut path = Self {
            world,
            screen: Screen { mode: Some(mode), ..Screen::default() },
            timestamp: 0,
            since_key: 0,
            spatial: 7,
            recorder: Recorder::default(),
            late: Vec::new(),
        };
        path.world.route(None, None);
        (0..LEARNT).for_each(|picture| path.told(picture == 0));
        let estimate = path.world.engine.snapshot()[0].link.estimate_bps;
        assert!((100e3..300e3).contains(&estimate), "{estimate}");
        path
    }

    /// A picture, and what the member reports of it.
    fn told(&mut self, keyframe: bool) {
        self.picture(&Step { keyframe, packets: 1, route: None, late: None });
        let first = Duration::from_millis(33 * self.screen.pictures.len() as u64);
        let numbers = self.pass(33).unwrap();
        numbers.into_iter().zip(0_u32..).for_each(|(number, place)| self.recorder.on_packet(number, first + APART * place));
        let mut feedback = Vec::new();
        assert!(self.recorder.build(1, 60, &mut feedback));
        self.send(feedback);
    }

    fn picture(&mut self, step: &Step) {
        let picture = self.screen.pictures.len() as u16;
        self.since_key = if step.keyframe { 0 } else { self.since_key + 1 };
        let (temporal, back) = PATTERN[usize::from(self.since_key % 8)];
        let back = if step.keyframe { 0 } else { back };
        self.screen.pictures.push((step.packets, back, step.keyframe));
        let mode = self.screen.mode.unwrap();
        let mode = Mode { told: mode.told && self.since_key.is_multiple_of(8), ..mode };
        let late: Vec<_> = self.late.drain(..).collect();
        for (spatial, place) in (0..3).flat_map(|spatial| (0..step.packets).map(move |place| (spatial, place))) {
            let end = place + 1 == step.packets;
            let payload = payload(mode, (picture, spatial), temporal, back, step.keyframe, place == 0, end);
            let packet = self.world.packet(end && spatial == 2, self.timestamp, &[], &payload);
            if step.late == Some(spatial * step.packets + place) {
                self.late.push(packet);
            } else {
                self.world.deliver(packet);
            }
        }
        late.into_iter().for_each(|packet| self.world.deliver(packet));
        self.timestamp += 3000;
        self.world.engine.flush(self.world.now, &mut self.world.wire);
        let replayed = |spatial: u8| spatial > self.spatial && self.since_key < LONG;
        if let Some((spatial, temporal)) = step.route.filter(|(spatial, _)| !replayed(spatial.unwrap_or(7))) {
            self.spatial = spatial.unwrap_or(7);
            self.world.route(spatial, temporal);
        }
    }

    /// The member sends RTCP.
    fn send(&mut self, compound: Vec<u8>) {
        let mut sealed = self.world.member.rtcp(compound).unwrap();
        self.world.engine.receive(self.world.now, self.world.member.address, &mut sealed, &mut self.world.wire);
    }

    /// Time passes; returns the transport-wide numbers of what came.
    fn pass(&mut self, milliseconds: u64) -> Result<Vec<u16>, TestCaseError> {
        let mut numbers = Vec::new();
        for _ in 0..milliseconds {
            for (header, datagram, opened) in self.world.wait(Duration::from_millis(1)) {
                let number = header.elements(&datagram).find(|(id, _)| *id == TRANSPORT_CC).unwrap().1;
                numbers.push(u16::from_be_bytes(number.try_into().unwrap()));
                self.screen.take(opened)?;
            }
        }
        Ok(numbers)
    }

    fn stat(&self, name: &str) -> u64 {
        self.world.engine.stats().into_iter().find(|(known, _)| *known == name).unwrap().1
    }
}

fn check(mode: Mode, steps: &[Step]) -> Result<Path, TestCaseError> {
    let mut path = Path::new(mode);
    for step in steps {
        path.picture(step);
        path.pass(33)?;
    }
    path.picture(&Step { keyframe: false, packets: 1, route: None, late: None });
    path.pass(1500)?;
    prop_assert_eq!(path.stat("paced_dropped"), 0);
    prop_assert!(path.stat("paced_emptied") as usize <= path.screen.empty);
    path.screen.show()?;
    Ok(path)
}

fn step() -> impl Strategy<Value = Step> {
    let layer = || proptest::option::of(0..3_u8);
    let route = prop_oneof![2 => Just(None), 1 => (layer(), layer()).prop_map(Some)];
    let late = proptest::option::weighted(0.1, 0..20_u8);
    (proptest::bool::weighted(0.06), 1..8_u8, route, late).prop_map(|(keyframe, packets, route, late)| Step {
        keyframe,
        packets,
        route,
        late,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    /// Numbers have no holes, a picture ends once and whole, and what it refers to has been shown.
    #[test]
    fn what_leaves_can_be_shown(steps in vec(step(), 1..60), only_key in any::<bool>(), told in any::<bool>()) {
        check(Mode { only_key, told }, &steps)?;
    }
}

/// Three pictures wait when the bound falls: their upper layers go out empty.
#[test]
fn what_waits_of_layers_above_is_left_out() {
    let step = |packets, route| Step { keyframe: false, packets, route, late: None };
    let mut path = Path::new(Mode { only_key: false, told: true });
    for _ in 0..3 {
        path.picture(&step(2, None));
    }
    let waited = path.world.engine.snapshot()[0].link.paced_octets;
    path.picture(&step(2, Some((Some(0), None))));
    path.picture(&step(2, None));
    let waits = path.world.engine.snapshot()[0].link.paced_octets;
    assert!(waits < waited, "{waits} of {waited} octets, though two pictures have come");
    path.pass(500).unwrap();
    assert!(path.screen.empty >= 12 && path.screen.empty as u64 == path.stat("paced_emptied"), "{}", path.screen.empty);
    path.screen.show().unwrap();
    let last = path.screen.pictures.len() as u16 - 1;
    assert_eq!([0, 1].map(|spatial| path.screen.shown.contains(&(last, spatial))), [true, false]);
}

/// A retransmission is what was sent, not what was to be.
#[test]
fn what_was_left_out_is_left_out_when_it_is_asked_for_again() {
    let mut path = Path::new(Mode { only_key: false, told: true });
    for route in [None, None, None, Some((Some(0), None)), None] {
        path.picture(&Step { keyframe: false, packets: 2, route, late: None });
    }
    while path.screen.empty == 0 {
        path.pass(1).unwrap();
    }
    let mut nack = Vec::new();
    rtcp::write_nack(1, 60, &[path.screen.emptied, path.screen.ended_with], &mut nack);
    path.send(nack);
    path.pass(500).unwrap();
    let again: Vec<_> = path.screen.again.iter().map(|(header, payload)| (header.marker, payload.len())).collect();
    assert_eq!(again, [(false, 2), (true, 62)], "the number alone, and the end of a picture");
}
