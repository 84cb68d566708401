//! From input to output sequence numbers of one sink, over switches and dropped packets.
//!
//! A run is a stretch of input numbers with one offset. A packet that is dropped on purpose ends a run, and the next run's
//! offset closes the gap. A packet that is missing upstream keeps its number: it may still come. If it then turns out to be
//! one that would have been dropped, its number is *reserved* and must be filled, or the subscriber would ask for it for ever.

use std::collections::VecDeque;

use super::selector::Selection;

/// Runs remembered for late packets and retransmission: where every picture leaves out layers, 4 s of 30 pictures a second.
const MAX_RUNS: usize = 128;

/// What a run adds to the numbers of its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shift {
    /// Which feed the run belongs to.
    pub(super) feed: u32,
    pub(super) timestamp: u32,
    /// Pictures dropped since the feed began, for picture ids.
    pub(super) dropped_pictures: u16,
    /// Which layers the run's packets are sent with.
    pub(super) selection: Selection,
    sequence: i64,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    first: i64,
    /// Behind the last; the newest run is open.
    end: i64,
    /// Timestamp of the picture that the run was begun at, for its packets that come late; `None` when a drop began it.
    picture: Option<u32>,
    shift: Shift,
}

/// What dropping a packet means for the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// Nothing: the numbers close up.
    Unseen,
    /// A number was kept for it, which must be filled.
    Reserved(i64, Shift),
}

/// See the module.
#[derive(Debug)]
pub(super) struct SequenceMap {
    runs: VecDeque<Run>,
    next_output: i64,
    /// The highest input number of the open run's feed.
    highest: i64,
    /// The input number behind the last drop, and the timestamp of what was dropped.
    last_drop: Option<(i64, u32)>,
}

impl SequenceMap {
    pub(super) fn new(first_output: i64) -> Self {
        Self { runs: VecDeque::new(), next_output: first_output, highest: 0, last_drop: None }
    }

    /// The output number that nothing has had yet.
    pub(super) fn next_output(&self) -> i64 {
        self.next_output
    }

    /// The highest input number of the open feed; one below its first before that has come.
    pub(super) fn highest(&self) -> i64 {
        self.highest
    }

    /// The open run's shift.
    pub(super) fn current(&self) -> Option<Shift> {
        self.runs.back().map(|run| run.shift)
    }

    /// A new feed goes on at `input`, of the picture with this timestamp in the input, with `offset` added to timestamps.
    pub(super) fn begin(&mut self, input: i64, picture: u32, feed: u32, offset: u32, selection: Selection) {
        let highest = self.highest;
        if let Some(open) = self.runs.back_mut() {
            open.end = highest.wrapping_add(1);
        }
        let sequence = self.next_output.wrapping_sub(input);
        let shift = Shift { feed, timestamp: offset, dropped_pictures: 0, selection, sequence };
        self.push(Run { first: input, end: i64::MAX, picture: Some(picture), shift });
        self.highest = input.wrapping_sub(1);
        self.last_drop = None;
    }

    /// Add something else to the timestamps of the open feed from `picture` on, of which `input` is the newest packet.
    pub(super) fn retime(&mut self, input: i64, picture: u32, offset: u32) {
        self.split(input, picture, |shift| Shift { timestamp: offset, ..shift });
    }

    /// Send other layers of the open feed from `picture` on, of which `input` is the newest packet.
    pub(super) fn reselect(&mut self, input: i64, picture: u32, selection: Selection) {
        self.split(input, picture, |shift| Shift { selection, ..shift });
    }

    /// The shift of a packet of the open feed, of the picture with this timestamp.
    ///
    /// A run is begun at the packet of its picture that came first. One that is behind that in sequence belongs to the same run:
    /// a picture has one timestamp and one selection of layers.
    pub(super) fn shift_of(&mut self, input: i64, picture: u32) -> Option<Shift> {
        let index = self.runs.iter().rposition(|run| input >= run.first && input < run.end)?;
        if let Some((run, next)) = self.runs.get(index).zip(self.runs.get(index.saturating_add(1))) {
            let adjacent = next.first == run.end && next.shift.sequence == run.shift.sequence && next.shift.feed == run.shift.feed;
            if adjacent && next.picture == Some(picture) && run.picture != Some(picture) {
                self.runs.get_mut(index)?.end = input;
                self.runs.get_mut(index.saturating_add(1))?.first = input;
            }
        }
        self.find(input)
    }

    /// The output number of a packet that is forwarded; `None` when it belongs to before the feed, or was dropped.
    pub(super) fn keep(&mut self, input: i64) -> Option<(i64, Shift)> {
        let found = self.find(input)?;
        self.highest = self.highest.max(input);
        let output = input.wrapping_add(found.sequence);
        self.next_output = self.next_output.max(output.wrapping_add(1));
        Some((output, found))
    }

    /// Leave out a packet with this timestamp.
    pub(super) fn drop(&mut self, input: i64, timestamp: u32) -> Dropped {
        if input <= self.highest {
            let Some(shift) = self.find(input) else { return Dropped::Unseen };
            let output = input.wrapping_add(shift.sequence);
            // It may be the highest so far: what came behind it was dropped too.
            self.next_output = self.next_output.max(output.wrapping_add(1));
            return Dropped::Reserved(output, shift);
        }
        let Some(open) = self.runs.back_mut() else { return Dropped::Unseen };
        let same_picture = self.last_drop.is_some_and(|(_, dropped)| dropped == timestamp);
        // What is missing between two dropped packets of a picture would have been dropped as well.
        let closes_gap = same_picture && self.last_drop.is_some_and(|(behind, _)| behind == open.first) && self.highest < open.first;
        let from = if closes_gap { open.first } else { input };
        let left_out = input.wrapping_sub(from).wrapping_add(1);
        let shift = Shift {
            sequence: open.shift.sequence.wrapping_sub(left_out),
            dropped_pictures: open.shift.dropped_pictures.wrapping_add(u16::from(!same_picture)),
            ..open.shift
        };
        let behind = input.wrapping_add(1);
        if open.first == from {
            (open.first, open.shift) = (behind, shift);
        } else {
            open.end = input;
            self.next_output = self.next_output.max(input.wrapping_add(open.shift.sequence));
            self.push(Run { first: behind, end: i64::MAX, picture: None, shift });
        }
        self.highest = input;
        self.last_drop = Some((behind, timestamp));
        Dropped::Unseen
    }

    /// The output number that an input of the open feed has or would have.
    pub(super) fn output_of(&self, input: i64) -> Option<i64> {
        Some(input.wrapping_add(self.find(input)?.sequence))
    }

    /// Which input an output number stands for.
    pub(super) fn locate(&self, output: i64) -> Option<(i64, Shift)> {
        self.runs.iter().rev().find_map(|run| {
            let input = output.wrapping_sub(run.shift.sequence);
            (input >= run.first && input < run.end).then_some((input, run.shift))
        })
    }

    /// The shift of an input number of the open feed.
    fn find(&self, input: i64) -> Option<Shift> {
        let feed = self.current()?.feed;
        let mut runs = self.runs.iter().rev().take_while(|run| run.shift.feed == feed);
        runs.find(|run| input >= run.first && input < run.end).map(|run| run.shift)
    }

    /// Change the shift from `picture` on, whose packet `input` is new.
    fn split(&mut self, input: i64, picture: u32, change: impl FnOnce(Shift) -> Shift) {
        let Some(open) = self.runs.back_mut() else { return };
        let shift = change(open.shift);
        if open.first >= input || open.picture == Some(picture) {
            (open.picture, open.shift) = (Some(picture), shift);
        } else {
            open.end = input;
            self.push(Run { first: input, end: i64::MAX, picture: Some(picture), shift });
        }
    }

    fn push(&mut self, run: Run) {
        if self.runs.len() == MAX_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    fn kept(map: &mut SequenceMap, input: i64) -> i64 {
        map.keep(input).unwrap().0
    }

    #[test]
    fn a_feed_goes_on_where_the_last_one_ended() {
        let mut map = SequenceMap::new(100);
        map.begin(7, 0, 1, 0, Selection::default());
        assert_eq!((kept(&mut map, 7), kept(&mut map, 8)), (100, 101));
        map.begin(5000, 0, 2, 0, Selection::default());
        assert_eq!(kept(&mut map, 5000), 102);
        assert_eq!(map.keep(9), None, "late packets of the former feed");
        assert_eq!(map.keep(4999), None, "before the keyframe");
        assert_eq!(map.locate(101).map(|(input, shift)| (input, shift.feed)), Some((8, 1)));
    }

    #[test]
    fn missing_packets_keep_their_number() {
        let mut map = SequenceMap::new(0);
        map.begin(10, 0, 1, 0, Selection::default());
        assert_eq!((kept(&mut map, 10), kept(&mut map, 13), kept(&mut map, 11)), (0, 3, 1));
    }

    #[test]
    fn dropped_packets_close_up_and_are_counted_as_pictures() {
        let mut map = SequenceMap::new(0);
        map.begin(10, 0, 1, 0, Selection::default());
        kept(&mut map, 10);
        assert_eq!((map.drop(11, 900), map.drop(12, 900), map.drop(13, 1800)), (Dropped::Unseen, Dropped::Unseen, Dropped::Unseen));
        let (output, shift) = map.keep(14).unwrap();
        assert_eq!((output, shift.dropped_pictures), (1, 2));
        assert_eq!(map.keep(12), None);
        assert_eq!(map.locate(1).unwrap().0, 14);
    }

    #[test]
    fn a_gap_inside_a_dropped_picture_closes_too() {
        let mut map = SequenceMap::new(0);
        map.begin(10, 0, 1, 0, Selection::default());
        kept(&mut map, 10);
        map.drop(11, 900);
        map.drop(13, 900);
        assert_eq!(map.drop(12, 900), Dropped::Unseen);
        assert_eq!(kept(&mut map, 14), 1);
    }

    #[test]
    fn a_late_packet_that_is_dropped_leaves_a_number_to_fill() {
        let mut map = SequenceMap::new(0);
        map.begin(10, 0, 1, 0, Selection::default());
        kept(&mut map, 10);
        kept(&mut map, 12);
        assert!(matches!(map.drop(11, 900), Dropped::Reserved(1, _)));
    }

    #[test]
    fn a_number_that_was_filled_is_not_given_to_the_next_feed() {
        let mut map = SequenceMap::new(0);
        map.begin(10, 0, 1, 0, Selection::default());
        kept(&mut map, 10);
        map.drop(12, 900);
        assert!(matches!(map.drop(11, 900), Dropped::Reserved(1, _)));
        map.begin(50, 0, 2, 0, Selection::default());
        assert_eq!(kept(&mut map, 50), 2);
    }

    #[test]
    fn retiming_keeps_the_numbers() {
        let mut map = SequenceMap::new(0);
        map.begin(10, 0, 1, 5, Selection::default());
        kept(&mut map, 10);
        map.retime(11, 3000, 6);
        let (output, shift) = map.keep(11).unwrap();
        assert_eq!((output, shift.timestamp, map.keep(10).unwrap().1.timestamp), (1, 6, 5));
    }

    #[test]
    fn the_late_head_of_a_picture_belongs_to_the_run_that_began_with_it() {
        let mut map = SequenceMap::new(0);
        map.begin(10, 0, 1, 5, Selection::default());
        kept(&mut map, 10);
        map.retime(13, 3000, 6);
        kept(&mut map, 13);
        assert_eq!(map.shift_of(12, 3000).unwrap().timestamp, 6, "of the same picture");
        assert_eq!(map.shift_of(11, 0).unwrap().timestamp, 5, "of the one before");
        assert_eq!((map.locate(2).unwrap().1.timestamp, map.locate(1).unwrap().1.timestamp), (6, 5));
    }
}
