//! What Chromium writes is read as it was meant: descriptors that say the same thing twice must agree.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use plane_core::dependency_descriptor::{Descriptor, Frame, Indication, StreamState};
use plane_core::video_layers_allocation::{Allocation, Size};
use plane_core::{av1, vp9};

struct Captured {
    marker: bool,
    dependencies: Vec<u8>,
    allocation: Option<Vec<u8>>,
    payload: Vec<u8>,
}

fn octets(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn packets(file: &str) -> Vec<Captured> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<_> = line.split(' ').collect();
            Captured {
                marker: fields[0] == "1",
                dependencies: octets(fields[1]),
                allocation: (fields[2] != "-").then(|| octets(fields[2])),
                payload: octets(fields[3]),
            }
        })
        .collect()
}

/// Every packet with its frame, and the state behind the last.
fn read(file: &str) -> (Vec<(Captured, Frame)>, StreamState) {
    let mut state = StreamState::default();
    let frames = packets(file).into_iter().map(|packet| {
        let frame = state.read(&packet.dependencies).unwrap().frame;
        (packet, frame)
    });
    (frames.collect(), state)
}

#[test]
fn vp9_in_three_spatial_and_three_temporal_layers() {
    let (frames, state) = read(include_str!("captured/chromium_vp9_l3t3.hex"));
    let mut layers = Vec::new();
    for (packet, frame) in &frames {
        let vp9 = vp9::Descriptor::parse(&packet.payload).unwrap();
        let layer = vp9.layer.unwrap();
        assert_eq!((layer.spatial_id, layer.temporal_id), (frame.layer.spatial_id, frame.layer.temporal_id));
        assert_eq!((vp9.start_of_frame, vp9.end_of_frame), (frame.start, frame.end));
        assert_eq!(vp9.is_keyframe_start(), frame.is_start_of_independent());
        assert!(!packet.marker || frame.end);
        layers.push((layer.spatial_id, layer.temporal_id));
    }
    assert!(frames[0].1.is_start_of_independent());
    // The third spatial layer begins once the sender has found enough bandwidth, which was after this was captured.
    assert!((0..2).all(|spatial| (0..3).all(|temporal| layers.contains(&(spatial, temporal)))));
    let structure = state.structure().unwrap();
    assert_eq!((structure.decode_targets, structure.chains), (9, 3));
    assert_eq!(structure.layer_of(8).map(|layer| (layer.spatial_id, layer.temporal_id)), Some((2, 2)));
    assert_eq!(structure.resolutions.as_slice(), [(320, 180), (640, 360), (1280, 720)]);
    let sizes: Vec<_> =
        frames.iter().filter_map(|(packet, _)| vp9::Descriptor::parse(&packet.payload).unwrap().structure(&packet.payload)).collect();
    // Payload sizes are those of the layers sent so far.
    assert!(sizes.iter().any(|structure| structure.sizes.as_slice() == [(320, 180), (640, 360)]), "{sizes:?}");
}

#[test]
fn av1_in_three_temporal_layers() {
    let (frames, state) = read(include_str!("captured/chromium_av1_l1t3.hex"));
    for (packet, frame) in &frames {
        assert_eq!(av1::is_keyframe_start(&packet.payload), frame.is_start_of_independent());
        assert_eq!(packet.marker, frame.end);
        let highest = frame.layer.temporal_id == 2;
        assert_eq!(highest, frame.indication(1) == Indication::NotPresent && frame.indication(2) == Indication::Discardable);
    }
    assert!(frames[0].1.is_start_of_independent() && frames[0].1.active_targets == Some(0b111));
    assert_eq!(state.structure().unwrap().resolutions.as_slice(), [(640, 360)]);
}

#[test]
fn layer_allocations_grow_up_to_the_cameras_size() {
    for file in [include_str!("captured/chromium_vp9_l3t3.hex"), include_str!("captured/chromium_av1_l1t3.hex")] {
        let allocations: Vec<_> = packets(file).iter().filter_map(|packet| packet.allocation.as_deref().map(Allocation::parse)).collect();
        assert!(allocations.len() > 2);
        let told = allocations.iter().flat_map(|allocation| &allocation.as_ref().unwrap().layers);
        for layer in told.clone() {
            assert!(layer.target_kbps.is_sorted() && layer.target_kbps.len() == 3, "{layer:?}");
        }
        assert!(told.filter_map(|layer| layer.size).any(|Size { width, height, .. }| (width, height) == (640, 360)));
    }
}

#[test]
fn dropping_layers_is_written_into_chromiums_descriptors() {
    for file in [include_str!("captured/chromium_vp9_l3t3.hex"), include_str!("captured/chromium_av1_l1t3.hex")] {
        let mut state = StreamState::default();
        for packet in packets(file) {
            let known = state.structure().cloned();
            state.read(&packet.dependencies).unwrap();
            let before = Descriptor::parse(&packet.dependencies, known.as_ref()).unwrap();
            let after = Descriptor::parse(&before.with_active_targets(&packet.dependencies, 1), known.as_ref()).unwrap();
            assert_eq!(after.frame, Frame { active_targets: Some(1), ..before.frame });
        }
    }
}
