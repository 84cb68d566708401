//! What the log says that a datagram is.

use link::demux::{Kind, Label};

fn of(octets: &[u8]) -> (Kind, u8) {
    let label = Label::of(1, octets);
    (label.kind, label.detail)
}

#[test]
fn kinds_are_told_apart() {
    let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    stun.resize(20, 0);
    assert_eq!(of(&stun), (Kind::Stun, 0));
    stun[0] = 1;
    assert_eq!(of(&stun), (Kind::Stun, 2));
    assert_eq!(of(&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1]), (Kind::Dtls, 1));
    assert_eq!(of(&[22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 100, 20]), (Kind::Dtls, 233));
    assert_eq!(of(&[0x80, 200, 0, 6, 0, 0, 0, 9]), (Kind::Rtcp, 8));
    assert_eq!(
        Label::of(2, &[0x90, 0xE0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 5]),
        Label { flow: 2, kind: Kind::Rtp, detail: 96, ssrc: 5, sequence: 258 }
    );
    assert_eq!(of(&[]), (Kind::Other, 0));
    assert_eq!(of(&[0; 3]), (Kind::Other, 0));
}
