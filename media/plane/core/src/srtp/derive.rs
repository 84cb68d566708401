//! Session keys from the master key (RFC 3711 section 4.3, key derivation rate 0).

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;

use super::MasterKey;

/// AES counter mode with a borrowed key schedule: making one costs nothing.
pub(super) type AesCtr<'a> = StreamCipherCoreWrapper<CtrCore<&'a Aes128Enc, Ctr128BE>>;

/// Octets of the longest session salt.
const SALT_LEN: usize = 14;

/// Which packets a set of session keys is for. The value is the first of its three labels (RFC 3711 section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Usage {
    /// SRTP: labels 0–2.
    Rtp = 0,
    /// SRTCP: labels 3–5.
    Rtcp = 3,
}

/// Session keys of one usage.
pub(super) struct SessionKeys {
    pub(super) encryption: [u8; 16],
    pub(super) authentication: [u8; 20],
    pub(super) salt: [u8; SALT_LEN],
}

/// Derives the session keys. For GCM, of [`gcm_salt`].
pub(super) fn session_keys(key: &[u8; 16], salt: &[u8; SALT_LEN], usage: Usage) -> SessionKeys {
    let aes = Aes128Enc::new(key.into());
    let first_label = usage as u8;
    let mut keys = SessionKeys { encryption: [0; 16], authentication: [0; 20], salt: [0; SALT_LEN] };
    derive(&aes, salt, first_label, &mut keys.encryption);
    derive(&aes, salt, first_label.saturating_add(1), &mut keys.authentication);
    derive(&aes, salt, first_label.saturating_add(2), &mut keys.salt);
    keys
}

/// The master salt as key derivation takes it for GCM: 12 octets and zeros (RFC 7714 section 11).
pub(super) fn gcm_salt(master: &MasterKey) -> [u8; SALT_LEN] {
    let mut salt = master.salt;
    let [.., a, b] = &mut salt;
    (*a, *b) = (0, 0);
    salt
}

/// Keystream of AES-CM under an initial counter block.
pub(super) fn keystream<'a>(aes: &'a Aes128Enc, iv: &[u8; 16]) -> AesCtr<'a> {
    StreamCipherCoreWrapper::from_core(CtrCore::inner_iv_init(aes, iv.into()))
}

/// One derived key: the keystream whose counter block is the salt with the label in octet 7, shifted by 16 bits.
fn derive(aes: &Aes128Enc, salt: &[u8; SALT_LEN], label: u8, out: &mut [u8]) {
    let &[s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13] = salt;
    let iv = [s0, s1, s2, s3, s4, s5, s6, s7 ^ label, s8, s9, s10, s11, s12, s13, 0, 0];
    keystream(aes, &iv).apply_keystream(out);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        super::super::vectors::hex(text).try_into().unwrap()
    }

    /// RFC 3711 appendix B.3.
    #[test]
    fn rfc_3711_b3() {
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        let keys = session_keys(&key, &salt, Usage::Rtp);
        assert_eq!(keys.encryption, hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt, hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(keys.authentication, hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }
}
