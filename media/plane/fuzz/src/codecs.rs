//! Descriptors of codecs with layers, redundant audio, and frames on a TCP stream: a target each.

use plane_core::dependency_descriptor::{Descriptor, StreamState, frame_number, set_frame_number};
use plane_core::framing::{Deframer, FrameQueue};
use plane_core::video_layers_allocation::Allocation;
use plane_core::{av1 as obu, red as redundant, vp9 as vp};

/// Rewriting changes the ids and nothing else.
pub fn vp9(data: &[u8]) {
    let Ok(descriptor) = vp::Descriptor::parse(data) else { return };
    assert!(descriptor.descriptor_len <= data.len() && descriptor.references().count() <= 3);
    assert!(descriptor.structure(data).is_none_or(|structure| (1..=8).contains(&structure.spatial_layers)));
    let mut rewritten = data.to_vec();
    descriptor.rewrite(&mut rewritten, 0x1234, 0x56);
    let read = vp::Descriptor::parse(&rewritten).expect("it parsed before");
    assert_eq!(read.picture_id.map(|id| id.value), descriptor.picture_id.map(|id| if id.wide { 0x1234 } else { 0x34 }));
    assert_eq!(read.tl0picidx, descriptor.tl0picidx.map(|_| 0x56));
    assert_eq!((read.descriptor_len, read.layer), (descriptor.descriptor_len, descriptor.layer));
    assert_eq!(rewritten[read.descriptor_len..], data[read.descriptor_len..]);
    descriptor.rewrite(&mut rewritten[..data.len() / 2], 1, 2);
}

/// Any payload can be asked whether a keyframe begins there; an empty one never does.
pub fn av1(data: &[u8]) {
    assert!(!obu::is_keyframe_start(data) || !data.is_empty());
}

/// A stream of descriptors, each behind its length: what is read lies within the limits, and other numbers and masks are
/// read back.
pub fn dependency(data: &[u8]) {
    let (mut state, mut rest) = (StreamState::default(), data);
    while let Some((&length, behind)) = rest.split_first() {
        let (descriptor, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        let known = state.structure().cloned();
        if let Ok(parsed) = Descriptor::parse(descriptor, known.as_ref()) {
            let targets = parsed.structure.as_ref().or(known.as_ref()).expect("nothing parses without").all_targets();
            let masked = parsed.with_active_targets(descriptor, targets & 0x5555_5555);
            let read = Descriptor::parse(&masked, known.as_ref()).expect("it parsed before");
            assert_eq!(read.frame.active_targets, Some(targets & 0x5555_5555));
            assert_eq!((read.frame.number, &read.frame.frame_diffs), (parsed.frame.number, &parsed.frame.frame_diffs));
            assert_eq!(read.structure, parsed.structure);
        }
        let _ = state.read(descriptor);
        let mut renumbered = descriptor.to_vec();
        set_frame_number(&mut renumbered, 0xABCD);
        assert_eq!(frame_number(&renumbered), frame_number(descriptor).map(|_| 0xABCD));
    }
}

/// Layers and sizes lie within what the format can tell.
pub fn allocation(data: &[u8]) {
    let Ok(allocation) = Allocation::parse(data) else { return };
    for layer in &allocation.layers {
        assert!(layer.stream < 4 && layer.spatial_id < 4 && (1..=4).contains(&layer.target_kbps.len()));
        let pixels = layer.size.map(|size| size.width.min(size.height)..=size.width.max(size.height));
        assert!(pixels.is_none_or(|pixels| *pixels.start() >= 1 && *pixels.end() <= 65_536));
    }
}

/// Blocks lie in the payload; packed again they are read back.
pub fn red(data: &[u8]) {
    let Ok(blocks) = redundant::parse(data) else { return };
    assert!(blocks.iter().map(|block| block.data.len()).sum::<usize>() < data.len());
    let (primary, previous) = blocks.split_last().expect("the primary is there");
    let mut packed = Vec::new();
    redundant::pack(primary, previous, &mut packed);
    assert_eq!(redundant::parse(&packed).expect("it was packed"), blocks);
    assert_eq!(redundant::unpack(data).expect("it was parsed"), *primary);
}

/// However a stream is cut into reads, the same frames come out of it; what is queued comes out as it was.
pub fn framing(data: &[u8]) {
    let Some((&cut, stream)) = data.split_first() else { return };
    let cut = usize::from(cut).max(1);
    let whole = frames([stream]);
    assert_eq!(frames(stream.chunks(cut)), whole);
    let mut queue = FrameQueue::new(1 << 20);
    whole.0.iter().for_each(|frame| assert!(queue.push(frame)));
    let mut written = Vec::new();
    while !queue.unsent().is_empty() {
        let part = queue.unsent()[..queue.unsent().len().min(cut)].to_vec();
        queue.advance(part.len());
        written.extend(part);
    }
    assert_eq!(frames([written.as_slice()]).0, whole.0);
}

/// The frames of a stream, and whether it ended in an error.
fn frames<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let (mut deframer, mut frames) = (Deframer::default(), Vec::new());
    let failed = parts.into_iter().any(|part| deframer.feed(&mut part.to_vec(), |frame| frames.push(frame.to_vec())).is_err());
    (frames, failed)
}
