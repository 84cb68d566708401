//! A browser that receives pictures: what it asks for when, and what it reports (libwebrtc's NackRequester and RemoteEstimatorProxy).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use far_end::{Received, protected};
use plane_core::rtcp;
use plane_core::twcc::Recorder;

use super::{FEC, INDEX, SINK};

/// Seconds between two looks at what is missing.
const TICK: f64 = 0.02;
/// What was asked for so long ago is asked for again: who only receives knows no round trip, and takes it for this.
const AGAIN: f64 = 0.1;
const MOST_ASKED: u32 = 10;
/// Seconds between two reports.
const REPORT: f64 = 0.06;
/// For so long a repair packet is kept, seconds.
const KEPT: f64 = 1.0;

#[derive(Default)]
pub struct Receiver {
    /// When each packet of the host was there, by its index.
    pub arrived: HashMap<i64, f64>,
    /// The newest sequence number, unrolled.
    newest: Option<i64>,
    /// When each that is missing was asked for last, and how often.
    missing: BTreeMap<i64, (f64, u32)>,
    recorder: Recorder,
    ticks: u32,
    reports: u32,
    /// The host's index of each sequence number.
    indices: HashMap<u16, i64>,
    /// What came as it was sent, or by repair packets: of retransmissions libwebrtc's repair packets do not know.
    native: HashSet<u16>,
    /// Repair packets: when they came, and what they protect.
    repairs: Vec<(f64, Vec<u16>)>,
}

impl Receiver {
    /// Which packet of the host a sequence number stands for.
    pub fn name(&mut self, sequence: u16, index: i64) {
        self.indices.insert(sequence, index);
    }

    /// Take in what arrives. `number`: its transport-wide number.
    pub fn receive(&mut self, at: f64, number: Option<u16>, received: Received) {
        let Received::Rtp { header, payload, .. } = received else { return };
        if let Some(number) = number {
            self.recorder.on_packet(number, Duration::from_secs_f64(at));
        }
        // Of a retransmission two octets tell which (RFC 4588 section 4); padding has no more.
        match payload {
            Some(payload) if header.ssrc == FEC => self.repairs.push((at, protected(&payload).0)),
            Some(payload) if header.ssrc == SINK && payload.len() > INDEX => {
                self.native.insert(header.sequence_number);
                self.take(at, header.sequence_number);
            }
            Some(payload) if payload.len() > INDEX => self.take(at, u16::from_be_bytes([payload[0], payload[1]])),
            _ => {}
        }
        self.recover(at);
    }

    fn take(&mut self, at: f64, sequence: u16) {
        if let Some(&index) = self.indices.get(&sequence) {
            self.arrived.entry(index).or_insert(at);
        }
        let newest = *self.newest.get_or_insert(sequence.into());
        let sequence = newest + i64::from(sequence.wrapping_sub(newest as u16).cast_signed());
        self.missing.remove(&sequence);
        self.missing.extend((newest + 1..sequence).map(|missing| (missing, (f64::NEG_INFINITY, 0))));
        self.newest = Some(newest.max(sequence));
    }

    fn recover(&mut self, at: f64) {
        self.repairs.retain(|(came, _)| at - came < KEPT);
        let only_missing = |(_, numbers): &(f64, Vec<u16>)| {
            let mut missing = numbers.iter().copied().filter(|number| !self.native.contains(number));
            missing.next().filter(|_| missing.next().is_none())
        };
        let Some(number) = self.repairs.iter().find_map(only_missing) else { return };
        self.native.insert(number);
        self.take(at, number);
        self.recover(at);
    }

    /// What it sends now.
    pub fn poll(&mut self, now: f64) -> Vec<Vec<u8>> {
        let ticks = now >= f64::from(self.ticks + 1) * TICK;
        self.ticks += u32::from(ticks);
        let mut ask = Vec::new();
        self.missing.retain(|&sequence, (asked, times)| {
            if *times == 0 || ticks && now - *asked >= AGAIN {
                (*asked, *times) = (now, *times + 1);
                ask.push(sequence as u16);
            }
            *times < MOST_ASKED
        });
        let mut compounds = Vec::new();
        if !ask.is_empty() {
            let mut nack = Vec::new();
            rtcp::write_nack(1, SINK, &ask, &mut nack);
            compounds.push(nack);
        }
        if now >= f64::from(self.reports + 1) * REPORT {
            self.reports += 1;
            let mut feedback = Vec::new();
            if self.recorder.build(1, SINK, &mut feedback) {
                compounds.push(feedback);
            }
        }
        compounds
    }
}
