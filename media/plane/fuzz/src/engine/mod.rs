//! Sequences of operations: any order of commands, datagrams and time.

mod action;
mod media;
mod world;

use arbitrary::{Arbitrary, Unstructured};

use action::Action;
use world::World;

/// Actions of one run: enough for a join, some media, a leave and another join.
const MOST_ACTIONS: usize = 400;

/// Whatever happens in whatever order:
/// * nothing panics;
/// * what the engine sends opens at its receiver, and no packet index is used twice under a key;
/// * what one action makes it send and tell is bounded;
/// * once all peers are removed, nothing is left.
pub fn engine(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut world = World::new();
    for _ in 0..MOST_ACTIONS {
        if input.is_empty() {
            break;
        }
        let Ok(action) = Action::arbitrary(&mut input) else { break };
        world.act(action);
    }
    world.end();
}
