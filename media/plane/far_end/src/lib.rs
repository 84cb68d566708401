//! The far end of a peer, for tests and fuzzing: a browser's side of the wire, and an eye on what the engine may never do.
//! It panics where the engine breaks a promise.

mod check;
mod client;
mod flexfec;
mod subscriber;
mod wire;

pub use check::binding_request;
pub use client::{Client, Role};
pub use flexfec::protected;
pub use subscriber::{Received, Subscriber};
pub use wire::Wire;
