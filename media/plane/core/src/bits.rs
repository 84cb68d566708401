//! Bits, most significant first: what header extensions of other than whole octets are made of.

/// The data ends before a field that it announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBits;

/// Reads a slice from its first bit on.
#[derive(Clone, Copy, Debug)]
pub struct BitReader<'a> {
    data: &'a [u8],
    /// Bits read.
    at: usize,
}

impl<'a> BitReader<'a> {
    /// A reader at the first bit of `data`.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// Bits read so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Bits that are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.data.len().saturating_mul(8).saturating_sub(self.at)
    }

    /// The next bit.
    ///
    /// # Errors
    /// [`OutOfBits`].
    pub fn flag(&mut self) -> Result<bool, OutOfBits> {
        let octet = *self.data.get(self.at / 8).ok_or(OutOfBits)?;
        let set = octet << (self.at % 8) & 0x80 != 0;
        self.at = self.at.saturating_add(1);
        Ok(set)
    }

    /// The next `count` bits, at most 32 of them, as an unsigned number: `f(n)` of the AV1 specification.
    ///
    /// # Errors
    /// [`OutOfBits`]; some bits may have been read.
    pub fn bits(&mut self, count: u32) -> Result<u32, OutOfBits> {
        (0..count).try_fold(0_u32, |value, _| Ok(value << 1 | u32::from(self.flag()?)))
    }

    /// The next number below `limit`, which is at least 1: `ns(n)` of the AV1 specification (section 4.10.7).
    ///
    /// # Errors
    /// [`OutOfBits`].
    pub fn below(&mut self, limit: u32) -> Result<u32, OutOfBits> {
        let width = u32::BITS.saturating_sub(limit.leading_zeros());
        let short = (1_u32.checked_shl(width).unwrap_or(0)).wrapping_sub(limit);
        let value = self.bits(width.saturating_sub(1))?;
        if value < short || width == 0 {
            return Ok(value);
        }
        Ok((value << 1).wrapping_add(u32::from(self.flag()?)).wrapping_sub(short))
    }
}

/// Appends bits to octets; the last octet is filled up with zeros.
#[derive(Debug, Default)]
pub struct BitWriter {
    octets: Vec<u8>,
    /// Bits written.
    at: usize,
}

impl BitWriter {
    /// Appends a bit.
    pub fn flag(&mut self, set: bool) {
        if self.at.is_multiple_of(8) {
            self.octets.push(0);
        }
        if let (true, Some(last)) = (set, self.octets.last_mut()) {
            *last |= 0x80 >> (self.at % 8);
        }
        self.at = self.at.saturating_add(1);
    }

    /// Appends the low `count` bits of `value`, at most 32.
    pub fn bits(&mut self, value: u32, count: u32) {
        for shift in (0..count).rev() {
            self.flag(value.checked_shr(shift).unwrap_or(0) & 1 != 0);
        }
    }

    /// Appends `value`, which is below `limit`, as [`BitReader::below`] reads it.
    pub fn below(&mut self, value: u32, limit: u32) {
        let width = u32::BITS.saturating_sub(limit.leading_zeros());
        let short = (1_u32.checked_shl(width).unwrap_or(0)).wrapping_sub(limit);
        if value < short {
            self.bits(value, width.saturating_sub(1));
        } else {
            self.bits(value.wrapping_add(short), width);
        }
    }

    /// Appends what is left of `reader` up to its position `end`, or to its data's end.
    pub fn copy(&mut self, reader: &mut BitReader<'_>, end: usize) {
        while reader.position() < end {
            let Ok(bit) = reader.flag() else { return };
            self.flag(bit);
        }
    }

    /// The octets.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.octets
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn most_significant_first_across_octets() {
        let mut reader = BitReader::new(&[0b1010_0001, 0b1000_0000]);
        assert_eq!((reader.flag(), reader.bits(2), reader.bits(6)), (Ok(true), Ok(0b01), Ok(0b00_0011)));
        assert_eq!((reader.position(), reader.remaining()), (9, 7));
        assert_eq!((reader.bits(8), reader.flag()), (Err(OutOfBits), Err(OutOfBits)));
        assert_eq!(BitReader::new(&[0xFF; 4]).bits(32), Ok(u32::MAX));
    }

    /// The example of the AV1 specification, section 4.10.7: n = 5.
    #[test]
    fn numbers_below_a_limit() {
        let read = |bits: u8| BitReader::new(&[bits << 5]).below(5).unwrap();
        assert_eq!([0b000, 0b010, 0b100, 0b110, 0b111].map(read), [0, 1, 2, 3, 4]);
        for limit in 1..=40 {
            for value in 0..limit {
                let mut writer = BitWriter::default();
                writer.below(value, limit);
                let octets = writer.finish();
                assert_eq!(BitReader::new(&octets).below(limit), Ok(value));
            }
        }
    }

    #[test]
    fn copies_up_to_a_place_or_the_end() {
        let data = [0x12, 0x34, 0x56];
        let mut reader = BitReader::new(&data);
        let mut writer = BitWriter::default();
        writer.copy(&mut reader, 12);
        writer.copy(&mut reader, 1000);
        assert_eq!(writer.finish(), data);
    }
}
