//! Connectivity checks as a controlling agent sends them (RFC 8445 section 7.2.4).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

const HEADER_LEN: usize = 20;
const INTEGRITY_LEN: usize = 24;
const FINGERPRINT_LEN: usize = 8;

/// A binding request with MESSAGE-INTEGRITY under `password` and FINGERPRINT. `attributes` come first, as they are.
#[must_use]
pub fn binding_request(attributes: &[(u16, &[u8])], password: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    for (attribute, value) in attributes {
        append(&mut message, *attribute, value);
    }
    set_length(&mut message, INTEGRITY_LEN);
    let mac = Hmac::<Sha1>::new_from_slice(password).expect("HMAC takes keys of any length").chain_update(&message).finalize();
    append(&mut message, 0x0008, &mac.into_bytes());
    set_length(&mut message, FINGERPRINT_LEN);
    let checksum = crc32fast::hash(&message) ^ 0x5354_554E;
    append(&mut message, 0x8028, &checksum.to_be_bytes());
    message
}

fn append(message: &mut Vec<u8>, attribute: u16, value: &[u8]) {
    message.extend(attribute.to_be_bytes());
    message.extend(u16::try_from(value.len()).expect("attributes are short").to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// Write the header's length as if `more` octets followed.
fn set_length(message: &mut [u8], more: usize) {
    let length = u16::try_from(message.len() - HEADER_LEN + more).expect("messages are short").to_be_bytes();
    message[2..4].copy_from_slice(&length);
}
