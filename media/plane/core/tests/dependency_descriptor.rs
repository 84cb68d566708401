//! Dependency descriptors: any that a sender may write is read as it was meant, and no octets do harm.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]

use plane_core::bits::BitWriter;
use plane_core::dependency_descriptor::{Descriptor, Frame, Indication, Layer, StreamState, Structure, Template};
use proptest::collection::vec;
use proptest::prelude::*;

/// A structure's raw material: everything is cut to its counts by [`structure`].
#[derive(Debug, Clone)]
struct Material {
    offset: u8,
    targets: u8,
    chains: u8,
    steps: Vec<u32>,
    octets: Vec<u8>,
    resolutions: bool,
}

fn material() -> impl Strategy<Value = Material> {
    (0..64_u8, 1..=32_u8, any::<u8>(), vec(0..3_u32, 0..63), vec(any::<u8>(), 97), any::<bool>()).prop_map(
        |(offset, targets, chains, steps, octets, resolutions)| Material {
            offset,
            targets,
            chains: chains % (targets + 1),
            steps,
            octets,
            resolutions,
        },
    )
}

/// A valid structure, and how each template's layer follows from the one before.
fn structure(material: &Material) -> (Structure, Vec<u32>) {
    let mut random = material.octets.iter().copied().cycle();
    let mut next = move || random.next().unwrap();
    let (mut layer, mut layers, mut steps) = (Layer::default(), vec![Layer::default()], Vec::new());
    for &step in &material.steps {
        let following = match step {
            1 => Layer { temporal_id: layer.temporal_id + 1, ..layer },
            2 => Layer { spatial_id: layer.spatial_id + 1, temporal_id: 0 },
            _ => layer,
        };
        if following.temporal_id < 8 && following.spatial_id < 4 {
            layer = following;
            layers.push(layer);
            steps.push(step);
        }
    }
    let templates: Vec<_> = layers.iter().map(|&layer| template(layer, material, &mut next)).collect();
    let sizes = if material.resolutions { layer.spatial_id + 1 } else { 0 };
    let structure = Structure {
        template_id_offset: material.offset,
        decode_targets: material.targets,
        templates,
        chains: material.chains,
        protected_by: (0..material.targets).filter(|_| material.chains > 0).map(|_| next() % material.chains).collect(),
        resolutions: (0..sizes).map(|_| (u32::from(next()) * 257 + 1, u32::from(next()) + 1)).collect(),
    };
    (structure, steps)
}

fn template(layer: Layer, material: &Material, next: &mut impl FnMut() -> u8) -> Template {
    Template {
        layer,
        indications: (0..material.targets).map(|_| Indication::from_bits(next().into())).collect(),
        frame_diffs: (0..next() % 5).map(|_| u16::from(next() % 16) + 1).collect(),
        chain_diffs: (0..material.chains).map(|_| next() % 16).collect(),
    }
}

/// The two bits of an indication.
fn indication_bits(indication: Indication) -> u32 {
    (0..4).find(|&bits| Indication::from_bits(bits) == indication).unwrap()
}

/// `template_dependency_structure()` of appendix A, in the other direction.
fn write_structure(structure: &Structure, steps: &[u32], out: &mut BitWriter) {
    out.bits(structure.template_id_offset.into(), 6);
    out.bits(u32::from(structure.decode_targets) - 1, 5);
    steps.iter().chain([&3]).for_each(|&step| out.bits(step, 2));
    structure.templates.iter().flat_map(|template| &template.indications).for_each(|&it| out.bits(indication_bits(it), 2));
    for template in &structure.templates {
        template.frame_diffs.iter().for_each(|&diff| out.bits(0b1_0000 | (u32::from(diff) - 1), 5));
        out.flag(false);
    }
    out.below(structure.chains.into(), u32::from(structure.decode_targets) + 1);
    structure.protected_by.iter().for_each(|&chain| out.below(chain.into(), structure.chains.into()));
    structure.templates.iter().flat_map(|template| &template.chain_diffs).for_each(|&diff| out.bits(diff.into(), 4));
    out.flag(!structure.resolutions.is_empty());
    for (width, height) in &structure.resolutions {
        out.bits(width - 1, 16);
        out.bits(height - 1, 16);
    }
}

/// A descriptor that brings the structure and refers to its template `index`.
fn write_descriptor(structure: &Structure, steps: &[u32], index: usize, number: u16) -> Vec<u8> {
    let mut out = BitWriter::default();
    let template_id = (usize::from(structure.template_id_offset) + index) % 64;
    out.bits(0b10 << 6 | u32::try_from(template_id).unwrap(), 8);
    out.bits(number.into(), 16);
    out.bits(0b10000, 5);
    write_structure(structure, steps, &mut out);
    out.finish()
}

proptest! {
    #[test]
    fn a_written_structure_is_read_back(material in material(), index in any::<usize>(), number in any::<u16>(), mask in any::<u32>()) {
        let (structure, steps) = structure(&material);
        let index = index % structure.templates.len();
        let data = write_descriptor(&structure, &steps, index, number);
        let read = Descriptor::parse(&data, None).unwrap();
        let template = &structure.templates[index];
        prop_assert_eq!(&read.frame, &Frame {
            number,
            start: true,
            end: false,
            layer: template.layer,
            indications: template.indications.clone(),
            frame_diffs: template.frame_diffs.clone(),
            chain_diffs: template.chain_diffs.clone(),
            active_targets: Some(structure.all_targets()),
            resolution: structure.resolutions.get(usize::from(template.layer.spatial_id)).copied(),
        });
        prop_assert_eq!(read.structure.as_ref(), Some(&structure));

        let told = Descriptor::parse(&read.with_active_targets(&data, mask), None).unwrap();
        prop_assert_eq!(told.frame, Frame { active_targets: Some(mask & structure.all_targets()), ..read.frame });
        prop_assert_eq!(told.structure, Some(structure));
    }

    #[test]
    fn nothing_panics(first in vec(any::<u8>(), 0..255), later in vec(vec(any::<u8>(), 0..40), 0..8), mask in any::<u32>()) {
        let mut state = StreamState::default();
        for data in std::iter::once(&first).chain(&later) {
            let before = state.structure().cloned();
            if let Ok(Descriptor { frame, .. }) = state.read(data) {
                let descriptor = Descriptor::parse(data, before.as_ref()).unwrap();
                prop_assert_eq!(&descriptor.frame, &frame);
                prop_assert!(descriptor.with_active_targets(data, mask).len() <= data.len() + 5);
            }
        }
    }

    /// Damage anywhere in a valid descriptor is an error or another descriptor.
    #[test]
    fn damaged_structures_do_no_harm(material in material(), flips in vec(any::<(u16, u8)>(), 0..6), cut in any::<u16>()) {
        let (structure, steps) = structure(&material);
        let mut data = write_descriptor(&structure, &steps, 0, 1);
        for (at, octet) in flips {
            let at = usize::from(at) % data.len();
            data[at] ^= octet;
        }
        data.truncate(usize::from(cut) % (data.len() + 1));
        let mut state = StreamState::default();
        if state.read(&data).is_ok() {
            let structure = state.structure().unwrap();
            prop_assert!((0..structure.decode_targets).all(|target| structure.layer_of(target).is_none_or(|layer| layer.spatial_id < 4)));
        }
    }
}
