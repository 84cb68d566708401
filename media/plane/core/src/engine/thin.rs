//! A step down takes hold of what waits, too: of pictures that wait in the pacer, the layers above those sent from now on are left out.
//!
//! Their numbers were given out, and a subscriber would ask for them: each packet goes out empty, which takes a twentieth of the room. What
//! is left has to be decodable, and each picture needs an end: a browser shows no picture without, nor any that refers to it.

use arrayvec::ArrayVec;

use super::cache::Packet;
use super::layers::Layers;
use super::link::Link;
use super::sink::Sink;

/// Stretches remembered for retransmissions; a step down makes one, or two where a picture had left in part.
pub(super) const STRETCHES: usize = 6;

/// What a packet that waits carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) layer: Layers,
    /// Its frame, which is one spatial layer of a picture, ends with it.
    pub(super) ends: bool,
}

impl Carried {
    pub(super) fn by(packet: &Packet) -> Self {
        Self { layer: packet.place.layer, ends: packet.place.end_of_frame }
    }
}

/// A packet that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Extended output number.
    pub(super) sequence: i64,
    pub(super) timestamp: u32,
    pub(super) carried: Carried,
}

/// Packets from `first` to before `end`, output numbers, of which layers up to `kept` are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    first: i64,
    end: i64,
    kept: Layers,
}

/// What becomes of packets that wait.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Thinned {
    stretches: Vec<Stretch>,
    /// Output numbers of the packets with which pictures end now.
    ends: Vec<i64>,
}

impl Thinned {
    /// What becomes of `waiting`, in any order, where layers up to `layers` are sent from now on.
    ///
    /// Where a number between them does not wait it has left, or is still to come. What is in front of it stays: pictures that have left
    /// may refer to it.
    pub(super) fn of(mut waiting: Vec<Waiting>, layers: Layers) -> Self {
        waiting.sort_unstable_by_key(|packet| packet.sequence);
        let unbroken = waiting.chunk_by(|one, next| one.sequence.wrapping_add(1) == next.sequence).last().unwrap_or_default();
        let mut thinned = Self::default();
        for (place, picture) in unbroken.chunk_by(|one, next| one.timestamp == next.timestamp).enumerate() {
            let Some(kept) = kept_of(picture, layers, place == 0) else { continue };
            let (Some(first), Some(last)) = (picture.first(), picture.last()) else { continue };
            thinned.note(Stretch { first: first.sequence, end: last.sequence.wrapping_add(1), kept });
            let ends = picture.iter().rev().find(|packet| packet.carried.ends && kept.contain(packet.carried.layer));
            thinned.ends.extend(ends.map(|packet| packet.sequence));
        }
        thinned
    }

    /// Whether a packet is left out.
    pub(super) fn leaves_out(&self, sequence: i64, layer: Layers) -> bool {
        self.stretches.iter().any(|stretch| stretch.covers(sequence) && !stretch.kept.contain(layer))
    }

    /// Whether its picture ends with a packet now.
    pub(super) fn ends_with(&self, sequence: i64) -> bool {
        self.ends.contains(&sequence)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    fn note(&mut self, next: Stretch) {
        match self.stretches.last_mut().filter(|last| last.kept == next.kept) {
            Some(last) => last.end = next.end,
            None => self.stretches.push(next),
        }
    }
}

impl Stretch {
    fn covers(&self, sequence: i64) -> bool {
        (self.first..self.end).contains(&sequence)
    }
}

/// The stretches that were thinned lately.
#[derive(Debug, Default)]
pub(super) struct Stretches(ArrayVec<Stretch, STRETCHES>);

impl Stretches {
    /// What is sent of a packet of which layers up to `layers` were to be.
    pub(super) fn kept(&self, sequence: i64, layers: Layers) -> Layers {
        self.0.iter().filter(|stretch| stretch.covers(sequence)).fold(layers, |layers, stretch| layers.lowest(stretch.kept))
    }

    pub(super) fn remember(&mut self, thinned: &Thinned) {
        for &stretch in &thinned.stretches {
            if self.0.is_full() {
                self.0.remove(0);
            }
            self.0.push(stretch);
        }
    }
}

impl Sink {
    /// Leave out what waits of layers above those that are sent from now on. Returns how many packets.
    pub(super) fn thin(&mut self, link: &mut Link) -> u64 {
        let thinned = Thinned::of(link.waiting(self.ssrc), self.track.layers());
        if thinned.is_empty() {
            return 0;
        }
        self.track.thin(&thinned);
        if let Some(fec) = &mut self.fec {
            // They repair packets that do not leave as they were.
            link.drop_held([fec.ssrc; 2]);
            fec.forget();
        }
        link.thin(self.ssrc, &thinned)
    }
}

/// The highest layers that are sent of a picture that waits, or the rest of which may do so if it is the first; `None` where nothing
/// changes. Later ones cannot have more, because that would refer to what is left out of the first.
fn kept_of(picture: &[Waiting], layers: Layers, first: bool) -> Option<Layers> {
    let carried = || picture.iter().map(|packet| packet.carried);
    if carried().all(|carried| layers.contain(carried.layer)) {
        return None;
    }
    // A picture of a temporal layer above is left out, and what has left of it nobody needs.
    let of_temporal_above = carried().all(|carried| carried.layer.temporal > layers.temporal);
    if !first || of_temporal_above || carried().any(|carried| carried.ends && layers.contain(carried.layer)) {
        return Some(layers);
    }
    // What others refer to has left without an end: the next frame has to bring it.
    let next = carried().find(|carried| carried.ends)?.layer.spatial;
    Some(Layers { spatial: next, ..layers }).filter(|kept| carried().any(|carried| !kept.contain(carried.layer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: Layers = Layers { spatial: 0, temporal: 0 };

    /// Packets of one picture after the other: (picture, spatial, temporal, ends).
    fn waiting(packets: &[(u32, u8, u8, bool)]) -> Vec<Waiting> {
        let packet = |(sequence, &(timestamp, spatial, temporal, ends)): (i64, &(u32, u8, u8, bool))| Waiting {
            sequence,
            timestamp,
            carried: Carried { layer: Layers { spatial, temporal }, ends },
        };
        (100..).zip(packets).map(packet).collect()
    }

    /// What leaves, by number.
    fn left(waiting: &[Waiting], thinned: &Thinned) -> Vec<i64> {
        let stays = |packet: &&Waiting| !thinned.leaves_out(packet.sequence, packet.carried.layer);
        waiting.iter().filter(stays).map(|packet| packet.sequence).collect()
    }

    #[test]
    fn layers_above_are_left_out_and_the_picture_ends_below_them() {
        let waiting = waiting(&[(1, 0, 0, false), (1, 0, 0, true), (1, 1, 0, true), (2, 0, 1, true), (2, 1, 1, true), (3, 0, 0, true)]);
        let thinned = Thinned::of(waiting.clone(), LOW);
        assert_eq!((left(&waiting, &thinned), &thinned.ends), (vec![100, 101, 105], &vec![101]));
        assert_eq!(thinned.stretches, [Stretch { first: 100, end: 105, kept: LOW }]);
    }

    #[test]
    fn a_picture_whose_lowest_frame_has_left_ends_with_the_next_one() {
        let waiting = waiting(&[(1, 1, 0, false), (1, 1, 0, true), (1, 2, 0, true), (2, 0, 0, true), (2, 1, 0, true)]);
        let thinned = Thinned::of(waiting.clone(), LOW);
        assert_eq!((left(&waiting, &thinned), &thinned.ends), (vec![100, 101, 103], &vec![101, 103]));
    }

    #[test]
    fn a_picture_of_which_only_its_last_frame_waits_is_left_whole() {
        assert!(Thinned::of(waiting(&[(1, 2, 0, false), (1, 2, 0, true)]), LOW).is_empty());
    }

    #[test]
    fn the_rest_of_a_picture_of_a_temporal_layer_above_is_left_out() {
        let waiting = waiting(&[(1, 1, 1, true), (2, 0, 0, true)]);
        let thinned = Thinned::of(waiting.clone(), LOW);
        assert_eq!((left(&waiting, &thinned), thinned.ends.len()), (vec![101], 0));
    }

    #[test]
    fn no_later_picture_has_more_than_the_first_though_its_end_is_still_to_come() {
        let waiting = waiting(&[(1, 1, 0, true), (1, 2, 0, true), (2, 0, 0, false), (2, 1, 0, true), (2, 2, 0, true)]);
        let thinned = Thinned::of(waiting.clone(), LOW);
        assert_eq!((left(&waiting, &thinned), &thinned.ends), (vec![100, 102], &vec![100]));
    }

    #[test]
    fn what_is_in_front_of_something_that_has_left_stays() {
        let mut waiting = waiting(&[(1, 1, 0, true), (1, 2, 0, true), (2, 0, 0, true), (3, 0, 0, true), (3, 1, 0, true)]);
        waiting.swap(0, 4);
        waiting.remove(2);
        let thinned = Thinned::of(waiting.clone(), LOW);
        waiting.sort_unstable_by_key(|packet| packet.sequence);
        assert_eq!((left(&waiting, &thinned), &thinned.ends), (vec![100, 101, 103], &vec![103]));
    }

    #[test]
    fn nothing_happens_where_all_that_waits_is_sent() {
        assert!(Thinned::of(waiting(&[(1, 0, 0, true), (2, 0, 0, true)]), LOW).is_empty());
    }

    #[test]
    fn what_was_left_out_is_remembered() {
        let mut stretches = Stretches::default();
        stretches.remember(&Thinned::of(waiting(&[(1, 0, 0, true), (1, 1, 0, true)]), LOW));
        assert_eq!([99, 100, 101, 102].map(|sequence| stretches.kept(sequence, Layers::ALL) == LOW), [false, true, true, false]);
    }
}
