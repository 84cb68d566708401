//! AES128_CM_HMAC_SHA1_80 (RFC 3711 section 4).

use std::fmt;

use aes::Aes128Enc;
use aes::cipher::{KeyInit, StreamCipher};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::derive::{Usage, keystream, session_keys};
use super::{MasterKey, RTCP_HEADER_LEN, SrtpError, split_at};

/// Octets of the tag: HMAC-SHA1 cut to 80 bits.
pub(super) const TAG_LEN: usize = 10;

/// Session keys of one usage.
pub(super) struct CounterMode {
    aes: Aes128Enc,
    /// Keyed once; cloned for each packet.
    hmac: Hmac<Sha1>,
    salt: [u8; 14],
}

impl CounterMode {
    pub(super) fn new(master: &MasterKey, usage: Usage) -> Self {
        let keys = session_keys(&master.key, &master.salt, usage);
        Self { aes: Aes128Enc::new(&keys.encryption.into()), hmac: keyed(&keys.authentication), salt: keys.salt }
    }

    /// Encrypts the payload of `packet` in place and returns the tag.
    pub(super) fn seal_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<[u8; TAG_LEN], SrtpError> {
        let (_, payload) = split_at(packet, header_len)?;
        self.apply_keystream(ssrc, index, payload);
        Ok(self.tag(packet, roc(index)))
    }

    /// Checks and decrypts `packet`, which ends with the tag, in place and returns its length without it.
    pub(super) fn open_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<usize, SrtpError> {
        let packet = self.verify(packet, roc(index))?;
        let (_, payload) = split_at(packet, header_len)?;
        self.apply_keystream(ssrc, index, payload);
        Ok(packet.len())
    }

    /// Encrypts a compound in place. The tag, to be put behind `trailer` (E and index), is [`Self::tag`] of both.
    pub(super) fn seal_rtcp(&self, packet: &mut [u8], ssrc: u32, trailer: u32) -> Result<[u8; TAG_LEN], SrtpError> {
        let (_, body) = split_at(packet, RTCP_HEADER_LEN)?;
        self.apply_keystream(ssrc, u64::from(trailer & super::RTCP_INDEX_MASK), body);
        Ok(self.tag(packet, trailer.to_be_bytes()))
    }

    /// Checks and decrypts a compound, which ends with the tag (`trailer` taken out), in place and returns its length without it.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, trailer: u32) -> Result<usize, SrtpError> {
        let packet = self.verify(packet, trailer.to_be_bytes())?;
        let (_, body) = split_at(packet, RTCP_HEADER_LEN)?;
        self.apply_keystream(ssrc, u64::from(trailer & super::RTCP_INDEX_MASK), body);
        Ok(packet.len())
    }

    /// RFC 3711 section 4.1.1: counter block = salt · 2¹⁶ ⊕ SSRC · 2⁶⁴ ⊕ index · 2¹⁶.
    fn apply_keystream(&self, ssrc: u32, index: u64, data: &mut [u8]) {
        let block = (u128::from(ssrc) << 64) ^ (u128::from(index) << 16);
        let mut iv = block.to_be_bytes();
        iv.iter_mut().zip(self.salt).for_each(|(octet, salt)| *octet ^= salt);
        keystream(&self.aes, &iv).apply_keystream(data);
    }

    /// RFC 3711 section 4.2: over the packet and what follows it in the authenticated portion.
    fn tag(&self, packet: &[u8], suffix: [u8; 4]) -> [u8; TAG_LEN] {
        let mut tag = [0; TAG_LEN];
        let full = self.mac(packet, suffix).finalize().into_bytes();
        tag.iter_mut().zip(full).for_each(|(octet, full)| *octet = full);
        tag
    }

    /// Checks the tag in constant time and returns the packet without it.
    fn verify<'a>(&self, packet: &'a mut [u8], suffix: [u8; 4]) -> Result<&'a mut [u8], SrtpError> {
        let body_len = packet.len().checked_sub(TAG_LEN).ok_or(SrtpError::Truncated)?;
        let (body, tag) = split_at(packet, body_len)?;
        self.mac(body, suffix).verify_truncated_left(tag).map_err(|_| SrtpError::Authentication)?;
        Ok(body)
    }

    fn mac(&self, packet: &[u8], suffix: [u8; 4]) -> Hmac<Sha1> {
        let mut mac = self.hmac.clone();
        mac.update(packet);
        mac.update(&suffix);
        mac
    }
}

impl fmt::Debug for CounterMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterMode(..)")
    }
}

#[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The rollover counter of a packet index.
fn roc(index: u64) -> [u8; 4] {
    let [_, _, r0, r1, r2, r3, ..] = index.to_be_bytes();
    [r0, r1, r2, r3]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::super::vectors::hex;
    use super::*;

    /// RFC 3711 appendix B.2: the keystream of SSRC 0, index 0.
    #[test]
    fn rfc_3711_b2() {
        let aes = Aes128Enc::new_from_slice(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
        let salt = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
        let mut stream = [0; 48];
        CounterMode { aes, hmac: keyed(&[]), salt }.apply_keystream(0, 0, &mut stream);
        let expected = hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0");
        assert_eq!(stream.as_slice(), expected);
    }
}
