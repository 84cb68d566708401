//! SRTP keying material as DTLS exports it.

use plane_core::srtp::{MasterKey, Profile};
use pyo3::prelude::*;

use crate::arguments::{invalid, require};

/// A profile by its registered name without the prefix `SRTP_` (RFC 5764, RFC 7714).
pub(crate) fn profile(name: &str) -> PyResult<Profile> {
    match name {
        "AEAD_AES_128_GCM" => Ok(Profile::AeadAes128Gcm),
        "AES128_CM_SHA1_80" => Ok(Profile::Aes128CmSha1_80),
        _ => Err(invalid(format!("profile must be 'AEAD_AES_128_GCM' or 'AES128_CM_SHA1_80', not {name:?}"))),
    }
}

/// The key of one direction, `"send"` or `"receive"`. Messages tell lengths, never octets.
pub(crate) fn master_key(direction: &str, profile: Profile, key: &[u8], salt: &[u8]) -> PyResult<MasterKey> {
    let key: [u8; 16] = key.try_into().map_err(|_| invalid(format!("{direction}_key must be 16 octets, not {}", key.len())))?;
    let expected = match profile {
        Profile::AeadAes128Gcm => 12,
        Profile::Aes128CmSha1_80 => 14,
    };
    require(salt.len() == expected, || format!("{direction}_salt must be {expected} octets with this profile, not {}", salt.len()))?;
    let mut padded = [0; 14];
    for (to, &from) in padded.iter_mut().zip(salt) {
        *to = from;
    }
    Ok(MasterKey { key, salt: padded })
}
