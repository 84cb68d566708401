//! The floor of forwarding: one AES-128-GCM seal a packet, and sends with segmentation offload.
//!
//! Standard input: a line `cpu address address port…` with what is sent from and where the subscribers are, then for each
//! burst a line `at_us size…` with the moment it leaves and the octets of its packets without tag. Standard output: JSON with the thread's `cpu_ns`
//! over all bursts, `packets` and `sends`.

use std::error::Error;
use std::io::{self, BufRead};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use quinn_udp::{Transmit, UdpSocketState};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Octets of an RTP header with two extensions: authenticated, not encrypted.
const HEADER_OCTETS: usize = 24;

struct Burst {
    at: Duration,
    sizes: Vec<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = io::stdin().lock().lines();
    let first = lines.next().ok_or("no subscribers on standard input")??;
    let mut first = first.split_whitespace();
    let cpu = first.next().ok_or("no CPU in the first line")?.parse()?;
    let ours: Ipv4Addr = first.next().ok_or("no address to send from")?.parse()?;
    let theirs: Ipv4Addr = first.next().ok_or("no address of the subscribers")?.parse()?;
    let subscribers =
        first.map(|port| Ok((key()?, SocketAddr::from((theirs, port.parse()?))))).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let bursts = lines.map(|line| burst(&line?)).collect::<Result<Vec<_>, _>>()?;
    pin(cpu)?;

    let socket = UdpSocket::bind((ours, 0))?;
    socket2::SockRef::from(&socket).set_send_buffer_size(4 << 20)?;
    let state = UdpSocketState::new((&socket).into())?;
    let begin = Instant::now();
    let cpu_begin = cpu_ns()?;
    let (mut packets, mut sends, mut buffer) = (0_usize, 0_usize, Vec::new());
    for burst in &bursts {
        std::thread::sleep(burst.at.saturating_sub(begin.elapsed()));
        for (key, destination) in &subscribers {
            let segment_size = seal(key, burst, packets, &mut buffer)?;
            let transmit =
                Transmit { destination: *destination, ecn: None, contents: &buffer, segment_size: Some(segment_size), src_ip: None };
            state.try_send((&socket).into(), &transmit)?;
            packets = packets.saturating_add(burst.sizes.len());
            sends = sends.saturating_add(1);
        }
    }
    let cpu_ns = cpu_ns()?.saturating_sub(cpu_begin);
    println!(r#"{{"cpu_ns": {cpu_ns}, "packets": {packets}, "sends": {sends}}}"#);
    Ok(())
}

fn key() -> Result<LessSafeKey, Box<dyn Error>> {
    let key = UnboundKey::new(&AES_128_GCM, &[7; 16]).map_err(|_| "AES-128 takes 16 octets")?;
    Ok(LessSafeKey::new(key))
}

/// Seal each packet of a burst, evened out to the largest; the segment size.
fn seal(key: &LessSafeKey, burst: &Burst, index: usize, buffer: &mut Vec<u8>) -> Result<usize, Box<dyn Error>> {
    let largest = burst.sizes.iter().copied().max().ok_or("an empty burst")?;
    buffer.clear();
    let mut nonce = [0; NONCE_LEN];
    for (offset, _) in burst.sizes.iter().enumerate() {
        nonce[..8].copy_from_slice(&index.saturating_add(offset).to_be_bytes());
        let start = buffer.len();
        buffer.resize(start.saturating_add(largest), 0);
        let packet = buffer.get_mut(start..).unwrap_or_default();
        let (header, payload) = packet.split_at_mut_checked(HEADER_OCTETS).ok_or("a packet shorter than its header")?;
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header), payload)
            .map_err(|_| "too long to seal")?;
        buffer.extend_from_slice(tag.as_ref());
    }
    Ok(largest.saturating_add(AES_128_GCM.tag_len()))
}

fn burst(line: &str) -> Result<Burst, Box<dyn Error>> {
    let numbers = numbers(line)?;
    let (&at_us, sizes) = numbers.split_first().ok_or("an empty line")?;
    Ok(Burst { at: Duration::from_micros(at_us as u64), sizes: sizes.to_vec() })
}

fn numbers(line: &str) -> Result<Vec<usize>, Box<dyn Error>> {
    Ok(line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

fn pin(cpu: usize) -> Result<(), Box<dyn Error>> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    Ok(sched_setaffinity(None, &cpus)?)
}

/// Nanoseconds that this thread has run.
fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(schedstat.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}
