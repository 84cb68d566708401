"""A media node on loopback."""

from collections.abc import AsyncIterator

import aioice.ice
import pytest

from media.config import MediaConfig
from media.node import MediaNode


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # aioice leaves loopback out, and a test machine may have nothing else.
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.fixture
async def node() -> AsyncIterator[MediaNode]:
    node = MediaNode(MediaConfig(host="127.0.0.1", port=0))
    await node.start()
    yield node
    await node.close()
