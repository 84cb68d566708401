"""Messages of a server, as a test makes them up."""

from typing import Any


def question_fields(id_: str, **changes: Any) -> dict[str, Any]:
    """A question."""
    nothing = dict.fromkeys(
        (
            "product",
            "day",
            "reason",
            "merged_into",
            "place",
            "edited_at",
            "answer_in",
            "answer_out",
            "media_in",
            "media_out",
        )
    )
    return {
        **nothing,
        "id": id_,
        "text": "Why?",
        "author": {"id": "p", "name": "Ana"},
        "anonymous": False,
        "labels": [],
        "state": "queued",
        "first": True,
        "votes": 0,
        "asked_at": 1,
        "deleted": False,
        **changes,
    }


def snapshot_fields(*questions: dict[str, Any]) -> dict[str, Any]:
    """A session with these questions and nothing else."""
    lists = ("replies", "polls", "hands", "chat", "announcements", "products", "draws", "trials", "members", "blocks")
    return {
        **{name: [] for name in lists},
        "settings": {
            "premoderation": False,
            "asking": True,
            "anonymous": True,
            "order": "fair",
            "chat": True,
            "slow_mode_s": 0,
            "links": "staff",
            "max_stage": 3,
            "ask_every_s": 5,
        },
        "now": {"question": None, "since": None, "until": None, "next": None},
        "questions": list(questions),
        "reactions": {},
        "mine": {"asked": [], "votes": [], "ballots": {}, "samples": [], "tickets": {}, "member": None},
        "order": [question["id"] for question in questions],
    }


def joined_message(seq: int, *questions: dict[str, Any]) -> dict[str, Any]:
    """The answer to `join`."""
    return {
        "type": "joined",
        "you": {"id": "me", "name": "Me", "role": "member"},
        "token": "t",
        "session": {"id": "demo", "title": "Demo"},
        "answer": None,
        "media_error": None,
        "slots": [],
        "seq": seq,
        "snapshot": snapshot_fields(*questions),
        "events": None,
        "present": 1,
        "server_time": 1,
    }
