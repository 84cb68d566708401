//! An engine, the peers at its far end, and what is held against it after each action.

use std::collections::HashMap;
use std::time::{Duration, Instant, UNIX_EPOCH};

use far_end::{Client, Received, Role, Wire};
use plane_core::address::TransportAddress;
use plane_core::command::{Command, Event, Protection};
use plane_core::demux::{Kind, classify};
use plane_core::engine::{Config, Engine};
use plane_core::rtp::Header;
use plane_core::srtp::Profile;
use plane_core::twcc::Recorder;

use super::action::{Action, Control, Media, Shape};
use super::media;

const PLACES: u8 = 4;
const ADDRESSES: u8 = 6;
const SOURCES: u8 = 4;
const SINKS: u8 = 6;

/// Datagrams that one action may make the engine send, media not counted: 250 numbers asked for again, or reports and
/// keyframe requests of all peers in each of the turns of a long time.
const MOST_ANSWERS: usize = 20_000;
/// A NACK of 100 numbers, or what waits to be forwarded to every sink.
const MOST_EVENTS: usize = 64;

pub(super) struct World {
    engine: Engine,
    start: Instant,
    now: Instant,
    wire: Wire,
    places: [Option<Place>; PLACES as usize],
    /// Of the keys of the peer that came last.
    seed: u64,
}

/// A browser, and where the numbers of its streams stand.
struct Place {
    client: Client,
    /// Index of the last packet sent, by SSRC.
    sent: HashMap<u32, i64>,
    /// Sequence number got last, by SSRC.
    got: HashMap<u32, u16>,
    /// What has arrived, and when the link has drained it, by this peer's clock.
    arrivals: Recorder,
    free_at: Duration,
}

impl Place {
    /// A packet under this transport-wide number arrives over the peer's link.
    fn arrive(&mut self, number: Option<u16>, octets: usize, now: Duration) {
        let rate = if self.client.peer % 4 == 1 { 100_000.0 } else { 300_000.0 };
        self.free_at = self.free_at.max(now) + Duration::from_secs_f64(octets as f64 * 8.0 / rate);
        if let Some(number) = number {
            self.arrivals.on_packet(number, self.free_at);
        }
    }
}

fn address(number: u8) -> TransportAddress {
    TransportAddress::udp(([10, 0, 0, number % ADDRESSES], 5000).into())
}

impl World {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        let engine = Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7);
        Self { engine, start: now, now, wire: Wire::default(), places: Default::default(), seed: 0 }
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::AddPeer(place) => self.add_peer(place % PLACES),
            Action::RemovePeer(place) => self.remove_peer(place % PLACES),
            Action::SetKeys(place) => {
                self.command_of(place, 1);
                self.command(Command::WantBitrate { peer: u32::from(place % PLACES), bitrate: f64::from(place) * 10_000.0 });
            }
            Action::Check { place, address: number, role } => self.check(place, number, role),
            Action::AddSource { source, place, shape } => self.add_source(source % SOURCES, place % PLACES, shape),
            Action::RemoveSource(source) => self.command(Command::RemoveSource(u32::from(source % SOURCES))),
            Action::AddSink { sink, place, ssrc, rtx } => self.add_sink(sink % SINKS, place % PLACES, ssrc, rtx),
            Action::RemoveSink(sink) => self.command(Command::RemoveSink(u32::from(sink % SINKS))),
            Action::Route { sink, source, encoding, spatial, temporal } => {
                let source = source.map(|source| u32::from(source % SOURCES));
                self.command(Command::Route {
                    sink: u32::from(sink % SINKS),
                    source,
                    encoding: usize::from(encoding % 4),
                    spatial: spatial.map(|layer| layer % 4),
                    temporal: temporal.map(|layer| layer % 4),
                });
            }
            Action::RequestKeyframe(source) => self.command(Command::RequestKeyframe(u32::from(source % SOURCES))),
            Action::SendDtls(place) => self.command(Command::SendDtls { peer: u32::from(place % PLACES), datagram: vec![22; 20] }),
            Action::Media(media) => self.media(&media),
            Action::Control { place, packets } => self.control(place, &packets),
            Action::RestartIce(place) => self.restart_ice(place % PLACES),
            Action::Move { place, address: number } => {
                if let Some(known) = &mut self.places[usize::from(place % PLACES)] {
                    known.client.address = address(number);
                }
            }
            Action::ForgetAddress(number) => self.engine.forget_address(address(number)),
            Action::Protect { place, copies, spacing_ms, retransmissions, plain_audio } => self.command(Command::Protect {
                peer: u32::from(place % PLACES),
                protection: Protection {
                    copies: copies % 16,
                    redundant_copies: copies % 3,
                    picture_copies: copies / 16 % 4,
                    spacing: Duration::from_millis((spacing_ms % 201).into()),
                    retransmissions: retransmissions % 16,
                    retransmission_spacing: Duration::from_millis((retransmissions / 16 * 8).into()),
                    // Of the same octets, so that what the corpus holds goes on to mean what it meant.
                    fec: spacing_ms % 101,
                    playout: Duration::from_millis(u64::from(retransmissions) * 10),
                    plain_audio,
                },
            }),
            Action::Garbage { address: number, datagram } => self.receive(address(number), datagram),
            Action::Flush => self.engine.flush(self.now, &mut self.wire),
            Action::Pass(milliseconds) => {
                self.report_arrivals();
                self.pass(Duration::from_millis(milliseconds.into()));
            }
        }
        self.look();
    }

    /// Remove every peer: nothing may be left.
    pub(super) fn end(mut self) {
        self.engine.flush(self.now, &mut self.wire);
        self.look();
        for place in 0..PLACES {
            self.remove_peer(place);
        }
        self.engine.flush(self.now, &mut self.wire);
        self.pass(Duration::from_secs(20));
        self.look();
        for gauge in ["peers", "sources", "sinks", "addresses", "ufrags", "ids"] {
            let left = self.engine.stats().into_iter().find(|(name, _)| *name == gauge).expect("the gauge is there").1;
            assert_eq!(left, 0, "{gauge} are left");
        }
        assert!(self.engine.snapshot().is_empty() && self.wire.sent.is_empty());
    }

    fn add_peer(&mut self, place: u8) {
        if self.places[usize::from(place)].is_some() {
            // Its id is taken, so whatever else this says it is refused.
            return self.command(Command::AddPeer {
                peer: place.into(),
                local_ufrag: "x".into(),
                local_pwd: "y".into(),
                extensions: media::IDS,
            });
        }
        self.seed += 1;
        let profile = if self.seed % 4 == 3 { Profile::Aes128CmSha1_80 } else { Profile::AeadAes128Gcm };
        let client = Client::new(place.into(), address(place), profile, self.seed);
        self.places[usize::from(place)] =
            Some(Place { client, sent: HashMap::new(), got: HashMap::new(), arrivals: Recorder::default(), free_at: Duration::ZERO });
        self.command_of(place, 0);
    }

    fn restart_ice(&mut self, place: u8) {
        let Some(known) = &mut self.places[usize::from(place)] else { return };
        let command = known.client.restart();
        self.command(command);
    }

    fn remove_peer(&mut self, place: u8) {
        self.command(Command::RemovePeer(place.into()));
        self.look();
        self.places[usize::from(place)] = None;
    }

    /// One of the commands that bring a peer in.
    fn command_of(&mut self, place: u8, which: usize) {
        let Some(known) = &self.places[usize::from(place % PLACES)] else { return };
        let command = known.client.commands(media::IDS).into_iter().nth(which);
        self.command(command.expect("there are two"));
    }

    fn command(&mut self, command: Command) {
        self.engine.handle(command, self.now, &mut self.wire);
    }

    fn check(&mut self, place: u8, number: u8, role: u8) {
        let Some(known) = &self.places[usize::from(place % PLACES)] else { return };
        let role = [Role::Nominating, Role::Controlling, Role::Nominating, Role::Controlled][usize::from(role % 4)];
        let check = known.client.check(role);
        self.look();
        self.receive(address(number), check);
        assert!(self.wire.sent.len() <= 2, "a check is answered twice at most");
    }

    fn add_source(&mut self, source: u8, place: u8, shape: Shape) {
        self.command(Command::AddSource {
            source: source.into(),
            peer: place.into(),
            kind: media::kind(shape),
            mid: media::mid(source),
            codecs: media::codecs(shape),
            rids: media::rids(shape),
            ssrcs: media::ssrcs(shape, source),
        });
    }

    fn add_sink(&mut self, sink: u8, place: u8, ssrc: u8, rtx: bool) {
        self.command(Command::AddSink {
            sink: sink.into(),
            peer: place.into(),
            mid: sink.to_string(),
            ssrc: media::sink_ssrc(place, ssrc),
            rtx_ssrc: if rtx { media::rtx_ssrc(place, ssrc) } else { 0 },
            cname: "c".into(),
            codecs: media::all_codecs(),
        });
        if rtx {
            self.command(Command::AddFec { sink: sink.into(), ssrc: media::fec_ssrc(place, ssrc), payload_type: 49 });
        }
    }

    fn media(&mut self, media: &Media) {
        let Some(place) = &mut self.places[usize::from(media.place % PLACES)] else { return };
        let fields = media.fields();
        // Just below the wrap.
        let last = place.sent.entry(fields.ssrc).or_insert(65_500);
        let index = (*last + i64::from(media.step)).max(0);
        *last = index.max(*last);
        let elements = media.elements();
        let elements: Vec<(u8, &[u8])> = elements.iter().map(|(id, value)| (*id, value.as_slice())).collect();
        let packet = place.client.rtp(&fields, index, &elements, &media.payload());
        let from = place.client.address;
        self.receive(from, packet);
    }

    fn control(&mut self, place: u8, packets: &[Control]) {
        let Some(place) = &mut self.places[usize::from(place % PLACES)] else { return };
        let mut compound = Vec::new();
        for packet in packets.iter().take(8) {
            packet.write(place.client.peer as u8, |ssrc| place.got.get(&ssrc).copied().unwrap_or(0), &mut compound);
        }
        let from = place.client.address;
        if let Some(datagram) = place.client.rtcp(compound) {
            self.receive(from, datagram);
        }
    }

    /// Half of the peers report what arrives, over links of 100 and 300 kbit/s: more than that waits in the engine's pacer.
    fn report_arrivals(&mut self) {
        for place in (1..PLACES).step_by(2) {
            let Some(known) = &mut self.places[usize::from(place)] else { continue };
            let mut feedback = Vec::new();
            if known.arrivals.build(1, media::sink_ssrc(place, 0), &mut feedback)
                && let Some(datagram) = known.client.rtcp(feedback)
            {
                let from = known.client.address;
                self.receive(from, datagram);
            }
        }
    }

    fn receive(&mut self, from: TransportAddress, mut datagram: Vec<u8>) {
        self.engine.receive(self.now, from, &mut datagram, &mut self.wire);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut turns = 0;
        while let Some(due) = self.engine.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.engine.timeout(self.now, &mut self.wire);
            self.look();
            turns += 1;
            assert!(turns < 100_000, "the engine's timers spin at {:?}", self.now - self.start);
        }
        self.now = end;
    }

    /// Hold what the engine sent and told against what it may.
    fn look(&mut self) {
        assert!(self.wire.sent.len() <= MOST_ANSWERS);
        let events = std::iter::from_fn(|| self.engine.next_event()).inspect(|event| {
            assert!(!matches!(event, Event::Dtls { datagram, .. } if datagram.is_empty()));
        });
        assert!(events.count() <= MOST_EVENTS);
        for (_, datagram) in std::mem::take(&mut self.wire.sent) {
            self.deliver(datagram);
        }
    }

    /// Each datagram opens at its peer, wherever that is now: peers may have taken over each other's addresses.
    fn deliver(&mut self, datagram: Vec<u8>) {
        match classify(&datagram).expect("the engine sends what is understood") {
            Kind::Rtp => {
                let parsed = Header::parse(&datagram).expect("RTP has a header");
                let (ssrc, octets) = (parsed.ssrc, datagram.len());
                let number = parsed.elements(&datagram).find(|(id, _)| *id == media::IDS.transport_cc);
                let number = number.and_then(|(_, value)| Some(u16::from_be_bytes(value.try_into().ok()?)));
                let place = self.places[media::place_of(ssrc)].as_mut().expect("it is there");
                let (Received::Rtp { header, .. } | Received::Copy { header, .. }) = place.client.subscriber.receive(datagram) else {
                    unreachable!("it is RTP")
                };
                place.got.insert(ssrc, header.sequence_number);
                place.arrive(number, octets, self.now.duration_since(self.start));
            }
            Kind::Rtcp => {
                let mut places = self.places.iter_mut().flatten();
                assert!(places.any(|place| place.client.subscriber.open_rtcp(datagram.clone()).is_ok()), "RTCP opens somewhere");
            }
            Kind::Stun | Kind::Dtls => {}
        }
    }
}
