//! UDP: a client's address at a listener is a flow, with a socket of its own towards the server, as behind an address translator.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};

use crate::link::Flow;
use crate::time::{Nanos, SECOND};

/// A flow that carried nothing for so long is forgotten.
const IDLE: Nanos = 60 * SECOND;
const BUFFER_OCTETS: usize = 4 << 20;

/// One client.
pub struct UdpFlow {
    pub id: Flow,
    pub listener: usize,
    pub client: SocketAddr,
    pub socket: UdpSocket,
    pub used: Nanos,
}

impl UdpFlow {
    /// A flow to a server.
    pub fn new(id: Flow, listener: usize, client: SocketAddr, target: SocketAddr, now: Nanos) -> io::Result<Self> {
        let socket = bound(SocketAddr::new(unspecified(target), 0))?;
        socket.connect(target)?;
        Ok(Self { id, listener, client, socket, used: now })
    }
}

/// All of them.
#[derive(Default)]
pub struct UdpFlows {
    by_client: HashMap<(usize, SocketAddr), Flow>,
    by_id: HashMap<Flow, UdpFlow>,
}

impl UdpFlows {
    /// The flow of a client, which is in use.
    pub fn find(&mut self, listener: usize, client: SocketAddr, now: Nanos) -> Option<Flow> {
        let id = *self.by_client.get(&(listener, client))?;
        self.by_id.get_mut(&id)?.used = now;
        Some(id)
    }

    pub fn insert(&mut self, flow: UdpFlow) {
        self.by_client.insert((flow.listener, flow.client), flow.id);
        self.by_id.insert(flow.id, flow);
    }

    pub fn get(&mut self, flow: Flow) -> Option<&mut UdpFlow> {
        self.by_id.get_mut(&flow)
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Forget those that are not used any more; returns them.
    pub fn expire(&mut self, now: Nanos) -> Vec<Flow> {
        let gone: Vec<Flow> = self.by_id.values().filter(|flow| flow.used + IDLE < now).map(|flow| flow.id).collect();
        for flow in &gone {
            if let Some(flow) = self.by_id.remove(flow) {
                self.by_client.remove(&(flow.listener, flow.client));
            }
        }
        gone
    }
}

/// A socket with room for bursts.
pub fn bound(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(BUFFER_OCTETS)?;
    socket.set_send_buffer_size(BUFFER_OCTETS)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}

fn unspecified(like: SocketAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}
