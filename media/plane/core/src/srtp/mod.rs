//! SRTP and SRTCP (RFC 3711, RFC 7714) for the two profiles that DTLS offers here.

use std::fmt;

use crate::rtp;

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
    /// The key has protected as many packets as it may: 2³¹ SRTCP packets, or 2⁴⁸ packets of a stream.
    KeyExhausted,
}

/// Streams (SSRCs) of one association whose replay state is kept, RTP and RTCP apart.
pub const MAX_STREAMS: usize = 64;

/// Protects what we send.
#[derive(Debug)]
pub struct SrtpSender {}

/// Opens what we receive.
#[derive(Debug)]
pub struct SrtpReceiver {}

impl SrtpSender {
    /// Derives the session keys.
    #[must_use]
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        todo!()
    }

    /// Octets that [`Self::seal_rtp`] appends.
    #[must_use]
    pub fn rtp_overhead(&self) -> usize {
        todo!()
    }

    /// Encrypts the RTP packet `packet[start..]` in place and appends its tag. Allocates nothing if `packet` has the capacity.
    ///
    /// SSRC and sequence number are read from the packet; with `roc` they make the packet index. **Never seal two different
    /// packets under the same SSRC and index**: with GCM that gives the key away. Sealing an identical packet again is harmless.
    ///
    /// * `header_len`: octets of `packet[start..]` that stay in the clear (CSRCs and extension included).
    /// * `roc`: how often the stream's sequence number has wrapped.
    ///
    /// # Errors
    /// [`SrtpError::Truncated`] when there is no header of that length at `start`; the packet is then unchanged.
    pub fn seal_rtp(&self, packet: &mut Vec<u8>, start: usize, header_len: usize, roc: u32) -> Result<(), SrtpError> {
        todo!()
    }

    /// Encrypts the compound RTCP packet `packet[start..]` in place and appends index and tag.
    ///
    /// # Errors
    /// [`SrtpError::Truncated`], [`SrtpError::KeyExhausted`]; the packet is then unchanged.
    pub fn seal_rtcp(&mut self, packet: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        todo!()
    }
}

impl SrtpReceiver {
    /// Derives the session keys.
    #[must_use]
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        todo!()
    }

    /// Checks and decrypts an SRTP packet in place and returns its length without the tag.
    ///
    /// `header` is the parsed header of `packet`. No state changes unless the packet is authentic.
    ///
    /// # Errors
    /// The packet must be dropped; its content is unspecified.
    pub fn open_rtp(&mut self, packet: &mut [u8], header: &rtp::Header) -> Result<usize, SrtpError> {
        todo!()
    }

    /// Checks and decrypts an SRTCP packet in place and returns its length without index and tag.
    ///
    /// # Errors
    /// The packet must be dropped; its content is unspecified.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        todo!()
    }
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
            Self::KeyExhausted => "SRTP key is used up",
        })
    }
}

impl std::error::Error for SrtpError {}
