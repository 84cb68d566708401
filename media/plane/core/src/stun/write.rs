//! Writing responses.

use std::net::{IpAddr, SocketAddr};

use hmac::Mac;

use super::{ATTRIBUTE_HEADER_LEN, ErrorCode, HEADER_LEN, INTEGRITY_LEN, MAGIC_COOKIE, TransactionId, attribute};

/// Message types (RFC 8489 section 5): binding method and class.
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

/// Appends a success response with XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and FINGERPRINT.
pub fn write_success(transaction: TransactionId, mapped: SocketAddr, password: &[u8], out: &mut Vec<u8>) {
    let mut message = Message::begin(BINDING_SUCCESS, transaction, out);
    message.xor_mapped_address(transaction, mapped);
    message.finish(Some(password));
}

/// Appends an error response, with MESSAGE-INTEGRITY where the request was authenticated, and FINGERPRINT.
pub fn write_error(transaction: TransactionId, code: ErrorCode<'_>, password: Option<&[u8]>, out: &mut Vec<u8>) {
    let (number, reason) = match code {
        ErrorCode::BadRequest => ([4, 0], "Bad Request"),
        ErrorCode::Unauthenticated => ([4, 1], "Unauthenticated"),
        ErrorCode::UnknownAttributes(_) => ([4, 20], "Unknown Attribute"),
        ErrorCode::RoleConflict => ([4, 87], "Role Conflict"),
    };
    let mut message = Message::begin(BINDING_ERROR, transaction, out);
    message.attribute(attribute::ERROR_CODE, &[&[0, 0], &number, reason.as_bytes()]);
    if let ErrorCode::UnknownAttributes(types) = code {
        message.unknown_attributes(types);
    }
    message.finish(password);
}

/// A message being written. Its length in the header follows what is appended.
struct Message<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Message<'a> {
    fn begin(message_type: u16, transaction: TransactionId, out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&message_type.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&transaction);
        Self { out, start }
    }

    /// Appends an attribute whose value is these parts, and padding.
    fn attribute(&mut self, attribute: u16, parts: &[&[u8]]) {
        let len = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        self.out.extend_from_slice(&attribute.to_be_bytes());
        self.out.extend_from_slice(&length_field(len));
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
        let padded = self.len().next_multiple_of(4);
        self.out.resize(self.start.saturating_add(padded), 0);
        self.set_length(padded);
    }

    /// RFC 8489 section 14.2: port and address xored with the cookie, and for IPv6 with the transaction id behind it.
    fn xor_mapped_address(&mut self, transaction: TransactionId, mapped: SocketAddr) {
        let [c0, c1, c2, c3] = MAGIC_COOKIE.to_be_bytes();
        let [p0, p1] = mapped.port().to_be_bytes();
        let port = [p0 ^ c0, p1 ^ c1];
        // A socket bound to "::" tells IPv4 addresses as ::ffff:a.b.c.d; the peer must see its own form.
        match mapped.ip().to_canonical() {
            IpAddr::V4(ip) => {
                let ip = ip.to_bits() ^ MAGIC_COOKIE;
                self.attribute(attribute::XOR_MAPPED_ADDRESS, &[&[0, 1], &port, &ip.to_be_bytes()]);
            }
            IpAddr::V6(ip) => {
                let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11] = transaction;
                let mask = [c0, c1, c2, c3, t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11];
                let ip = ip.to_bits() ^ u128::from_be_bytes(mask);
                self.attribute(attribute::XOR_MAPPED_ADDRESS, &[&[0, 2], &port, &ip.to_be_bytes()]);
            }
        }
    }

    fn unknown_attributes(&mut self, types: &[u16]) {
        let value: Vec<u8> = types.iter().flat_map(|unknown| unknown.to_be_bytes()).collect();
        self.attribute(attribute::UNKNOWN_ATTRIBUTES, &[&value]);
    }

    /// Appends MESSAGE-INTEGRITY where there is a password, and FINGERPRINT.
    fn finish(mut self, password: Option<&[u8]>) {
        if let Some(password) = password {
            self.set_length(self.len().saturating_add(ATTRIBUTE_HEADER_LEN).saturating_add(INTEGRITY_LEN));
            let mac = super::keyed(password).chain_update(self.written()).finalize().into_bytes();
            self.attribute(attribute::MESSAGE_INTEGRITY, &[&mac]);
        }
        self.set_length(self.len().saturating_add(ATTRIBUTE_HEADER_LEN).saturating_add(4));
        let fingerprint = super::fingerprint(self.written());
        self.attribute(attribute::FINGERPRINT, &[&fingerprint.to_be_bytes()]);
    }

    /// Sets the header's length for a message of so many octets.
    fn set_length(&mut self, message_len: usize) {
        let field = length_field(message_len.saturating_sub(HEADER_LEN));
        let at = self.start.saturating_add(2);
        if let Some(place) = self.out.get_mut(at..at.saturating_add(field.len())) {
            place.copy_from_slice(&field);
        }
    }

    fn len(&self) -> usize {
        self.out.len().saturating_sub(self.start)
    }

    fn written(&self) -> &[u8] {
        self.out.get(self.start..).unwrap_or_default()
    }
}

/// What is written here is far shorter than 64 KiB.
fn length_field(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
pub(super) mod tests {
    use super::super::vectors::{PASSWORD, RFC_5769_2_2, RFC_5769_2_3, TRANSACTION};
    use super::*;

    /// A binding request with these attributes.
    pub(crate) fn request(attributes: &[(u16, &[u8])], password: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut message = Message::begin(0x0001, TRANSACTION, &mut out);
        for (attribute, value) in attributes {
            message.attribute(*attribute, &[value]);
        }
        message.finish(password);
        out
    }

    /// The attribute of RFC 5769's sample responses, which carry SOFTWARE before it and pad it with a space.
    fn rfc_5769(response: &[u8], mapped: &str) {
        let mut out = Vec::new();
        let mut message = Message::begin(BINDING_SUCCESS, TRANSACTION, &mut out);
        message.attribute(0x8022, &[b"test vector"]);
        *message.out.last_mut().unwrap() = b' ';
        message.xor_mapped_address(TRANSACTION, mapped.parse().unwrap());
        message.finish(Some(PASSWORD));
        assert_eq!(out, response);
    }

    #[test]
    fn rfc_5769_sample_responses() {
        rfc_5769(&RFC_5769_2_2, "192.0.2.1:32853");
        rfc_5769(&RFC_5769_2_3, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    }

    #[test]
    fn success_is_appended_behind_what_is_there() {
        let (mut alone, mut behind) = (Vec::new(), vec![1, 2, 3]);
        let mapped = "192.0.2.1:32853".parse().unwrap();
        write_success(TRANSACTION, mapped, PASSWORD, &mut alone);
        write_success(TRANSACTION, mapped, PASSWORD, &mut behind);
        assert_eq!(behind[3..], alone);
        assert_eq!(alone.len(), 20 + 12 + 24 + 8);
    }

    #[test]
    fn ipv4_mapped_addresses_are_told_as_ipv4() {
        let (mut native, mut mapped) = (Vec::new(), Vec::new());
        write_success(TRANSACTION, "192.0.2.1:9".parse().unwrap(), PASSWORD, &mut native);
        write_success(TRANSACTION, "[::ffff:192.0.2.1]:9".parse().unwrap(), PASSWORD, &mut mapped);
        assert_eq!(native, mapped);
    }

    #[test]
    fn errors() {
        let error = |code, password| {
            let mut out = Vec::new();
            write_error(TRANSACTION, code, password, &mut out);
            assert_eq!(usize::from(u16::from_be_bytes([out[2], out[3]])), out.len() - 20);
            out
        };
        let conflict = error(ErrorCode::RoleConflict, Some(PASSWORD));
        assert_eq!(conflict[..2], [1, 0x11]);
        assert_eq!(conflict[20..41], *b"\x00\x09\x00\x11\x00\x00\x04\x57Role Conflict");
        let unknown = error(ErrorCode::UnknownAttributes(&[0x7001, 0x7002, 0x7003]), None);
        assert_eq!(unknown[24..28], [0, 0, 4, 20]);
        assert!(unknown.windows(12).any(|window| window == [0, 10, 0, 6, 0x70, 1, 0x70, 2, 0x70, 3, 0, 0]));
        assert_eq!(error(ErrorCode::BadRequest, None)[24..28], [0, 0, 4, 0]);
        assert_eq!(error(ErrorCode::Unauthenticated, None)[24..28], [0, 0, 4, 1]);
    }
}
