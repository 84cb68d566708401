//! A network link in user space, for tests.
//!
//! The core takes packets, time and seeds as arguments and does no I/O, so that tests run it in virtual time: `Path` is one
//! direction, `Link` two of them with TCP on top. `shell` moves real datagrams and connections through a `Link`.

pub mod bottleneck;
pub mod capacity;
pub mod config;
pub mod demux;
pub mod link;
pub mod loss;
pub mod packet_log;
pub mod path;
pub mod policer;
pub mod random;
pub mod shell;
pub mod tcp;
pub mod time;
