//! The far ends of an engine under test: clients with keys and addresses, and the wire between.

use std::time::{Duration, Instant, UNIX_EPOCH};

use super::super::{Config, Engine, Output};
use crate::address::TransportAddress;
use crate::command::{Codec, Command, Event, ExtensionIds, MediaKind};
use crate::rtcp::{Compound, Packet};
use crate::rtp::{Fields, Header};
use crate::srtp::{MasterKey, Profile, SrtpError, SrtpReceiver, SrtpSender};
use crate::{extension, stun};

pub(super) const PUBLISHER: u32 = 1;
pub(super) const SOURCE: u32 = 10;
pub(super) const MID: u8 = 4;
pub(super) const RID: u8 = 10;
pub(super) const TRANSPORT_CC: u8 = 3;
pub(super) const AUDIO_LEVEL: u8 = 5;

/// Datagrams that the engine sent, cut as the kernel would.
#[derive(Default)]
pub(super) struct Wire(pub(super) Vec<(TransportAddress, Vec<u8>)>);

impl Output for Wire {
    fn transmit(&mut self, destination: TransportAddress, segment_size: usize, contents: &[u8]) {
        let chunks: Vec<_> = contents.chunks(segment_size).collect();
        assert!(chunks.iter().rev().skip(1).all(|chunk| chunk.len() == segment_size));
        self.0.extend(chunks.into_iter().map(|chunk| (destination, chunk.to_vec())));
    }
}

/// The far end of a peer.
pub(super) struct Client {
    pub(super) id: u32,
    pub(super) address: TransportAddress,
    pub(super) sender: SrtpSender,
    pub(super) receiver: SrtpReceiver,
    /// Packets that came once more: a receiver drops them.
    pub(super) repeated: u64,
}

/// An RTP packet as a client got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) header: Header,
    pub(super) elements: Vec<(u8, Vec<u8>)>,
    pub(super) payload: Vec<u8>,
}

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    pub(super) wire: Wire,
}

pub(super) fn udp(address: &str) -> TransportAddress {
    TransportAddress::udp(address.parse().unwrap())
}

pub(super) fn tcp(address: &str, connection: usize) -> TransportAddress {
    TransportAddress::tcp(address.parse().unwrap(), connection)
}

pub(super) fn key(seed: u8) -> MasterKey {
    MasterKey { key: [seed; 16], salt: [seed; 14] }
}

pub(super) fn vp8(payload_type: u8) -> Vec<Codec> {
    vec![Codec { name: "VP8".into(), payload_type, clock_rate: 90_000, rtx_payload_type: Some(payload_type + 1) }]
}

/// A VP8 payload with 15-bit picture id and TL0PICIDX (RFC 7741 section 4.2), in the base layer.
pub(super) fn frame(keyframe: bool, picture_id: u16, tl0picidx: u8, size: usize) -> Vec<u8> {
    layer_frame(keyframe, picture_id, tl0picidx, size, 0, true)
}

pub(super) fn layer_frame(keyframe: bool, picture_id: u16, tl0picidx: u8, size: usize, temporal: u8, sync: bool) -> Vec<u8> {
    let [high, low] = picture_id.to_be_bytes();
    let layer = (temporal << 6) | if sync { 0x20 } else { 0 };
    let mut payload = vec![0x90, 0xe0, 0x80 | high, low, tl0picidx, layer, u8::from(!keyframe), 0x9d, 0x01, 0x2a];
    payload.resize(size.max(12), 0xab);
    payload
}

impl World {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let config = Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
        Self { engine: Engine::new(config, now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7), now, wire: Wire::default() }
    }

    pub(super) fn command(&mut self, command: Command) {
        self.engine.handle(command, self.now, &mut self.wire);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.engine.deadline().filter(|&due| due <= end) {
            self.now = due.max(self.now);
            self.engine.timeout(self.now, &mut self.wire);
        }
        self.now = end;
    }

    pub(super) fn receive(&mut self, from: TransportAddress, mut datagram: Vec<u8>) {
        self.engine.receive(self.now, from, &mut datagram, &mut self.wire);
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.engine.next_event()).collect()
    }

    pub(super) fn stat(&self, name: &str) -> u64 {
        self.engine.stats().into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    pub(super) fn join(&mut self, id: u32, profile: Profile) -> Client {
        let extensions = ExtensionIds {
            mid: MID,
            rid: RID,
            transport_cc: TRANSPORT_CC,
            audio_level: AUDIO_LEVEL,
            abs_send_time: 2,
            ..ExtensionIds::default()
        };
        self.join_with(id, profile, extensions)
    }

    pub(super) fn join_with(&mut self, id: u32, profile: Profile, extensions: ExtensionIds) -> Client {
        let address = udp(&format!("10.0.0.{id}:5000"));
        self.command(Command::AddPeer { peer: id, local_ufrag: format!("u{id}"), local_pwd: format!("p{id}"), extensions });
        self.check(id, address, &format!("p{id}"), true);
        self.command(Command::SetKeys { peer: id, profile, send: key(id as u8), receive: key(100 + id as u8), hold: Duration::ZERO });
        Client {
            id,
            address,
            sender: SrtpSender::new(profile, &key(100 + id as u8)),
            receiver: SrtpReceiver::new(profile, &key(id as u8)),
            repeated: 0,
        }
    }

    /// Send a binding request as a controlling agent does.
    pub(super) fn check(&mut self, id: u32, from: TransportAddress, password: &str, nominate: bool) {
        let username = format!("u{id}:far");
        let attributes: [(u16, &[u8]); 2] = [(0x0006, username.as_bytes()), (0x0025, b"")];
        let request = stun::request_for_tests(&attributes[..1 + usize::from(nominate)], Some(password.as_bytes()));
        self.receive(from, request);
    }

    /// Where a DTLS datagram for a peer is sent.
    pub(super) fn dtls_goes_to(&mut self, peer: u32) -> Option<TransportAddress> {
        self.wire.0.clear();
        self.command(Command::SendDtls { peer, datagram: vec![22; 30] });
        self.wire.0.pop().map(|(to, _)| to)
    }

    pub(super) fn publish_vp8(&mut self, rids: &[&str], ssrcs: &[(u32, u32)]) -> Client {
        let client = self.join(PUBLISHER, Profile::AeadAes128Gcm);
        self.command(Command::AddSource {
            source: SOURCE,
            peer: PUBLISHER,
            kind: MediaKind::Video,
            mid: "0".into(),
            codecs: vp8(96),
            rids: rids.iter().map(ToString::to_string).collect(),
            ssrcs: ssrcs.to_vec(),
        });
        client
    }

    pub(super) fn subscribe(&mut self, id: u32) -> Client {
        let client = self.subscribe_alone(id);
        self.route(id, 0);
        client
    }

    /// A subscriber in a world where perhaps nobody publishes.
    pub(super) fn subscribe_alone(&mut self, id: u32) -> Client {
        let client = self.join(id, Profile::AeadAes128Gcm);
        self.add_sink(id);
        client
    }

    pub(super) fn add_sink(&mut self, id: u32) {
        self.command(Command::AddSink {
            sink: id,
            peer: id,
            mid: "7".into(),
            ssrc: 1000 + id,
            rtx_ssrc: 2000 + id,
            cname: "c".into(),
            codecs: vp8(120),
        });
    }

    pub(super) fn route(&mut self, sink: u32, encoding: usize) {
        self.command(Command::Route { sink, source: Some(SOURCE), encoding, spatial: None, temporal: None });
    }

    /// Publish a packet and forward it.
    pub(super) fn send(&mut self, from: &mut Client, fields: Fields, elements: &[(u8, &[u8])], payload: &[u8]) {
        self.queue(from, fields, elements, payload);
        self.engine.flush(self.now, &mut self.wire);
    }

    pub(super) fn queue(&mut self, from: &mut Client, fields: Fields, elements: &[(u8, &[u8])], payload: &[u8]) {
        let mut packet = Vec::new();
        let header_len = extension::write_header(&mut packet, &fields, elements).unwrap();
        packet.extend_from_slice(payload);
        from.sender.seal_rtp(&mut packet, 0, header_len, 0).unwrap();
        self.receive(from.address, packet);
    }

    pub(super) fn send_rtcp(&mut self, from: &mut Client, mut compound: Vec<u8>) {
        from.sender.seal_rtcp(&mut compound, 0).unwrap();
        self.receive(from.address, compound);
    }

    /// What was sent to a client since the last call: RTP and RTCP, opened.
    pub(super) fn take(&mut self, client: &mut Client) -> (Vec<Got>, Vec<Vec<u8>>) {
        let (mut media, mut control) = (Vec::new(), Vec::new());
        let all = std::mem::take(&mut self.wire.0);
        let (mine, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(to, _)| *to == client.address);
        self.wire.0 = others;
        for (_, mut datagram) in mine {
            match crate::demux::classify(&datagram) {
                Some(crate::demux::Kind::Rtp) => media.extend(client.open(&mut datagram)),
                Some(crate::demux::Kind::Rtcp) => {
                    let length = client.receiver.open_rtcp(&mut datagram).unwrap();
                    control.push(datagram[..length].to_vec());
                }
                _ => {}
            }
        }
        assert!(client.repeated <= self.stat("copies_sent"), "nothing but copies has a number twice");
        (media, control)
    }
}

impl Client {
    /// A packet that was sealed, plain and whole; nothing where it came before.
    pub(super) fn plain(&mut self, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let header = Header::parse(&sealed).unwrap();
        let opened = self.receiver.open_rtp(&mut sealed, &header);
        if opened == Err(SrtpError::Replayed) {
            self.repeated += 1;
            return None;
        }
        sealed.truncate(opened.unwrap());
        Some(sealed)
    }

    pub(super) fn open(&mut self, datagram: &mut [u8]) -> Option<Got> {
        let packet = self.plain(datagram.to_vec())?;
        let header = Header::parse(&packet).unwrap();
        let payload = packet[header.payload_range(&packet).unwrap()].to_vec();
        Some(Got { header, elements: header.elements(&packet).map(|(id, value)| (id, value.to_vec())).collect(), payload })
    }
}

pub(super) fn video(ssrc: u32, sequence_number: u16, timestamp: u32) -> Fields {
    Fields { marker: true, payload_type: 96, sequence_number, timestamp, ssrc }
}

pub(super) fn picture_id(payload: &[u8]) -> u16 {
    u16::from_be_bytes([payload[2] & 0x7f, payload[3]])
}

/// How many keyframe requests there are among RTCP compounds.
pub(super) fn plis(control: &[Vec<u8>]) -> usize {
    control.iter().flat_map(|c| Compound::new(c)).filter(|p| matches!(p, Ok(Packet::Pli { .. }))).count()
}
