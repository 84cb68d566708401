"""A media node on loopback."""

from collections.abc import AsyncIterator

import pytest

from media.config import MediaConfig
from media.node import MediaNode


@pytest.fixture
async def node() -> AsyncIterator[MediaNode]:
    node = MediaNode(MediaConfig(host="127.0.0.1", port=0))
    await node.start()
    yield node
    await node.close()
