"""`python -m signaling.schema` prints a JSON Schema (2020-12) of all messages, to check other types against."""

import sys
from typing import Any

import msgspec

from signaling import VERSION
from signaling.messages import ClientMessage, ServerMessage


def schema() -> dict[str, Any]:
    """`$defs` has each message and each part of one by name; `ClientMessage` and `ServerMessage` are the two unions."""
    (client, server), components = msgspec.json.schema_components(
        (ClientMessage, ServerMessage), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"livetrial wire protocol, version {VERSION}",
        "anyOf": [{"$ref": "#/$defs/ClientMessage"}, {"$ref": "#/$defs/ServerMessage"}],
        "$defs": {"ClientMessage": client, "ServerMessage": server, **components},
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(schema(), order="sorted"), indent=2) + b"\n")
