//! STUN binding requests of ICE connectivity checks, answered as a lite agent does (RFC 8489, RFC 8445).

mod request;
#[cfg(test)]
mod vectors;
mod write;

use std::fmt;

use hmac::{Hmac, KeyInit};
use sha1::Sha1;

pub use request::BindingRequest;
#[cfg(test)]
pub(crate) use write::tests::request as request_for_tests;
pub use write::{write_error, write_success};

/// Identifies a request and its response.
pub type TransactionId = [u8; 12];

/// Why a datagram is no binding request that we can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StunError {
    /// Not STUN, or a field reaches beyond the datagram.
    Malformed,
    /// STUN, but not a binding request.
    NotBindingRequest,
    /// The checksum does not match: damaged, or some other protocol.
    Fingerprint,
    /// No USERNAME of the form `local:remote`.
    Username,
    /// No MESSAGE-INTEGRITY.
    IntegrityMissing,
    /// MESSAGE-INTEGRITY made with another password.
    IntegrityMismatch,
}

/// An error response's code (RFC 8489 section 14.8, RFC 8445 section 16.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode<'a> {
    /// 400.
    BadRequest,
    /// 401.
    Unauthenticated,
    /// 420 with the attributes that were not understood.
    UnknownAttributes(&'a [u16]),
    /// 487: both sides claim the same role.
    RoleConflict,
}

const HEADER_LEN: usize = 20;
/// Octets before an attribute's value.
const ATTRIBUTE_HEADER_LEN: usize = 4;
const MAGIC_COOKIE: u32 = 0x2112_A442;
/// HMAC-SHA1.
const INTEGRITY_LEN: usize = 20;
/// What the CRC of FINGERPRINT is xored with (RFC 8489 section 14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// Attribute types (RFC 8489 section 18.3, RFC 8445 section 16.1).
mod attribute {
    pub(super) const USERNAME: u16 = 0x0006;
    pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(super) const ERROR_CODE: u16 = 0x0009;
    pub(super) const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub(super) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(super) const PRIORITY: u16 = 0x0024;
    pub(super) const USE_CANDIDATE: u16 = 0x0025;
    pub(super) const FINGERPRINT: u16 = 0x8028;
    pub(super) const ICE_CONTROLLED: u16 = 0x8029;
    /// From here on attributes may be ignored.
    pub(super) const COMPREHENSION_OPTIONAL: u16 = 0x8000;
}

/// The MAC of MESSAGE-INTEGRITY under short-term credentials, which are the password itself (RFC 8489 section 9.1.1).
#[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(password: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(password).expect("HMAC takes keys of any length")
}

/// The value of FINGERPRINT over all that precedes it, the header's length counting the attribute already.
fn fingerprint(message: &[u8]) -> u32 {
    crc32fast::hash(message) ^ FINGERPRINT_XOR
}

impl fmt::Display for StunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed STUN message",
            Self::NotBindingRequest => "not a STUN binding request",
            Self::Fingerprint => "STUN fingerprint does not match",
            Self::Username => "STUN username is missing or not local:remote",
            Self::IntegrityMissing => "STUN message has no integrity attribute",
            Self::IntegrityMismatch => "STUN message integrity does not match",
        })
    }
}

impl std::error::Error for StunError {}
