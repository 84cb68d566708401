"""What the chat and announcements are made of."""

from typing import Literal

from qa_queue.model import Entity, Person, Role


class ChatMessage(Entity, frozen=True, kw_only=True):
    """A line of chat."""

    author: Person
    role: Role
    text: str
    at: int
    deleted: bool = False


class Announcement(Entity, frozen=True, kw_only=True):
    """An announcement; `at`: when it is or was shown."""

    text: str
    pinned: bool
    state: Literal["scheduled", "shown", "withdrawn"]
    at: int
    deleted: bool = False
