//! The control: a JSON object a line in, one a line out.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use mio::Waker;
use serde::{Deserialize, Serialize};

use crate::config::PathConfig;
use crate::packet_log::Way;
use crate::path::Counters;
use crate::shell::lateness::Summary;

/// What can be asked for.
#[derive(Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Once, before all others.
    Start {
        listeners: Vec<ListenerConfig>,
        #[serde(default)]
        up: Box<PathConfig>,
        #[serde(default)]
        down: Box<PathConfig>,
        #[serde(default)]
        seed: u64,
        /// Path of the packet log.
        #[serde(default)]
        log: Option<String>,
    },
    /// Where a listener leads from now on.
    Target { listener: String, address: SocketAddr },
    /// Another configuration; rates count from now.
    Set { direction: Direction, path: Box<PathConfig> },
    /// Lose everything from now on for so long.
    Outage { direction: Direction, ms: f64 },
    /// Counters; the log is complete up to here.
    Stats,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerConfig {
    pub name: String,
    /// Port 0: the kernel chooses, the same for UDP and TCP.
    pub bind: SocketAddr,
    pub target: Option<SocketAddr>,
    #[serde(default)]
    pub udp: bool,
    #[serde(default)]
    pub tcp: bool,
    /// One-way delay of its flows, beside that of the path.
    #[serde(default)]
    pub delay_ms: f64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
    Both,
}

impl Direction {
    pub fn ways(self) -> &'static [Way] {
        match self {
            Self::Up => &[Way::Up],
            Self::Down => &[Way::Down],
            Self::Both => &[Way::Up, Way::Down],
        }
    }
}

/// What is answered.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Reply {
    Started { addresses: BTreeMap<String, SocketAddr> },
    Done { ok: bool },
    Stats { now_ns: u64, up: PathStats, down: PathStats, flows: usize, lateness: Box<Summary> },
    Failed { error: String },
}

#[derive(Serialize)]
pub struct PathStats {
    packets: u64,
    octets: u64,
    delivered_octets: u64,
    delivered: u64,
    duplicated: u64,
    queue_full: u64,
    lost: u64,
    outage: u64,
    policed: u64,
    queued_octets: usize,
    rate: Option<f64>,
}

impl PathStats {
    pub fn new(counters: Counters, (queued_octets, rate): (usize, Option<f64>)) -> Self {
        let Counters { packets, octets, delivered_octets, fates: [delivered, duplicated, queue_full, lost, outage, policed] } = counters;
        Self { packets, octets, delivered_octets, delivered, duplicated, queue_full, lost, outage, policed, queued_octets, rate }
    }
}

/// Requests as they come, from a thread of its own; the last is the error [`END`]. The caller keeps `waker` too: closed with the
/// thread, it would take its last event with it.
pub fn requests(waker: Arc<Waker>) -> Receiver<Result<Request, String>> {
    let (sender, receiver) = channel();
    thread::spawn(move || read(&sender, &waker));
    receiver
}

fn read(sender: &Sender<Result<Request, String>>, waker: &Waker) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let request = serde_json::from_str(&line).map_err(|error| error.to_string());
        if sender.send(request).is_err() || waker.wake().is_err() {
            return;
        }
    }
    // Nobody is left to be told when this fails.
    drop(sender.send(Err(END.into())));
    drop(waker.wake());
}

/// What the last message says.
pub const END: &str = "end of input";

/// Answer on standard output.
pub fn answer(reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_string(reply)?;
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}
