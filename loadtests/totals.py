"""Sums over all users of this process, which are no requests."""

from dataclasses import dataclass, field

from loadtests.ledger import Ledger


@dataclass
class Totals:
    """What came in.

    Attributes:
        events: events of the log, at members and viewers.
        packets: RTP packets at viewers.
        octets: of their payloads.
        recovered: of these packets, those that came late or by retransmission.
        lost: packets that never came.
        ledger: what was acknowledged to members.
    """

    events: int = 0
    packets: int = 0
    octets: int = 0
    recovered: int = 0
    lost: int = 0
    ledger: Ledger = field(default_factory=Ledger)


totals = Totals()
