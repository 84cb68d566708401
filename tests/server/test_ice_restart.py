"""`restart`: another ICE session for a connection that stays."""

import re

import pytest

from tests.server import peers
from tests.server.harness import Running
from tests.server.peers import go_live
from tests.server.ws_client import until_shown


def ice(sdp: str) -> tuple[str, str]:
    found = re.search(r"a=ice-ufrag:(\S+)\r\na=ice-pwd:(\S+)", sdp)
    assert found
    return found[1], found[2]


def with_other_ice(offer: str) -> str:
    """The offer that a browser makes with `iceRestart`."""
    return re.sub(r"a=ice-pwd:\S+", f"a=ice-pwd:{'z' * 22}", re.sub(r"a=ice-ufrag:\S+", "a=ice-ufrag:again", offer))


def without_ice(answer: str) -> str:
    return re.sub(r"a=ice-(ufrag|pwd):\S+|o=- \d+ \d+ ", "", answer)


async def test_media_go_on_while_ice_begins_anew_on_both_connections(server: Running) -> None:
    session = await server.session()
    async with peers.peer() as camera, peers.peer() as screen:
        host, _ = await server.join(session, "host", "ann")
        viewer, joined = await server.join(session, offer=await peers.receiving_offer(screen))
        await peers.apply(screen, joined["answer"])
        published = await go_live(host, camera)
        await until_shown(viewer, "ann")
        await peers.next_picture(screen)

        for client, connection, offer, before in (
            (viewer, "receive", screen.localDescription.sdp, joined["answer"]),
            (host, "publish", camera.localDescription.sdp, published["answer"]),
        ):
            await client.send(type="restart", connection=connection, offer=with_other_ice(offer))
            answer = (await client.expect("restarted", connection=connection))["answer"]
            assert ice(answer) != ice(before)
            assert without_ice(answer) == without_ice(before)
            assert "\r\no=- 1 2 " in answer
        for _ in range(10):
            await peers.next_picture(screen)
        assert server.node.media.stats()["peers"] == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda offer: re.sub(r"(a=fingerprint:sha-256 )\S\S", r"\g<1>00", offer), "certificate"),
        (lambda offer: offer.replace("a=mid:0", "a=mid:9").replace("BUNDLE 0", "BUNDLE 9"), "sections"),
        (lambda offer: "v=0\r\nnonsense", ""),
    ],
)
async def test_what_is_more_than_a_restart_changes_nothing(server: Running, change: object, says: str) -> None:
    session = await server.session()
    async with peers.peer() as screen:
        viewer, joined = await server.join(session, offer=await peers.receiving_offer(screen))
        await viewer.send(type="restart", connection="receive", offer=change(screen.localDescription.sdp))  # type: ignore[operator]
        error = await viewer.expect("error", code="bad_offer")
        assert says in error["message"]
        await peers.apply(screen, joined["answer"])
        await peers.until(screen, "connected")


async def test_there_is_nothing_to_restart(server: Running) -> None:
    session = await server.session()
    client, _ = await server.join(session, "host")
    for connection in ("receive", "publish"):
        await client.send(type="restart", connection=connection, offer="v=0")
        assert (await client.expect("error"))["code"] == "not_found"
    await client.send(type="restart", connection="both", offer="v=0")
    assert (await client.expect("error"))["code"] == "bad_message"
