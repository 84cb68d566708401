//! Counters of what the plane received, sent and dropped, by name.

/// Declares the counters once: fields, and their names for statistics.
macro_rules! counters {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// Monotonic counters since start. They wrap after 2⁶⁴, so never.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])+ pub $name: u64,)+
        }

        impl Counters {
            /// Every counter with its name, in the order of declaration.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name),)+].into_iter()
            }
        }
    };
}

counters! {
    /// Datagrams received.
    received_datagrams,
    /// Octets received, UDP payload.
    received_bytes,
    /// Datagrams sent.
    sent_datagrams,
    /// Octets sent, UDP payload.
    sent_bytes,
    /// RTP packets accepted.
    rtp_in,
    /// RTP packets forwarded, one a subscriber.
    rtp_out,
    /// RTCP datagrams accepted.
    rtcp_in,
    /// RTCP datagrams sent.
    rtcp_out,
    /// Binding requests answered with success.
    stun_answered,
    /// Packets asked for again.
    nacked,
    /// Missing packets that arrived late or were retransmitted.
    recovered,
    /// Retransmissions sent.
    retransmitted,
    /// Packets asked of us that the cache no longer held.
    retransmit_missed,
    /// Keyframes asked of publishers.
    keyframe_requests,
    /// Sinks that changed encoding or source.
    switches,
    /// Dropped: empty, too short, or of no protocol that is spoken here.
    dropped_unclassified,
    /// Dropped: malformed STUN, or a wrong checksum.
    dropped_stun_malformed,
    /// Dropped: STUN with a wrong or missing password.
    dropped_stun_unauthorized,
    /// Dropped: a ufrag of no peer.
    dropped_stun_unknown_ufrag,
    /// Dropped: DTLS, RTP or RTCP from an address of no peer.
    dropped_unknown_address,
    /// Dropped: media before the keys.
    dropped_no_keys,
    /// Dropped: not RTP.
    dropped_rtp_malformed,
    /// Dropped: not RTCP.
    dropped_rtcp_malformed,
    /// Dropped: a tag that does not match.
    dropped_srtp_auth,
    /// Dropped: replayed, or older than the replay window.
    dropped_srtp_replay,
    /// Dropped: RTP of no source.
    dropped_unknown_stream,
    /// Commands that named an id that does not exist (any more).
    unknown_id,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iter_names_every_counter_once() {
        let counters = Counters { rtp_in: 7, unknown_id: 9, ..Counters::default() };
        let mut names: Vec<_> = counters.iter().map(|(name, _)| name).collect();
        assert!(counters.iter().any(|entry| entry == ("rtp_in", 7)));
        assert_eq!(counters.iter().last(), Some(("unknown_id", 9)));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), counters.iter().count());
    }
}
