//! The forwarding plane's shell: the media port, the worker thread, and the queues between it and its owner.
//!
//! [`Plane`] is what an owner holds. It posts commands to the worker's mailbox, asks it questions, and takes events
//! from a queue whose eventfd it can watch. The worker alone owns the engine and the port.

mod counters;
mod events;
mod links;
mod mailbox;
mod placement;
mod plane;
mod port;
mod receive;
mod send;
mod socket;
mod tcp;
mod tickets;
mod worker;

pub use mailbox::Stats;
pub use plane::{Config, Plane, Stopped};
