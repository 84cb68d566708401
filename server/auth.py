"""Who may use the HTTP API, and what a request says about who asks."""

import hmac
from http import HTTPStatus

from fastapi import Request

from server.problems import ApiError


def bearer(request: Request) -> str | None:
    """The token of `Authorization: Bearer` (RFC 6750 section 2.1), or None without one."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


class ApiKey:
    """Checks the API key of a request; a FastAPI dependency.

    The key comes as `Authorization: Bearer` or as `X-API-Key`, and is compared in constant time.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    async def __call__(self, request: Request) -> None:
        """Raise `ApiError` 401 unless the request carries the key."""
        self.check(request.headers.get("X-API-Key") or bearer(request))

    def matches(self, given: str) -> bool:
        """Whether it is the key."""
        return hmac.compare_digest(given.encode(), self._key)

    def check(self, given: str | None) -> None:
        """Raise `ApiError` 401 unless it is the key."""
        if given is None:
            raise ApiError(
                HTTPStatus.UNAUTHORIZED,
                "api_key_missing",
                "send the API key as `Authorization: Bearer …` or as `X-API-Key`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not self.matches(given):
            raise ApiError(
                HTTPStatus.UNAUTHORIZED,
                "api_key_invalid",
                "this is not the API key of this server",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
