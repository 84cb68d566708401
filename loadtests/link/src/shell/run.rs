//! The loop.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use mio::net::{TcpListener, UdpSocket};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::config::PathConfig;
use crate::link::{Flow, Link, Output};
use crate::packet_log::{self, MAGIC, Way};
use crate::shell::clock::{Alarm, now};
use crate::shell::control::{self, END, ListenerConfig, PathStats, Reply, Request};
use crate::shell::flows::{UdpFlow, UdpFlows, bound};
use crate::shell::lateness::{Lateness, Pulse};
use crate::shell::streams::Stream;
use crate::time::{Nanos, from_ms};

const WAKER: Token = Token(0);
const ALARM: Token = Token(1);
/// Attempts at a port that is free for UDP and TCP.
const PORT_ATTEMPTS: usize = 50;

/// What a token stands for.
#[derive(Clone, Copy)]
enum Source {
    UdpListener(usize),
    TcpListener(usize),
    /// The server's side of a flow.
    Udp(Flow),
    /// The end of a connection where this way begins.
    Tcp(Flow, Way),
}

struct Listener {
    name: String,
    address: SocketAddr,
    target: Option<SocketAddr>,
    extra_delay: Nanos,
    udp: Option<UdpSocket>,
    tcp: Option<TcpListener>,
}

struct Shell {
    poll: Poll,
    alarm: Alarm,
    link: Link,
    listeners: Vec<Listener>,
    sources: HashMap<Token, Source>,
    tokens: usize,
    flows: UdpFlows,
    streams: BTreeMap<Flow, Stream>,
    /// Delays of flows that listeners add.
    extra_delays: HashMap<Flow, Nanos>,
    next_flow: Flow,
    lateness: Lateness,
    pulse: Pulse,
    log: Option<BufWriter<File>>,
}

/// Run until standard input ends.
///
/// # Errors
/// The kernel refuses what no link can do without, or the log cannot be written.
pub fn run() -> io::Result<()> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let requests = control::requests(waker.clone());
    let link = Link::new(Default::default(), Default::default(), 0, now()).map_err(io::Error::other)?;
    let alarm = Alarm::new(poll.registry(), ALARM)?;
    let mut shell = Shell::new(poll, alarm, link);
    let mut events = Events::with_capacity(1024);
    loop {
        let pulse = shell.pulse.due();
        shell.alarm.set(Some(shell.link.next_at().map_or(pulse, |at| at.min(pulse))))?;
        match shell.poll.poll(&mut events, None) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        shell.pulse.on_woken(now());
        // What is due goes out before anything new is looked at.
        shell.carry_out()?;
        for event in &events {
            if let Some(source) = shell.sources.get(&event.token()) {
                shell.ready(*source)?;
            }
        }
        shell.carry_out()?;
        for request in requests.try_iter() {
            if request.as_ref().is_err_and(|error| error == END) {
                return shell.flush();
            }
            let reply = request.and_then(|request| shell.answer(request)).unwrap_or_else(|error| Reply::Failed { error });
            control::answer(&reply)?;
        }
        shell.carry_out()?;
        shell.tidy();
    }
}

impl Shell {
    fn new(poll: Poll, alarm: Alarm, link: Link) -> Self {
        Self {
            poll,
            alarm,
            link,
            listeners: Vec::new(),
            sources: HashMap::new(),
            tokens: 2,
            flows: UdpFlows::default(),
            streams: BTreeMap::new(),
            extra_delays: HashMap::new(),
            next_flow: 1,
            lateness: Lateness::new(),
            pulse: Pulse::new(now()),
            log: None,
        }
    }

    // ---- Control -----------------------------------------------------------------------------------------------------

    fn answer(&mut self, request: Request) -> Result<Reply, String> {
        let done = Ok(Reply::Done { ok: true });
        match request {
            Request::Start { .. } if !self.listeners.is_empty() => Err("the link has been started".into()),
            Request::Start { listeners, up, down, seed, log } => {
                self.link = Link::new(*up, *down, seed, now())?;
                self.start(listeners, log).map_err(|error| error.to_string())
            }
            Request::Target { listener, address } => {
                let found = self.listeners.iter_mut().find(|candidate| candidate.name == listener);
                found.ok_or(format!("there is no listener {listener:?}"))?.target = Some(address);
                done
            }
            Request::Set { direction, path } => {
                for way in direction.ways() {
                    self.link.path(*way).change(now(), PathConfig::clone(&path))?;
                }
                done
            }
            Request::Outage { direction, ms } => {
                for way in direction.ways() {
                    self.link.path(*way).outage(now(), from_ms(ms));
                }
                done
            }
            Request::Stats => self.stats().map_err(|error| error.to_string()),
        }
    }

    fn start(&mut self, listeners: Vec<ListenerConfig>, log: Option<String>) -> io::Result<Reply> {
        if let Some(path) = log {
            let mut writer = BufWriter::new(File::create(path)?);
            writer.write_all(MAGIC)?;
            self.log = Some(writer);
        }
        for config in listeners {
            self.listen(config)?;
        }
        Ok(Reply::Started { addresses: self.listeners.iter().map(|listener| (listener.name.clone(), listener.address)).collect() })
    }

    fn listen(&mut self, config: ListenerConfig) -> io::Result<()> {
        let (address, mut udp, mut tcp) = bind(&config)?;
        let index = self.listeners.len();
        if let Some(socket) = &mut udp {
            let token = self.token(Source::UdpListener(index));
            self.poll.registry().register(socket, token, Interest::READABLE)?;
        }
        if let Some(listener) = &mut tcp {
            let token = self.token(Source::TcpListener(index));
            self.poll.registry().register(listener, token, Interest::READABLE)?;
        }
        let extra_delay = from_ms(config.delay_ms);
        self.listeners.push(Listener { name: config.name, address, target: config.target, extra_delay, udp, tcp });
        Ok(())
    }

    fn stats(&mut self) -> io::Result<Reply> {
        let now = now();
        self.link.run(now);
        self.carry_out()?;
        self.flush()?;
        let mut of = |way| {
            let path = self.link.path(way);
            PathStats::new(path.counters(), path.queue(now))
        };
        let (up, down) = (of(Way::Up), of(Way::Down));
        let flows = self.flows.len() + self.streams.len();
        let lateness = Box::new(self.lateness.summary(self.pulse.stalls()));
        Ok(Reply::Stats { now_ns: now, up, down, flows, lateness })
    }

    // ---- Sockets -----------------------------------------------------------------------------------------------------

    fn ready(&mut self, source: Source) -> io::Result<()> {
        match source {
            Source::UdpListener(listener) => self.receive_from_clients(listener),
            Source::Udp(flow) => self.receive_from_server(flow),
            Source::TcpListener(listener) => self.accept(listener),
            Source::Tcp(flow, way) => {
                if let Some(stream) = self.streams.get_mut(&flow) {
                    stream.ready(way, &mut self.link, now());
                }
                Ok(())
            }
        }
    }

    fn receive_from_clients(&mut self, index: usize) -> io::Result<()> {
        let mut buffer = [0; 1 << 16];
        loop {
            let listener = &self.listeners[index];
            let Some(socket) = &listener.udp else { return Ok(()) };
            let (length, client) = match socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // An ICMP message about an earlier datagram; what comes next is not concerned.
                Err(_) => continue,
            };
            let (Some(target), extra_delay) = (listener.target, listener.extra_delay) else { continue };
            let now = now();
            let flow = match self.flows.find(index, client, now) {
                Some(flow) => flow,
                None => self.add_flow(index, client, target, extra_delay)?,
            };
            self.link.datagram(now, flow, Way::Up, extra_delay, buffer[..length].to_vec());
        }
    }

    fn add_flow(&mut self, listener: usize, client: SocketAddr, target: SocketAddr, extra_delay: Nanos) -> io::Result<Flow> {
        let (id, now) = (self.next_flow, now());
        self.next_flow = self.next_flow.wrapping_add(1);
        let mut flow = UdpFlow::new(id, listener, client, target, now)?;
        let token = self.token(Source::Udp(id));
        self.poll.registry().register(&mut flow.socket, token, Interest::READABLE)?;
        self.flows.insert(flow);
        self.extra_delays.insert(id, extra_delay);
        self.flows.expire(now).iter().for_each(|flow| self.forget(*flow));
        Ok(id)
    }

    fn receive_from_server(&mut self, flow: Flow) -> io::Result<()> {
        let mut buffer = [0; 1 << 16];
        let extra_delay = self.extra_delays.get(&flow).copied().unwrap_or(0);
        while let Some(udp) = self.flows.get(flow) {
            match udp.socket.recv(&mut buffer) {
                Ok(length) => {
                    udp.used = now();
                    let at = udp.used;
                    self.link.datagram(at, flow, Way::Down, extra_delay, buffer[..length].to_vec());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn accept(&mut self, index: usize) -> io::Result<()> {
        loop {
            let listener = &self.listeners[index];
            let Some(socket) = &listener.tcp else { return Ok(()) };
            let stream = match socket.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => continue,
            };
            let (Some(target), extra_delay) = (listener.target, listener.extra_delay) else { continue };
            let flow = self.next_flow;
            self.next_flow = self.next_flow.wrapping_add(1);
            let tokens = (self.token(Source::Tcp(flow, Way::Up)), self.token(Source::Tcp(flow, Way::Down)));
            self.streams.insert(flow, Stream::accept(flow, stream, target, self.poll.registry(), tokens)?);
            self.link.open(now(), flow, extra_delay);
        }
    }

    // ---- From the link -----------------------------------------------------------------------------------------------

    /// Send what is due, and write the log.
    fn carry_out(&mut self) -> io::Result<()> {
        self.link.run(now());
        while let Some(output) = self.link.outputs.pop_front() {
            match output {
                Output::Datagram(flow, way, due, octets) => self.send(flow, way, due, &octets),
                Output::Tcp(flow, effect) => {
                    if let Some(stream) = self.streams.get_mut(&flow) {
                        stream.apply(effect, self.poll.registry(), &mut self.link, now());
                    }
                }
            }
        }
        for way in [Way::Up, Way::Down] {
            for record in self.link.path(way).take_records() {
                if let Some(log) = &mut self.log {
                    packet_log::write(log, way, &record)?;
                }
            }
        }
        Ok(())
    }

    /// A datagram that the kernel does not take is lost, as on any network.
    fn send(&mut self, flow: Flow, way: Way, due: Nanos, octets: &[u8]) {
        let Some(flow) = self.flows.get(flow) else { return };
        let sent = match (way, &self.listeners[flow.listener].udp) {
            (Way::Up, _) => flow.socket.send(octets),
            (Way::Down, Some(listener)) => listener.send_to(octets, flow.client),
            (Way::Down, None) => return,
        };
        if sent.is_ok() {
            self.lateness.add(now().saturating_sub(due));
        }
    }

    /// Let streams go on that waited for the link, and forget those that are over.
    fn tidy(&mut self) {
        let now = now();
        for stream in self.streams.values_mut() {
            stream.pump(&mut self.link, now);
        }
        let over: Vec<Flow> = self.streams.iter().filter(|(_, stream)| stream.over()).map(|(flow, _)| *flow).collect();
        for flow in over {
            self.streams.remove(&flow);
            self.link.forget(flow);
            self.forget(flow);
        }
    }

    fn forget(&mut self, flow: Flow) {
        self.extra_delays.remove(&flow);
        self.sources.retain(|_, source| !matches!(source, Source::Udp(of) | Source::Tcp(of, _) if *of == flow));
    }

    fn token(&mut self, source: Source) -> Token {
        let token = Token(self.tokens);
        self.tokens += 1;
        self.sources.insert(token, source);
        token
    }

    fn flush(&mut self) -> io::Result<()> {
        self.log.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Sockets on one port; where the kernel chooses it for TCP, UDP may have to try again.
fn bind(config: &ListenerConfig) -> io::Result<(SocketAddr, Option<UdpSocket>, Option<TcpListener>)> {
    for _ in 0..PORT_ATTEMPTS {
        let tcp = config.tcp.then(|| TcpListener::bind(config.bind)).transpose()?;
        let address = tcp.as_ref().map_or(Ok(config.bind), TcpListener::local_addr)?;
        match config.udp.then(|| bound(address)).transpose() {
            Ok(udp) => {
                let address = udp.as_ref().map_or(Ok(address), UdpSocket::local_addr)?;
                return Ok((address, udp, tcp));
            }
            Err(error) if config.bind.port() != 0 => return Err(error),
            Err(_) => {}
        }
    }
    Err(io::Error::new(ErrorKind::AddrInUse, "no port is free for both UDP and TCP"))
}
