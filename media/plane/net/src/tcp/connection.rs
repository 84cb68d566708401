//! One accepted connection.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use plane_core::address::TransportAddress;
use plane_core::framing::{Deframer, FrameQueue};
use socket2::SockRef;

/// What waits for a peer that reads slowly: the keyframe of a large picture and a second of video. More would only be
/// shown later; frames beyond it are dropped, and repaired as any loss.
const OUTGOING_OCTETS: usize = 256 << 10;

/// What the kernel may hold that it has not sent yet. Left alone it takes megabytes, which are seconds of delay.
const KERNEL_UNSENT_OCTETS: u32 = 32 << 10;

/// From accepting a connection, or from the end of its peer, until it is closed. Browsers check as soon as they have
/// connected; some round trips of a bad network are well within.
const UNCLAIMED_FOR: Duration = Duration::from_secs(5);

/// An open connection.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) address: TransportAddress,
    pub(super) deframer: Deframer,
    /// It waits for its turn to be read.
    pub(super) readable: bool,
    outgoing: FrameQueue,
    /// Since when it belongs to no peer.
    unclaimed_since: Option<Instant>,
}

impl Connection {
    /// # Errors
    /// What the system says when it refuses an option.
    pub(super) fn new(stream: TcpStream, address: TransportAddress, deframer: Deframer, now: Instant) -> io::Result<Self> {
        // A frame must not wait for the acknowledgement of the one before it.
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_notsent_lowat(KERNEL_UNSENT_OCTETS)?;
        let outgoing = FrameQueue::new(OUTGOING_OCTETS);
        Ok(Self { stream, address, deframer, readable: false, outgoing, unclaimed_since: Some(now) })
    }

    /// Note whether a peer passed a check on it. True: it has been nobody's for too long.
    pub(super) fn is_overdue(&mut self, checked: bool, now: Instant) -> bool {
        if checked {
            self.unclaimed_since = None;
            return false;
        }
        now.saturating_duration_since(*self.unclaimed_since.get_or_insert(now)) >= UNCLAIMED_FOR
    }

    /// What the kernel holds, as much as `buffer` takes; 0 at the stream's end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Queue `contents` as frames of `segment_size` octets each, the last may be shorter. Returns how many were taken, and
    /// their octets.
    pub(super) fn queue(&mut self, segment_size: usize, contents: &[u8]) -> (usize, usize) {
        let taken = contents.chunks(segment_size).filter(|frame| self.outgoing.push(frame));
        taken.fold((0, 0), |(frames, octets), frame| (frames.saturating_add(1), octets.saturating_add(frame.len())))
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_drained(&self) -> bool {
        self.outgoing.unsent().is_empty()
    }

    /// Write what waits until the kernel takes no more; the poll then tells when it does.
    ///
    /// # Errors
    /// The connection has failed.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.is_drained() {
            match self.stream.write(self.outgoing.unsent()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.outgoing.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
