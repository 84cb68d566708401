#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]

use super::*;
use crate::bits::BitWriter;

/// L1T2 as libwebrtc describes it, cut down by hand: two decode targets, three templates, one chain, 640 × 360.
fn l1t2(writer: &mut BitWriter) {
    writer.bits(60, 6);
    writer.bits(1, 5);
    // Layers: T0, T0, T1, no more.
    [0, 1, 3].into_iter().for_each(|next| writer.bits(next, 2));
    // Indications by template: SS, RR, ‑D.
    [2, 2, 3, 3, 0, 1].into_iter().for_each(|indication| writer.bits(indication, 2));
    // Frame diffs: none; 2; 1.
    writer.bits(0, 1);
    [0b10_0010, 0b10_0000].into_iter().for_each(|diff| writer.bits(diff, 6));
    // One chain, which protects both.
    writer.below(1, 3);
    writer.below(0, 1);
    writer.below(0, 1);
    [0, 2, 1].into_iter().for_each(|diff| writer.bits(diff, 4));
    writer.flag(true);
    writer.bits(639, 16);
    writer.bits(359, 16);
}

/// A descriptor: start and end of frame, then `flags` and what they announce.
fn descriptor(template_id: u32, number: u16, flags: u32, rest: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
    let mut writer = BitWriter::default();
    writer.bits(0b11 << 6 | template_id, 8);
    writer.bits(number.into(), 16);
    if flags != 0 {
        writer.bits(flags, 5);
        rest(&mut writer);
    }
    writer.finish()
}

fn keyframe(number: u16) -> Vec<u8> {
    descriptor(60, number, 0b10000, l1t2)
}

fn started() -> StreamState {
    let mut state = StreamState::default();
    state.read(&keyframe(100)).unwrap();
    state
}

#[test]
fn a_keyframe_brings_the_structure() {
    let mut state = StreamState::default();
    let frame = state.read(&keyframe(100)).unwrap().frame;
    assert_eq!((frame.number, frame.active_targets, frame.resolution), (100, Some(0b11), Some((640, 360))));
    assert!(frame.is_start_of_independent() && frame.end);
    assert_eq!(frame.indications.as_slice(), [Indication::Switch; 2]);
    assert_eq!(frame.chain_diffs.as_slice(), [0]);
    let structure = state.structure().unwrap();
    assert_eq!((structure.decode_targets, structure.templates.len(), structure.chains), (2, 3, 1));
    assert_eq!(structure.protected_by.as_slice(), [0, 0]);
    let layers = [0, 1, 2].map(|target| structure.layer_of(target));
    let layer = |temporal_id| Some(Layer { spatial_id: 0, temporal_id });
    assert_eq!(layers, [layer(0), layer(1), None]);
    assert_eq!(state.active_targets(), 0b11);
}

#[test]
fn later_frames_refer_to_templates() {
    let mut state = started();
    let frame = state.read(&descriptor(62, 101, 0, |_| {})).unwrap().frame;
    assert_eq!(frame.layer, Layer { spatial_id: 0, temporal_id: 1 });
    assert_eq!(
        (frame.indication(0), frame.indication(1), frame.indication(9)),
        (Indication::NotPresent, Indication::Discardable, Indication::NotPresent)
    );
    assert_eq!((frame.frame_diffs.as_slice(), frame.chain_diffs.as_slice()), ([1].as_slice(), [1].as_slice()));
    assert_eq!(frame.active_targets, None);
    // Template ids wrap at 64: 60 + 3 is none of the three.
    assert_eq!(state.read(&descriptor(63, 102, 0, |_| {})), Err(DescriptorError::UnknownTemplate));
    assert_eq!(StreamState::default().read(&descriptor(60, 1, 0, |_| {})), Err(DescriptorError::NoStructure));
}

#[test]
fn a_frame_may_say_everything_itself() {
    let custom = descriptor(61, 110, 0b01111, |writer| {
        writer.bits(0b01, 2);
        [1, 2].into_iter().for_each(|indication| writer.bits(indication, 2));
        // Differences of 16, 256 and 4096 in four, eight and twelve bits.
        [(1, 15), (2, 255), (3, 4095)].into_iter().for_each(|(size, value)| {
            writer.bits(size, 2);
            writer.bits(value, size * 4);
        });
        writer.bits(0, 2);
        writer.bits(200, 8);
    });
    let mut state = started();
    let frame = state.read(&custom).unwrap().frame;
    assert_eq!(frame.indications.as_slice(), [Indication::Discardable, Indication::Switch]);
    assert_eq!(frame.frame_diffs.as_slice(), [16, 256, 4096]);
    assert_eq!((frame.chain_diffs.as_slice(), frame.active_targets), ([200].as_slice(), Some(1)));
    assert_eq!(state.active_targets(), 1);
    for len in 0..custom.len() {
        // Three octets are a whole descriptor without extended fields.
        assert_eq!(started().read(&custom[..len]).is_err(), len != 3);
    }
}

#[test]
fn every_cut_of_a_structure_is_an_error() {
    let whole = keyframe(1);
    for len in (0..whole.len()).filter(|&len| len != 3) {
        assert_eq!(StreamState::default().read(&whole[..len]), Err(DescriptorError::Truncated));
    }
}

#[test]
fn a_late_structure_does_not_replace_a_newer_one() {
    let later = descriptor(10, 200, 0b10000, |writer| {
        writer.bits(10, 6);
        writer.bits(0, 5);
        writer.bits(3, 2);
        // One template, one target: required, no diffs, no chains, no resolutions.
        writer.bits(0b1_1000, 5);
    });
    let mut state = started();
    state.read(&later).unwrap();
    state.read(&keyframe(150)).unwrap();
    assert_eq!((state.structure().unwrap().template_id_offset, state.active_targets()), (10, 1));
    // From far behind it is a sender that began anew.
    state.read(&keyframe(60_000)).unwrap();
    assert_eq!(state.structure().unwrap().template_id_offset, 60);
}

#[test]
fn active_targets_are_written_into_any_descriptor() {
    let known = started();
    let plain = descriptor(62, 101, 0, |_| {});
    let custom = descriptor(61, 110, 0b01001, |writer| {
        writer.bits(0b11, 2);
        writer.bits(77, 8);
    });
    for data in [keyframe(100), plain, custom] {
        let before = Descriptor::parse(&data, known.structure()).unwrap();
        let written = before.with_active_targets(&data, 0b10);
        let after = Descriptor::parse(&written, known.structure()).unwrap();
        assert_eq!(after.frame, Frame { active_targets: Some(0b10), ..before.frame });
        assert_eq!(after.structure, before.structure);
        assert_eq!(after.with_active_targets(&written, 0b10), written);
    }
}

#[test]
fn frame_numbers_are_written_in_place() {
    let mut data = keyframe(100);
    set_frame_number(&mut data, 0xABCD);
    assert_eq!(data, keyframe(0xABCD));
    set_frame_number(&mut [1, 2], 7);
}

#[test]
fn layers_templates_and_references_are_bounded() {
    let structure = |rest: &dyn Fn(&mut BitWriter)| {
        descriptor(0, 1, 0b10000, |writer| {
            writer.bits(0, 11);
            rest(writer);
        })
    };
    let layers = |next: u32, count: usize| structure(&move |writer| (0..count).for_each(|_| writer.bits(next, 2)));
    for endless in [layers(0, 100), layers(1, 8), layers(2, 4)] {
        assert_eq!(StreamState::default().read(&endless), Err(DescriptorError::TooMuch));
    }
    let references = structure(&|writer| {
        writer.bits(0b11_11, 4);
        (0..17).for_each(|_| writer.bits(0b1_0000, 5));
    });
    assert_eq!(StreamState::default().read(&references), Err(DescriptorError::TooMuch));
    let custom = descriptor(60, 1, 0b00010, |writer| (0..17).for_each(|_| writer.bits(0b01_0000, 6)));
    assert_eq!(started().read(&custom), Err(DescriptorError::TooMuch));
}
