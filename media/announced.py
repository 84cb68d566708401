"""Where the media port is reached, as clients are told it."""

import ipaddress
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Announced:
    """An address. `port` is None where it is the media port itself; behind a port mapping or a relay it is another."""

    address: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `203.0.113.7`, `203.0.113.7:9000`, `2001:db8::1` or `[2001:db8::1]:9000`.

        Raises:
            ValueError: it is none of these.
        """
        host, port = _split(text)
        address = str(ipaddress.ip_address(host))
        if port is None:
            return cls(address)
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise ValueError(f"{port!r} in {text!r} is no port")
        return cls(address, int(port))

    def __str__(self) -> str:
        if self.port is None:
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def _split(text: str) -> tuple[str, str | None]:
    """Address and port; colons belong to an IPv6 address unless it stands in brackets."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or rest[:1] not in ("", ":"):
            raise ValueError(f"{text!r} is no address with a port")
        return host, rest[1:] if rest else None
    host, colon, port = text.partition(":")
    return (text, None) if not colon or ":" in port else (host, port)
