//! Datagrams in a stream: each behind its length in two octets, big-endian (RFC 4571 section 2; RFC 6544 section 3).

use std::collections::VecDeque;

/// Longest frame that is taken. What a peer sends fits an Ethernet frame, and whoever speaks another protocol to this
/// port is found out at once: the first two octets of TLS and of HTTP methods are longer lengths.
pub const MAX_FRAME_OCTETS: usize = 4_096;

const PREFIX_OCTETS: usize = 2;

/// Room that an empty queue keeps, so that it neither allocates for every packet nor stays as large as it ever was.
const KEPT_OCTETS: usize = 8_192;

/// A length above [`MAX_FRAME_OCTETS`]: nothing behind it can be trusted to be a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLong(pub usize);

/// Cuts a received stream into frames. Holds at most one frame that has begun.
#[derive(Debug, Default)]
pub struct Deframer {
    /// What has come of a frame, with its prefix; empty between frames.
    partial: Vec<u8>,
}

impl Deframer {
    /// Take the stream's next octets and hand over each frame that they complete, without its prefix. Frames that came
    /// whole stay where they are. Null packets (length 0) are skipped.
    ///
    /// # Errors
    /// [`FrameTooLong`]: the stream is not worth reading on.
    pub fn feed(&mut self, octets: &mut [u8], mut each: impl FnMut(&mut [u8])) -> Result<(), FrameTooLong> {
        let mut rest = self.complete(octets, &mut each)?;
        while let Some(whole) = whole_frame(rest)? {
            let (frame, behind) = rest.split_at_mut(whole);
            hand_over(frame, &mut each);
            rest = behind;
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// Bring the frame that has begun to its end, as far as `octets` reach. Returns what is behind it.
    fn complete<'a>(&mut self, mut octets: &'a mut [u8], each: &mut impl FnMut(&mut [u8])) -> Result<&'a mut [u8], FrameTooLong> {
        while !self.partial.is_empty() && !octets.is_empty() {
            let wanted = self.missing()?.min(octets.len());
            let (now, later) = octets.split_at_mut(wanted);
            self.partial.extend_from_slice(now);
            octets = later;
            if self.missing()? == 0 {
                hand_over(&mut self.partial, each);
                self.partial.clear();
            }
        }
        Ok(octets)
    }

    /// Octets that the begun frame lacks, or its prefix if that is not whole yet.
    fn missing(&self) -> Result<usize, FrameTooLong> {
        let end = frame_length(&self.partial)?.map_or(PREFIX_OCTETS, |length| length.saturating_add(PREFIX_OCTETS));
        Ok(end.saturating_sub(self.partial.len()))
    }
}

/// The length that a frame's prefix tells; `None` while it is not whole.
fn frame_length(stream: &[u8]) -> Result<Option<usize>, FrameTooLong> {
    let length = stream.first_chunk().map(|&prefix| usize::from(u16::from_be_bytes(prefix)));
    length.map_or(Ok(None), |length| if length > MAX_FRAME_OCTETS { Err(FrameTooLong(length)) } else { Ok(Some(length)) })
}

/// Octets of the first frame in `stream`, with its prefix; `None` while it is not whole.
fn whole_frame(stream: &[u8]) -> Result<Option<usize>, FrameTooLong> {
    let whole = frame_length(stream)?.map(|length| length.saturating_add(PREFIX_OCTETS));
    Ok(whole.filter(|&whole| whole <= stream.len()))
}

/// `frame` is whole, with its prefix.
fn hand_over(frame: &mut [u8], each: &mut impl FnMut(&mut [u8])) {
    match frame.get_mut(PREFIX_OCTETS..) {
        Some(content) if !content.is_empty() => each(content),
        _ => {}
    }
}

/// Frames that wait to be written, as the stream that they become. It takes whole frames or nothing of them.
#[derive(Debug)]
pub struct FrameQueue {
    octets: VecDeque<u8>,
    limit: usize,
}

impl FrameQueue {
    /// An empty queue for `limit` octets, prefixes counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { octets: VecDeque::new(), limit }
    }

    /// Add a frame. False: there is no room for it, or it is longer than a prefix can tell, and nothing was added.
    #[must_use]
    pub fn push(&mut self, content: &[u8]) -> bool {
        let Ok(length) = u16::try_from(content.len()) else { return false };
        let added = content.len().saturating_add(PREFIX_OCTETS);
        if self.octets.len().saturating_add(added) > self.limit {
            return false;
        }
        self.octets.extend(length.to_be_bytes());
        self.octets.extend(content);
        true
    }

    /// What is to be written next; empty only when nothing waits.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.octets.as_slices().0
    }

    /// So many octets of [`FrameQueue::unsent`] were written.
    pub fn advance(&mut self, sent: usize) {
        self.octets.drain(..sent.min(self.octets.len()));
        if self.octets.is_empty() {
            self.octets.shrink_to(KEPT_OCTETS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(deframer: &mut Deframer, stream: &[u8]) -> (Vec<Vec<u8>>, Result<(), FrameTooLong>) {
        let mut frames = Vec::new();
        let result = deframer.feed(&mut stream.to_vec(), |frame| frames.push(frame.to_vec()));
        (frames, result)
    }

    #[test]
    fn frames_are_cut_and_null_packets_skipped() {
        let mut deframer = Deframer::default();
        let (got, result) = frames(&mut deframer, b"\x00\x02hi\x00\x00\x00\x01!\x00");
        assert_eq!((got, result), (vec![b"hi".to_vec(), b"!".to_vec()], Ok(())));
        assert_eq!(frames(&mut deframer, b"\x03y").0, Vec::<Vec<u8>>::new());
        assert_eq!(frames(&mut deframer, b"es\x00\x00").0, [b"yes"]);
    }

    #[test]
    fn other_protocols_are_found_out_by_their_first_octets() {
        for (stream, length) in [(&b"GET / HTTP/1.1"[..], 0x4745), (b"\x16\x03\x01\x02\x00", 0x1603), (b"SSH-2.0", 0x5353)] {
            assert_eq!(frames(&mut Deframer::default(), stream), (Vec::new(), Err(FrameTooLong(length))));
        }
        // Also when they come one at a time, and behind a whole frame.
        let mut deframer = Deframer::default();
        assert_eq!(frames(&mut deframer, b"\x00\x01a\x10"), (vec![b"a".to_vec()], Ok(())));
        assert_eq!(frames(&mut deframer, b"\x01"), (Vec::new(), Err(FrameTooLong(4_097))));
    }

    #[test]
    fn a_full_queue_takes_whole_frames_or_nothing() {
        let mut queue = FrameQueue::new(10);
        assert!(queue.push(b"abcd") && !queue.push(b"efg") && queue.push(b"ef"));
        assert_eq!(queue.unsent(), b"\x00\x04abcd\x00\x02ef");
        queue.advance(3);
        assert!(queue.push(b"g") && !queue.push(b""));
        assert!(!FrameQueue::new(usize::MAX).push(&[0; 65_536]), "no prefix tells this length");
    }
}
