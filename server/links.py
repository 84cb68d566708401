"""Absolute URLs of this server."""

from fastapi import Request


class Links:
    """Makes the links that people and programs are given. A token stands in the fragment, which no server ever logs.

    Args:
        public_url: where people reach the server, without a slash at the end; None: where the request went.
    """

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url

    def base(self, request: Request) -> str:
        """Scheme and authority."""
        return self._public_url or str(request.base_url).rstrip("/")


def host_page(base: str, session: str, token: str, member_token: str | None) -> str:
    """The page of a host or a moderator. `member_token` goes into the link that they copy for members; None: open session."""
    return f"{base}/host/{session}#t={token}" + (f"&m={member_token}" if member_token else "")


def member_page(base: str, session: str, token: str | None) -> str:
    """The page of a member; an open session needs no token."""
    return f"{base}/s/{session}" + (f"#t={token}" if token else "")
