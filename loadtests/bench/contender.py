"""What a contender gives for one run."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sample:
    """The cost of one run."""

    cpu_ns: int
    """CPU time of the forwarding thread alone."""
    packets: int
    """Packets sent to subscribers."""
    sends: int
    """System calls that sent them."""
    missing: int = 0
    """Packets that should have been sent and were not."""

    @property
    def us_a_packet(self) -> float:
        """CPU microseconds a forwarded packet."""
        return self.cpu_ns / 1e3 / max(self.packets, 1)

    @property
    def packets_a_send(self) -> float:
        """Packets that one system call carried, on average."""
        return self.packets / max(self.sends, 1)


class Contender(Protocol):
    """A way to forward one publisher to a number of subscribers. Closed when it is left as a context."""

    def run(self, seconds: float) -> Sample:
        """Forward for that long."""
