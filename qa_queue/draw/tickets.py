"""Who wins: commit, then reveal. `docs/draw.md` has the formula for those who verify it."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence

from qa_queue.draw.model import Ticket


def new_secret() -> str:
    """32 random octets, hex."""
    return secrets.token_hex(32)


def commitment(secret: str) -> str:
    """SHA-256 of the secret's octets, hex: what is published before the first entry."""
    return hashlib.sha256(bytes.fromhex(secret)).hexdigest()


def digest(entries: Iterable[Ticket]) -> str:
    """SHA-256 over the lines `<ticket> <nonce>\\n` in the order of the tickets, hex."""
    lines = (f"{entry.ticket} {entry.nonce}\n" for entry in sorted(entries, key=lambda entry: entry.ticket))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def winning_tickets(secret: str, digest: str, entries: int, prizes: int) -> list[int]:
    """The tickets that win, in the order of the prizes: at most as many as there are entries.

    Number k is the first 8 octets of HMAC-SHA-256(secret, "<digest>:<k>"). Numbers at or above the greatest multiple of
    `entries` that 8 octets hold are passed over, so that no ticket is likelier than another; as are tickets that won.
    """
    if entries == 0:
        return []
    won: list[int] = []
    bound = 2**64 - 2**64 % entries
    k = 0
    while len(won) < min(prizes, entries):
        number = int.from_bytes(hmac.digest(bytes.fromhex(secret), f"{digest}:{k}".encode(), "sha256")[:8], "big")
        k += 1
        if number < bound and (ticket := number % entries + 1) not in won:
            won.append(ticket)
    return won


def verify(commitment_: str, secret: str, entries: Sequence[Ticket], prizes: int, tickets: Sequence[int]) -> bool:
    """Whether a published result is what the formula gives."""
    numbered = [entry.ticket for entry in sorted(entries, key=lambda entry: entry.ticket)]
    return (
        commitment(secret) == commitment_
        and numbered == list(range(1, len(entries) + 1))
        and winning_tickets(secret, digest(entries), len(entries), prizes) == list(tickets)
    )
