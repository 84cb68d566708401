//! Packet indices and the replay window of each stream (RFC 3711 section 3.3).

use super::{MAX_STREAMS, SrtpError};

/// How far behind the highest index a packet may come. RFC 3711 asks for 64 at least; video bursts reorder more.
const WINDOW: u64 = 128;

/// Replay state of the streams of one association.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Few: a linear search is fastest.
    streams: Vec<(u32, Window)>,
}

/// Which of the last indices were accepted.
#[derive(Clone, Copy, Debug)]
struct Window {
    highest: u64,
    /// Bit n: `highest` − n was accepted.
    accepted: u128,
}

impl Streams {
    /// The likeliest index of a packet (RFC 3711 section 3.3.1): the one nearest to the highest accepted; ROC 0 for a new stream.
    pub(super) fn rtp_index(&self, ssrc: u32, sequence_number: u16) -> Result<u64, SrtpError> {
        let Some(window) = self.window(ssrc) else {
            return Ok(u64::from(sequence_number));
        };
        let step = sequence_number.wrapping_sub(low16(window.highest)).cast_signed();
        let index = window.highest.checked_add_signed(i64::from(step)).ok_or(SrtpError::TooOld)?;
        if index >= 1 << 48 { Err(SrtpError::KeyExhausted) } else { Ok(index) }
    }

    /// Whether a packet of this index may be accepted, before it is authenticated.
    pub(super) fn check(&self, ssrc: u32, index: u64) -> Result<(), SrtpError> {
        match self.window(ssrc) {
            Some(window) => window.check(index),
            None if self.streams.len() >= MAX_STREAMS => Err(SrtpError::TooManyStreams),
            None => Ok(()),
        }
    }

    /// Notes an authenticated packet that [`Self::check`] let pass.
    pub(super) fn accept(&mut self, ssrc: u32, index: u64) {
        match self.streams.iter_mut().find(|(known, _)| *known == ssrc) {
            Some((_, window)) => window.accept(index),
            None => self.streams.push((ssrc, Window { highest: index, accepted: 1 })),
        }
    }

    fn window(&self, ssrc: u32) -> Option<&Window> {
        self.streams.iter().find(|(known, _)| *known == ssrc).map(|(_, window)| window)
    }
}

impl Window {
    fn check(&self, index: u64) -> Result<(), SrtpError> {
        match self.highest.checked_sub(index) {
            None => Ok(()),
            Some(WINDOW..) => Err(SrtpError::TooOld),
            Some(age) if self.accepted >> age & 1 == 1 => Err(SrtpError::Replayed),
            Some(_) => Ok(()),
        }
    }

    fn accept(&mut self, index: u64) {
        if let Some(age) = self.highest.checked_sub(index) {
            self.accepted |= shifted(1, age);
        } else {
            self.accepted = shifted(self.accepted, index.saturating_sub(self.highest)) | 1;
            self.highest = index;
        }
    }
}

/// `bits << by`, zero where everything is shifted out.
fn shifted(bits: u128, by: u64) -> u128 {
    u32::try_from(by).ok().and_then(|by| bits.checked_shl(by)).unwrap_or(0)
}

#[allow(clippy::cast_possible_truncation, reason = "the low 16 bits are what is asked for")]
const fn low16(index: u64) -> u16 {
    index as u16
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    const SSRC: u32 = 1;

    fn accepted(indices: &[u64]) -> Streams {
        let mut streams = Streams::default();
        for &index in indices {
            assert_eq!(streams.check(SSRC, index), Ok(()));
            streams.accept(SSRC, index);
        }
        streams
    }

    #[test]
    fn window_of_128() {
        let streams = accepted(&[1000, 873]);
        assert_eq!(streams.check(SSRC, 1000), Err(SrtpError::Replayed));
        assert_eq!(streams.check(SSRC, 873), Err(SrtpError::Replayed));
        assert_eq!(streams.check(SSRC, 872), Err(SrtpError::TooOld));
        assert_eq!(streams.check(SSRC, 874), Ok(()));
    }

    #[test]
    fn window_slides_and_forgets() {
        let streams = accepted(&[10, 12, 137]);
        assert_eq!(streams.check(SSRC, 10), Err(SrtpError::Replayed));
        assert_eq!(streams.check(SSRC, 11), Ok(()));
        assert_eq!(accepted(&[10, 10_000]).check(SSRC, 9_999), Ok(()));
    }

    #[test]
    fn index_follows_the_rollover_both_ways() {
        let mut streams = accepted(&[65_530]);
        assert_eq!(streams.rtp_index(SSRC, 3), Ok(65_539));
        streams.accept(SSRC, 65_539);
        assert_eq!(streams.rtp_index(SSRC, 65_531), Ok(65_531));
        assert_eq!(streams.rtp_index(SSRC, 4), Ok(65_540));
    }

    #[test]
    fn nothing_comes_before_index_0() {
        assert_eq!(accepted(&[5]).rtp_index(SSRC, 65_535), Err(SrtpError::TooOld));
    }

    #[test]
    fn indices_end_at_48_bits() {
        assert_eq!(accepted(&[(1 << 48) - 1]).rtp_index(SSRC, 0), Err(SrtpError::KeyExhausted));
    }

    #[test]
    fn streams_are_bounded() {
        let mut streams = Streams::default();
        for ssrc in 0..u32::try_from(MAX_STREAMS).unwrap() {
            streams.accept(ssrc, 0);
        }
        assert_eq!(streams.check(u32::MAX, 0), Err(SrtpError::TooManyStreams));
        assert_eq!(streams.check(0, 1), Ok(()));
    }
}
