"""Errors of other rooms that have no code of the wire protocol, told in its words."""

from signaling.errors import Busy
from store.errors import StoreUnavailable


def in_wire_terms(error: Exception) -> Exception:
    """The error as a client is told it; most are told as they are."""
    if isinstance(error, StoreUnavailable):
        return Busy("the store does not answer; try the same again", retry_after_ms=1000)
    return error
