//! H.264 payloads (RFC 6184): only what tells where decoding can begin.

/// Whether a decoder can begin with this packet: it carries an SPS, or an IDR slice's first part,
/// alone, in a STAP-A or as the first fragment (FU-A). Malformed payloads are no keyframe.
#[must_use]
pub fn is_keyframe_start(payload: &[u8]) -> bool {
    todo!()
}
