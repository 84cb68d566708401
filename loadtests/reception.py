"""What arrived of one RTP stream."""

HALF = 1 << 15
WHOLE = 1 << 16


class Reception:
    """Counts by sequence number (RFC 3550 section 5.1), which wraps at 2^16.

    Attributes:
        packets: arrived, each counted once.
        octets: of their payloads.
        recovered: of these, arrived after a later one: retransmitted, or swapped on the way.
    """

    def __init__(self) -> None:
        self.packets = 0
        self.octets = 0
        self.recovered = 0
        self._highest: int | None = None  # counts on where the number on the wire wraps
        self._missing: set[int] = set()

    @property
    def lost(self) -> int:
        """Packets between the first and the last that have not arrived."""
        return len(self._missing)

    def add(self, sequence: int, octets: int) -> None:
        """Count a packet; `sequence` is the number of the original where it came as a retransmission (RFC 4588)."""
        if self._highest is None:
            self._highest = sequence
        elif (ahead := (sequence - self._highest + HALF) % WHOLE - HALF) > 0:
            self._missing.update(range(self._highest + 1, self._highest + ahead))
            self._highest += ahead
        elif self._highest + ahead in self._missing:
            self._missing.discard(self._highest + ahead)
            self.recovered += 1
        else:
            return  # a duplicate, or from before the first
        self.packets += 1
        self.octets += octets
