//! The sending direction.

use super::derive::Usage;
use super::{Cipher, MasterKey, Profile, RTCP_ENCRYPTED, RTCP_INDEX_MASK, SrtpError};

/// Protects what we send.
#[derive(Debug)]
pub struct SrtpSender {
    rtp: Cipher,
    rtcp: Cipher,
    /// Of the next SRTCP packet: 31 bits, one count for all streams.
    rtcp_index: u32,
}

impl SrtpSender {
    /// Derives the session keys.
    #[must_use]
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        Self {
            rtp: Cipher::new(profile, master, Usage::Rtp),
            rtcp: Cipher::new(profile, master, Usage::Rtcp),
            // RFC 3711 section 3.2.1: the index is zero before the first packet, so the first carries 1.
            rtcp_index: 1,
        }
    }

    /// Octets that [`Self::seal_rtp`] appends.
    #[must_use]
    pub const fn rtp_overhead(&self) -> usize {
        self.rtp.tag_len()
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
        let plain = packet.get_mut(start..).ok_or(SrtpError::Truncated)?;
        let &[_, _, seq0, seq1, _, _, _, _, ssrc0, ssrc1, ssrc2, ssrc3] = plain.first_chunk().ok_or(SrtpError::Truncated)?;
        let ssrc = u32::from_be_bytes([ssrc0, ssrc1, ssrc2, ssrc3]);
        let index = (u64::from(roc) << 16) | u64::from(u16::from_be_bytes([seq0, seq1]));
        match &self.rtp {
            Cipher::Gcm(gcm) => {
                let tag = gcm.seal_rtp(plain, header_len, ssrc, index)?;
                packet.extend_from_slice(&tag);
            }
            Cipher::CounterMode(cm) => {
                let tag = cm.seal_rtp(plain, header_len, ssrc, index)?;
                packet.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Encrypts the compound RTCP packet `packet[start..]` in place and appends index and tag.
    ///
    /// # Errors
    /// [`SrtpError::Truncated`], [`SrtpError::KeyExhausted`]; the packet is then unchanged.
    pub fn seal_rtcp(&mut self, packet: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        if self.rtcp_index > RTCP_INDEX_MASK {
            return Err(SrtpError::KeyExhausted);
        }
        let plain = packet.get_mut(start..).ok_or(SrtpError::Truncated)?;
        let ssrc = super::rtcp_ssrc(plain)?;
        let trailer = RTCP_ENCRYPTED | self.rtcp_index;
        match &self.rtcp {
            // RFC 7714 section 9: the trailer is behind the tag.
            Cipher::Gcm(gcm) => {
                let tag = gcm.seal_rtcp(plain, ssrc, trailer)?;
                packet.extend_from_slice(&tag);
                packet.extend_from_slice(&trailer.to_be_bytes());
            }
            // RFC 3711 section 3.4: the trailer is before the tag.
            Cipher::CounterMode(cm) => {
                let tag = cm.seal_rtcp(plain, ssrc, trailer)?;
                packet.extend_from_slice(&trailer.to_be_bytes());
                packet.extend_from_slice(&tag);
            }
        }
        self.rtcp_index = self.rtcp_index.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::super::vectors::{MASTER, rtcp_packet};
    use super::*;

    #[test]
    fn rtcp_index_ends_after_31_bits() {
        let mut sender = SrtpSender::new(Profile::AeadAes128Gcm, &MASTER);
        sender.rtcp_index = RTCP_INDEX_MASK;
        let mut packet = rtcp_packet();
        assert_eq!(sender.seal_rtcp(&mut packet, 0), Ok(()));
        assert!(packet.ends_with(&[0xFF; 4]));
        let mut packet = rtcp_packet();
        assert_eq!(sender.seal_rtcp(&mut packet, 0), Err(SrtpError::KeyExhausted));
        assert_eq!(packet, rtcp_packet());
    }

    #[test]
    fn short_packets_stay_as_they_are() {
        let mut sender = SrtpSender::new(Profile::Aes128CmSha1_80, &MASTER);
        let mut packet = vec![0x80; 11];
        assert_eq!(sender.seal_rtp(&mut packet, 0, 12, 0), Err(SrtpError::Truncated));
        assert_eq!(sender.seal_rtp(&mut packet, 12, 12, 0), Err(SrtpError::Truncated));
        assert_eq!(sender.seal_rtcp(&mut packet, 4), Err(SrtpError::Truncated));
        let mut headed = vec![0x80; 20];
        assert_eq!(sender.seal_rtp(&mut headed, 0, 21, 0), Err(SrtpError::Truncated));
        assert_eq!((packet, headed), (vec![0x80; 11], vec![0x80; 20]));
    }
}
