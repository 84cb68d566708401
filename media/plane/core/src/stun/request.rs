//! Reading connectivity checks.

use arrayvec::ArrayVec;
use hmac::Mac;

use super::{ATTRIBUTE_HEADER_LEN, HEADER_LEN, INTEGRITY_LEN, MAGIC_COOKIE, StunError, TransactionId, attribute};

/// Unknown attributes remembered for the answer; more would only make it longer.
const MAX_UNKNOWN: usize = 4;

/// A connectivity check.
#[derive(Clone, Debug)]
pub struct BindingRequest<'a> {
    /// To be repeated in the response.
    pub transaction: TransactionId,
    /// Our ufrag: USERNAME before the colon.
    pub local_ufrag: &'a str,
    /// The peer's ufrag: USERNAME behind the colon.
    pub remote_ufrag: &'a str,
    /// USE-CANDIDATE: the peer nominates this pair.
    pub use_candidate: bool,
    /// The peer says ICE-CONTROLLED. A lite agent always is, so this is a role conflict (487).
    pub controlled: bool,
    /// What [`Self::verify`] checks.
    authenticated: Authenticated<'a>,
    unknown: ArrayVec<u16, MAX_UNKNOWN>,
}

/// MESSAGE-INTEGRITY and what it covers.
#[derive(Clone, Copy, Debug)]
struct Authenticated<'a> {
    message_type: [u8; 2],
    /// From behind the header's length up to the attribute.
    covered: &'a [u8],
    mac: &'a [u8; INTEGRITY_LEN],
}

impl<'a> BindingRequest<'a> {
    /// Parses a binding request and checks its FINGERPRINT where it has one. The sender is not authenticated: see [`Self::verify`].
    ///
    /// # Errors
    /// What is wrong with it; nothing of it should be believed then.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, StunError> {
        let transaction = parse_header(datagram)?;
        let found = Found::collect(datagram)?;
        let username = found.username.and_then(|value| std::str::from_utf8(value).ok()).ok_or(StunError::Username)?;
        let (local_ufrag, remote_ufrag) = username.split_once(':').ok_or(StunError::Username)?;
        Ok(Self {
            transaction,
            local_ufrag,
            remote_ufrag,
            use_candidate: found.use_candidate,
            controlled: found.controlled,
            authenticated: found.authenticated.ok_or(StunError::IntegrityMissing)?,
            unknown: found.unknown,
        })
    }

    /// Checks MESSAGE-INTEGRITY with our password, in constant time (RFC 8489 section 14.5, short-term credentials).
    ///
    /// # Errors
    /// [`StunError::IntegrityMismatch`].
    pub fn verify(&self, password: &[u8]) -> Result<(), StunError> {
        let Authenticated { message_type, covered, mac } = self.authenticated;
        // The length is computed as if the message ended behind MESSAGE-INTEGRITY. `covered` begins 4 octets into the header.
        let end = covered.len().saturating_add(4 + ATTRIBUTE_HEADER_LEN + INTEGRITY_LEN);
        let length = u16::try_from(end.saturating_sub(HEADER_LEN)).map_err(|_| StunError::IntegrityMismatch)?;
        let mut expected = super::keyed(password);
        expected.update(&message_type);
        expected.update(&length.to_be_bytes());
        expected.update(covered);
        expected.verify_slice(mac).map_err(|_| StunError::IntegrityMismatch)
    }

    /// Comprehension-required attributes that are not understood, the first few: to be answered with 420 when not empty.
    #[must_use]
    pub fn unknown_attributes(&self) -> &[u16] {
        &self.unknown
    }
}

/// Checks the header of a binding request (RFC 8489 section 5).
fn parse_header(datagram: &[u8]) -> Result<TransactionId, StunError> {
    let &[type0, type1, len0, len1, c0, c1, c2, c3, ref transaction @ ..] =
        datagram.first_chunk::<HEADER_LEN>().ok_or(StunError::Malformed)?;
    let length = usize::from(u16::from_be_bytes([len0, len1]));
    let body_len = datagram.len().saturating_sub(HEADER_LEN);
    if type0 & 0xC0 != 0 || u32::from_be_bytes([c0, c1, c2, c3]) != MAGIC_COOKIE || length != body_len || length & 3 != 0 {
        return Err(StunError::Malformed);
    }
    if [type0, type1] == [0, 1] { Ok(*transaction) } else { Err(StunError::NotBindingRequest) }
}

/// What the attributes said so far.
#[derive(Default)]
struct Found<'a> {
    username: Option<&'a [u8]>,
    use_candidate: bool,
    controlled: bool,
    authenticated: Option<Authenticated<'a>>,
    fingerprint: bool,
    unknown: ArrayVec<u16, MAX_UNKNOWN>,
}

impl<'a> Found<'a> {
    /// Walks over the attributes of a message whose header is fine.
    fn collect(datagram: &'a [u8]) -> Result<Self, StunError> {
        let mut found = Self::default();
        let mut at = HEADER_LEN;
        while at < datagram.len() {
            // Nothing may come behind FINGERPRINT (RFC 8489 section 14.7).
            if found.fingerprint {
                return Err(StunError::Malformed);
            }
            let (preceding, rest) = datagram.split_at_checked(at).ok_or(StunError::Malformed)?;
            let (&[type0, type1, len0, len1], rest) = rest.split_first_chunk().ok_or(StunError::Malformed)?;
            let len = usize::from(u16::from_be_bytes([len0, len1]));
            let value = rest.get(..len).ok_or(StunError::Malformed)?;
            found.note(u16::from_be_bytes([type0, type1]), value, preceding)?;
            at = at.saturating_add(ATTRIBUTE_HEADER_LEN).saturating_add(len.next_multiple_of(4));
        }
        Ok(found)
    }

    /// Takes in one attribute. Of those behind MESSAGE-INTEGRITY only FINGERPRINT counts (RFC 8489 section 14.5).
    fn note(&mut self, attribute: u16, value: &'a [u8], preceding: &'a [u8]) -> Result<(), StunError> {
        match attribute {
            attribute::FINGERPRINT => {
                let value = value.try_into().map_err(|_| StunError::Malformed)?;
                if u32::from_be_bytes(value) != super::fingerprint(preceding) {
                    return Err(StunError::Fingerprint);
                }
                self.fingerprint = true;
            }
            _ if self.authenticated.is_some() => {}
            attribute::MESSAGE_INTEGRITY => {
                let mac = value.try_into().map_err(|_| StunError::Malformed)?;
                let (&[type0, type1, _, _], covered) = preceding.split_first_chunk().ok_or(StunError::Malformed)?;
                self.authenticated = Some(Authenticated { message_type: [type0, type1], covered, mac });
            }
            attribute::USERNAME => self.username = self.username.or(Some(value)),
            attribute::USE_CANDIDATE => self.use_candidate = true,
            attribute::ICE_CONTROLLED => self.controlled = true,
            attribute::PRIORITY | attribute::MESSAGE_INTEGRITY_SHA256 | attribute::COMPREHENSION_OPTIONAL.. => {}
            // A full list is full enough to answer with.
            _ => drop(self.unknown.try_push(attribute)),
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::super::vectors::{PASSWORD, RFC_5769_2_1, TRANSACTION};
    use super::super::write::tests::request;
    use super::*;

    #[test]
    fn rfc_5769_sample_request() {
        let parsed = BindingRequest::parse(&RFC_5769_2_1).unwrap();
        assert_eq!(parsed.transaction, TRANSACTION);
        assert_eq!((parsed.local_ufrag, parsed.remote_ufrag), ("evtj", "h6vY"));
        assert!(parsed.controlled && !parsed.use_candidate);
        assert!(parsed.unknown_attributes().is_empty());
        assert_eq!(parsed.verify(PASSWORD), Ok(()));
        assert_eq!(parsed.verify(b"another"), Err(StunError::IntegrityMismatch));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        // FINGERPRINT, at 100, covers all before it.
        for at in 0..100 {
            let mut damaged = RFC_5769_2_1;
            damaged[at] ^= 1;
            let error = BindingRequest::parse(&damaged).err();
            assert!(error.is_some(), "octet {at}");
        }
    }

    #[test]
    fn integrity_covers_the_message_without_fingerprint_too() {
        let mut without = RFC_5769_2_1[..100].to_vec();
        without[3] -= 8;
        assert_eq!(BindingRequest::parse(&without).unwrap().verify(PASSWORD), Ok(()));
        without[30] ^= 1;
        assert_eq!(BindingRequest::parse(&without).unwrap().verify(PASSWORD), Err(StunError::IntegrityMismatch));
    }

    #[test]
    fn every_cut_is_malformed() {
        for len in 0..RFC_5769_2_1.len() {
            assert_eq!(BindingRequest::parse(&RFC_5769_2_1[..len]).err(), Some(StunError::Malformed));
        }
    }

    #[test]
    fn nomination_and_roles() {
        let nominating = request(&[(attribute::USERNAME, b"a:b"), (attribute::USE_CANDIDATE, b"")], Some(b"pw"));
        let nominating = BindingRequest::parse(&nominating).unwrap();
        assert!(nominating.use_candidate && !nominating.controlled);
        assert_eq!(nominating.verify(b"pw"), Ok(()));
    }

    #[test]
    fn unknown_required_attributes_are_reported_and_optional_ones_ignored() {
        let attributes: [(u16, &[u8]); 8] = [
            (attribute::USERNAME, b"a:b"),
            (0x7001, b"x"),
            (0xC057, b"optional"),
            (0x7002, b""),
            (0x7003, b""),
            (0x7004, b""),
            (0x7005, b""),
            (attribute::PRIORITY, b"1234"),
        ];
        let message = request(&attributes, Some(b"pw"));
        assert_eq!(BindingRequest::parse(&message).unwrap().unknown_attributes(), [0x7001, 0x7002, 0x7003, 0x7004]);
    }

    #[test]
    fn nothing_behind_integrity_counts() {
        let mut message = request(&[(attribute::USERNAME, b"a:b")], Some(b"pw"));
        // FINGERPRINT is the last 8 octets: replace it by an unauthenticated USE-CANDIDATE and padding.
        let cut = message.len() - 8;
        message.truncate(cut);
        message.extend([0, 0x25, 0, 0, 0x70, 1, 0, 0]);
        let parsed = BindingRequest::parse(&message).unwrap();
        assert_eq!(parsed.verify(b"pw"), Ok(()));
        assert!(!parsed.use_candidate && parsed.unknown_attributes().is_empty());
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |message: Vec<u8>| BindingRequest::parse(&message).err();
        assert_eq!(error(request(&[], Some(b"pw"))), Some(StunError::Username));
        assert_eq!(error(request(&[(attribute::USERNAME, b"colonless")], Some(b"pw"))), Some(StunError::Username));
        assert_eq!(error(request(&[(attribute::USERNAME, b"\xFF:b")], Some(b"pw"))), Some(StunError::Username));
        assert_eq!(error(request(&[(attribute::USERNAME, b"a:b")], None)), Some(StunError::IntegrityMissing));
        let mut indication = request(&[], None);
        indication[1] = 0x11;
        assert_eq!(error(indication), Some(StunError::NotBindingRequest));
    }
}
