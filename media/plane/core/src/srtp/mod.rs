//! SRTP and SRTCP (RFC 3711, RFC 7714) for the two profiles that DTLS offers here.

mod cm;
mod derive;
mod gcm;
mod receiver;
mod replay;
mod sender;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod vectors;

use std::fmt;

pub use receiver::SrtpReceiver;
pub use sender::SrtpSender;

use cm::CounterMode;
use derive::Usage;
use gcm::Gcm;

/// What DTLS settled on (RFC 5764, RFC 7714).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// AES-128-GCM with a tag of 16 octets, RTP and RTCP.
    AeadAes128Gcm,
    /// AES-128 counter mode and HMAC-SHA1 with a tag of 10 octets, RTP and RTCP.
    Aes128CmSha1_80,
}

/// Keying material of one direction. Debug shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    /// Master key.
    pub key: [u8; 16],
    /// Master salt. GCM uses the first 12 octets.
    pub salt: [u8; 14],
}

/// Why a packet was not protected or not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrtpError {
    /// Too short to be what it should be.
    Truncated,
    /// The tag does not match: forged, damaged, or another key.
    Authentication,
    /// Seen before.
    Replayed,
    /// Older than the replay window.
    TooOld,
    /// More streams than one association may have; see [`MAX_STREAMS`].
    TooManyStreams,
    /// SRTCP in the clear, which no profile here allows.
    Unencrypted,
    /// The key has protected as many packets as it may: 2³¹ SRTCP packets, or 2⁴⁸ packets of a stream.
    KeyExhausted,
}

/// Streams (SSRCs) of one association whose replay state is kept, RTP and RTCP apart.
pub const MAX_STREAMS: usize = 64;

/// Octets of the first RTCP header, which stays in the clear: up to the sender's SSRC.
const RTCP_HEADER_LEN: usize = 8;

/// Octets of E and index behind an SRTCP packet.
const RTCP_TRAILER_LEN: usize = 4;

/// E: the packet is encrypted.
const RTCP_ENCRYPTED: u32 = 1 << 31;

/// The SRTCP index, without E.
const RTCP_INDEX_MASK: u32 = RTCP_ENCRYPTED - 1;

/// The session keys of one usage under the profile.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "four a peer, and a box would cost every packet a cache line")]
enum Cipher {
    Gcm(Gcm),
    CounterMode(CounterMode),
}

impl Cipher {
    fn new(profile: Profile, master: &MasterKey, usage: Usage) -> Self {
        match profile {
            Profile::AeadAes128Gcm => Self::Gcm(Gcm::new(master, usage)),
            Profile::Aes128CmSha1_80 => Self::CounterMode(CounterMode::new(master, usage)),
        }
    }

    const fn tag_len(&self) -> usize {
        match self {
            Self::Gcm(_) => gcm::TAG_LEN,
            Self::CounterMode(_) => cm::TAG_LEN,
        }
    }
}

/// Splits a packet in two, or says that it is too short.
fn split_at(packet: &mut [u8], mid: usize) -> Result<(&mut [u8], &mut [u8]), SrtpError> {
    packet.split_at_mut_checked(mid).ok_or(SrtpError::Truncated)
}

/// The SSRC of a compound's first packet.
fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    let &[_, _, _, _, ssrc0, ssrc1, ssrc2, ssrc3] = packet.first_chunk::<RTCP_HEADER_LEN>().ok_or(SrtpError::Truncated)?;
    Ok(u32::from_be_bytes([ssrc0, ssrc1, ssrc2, ssrc3]))
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl fmt::Display for SrtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "SRTP packet is too short",
            Self::Authentication => "SRTP tag does not match",
            Self::Replayed => "SRTP packet was seen before",
            Self::TooOld => "SRTP packet is older than the replay window",
            Self::TooManyStreams => "too many SRTP streams",
            Self::Unencrypted => "SRTCP packet is not encrypted",
            Self::KeyExhausted => "SRTP key is used up",
        })
    }
}

impl std::error::Error for SrtpError {}
