//! What was sent under which transport-wide number: so that what a subscriber's feedback tells as lost can be sent again at once. A
//! NACK may be lost itself, and does not tell of a retransmission that was lost until a round trip has passed.

use std::time::{Duration, Instant};

use super::resent::Cause;
use super::{Engine, Output, PeerKey};
use crate::sequence::{low16, low32};

/// Numbers that are kept: more than a second of the best encoding with its retransmissions. A power of two.
const KEPT: usize = 512;

/// One link's. All are kept, 8 kB a link: losses that begin are known only when what was lost has left.
#[derive(Default)]
pub(super) struct Ledger {
    entries: Vec<Option<Entry>>,
}

/// A packet of a stream that can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) of: Original,
    number: u16,
    /// When it left, in ms of the link's clock.
    sent_ms: u32,
}

/// Which packet it is: the SSRC that it goes out under, and its sequence number as media, also where it is a retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
}

impl Ledger {
    /// A packet leaves.
    pub(super) fn note(&mut self, number: u16, of: Option<Original>, sent: Duration) {
        let Some(of) = of else { return };
        if self.entries.is_empty() {
            self.entries = vec![None; KEPT];
        }
        if let Some(entry) = self.entries.get_mut(usize::from(number) % KEPT) {
            *entry = Some(Entry { number, of, sent_ms: milliseconds(sent) });
        }
    }

    /// Take the packet of a number that is told as lost: it is told once.
    pub(super) fn take(&mut self, number: u16) -> Option<Entry> {
        self.entries.get_mut(usize::from(number) % KEPT)?.take_if(|entry| entry.number == number)
    }
}

impl Entry {
    /// How long ago it left.
    pub(super) fn ago(&self, now: Duration) -> Duration {
        Duration::from_millis(milliseconds(now).wrapping_sub(self.sent_ms).into())
    }
}

/// The low 32 bits: 49 days.
fn milliseconds(at: Duration) -> u32 {
    low32(i64::try_from(at.as_millis()).unwrap_or(0))
}

impl Original {
    /// Of a packet with this extended sequence number, or of one that is a retransmission of `original`.
    pub(super) fn new(ssrc: u32, sequence: i64, original: Option<u16>) -> Self {
        Self { ssrc, sequence: original.unwrap_or(low16(sequence)) }
    }
}

impl Engine {
    /// Send again what feedback told as lost, unless it was sent again since.
    pub(super) fn send_again_unasked(&mut self, now: Instant, peer: PeerKey, lost: &[Entry], out: &mut impl Output) {
        let since_epoch = self.clock.since_epoch(now);
        let mut by_stream: Vec<(u32, Vec<(u16, Cause)>)> = Vec::new();
        for entry in lost {
            let media = self.sinks_of_peer(peer).find(|sink| [sink.ssrc, sink.rtx_ssrc].contains(&entry.of.ssrc)).map(|sink| sink.ssrc);
            let Some(media) = media else { continue };
            let packet = (entry.of.sequence, Cause::Lost(entry.ago(since_epoch)));
            match by_stream.iter_mut().find(|(ssrc, _)| *ssrc == media) {
                Some((_, packets)) => packets.push(packet),
                None => by_stream.push((media, vec![packet])),
            }
        }
        for (media, packets) in by_stream {
            self.retransmit(now, peer, media, packets, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Original = Original { ssrc: 7, sequence: 9 };

    #[test]
    fn what_is_told_as_lost_is_found_once_and_only_under_its_own_number() {
        let mut ledger = Ledger::default();
        ledger.note(5, Some(PACKET), Duration::from_millis(3));
        ledger.note(6, None, Duration::ZERO);
        assert_eq!((ledger.take(6), ledger.take(5 + 512)), (None, None));
        let found = ledger.take(5).map(|entry| (entry.of, entry.ago(Duration::from_millis(103))));
        assert_eq!(found, Some((PACKET, Duration::from_millis(100))));
        assert_eq!(ledger.take(5), None);
    }

    #[test]
    fn time_goes_on_over_the_wrap() {
        let mut ledger = Ledger::default();
        ledger.note(5, Some(PACKET), Duration::from_millis((1 << 32) - 10));
        let ago = ledger.take(5).map(|entry| entry.ago(Duration::from_millis((1 << 32) + 30)));
        assert_eq!(ago, Some(Duration::from_millis(40)));
    }
}
