use plane_core::command::ExtensionIds;

use super::*;

/// Peers 1 to 4 on two workers, in turn; source 10 of peer 1.
fn placement() -> Placement {
    let mut placement = Placement::new(2, Arc::default());
    for peer in 1..=4 {
        assert_eq!(shape(&add_peer(&mut placement, peer)), [((peer as usize + 1) % 2, "AddPeer")]);
    }
    let codecs = vec![Codec { name: "VP8".into(), payload_type: 96, clock_rate: 90_000, rtx_payload_type: None }];
    let (mid, rids) = ("0".into(), vec!["q".into(), "h".into()]);
    let source = Command::AddSource { source: 10, peer: 1, kind: MediaKind::Video, mid, codecs, rids, ssrcs: Vec::new() };
    assert_eq!(shape(&placement.orders(source)), [(0, "AddSource")]);
    placement
}

fn add_peer(placement: &mut Placement, peer: PeerId) -> Orders {
    let (local_ufrag, local_pwd) = (format!("u{peer}"), "p".into());
    let orders = placement.orders(Command::AddPeer { peer, local_ufrag, local_pwd, extensions: ExtensionIds::default() });
    placement.announce(peer);
    orders
}

fn add_sink(placement: &mut Placement, sink: SinkId, peer: PeerId) -> Orders {
    let (mid, cname) = ("0".into(), "c".into());
    placement.orders(Command::AddSink { sink, peer, mid, ssrc: sink, rtx_ssrc: 0, cname, codecs: Vec::new() })
}

fn route(placement: &mut Placement, sink: SinkId, source: Option<SourceId>) -> Vec<(WorkerId, &'static str)> {
    shape(&placement.orders(Command::Route { sink, source, encoding: 0, spatial: None, temporal: None }))
}

fn shape(orders: &Orders) -> Vec<(WorkerId, &'static str)> {
    let name = |command: &Command| match command {
        Command::AddPeer { .. } => "AddPeer",
        Command::RestartIce { .. } => "RestartIce",
        Command::RemovePeer(_) => "RemovePeer",
        Command::AcceptTickets { .. } => "AcceptTickets",
        Command::FollowChecks { .. } => "FollowChecks",
        Command::SetExtensions { .. } => "SetExtensions",
        Command::ShowAgain(_) => "ShowAgain",
        Command::AddSource { .. } => "AddSource",
        Command::RemoveSource(_) => "RemoveSource",
        Command::AddSink { .. } => "AddSink",
        Command::RemoveSink(_) => "RemoveSink",
        Command::Route { .. } => "Route",
        Command::RequestKeyframe(_) => "RequestKeyframe",
        Command::AddMirror { .. } => "AddMirror",
        Command::RemoveMirror(_) => "RemoveMirror",
        Command::SendDtls { .. } | Command::SetKeys { .. } | Command::WantBitrate { .. } | Command::Protect { .. } => "other",
        Command::AddFec { .. } => "AddFec",
    };
    orders.iter().map(|(worker, command)| (*worker, name(command))).collect()
}

#[test]
fn sinks_on_the_sources_worker_need_no_mirror() {
    let mut placement = placement();
    assert_eq!(shape(&add_sink(&mut placement, 30, 3)), [(0, "AddSink")]);
    assert_eq!(route(&mut placement, 30, Some(10)), [(0, "Route")]);
    assert_eq!(shape(&placement.orders(Command::RemovePeer(3))), [(0, "RemovePeer")]);
}

#[test]
fn a_mirror_lives_from_the_first_sink_of_its_worker_to_the_last() {
    let mut placement = placement();
    add_sink(&mut placement, 20, 2);
    add_sink(&mut placement, 40, 4);
    assert_eq!(shape(&placement.orders(Command::AddFec { sink: 20, ssrc: 7, payload_type: 49 })), [(1, "AddFec")]);
    assert_eq!(route(&mut placement, 20, Some(10)), [(1, "AddMirror"), (1, "Route")]);
    assert_eq!(route(&mut placement, 40, Some(10)), [(1, "Route")]);
    assert_eq!(route(&mut placement, 40, Some(10)), [(1, "Route")], "the same again");
    assert_eq!(shape(&placement.orders(Command::RequestKeyframe(10))), [(0, "RequestKeyframe"), (1, "RequestKeyframe")]);
    assert_eq!(route(&mut placement, 20, Some(99)), [(1, "Route")], "no such source");
    assert_eq!(route(&mut placement, 20, None), [(1, "Route")]);
    assert_eq!(shape(&placement.orders(Command::RemovePeer(4))), [(1, "RemovePeer"), (1, "RemoveMirror")]);
    assert_eq!(route(&mut placement, 20, Some(10)), [(1, "AddMirror"), (1, "Route")]);
    assert_eq!(shape(&placement.orders(Command::RemoveSink(20))), [(1, "RemoveSink"), (1, "RemoveMirror")]);
}

#[test]
fn mirrors_end_with_their_source_whichever_way_it_goes() {
    let mut placement = placement();
    add_sink(&mut placement, 20, 2);
    route(&mut placement, 20, Some(10));
    assert_eq!(shape(&placement.orders(Command::RemoveSource(10))), [(0, "RemoveSource"), (1, "RemoveMirror")]);
    assert_eq!(shape(&placement.orders(Command::RemoveSink(20))), [(1, "RemoveSink")]);

    let mut placement = self::placement();
    add_sink(&mut placement, 20, 2);
    route(&mut placement, 20, Some(10));
    assert_eq!(shape(&placement.orders(Command::RemovePeer(1))), [(0, "RemovePeer"), (1, "RemoveMirror")]);
}

#[test]
fn what_is_taken_goes_where_it_is_refused() {
    let mut placement = placement();
    assert_eq!(shape(&add_peer(&mut placement, 2)), [(1, "AddPeer")]);
    let local_ufrag = "u4".into();
    let twin = Command::AddPeer { peer: 9, local_ufrag, local_pwd: "p".into(), extensions: ExtensionIds::default() };
    assert_eq!(shape(&placement.orders(twin)), [(1, "AddPeer")]);
    add_sink(&mut placement, 20, 2);
    assert_eq!(shape(&add_sink(&mut placement, 20, 3)), [(1, "AddSink")]);
    assert_eq!(shape(&placement.orders(Command::RemovePeer(9))), [(ANY, "RemovePeer")], "it was never there");
}

#[test]
fn peers_go_where_the_fewest_sinks_are_and_leave_nothing_behind() {
    let mut placement = placement();
    for sink in 0..6 {
        add_sink(&mut placement, sink, 1);
    }
    for peer in 5..9 {
        assert_eq!(shape(&add_peer(&mut placement, peer)), [(1, "AddPeer")]);
    }
    for peer in 1..9 {
        placement.orders(Command::RemovePeer(peer));
    }
    assert!(placement.workers.iter().all(|load| *load == Load::default()));
    assert!(placement.peers.is_empty() && placement.sources.is_empty() && placement.sinks.is_empty());
    assert_eq!(placement.ufrags.worker_of("u1"), None);
}

#[test]
fn a_peer_with_a_ticket_is_where_its_checks_go_and_all_workers_know_the_key() {
    let mut placement = Placement::new(2, Arc::new(Ufrags::default()));
    let key = Command::AcceptTickets { key: [0; 32] };
    assert_eq!(shape(&placement.orders(key)), [(0, "AcceptTickets"), (1, "AcceptTickets")]);
    for (peer, worker) in [(1, 1), (2, 1), (3, 0)] {
        let local_ufrag = format!("01{}0{worker}", "ab".repeat(31));
        let extensions = ExtensionIds::default();
        let add = Command::AddPeer { peer, local_ufrag, local_pwd: "p".into(), extensions };
        assert_eq!(shape(&placement.orders(add)), [(worker, "AddPeer")]);
        assert_eq!(shape(&placement.orders(Command::SetExtensions { peer, extensions })), [(worker, "SetExtensions")]);
        assert_eq!(shape(&placement.orders(Command::ShowAgain(peer))), [(worker, "ShowAgain")]);
    }
}

#[test]
fn both_ufrags_of_a_restart_lead_to_the_peer() {
    let mut placement = placement();
    for ufrag in ["again", "and again"] {
        let restart = Command::RestartIce { peer: 2, local_ufrag: ufrag.into(), local_pwd: "p".into() };
        assert_eq!(shape(&placement.orders(restart)), [(1, "RestartIce")]);
        placement.announce(2);
    }
    assert_eq!(["u2", "again", "and again"].map(|ufrag| placement.ufrags.worker_of(ufrag)), [None, Some(1), Some(1)]);
    placement.orders(Command::RemovePeer(2));
    assert_eq!(["again", "and again"].map(|ufrag| placement.ufrags.worker_of(ufrag)), [None; 2]);
}
