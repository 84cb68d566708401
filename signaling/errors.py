"""What goes wrong on the wire, and how each of it is told to a client.

Exception
└── SignalingError            has `code`, `message` and perhaps `retry_after_ms`
    ├── ProtocolError         the client's software is at fault
    │   ├── BadMessage        bad_message: one message is malformed; the socket stays
    │   ├── Unexpected        bad_message: the order of messages is broken; the socket closes
    │   └── UnsupportedVersion
    ├── AccessError           who asks is not let in; the socket closes
    │   ├── TokenMissing
    │   ├── TokenExpired
    │   ├── TokenInvalid
    │   ├── Banned
    │   └── SessionUnknown
    └── Refused               who asks is let in, and may not do this or not now
        ├── Forbidden
        ├── NoConnection
        ├── RateLimited
        └── Busy

Errors of other rooms reach a client through the same two functions: all that they need is a `code` of the table below.
"""

from typing import ClassVar, NamedTuple

import msgspec

from signaling.messages import Error


class Kind(NamedTuple):
    """How a code is told: the close code of a WebSocket (None leaves it open), an HTTP problem's status and title."""

    close_code: int | None
    status: int
    title: str


KINDS: dict[str, Kind] = {
    "unsupported_version": Kind(4400, 400, "Unsupported protocol version"),
    "bad_message": Kind(None, 400, "Malformed message"),
    "bad_offer": Kind(None, 400, "Unusable SDP offer"),
    "unsupported_media": Kind(None, 406, "No codec in common"),
    "ticket_refused": Kind(None, 409, "Ticket refused"),
    "forbidden": Kind(None, 403, "Not allowed for this role"),
    "not_found": Kind(None, 404, "Not found"),
    "closed": Kind(None, 409, "It takes no more"),
    "wrong_state": Kind(None, 409, "Not possible in this state"),
    "bad_choice": Kind(None, 422, "Not one of the choices"),
    "text_empty": Kind(None, 422, "Empty text"),
    "text_too_long": Kind(None, 422, "Text too long"),
    "text_blocked": Kind(None, 422, "Blocked words"),
    "link_blocked": Kind(None, 422, "Links are not allowed"),
    "muted": Kind(None, 403, "Muted"),
    "not_invited": Kind(None, 403, "Not invited on stage"),
    "stage_full": Kind(None, 409, "The stage is full"),
    "too_many": Kind(None, 409, "The session holds no more of these"),
    "rate_limited": Kind(None, 429, "Too fast"),
    "busy": Kind(None, 503, "The server cannot take it now"),
    "token_missing": Kind(4401, 401, "Token missing"),
    "token_expired": Kind(4401, 401, "Token expired"),
    "token_invalid": Kind(4401, 401, "Token invalid"),
    "banned": Kind(4403, 403, "Banned from this session"),
    "session_unknown": Kind(4404, 404, "No such session"),
    "internal": Kind(1011, 500, "Internal error"),
}
"""Every code of the page; the tests hold the two together."""


class SignalingError(Exception):
    """Something that a client is told.

    Args:
        message: English, for logs; never shown to people.
        retry_after_ms: when to try again, where that is known.
    """

    code: ClassVar[str]
    fatal: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_ms = retry_after_ms


class ProtocolError(SignalingError):
    """The client's software is at fault."""

    code = "bad_message"


class BadMessage(ProtocolError):
    """One message is malformed. `cmd` is its command id where that much could be read."""

    def __init__(self, message: str, *, cmd: str | None = None) -> None:
        super().__init__(message)
        self.cmd = cmd


class Unexpected(ProtocolError):
    """A message that may not come now: no `join` first, a second `join`, a binary frame."""

    fatal = True


class UnsupportedVersion(ProtocolError):
    """The client speaks another version of the protocol."""

    code = "unsupported_version"


class AccessError(SignalingError):
    """Who asks is not let in."""


class TokenMissing(AccessError):
    """The session is not open and there is no token."""

    code = "token_missing"


class TokenExpired(AccessError):
    """The token was good once."""

    code = "token_expired"


class TokenInvalid(AccessError):
    """Forged, damaged, oversized, of another session, or with an algorithm that is not ours."""

    code = "token_invalid"


class Banned(AccessError):
    """A moderator sent the person, or the device, away."""

    code = "banned"


class SessionUnknown(AccessError):
    """There is no such session."""

    code = "session_unknown"


class Refused(SignalingError):
    """Who asks is let in, and may not do this or not now."""


class Forbidden(Refused):
    """The role may not do this."""

    code = "forbidden"


class NoConnection(Refused):
    """The media connection that is meant has ended, or there never was one."""

    code = "not_found"


class RateLimited(Refused):
    """Too fast; `retry_after_ms` says when."""

    code = "rate_limited"


class Busy(Refused):
    """The server cannot take it now; nothing was stored."""

    code = "busy"


def to_message(error: BaseException, cmd: str | None = None) -> tuple[Error, int | None]:
    """The error message for a WebSocket, and the close code that follows it, or None where the socket stays open.

    Args:
        error: any exception. One without a `code` of `KINDS` is our fault: its text is not shown to the client.
        cmd: the command that it belongs to.
    """
    code = _code(error)
    wire = Error(
        code=code,
        message=_text(error, code),
        cmd=cmd if cmd is not None else getattr(error, "cmd", None) or msgspec.UNSET,
        retry_after_ms=_retry_after_ms(error) or msgspec.UNSET,
    )
    close_code = 4400 if getattr(error, "fatal", False) is True else KINDS[code].close_code
    return wire, close_code


class Problem(msgspec.Struct, frozen=True):
    """A problem document (RFC 9457) with the code as an extension member."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"


def to_problem(error: BaseException) -> tuple[Problem, dict[str, str]]:
    """The problem document for an HTTP response, and the headers that belong to it."""
    code = _code(error)
    kind = KINDS[code]
    headers: dict[str, str] = {}
    if kind.status == 401:
        headers["WWW-Authenticate"] = "Bearer" if code == "token_missing" else 'Bearer error="invalid_token"'
    if kind.status in (429, 503):
        headers["Retry-After"] = str(-(-(_retry_after_ms(error) or 1000) // 1000))
    return Problem(title=kind.title, status=kind.status, detail=_text(error, code), code=code), headers


def _code(error: BaseException) -> str:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) and code in KINDS else "internal"


def _text(error: BaseException, code: str) -> str:
    if code == "internal":
        return KINDS[code].title
    message = getattr(error, "message", None)
    return message if isinstance(message, str) else str(error)


def _retry_after_ms(error: BaseException) -> int | None:
    value = getattr(error, "retry_after_ms", None)
    return value if isinstance(value, int) else None
