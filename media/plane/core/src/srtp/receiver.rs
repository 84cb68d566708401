//! The receiving direction.

use super::derive::Usage;
use super::replay::Streams;
use super::{Cipher, MasterKey, Profile, RTCP_ENCRYPTED, RTCP_INDEX_MASK, RTCP_TRAILER_LEN, SrtpError};
use crate::rtp;

/// Opens what we receive.
#[derive(Debug)]
pub struct SrtpReceiver {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: Streams,
    rtcp_streams: Streams,
}

impl SrtpReceiver {
    /// Derives the session keys.
    #[must_use]
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        Self {
            rtp: Cipher::new(profile, master, Usage::Rtp),
            rtcp: Cipher::new(profile, master, Usage::Rtcp),
            rtp_streams: Streams::default(),
            rtcp_streams: Streams::default(),
        }
    }

    /// Checks and decrypts an SRTP packet in place and returns its length without the tag.
    ///
    /// `header` is the parsed header of `packet`. No state changes unless the packet is authentic.
    ///
    /// # Errors
    /// The packet must be dropped; its content is unspecified.
    pub fn open_rtp(&mut self, packet: &mut [u8], header: &rtp::Header) -> Result<usize, SrtpError> {
        let index = self.rtp_streams.rtp_index(header.ssrc, header.sequence_number)?;
        self.rtp_streams.check(header.ssrc, index)?;
        let len = match &self.rtp {
            Cipher::Gcm(gcm) => gcm.open_rtp(packet, header.header_len, header.ssrc, index)?,
            Cipher::CounterMode(cm) => cm.open_rtp(packet, header.header_len, header.ssrc, index)?,
        };
        self.rtp_streams.accept(header.ssrc, index);
        Ok(len)
    }

    /// Checks and decrypts an SRTCP packet in place and returns its length without index and tag.
    ///
    /// # Errors
    /// The packet must be dropped; its content is unspecified.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = super::rtcp_ssrc(packet)?;
        let trailer = self.take_trailer(packet)?;
        if trailer & RTCP_ENCRYPTED == 0 {
            return Err(SrtpError::Unencrypted);
        }
        let index = u64::from(trailer & RTCP_INDEX_MASK);
        self.rtcp_streams.check(ssrc, index)?;
        let body_len = packet.len().checked_sub(RTCP_TRAILER_LEN).ok_or(SrtpError::Truncated)?;
        let body = packet.get_mut(..body_len).ok_or(SrtpError::Truncated)?;
        let len = match &self.rtcp {
            Cipher::Gcm(gcm) => gcm.open_rtcp(body, ssrc, trailer)?,
            Cipher::CounterMode(cm) => cm.open_rtcp(body, ssrc, trailer)?,
        };
        self.rtcp_streams.accept(ssrc, index);
        Ok(len)
    }

    /// Reads E and index and moves the tag, if it is behind them, to their place, so that the packet ends with the tag and four spare octets.
    fn take_trailer(&self, packet: &mut [u8]) -> Result<u32, SrtpError> {
        let tag_behind = match &self.rtcp {
            Cipher::Gcm(_) => 0,
            Cipher::CounterMode(_) => self.rtcp.tag_len(),
        };
        let at = packet.len().checked_sub(tag_behind.saturating_add(RTCP_TRAILER_LEN)).ok_or(SrtpError::Truncated)?;
        let (_, end) = super::split_at(packet, at)?;
        let trailer = *end.first_chunk().ok_or(SrtpError::Truncated)?;
        end.rotate_left(RTCP_TRAILER_LEN);
        Ok(u32::from_be_bytes(trailer))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::super::vectors::{MASTER, rtcp_packet, rtp_packet};
    use super::super::{MAX_STREAMS, SrtpSender};
    use super::*;

    const PROFILES: [Profile; 2] = [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80];

    fn pair(profile: Profile) -> (SrtpSender, SrtpReceiver) {
        (SrtpSender::new(profile, &MASTER), SrtpReceiver::new(profile, &MASTER))
    }

    /// The test packet with other numbers, sealed behind some octets that belong to another packet.
    fn sealed_rtp(sender: &SrtpSender, ssrc: u32, index: u64) -> Vec<u8> {
        let [_, _, roc @ .., seq0, seq1] = index.to_be_bytes();
        let mut packet = vec![0xEE; 5];
        packet.extend(rtp_packet());
        packet.splice(7..9, [seq0, seq1]);
        packet.splice(13..17, ssrc.to_be_bytes());
        sender.seal_rtp(&mut packet, 5, 12, u32::from_be_bytes(roc)).unwrap();
        packet.split_off(5)
    }

    fn open(receiver: &mut SrtpReceiver, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut packet = packet.to_vec();
        let header = rtp::Header::parse(&packet).unwrap();
        let len = receiver.open_rtp(&mut packet, &header)?;
        packet.truncate(len);
        Ok(packet.split_off(header.header_len))
    }

    #[test]
    fn what_is_sealed_opens_once() {
        for profile in PROFILES {
            let (mut sender, mut receiver) = pair(profile);
            let packet = sealed_rtp(&sender, 1, 1);
            assert_eq!(packet.len(), rtp_packet().len() + sender.rtp_overhead());
            assert_eq!(open(&mut receiver, &packet).as_deref(), Ok(&rtp_packet()[12..]));
            assert_eq!(open(&mut receiver, &packet), Err(SrtpError::Replayed));

            let mut packet = rtcp_packet();
            sender.seal_rtcp(&mut packet, 0).unwrap();
            let replayed = packet.clone();
            assert_eq!(receiver.open_rtcp(&mut packet), Ok(rtcp_packet().len()));
            assert!(packet.starts_with(&rtcp_packet()));
            assert_eq!(receiver.open_rtcp(&mut replayed.clone()), Err(SrtpError::Replayed));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed_and_harmless() {
        for profile in PROFILES {
            let (mut sender, mut receiver) = pair(profile);
            let packet = sealed_rtp(&sender, 1, 1);
            for at in 2..packet.len() {
                let mut forged = packet.clone();
                forged[at] ^= 0x10;
                assert_eq!(open(&mut receiver, &forged), Err(SrtpError::Authentication), "octet {at}");
            }
            assert!(open(&mut receiver, &packet).is_ok());

            let mut packet = rtcp_packet();
            sender.seal_rtcp(&mut packet, 0).unwrap();
            for at in 0..packet.len() {
                let mut forged = packet.clone();
                forged[at] ^= 0x10;
                assert_eq!(receiver.open_rtcp(&mut forged), Err(SrtpError::Authentication), "octet {at}");
            }
            assert!(receiver.open_rtcp(&mut packet).is_ok());
        }
    }

    #[test]
    fn rtcp_in_the_clear_is_refused() {
        for profile in PROFILES {
            let (mut sender, mut receiver) = pair(profile);
            let mut packet = rtcp_packet();
            sender.seal_rtcp(&mut packet, 0).unwrap();
            let trailer_at = if profile == Profile::AeadAes128Gcm { packet.len() - 4 } else { packet.len() - 14 };
            packet[trailer_at] &= 0x7F;
            assert_eq!(receiver.open_rtcp(&mut packet), Err(SrtpError::Unencrypted));
        }
    }

    #[test]
    fn rollover_with_reordering() {
        for profile in PROFILES {
            let (sender, mut receiver) = pair(profile);
            for index in [65_533, 65_536, 65_534, 65_537, 65_535, 98_304, 131_071, 131_073, 131_072] {
                assert!(open(&mut receiver, &sealed_rtp(&sender, 1, index)).is_ok(), "index {index}");
            }
            assert_eq!(open(&mut receiver, &sealed_rtp(&sender, 1, 130_900)), Err(SrtpError::TooOld));
        }
    }

    #[test]
    fn forged_packets_make_no_streams() {
        let (sender, mut receiver) = pair(Profile::AeadAes128Gcm);
        for ssrc in 0..1000 {
            let mut forged = sealed_rtp(&sender, ssrc, 1);
            forged[20] ^= 1;
            assert_eq!(open(&mut receiver, &forged), Err(SrtpError::Authentication));
        }
        for ssrc in 0..u32::try_from(MAX_STREAMS).unwrap() {
            assert!(open(&mut receiver, &sealed_rtp(&sender, ssrc, 1)).is_ok());
        }
        assert_eq!(open(&mut receiver, &sealed_rtp(&sender, 1000, 1)), Err(SrtpError::TooManyStreams));
        assert!(open(&mut receiver, &sealed_rtp(&sender, 0, 2)).is_ok());
    }

    #[test]
    fn truncated_packets_are_refused() {
        for profile in PROFILES {
            let (mut sender, mut receiver) = pair(profile);
            let packet = sealed_rtp(&sender, 1, 1);
            for len in 12..packet.len() {
                assert!(open(&mut receiver, &packet[..len]).is_err());
            }
            let mut packet = rtcp_packet();
            sender.seal_rtcp(&mut packet, 0).unwrap();
            for len in 0..packet.len() {
                assert!(receiver.open_rtcp(&mut packet[..len].to_vec()).is_err());
            }
        }
    }
}
