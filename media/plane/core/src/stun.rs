//! STUN binding requests of ICE connectivity checks, answered as a lite agent does (RFC 8489, RFC 8445).

use std::fmt;
use std::net::SocketAddr;

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

/// A connectivity check.
#[derive(Clone, Copy, Debug)]
pub struct BindingRequest<'a> {
    /// To be repeated in the response.
    pub transaction: TransactionId,
    /// Our ufrag: USERNAME before the colon.
    pub local_ufrag: &'a str,
    /// The peer's ufrag: USERNAME behind the colon.
    pub remote_ufrag: &'a str,
    /// USE-CANDIDATE: the peer nominates this pair.
    pub use_candidate: bool,
    /// The peer says ICE-CONTROLLED. A lite agent always is, so this is a role conflict (487).
    pub controlled: bool,
    unknown: Unknown,
    message: &'a [u8],
    /// Offset of the MESSAGE-INTEGRITY attribute and its value.
    integrity: (usize, [u8; 20]),
}

/// The first few comprehension-required attributes that were not understood.
#[derive(Clone, Copy, Debug, Default)]
struct Unknown {
    types: [u16; 4],
    len: usize,
}

impl<'a> BindingRequest<'a> {
    /// Parses a binding request and checks its FINGERPRINT where it has one. The sender is not authenticated: see [`Self::verify`].
    ///
    /// # Errors
    /// What is wrong with it; nothing of it should be believed then.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, StunError> {
        todo!()
    }

    /// Checks MESSAGE-INTEGRITY with our password, in constant time (RFC 8489 section 14.5, short-term credentials).
    ///
    /// # Errors
    /// [`StunError::IntegrityMismatch`].
    pub fn verify(&self, password: &[u8]) -> Result<(), StunError> {
        todo!()
    }

    /// Comprehension-required attributes that are not understood, the first few: to be answered with 420 when not empty.
    #[must_use]
    pub fn unknown_attributes(&self) -> &[u16] {
        todo!()
    }
}

/// Appends a success response with XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and FINGERPRINT.
pub fn write_success(transaction: TransactionId, mapped: SocketAddr, password: &[u8], out: &mut Vec<u8>) {
    todo!()
}

/// Appends an error response, with MESSAGE-INTEGRITY where the request was authenticated, and FINGERPRINT.
pub fn write_error(transaction: TransactionId, code: ErrorCode<'_>, password: Option<&[u8]>, out: &mut Vec<u8>) {
    todo!()
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
