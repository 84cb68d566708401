//! AV1 payloads (AV1 RTP payload format, section 4.4): only what tells where decoding can begin.
//!
//! Everything else about layers stands in the dependency descriptor, so that a forwarder need not read OBUs.

/// Z: the first OBU element goes on from the packet before.
const CONTINUES: u8 = 0x80;
/// N: a new coded video sequence begins.
const NEW_SEQUENCE: u8 = 0x08;

/// Whether a decoder can begin with this packet: the first of a coded video sequence. Malformed payloads are no keyframe.
#[must_use]
pub fn is_keyframe_start(payload: &[u8]) -> bool {
    // A header without an OBU element behind it is malformed. N with Z contradicts itself (section 4.4).
    matches!(payload, [header, _, ..] if header & (CONTINUES | NEW_SEQUENCE) == NEW_SEQUENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_packet_that_begins_a_sequence() {
        // W 2, N, and a temporal delimiter's header behind it; W 1, Y and N.
        assert!(is_keyframe_start(&[0x28, 0x0A, 0x0B]));
        assert!(is_keyframe_start(&[0x58, 0x0A]));
        // No N; N in a packet that continues one; nothing behind the header; nothing.
        for payload in [&[0x10, 0x30][..], &[0x98, 0x0A], &[0x18], &[]] {
            assert!(!is_keyframe_start(payload), "{payload:?}");
        }
    }
}
