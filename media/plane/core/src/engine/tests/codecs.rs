//! VP9, dependency descriptors, layer allocations and REMB through the engine.

use super::*;
use crate::bits::BitWriter;
use crate::dependency_descriptor::{Descriptor, Frame};

const DEPENDENCIES: u8 = 12;
const ALLOCATION: u8 = 13;

impl World {
    fn negotiate(&mut self, id: u32, change: impl FnOnce(&mut ExtensionIds)) {
        let peer = self.engine.peers.values_mut().find(|peer| peer.id == id).unwrap();
        change(&mut peer.extensions);
    }

    /// Publish and subscribe with another codec than VP8.
    pub(super) fn rename_codecs(&mut self, name: &str) {
        self.engine.sources.values_mut().for_each(|source| source.codecs[0].name = name.into());
        self.engine.sinks.values_mut().for_each(|sink| sink.codecs[0].name = name.into());
    }
}

/// A VP9 payload, not flexible, with 15-bit picture id and TL0PICIDX.
fn vp9_frame(keyframe: bool, picture_id: u16, tl0picidx: u8) -> Vec<u8> {
    let [high, low] = picture_id.to_be_bytes();
    let first = if keyframe { 0xAC } else { 0xEC };
    vec![first, 0x80 | high, low, 0x10, tl0picidx, 0x82, 0x49, 0x83]
}

/// A descriptor of one template: with its structure, or only referring to it. With `targets` decode targets it grows long.
fn dependencies(number: u16, structure: bool, targets: u32) -> Vec<u8> {
    let mut writer = BitWriter::default();
    writer.bits(0xC0, 8);
    writer.bits(number.into(), 16);
    if structure {
        writer.bits(0b10000, 5);
        writer.bits(0, 6);
        writer.bits(targets - 1, 5);
        writer.bits(3, 2);
        (0..targets).for_each(|_| writer.bits(2, 2));
        writer.bits(0, 1);
        // No chains; then a resolution.
        writer.below(0, targets + 1);
        writer.flag(true);
        writer.bits(639 << 16 | 359, 32);
    }
    writer.finish()
}

fn frame_of(got: &Got, known: Option<&Descriptor>) -> Frame {
    let (_, data) = got.elements.iter().find(|(id, _)| *id == DEPENDENCIES).unwrap();
    Descriptor::parse(data, known.and_then(|known| known.structure.as_ref())).unwrap().frame
}

#[test]
fn vp9_picture_ids_go_on_over_a_switch() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    let mut member = world.subscribe(2);
    world.rename_codecs("VP9/0");
    let mut send = |world: &mut World, rid: &[u8], ssrc, sequence: u16, payload: &[u8]| {
        world.send(&mut host, video(ssrc, sequence, 3000 * u32::from(sequence)), &[(MID, b"0"), (RID, rid)], payload);
    };
    send(&mut world, b"q", 70, 1, &vp9_frame(false, 40, 8));
    send(&mut world, b"q", 70, 2, &vp9_frame(true, 41, 9));
    send(&mut world, b"q", 70, 3, &vp9_frame(false, 42, 10));
    world.route(2, 1);
    send(&mut world, b"f", 80, 1, &vp9_frame(false, 9000, 200));
    send(&mut world, b"f", 80, 2, &vp9_frame(true, 9001, 201));
    send(&mut world, b"f", 80, 3, &vp9_frame(false, 9002, 202));
    let got: Vec<Vec<u8>> = world.take(&mut member).0.into_iter().map(|got| got.payload).collect();
    assert_eq!(got, [vp9_frame(true, 41, 9), vp9_frame(false, 42, 10), vp9_frame(true, 43, 11), vp9_frame(false, 44, 12)]);
}

#[test]
fn dependency_descriptors_reach_those_who_negotiated_them() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    let mut members = [world.subscribe(2), world.subscribe(3)];
    for id in [PUBLISHER, 2] {
        world.negotiate(id, |extensions| extensions.dependency_descriptor = DEPENDENCIES);
    }
    let mut send = |world: &mut World, rid: &[u8], ssrc, sequence, dependencies: &[u8]| {
        let elements = [(MID, &b"0"[..]), (RID, rid), (DEPENDENCIES, dependencies)];
        world.send(&mut host, video(ssrc, sequence, 0), &elements, &frame(dependencies.len() > 3, sequence, 1, 50));
    };
    let structured = dependencies(500, true, 32);
    assert!(structured.len() > 16, "it takes the two-byte form");
    send(&mut world, b"q", 70, 1, &structured);
    send(&mut world, b"q", 70, 2, &dependencies(502, false, 1));
    [2, 3].into_iter().for_each(|sink| world.route(sink, 1));
    send(&mut world, b"f", 80, 1, &dependencies(17, true, 1));
    send(&mut world, b"f", 80, 2, &dependencies(18, false, 1));

    let got = world.take(&mut members[0]).0;
    assert!(got.iter().all(|got| got.elements.iter().any(|(id, value)| *id == MID && value == b"7")));
    assert_eq!(got[0].elements[0], (DEPENDENCIES, structured.clone()));
    let known = Descriptor::parse(&structured, None).unwrap();
    let numbers: Vec<u16> = got.iter().map(|got| frame_of(got, Some(&known)).number).collect();
    assert_eq!(numbers, [500, 502, 503, 504], "a receiver drops a keyframe whose number goes back");
    let other = world.take(&mut members[1]).0;
    assert!(other.len() == 4 && other.iter().all(|got| got.elements.iter().all(|(id, _)| *id != DEPENDENCIES)));
}

#[test]
fn a_descriptor_that_is_too_long_is_left_out() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    for id in [PUBLISHER, 2] {
        world.negotiate(id, |extensions| extensions.dependency_descriptor = DEPENDENCIES);
    }
    for (sequence, len) in [(1, 127), (2, 128), (3, 255)] {
        world.send(&mut host, video(555, sequence, 0), &[(DEPENDENCIES, &vec![0; len])], &frame(true, sequence, 1, 50));
    }
    let got = world.take(&mut member).0;
    let lengths: Vec<_> =
        got.iter().map(|got| got.elements.iter().find(|(id, _)| *id == DEPENDENCIES).map(|(_, data)| data.len())).collect();
    assert_eq!(lengths, [Some(127), None, None]);
}

#[test]
fn av1_waits_for_a_coded_video_sequence() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    world.rename_codecs("AV1/0");
    for (sequence, header) in [(1, 0x10), (2, 0x18), (3, 0x90)] {
        world.send(&mut host, video(555, sequence, 0), &[], &[header, 0x0A, 0x0B, 0]);
    }
    let got: Vec<u8> = world.take(&mut member).0.iter().map(|got| got.payload[0]).collect();
    assert_eq!(got, [0x18, 0x90]);
}

#[test]
fn a_publisher_without_transport_feedback_gets_a_bound() {
    let remb = |world: &mut World, host: &mut Client| {
        let control = world.take(host).1;
        let packets = control.iter().flat_map(|c| Compound::new(c)).filter_map(Result::ok);
        packets
            .filter_map(|packet| if let Packet::Remb { bitrate, ssrcs, .. } = packet { Some((bitrate, ssrcs.collect())) } else { None })
            .collect::<Vec<(u64, Vec<u32>)>>()
    };
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    world.send(&mut host, video(555, 1, 0), &[], &frame(true, 1, 1, 50));
    world.pass(Duration::from_millis(1100));
    assert!(remb(&mut world, &mut host).is_empty(), "it estimates by transport-wide feedback");
    world.negotiate(PUBLISHER, |extensions| extensions.transport_cc = 0);
    world.pass(Duration::from_secs(2));
    let got = remb(&mut world, &mut host);
    assert_eq!(got.iter().map(|(_, ssrcs)| ssrcs.as_slice()).collect::<Vec<_>>(), [[555], [555]]);
    assert!((299_000..=300_000).contains(&got[0].0) && (323_000..=324_000).contains(&got[1].0), "{got:?}");
}

#[test]
fn what_a_publisher_means_to_send_is_told() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    world.negotiate(PUBLISHER, |extensions| extensions.video_layers_allocation = ALLOCATION);
    let targets = |world: &World| {
        world
            .engine
            .source_stats(SOURCE, world.now)
            .iter()
            .map(|row| (row.target.kbps, row.target.width, row.target.height))
            .collect::<Vec<_>>()
    };
    let mut send = |world: &mut World, sequence, allocation: &[u8]| {
        world.send(&mut host, video(70, sequence, 0), &[(MID, b"0"), (RID, b"q"), (ALLOCATION, allocation)], &frame(true, 1, 1, 50));
    };
    // Two streams of one layer: 150 and 500 kbit/s, 320 × 180 and 640 × 360.
    send(&mut world, 1, &[0x11, 0x00, 0x96, 0x01, 0xF4, 0x03, 1, 0x3F, 0, 0xB3, 30, 2, 0x7F, 1, 0x67, 30]);
    assert_eq!(targets(&world), [(150, 320, 180), (500, 640, 360)]);
    // The second stops; nonsense changes nothing.
    send(&mut world, 2, &[0x10, 0x10, 0x00, 100]);
    send(&mut world, 3, &[0x11, 0x00]);
    assert_eq!(targets(&world), [(100, 320, 180), (0, 640, 360)]);
}
