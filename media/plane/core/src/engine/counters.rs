//! What the engine counts. A counter is a plain field, so that counting in packet code is one add.

/// One count. It would take centuries to wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter(u64);

impl Counter {
    /// Count `more`.
    pub fn add(&mut self, more: u64) {
        self.0 = self.0.wrapping_add(more);
    }

    /// What was counted.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Its low 32 bits, as sender reports carry it.
    #[must_use]
    pub fn low32(self) -> u32 {
        crate::sequence::low32(self.0.cast_signed())
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Everything received, sent, dropped (by reason), repaired and switched since the start.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            /// Names and values, in the order of the fields.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)*]
            }
        }
    };
}

counters! {
    /// RTP packets from publishers that were authenticated and new.
    rtp_received,
    /// Payload octets in them.
    rtp_octets_received,
    /// RTP packets sent to subscribers, retransmissions not counted.
    rtp_sent,
    /// Payload octets in them.
    rtp_octets_sent,
    /// Sends that carried them; fewer than packets where offload joined several.
    bursts_sent,
    /// Of these, sent as the last segments of another: audio behind a picture.
    bursts_joined,
    /// Packets that waited for their turn on their subscriber's link.
    packets_paced,
    /// Sends that carried them.
    paced_bursts,
    /// Of these packets, dropped: too old, or more than may wait.
    paced_dropped,
    /// Octets of padding that evened out segments.
    padding_octets_sent,
    /// Retransmissions received from publishers (RFC 4588).
    rtx_received,
    /// RED packets received from publishers (RFC 2198).
    red_received,
    /// Lost audio packets that a later RED packet repeated.
    red_recovered,
    /// Retransmissions sent to subscribers.
    rtx_sent,
    /// Sequence numbers that subscribers asked for again.
    nack_received,
    /// Of these, no longer in the cache, of no stream that was sent, or without RTX.
    nack_missed,
    /// Of these, packets that the publisher's uplink lost: we never had them.
    nack_never_had,
    /// Of these, of pictures before a keyframe that the subscriber has, or is to have because too much was missing.
    nack_obsolete,
    /// Of these, asked again before the last answer can have arrived.
    nack_suppressed,
    /// How often more was asked for again than the subscriber's link brings in time.
    repairs_given_up,
    /// Sequence numbers that we asked publishers for again.
    nack_sent,
    /// Sequence numbers that will not come: asked for ten times, missing for 2 s, before a keyframe, or too many at once.
    nack_given_up,
    /// Keyframes wanted because packets that decoding needs were given up.
    keyframes_for_losses,
    /// Round trips to publishers measured by extended reports (RFC 3611).
    round_trips_measured,
    /// Copies of packets sent to subscribers whose links lose much.
    copies_sent,
    /// Octets of them, SRTP included.
    copy_octets_sent,
    /// Packets sent but once, because copies of too many were due.
    copies_dropped,
    /// Repair packets sent to subscribers (FlexFEC).
    fec_sent,
    /// Octets of them, SRTP included.
    fec_octets_sent,
    /// Retransmissions sent unasked: transport-wide feedback told that the packet, or its last retransmission, was lost.
    rtx_unasked,
    /// Packets of padding sent to probe links.
    probe_packets_sent,
    /// Transport-wide feedback messages of subscribers.
    feedback_received,
    /// Keyframe requests of subscribers (PLI, FIR).
    keyframe_requests_received,
    /// Keyframe requests to publishers.
    keyframe_requests_sent,
    /// Sinks that began with keyframe and pictures of the cache.
    cached_replays,
    /// Sinks that began with the cached keyframe as a still.
    cached_stills,
    /// Sinks that began again because the first packets came before the peer had its keys.
    beginnings_repeated,
    /// Numbers filled with an empty packet: of packets that are not wanted, or that will not come.
    fillers_sent,
    /// Changes of source or encoding carried out at a keyframe.
    switches,
    /// Transport-wide feedback messages sent to publishers.
    feedback_sent,
    /// Losses that feedback did not tell publishers of.
    feedback_losses_kept_back,
    /// Packets handed to mirrors on other workers, counted for each mirror.
    mirror_packets_sent,
    /// Packets that mirrors of this worker took.
    mirror_packets_received,
    /// Packets that found no room on their way to a mirror, and are handed over when there is.
    mirror_packets_delayed,
    /// Of these, gone from the cache before there was.
    mirror_packets_lost,
    /// RTCP compounds received.
    rtcp_received,
    /// Binding requests answered with success.
    stun_answered,
    /// Binding requests with a wrong password or for an unknown ufrag.
    stun_rejected,
    /// Binding requests that were not answered because their host or their peer had too many.
    stun_limited,
    /// Tickets that made a peer.
    tickets_taken,
    /// Tickets whose MAC is wrong.
    tickets_forged,
    /// Tickets whose check had another password.
    tickets_wrong_password,
    /// Tickets that came too late.
    tickets_expired,
    /// Tickets that were used before.
    tickets_spent,
    /// Tickets that came when there were too many.
    tickets_limited,
    /// Peers that went on at another address, nominated or followed.
    address_moves,
    /// ICE sessions behind their peers' first ones that came to a nomination.
    ice_restarts,
    /// DTLS datagrams handed up.
    dtls_received,
    /// DTLS datagrams sent.
    dtls_sent,
    /// Commands for an id that has ended.
    unknown_id,
    /// Commands for an id, ufrag or SSRC that is in use, or for keys that are set.
    command_refused,
    /// Datagrams that are neither STUN nor DTLS nor RTP nor RTCP.
    dropped_unclassified,
    /// Anything but STUN from an address that passed no check.
    dropped_unknown_address,
    /// Media before the keys were there.
    dropped_no_keys,
    /// STUN, RTP or RTCP that does not parse.
    dropped_malformed,
    /// SRTP or SRTCP whose tag is wrong.
    dropped_unauthenticated,
    /// SRTP or SRTCP seen before, or too old to tell.
    dropped_replayed,
    /// RTP that belongs to no source of the peer.
    dropped_unknown_stream,
    /// RTP with a payload type that was not negotiated.
    dropped_unknown_payload_type,
    /// RTP so late that its place in the cache is taken.
    dropped_late,
    /// DTLS datagrams of a peer that sends too many.
    dropped_dtls_limited,
    /// DTLS for a peer without address.
    dropped_no_address,
}
