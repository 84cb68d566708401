//! Who speaks: the loudness of an audio source, from the levels in its packets (RFC 6464).

use std::time::{Duration, Instant};

/// The quietest level that is told apart, in dBov. RFC 6464 goes down to -127, but speech must rise from the floor
/// within a syllable, however quiet the room was.
const FLOOR: f32 = -90.0;

/// Louder than this is speech, once it lasts: a quiet talker is at -40 dBov, what noise suppression leaves at -60.
const SPEAKS_ABOVE: f32 = -45.0;

/// Quieter than this is silence. The distance keeps those who lower their voice from flickering.
const SILENT_BELOW: f32 = -55.0;

/// Time constant of the rise: a click of some 50 ms passes unnoticed, a word does not.
const ATTACK: Duration = Duration::from_millis(100);

/// Fall in dB a second: slow enough to carry over the pauses between words.
const RELEASE_PER_S: f32 = 20.0;

/// A source without packets for this long is silent. With DTX an encoder sends comfort noise every 400 ms and nothing else,
/// and one of those may be lost; until then the level falls as if silence had been sent.
const NO_PACKETS: Duration = Duration::from_millis(1000);

/// What one packet says is of so much sound at most: behind a silence of DTX it must not stand for all of that.
const LONGEST_PACKET: f32 = 0.06;

/// The smoothed level of one source: quick to rise, slow to fall, like a programme meter.
///
/// The flag for voice activity is not used: senders set it as they like, some never.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker {
    level: f32,
    last: Option<Instant>,
    speaks: bool,
}

impl Default for Speaker {
    fn default() -> Self {
        Self { level: FLOOR, last: None, speaks: false }
    }
}

impl Speaker {
    /// Take in the extension's octet of a packet: a flag, and 7 bits of level in -dBov.
    pub(super) fn heard(&mut self, octet: u8, now: Instant) {
        let level = (-f32::from(octet & 0x7f)).max(FLOOR);
        let before = self.last.filter(|_| !self.silent(now));
        self.last = Some(now);
        let Some(before) = before else {
            self.level = FLOOR;
            self.speaks = false;
            return;
        };
        let elapsed = now.saturating_duration_since(before).as_secs_f32();
        let unheard = (elapsed - LONGEST_PACKET).max(0.0);
        let sounded = elapsed - unheard;
        self.level = (self.level - RELEASE_PER_S * unheard).max(FLOOR);
        self.speaks &= self.level > SILENT_BELOW;
        if level > self.level {
            self.level += (level - self.level) * sounded / (sounded + ATTACK.as_secs_f32());
        } else {
            self.level = (self.level - RELEASE_PER_S * sounded).max(level);
        }
        let threshold = if self.speaks { SILENT_BELOW } else { SPEAKS_ABOVE };
        self.speaks = self.level > threshold;
    }

    /// The smoothed level in dBov (-90 to 0) while the source speaks.
    pub(super) fn level(&self, now: Instant) -> Option<f32> {
        let unheard = now.saturating_duration_since(self.last?).as_secs_f32() - LONGEST_PACKET;
        let level = self.level - RELEASE_PER_S * unheard.max(0.0);
        (self.speaks && level > SILENT_BELOW && !self.silent(now)).then_some(level)
    }

    fn silent(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= NO_PACKETS)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    struct Microphone {
        speaker: Speaker,
        now: Instant,
    }

    impl Microphone {
        fn new() -> Self {
            Self { speaker: Speaker::default(), now: Instant::now() }
        }

        /// Packets of this level for so long; how long until the source's state was another one, if it became so.
        fn send(&mut self, level: u8, ms: u64) -> Option<Duration> {
            let began = self.now;
            let before = self.speaker.level(self.now).is_some();
            let mut changed = None;
            while self.now.duration_since(began) < Duration::from_millis(ms) {
                self.now += PACKET;
                self.speaker.heard(level, self.now);
                if self.speaker.level(self.now).is_some() != before {
                    changed.get_or_insert(self.now.duration_since(began));
                }
            }
            changed
        }
    }

    #[test]
    fn speech_is_noticed_within_a_syllable_and_carries_over_pauses() {
        let mut microphone = Microphone::new();
        assert_eq!(microphone.send(65, 5_000), None, "a room that is not quite silent");
        assert!(microphone.send(25, 1_000).is_some_and(|after| after <= Duration::from_millis(200)));
        assert_eq!(microphone.send(70, 800), None, "a pause between words");
        assert_eq!(microphone.send(25, 200), None);
        assert!(microphone.send(70, 3_000).is_some_and(|after| after > Duration::from_secs(1)));
    }

    #[test]
    fn a_click_is_no_speech() {
        let mut microphone = Microphone::new();
        microphone.send(127, 1_000);
        assert_eq!(microphone.send(10, 60), None);
        assert_eq!(microphone.send(127, 1_000), None);
    }

    #[test]
    fn between_the_thresholds_nothing_changes() {
        let mut microphone = Microphone::new();
        assert_eq!(microphone.send(50, 5_000), None);
        microphone.send(30, 1_000);
        assert_eq!(microphone.send(50, 5_000), None);
    }

    #[test]
    fn the_flag_is_not_part_of_the_level() {
        let mut microphone = Microphone::new();
        microphone.send(0x80 | 30, 2_000);
        let level = microphone.speaker.level(microphone.now);
        assert!(level.is_some_and(|level| (-31.0..=-30.0).contains(&level)), "{level:?}");
    }

    #[test]
    fn a_pause_with_dtx_is_as_long_as_one_without() {
        let pause_of = |dtx: bool| {
            let mut microphone = Microphone::new();
            microphone.send(30, 2_000);
            let began = microphone.now;
            while microphone.speaker.level(microphone.now).is_some() {
                microphone.now += PACKET;
                let comfort = microphone.now.duration_since(began).as_millis().is_multiple_of(400);
                if !dtx || comfort {
                    microphone.speaker.heard(70, microphone.now);
                }
            }
            microphone.now.duration_since(began)
        };
        assert!(pause_of(false).abs_diff(pause_of(true)) <= Duration::from_millis(80), "{:?} {:?}", pause_of(false), pause_of(true));
        assert!(pause_of(true) > Duration::from_secs(1));
    }

    #[test]
    fn a_comfort_packet_behind_a_long_silence_is_no_speech() {
        let mut microphone = Microphone::new();
        microphone.send(127, 500);
        for _ in 0..20 {
            microphone.now += Duration::from_millis(400);
            microphone.speaker.heard(50, microphone.now);
            assert_eq!(microphone.speaker.level(microphone.now), None);
        }
        assert!(microphone.send(20, 200).is_some(), "speech is");
    }

    #[test]
    fn no_packets_are_silence() {
        let mut microphone = Microphone::new();
        microphone.send(20, 1_000);
        let almost = microphone.now + NO_PACKETS.saturating_sub(PACKET);
        assert!(microphone.speaker.level(almost).is_some());
        assert_eq!(microphone.speaker.level(microphone.now + NO_PACKETS), None);
        microphone.now += NO_PACKETS;
        microphone.speaker.heard(20, microphone.now);
        assert_eq!(microphone.speaker.level(microphone.now), None, "it rises anew");
    }
}
