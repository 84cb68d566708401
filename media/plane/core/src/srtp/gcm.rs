//! AEAD_AES_128_GCM (RFC 7714).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::derive::{Usage, gcm_salt, session_keys};
use super::{MasterKey, RTCP_HEADER_LEN, SrtpError, split_at};

/// Octets of the tag.
pub(super) const TAG_LEN: usize = 16;

/// Octets of the nonce and the session salt.
const NONCE_LEN: usize = 12;

/// Session keys of one usage.
#[derive(Debug)]
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; NONCE_LEN],
}

impl Gcm {
    #[allow(clippy::expect_used, reason = "AES-128 takes any 16 octets")]
    pub(super) fn new(master: &MasterKey, usage: Usage) -> Self {
        let keys = session_keys(&master.key, &gcm_salt(master), usage);
        let key = UnboundKey::new(&AES_128_GCM, &keys.encryption).expect("the key is 16 octets long");
        let [salt @ .., _, _] = keys.salt;
        Self { key: LessSafeKey::new(key), salt }
    }

    /// Encrypts the payload of `packet` in place and returns the tag.
    pub(super) fn seal_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<[u8; TAG_LEN], SrtpError> {
        let (header, payload) = split_at(packet, header_len)?;
        self.seal(self.rtp_nonce(ssrc, index), header, payload)
    }

    /// Decrypts the payload of `packet`, which ends with the tag, in place and returns the packet's length without it.
    pub(super) fn open_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<usize, SrtpError> {
        let (header, payload) = split_at(packet, header_len)?;
        let opened = self.open(self.rtp_nonce(ssrc, index), header, payload)?;
        Ok(header_len.saturating_add(opened))
    }

    /// Encrypts a compound in place and returns the tag. `trailer` is E and index; its place is behind the tag (RFC 7714 section 9.2).
    pub(super) fn seal_rtcp(&self, packet: &mut [u8], ssrc: u32, trailer: u32) -> Result<[u8; TAG_LEN], SrtpError> {
        let (header, body) = split_at(packet, RTCP_HEADER_LEN)?;
        self.seal(self.rtcp_nonce(ssrc, trailer), &rtcp_aad(header, trailer)?, body)
    }

    /// Decrypts a compound, which ends with the tag, in place and returns its length without it.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, trailer: u32) -> Result<usize, SrtpError> {
        let (header, body) = split_at(packet, RTCP_HEADER_LEN)?;
        let opened = self.open(self.rtcp_nonce(ssrc, trailer), &rtcp_aad(header, trailer)?, body)?;
        Ok(RTCP_HEADER_LEN.saturating_add(opened))
    }

    fn seal(&self, nonce: Nonce, aad: &[u8], plaintext: &mut [u8]) -> Result<[u8; TAG_LEN], SrtpError> {
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(aad), plaintext);
        // Only 64 GiB of plaintext fail here.
        let tag = tag.map_err(|_| SrtpError::KeyExhausted)?;
        tag.as_ref().try_into().map_err(|_| SrtpError::Truncated)
    }

    fn open(&self, nonce: Nonce, aad: &[u8], ciphertext: &mut [u8]) -> Result<usize, SrtpError> {
        let plaintext = self.key.open_in_place(nonce, Aad::from(aad), ciphertext);
        plaintext.map(|plaintext| plaintext.len()).map_err(|_| SrtpError::Authentication)
    }

    /// RFC 7714 section 8.1: two zero octets, SSRC, ROC and sequence number, xored with the salt.
    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let [_, _, index @ ..] = index.to_be_bytes();
        self.nonce(ssrc, index)
    }

    /// RFC 7714 section 9.1: two zero octets, SSRC, two zero octets and the index, xored with the salt.
    fn rtcp_nonce(&self, ssrc: u32, trailer: u32) -> Nonce {
        let [i0, i1, i2, i3] = (trailer & super::RTCP_INDEX_MASK).to_be_bytes();
        self.nonce(ssrc, [0, 0, i0, i1, i2, i3])
    }

    fn nonce(&self, ssrc: u32, [i0, i1, i2, i3, i4, i5]: [u8; 6]) -> Nonce {
        let [s0, s1, s2, s3] = ssrc.to_be_bytes();
        let mut nonce = [0, 0, s0, s1, s2, s3, i0, i1, i2, i3, i4, i5];
        nonce.iter_mut().zip(self.salt).for_each(|(octet, salt)| *octet ^= salt);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// RFC 7714 section 9.2: the first header and the trailer.
fn rtcp_aad(header: &[u8], trailer: u32) -> Result<[u8; 12], SrtpError> {
    let &[h0, h1, h2, h3, h4, h5, h6, h7] = header.first_chunk::<RTCP_HEADER_LEN>().ok_or(SrtpError::Truncated)?;
    let [t0, t1, t2, t3] = trailer.to_be_bytes();
    Ok([h0, h1, h2, h3, h4, h5, h6, h7, t0, t1, t2, t3])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::super::vectors::{hex, rtcp_packet, rtp_packet};
    use super::*;

    /// The session key and salt of RFC 7714 sections 16 and 17.
    fn rfc_7714() -> Gcm {
        let key = UnboundKey::new(&AES_128_GCM, &hex("000102030405060708090a0b0c0d0e0f")).unwrap();
        Gcm { key: LessSafeKey::new(key), salt: *b"Quid pro quo" }
    }

    /// RFC 7714 section 16.1.1.
    #[test]
    fn rfc_7714_rtp() {
        let mut packet = rtp_packet();
        let tag = rfc_7714().seal_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b).unwrap();
        packet.extend(tag);
        let expected =
            hex("8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833
             899d7f27 beb16a91 52cf765e e4390cce");
        assert_eq!(packet, expected);
        assert_eq!(rfc_7714().open_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b), Ok(rtp_packet().len()));
        assert!(packet.starts_with(&rtp_packet()));
    }

    /// RFC 7714 section 17.1, index 0x5d4.
    #[test]
    fn rfc_7714_rtcp() {
        let trailer = 0x8000_05d4;
        let mut packet = rtcp_packet();
        let tag = rfc_7714().seal_rtcp(&mut packet, 0x4d61_7273, trailer).unwrap();
        packet.extend(tag);
        let expected = hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded
             0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade");
        assert_eq!(packet, expected);
        assert_eq!(rfc_7714().open_rtcp(&mut packet, 0x4d61_7273, trailer), Ok(rtcp_packet().len()));
        assert!(packet.starts_with(&rtcp_packet()));
    }
}
