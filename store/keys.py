"""Every key of the product.

All keys of a session share the hash tag `{sid}`, so that a Redis Cluster keeps them in one slot and one script may touch
them all. A session id has only `[a-z0-9-]`, so nothing that a person chose can end the tag early.
"""

SESSIONS = "livetrial:sessions"
"""Sorted set: session id by time of creation in ms. An index only; the records are the truth."""


def session(sid: str) -> str:
    """String: the session's record, JSON."""
    return f"livetrial:{{{sid}}}:session"


def log(sid: str) -> str:
    """Stream: the session log, ids `<seq>-0`."""
    return f"livetrial:{{{sid}}}:log"


def entities(sid: str) -> str:
    """Hash: `<kind>:<id>` → JSON of the entity."""
    return f"livetrial:{{{sid}}}:entities"


def facts(sid: str) -> str:
    """Hash: `<subject>:<person>` → what this person did to it: one vote, one ballot, one entry."""
    return f"livetrial:{{{sid}}}:facts"


def counts(sid: str) -> str:
    """Hash: `<subject>:<key>` → a number."""
    return f"livetrial:{{{sid}}}:counts"


def meta(sid: str) -> str:
    """Hash: what commands check beside the state: limits, names, devices, secrets of draws not yet drawn."""
    return f"livetrial:{{{sid}}}:meta"


def result(sid: str, person: str, cmd: str) -> str:
    """String: JSON result of a person's command; expires. `cmd` has no colon, so two persons never share a key."""
    return f"livetrial:{{{sid}}}:result:{person}:{cmd}"
