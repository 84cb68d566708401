//! What the shell counts, under names that do not meet the engine's.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Since the start, on one worker's port.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Counters {
            $($(#[$doc])* pub(crate) $name: u64,)*
        }

        impl Counters {
            /// Names and values, in the order of the fields.
            pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Datagrams received, empty ones counted.
    udp_datagrams_received,
    /// Octets in them, without UDP and IP headers.
    udp_octets_received,
    /// System calls that received; fewer than datagrams where the kernel joined some.
    udp_receives,
    /// System calls that failed to receive, for example with a pending ICMP error.
    udp_receive_errors,
    /// Datagrams that the kernel took.
    udp_datagrams_sent,
    /// Octets in them, likewise.
    udp_octets_sent,
    /// System calls that sent; datagrams a send is `udp_datagrams_sent` divided by this.
    udp_sends,
    /// Most datagrams that one send carried.
    udp_segments_max,
    /// Sends with several segments that the kernel refused, and that were repeated one by one.
    udp_offload_refused,
    /// Datagrams dropped because the send buffer was full.
    udp_dropped_would_block,
    /// Datagrams dropped because they exceed the MTU of their route.
    udp_dropped_oversized,
    /// Datagrams dropped because their destination is unreachable (no route, or an ICMP error).
    udp_dropped_unreachable,
    /// Datagrams dropped for any other reason that the kernel gave.
    udp_dropped_send_error,
    /// Datagrams handed to the worker that they belong to.
    handover_datagrams,
    /// Datagrams dropped because there was no room on the way to that worker.
    handover_dropped,
    /// Datagrams that another worker handed on to this one.
    handover_received,
    /// Connections accepted.
    tcp_accepted,
    /// Connections refused, because there are too many in all or of one network.
    tcp_refused,
    /// Failures to accept, for want of descriptors or memory.
    tcp_accept_errors,
    /// Connections closed, by whichever side and for whatever reason.
    tcp_closed,
    /// Connections handed to the worker that they belong to.
    tcp_handed_over,
    /// Connections that another worker handed to this one.
    tcp_taken_over,
    /// Of these, closed because what came was not framed (RFC 4571).
    tcp_framing_errors,
    /// Frames received.
    tcp_frames_received,
    /// Octets in them, without their prefixes.
    tcp_octets_received,
    /// Frames that a connection took, to send at once or when the kernel takes more.
    tcp_frames_sent,
    /// Octets in them, likewise.
    tcp_octets_sent,
    /// Frames dropped because their connection's buffer was full.
    tcp_dropped_full,
    /// Frames dropped because their connection had closed.
    tcp_dropped_closed,
}

impl Counters {
    /// Add to a counter. They start at 0 and count datagrams: no process lives long enough to wrap one.
    pub(crate) fn add(counter: &mut u64, amount: usize) {
        *counter = counter.wrapping_add(amount as u64);
    }
}
