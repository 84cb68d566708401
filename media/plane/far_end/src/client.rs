//! A browser's side of one association.

use std::time::{Duration, Instant};

use plane_core::address::TransportAddress;
use plane_core::command::{Command, ExtensionIds, PeerId};
use plane_core::engine::{Engine, Output};
use plane_core::extension;
use plane_core::rtp::Fields;
use plane_core::srtp::{MasterKey, Profile, SrtpSender};

use crate::{Subscriber, binding_request};

/// What a connectivity check says beside who it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// ICE-CONTROLLING.
    Controlling,
    /// USE-CANDIDATE too.
    Nominating,
    /// ICE-CONTROLLED: a conflict with a lite agent.
    Controlled,
}

/// One peer as its browser knows it.
#[derive(Debug)]
pub struct Client {
    /// In the engine.
    pub peer: PeerId,
    /// Where its datagrams come from.
    pub address: TransportAddress,
    profile: Profile,
    seed: u64,
    /// ICE sessions begun.
    restarts: u32,
    sender: SrtpSender,
    /// Opens what comes.
    pub subscriber: Subscriber,
}

impl Client {
    /// A client whose keys, ufrag and password follow from `seed`, which no two clients may share.
    #[must_use]
    pub fn new(peer: PeerId, address: TransportAddress, profile: Profile, seed: u64) -> Self {
        let sender = SrtpSender::new(profile, &key(seed, 1));
        Self { peer, address, profile, seed, restarts: 0, sender, subscriber: Subscriber::new(profile, &key(seed, 2)) }
    }

    /// The commands that add it and open its media gate.
    #[must_use]
    pub fn commands(&self, extensions: ExtensionIds) -> [Command; 2] {
        [
            Command::AddPeer { peer: self.peer, local_ufrag: self.ufrag(), local_pwd: self.password(), extensions },
            Command::SetKeys {
                peer: self.peer,
                profile: self.profile,
                send: key(self.seed, 2),
                receive: key(self.seed, 1),
                hold: Duration::ZERO,
            },
        ]
    }

    /// Bring it into an engine: added, at its address, with its media gate open.
    pub fn join(&self, engine: &mut Engine, now: Instant, extensions: ExtensionIds, out: &mut impl Output) {
        let [add, keys] = self.commands(extensions);
        engine.handle(add, now, out);
        engine.receive(now, self.address, &mut self.check(Role::Nominating), out);
        engine.handle(keys, now, out);
    }

    /// The command that begins another ICE session, in which its checks are from now on.
    #[must_use]
    pub fn restart(&mut self) -> Command {
        self.restarts += 1;
        Command::RestartIce { peer: self.peer, local_ufrag: self.ufrag(), local_pwd: self.password() }
    }

    /// A connectivity check.
    #[must_use]
    pub fn check(&self, role: Role) -> Vec<u8> {
        let username = format!("{}:far", self.ufrag());
        let user: (u16, &[u8]) = (0x0006, username.as_bytes());
        match role {
            Role::Controlling => binding_request(&[user, (0x802A, &[7; 8])], self.password().as_bytes()),
            Role::Nominating => binding_request(&[user, (0x802A, &[7; 8]), (0x0025, &[])], self.password().as_bytes()),
            Role::Controlled => binding_request(&[user, (0x8029, &[7; 8])], self.password().as_bytes()),
        }
    }

    /// An SRTP packet; `index` is its sequence number with the rollover count.
    #[must_use]
    pub fn rtp(&self, fields: &Fields, index: i64, elements: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        let fields = Fields { sequence_number: index as u16, ..*fields };
        let header_len = extension::write_header(&mut packet, &fields, elements).expect("the elements fit");
        packet.extend(payload);
        self.sender.seal_rtp(&mut packet, 0, header_len, (index >> 16) as u32).expect("the header is there");
        packet
    }

    /// An SRTCP packet of a compound; `None` when there is no sender's SSRC in it.
    pub fn rtcp(&mut self, mut compound: Vec<u8>) -> Option<Vec<u8>> {
        self.sender.seal_rtcp(&mut compound, 0).ok()?;
        Some(compound)
    }

    fn ufrag(&self) -> String {
        format!("u{}-{}", self.seed, self.restarts)
    }

    fn password(&self) -> String {
        format!("password-{}-{}", self.seed, self.restarts)
    }
}

fn key(seed: u64, direction: u8) -> MasterKey {
    let mut key = [direction; 16];
    key[..8].copy_from_slice(&seed.to_be_bytes());
    MasterKey { key, salt: [direction; 14] }
}
