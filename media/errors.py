"""What can go wrong in media, by whose fault.

MediaError
├── BadOffer            the client's: the SDP cannot be read or lacks what is needed
├── UnsupportedMedia    the client's: nothing in common
├── TicketRefused       the client's: expired, used, forged, or for another session; the ordinary join goes on
└── Busy                ours: the node cannot take another peer now
"""

from typing import Literal

TicketFault = Literal["malformed", "forged", "other_session", "expired", "spent", "too_many", "role"]
"""`forged`: not made with this node's key: by somebody else, by another node, or before a restart."""


class MediaError(Exception):
    """Base. `code` is the protocol's error code (signaling/PROTOCOL.md, Errors); the text says what to do."""

    code = "media_error"


class BadOffer(MediaError):
    """The SDP cannot be parsed, is too long, or lacks something that WebRTC requires."""

    code = "bad_offer"


class UnsupportedMedia(MediaError):
    """The offer is sound, but has no codec, profile or direction that we can use."""

    code = "unsupported_media"


class TicketRefused(MediaError):
    """The ticket cannot be used; an ordinary exchange of offer and answer can. `reason` is for those who count."""

    code = "ticket_refused"

    def __init__(self, message: str, reason: TicketFault) -> None:
        super().__init__(message)
        self.reason = reason


class Busy(MediaError):
    """The plane does not run, or the node is full."""

    code = "busy"
