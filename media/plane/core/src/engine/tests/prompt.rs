//! Pictures that begin are to be shown as they come; browsers are told so, and that it has ended.

use super::*;

const PLAYOUT: u8 = 6;
const AT_ONCE: [u8; 3] = [0, 0, 0];
const AS_EVER: [u8; 3] = [0, 0x03, 0xe8];

/// The playout delay of a member's pictures, at 30 a second; `before` each of them something may be changed.
fn told(takes_repairs: bool, pictures: u16, mut before: impl FnMut(&mut World, u16)) -> Vec<Option<[u8; 3]>> {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    let extensions = ExtensionIds { mid: MID, playout_delay: PLAYOUT, ..ExtensionIds::default() };
    let mut member = world.join_with(2, Profile::AeadAes128Gcm, extensions);
    world.add_sink(2);
    if takes_repairs {
        world.command(Command::AddFec { sink: 2, ssrc: 3002, payload_type: 49 });
    }
    world.route(2, 0);
    let mut got = Vec::new();
    for step in 0..pictures {
        before(&mut world, step);
        for (ssrc, rid) in [(70, b"q"), (80, b"f")] {
            let payload = frame(step.is_multiple_of(10), step, step as u8, 60);
            world.send(&mut host, video(ssrc, step, 3000 * u32::from(step)), &[(MID, b"0"), (RID, rid)], &payload);
        }
        world.pass(Duration::from_micros(33_333));
        let seen = world.take(&mut member).0;
        let delay = |got: &Got| got.elements.iter().find(|(id, _)| *id == PLAYOUT).map(|(_, value)| value.as_slice().try_into().unwrap());
        got.extend(seen.last().map(delay));
    }
    got
}

#[test]
fn pictures_are_shown_as_they_come_for_a_moment_and_browsers_are_told_that_it_is_over() {
    let told = told(true, 75, |_, _| ());
    assert_eq!(told[0], Some(AT_ONCE));
    assert!(told[..15].iter().all(|delay| *delay == Some(AT_ONCE)));
    assert!(told[16..60].iter().all(|delay| *delay == Some(AS_EVER)));
    assert!(told[61..].iter().all(Option::is_none));
}

#[test]
fn another_size_of_what_is_shown_is_no_beginning() {
    let told = told(true, 90, |world, step| {
        if step == 70 {
            world.route(2, 1)
        }
    });
    assert!(told[61..].iter().all(Option::is_none));
}

#[test]
fn what_comes_back_begins_anew() {
    let told = told(true, 90, |world, step| match step {
        70 => world.command(Command::Route { sink: 2, source: None, encoding: 0, spatial: None, temporal: None }),
        75 => world.route(2, 0),
        _ => (),
    });
    // Five pictures were not sent.
    assert_eq!((told[69], told[70]), (None, Some(AT_ONCE)));
}

#[test]
fn who_takes_no_repair_packets_is_told_nothing() {
    assert!(told(false, 10, |_, _| ()).iter().all(Option::is_none));
}
