//! The forwarding plane's protocol core: no I/O, no clock, no unsafe. Bytes, time and randomness come in as arguments.

pub mod address;
pub mod av1;
pub mod bits;
pub mod command;
pub mod demux;
pub mod dependency_descriptor;
pub mod engine;
pub mod extension;
pub mod framing;
pub mod h264;
pub mod leniency;
pub mod nack;
pub mod ntp;
pub mod reception;
pub mod red;
pub mod remb_estimate;
pub mod round_trip;
pub mod rtcp;
pub mod rtp;
pub mod sequence;
pub mod srtp;
pub mod stun;
pub mod twcc;
pub mod video_layers_allocation;
pub mod vp8;
pub mod vp9;
