"""The flights of a DTLS handshake, sent again by us. Sans-IO: datagrams and time come in, datagrams to send come out.

OpenSSL repeats a lost flight after a second, and not at all when the peer repeats its own (RFC 6347 section 4.2.4 lets it do
both sooner). Here a flight is kept as long as nothing answers it, and goes again after 50 ms, doubling, and at once when the peer
repeats what it answers: a lost datagram then costs a join 50 to 100 ms and not a second.
"""

from collections.abc import Iterator

FIRST_INTERVAL_S = 0.05
"""As Firefox does; more than most round trips, and what is repeated in vain is one datagram."""

LONGEST_INTERVAL_S = 0.8

MAX_REPEATS = 12
"""By the timer; about 7 s, after which OpenSSL's own timer goes on alone."""

REPLY_INTERVAL_S = 0.02
"""Between two repetitions that the peer's cause: one flight of the peer is several datagrams."""

DATAGRAM_OCTETS = 1200
"""Fits every path; DTLS sends handshake messages in fragments where they are longer."""

_RECORD_HEADER = 13
_HANDSHAKE = 22


def datagrams(octets: bytes) -> list[bytes]:
    """Cut what OpenSSL wrote at its record boundaries, as many records a datagram as fit."""
    if len(octets) <= DATAGRAM_OCTETS:
        return [octets] if octets else []
    cut: list[bytes] = []
    for record in _records(octets):
        if cut and len(cut[-1]) + len(record) <= DATAGRAM_OCTETS:
            cut[-1] += record
        else:
            cut.append(record)
    return cut


class Flights:
    """The last flight of one side.

    Times are seconds of any clock that does not go back.
    """

    def __init__(self) -> None:
        self.repeats = 0
        """How often the present flight was sent again."""
        self.sent_at: float | None = None
        """When it was sent first."""
        self.round_trip_s: float | None = None
        """From the first flight's first sending to the first datagram of the peer: at least a round trip."""
        self._flight: list[bytes] = []
        self._sequence: int | None = None
        self._interval_s = FIRST_INTERVAL_S
        self._due: float | None = None
        self._again_at: float | None = None
        self._answered = -1
        self._newest = -1

    @property
    def deadline(self) -> float | None:
        """When `expire` wants to be called."""
        return self._due

    @property
    def current(self) -> list[bytes]:
        """The datagrams of the present flight."""
        return self._flight

    def sent(self, flight: list[bytes], now: float) -> None:
        """The side has something new to say; it is answered no more by what came before."""
        if not flight:
            return
        sequence = next(_message_sequences(b"".join(flight)), None)
        if sequence is not None and sequence == self._sequence:
            return  # OpenSSL's own repetition: ours goes on as it was
        self._flight, self._sequence, self._answered = flight, sequence, self._newest
        self.repeats, self.sent_at, self._interval_s = 0, now, FIRST_INTERVAL_S
        self._due, self._again_at = now + FIRST_INTERVAL_S, now + REPLY_INTERVAL_S

    def received(self, datagram: bytes, now: float) -> list[bytes]:
        """A datagram of the peer came. Returns what to send again: the flight, when it is one that the flight answers already."""
        if self.round_trip_s is None and self.sent_at is not None:
            self.round_trip_s = now - self.sent_at
        sequences = list(_message_sequences(datagram))
        self._newest = max([self._newest, *sequences])
        repeated = any(sequence <= self._answered for sequence in sequences)
        if not repeated or self._again_at is None or now < self._again_at:
            return []
        self._again_at = now + REPLY_INTERVAL_S
        self.repeats += 1
        return self._flight

    def expire(self, now: float) -> list[bytes]:
        """What to send again because nothing has answered it in time."""
        if self._due is None or now < self._due:
            return []
        self.repeats += 1
        self._interval_s = min(2 * self._interval_s, LONGEST_INTERVAL_S)
        self._due = now + self._interval_s if self.repeats < MAX_REPEATS else None
        return self._flight

    def finish(self) -> None:
        """The handshake is over: the timer stops. The last flight is kept for a peer that repeats its own."""
        self._due = None

    def was_late(self, now: float) -> bool:
        """Whether the answer to the last flight, which has come now, cannot be to its first sending."""
        if self.sent_at is None or self.round_trip_s is None or self.repeats == 0:
            return False
        return now - self.sent_at > self.round_trip_s + FIRST_INTERVAL_S / 2


def _records(octets: bytes) -> Iterator[bytes]:
    """DTLS records with their headers (RFC 6347 section 4.1); what is cut off at the end comes as it is."""
    at = 0
    while at < len(octets):
        end = at + _RECORD_HEADER + int.from_bytes(octets[at + 11 : at + 13])
        yield octets[at:end]
        at = end


def _message_sequences(datagram: bytes) -> Iterator[int]:
    """The message_seq of handshake messages that are not encrypted yet (RFC 6347 section 4.2.2)."""
    at, size = 0, len(datagram)
    while at < size:
        body = at + _RECORD_HEADER
        end = body + int.from_bytes(datagram[at + 11 : at + 13])
        if datagram[at] == _HANDSHAKE and datagram[at + 3 : at + 5] == b"\0\0" and min(end, size) >= body + 6:
            yield int.from_bytes(datagram[body + 4 : body + 6])
        at = end
