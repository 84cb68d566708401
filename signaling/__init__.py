"""The wire protocol, sans I/O: `PROTOCOL.md` as types, and bytes to messages and back."""

VERSION = 1
"""The protocol version that `join` names in `v`."""
