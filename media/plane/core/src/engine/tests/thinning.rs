//! A subscriber goes down spatial layers while pictures wait for its link.

use super::pacing::Path;
use super::*;

/// Of each spatial layer of a picture.
const PACKETS: [u16; 3] = [1, 2, 5];

/// A VP9 payload of a spatial layer, not flexible (RFC 9628 section 4.2).
fn payload(picture: u16, spatial: u8, begins: bool, ends: bool) -> Vec<u8> {
    let [high, low] = picture.to_be_bytes();
    let first = 0xE0 | if begins { 0x08 } else { 0 } | if ends { 0x04 } else { 0 };
    let depends = u8::from(spatial > 0);
    [&[first, 0x80 | high, low, spatial << 1 | depends, picture as u8][..], &[7; 1000]].concat()
}

fn picture(path: &mut Path, number: u16) {
    for (spatial, packets) in (0_u8..).zip(PACKETS) {
        for index in 0..packets {
            let ends = index + 1 == packets;
            let fields = Fields { marker: spatial == 2 && ends, ..video(555, path.sequence, 3000 * u32::from(number)) };
            path.world.queue(&mut path.host, fields, &[], &payload(number, spatial, index == 0, ends));
            path.sequence += 1;
        }
    }
    path.world.engine.flush(path.world.now, &mut path.world.wire);
}

/// The spatial layer of a packet, and whether its picture ends.
fn layer(got: &Got) -> (u8, bool) {
    (got.payload[3] >> 1 & 7, got.header.marker)
}

/// A member whose link carries 1.9 Mbit/s, for whom pictures of 8 kB from `first` on wait, and who is sent the lowest layer from the next
/// one on: what it got before and what comes then.
fn going_down(path: &mut Path, first: u16) -> (Vec<Got>, Vec<Got>) {
    (first..first + 5).for_each(|number| picture(path, number));
    let before = path.take();
    let route = Command::Route { sink: 2, source: Some(SOURCE), encoding: 0, spatial: Some(0), temporal: None };
    path.world.command(route);
    picture(path, first + 5);
    (before, path.receive_for(300).into_iter().map(|(_, got)| got).collect())
}

fn vp9() -> Path {
    let mut path = Path::new();
    path.world.rename_codecs("VP9/0");
    path
}

#[test]
fn layers_that_are_not_sent_any_more_do_not_hold_up_what_is() {
    let mut path = vp9();
    let dropped = path.world.stat("paced_dropped");
    let (before, after) = going_down(&mut path, 100);
    let got: Vec<(u8, bool)> = before.iter().chain(&after).map(layer).collect();
    assert!(got.len() < 20, "of 48 that came: {got:?}");
    // The first ends with the layer of which a part had left, the others with the lowest.
    let lowest = got.iter().rposition(|(spatial, _)| *spatial > 0).unwrap() + 1;
    assert!(got[..lowest].iter().filter(|(_, marker)| *marker).count() == 1 && got[lowest - 1].1, "{got:?}");
    assert_eq!(got[lowest..], [(0, true)].repeat(5));
    assert_eq!(path.world.stat("paced_dropped") - dropped, 41 - got.len() as u64);
}

#[test]
fn what_never_left_is_not_repaired_and_what_did_is() {
    let mut path = vp9();
    let (before, after) = going_down(&mut path, 100);
    let numbers: Vec<u16> = before.iter().chain(&after).map(|got| got.header.sequence_number).collect();
    let gap = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1).unwrap();
    path.nack(&[gap[0] + 1, gap[1] - 1]);
    assert_eq!((path.world.stat("nack_obsolete"), path.world.stat("rtx_sent")), (2, 0));
    path.nack(gap);
    assert_eq!((path.world.stat("nack_obsolete"), path.world.stat("rtx_sent")), (2, 2));
}

#[test]
fn what_repair_packets_protect_stays_as_it_was() {
    let mut path = vp9();
    path.protect(crate::command::Protection { fec: 20, ..crate::command::Protection::NONE });
    let (before, after) = going_down(&mut path, 100);
    assert_eq!(before.len() + after.len(), 41);
}
