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


def questions(sid: str) -> str:
    """Hash: question id → JSON `{text, author: {id, name}, asked_at}`, which never changes."""
    return f"livetrial:{{{sid}}}:questions"


def votes(sid: str) -> str:
    """Hash: question id → number of votes."""
    return f"livetrial:{{{sid}}}:votes"


def answered(sid: str) -> str:
    """Set: ids of the answered questions."""
    return f"livetrial:{{{sid}}}:answered"


def answering(sid: str) -> str:
    """String: id of the question being answered; absent when there is none."""
    return f"livetrial:{{{sid}}}:answering"


def voted(sid: str, person: str) -> str:
    """Set: ids of the questions that this person votes for."""
    return f"livetrial:{{{sid}}}:voted:{person}"


def result(sid: str, person: str, cmd: str) -> str:
    """String: JSON result of a person's command; expires. `cmd` has no colon, so two persons never share a key."""
    return f"livetrial:{{{sid}}}:result:{person}:{cmd}"
