//! A short run of each target: its corpus, and a bounded number of its mutations. The same in every run.

use std::fs;
use std::path::{Path, PathBuf};

use plane_fuzz::{TARGETS, Target};

/// Mutations of each target; a few seconds in all.
const ROUNDS: u64 = 3_000;
/// Octets of an input, at most.
const MOST_OCTETS: usize = 4_096;

/// What found a bug stays in the folder of its target, under a name that says which.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("each target has a corpus").map(|entry| entry.expect("it can be read").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("it can be read")).collect()
}

/// Xorshift64 (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// One of the changes that a coverage-guided fuzzer makes too.
fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(5) {
        0 => input.truncate(at),
        1 => input.insert(at, random.below(256) as u8),
        2 => drop(input.splice(at.., other[random.below(other.len() + 1)..].iter().copied())),
        3 => input.extend_from_slice(other),
        _ => input.iter_mut().skip(at).take(1 + random.below(4)).for_each(|octet| *octet ^= 1 << random.below(8)),
    }
    input.truncate(MOST_OCTETS);
}

fn run(target: Target, seeds: &[Vec<u8>]) {
    seeds.iter().for_each(|seed| target(seed));
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..ROUNDS {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut input, &seeds[random.below(seeds.len())], &mut random);
        }
        target(&input);
    }
}

#[test]
fn every_target_holds_on_its_corpus_and_near_it() {
    std::thread::scope(|scope| {
        for (name, target) in TARGETS {
            scope.spawn(move || run(target, &corpus(name)));
        }
    });
}
