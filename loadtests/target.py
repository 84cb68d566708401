"""The server that load is put on, which must be this machine."""

import ipaddress
import os
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

DEFAULT_SESSION = "demo"

PATIENCE_S = 20.0
"""How long a client waits for an answer. Long, since an answer that takes seconds is a result, not an error."""


class BadTarget(ValueError):
    """The URL names no server that may be loaded."""


@dataclass(frozen=True)
class Target:
    """A server on loopback, and the session on it.

    Attributes:
        address: a loopback address, IPv4 or IPv6.
        port: its HTTP port.
        session: the session to join.
        token: a join link's token; None where the session is open.
    """

    address: str
    port: int
    session: str = DEFAULT_SESSION
    token: str | None = None

    @classmethod
    def of(cls, url: str) -> Self:
        """Read a URL such as `http://localhost:8080`; the session comes from LIVETRIAL_SESSION and LIVETRIAL_TOKEN.

        Names are not resolved: what a name means may change, and `localhost` is taken as 127.0.0.1.

        Raises:
            BadTarget: it is not `http://` and a loopback address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError as error:
            raise BadTarget(f"{url!r} is no URL: {error}") from error
        name = parts.hostname or ""
        address = "127.0.0.1" if name == "localhost" else name
        if parts.scheme != "http" or not _is_loopback(address):
            raise BadTarget(
                f"{url!r} is refused: load goes to this machine only, over http:// "
                "to localhost, 127.0.0.0/8 or [::1]. Run the load test beside the server."
            )
        session = os.environ.get("LIVETRIAL_SESSION") or DEFAULT_SESSION
        return cls(address, port, session, os.environ.get("LIVETRIAL_TOKEN") or None)

    @property
    def url(self) -> str:
        """Of the HTTP port, without a slash at the end."""
        return f"http://{self._authority}"

    @property
    def socket_url(self) -> str:
        """Of the WebSocket."""
        return f"ws://{self._authority}/ws"

    @property
    def _authority(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
