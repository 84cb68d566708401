//! Fewer spatial layers are sent from some picture on: of those that wait the layers above are of no use any more, and what the link
//! carries less of now would wait behind them.
//!
//! A receiver takes a picture for whole at its marker, and every spatial layer needs its own of the picture before. So a picture that
//! waits ends with the highest layer that stays, and those before one that has to keep a higher layer keep it too.

use super::pacer::Held;
use crate::rtp::MARKER;

/// Let each picture end with the last of its layers up to `spatial`, or with the one above of which a part has left. `waiting`: of one
/// stream, the oldest first. Returns the output numbers of what is left over, ascending.
pub(super) fn thin(waiting: &mut [&mut Held], spatial: u8) -> Vec<i64> {
    let mut useless = Vec::new();
    for picture in waiting.chunk_by_mut(|held, next| held.timestamp() == next.timestamp()).rev() {
        let wanted = picture.iter().filter(|held| held.spatial <= spatial).count();
        if wanted == picture.len() {
            continue;
        }
        // Where none that is wanted waits they have left, without a marker: the next layer has to follow.
        let lowest = picture.iter().map(|held| held.spatial).min().unwrap_or(spatial).max(spatial);
        let kept = picture.iter().take_while(|held| held.spatial <= lowest).count();
        let (kept, above) = picture.split_at_mut(kept);
        let whole = above.iter().all(|held| held.spatial > lowest);
        let Some(end) = kept.last_mut().filter(|end| whole && end.end_of_frame) else { break };
        if let Some(octet) = end.packet.get_mut(1).filter(|_| !above.is_empty()) {
            *octet |= MARKER;
        }
        useless.extend(above.iter().map(|held| held.sequence()));
        if wanted == 0 {
            break;
        }
    }
    useless.sort_unstable();
    useless
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "test code")]
mod tests {
    use super::*;

    /// Packets of pictures, one after the other, each by its spatial layer; behind the last of a layer stands a dot.
    fn waiting(pictures: &[&str]) -> Vec<Held> {
        let mut held = Vec::new();
        for (picture, layers) in (0_u8..).zip(pictures) {
            let begin = held.len();
            for layer in layers.bytes() {
                if layer == b'.' {
                    held.last_mut().into_iter().for_each(|held: &mut Held| held.end_of_frame = true);
                    continue;
                }
                let packet = vec![0x80, 96, 0xFF, 0xF0, 0, 0, 0, picture, 0, 0, 0, 1];
                held.push(Held { packet, header_len: 12, roc: 2, of: None, again: None, spatial: layer - b'0', end_of_frame: false });
            }
            held[begin..].last_mut().into_iter().for_each(|held| held.packet[1] |= MARKER);
        }
        (0xF0_u8..).zip(&mut held).for_each(|(number, held)| held.packet[3] = number);
        held
    }

    /// What stays of each picture, a bar behind each marker.
    fn thinned(pictures: &[&str], spatial: u8) -> String {
        let mut held = waiting(pictures);
        let useless = thin(&mut held.iter_mut().collect::<Vec<_>>(), spatial);
        let stays = |held: &&Held| useless.binary_search(&held.sequence()).is_err();
        held.iter().filter(stays).map(|held| format!("{}{}", held.spatial, if held.packet[1] & MARKER == 0 { "" } else { "|" })).collect()
    }

    #[test]
    fn pictures_end_with_the_highest_layer_that_is_sent_still() {
        assert_eq!(thinned(&["0.1.2.", "00.11.22.", "0.2.", "0."], 0), "0|00|0|0|");
        assert_eq!(thinned(&["0.1.2.", "00.11.22.", "0.2.", "0.1."], 1), "01|0011|0|01|");
        assert_eq!(thinned(&["0.1.", "0."], 1), "01|0|");
    }

    #[test]
    fn what_has_left_in_part_ends_with_the_layer_that_follows() {
        assert_eq!(thinned(&["11.22.", "0.1.2."], 0), "11|0|");
        assert_eq!(thinned(&["2.", "0.1.2."], 0), "2|0|");
        assert_eq!(thinned(&["1.2.", "0.1.2."], 1), "1|01|");
    }

    #[test]
    fn what_is_not_whole_stays_and_all_that_it_needs() {
        assert_eq!(thinned(&["0.1.2.", "01.2.", "0.1.2."], 0), "012|012|0|", "its lowest layer's end is missing");
        assert_eq!(thinned(&["0.1.2.", "0.12.1", "0."], 0), "0|0|0|");
        assert_eq!(thinned(&["0.1.2.", "0.1.2.0", "0."], 0), "012|0120|0|", "out of order");
        assert_eq!(thinned(&["0.1.2.", "12.", "0."], 0), "012|12|0|");
    }

    #[test]
    fn sequence_numbers_are_those_of_the_output() {
        let held = waiting(&["0.1.2."]);
        assert_eq!(held.iter().map(Held::sequence).collect::<Vec<_>>(), [0x2_FFF0, 0x2_FFF1, 0x2_FFF2]);
    }
}
