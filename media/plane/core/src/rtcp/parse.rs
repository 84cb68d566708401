//! Reading.

use super::{
    DelayReports, FEEDBACK_HEADER_LEN, HEADER_LEN, Packet, REPORT_BLOCK_LEN, ReportBlock, RtcpError, SenderInfo, format, packet_type,
};

/// Octets of a sender report before its report blocks, behind the header.
const SENDER_INFO_LEN: usize = 24;

/// "REMB", which tells it from other application layer feedback.
const REMB_IDENTIFIER: &[u8; 4] = b"REMB";

/// Iterator over the packets of a compound. Ends behind the first error.
#[derive(Clone, Debug)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

/// Report blocks of a report.
#[derive(Clone, Debug)]
pub struct ReportBlocks<'a>(&'a [u8]);

/// SSRCs listed in a packet.
#[derive(Clone, Debug)]
pub struct Ssrcs<'a>(&'a [u8]);

/// `(ssrc, command sequence number)` of the entries of a full intra request.
#[derive(Clone, Debug)]
pub struct FirEntries<'a>(&'a [u8]);

/// Sequence numbers named by a NACK: PID and the bits of BLP (RFC 4585 section 6.2.1).
#[derive(Clone, Debug)]
pub struct NackedSequenceNumbers<'a> {
    rest: &'a [u8],
    /// The number that bit 0 of `following` stands for.
    next: u16,
    following: u32,
}

impl<'a> Compound<'a> {
    /// Reads a decrypted datagram. Reduced-size packets (RFC 5506) are fine.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<Packet<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        // An error leaves nothing behind, so it ends the iteration.
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        Some(Frame::split(rest).and_then(|(frame, rest)| {
            let packet = frame.parse()?;
            self.rest = rest;
            Ok(packet)
        }))
    }
}

/// One packet's common header (RFC 3550 section 6.1) and what follows it, padding stripped.
struct Frame<'a> {
    packet_type: u8,
    /// The five bits behind the padding bit: a count or a format.
    count: u8,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Splits the first packet off.
    fn split(datagram: &'a [u8]) -> Result<(Self, &'a [u8]), RtcpError> {
        let (&[first, packet_type, words0, words1], rest) = datagram.split_first_chunk::<HEADER_LEN>().ok_or(RtcpError::Truncated)?;
        if first >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        let len = usize::from(u16::from_be_bytes([words0, words1])).saturating_mul(4);
        let (body, rest) = rest.split_at_checked(len).ok_or(RtcpError::Truncated)?;
        let body = if first & 0x20 == 0 { body } else { without_padding(body)? };
        Ok((Self { packet_type, count: first & 0x1F, body }, rest))
    }

    fn parse(&self) -> Result<Packet<'a>, RtcpError> {
        match (self.packet_type, self.count) {
            (packet_type::SENDER_REPORT, _) => self.sender_report(),
            (packet_type::RECEIVER_REPORT, _) => self.receiver_report(),
            (packet_type::SOURCE_DESCRIPTION, _) => Ok(Packet::Sdes),
            (packet_type::BYE, count) => Ok(Packet::Bye { ssrcs: Ssrcs(counted(self.body, count, 4)?) }),
            (packet_type::TRANSPORT_FEEDBACK, format::NACK) => {
                let (sender, media, rest) = self.feedback()?;
                Ok(Packet::Nack { sender, media, lost: NackedSequenceNumbers { rest, next: 0, following: 0 } })
            }
            (packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_WIDE) => {
                let (sender, media, body) = self.feedback()?;
                Ok(Packet::TransportFeedback { sender, media, body })
            }
            (packet_type::PAYLOAD_FEEDBACK, format::PLI) => {
                let (sender, media, _) = self.feedback()?;
                Ok(Packet::Pli { sender, media })
            }
            (packet_type::PAYLOAD_FEEDBACK, format::FIR) => {
                let (sender, _, entries) = self.feedback()?;
                Ok(Packet::Fir { sender, entries: FirEntries(entries) })
            }
            (packet_type::PAYLOAD_FEEDBACK, format::APPLICATION) => self.application_feedback(),
            (packet_type::EXTENDED_REPORT, _) => {
                let Some((ssrc, blocks)) = self.body.split_first_chunk::<4>() else { return Ok(self.unknown()) };
                Ok(Packet::ExtendedReport { ssrc: u32::from_be_bytes(*ssrc), delays: DelayReports::new(blocks) })
            }
            _ => Ok(self.unknown()),
        }
    }

    fn sender_report(&self) -> Result<Packet<'a>, RtcpError> {
        let (info, rest) = self.body.split_first_chunk::<SENDER_INFO_LEN>().ok_or(RtcpError::Truncated)?;
        let [ssrc, ntp_high, ntp_low, rtp_timestamp, packet_count, octet_count] = words(info);
        let ntp = u64::from(ntp_high) << 32 | u64::from(ntp_low);
        let info = SenderInfo { ssrc, ntp, rtp_timestamp, packet_count, octet_count };
        Ok(Packet::SenderReport { info, reports: ReportBlocks(counted(rest, self.count, REPORT_BLOCK_LEN)?) })
    }

    fn receiver_report(&self) -> Result<Packet<'a>, RtcpError> {
        let (ssrc, rest) = self.body.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        let reports = ReportBlocks(counted(rest, self.count, REPORT_BLOCK_LEN)?);
        Ok(Packet::ReceiverReport { ssrc: u32::from_be_bytes(*ssrc), reports })
    }

    /// Sender, media source, and what follows them (RFC 4585 section 6.1).
    fn feedback(&self) -> Result<(u32, u32, &'a [u8]), RtcpError> {
        let (head, rest) = self.body.split_first_chunk::<FEEDBACK_HEADER_LEN>().ok_or(RtcpError::Truncated)?;
        let [sender, media] = words(head);
        Ok((sender, media, rest))
    }

    /// RFC 4585 section 6.4; of these only REMB is known.
    fn application_feedback(&self) -> Result<Packet<'a>, RtcpError> {
        let (sender, _, rest) = self.feedback()?;
        let Some(rest) = rest.strip_prefix(REMB_IDENTIFIER) else {
            return Ok(self.unknown());
        };
        let (&[count, high, middle, low], rest) = rest.split_first_chunk().ok_or(RtcpError::Truncated)?;
        let mantissa = u64::from(u32::from_be_bytes([0, high & 0x03, middle, low]));
        // An exponent of 6 bits can shift more out than 64 bits hold.
        let scaled = u128::from(mantissa) << (high >> 2);
        let bitrate = u64::try_from(scaled).unwrap_or(u64::MAX);
        Ok(Packet::Remb { sender, bitrate, ssrcs: Ssrcs(counted(rest, count, 4)?) })
    }

    const fn unknown(&self) -> Packet<'a> {
        Packet::Unknown { packet_type: self.packet_type, format: self.count }
    }
}

/// Strips the padding that the last octet counts, itself included (RFC 3550 section 6.4.1).
fn without_padding(body: &[u8]) -> Result<&[u8], RtcpError> {
    let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
    let len = body.len().checked_sub(padding).ok_or(RtcpError::Padding)?;
    if padding == 0 { Err(RtcpError::Padding) } else { body.get(..len).ok_or(RtcpError::Padding) }
}

/// The first `count` items of `item_len` octets.
fn counted(data: &[u8], count: u8, item_len: usize) -> Result<&[u8], RtcpError> {
    data.get(..usize::from(count).saturating_mul(item_len)).ok_or(RtcpError::Truncated)
}

/// So many 32-bit fields; all of them where `data` is long enough, else zeros for the rest.
pub(super) fn words<const N: usize>(data: &[u8]) -> [u32; N] {
    let mut fields = [0; N];
    let (chunks, _) = data.as_chunks::<4>();
    fields.iter_mut().zip(chunks).for_each(|(field, chunk)| *field = u32::from_be_bytes(*chunk));
    fields
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_first_chunk::<REPORT_BLOCK_LEN>()?;
        self.0 = rest;
        let [ssrc, loss, highest_sequence, jitter, last_sr, delay_since_last_sr] = words(block);
        let [fraction_lost, ..] = loss.to_be_bytes();
        // Sign extension of the lower 24 bits.
        let cumulative_lost = (loss << 8).cast_signed() >> 8;
        Some(ReportBlock { ssrc, fraction_lost, cumulative_lost, highest_sequence, jitter, last_sr, delay_since_last_sr })
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*ssrc))
    }
}

impl Iterator for FirEntries<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let (&[s0, s1, s2, s3, command, _, _, _], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some((u32::from_be_bytes([s0, s1, s2, s3]), command))
    }
}

impl Iterator for NackedSequenceNumbers<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.following == 0 {
            let (&[pid0, pid1, blp0, blp1], rest) = self.rest.split_first_chunk()?;
            self.rest = rest;
            self.next = u16::from_be_bytes([pid0, pid1]);
            // The PID itself is bit 0, the bits of BLP follow it.
            self.following = u32::from(u16::from_be_bytes([blp0, blp1])) << 1 | 1;
        }
        let skipped = self.following.trailing_zeros();
        let lost = self.next.wrapping_add(u16::try_from(skipped).unwrap_or(0));
        self.next = lost.wrapping_add(1);
        self.following = self.following >> skipped >> 1;
        Some(lost)
    }
}
