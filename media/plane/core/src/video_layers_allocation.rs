//! The video layers allocation header extension (`video-layers-allocation00` of libwebrtc): which layers a sender sends, at
//! which target bitrates and sizes, so that a forwarder need not measure before it chooses.

use std::fmt;

use arrayvec::ArrayVec;

/// Two bits each for RTP streams, spatial and temporal layers.
pub const MAX_STREAMS: usize = 4;
/// Spatial layers of an RTP stream.
pub const MAX_SPATIAL_LAYERS: usize = 4;
/// Temporal layers of a spatial layer.
pub const MAX_TEMPORAL_LAYERS: usize = 4;
/// All spatial layers of all streams.
const MAX_LAYERS: usize = MAX_STREAMS * MAX_SPATIAL_LAYERS;

/// Octets of one size and frame rate.
const SIZE_LEN: usize = 5;

/// Why an extension is no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationError {
    /// It ends before a field that it announces.
    Truncated,
    /// A bitrate exceeds 32 bits of kbit/s.
    Bitrate,
}

/// What a sender sends now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// Which of the sender's RTP streams (encodings, lowest first) this came with.
    pub stream: u8,
    /// The spatial layers that are sent, by stream and then by spatial id. Empty: nothing is sent.
    pub layers: ArrayVec<Layer, MAX_LAYERS>,
}

/// One spatial layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its RTP stream (encoding, lowest first).
    pub stream: u8,
    /// 0–3.
    pub spatial_id: u8,
    /// kbit/s needed for each temporal layer with all that it depends on, lowest first.
    pub target_kbps: ArrayVec<u32, MAX_TEMPORAL_LAYERS>,
    /// Told on keyframes and when it changes.
    pub size: Option<Size>,
}

/// What a spatial layer's pictures are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels, 1 to 65536.
    pub width: u32,
    /// Pixels, 1 to 65536.
    pub height: u32,
    /// Frames a second at most.
    pub max_frame_rate: u8,
}

impl Allocation {
    /// Parses the extension's data.
    ///
    /// # Errors
    /// [`AllocationError`].
    pub fn parse(data: &[u8]) -> Result<Self, AllocationError> {
        let (&first, mut rest) = data.split_first().ok_or(AllocationError::Truncated)?;
        if first == 0 && rest.is_empty() {
            return Ok(Self::default());
        }
        let streams = (first >> 4 & 0x03).saturating_add(1);
        let mut allocation = Self { stream: first >> 6, layers: ArrayVec::new() };
        for (stream, active) in (0..streams).zip(active_layers(first, streams, &mut rest)?) {
            let active = (0..4).filter(|spatial_id| active >> spatial_id & 1 != 0);
            // Four streams of four layers fill it at most.
            allocation.layers.extend(active.map(|spatial_id| Layer { stream, spatial_id, target_kbps: ArrayVec::new(), size: None }));
        }
        allocation.read_bitrates(&mut rest)?;
        allocation.read_sizes(rest);
        Ok(allocation)
    }

    /// Temporal layers, two bits a spatial layer, then a target a temporal layer.
    fn read_bitrates(&mut self, rest: &mut &[u8]) -> Result<(), AllocationError> {
        let counts = take(rest, self.layers.len().div_ceil(4))?;
        for (layers, counts) in self.layers.chunks_mut(4).zip(counts) {
            for (layer, shift) in layers.iter_mut().zip([6, 4, 2, 0]) {
                for _ in 0..=(counts >> shift & 0x03) {
                    layer.target_kbps.push(leb128(rest)?);
                }
            }
        }
        Ok(())
    }

    /// Sizes are there if there is room for all of them.
    fn read_sizes(&mut self, rest: &[u8]) {
        if rest.len() < self.layers.len().saturating_mul(SIZE_LEN) {
            return;
        }
        for (layer, &[w0, w1, h0, h1, max_frame_rate]) in self.layers.iter_mut().zip(rest.as_chunks::<SIZE_LEN>().0) {
            let [width, height] = [[w0, w1], [h0, h1]].map(|minus_one| u32::from(u16::from_be_bytes(minus_one)).saturating_add(1));
            layer.size = Some(Size { width, height, max_frame_rate });
        }
    }
}

/// A bitmask of active spatial layers for each of `streams`: the same for all, or four bits each in whole octets.
fn active_layers(first: u8, streams: u8, rest: &mut &[u8]) -> Result<[u8; MAX_STREAMS], AllocationError> {
    let common = first & 0x0F;
    if common != 0 {
        return Ok([common; MAX_STREAMS]);
    }
    let [low, high] = match *take(rest, usize::from(streams).div_ceil(2))? {
        [low, high] => [low, high],
        [low] => [low, 0],
        _ => return Err(AllocationError::Truncated),
    };
    Ok([low >> 4, low & 0x0F, high >> 4, high & 0x0F])
}

/// An unsigned number of seven bits an octet, lowest first (AV1 specification section 4.10.5).
fn leb128(rest: &mut &[u8]) -> Result<u32, AllocationError> {
    let mut value = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let octet = take(rest, 1)?.first().copied().ok_or(AllocationError::Truncated)?;
        value |= u64::from(octet & 0x7F) << shift;
        if octet & 0x80 == 0 {
            return u32::try_from(value).map_err(|_| AllocationError::Bitrate);
        }
    }
    Err(AllocationError::Bitrate)
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], AllocationError> {
    let (taken, behind) = rest.split_at_checked(len).ok_or(AllocationError::Truncated)?;
    *rest = behind;
    Ok(taken)
}

impl fmt::Display for AllocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "video layers allocation ends before a field that it announces",
            Self::Bitrate => "video layers allocation has a bitrate beyond 32 bits",
        })
    }
}

impl std::error::Error for AllocationError {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    /// Of stream 1 of 2, one spatial layer each with two temporal layers: 100, 150 and 400, 600 kbit/s; 320 × 180 and 640 × 360 at 30.
    const SIMULCAST: [u8; 18] = [0x51, 0x50, 100, 0x96, 0x01, 0x90, 0x03, 0xD8, 0x04, 1, 0x3F, 0, 0xB3, 30, 2, 0x7F, 1, 0x67];

    fn with_sizes() -> Vec<u8> {
        [&SIMULCAST[..], &[30]].concat()
    }

    #[test]
    fn simulcast_with_sizes() {
        let allocation = Allocation::parse(&with_sizes()).unwrap();
        assert_eq!((allocation.stream, allocation.layers.len()), (1, 2));
        let [low, high] = [&allocation.layers[0], &allocation.layers[1]];
        assert_eq!((low.stream, low.spatial_id, low.target_kbps.as_slice()), (0, 0, [100, 150].as_slice()));
        assert_eq!((high.stream, high.spatial_id, high.target_kbps.as_slice()), (1, 0, [400, 600].as_slice()));
        assert_eq!(high.size, Some(Size { width: 640, height: 360, max_frame_rate: 30 }));
    }

    #[test]
    fn sizes_are_optional() {
        let allocation = Allocation::parse(&SIMULCAST[..9]).unwrap();
        assert!(allocation.layers.iter().all(|layer| layer.size.is_none()));
        assert_eq!(allocation.layers[1].target_kbps.as_slice(), [400, 600]);
    }

    #[test]
    fn streams_may_differ_in_their_layers() {
        // Three streams: none, layer 0, layers 0 and 1; one temporal layer each.
        let allocation = Allocation::parse(&[0x20, 0x01, 0x30, 0x00, 1, 2, 3]).unwrap();
        let layers: Vec<_> = allocation.layers.iter().map(|layer| (layer.stream, layer.spatial_id, layer.target_kbps[0])).collect();
        assert_eq!(layers, [(1, 0, 1), (2, 0, 2), (2, 1, 3)]);
    }

    #[test]
    fn one_zero_octet_says_that_nothing_is_sent() {
        assert_eq!(Allocation::parse(&[0]), Ok(Allocation::default()));
    }

    #[test]
    fn every_cut_before_the_sizes_is_an_error() {
        for len in 0..9 {
            assert_eq!(Allocation::parse(&SIMULCAST[..len]), Err(AllocationError::Truncated), "{len}");
        }
    }

    #[test]
    fn endless_and_huge_bitrates_are_refused() {
        assert_eq!(Allocation::parse(&[0x01, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), Err(AllocationError::Bitrate));
        assert_eq!(Allocation::parse(&[0x01, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]), Err(AllocationError::Bitrate));
        assert_eq!(Allocation::parse(&[0x01, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]).unwrap().layers[0].target_kbps[0], u32::MAX);
    }

    #[test]
    fn the_most_that_fits_its_fields() {
        let data = [&[0xFF][..], &[0xFF; 4], &[1; 64], &[0; 80]].concat();
        let allocation = Allocation::parse(&data).unwrap();
        assert_eq!(allocation.layers.len(), 16);
        assert!(allocation.layers.iter().all(|layer| layer.target_kbps.len() == 4 && layer.size.is_some()));
    }
}
