//! Packets sealed by libsrtp open here, and what is sealed here is what libsrtp sealed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, reason = "a test may panic")]

use plane_core::rtp::Header;
use plane_core::srtp::{MasterKey, Profile, SrtpReceiver, SrtpSender};

/// Sealed packets in sending order; `tests/fixtures/make_srtp.py` says what the columns are.
const FIXTURE: &str = include_str!("fixtures/srtp.txt");

struct Vector {
    rtcp: bool,
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Master key and packets of one profile.
fn vectors(profile: Profile) -> (MasterKey, Vec<Vector>) {
    let name = match profile {
        Profile::AeadAes128Gcm => "AEAD_AES_128_GCM",
        Profile::Aes128CmSha1_80 => "AES128_CM_SHA1_80",
    };
    let mut master = MasterKey { key: [0; 16], salt: [0; 14] };
    let mut vectors = Vec::new();
    for line in FIXTURE.lines().filter(|line| line.starts_with(name)) {
        let [_, key, salt, kind, plain, sealed] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let salt = hex(salt);
        master.key.copy_from_slice(&hex(key));
        master.salt[..salt.len()].copy_from_slice(&salt);
        vectors.push(Vector { rtcp: kind == "rtcp", plain: hex(plain), sealed: hex(sealed) });
    }
    assert_eq!(vectors.len(), 8);
    (master, vectors)
}

fn opens(profile: Profile) {
    let (master, vectors) = vectors(profile);
    let mut receiver = SrtpReceiver::new(profile, &master);
    for Vector { rtcp, plain, sealed } in vectors {
        let mut packet = sealed.clone();
        let len = if rtcp {
            receiver.open_rtcp(&mut packet).unwrap()
        } else {
            let header = Header::parse(&packet).unwrap();
            receiver.open_rtp(&mut packet, &header).unwrap()
        };
        assert_eq!(packet[..len], plain);
    }
}

fn seals(profile: Profile) {
    let (master, vectors) = vectors(profile);
    let mut sender = SrtpSender::new(profile, &master);
    let mut roc = 0;
    for Vector { rtcp, plain, sealed } in vectors {
        let mut packet = plain.clone();
        if rtcp {
            sender.seal_rtcp(&mut packet, 0).unwrap();
        } else {
            let header = Header::parse(&plain).unwrap();
            roc += u32::from(header.sequence_number == 0);
            sender.seal_rtp(&mut packet, 0, header.header_len, roc).unwrap();
        }
        assert_eq!(packet, sealed);
    }
}

#[test]
fn opens_what_libsrtp_sealed_gcm() {
    opens(Profile::AeadAes128Gcm);
}

#[test]
fn opens_what_libsrtp_sealed_cm() {
    opens(Profile::Aes128CmSha1_80);
}

#[test]
fn seals_as_libsrtp_does_gcm() {
    seals(Profile::AeadAes128Gcm);
}

#[test]
fn seals_as_libsrtp_does_cm() {
    seals(Profile::Aes128CmSha1_80);
}
