//! The forwarding plane's protocol core: no I/O, no clock, no unsafe. Bytes, time and randomness come in as arguments.

pub mod address;
pub mod command;
pub mod demux;
pub mod engine;
pub mod extension;
pub mod framing;
pub mod h264;
pub mod nack;
pub mod ntp;
pub mod reception;
pub mod rtcp;
pub mod rtp;
pub mod sequence;
pub mod srtp;
pub mod stun;
pub mod twcc;
pub mod vp8;
