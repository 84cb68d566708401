"""What an answer tells of where media go."""

import dataclasses
from collections.abc import AsyncIterator

import pytest

from media.config import MediaConfig
from media.node import MediaNode
from tests.media.rtc import Log, peer_connection, receive

CONFIG = MediaConfig(host="127.0.0.1", port=0, announced=("192.0.2.1", "2001:db8::1"))


@pytest.fixture(params=[{}, {"tcp": False}, {"udp_announced": False}], ids=["both", "udp", "tcp"])
async def node(request: pytest.FixtureRequest) -> AsyncIterator[MediaNode]:
    node = MediaNode(dataclasses.replace(CONFIG, **request.param))
    await node.start()
    yield node
    await node.close()


async def test_udp_comes_first_and_tcp_is_passive(node: MediaNode, request: pytest.FixtureRequest) -> None:
    viewer = peer_connection()
    receiving = await receive(node, viewer, Log())
    section = receiving.answer.split("m=")[1]
    lines = [line.split(" ") for line in section.splitlines() if line.startswith("a=candidate:")]
    receiving.end()
    await viewer.close()
    used = {"both": ["udp", "tcp"], "udp": ["udp"], "tcp": ["tcp"]}[request.node.callspec.id]
    assert [(line[2], line[4]) for line in lines] == [(protocol, to) for protocol in used for to in CONFIG.announced]
    assert all(line[5:8] == [str(node.port), "typ", "host"] for line in lines)
    assert all(line[8:] == (["tcptype", "passive"] if line[2] == "tcp" else []) for line in lines)
    priorities = [int(line[3]) for line in lines]
    assert priorities == sorted(set(priorities), reverse=True)
    assert len({line[0] for line in lines}) == len(lines), "each foundation is its own"
