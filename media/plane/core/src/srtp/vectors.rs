//! Test data shared by the tests of this module.

use super::MasterKey;

/// Any master key.
pub(super) const MASTER: MasterKey = MasterKey { key: [7; 16], salt: [9; 14] };

/// Octets from hexadecimal digits; white space is skipped.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// The plaintext of RFC 7714 section 16: "Gallia est omnis divisa in partes tres".
pub(super) fn rtp_packet() -> Vec<u8> {
    hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573")
}

/// The plaintext of RFC 7714 section 17.
pub(super) fn rtcp_packet() -> Vec<u8> {
    hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef")
}
