//! Audio that rides behind a picture, and audio that does not wait.

use super::super::ride::AUDIO_LINGER;
use super::*;

const AUDIO_SOURCE: u32 = 11;
const AUDIO_SSRC: u32 = 777;
const INTERVAL: Duration = Duration::from_millis(33);
const BEFORE: Duration = Duration::from_millis(2);

/// A host with camera and microphone, a member who watches and hears it, and pictures until their rhythm is known.
struct Stage {
    world: World,
    host: Client,
    member: Client,
    pictures: u16,
    next_sequence: u16,
    samples: u16,
}

impl Stage {
    fn new() -> Self {
        let mut world = World::new();
        let host = world.publish_vp8(&[], &[(555, 556)]);
        let member = world.subscribe(2);
        let opus = |payload_type| vec![Codec { name: "opus".into(), payload_type, clock_rate: 48_000, rtx_payload_type: None }];
        let (kind, mid, codecs) = (MediaKind::Audio, "1".to_owned(), opus(111));
        let ssrcs = vec![(AUDIO_SSRC, 0)];
        world.command(Command::AddSource { source: AUDIO_SOURCE, peer: PUBLISHER, kind, mid, codecs, rids: vec![], ssrcs });
        let (cname, codecs) = ("c".to_owned(), opus(109));
        world.command(Command::AddSink { sink: 102, peer: 2, mid: "8".into(), ssrc: 5002, rtx_ssrc: 0, cname, codecs });
        world.command(Command::Route { sink: 102, source: Some(AUDIO_SOURCE), encoding: 0, spatial: None, temporal: None });
        let mut stage = Self { world, host, member, pictures: 0, next_sequence: 1, samples: 0 };
        stage.audio();
        for _ in 0..4 {
            stage.picture(3);
            stage.world.pass(INTERVAL);
        }
        stage.got();
        stage
    }

    /// A picture arrives, whole.
    fn picture(&mut self, packets: u16) {
        for index in 0..packets {
            let timestamp = u32::from(self.pictures) * 2970;
            let fields = Fields { marker: index + 1 == packets, ..video(555, self.next_sequence, timestamp) };
            let payload = frame(self.pictures == 0 && index == 0, self.pictures, 0, 900);
            self.world.queue(&mut self.host, fields, &[], &payload);
            self.next_sequence += 1;
        }
        self.pictures += 1;
        self.world.engine.flush(self.world.now, &mut self.world.wire);
    }

    fn audio(&mut self) {
        let timestamp = u32::from(self.samples) * 960;
        let fields = Fields { marker: false, payload_type: 111, sequence_number: self.samples, timestamp, ssrc: AUDIO_SSRC };
        self.samples += 1;
        self.world.send(&mut self.host, fields, &[], &[0x78; 80]);
    }

    /// What the member got since the last call, in order: 'v' for a packet of a picture, 'a' for audio.
    fn got(&mut self) -> String {
        let (media, _) = self.world.take(&mut self.member);
        media.iter().map(|got| if got.header.ssrc == 5002 { 'a' } else { 'v' }).collect()
    }
}

#[test]
fn audio_right_before_a_picture_leaves_with_it() {
    let mut stage = Stage::new();
    stage.picture(3);
    stage.got();
    stage.world.pass(INTERVAL - BEFORE);
    stage.audio();
    assert_eq!(stage.got(), "", "it waits");
    stage.world.pass(BEFORE);
    stage.picture(3);
    assert_eq!(stage.got(), "vvva");
    assert_eq!(stage.world.stat("bursts_joined"), 1, "in one send");
    stage.world.pass(INTERVAL);
    assert_eq!(stage.got(), "", "and once");
}

#[test]
fn audio_waits_no_longer_than_its_linger_for_a_picture_that_does_not_come() {
    let mut stage = Stage::new();
    stage.picture(3);
    stage.got();
    stage.world.pass(INTERVAL - BEFORE);
    stage.audio();
    stage.world.pass(AUDIO_LINGER);
    assert_eq!(stage.got(), "a");
    assert_eq!(stage.world.stat("bursts_joined"), 0);
}

#[test]
fn audio_leaves_at_once_when_no_picture_is_near() {
    let mut stage = Stage::new();
    stage.picture(3);
    stage.got();
    stage.world.pass(INTERVAL / 2);
    stage.audio();
    assert_eq!(stage.got(), "a");
}

#[test]
fn audio_goes_in_front_of_a_long_picture() {
    let mut stage = Stage::new();
    stage.picture(3);
    stage.got();
    stage.world.pass(INTERVAL - BEFORE);
    stage.audio();
    stage.world.pass(BEFORE);
    stage.picture(20);
    assert_eq!(stage.got(), format!("a{}", "v".repeat(20)));
    assert_eq!(stage.world.stat("bursts_joined"), 0);
}

#[test]
fn who_hears_without_watching_gets_its_audio_with_everybody_elses() {
    let mut stage = Stage::new();
    stage.world.command(Command::Route { sink: 2, source: None, encoding: 0, spatial: None, temporal: None });
    let watcher = stage.world.subscribe(3);
    stage.picture(3);
    stage.got();
    stage.world.pass(INTERVAL - BEFORE);
    stage.audio();
    stage.world.pass(BEFORE);
    stage.picture(3);
    assert_eq!(stage.got(), "a");
    assert!(stage.world.wire.0.iter().any(|(to, _)| *to == watcher.address), "the picture left");
}
