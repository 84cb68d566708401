//! The worker's part in connections: what comes on them goes to the engine as datagrams do.

use std::time::Instant;

use plane_core::address::TransportAddress;
use plane_core::command::WorkerId;
use plane_core::engine::Engine;
use plane_core::framing::Deframer;

use super::{RECEIVE_A_TURN, Worker};
use crate::counters::Counters;
use crate::links::{Links, MovedConnection};
use crate::send::Sender;

/// What is read from a connection before the next has its turn.
const CHUNK_OCTETS: usize = 64 << 10;

/// Frames that the engine takes in before it forwards them. A chunk holds more, after a line has stood still, than an
/// encoding's cache keeps: audio has 128 places.
const FRAMES_A_FLUSH: usize = 32;

/// Room for what is read at once, used again for every connection.
pub(super) struct Chunks(Vec<u8>);

impl Chunks {
    pub(super) fn new() -> Self {
        Self(vec![0; CHUNK_OCTETS])
    }
}

impl Worker {
    /// Accept, read and close, until nothing waits or the turn has taken long enough.
    pub(super) fn serve_connections(&mut self) {
        let begin = Instant::now();
        let mut now = begin;
        self.sender.connections.accept(now, &mut self.sender.counters);
        while now.duration_since(begin) < RECEIVE_A_TURN
            && let Some(number) = self.sender.connections.next_readable()
        {
            if !receive(now, number, &mut self.chunks, &mut self.engine, &mut self.sender) {
                self.close(number);
            }
            now = Instant::now();
        }
        for number in self.sender.connections.take_ended(now, |address| self.engine.is_checked(address)) {
            self.close(number);
        }
    }

    fn close(&mut self, number: usize) {
        if let Some(address) = self.sender.connections.close(number, &mut self.sender.counters) {
            self.engine.forget_address(address);
        }
    }
}

/// Read once from a connection and forward what came. False: it ended, or what comes is not framed.
fn receive(now: Instant, number: usize, chunks: &mut Chunks, engine: &mut Engine, sender: &mut Sender) -> bool {
    let mut chunk = match sender.connections.read(number, &mut chunks.0) {
        Ok(Some(chunk)) => chunk,
        Ok(None) => return true,
        Err(_) => return false,
    };
    let (mut frames, mut octets) = (0_usize, 0_usize);
    let mut elsewhere = Elsewhere::default();
    let result = chunk.deframer.feed(chunks.0.get_mut(..chunk.octets).unwrap_or_default(), |frame| {
        frames = frames.saturating_add(1);
        octets = octets.saturating_add(frame.len());
        if elsewhere.takes(frame, chunk.address, sender.links.as_ref(), engine) {
            return;
        }
        engine.receive(now, chunk.address, frame, sender);
        if frames.is_multiple_of(FRAMES_A_FLUSH) {
            engine.flush(now, sender);
        }
    });
    engine.flush(now, sender);
    Counters::add(&mut sender.counters.tcp_frames_received, frames);
    Counters::add(&mut sender.counters.tcp_octets_received, octets);
    if result.is_err() {
        Counters::add(&mut sender.counters.tcp_framing_errors, 1);
        return false;
    }
    match elsewhere.worker {
        Some(worker) => hand_over(number, worker, elsewhere.frames, chunk.deframer, sender),
        None => sender.connections.read_on(number, chunk.deframer),
    }
    true
}

/// What of a chunk belongs to another worker: all from the first check on that names a peer of it.
#[derive(Default)]
struct Elsewhere {
    worker: Option<WorkerId>,
    frames: Vec<Vec<u8>>,
}

impl Elsewhere {
    /// Whether a frame is another worker's. A connection on which a peer of this one passed a check stays here.
    fn takes(&mut self, frame: &[u8], address: TransportAddress, links: Option<&Links>, engine: &Engine) -> bool {
        let Some(links) = links else { return false };
        if self.worker.is_none() && !engine.is_checked(address) {
            self.worker = links.owner_of_check(frame);
        }
        if self.worker.is_some() {
            self.frames.push(frame.to_vec());
        }
        self.worker.is_some()
    }
}

fn hand_over(number: usize, worker: WorkerId, frames: Vec<Vec<u8>>, deframer: Deframer, sender: &mut Sender) {
    let Some((stream, address)) = sender.connections.release(number) else { return };
    let connection = MovedConnection { stream, from: address.socket, frames, deframer };
    if let Some(links) = &mut sender.links {
        links.move_connection(worker, connection, &mut sender.counters);
    }
}

/// Take over a connection that another worker accepted, with the frames that it had read.
pub(super) fn take_over(now: Instant, moved: MovedConnection, engine: &mut Engine, sender: &mut Sender) {
    let MovedConnection { stream, from, frames, deframer } = moved;
    let Some(address) = sender.connections.take_over(stream, from, deframer, now, &mut sender.counters) else { return };
    let mut frames = frames;
    for frames in frames.chunks_mut(FRAMES_A_FLUSH) {
        frames.iter_mut().for_each(|frame| engine.receive(now, address, frame, sender));
        engine.flush(now, sender);
    }
}
