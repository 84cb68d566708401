//! Our ICE credentials of one peer: those in use, and those of a restart until the peer has nominated with them; and of which
//! ICE session of the peer's a pair was nominated last.

use std::mem;

use crate::stun::BindingRequest;

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
    /// The peer's own ufrag, of the check that nominated last: another one is another ICE session of it.
    remote_ufrag: Option<Box<str>>,
}

/// What a nomination brought.
pub(super) struct Nominated {
    /// It is the first of a new ICE session.
    pub(super) restarted: bool,
    /// Our ufrag that is good no longer.
    pub(super) retired: Option<String>,
}

impl LocalCredentials {
    pub(super) fn new(ufrag: String, pwd: String) -> Self {
        Self { current: Credentials { ufrag, pwd }, next: None, remote_ufrag: None }
    }

    /// The password that belongs to a ufrag of this peer.
    pub(super) fn password(&self, ufrag: &str) -> Option<&str> {
        self.ufrags_and_passwords().find(|credentials| credentials.ufrag == ufrag).map(|credentials| credentials.pwd.as_str())
    }

    /// Begin a restart. Returns the ufrag of an earlier one that never came to a nomination: the peer has given it up.
    pub(super) fn restart(&mut self, ufrag: String, pwd: String) -> Option<String> {
        self.next.replace(Credentials { ufrag, pwd }).map(|given_up| given_up.ufrag)
    }

    /// The peer nominated by this check. One with the next credentials ends the current ones.
    ///
    /// A restart shows by the peer's ufrag, not by ours: Chromium checks from its new socket before it has our answer, so with the
    /// credentials that it knows, and where that finds a way first, it stays with them.
    pub(super) fn nominated(&mut self, check: &BindingRequest<'_>) -> Nominated {
        let known = self.remote_ufrag.as_deref();
        let restarted = known.is_some_and(|ufrag| ufrag != check.remote_ufrag);
        if restarted || known.is_none() {
            self.remote_ufrag = Some(check.remote_ufrag.into());
        }
        let next = self.next.take_if(|next| next.ufrag == check.local_ufrag);
        Nominated { restarted, retired: next.map(|next| mem::replace(&mut self.current, next).ufrag) }
    }

    /// All ufrags that lead to this peer.
    pub(super) fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.ufrags_and_passwords().map(|credentials| credentials.ufrag.as_str())
    }

    fn ufrags_and_passwords(&self) -> impl Iterator<Item = &Credentials> {
        [Some(&self.current), self.next.as_ref()].into_iter().flatten()
    }
}
