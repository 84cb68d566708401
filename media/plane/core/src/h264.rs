//! H.264 payloads (RFC 6184): only what tells where decoding can begin.

/// NAL unit types (H.264 table 7-1, RFC 6184 section 5.2).
const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Whether a decoder can begin with this packet: it carries an SPS, or an IDR slice's first part,
/// alone, in a STAP-A or as the first fragment (FU-A). Malformed payloads are no keyframe.
#[must_use]
pub fn is_keyframe_start(payload: &[u8]) -> bool {
    let Some((&indicator, rest)) = payload.split_first() else {
        return false;
    };
    match unit_type(indicator) {
        STAP_A => aggregated(rest).any(begins_keyframe),
        // FU header: S in bit 7, then the type of the fragmented unit.
        FU_A => rest.first().is_some_and(|&header| header & 0x80 != 0 && begins_keyframe(header)),
        _ => begins_keyframe(indicator),
    }
}

/// The first octets of the units in a STAP-A (RFC 6184 section 5.7.1), up to the first that is cut off.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (size, behind) = rest.split_first_chunk()?;
        let (unit, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        rest = behind;
        unit.first().copied()
    })
}

const fn begins_keyframe(octet: u8) -> bool {
    matches!(unit_type(octet), IDR | SPS)
}

const fn unit_type(octet: u8) -> u8 {
    octet & 0x1F
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_units() {
        assert!(is_keyframe_start(&[0x67, 1]));
        assert!(is_keyframe_start(&[0x65, 1]));
        // PPS, SEI, non-IDR slice, nothing.
        for payload in [&[0x68, 1][..], &[0x06, 1], &[0x41, 1], &[]] {
            assert!(!is_keyframe_start(payload));
        }
    }

    #[test]
    fn aggregates() {
        assert!(is_keyframe_start(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68]));
        assert!(is_keyframe_start(&[0x78, 0, 1, 0x68, 0, 2, 0x65, 1]));
        assert!(!is_keyframe_start(&[0x78, 0, 1, 0x68, 0, 1, 0x41]));
    }

    #[test]
    fn hostile_aggregates() {
        for payload in [&[0x78][..], &[0x78, 0], &[0x78, 0, 0], &[0x78, 0, 0, 0, 1, 0x67], &[0x78, 0xFF, 0xFF, 0x67]] {
            assert!(!is_keyframe_start(payload), "{payload:?}");
        }
    }

    #[test]
    fn only_the_first_fragment() {
        assert!(is_keyframe_start(&[0x7C, 0x85, 1]));
        assert!(is_keyframe_start(&[0x7C, 0x87]));
        for payload in [&[0x7C, 0x05, 1][..], &[0x7C, 0x45], &[0x7C, 0x81], &[0x7C]] {
            assert!(!is_keyframe_start(payload), "{payload:?}");
        }
    }
}
