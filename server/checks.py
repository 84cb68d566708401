"""`livetrial check`: what an operator should know before people come."""

from dataclasses import dataclass

from server.config import Settings
from store.connection import open_store
from store.errors import StoreError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in words for the person who can change it."""

    good: bool
    text: str


async def check(settings: Settings) -> list[Finding]:
    """Look at everything; never raises for what it finds."""
    return [_pages(settings), _keys(settings), _addresses(settings), *await _store(settings)]


def _pages(settings: Settings) -> Finding:
    built = (settings.web_dir / "member.html").is_file()
    text = "the pages are built" if built else f"there are no built pages in {settings.web_dir}: run `make setup`"
    return Finding(built, text)


def _keys(settings: Settings) -> Finding:
    try:
        settings.api_key_value()
        settings.secret_value()
    except (OSError, ValueError) as error:
        return Finding(False, f"the API key and the signing secret cannot be kept: {error}")
    return Finding(
        True, "the API key is set" if settings.api_key else f"the API key is in {settings.data_dir / 'api_key'}"
    )


def _addresses(settings: Settings) -> Finding:
    addresses = settings.announced_addresses()
    text = f"clients are told to send media to {', '.join(addresses)}, {settings.media_protocols()} port {settings.media_port}"
    if settings.announced is None:
        text += "; behind NAT set LIVETRIAL_ANNOUNCED to the public address"
    return Finding(bool(addresses), text)


async def _store(settings: Settings) -> list[Finding]:
    where = "Redis server" if settings.redis_url else "embedded Valkey"
    try:
        store = await open_store(settings.redis_url, settings.data_dir)
    except StoreError as error:
        return [Finding(False, f"the {where} cannot be used: {error}")]
    try:
        if not store.durability.warnings:
            return [Finding(True, f"the {where} answers, and keeps what is acknowledged")]
        return [Finding(False, warning) for warning in store.durability.warnings]
    finally:
        await store.close()
