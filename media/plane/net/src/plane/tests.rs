use std::time::Duration;

use plane_core::command::ExtensionIds;

use super::*;

fn config() -> Config {
    let engine = engine::Config { liveness: Duration::from_secs(15), keyframe_interval: Duration::from_millis(500) };
    Config { host: "127.0.0.1".parse().unwrap(), port: 0, tcp: true, workers: 1, engine }
}

#[test]
fn a_panic_of_the_worker_is_what_every_later_call_reports() {
    let plane = Plane::start_with(config(), |_| panic!("no such encoding")).unwrap();
    let fault = Stopped::Failed("no such encoding".into());
    let mut ready = [rustix::event::PollFd::from_borrowed_fd(plane.events_ready(), rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut ready, None).unwrap();
    assert_eq!(plane.take_events().unwrap_err(), fault);
    assert_eq!(plane.post(Command::RemovePeer(1)).unwrap_err(), fault);
    assert_eq!(plane.snapshot().unwrap_err(), fault);
    assert_eq!(plane.stats().unwrap_err(), fault);
    plane.close();
    assert_eq!(plane.stats().unwrap_err(), fault, "closing does not hide it");
}

#[test]
fn closing_frees_the_port_and_is_idempotent() {
    let plane = Plane::start(config()).unwrap();
    let address = plane.address();
    plane.close();
    plane.close();
    assert_eq!(plane.source_stats(1).unwrap_err(), Stopped::Closed);
    assert_eq!(plane.take_events().unwrap_err(), Stopped::Closed);
    Plane::start(Config { port: address.port(), ..config() }).unwrap();
}

#[test]
fn a_dropped_plane_frees_its_port() {
    let address = Plane::start(config()).unwrap().address();
    Plane::start(Config { port: address.port(), ..config() }).unwrap();
}

#[test]
fn gathered_commands_leave_together_and_a_question_finds_them_done() {
    let plane = Plane::start(config()).unwrap();
    let peers = |plane: &Plane| plane.stats().unwrap().into_iter().find(|(name, _)| *name == "peers").unwrap().1;
    let add = |peer| Command::AddPeer {
        peer,
        local_ufrag: format!("ufrag{peer}"),
        local_pwd: "p".repeat(22),
        extensions: ExtensionIds::default(),
    };
    plane.gather(true);
    plane.post(add(1)).unwrap();
    plane.post(add(2)).unwrap();
    assert!(plane.mailboxes.iter().all(|mailbox| mailbox.is_asleep()), "nobody was woken");
    assert_eq!(peers(&plane), 2);
    plane.post(Command::RemovePeer(1)).unwrap();
    plane.gather(false);
    assert_eq!(peers(&plane), 1);
}
