//! A host, the engine, a link that loses both ways, and a member.

mod receiver;
mod shown;
mod way;

use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Received, Wire};
use plane_core::address::TransportAddress;
use plane_core::command::{Codec, Command, ExtensionIds, MediaKind, Protection};
use plane_core::engine::{Config, Engine};
use plane_core::rtcp::{Compound, Packet};
use plane_core::rtp::{Fields, Header};
use plane_core::srtp::Profile;

use receiver::Receiver;
use shown::{FREEZE, Picture, shown};
pub use way::Loss;
use way::Way;

const MEDIA: u32 = 100;
const SINK: u32 = 0x7FF0;
const FEC: u32 = 0x6000;
const TRANSPORT_CC: u8 = 3;
/// Seconds between two pictures.
const INTERVAL: f64 = 1.0 / 30.0;
const OCTETS: usize = 1000;
/// Where the host's index of a packet stands in its payload.
const INDEX: usize = 10;
/// Losses begin, seconds: the link's rate is known by then.
const LOSSES: f64 = 2.0;
/// They are protected against so much later.
const KNOWN: f64 = 0.1;
/// From then on is counted.
const SETTLED: f64 = 3.0;

/// A link.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    pub loss: Loss,
    /// Seconds, one way.
    pub delay: f64,
    /// Bit/s, on the way down.
    pub rate: f64,
    /// Seconds for which pictures are kept before they are shown.
    pub playout: f64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    pub seconds: f64,
    pub freezes: usize,
    pub frozen_seconds: f64,
    pub shown: usize,
    /// Packets of the host.
    pub media: u64,
    /// Packets to the member, of all kinds.
    pub sent: u64,
}

impl Played {
    pub fn and(self, other: Self) -> Self {
        Self {
            seconds: self.seconds + other.seconds,
            freezes: self.freezes + other.freezes,
            frozen_seconds: self.frozen_seconds + other.frozen_seconds,
            shown: self.shown + other.shown,
            media: self.media + other.media,
            sent: self.sent + other.sent,
        }
    }

    /// Share of time.
    pub fn frozen(&self) -> f64 {
        self.frozen_seconds / self.seconds
    }

    /// Pictures shown a second.
    pub fn rate(&self) -> f64 {
        self.shown as f64 / self.seconds
    }

    /// Repairs over media.
    pub fn overhead(&self) -> f64 {
        self.sent as f64 / self.media as f64 - 1.0
    }
}

struct World {
    engine: Engine,
    began: Instant,
    now: f64,
    wire: Wire,
    host: Client,
    member: Client,
    /// Opens what is sent to the member before the link takes any of it.
    tap: Client,
    pictures: Vec<Picture>,
    packets: i64,
    wants_keyframe: bool,
}

impl Network {
    /// Play so many seconds.
    pub fn play(self, protection: Protection, seconds: f64, seed: u64) -> Played {
        let (mut world, mut receiver) = (World::new(), Receiver::default());
        let (mut down, mut up) = (Way::new(self.rate, self.delay, seed), Way::new(f64::INFINITY, self.delay, seed + 1000));
        let (mut due, mut sent) = (0.0, 0);
        for ms in 0..(seconds * 1000.0) as u64 {
            let before = std::mem::replace(&mut world.now, ms as f64 / 1000.0);
            let comes = |at: f64| before < at && at <= ms as f64 / 1000.0;
            if comes(LOSSES) {
                (down.loss, up.loss) = (Some(self.loss), Some(self.loss));
            }
            if comes(LOSSES + KNOWN) {
                world.command(Command::Protect { peer: 2, protection });
            }
            if world.now >= due {
                due += INTERVAL;
                world.send_picture();
            }
            world.pass();
            for datagram in world.wire.take(world.member.address) {
                sent += 1;
                if let Some((sequence, index)) = world.overhear(&datagram) {
                    receiver.name(sequence, index);
                }
                down.send(world.now, datagram);
            }
            while let Some((at, datagram)) = down.arrived(world.now) {
                let number = transport_number(&datagram);
                receiver.receive(at, number, world.member.subscriber.receive(datagram));
            }
            for compound in receiver.poll(world.now) {
                up.send(world.now, world.member.rtcp(compound).unwrap());
            }
            while let Some((_, datagram)) = up.arrived(world.now) {
                world.receive(world.member.address, datagram);
            }
            world.host_hears();
        }
        let shown = shown(&world.pictures, &receiver.arrived, self.delay + self.playout);
        let gaps = shown.windows(2).map(|pair| pair[1] - pair[0]).filter(|&gap| gap > FREEZE);
        let (freezes, frozen_seconds) = gaps.fold((0, 0.0), |(count, sum), gap| (count + 1, sum + gap));
        Played { seconds: seconds - SETTLED, freezes, frozen_seconds, shown: shown.len(), media: world.packets as u64, sent }
    }
}

impl World {
    fn new() -> Self {
        let began = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        let client = |peer: u32| {
            Client::new(peer, TransportAddress::udp(([10, 0, 0, peer as u8], 5000).into()), Profile::AeadAes128Gcm, peer.into())
        };
        let mut world = Self {
            engine: Engine::new(config, began, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7),
            began,
            now: 0.0,
            wire: Wire::default(),
            host: client(1),
            member: client(2),
            tap: client(2),
            pictures: Vec::new(),
            packets: 0,
            wants_keyframe: true,
        };
        world.join();
        world
    }

    fn instant(&self) -> Instant {
        self.began + Duration::from_secs_f64(self.now)
    }

    fn command(&mut self, command: Command) {
        self.engine.handle(command, self.instant(), &mut self.wire);
    }

    fn receive(&mut self, from: TransportAddress, mut datagram: Vec<u8>) {
        self.engine.receive(self.instant(), from, &mut datagram, &mut self.wire);
    }

    fn join(&mut self) {
        let codecs =
            |payload_type| vec![Codec { name: "VP8".into(), payload_type, clock_rate: 90_000, rtx_payload_type: Some(payload_type + 1) }];
        let extensions = ExtensionIds { transport_cc: TRANSPORT_CC, ..ExtensionIds::default() };
        for client in [&self.host, &self.member] {
            client.join(&mut self.engine, self.began, extensions, &mut self.wire);
        }
        let (kind, mid, cname, ssrcs) = (MediaKind::Video, String::from("0"), String::from("c"), vec![(MEDIA, MEDIA + 1)]);
        self.command(Command::AddSource { source: 5, peer: 1, kind, mid: mid.clone(), codecs: codecs(96), rids: Vec::new(), ssrcs });
        self.command(Command::AddSink { sink: 9, peer: 2, mid, ssrc: SINK, rtx_ssrc: SINK + 1, cname, codecs: codecs(120) });
        self.command(Command::AddFec { sink: 9, ssrc: FEC, payload_type: 49 });
        self.command(Command::Route { sink: 9, source: Some(5), encoding: 0, spatial: None, temporal: None });
    }

    /// The next picture: 1.5 Mbit/s in three temporal layers.
    fn send_picture(&mut self) {
        let keyframe = std::mem::take(&mut self.wants_keyframe);
        let since = self.pictures.iter().rev().position(|picture| picture.keyframe).map_or(0, |since| since + 1);
        let temporal = if keyframe { 0 } else { [0, 2, 1, 2][since % 4] };
        let packets = if keyframe { 30 } else { [11, 6, 4][usize::from(temporal)] };
        let number = self.pictures.len();
        self.pictures.push(Picture { first: self.packets, packets, temporal, keyframe, sent: self.now });
        for packet in 0..packets {
            let begins = if packet == 0 { 0x90 } else { 0x80 };
            let layer = (temporal << 6) | if temporal == 2 { 0x20 } else { 0 };
            let [high, low] = (number as u16 | 0x8000).to_be_bytes();
            let mut payload = vec![begins, 0xE0, high, low, (number / 4) as u8, layer, u8::from(!keyframe), 0x9d, 0x01, 0x2a];
            payload.extend(self.packets.to_be_bytes());
            payload.resize(OCTETS, 0xab);
            let marker = packet + 1 == packets;
            let fields = Fields { marker, payload_type: 96, sequence_number: 0, timestamp: 3000 * number as u32, ssrc: MEDIA };
            let datagram = self.host.rtp(&fields, self.packets, &[], &payload);
            self.packets += 1;
            self.receive(self.host.address, datagram);
        }
        self.engine.flush(self.instant(), &mut self.wire);
    }

    fn pass(&mut self) {
        let now = self.instant();
        while self.engine.deadline().is_some_and(|due| due <= now) {
            self.engine.timeout(now, &mut self.wire);
        }
    }

    /// The sequence number and the host's index of a packet of media that is sent to the member.
    fn overhear(&mut self, datagram: &[u8]) -> Option<(u16, i64)> {
        let Received::Rtp { header, payload: Some(payload), .. } = self.tap.subscriber.receive(datagram.to_vec()) else { return None };
        let index = payload.get(INDEX..)?.first_chunk().filter(|_| header.ssrc == SINK)?;
        Some((header.sequence_number, i64::from_be_bytes(*index)))
    }

    fn host_hears(&mut self) {
        for datagram in self.wire.take(self.host.address) {
            let Received::Rtcp(compound) = self.host.subscriber.receive(datagram) else { continue };
            self.wants_keyframe |= Compound::new(&compound).any(|packet| matches!(packet, Ok(Packet::Pli { .. } | Packet::Fir { .. })));
        }
    }
}

/// The transport-wide number of a sealed packet, whose header is plain.
fn transport_number(datagram: &[u8]) -> Option<u16> {
    let header = Header::parse(datagram).ok()?;
    let (_, value) = header.elements(datagram).find(|(id, _)| *id == TRANSPORT_CC)?;
    Some(u16::from_be_bytes(*value.first_chunk()?))
}
