use far_end::binding_request;
use mio::{Poll, Token};

use super::*;
use crate::mailbox::{self, Inbox};

/// Two workers; the peer of ufrag "theirs" is on the second, that of "ours" on the first.
struct World {
    first: Links,
    second: Links,
    inboxes: Vec<Inbox>,
    counters: Counters,
    _polls: Vec<Poll>,
}

fn world() -> World {
    let ufrags = Arc::new(Ufrags::default());
    ufrags.insert("ours".into(), 0);
    ufrags.insert("theirs".into(), 1);
    let polls: Vec<Poll> = (0..2).map(|_| Poll::new().unwrap()).collect();
    let (mailboxes, inboxes): (Vec<_>, Vec<_>) = polls.iter().map(|poll| mailbox::mailbox(poll.registry(), Token(0)).unwrap()).unzip();
    let mailboxes: Arc<[Mailbox]> = mailboxes.into();
    let [first, second] = [0, 1].map(|me| Links::new(me, Arc::clone(&mailboxes), Arc::clone(&ufrags)));
    World { first, second, inboxes, counters: Counters::default(), _polls: polls }
}

fn address(port: u16) -> TransportAddress {
    TransportAddress::udp(std::net::SocketAddr::from(([10, 0, 0, 1], port)))
}

fn check(ufrag: &str) -> Vec<u8> {
    binding_request(&[(0x0006, format!("{ufrag}:far").as_bytes())], b"whatever the password")
}

const RTP: [u8; 40] = [0x80; 40];

impl World {
    /// What the second worker was handed.
    fn handed(&self) -> Vec<Vec<u8>> {
        let mut handed = Vec::new();
        while let Some(parcel) = self.inboxes[1].next_parcel() {
            if let Contents::Datagrams(datagrams) = parcel.contents {
                datagrams.for_each(|_, datagram| handed.push(datagram.to_vec()));
            }
        }
        handed
    }

    /// What the second worker tells the first is learned there.
    fn learn(&mut self) {
        while let Some(parcel) = self.inboxes[0].next_parcel() {
            match parcel.contents {
                Contents::Learned(address) => self.first.learn(address, parcel.from, true),
                Contents::Forgotten(address) => self.first.learn(address, parcel.from, false),
                _ => {}
            }
        }
    }
}

#[test]
fn a_check_goes_where_its_ufrag_is_and_what_follows_goes_after_it() {
    let mut world = world();
    assert!(!world.first.take_if_elsewhere(address(1), &check("ours"), || false));
    assert!(!world.first.take_if_elsewhere(address(1), &check("nobody's"), || false));
    assert!(!world.first.take_if_elsewhere(address(1), &RTP, || false), "a stranger's");
    assert!(world.first.take_if_elsewhere(address(1), &check("theirs"), || true), "whoever was at its address");
    assert!(world.first.take_if_elsewhere(address(1), &RTP, || false));
    assert!(!world.first.take_if_elsewhere(address(1), &RTP, || true), "a peer's of this worker");
    world.first.send_datagrams(&mut world.counters);
    assert_eq!(world.handed(), [check("theirs"), RTP.to_vec()]);
    assert_eq!((world.counters.handover_datagrams, world.counters.handover_dropped), (2, 0));
}

#[test]
fn an_address_is_handed_on_from_its_check_until_it_is_nobodys() {
    let mut world = world();
    let start = Instant::now();
    for _ in 0..3 {
        world.second.announce(address(1), 0, start);
    }
    world.learn();
    assert_eq!(world.first.learned(), 1);
    world.second.sweep(start + SWEEP_EVERY, |_| true);
    world.learn();
    assert!(world.first.take_if_elsewhere(address(1), &RTP, || false));
    world.second.sweep(start + SWEEP_EVERY * 2, |_| false);
    world.learn();
    assert!(!world.first.take_if_elsewhere(address(1), &RTP, || false));
    assert_eq!((world.first.learned(), world.second.deadline()), (0, None));
}

#[test]
fn garbage_is_never_handed_on() {
    let mut world = world();
    for number in 0..50_000_u32 {
        // Kinds of all sorts, from first octets of all sorts.
        let datagram = number.wrapping_mul(2_654_435_761).to_be_bytes().repeat(10);
        assert!(!world.first.take_if_elsewhere(address(number as u16), &datagram, || false));
    }
    assert!(world.first.ways.iter().all(|way| way.outgoing.is_empty()));
}

#[test]
fn a_flood_that_names_a_ufrag_fills_its_way_and_no_more() {
    let mut world = world();
    let sent = 200_000_usize;
    for number in 0..sent {
        assert!(world.first.take_if_elsewhere(address((number % 1_000) as u16), &check("theirs"), || false));
        world.first.send_datagrams(&mut world.counters);
    }
    let handed = world.handed();
    let octets: usize = handed.iter().map(Vec::len).sum();
    assert!(!handed.is_empty() && octets <= DATAGRAM_OCTETS);
    assert_eq!(world.counters.handover_datagrams, handed.len() as u64);
    assert_eq!(world.counters.handover_dropped, (sent - handed.len()) as u64);
    assert!(world.first.cross(1, Crossing::Watch(1)), "media have a way of their own");
    assert!(world.first.take_if_elsewhere(address(1), &check("theirs"), || false));
    world.first.send_datagrams(&mut world.counters);
    assert_eq!(world.handed().len(), 1, "there is room again");
}
