//! What was sent under which transport-wide number: so that what a subscriber's feedback tells as lost can be sent again at once. A
//! NACK may be lost itself, and does not tell of a retransmission that was lost until a round trip has passed.

use std::time::{Duration, Instant};

use super::feed::Wanted;
use super::resent::Cause;
use super::{Engine, Output, PeerKey};
use crate::sequence::{low16, low32};

/// Numbers that are kept: more than a second of the best encoding with its retransmissions. A power of two.
pub(super) const KEPT: u16 = 512;

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
    /// No report tells what became of it.
    untold: bool,
}

/// Which packet it is: the SSRC that it goes out under, and its sequence number as media, also where it is a retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    /// It is a retransmission.
    pub(super) again: bool,
}

impl Ledger {
    /// A packet leaves.
    pub(super) fn note(&mut self, number: u16, of: Option<Original>, sent: Duration) {
        let Some(of) = of else { return };
        if self.entries.is_empty() {
            self.entries = vec![None; usize::from(KEPT)];
        }
        if let Some(entry) = self.entries.get_mut(place(number)) {
            *entry = Some(Entry { number, of, sent_ms: milliseconds(sent), untold: false });
        }
    }

    /// Take the packet of a number that is told as lost: it is told once.
    pub(super) fn take(&mut self, number: u16) -> Option<Entry> {
        self.entries.get_mut(place(number))?.take_if(|entry| entry.number == number)
    }
}

fn place(number: u16) -> usize {
    usize::from(number % KEPT)
}

impl Entry {
    /// The report that told of it was lost.
    pub(super) fn untold(self) -> Self {
        Self { untold: true, ..self }
    }

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
        Self { ssrc, sequence: original.unwrap_or(low16(sequence)), again: original.is_some() }
    }
}

impl Engine {
    /// Send again what feedback told as lost, unless it was sent again since.
    ///
    /// Of what it did not tell, because a report was lost, retransmissions of pictures that no other needs: they have no copies, and
    /// browsers ask for nothing of a picture any more once they have a later one that does without it.
    pub(super) fn send_again_unasked(&mut self, now: Instant, peer: PeerKey, lost: &[Entry], out: &mut impl Output) {
        let since_epoch = self.clock.since_epoch(now);
        let mut by_stream: Vec<(u32, Vec<(u16, Cause)>)> = Vec::new();
        for entry in lost {
            let media = self.sinks_of_peer(peer).find(|sink| [sink.ssrc, sink.rtx_ssrc].contains(&entry.of.ssrc)).map(|sink| sink.ssrc);
            let Some(media) = media.filter(|&media| !(entry.untold && self.is_needed(peer, media, entry.of.sequence))) else { continue };
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

    /// Whether other pictures need that of a packet sent as `media`, as far as is known.
    fn is_needed(&self, peer: PeerKey, media: u32, sequence: u16) -> bool {
        let sink = self.sinks_of_peer(peer).find(|sink| sink.ssrc == media);
        let encoding = |wanted: Wanted| self.sources.get(wanted.source)?.encodings.get(wanted.encoding);
        sink.and_then(|sink| Some(sink.is_needed(sequence, encoding(sink.wanted?)?))).unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Original = Original { ssrc: 7, sequence: 9, again: false };

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
