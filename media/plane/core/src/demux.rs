//! Tells the protocols on the one UDP port apart (RFC 7983, RFC 5761).

/// What a datagram is, by its first octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RFC 8489.
    Stun,
    /// RFC 6347 and RFC 9147.
    Dtls,
    /// RFC 3550.
    Rtp,
    /// RFC 3550, RFC 5761.
    Rtcp,
}

/// Lengths below which a datagram cannot be what its first octet says: the fixed headers of each protocol.
const STUN_HEADER: usize = 20;
const DTLS_RECORD_HEADER: usize = 13;
const RTP_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;

/// Classifies a datagram by its first octet (RFC 7983 section 7) and, for RTP and RTCP, its second (RFC 5761 section 4).
///
/// `None` for what is empty, shorter than the protocol's fixed header, or of a protocol that is not spoken here.
#[must_use]
pub fn classify(datagram: &[u8]) -> Option<Kind> {
    let (&first, rest) = datagram.split_first()?;
    let (kind, least) = match first {
        0..=3 => (Kind::Stun, STUN_HEADER),
        20..=63 => (Kind::Dtls, DTLS_RECORD_HEADER),
        128..=191 if is_rtcp(*rest.first()?) => (Kind::Rtcp, RTCP_HEADER),
        128..=191 => (Kind::Rtp, RTP_HEADER),
        _ => return None,
    };
    (datagram.len() >= least).then_some(kind)
}

/// RTCP packet types 192–223 are the RTP payload types 64–95 with the marker bit set, which RFC 5761 section 4 leaves unused.
const fn is_rtcp(second: u8) -> bool {
    matches!(second, 192..=223)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    /// A datagram of `len` octets that begins with `first` and `second`.
    fn datagram(first: u8, second: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len.max(2)];
        bytes.splice(0..2, [first, second]);
        bytes.truncate(len);
        bytes
    }

    #[test]
    fn first_octet_ranges() {
        for first in 0..=255_u8 {
            let expected = match first {
                0..=3 => Some(Kind::Stun),
                20..=63 => Some(Kind::Dtls),
                128..=191 => Some(Kind::Rtp),
                _ => None,
            };
            assert_eq!(classify(&datagram(first, 96, 40)), expected, "first octet {first}");
        }
    }

    #[test]
    fn second_octet_separates_rtcp_from_rtp() {
        for second in 0..=255_u8 {
            let expected = if (192..=223).contains(&second) { Kind::Rtcp } else { Kind::Rtp };
            assert_eq!(classify(&datagram(0x80, second, 40)), Some(expected), "second octet {second}");
        }
    }

    #[test]
    fn short_datagrams_are_nothing() {
        for (first, second, least) in [(0, 1, 20), (22, 254, 13), (0x80, 96, 12), (0x80, 200, 8)] {
            for len in 0..least {
                assert_eq!(classify(&datagram(first, second, len)), None);
            }
            assert!(classify(&datagram(first, second, least)).is_some());
        }
    }
}
