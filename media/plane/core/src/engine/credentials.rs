//! Our ICE credentials of one peer: those in use, and those of a restart until the peer has nominated with them.

use std::mem;

/// A ufrag and its password (RFC 8445 section 5.3).
struct Credentials {
    ufrag: String,
    pwd: String,
}

/// What a peer's checks may be made with. During an ICE restart both pairs are good: the path in use stays checked, and media
/// stay on it, until the peer nominates a pair of the new session (RFC 8445 section 9).
pub(super) struct LocalCredentials {
    current: Credentials,
    next: Option<Credentials>,
}

impl LocalCredentials {
    pub(super) fn new(ufrag: String, pwd: String) -> Self {
        Self { current: Credentials { ufrag, pwd }, next: None }
    }

    /// The password that belongs to a ufrag of this peer.
    pub(super) fn password(&self, ufrag: &str) -> Option<&str> {
        self.ufrags_and_passwords().find(|credentials| credentials.ufrag == ufrag).map(|credentials| credentials.pwd.as_str())
    }

    /// Begin a restart. Returns the ufrag of an earlier one that never came to a nomination: the peer has given it up.
    pub(super) fn restart(&mut self, ufrag: String, pwd: String) -> Option<String> {
        self.next.replace(Credentials { ufrag, pwd }).map(|given_up| given_up.ufrag)
    }

    /// The peer nominated with `ufrag`. Where that completes a restart, returns the ufrag that is good no longer.
    pub(super) fn nominated(&mut self, ufrag: &str) -> Option<String> {
        let next = self.next.take_if(|next| next.ufrag == ufrag)?;
        Some(mem::replace(&mut self.current, next).ufrag)
    }

    /// All ufrags that lead to this peer.
    pub(super) fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.ufrags_and_passwords().map(|credentials| credentials.ufrag.as_str())
    }

    fn ufrags_and_passwords(&self) -> impl Iterator<Item = &Credentials> {
        [Some(&self.current), self.next.as_ref()].into_iter().flatten()
    }
}
