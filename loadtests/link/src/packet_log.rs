//! The packet log: a record of 40 octets a packet, little-endian. `packet_log.py` reads it.
//!
//! | octets | field |
//! |---|---|
//! | 0–7 | time in, ns of the monotonic clock |
//! | 8–15 | time at which it left the bottleneck, 0 where it was not let in |
//! | 16–23 | time out, 0 where it was dropped |
//! | 24–27 | octets on the wire, IP and UDP or TCP headers included |
//! | 28–31 | SSRC |
//! | 32–33 | flow |
//! | 34–35 | sequence number |
//! | 36 | direction: 0 up (client to server), 1 down |
//! | 37 | kind |
//! | 38 | detail of the kind |
//! | 39 | fate |

use std::io::{self, Write};

use crate::demux::Label;
use crate::time::Nanos;

/// The first octets of a log.
pub const MAGIC: &[u8; 8] = b"LINKLOG1";

/// What became of a packet; the numbers stand in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fate {
    /// It came through.
    Delivered = 0,
    /// A second copy of one that came through.
    Duplicate = 1,
    /// The queue was full.
    QueueFull = 2,
    /// Lost on the wire, alone or in a burst.
    Lost = 3,
    /// Lost in an outage.
    Outage = 4,
    /// Beyond the policer's rate.
    Policed = 5,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Way {
    /// From the client to the server.
    Up = 0,
    /// From the server to the client.
    Down = 1,
}

impl Way {
    /// The other way.
    #[must_use]
    pub fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it came.
    pub arrived: Nanos,
    /// When it left the bottleneck.
    pub left: Nanos,
    /// When it was delivered.
    pub out: Nanos,
    /// On the wire.
    pub octets: usize,
    /// What it is.
    pub label: Label,
    /// What became of it.
    pub fate: Fate,
}

/// Write one record.
///
/// # Errors
/// The writer's.
pub fn write(writer: &mut impl Write, way: Way, record: &Record) -> io::Result<()> {
    let label = &record.label;
    let mut octets = [0_u8; 40];
    let mut fields = &mut octets[..];
    fields.write_all(&record.arrived.to_le_bytes())?;
    fields.write_all(&record.left.to_le_bytes())?;
    fields.write_all(&record.out.to_le_bytes())?;
    fields.write_all(&(record.octets as u32).to_le_bytes())?;
    fields.write_all(&label.ssrc.to_le_bytes())?;
    fields.write_all(&label.flow.to_le_bytes())?;
    fields.write_all(&label.sequence.to_le_bytes())?;
    fields.write_all(&[way as u8, label.kind as u8, label.detail, record.fate as u8])?;
    writer.write_all(&octets)
}
