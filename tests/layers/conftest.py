"""A plane for each test."""

from collections.abc import Iterator

import pytest

import livetrial_plane


@pytest.fixture
def plane() -> Iterator[livetrial_plane.Plane]:
    """On a port of its own, on loopback."""
    plane = livetrial_plane.Plane(host="127.0.0.1")
    yield plane
    plane.close()
