"""STUN and TURN servers for clients, with credentials that end by themselves (the TURN REST convention of coturn's `use-auth-secret`)."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

from pydantic import SecretStr

from signaling.messages import IceServer


class IceServers:
    """Makes credentials. They are told to those whom they are for, and logged nowhere.

    Args:
        turn_urls: `turn:` and `turns:` URLs (RFC 7065); none: nobody is relayed.
        turn_secret: the static secret of these servers; needed where there are any.
        turn_ttl_s: lifetime of a credential. A relay that is in use goes on after it only while the server lets it be
            refreshed, so it should be longer than a session.
        stun_urls: `stun:` URLs (RFC 7064).
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        turn_urls: tuple[str, ...] = (),
        turn_secret: SecretStr | None = None,
        turn_ttl_s: int = 43_200,
        stun_urls: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._turn_urls = turn_urls if turn_secret is not None else ()
        self._secret = turn_secret or SecretStr("")
        self._ttl_s = turn_ttl_s
        self._stun_urls = stun_urls
        self._clock = clock

    def credentials(self, session: str, person: str) -> list[IceServer]:
        """What `RTCConfiguration.iceServers` takes, for one person of a session; empty where nothing is set."""
        servers = [IceServer(list(self._stun_urls))] if self._stun_urls else []
        if self._turn_urls:
            # The TURN server counts and logs by this name: the same for a person's pages, and telling nobody who it is.
            pseudonym = hashlib.sha256(f"{session}\n{person}".encode()).hexdigest()[:16]
            username = f"{int(self._clock()) + self._ttl_s}:{pseudonym}"
            servers.append(IceServer(list(self._turn_urls), username, self._password(username)))
        return servers

    def link_headers(self, session: str, person: str) -> list[str]:
        """The same as values of `Link` (RFC 9725 section 4.6), one a URL."""
        links = []
        for server in self.credentials(session, person):
            for url in server.urls:
                link = f'<{url}>; rel="ice-server"'
                if server.username:
                    link += (
                        f'; username="{server.username}"; credential="{server.credential}"; credential-type="password"'
                    )
                links.append(link)
        return links

    def _password(self, username: str) -> str:
        key = self._secret.get_secret_value().encode()
        return base64.b64encode(hmac.digest(key, username.encode(), "sha1")).decode()
