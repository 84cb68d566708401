//! What a subscriber gets: opened as a browser opens it, and held against what a sender must never do.

use std::collections::HashMap;

use plane_core::demux::{self, Kind};
use plane_core::rtp::Header;
use plane_core::srtp::{MasterKey, Profile, SrtpError, SrtpReceiver};

/// What a datagram from the engine was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// An RTP packet, opened.
    Rtp {
        /// Sequence number with its rollover count: the packet index of RFC 3711 section 3.3.1.
        index: i64,
        /// Its header.
        header: Header,
        /// The payload without padding; `None` when it came too late for the receiver's replay window.
        payload: Option<Vec<u8>>,
    },
    /// The identical octets of a packet that came before, which a receiver's replay protection drops.
    Copy {
        /// Of the packet.
        index: i64,
        /// Its header.
        header: Header,
    },
    /// An RTCP compound, opened.
    Rtcp(Vec<u8>),
    /// A STUN answer or a DTLS datagram.
    Other,
}

/// Opens what the engine sends under one key.
#[derive(Debug)]
pub struct Subscriber {
    receiver: SrtpReceiver,
    streams: HashMap<u32, Indices>,
}

/// The packet indices of one SSRC.
#[derive(Debug, Default)]
struct Indices {
    highest: i64,
    /// The sealed octets of each index.
    used: HashMap<i64, Vec<u8>>,
}

impl Subscriber {
    /// A subscriber that has received nothing. `key` is what the engine sends with.
    #[must_use]
    pub fn new(profile: Profile, key: &MasterKey) -> Self {
        Self { receiver: SrtpReceiver::new(profile, key), streams: HashMap::new() }
    }

    /// Open one datagram.
    ///
    /// # Panics
    /// When it does not open, or was sealed under an SSRC and index that was used before for anything else: with GCM that gives the key away.
    pub fn receive(&mut self, mut datagram: Vec<u8>) -> Received {
        match demux::classify(&datagram) {
            Some(Kind::Rtp) => self.receive_rtp(&mut datagram),
            Some(Kind::Rtcp) => Received::Rtcp(self.open_rtcp(datagram).expect("RTCP opens, under an index of its own")),
            Some(Kind::Stun | Kind::Dtls) => Received::Other,
            None => panic!("the engine sent what nobody understands: {datagram:?}"),
        }
    }

    /// Open an SRTCP packet.
    ///
    /// # Errors
    /// It was sealed with another key, or under an index that was used before.
    pub fn open_rtcp(&mut self, mut datagram: Vec<u8>) -> Result<Vec<u8>, SrtpError> {
        let length = self.receiver.open_rtcp(&mut datagram)?;
        datagram.truncate(length);
        Ok(datagram)
    }

    fn receive_rtp(&mut self, datagram: &mut [u8]) -> Received {
        let header = Header::parse(datagram).expect("RTP has a header");
        let indices = self.streams.entry(header.ssrc).or_default();
        let (index, copy) = indices.take(header.sequence_number, datagram);
        if copy {
            return Received::Copy { index, header };
        }
        let payload = match self.receiver.open_rtp(datagram, &header) {
            Ok(length) => {
                let packet = &datagram[..length];
                Some(packet[header.payload_range(packet).expect("padding is sound")].to_vec())
            }
            // So late that a browser drops it too; its index was looked at above all the same.
            Err(SrtpError::TooOld) => None,
            Err(error) => panic!("SSRC {} index {index}: {error}", header.ssrc),
        };
        Received::Rtp { index, header, payload }
    }
}

impl Indices {
    /// The index of a sequence number, by RFC 3711's guess, which a receiver makes; and whether it was used for the same octets.
    fn take(&mut self, sequence_number: u16, sealed: &[u8]) -> (i64, bool) {
        if self.used.is_empty() {
            self.highest = i64::from(sequence_number);
        }
        let step = sequence_number.wrapping_sub(self.highest as u16).cast_signed();
        let index = self.highest + i64::from(step);
        self.highest = self.highest.max(index);
        let copy = self.used.get(&index).is_some_and(|before| before == sealed);
        assert!(copy || self.used.insert(index, sealed.to_vec()).is_none(), "index {index} was used twice");
        (index, copy)
    }
}
