"""What all commands have."""

import re

from msgspec import Struct

from signaling.fields import CommandId


def snake_case(name: str) -> str:
    """`PollVote` is `poll_vote`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class BaseCommand(Struct, frozen=True, kw_only=True, tag=snake_case):
    """Its tag is its class name in snake case."""

    cmd: CommandId
