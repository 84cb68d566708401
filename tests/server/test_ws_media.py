"""Media over the WebSocket: join in one exchange, slots, and what happens to media when a socket is lost."""

import pytest
from aiortc import RTCPeerConnection

from tests.media.rtc import ToneTrack
from tests.server import peers
from tests.server.harness import Running, Start
from tests.server.peers import go_live
from tests.server.ws_client import shown, until_shown


async def test_one_exchange_joins_and_the_host_is_seen(
    server: Running, camera: RTCPeerConnection, screen: RTCPeerConnection
) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    viewer, joined = await server.join(session, offer=await peers.receiving_offer(screen))
    assert shown(joined) == {"main": None, "audio-1": None}
    await peers.apply(screen, joined["answer"])
    published = await go_live(host, camera)
    slots = await until_shown(viewer, "ann")
    (main,) = (slot["source"] for slot in slots["slots"] if slot["slot"] == "main")
    assert main == {"publisher": "ann", "name": "Host", "kind": "camera", "publication": published["publication"]}
    await peers.next_picture(screen)
    _, without_media = await server.join(session, "moderator", "mo")
    assert {slot["slot"]: (slot["mid"], slot["source"]["publisher"]) for slot in without_media["slots"]} == {
        "main": ("", "ann"),
        "audio-1": ("", "ann"),
    }
    await host.send(type="unpublish")
    await host.expect("unpublished")
    await until_shown(viewer, None)
    await host.send(type="unpublish")
    await host.expect("unpublished")


async def test_an_answer_is_marked_on_the_clock_of_the_host_s_media(
    server: Running, camera: RTCPeerConnection, screen: RTCPeerConnection
) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    viewer, joined = await server.join(session, offer=await peers.receiving_offer(screen))
    await peers.apply(screen, joined["answer"])
    await host.command("ask", cmd="c1", text="Which?")
    await host.command("ask", cmd="c2", text="And then?")
    before = await host.command("answering", cmd="c3", question="q2")
    await go_live(host, camera)
    await until_shown(viewer, "ann")
    while server.node.media.rooms.media_time(session) is None:  # until the first sender report
        await peers.next_picture(screen)
    await host.command("answering", cmd="c4", question="q1")
    await peers.next_picture(screen)
    last = await host.command("answered", cmd="c5", question="q1")
    events = [event["question"] for event in await host.events_until(last["seq"]) if event["kind"] == "question"]
    answered = events[-1]
    assert answered["id"] == "q1"
    assert answered["media_in"] < answered["media_out"]
    # The host's clock is this machine's.
    assert abs(answered["media_in"] - answered["answer_in"]) < 1000
    left = next(question for question in reversed(events) if question["id"] == "q2")
    assert (left["media_in"], left["answer_in"] is not None) == (None, True), "nobody was live at its beginning"
    assert left["media_out"] == answered["media_in"]
    assert before["seq"] < last["seq"]


async def test_the_host_is_told_which_encodings_are_watched(
    server: Running, camera: RTCPeerConnection, screen: RTCPeerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.demand.OFF_DELAY_S", 0.0)
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    await host.send(type="publish", offer=peers.with_simulcast(await peers.sending_offer(camera), "q", "h", "f"))
    publication = (await host.expect("published"))["publication"]
    told = {"publication": publication, "kind": "camera"}
    await host.expect("encodings", active=["q"], **told)
    await server.join(session, offer=await peers.receiving_offer(screen))
    await host.expect("encodings", active=["q", "h", "f"], **told)
    host.connection.transport.abort()
    again, _ = await server.join(session, "host", "ann")
    await again.expect("encodings", active=["q", "h", "f"], **told)


async def test_everybody_is_told_who_speaks(server: Running, camera: RTCPeerConnection) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    viewer, _ = await server.join(session)
    await host.send(type="publish", offer=await peers.sending_offer(camera, ToneTrack()))
    await peers.apply(camera, (await host.expect("published"))["answer"])
    for client in (host, viewer):
        assert (await client.expect("speakers"))["speakers"] == ["ann"]
    late, _ = await server.join(session, person="late")
    assert (await late.expect("speakers"))["speakers"] == ["ann"]
    await camera.close()
    assert (await viewer.expect("speakers"))["speakers"] == []


async def test_an_offer_that_cannot_be_used_leaves_the_rest_working(server: Running) -> None:
    session = await server.session()
    client, joined = await server.join(session, "host", offer="v=0\r\nnonsense")
    assert joined["answer"] is None
    assert joined["media_error"]["code"] == "bad_offer"
    assert joined["slots"] == []
    for kind in ("publish", "receive"):
        await client.send(type=kind, offer="nonsense")
        assert (await client.expect("error"))["code"] == "bad_offer"
    await client.command("ask", cmd="c1", text="still here")


async def test_a_new_publication_replaces_the_old_one_quietly(server: Running, camera: RTCPeerConnection) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    async with peers.peer() as second:
        first_id = (await go_live(host, camera))["publication"]
        second_id = (await go_live(host, second))["publication"]
        assert first_id != second_id
        assert server.node.media.stats()["peers"] == 1
        assert all(message["type"] != "media_closed" for message in host.skipped)


async def test_another_tab_of_the_host_takes_over_and_the_first_is_told(
    server: Running, camera: RTCPeerConnection
) -> None:
    session = await server.session()
    one, _ = await server.join(session, "host", "ann")
    two, _ = await server.join(session, "host", "ann")
    await go_live(one, camera)
    async with peers.peer() as second:
        await go_live(two, second)
        closed = await one.expect("media_closed")
    assert (closed["connection"], closed["reason"]) == ("publish", "replaced")


async def test_a_refused_publication_leaves_the_old_one_live(server: Running, camera: RTCPeerConnection) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    await go_live(host, camera)
    await host.send(type="publish", offer="nonsense")
    assert (await host.expect("error"))["code"] == "bad_offer"
    assert server.node.publications.live(session)
    await camera.close()
    assert (await host.expect("media_closed"))["connection"] == "publish"


async def test_a_lost_socket_leaves_the_media_to_the_next_join(
    server: Running, camera: RTCPeerConnection, screen: RTCPeerConnection
) -> None:
    session = await server.session()
    host, joined = await server.join(session, "host", "ann", offer=await peers.receiving_offer(screen))
    await peers.apply(screen, joined["answer"])
    await go_live(host, camera)
    await until_shown(host, "ann")
    watcher, _ = await server.join(session, person="bob")
    host.connection.transport.abort()
    await watcher.expect("presence", present=1)
    assert server.node.publications.live(session)

    again, joined = await server.join(session, "host", "ann")
    assert joined["answer"] is None
    assert shown(joined) == {"main": "ann", "audio-1": "ann"}, "the receiving connection was taken over"
    await again.send(type="unpublish")
    await again.expect("unpublished")
    await until_shown(again, None)


async def test_media_that_nobody_comes_back_for_end(start: Start, camera: RTCPeerConnection) -> None:
    server = await start(media_hold_s=0.05)
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    await go_live(host, camera)
    host.connection.transport.abort()
    await peers.until(camera, "closed")
    assert not server.node.publications.live(session)


async def test_a_page_that_leaves_takes_its_media_with_it(start: Start, camera: RTCPeerConnection) -> None:
    server = await start(media_hold_s=3600)
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    await go_live(host, camera)
    await host.connection.close(1001)
    await peers.until(camera, "closed")


async def test_a_second_socket_inherits_what_the_first_one_loses(server: Running, camera: RTCPeerConnection) -> None:
    """A page's new socket may join before the server has noticed that the old one is dead."""
    session = await server.session()
    old, _ = await server.join(session, "host", "ann")
    await go_live(old, camera)
    new, _ = await server.join(session, "host", "ann")
    watcher, _ = await server.join(session, person="bob")
    old.connection.transport.abort()
    while len(server.node.joining) > 2:
        await watcher.command("ask", cmd=f"c{len(watcher.events)}", text="a round trip")
    await camera.close()
    assert (await new.expect("media_closed"))["connection"] == "publish"


async def test_receive_makes_a_new_connection(server: Running, screen: RTCPeerConnection) -> None:
    session = await server.session()
    client, _ = await server.join(session)
    await client.send(type="receive", offer=await peers.receiving_offer(screen))
    receiving = await client.expect("receiving")
    assert shown(receiving) == {"main": None, "audio-1": None}
    await peers.apply(screen, receiving["answer"])
    await peers.until(screen, "connected")
    await screen.close()
    assert (await client.expect("media_closed"))["connection"] == "receive"
