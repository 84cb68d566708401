//! Switches between encodings and layers, and beginnings from the cache.

use super::*;

/// What a member got of two encodings: 30 pictures a second, a switch asked for at a step, the target's keyframes at some.
fn switched(steps: u16, ask_at: u16, keyframe_at: u16) -> (Vec<Got>, crate::command::SinkRow) {
    let mut world = World::new();
    let mut host = world.publish_vp8(&["q", "f"], &[]);
    let mut member = world.subscribe(2);
    let mut got = Vec::new();
    for step in 0..steps {
        let fields = video(70, 100 + step, 3000 * u32::from(step));
        world.send(&mut host, fields, &[(MID, b"0"), (RID, b"q")], &frame(step == 0, 100 + step, step as u8, 60));
        let fields = video(80, 7 + step, 900_000 + 3000 * u32::from(step));
        let payload = frame(step == 0 || step == keyframe_at, 9000 + step, 200, 60);
        world.send(&mut host, fields, &[(MID, b"0"), (RID, b"f")], &payload);
        if step == ask_at {
            world.route(2, 1);
        }
        world.pass(Duration::from_micros(33_333));
        got.extend(world.take(&mut member).0);
    }
    (got, world.engine.snapshot()[0])
}

fn assert_seamless(got: &[Got], least_step: u32) {
    for pair in got.windows(2) {
        assert_eq!(pair[1].header.sequence_number, pair[0].header.sequence_number.wrapping_add(1));
        let step = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
        assert!((least_step..=6000).contains(&step), "timestamp step {step}");
        assert_eq!(picture_id(&pair[1].payload), (picture_id(&pair[0].payload) + 1) & 0x7fff);
    }
}

#[test]
fn switches_encodings_at_a_keyframe_without_a_seam() {
    let (got, row) = switched(80, 40, 60);
    assert_eq!(got.len(), 80 + 1, "at the switch both encodings' pictures of one moment are sent");
    assert_seamless(&got, 900);
    assert_eq!((row.encoding, row.switches, row.packets), (1, 2, 81));
}

#[test]
fn switches_at_once_when_the_cache_holds_a_short_group() {
    let (got, row) = switched(30, 10, u16::MAX);
    assert_eq!(got.len(), 11 + 11 + 19, "the old encoding, the new one's replay, and it live");
    assert_seamless(&got, 90);
    assert_eq!((row.encoding, row.switches), (1, 2));
}

#[test]
fn a_late_joiner_is_served_from_the_cache_without_asking_the_publisher() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    for sequence in 0..10_u16 {
        world.send(&mut host, video(555, sequence, 3000 * u32::from(sequence)), &[], &frame(sequence == 0, sequence, sequence as u8, 80));
        world.pass(Duration::from_micros(33_333));
    }
    world.take(&mut host);
    let mut late = world.subscribe(2);
    let replay = world.take(&mut late).0;
    assert_eq!(replay.len(), 10);
    assert_seamless(&replay, 90);
    let spread = replay[9].header.timestamp.wrapping_sub(replay[0].header.timestamp);
    assert_eq!(spread, 9 * 90, "for decoding, not for watching");
    world.pass(Duration::from_millis(20));
    world.send(&mut host, video(555, 10, 30_000), &[], &frame(false, 10, 10, 80));
    let live = world.take(&mut late).0;
    assert_eq!(live[0].header.timestamp.wrapping_sub(replay[9].header.timestamp), 1800, "by elapsed time");
    world.pass(Duration::from_millis(400));
    assert_eq!((plis(&world.take(&mut host).1), world.stat("cached_replays")), (0, 1));
}

#[test]
fn a_long_group_gives_a_still_once_and_asks_for_a_keyframe() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    for sequence in 0..60_u16 {
        world.send(&mut host, video(555, sequence, 3000 * u32::from(sequence)), &[], &frame(sequence == 0, sequence, 1, 80));
    }
    world.take(&mut host);
    let mut late = world.subscribe(2);
    let still = world.take(&mut late).0;
    assert_eq!(still.len(), 1);
    world.pass(Duration::from_millis(33));
    world.send(&mut host, video(555, 60, 180_000), &[], &frame(false, 60, 1, 80));
    world.pass(Duration::from_millis(33));
    assert!(world.take(&mut late).0.is_empty());
    assert_eq!(plis(&world.take(&mut host).1), 1);
    world.send(&mut host, video(555, 61, 183_000), &[], &frame(true, 61, 1, 80));
    let live = world.take(&mut late).0;
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].header.sequence_number, still[0].header.sequence_number.wrapping_add(1));
    assert_eq!((world.stat("cached_stills"), picture_id(&live[0].payload)), (1, picture_id(&still[0].payload) + 1));
}

#[test]
fn a_replay_is_paced_and_catches_up_with_what_arrives_meanwhile() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let packet = |sequence: u16| Fields { marker: sequence == 39, ..video(555, sequence, 0) };
    for sequence in 0..40_u16 {
        let mut payload = frame(true, 1, 1, 1000);
        payload[0] = if sequence == 0 { 0x90 } else { 0x80 };
        world.send(&mut host, packet(sequence), &[], &payload);
    }
    let mut late = world.subscribe(2);
    let first = world.take(&mut late).0.len();
    assert_eq!(first, 10, "10 kB at once");
    world.send(&mut host, video(555, 40, 3000), &[], &frame(false, 2, 2, 500));
    assert!(world.take(&mut late).0.is_empty(), "in order, not in between");
    world.pass(Duration::from_millis(60));
    let rest = world.take(&mut late).0;
    assert_eq!(first + rest.len(), 41);
    assert_eq!(rest.last().unwrap().payload.len(), 500);
    assert!(rest.windows(2).all(|pair| pair[1].header.sequence_number == pair[0].header.sequence_number.wrapping_add(1)));
}

#[test]
fn temporal_layers_drop_without_a_seam_and_come_back_at_a_switching_point() {
    let mut world = World::new();
    let mut host = world.publish_vp8(&[], &[(555, 556)]);
    let mut member = world.subscribe(2);
    let mut got = Vec::new();
    // L1T3: 0 2 1 2; the upper layers sync every eighth picture.
    for step in 0..64_u16 {
        let temporal = [0, 2, 1, 2][usize::from(step) % 4];
        let tl0picidx = (step / 4) as u8;
        let sync = step % 8 < 4;
        for half in 0..2_u16 {
            let mut payload = layer_frame(step == 0, step, tl0picidx, 60, temporal, sync);
            payload[0] = if half == 0 { 0x90 } else { 0x80 };
            let fields = Fields { marker: half == 1, ..video(555, 2 * step + half, 3000 * u32::from(step)) };
            world.send(&mut host, fields, &[], &payload);
        }
        world.pass(Duration::from_micros(33_333));
        let limit = match step {
            15 => Some(0),
            37 => None,
            _ => continue,
        };
        got.push(world.take(&mut member).0);
        world.command(Command::Route { sink: 2, source: Some(SOURCE), encoding: 0, spatial: None, temporal: limit });
    }
    got.push(world.take(&mut member).0);
    let row = world.engine.source_stats(SOURCE, world.now)[0];
    let [base, middle, top, _] = row.layer_bytes[0];
    assert_eq!((base + middle + top, row.layer_bytes[1..].concat().iter().sum::<u64>()), (row.bytes, 0));
    assert!(base > 0 && base.abs_diff(middle) < base / 50 && top.abs_diff(2 * base) < base / 50, "{:?}", row.layer_bytes);
    let sizes: Vec<usize> = got.iter().map(Vec::len).collect();
    // All of 16 pictures; the base of 22; then the base until the upper layers sync at picture 40, and all from there.
    assert_eq!(sizes, [32, 12, 46]);
    let all: Vec<Got> = got.concat();
    for pair in all.windows(2) {
        assert_eq!(pair[1].header.sequence_number, pair[0].header.sequence_number.wrapping_add(1));
        let pictures = u16::from(pair[1].header.timestamp != pair[0].header.timestamp);
        assert_eq!(picture_id(&pair[1].payload), picture_id(&pair[0].payload) + pictures);
    }
}
