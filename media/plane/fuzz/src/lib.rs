//! Fuzz targets: each takes any octets and panics where the plane breaks a promise.
//!
//! `scripts/fuzz` runs them under libFuzzer, `cargo test` replays their corpus.

mod codecs;
mod engine;
mod parsers;

pub use codecs::{allocation, av1, dependency, framing, red, vp9};
pub use engine::engine;
pub use parsers::{demux, feedback, h264, reports, rtcp, rtp, srtp, stun, vp8};

/// A target.
pub type Target = fn(&[u8]);

/// All targets by name; the names of the corpus's folders.
pub const TARGETS: [(&str, Target); 16] = [
    ("demux", demux),
    ("stun", stun),
    ("rtp", rtp),
    ("rtcp", rtcp),
    ("srtp", srtp),
    ("vp8", vp8),
    ("h264", h264),
    ("feedback", feedback),
    ("vp9", vp9),
    ("av1", av1),
    ("dependency", dependency),
    ("allocation", allocation),
    ("red", red),
    ("framing", framing),
    ("reports", reports),
    ("engine", engine),
];
