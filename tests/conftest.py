"""A real Valkey for all tests, and a store on it for each.

Tests keep apart by session ids of their own; the server is never flushed.
"""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aioice.ice
import pytest
import pytest_asyncio

from store.connection import Store, open_store
from store.embedded import EmbeddedValkey
from tests.valkey_cluster import three_nodes


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """URL of an embedded Valkey that lives as long as the test run."""
    server = await EmbeddedValkey.start(tmp_path_factory.mktemp("valkey"))
    yield server.url
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """URL of a node of a Valkey cluster that lives as long as the test run."""
    async with three_nodes(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture
async def store(valkey_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store on the shared Valkey."""
    opened = await open_store(valkey_url, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def session() -> str:
    """The id of a session that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # aioice leaves loopback out, and a test machine may have nothing else.
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
