"""A store that a test may break."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.connection import Store, open_store


@pytest.fixture
async def own_store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with an embedded Valkey of its own."""
    opened = await open_store(None, tmp_path / "own")
    yield opened
    await opened.close()
