//! Reading feedback: what a subscriber says of the packets sent to it (section 3.1 of the draft).

use std::fmt;

/// Octets before the chunks.
const HEAD_LEN: usize = 8;
/// Symbols in a status vector chunk of one-bit and of two-bit symbols.
const ONE_BIT_SYMBOLS: u16 = 14;
const TWO_BIT_SYMBOLS: u16 = 7;

/// A body ends before what it announces, or has a reserved status symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// One feedback message that was found whole.
#[derive(Clone, Copy, Debug)]
pub struct Feedback<'a> {
    /// Transport-wide number of the first packet told of.
    pub base: u16,
    /// Packets told of.
    pub count: u16,
    /// Time that the arrivals count from: 24 bits in units of 64 ms, from an origin of the receiver's own.
    pub reference: u32,
    /// Counts the messages, modulo 256.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// Iterator over packets in order of their numbers: the number, and its arrival in ticks of 250 µs from the reference time, or
/// `None` where it was not received.
#[derive(Clone, Debug)]
pub struct Reports<'a> {
    symbols: Symbols<'a>,
    number: u16,
    at: i64,
    deltas: &'a [u8],
}

impl<'a> Feedback<'a> {
    /// Reads what follows the common feedback header. Octets behind the last delta are padding.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (&[b0, b1, c0, c1, r0, r1, r2, feedback_count], rest) = body.split_first_chunk::<HEAD_LEN>().ok_or(Malformed)?;
        let count = u16::from_be_bytes([c0, c1]);
        let mut symbols = Symbols { chunks: rest, chunk: Chunk::default(), left: count };
        let delta_octets =
            symbols.by_ref().try_fold(0_usize, |sum, symbol| Some(sum.saturating_add(symbol.delta_len()?))).ok_or(Malformed)?;
        if symbols.left > 0 {
            return Err(Malformed);
        }
        let (chunks, deltas) = rest.split_at(rest.len().saturating_sub(symbols.chunks.len()));
        let deltas = deltas.get(..delta_octets).ok_or(Malformed)?;
        let (base, reference) = (u16::from_be_bytes([b0, b1]), u32::from_be_bytes([0, r0, r1, r2]));
        Ok(Self { base, count, reference, feedback_count, chunks, deltas })
    }

    /// What it says of each packet.
    #[must_use]
    pub fn reports(&self) -> Reports<'a> {
        let symbols = Symbols { chunks: self.chunks, chunk: Chunk::default(), left: self.count };
        Reports { symbols, number: self.base, at: 0, deltas: self.deltas }
    }
}

impl Iterator for Reports<'_> {
    type Item = (u16, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        let len = self.symbols.next()?.delta_len()?;
        let number = self.number;
        self.number = number.wrapping_add(1);
        let (delta, rest) = self.deltas.split_at_checked(len)?;
        self.deltas = rest;
        let delta = match *delta {
            [] => return Some((number, None)),
            [small] => i64::from(small),
            [high, low, ..] => i64::from(i16::from_be_bytes([high, low])),
        };
        self.at = self.at.saturating_add(delta);
        Some((number, Some(self.at)))
    }
}

/// A packet's status.
#[derive(Clone, Copy, Debug)]
struct Symbol(u16);

impl Symbol {
    /// Octets of its delta; `None` for the reserved one.
    fn delta_len(self) -> Option<usize> {
        (self.0 < 3).then_some(usize::from(self.0))
    }
}

/// Iterator over the statuses that chunks tell.
#[derive(Clone, Debug)]
struct Symbols<'a> {
    chunks: &'a [u8],
    chunk: Chunk,
    /// Packets still to be told of.
    left: u16,
}

/// What is left of a chunk.
#[derive(Clone, Copy, Debug, Default)]
struct Chunk {
    /// Symbols, the next one in the lowest bits; of a run the one that repeats.
    symbols: u16,
    /// Bits of each; 0 for a run.
    bits: u16,
    left: u16,
}

impl Chunk {
    fn new(chunk: u16) -> Self {
        match chunk >> 14 {
            0 | 1 => Self { symbols: chunk >> 13 & 3, bits: 0, left: chunk & 0x1FFF },
            2 => Self { symbols: chunk, bits: 1, left: ONE_BIT_SYMBOLS },
            _ => Self { symbols: chunk, bits: 2, left: TWO_BIT_SYMBOLS },
        }
    }

    fn next(&mut self) -> Option<Symbol> {
        self.left = self.left.checked_sub(1)?;
        Some(Symbol(match self.bits {
            0 => self.symbols,
            1 => self.symbols >> self.left & 1,
            _ => self.symbols >> self.left.saturating_mul(2) & 3,
        }))
    }
}

impl Iterator for Symbols<'_> {
    type Item = Symbol;

    fn next(&mut self) -> Option<Symbol> {
        if self.left == 0 {
            return None;
        }
        loop {
            if let Some(symbol) = self.chunk.next() {
                self.left = self.left.saturating_sub(1);
                return Some(symbol);
            }
            let (&chunk, rest) = self.chunks.split_first_chunk::<2>()?;
            self.chunks = rest;
            self.chunk = Chunk::new(u16::from_be_bytes(chunk));
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("transport-wide feedback ends before what it announces, or has a reserved status")
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    fn reports(body: &[u8]) -> Result<Vec<(u16, Option<i64>)>, Malformed> {
        Feedback::parse(body).map(|feedback| feedback.reports().collect())
    }

    #[test]
    fn each_kind_of_chunk() {
        // A run of two small deltas; one-bit vector: lost, arrived, then beyond the count; two-bit vector likewise.
        let run = [0, 9, 0, 2, 0, 0, 2, 7, 0x20, 2, 5, 6];
        assert_eq!(reports(&run), Ok(vec![(9, Some(5)), (10, Some(11))]));
        let one_bit = [0xFF, 0xFF, 0, 2, 0, 0, 2, 7, 0x90, 0, 5, 0];
        assert_eq!(reports(&one_bit), Ok(vec![(65_535, None), (0, Some(5))]));
        let two_bit = [0, 1, 0, 3, 0, 0, 2, 7, 0xE1, 0, 0xFF, 0xFE, 4, 0];
        assert_eq!(reports(&two_bit), Ok(vec![(1, Some(-2)), (2, None), (3, Some(2))]));
        let feedback = Feedback::parse(&run).unwrap();
        assert_eq!((feedback.base, feedback.count, feedback.reference, feedback.feedback_count), (9, 2, 2, 7));
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let two_bit = [0, 1, 0, 3, 0, 0, 2, 7, 0xE1, 0, 0xFF, 0xFE, 4];
        assert!((0..two_bit.len()).all(|len| reports(&two_bit[..len]) == Err(Malformed)));
        assert_eq!(reports(&[0, 1, 0, 1, 0, 0, 2, 7, 0x60, 1, 0, 0]), Err(Malformed), "a reserved status");
        assert_eq!(reports(&[0, 1, 0, 1, 0, 0, 2, 7, 0, 0]), Err(Malformed), "an empty run tells of no packet");
        assert_eq!(reports(&[0, 1, 0, 0, 0, 0, 2, 7]), Ok(vec![]));
    }
}
