"""Ways into a session beyond the ordinary one: by ticket, by switch, and through a crowd."""

import asyncio

from aiortc import RTCPeerConnection

from media.tickets import Ticket, TicketStream
from server.doorway import Doorway
from tests.media.synthetic import synthetic_answer
from tests.server import peers
from tests.server.harness import Running, Start
from tests.server.peers import go_live
from tests.server.ws_client import shown, until_shown


async def fetch_ticket(server: Running, session: str) -> Ticket:
    response = await server.http.get(f"/api/v1/tickets/{session}", headers={"Origin": "https://shop.example"})
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    fields = response.json()
    assert fields.pop("session") == session
    for kind in ("video", "audio"):
        fields[kind] = [TicketStream(**stream) for stream in fields[kind]]
    return Ticket(**fields)


async def test_a_connection_is_up_before_the_join_and_taken_over_by_it(
    server: Running, camera: RTCPeerConnection, screen: RTCPeerConnection
) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    await go_live(host, camera)
    ticket, offer = await fetch_ticket(server, session), await peers.receiving_offer(screen)
    own = synthetic_answer(offer, ticket)
    await peers.apply(screen, own)
    await peers.until(screen, "connected")
    assert server.node.media.stats()["early_peers"] == 1
    _, joined = await server.join(session, offer=offer, ticket=ticket.ufrag)
    assert (joined["answer"], joined["media_error"]) == (own, None)
    await peers.next_picture(screen)
    metrics = (await server.http.get("/metrics")).text
    assert 'livetrial_join_stage_seconds_count{path="ticket",stage="server"} 1.0' in metrics


async def test_a_ticket_that_is_no_good_costs_the_media_alone(server: Running, screen: RTCPeerConnection) -> None:
    session, another = await server.session(), await server.session()
    offer = await peers.receiving_offer(screen)
    good = await fetch_ticket(server, session)
    forged = good.ufrag[:-1] + ("0" if good.ufrag[-1] != "0" else "1")
    foreign = await fetch_ticket(server, another)
    await server.join(session, offer=offer, ticket=good.ufrag)
    for ufrag, reason in [(good.ufrag, "before"), (forged, "no ticket"), (foreign.ufrag, "another session")]:
        client, joined = await server.join(session, offer=offer, ticket=ufrag)
        assert joined["answer"] is None
        assert joined["media_error"]["code"] == "ticket_refused"
        assert reason in joined["media_error"]["message"]
        await client.send(type="receive", offer=offer)
        assert (await client.expect("receiving"))["answer"].startswith("v=0")


async def test_nobody_gets_a_ticket_for_what_is_no_session(server: Running) -> None:
    response = await server.http.get("/api/v1/tickets/No%20Such")
    assert (response.status_code, response.json()["code"]) == (404, "session_unknown")


async def test_a_switch_takes_the_connection_along(
    server: Running, camera: RTCPeerConnection, other_camera: RTCPeerConnection, screen: RTCPeerConnection
) -> None:
    here, there = await server.session(), await server.session()
    for session, source in ((here, camera), (there, other_camera)):
        host, _ = await server.join(session, "host", f"host-of-{session}")
        await go_live(host, source)
    viewer, joined = await server.join(here, offer=await peers.receiving_offer(screen))
    await peers.apply(screen, joined["answer"])
    if shown(joined)["main"] is None:
        await until_shown(viewer, f"host-of-{here}")
    await peers.next_picture(screen)
    made = server.node.media.stats()["peers"]
    await viewer.send(type="switch", session=there, token=server.token(there, person="v"))
    moved = await viewer.expect("joined")
    assert (moved["session"]["id"], moved["answer"], moved["you"]["id"]) == (there, None, "v")
    if shown(moved)["main"] is None:
        await until_shown(viewer, f"host-of-{there}")
    assert server.node.media.stats()["peers"] == made
    await peers.next_picture(screen)
    assert (server.node.hubs.present(here), server.node.hubs.present(there)) == (1, 2)
    await viewer.command("ask", cmd="q", text="Which shade?")
    assert server.node.hubs.present(there) == 2


async def test_who_is_not_let_into_the_other_session_goes(server: Running) -> None:
    here, there = await server.session(), await server.session()
    client, _ = await server.join(here)
    await client.send(type="switch", session=there, token=server.token(here))
    assert (await client.expect("error"))["code"] == "token_invalid"
    assert await client.closed() == 4401


async def test_nobody_looks_and_pictures_are_not_sent(
    server: Running, camera: RTCPeerConnection, screen: RTCPeerConnection
) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", "ann")
    await go_live(host, camera)
    viewer, joined = await server.join(session, offer=await peers.receiving_offer(screen))
    await peers.apply(screen, joined["answer"])
    if shown(joined)["main"] is None:
        await until_shown(viewer, "ann")
    await peers.next_picture(screen)
    await viewer.send(type="watch", pictures=False)
    assert shown(await viewer.expect("slots"))["main"] == "ann", "there is something to see all the same"
    # Those slots may be of before; what comes behind `watch` is answered behind it.
    await viewer.send(type="time", t0=1)
    await viewer.expect("time", t0=1)
    routed = [slot.routed for room in server.node.media.rooms._rooms.values() for slot in room._receivers[0].slots]
    assert [route is None for route in routed] == [True, False]
    await viewer.send(type="watch", pictures=True)
    await viewer.send(type="time", t0=2)
    await viewer.expect("time", t0=2)
    assert all(slot.routed for room in server.node.media.rooms._rooms.values() for slot in room._receivers[0].slots)


async def test_a_report_is_counted_once(server: Running) -> None:
    client, _ = await server.join(await server.session())
    for _ in range(2):
        await client.send(type="join_report", path="ticket", stages={"first_shown": 210.5})
    await client.send(type="join_report", path="ticket", stages={"first_shown": -1})
    assert (await client.expect("error"))["code"] == "bad_message"
    metrics = (await server.http.get("/metrics")).text
    assert 'livetrial_join_stage_seconds_count{path="ticket",stage="first_shown"} 1.0' in metrics


async def test_a_crowd_is_told_where_it_stands_and_gets_in(start: Start) -> None:
    server = await start()
    door = Doorway(rate_per_s=20.0, at_once=1)
    object.__setattr__(server.node, "doorway", door)
    session = await server.session()
    clients = [await server.connect() for _ in range(4)]
    for number, client in enumerate(clients):
        await client.send(type="join", v=1, session=session, token=server.token(session, person=f"p{number}"))
    async with asyncio.timeout(20):
        joined = [await client.expect("joined") for client in clients]
    assert [message["you"]["id"] for message in joined] == ["p0", "p1", "p2", "p3"]
    places = [message["place"] for client in clients for message in client.skipped if message["type"] == "waiting"]
    assert places[:1] == [1]
    assert len(places) >= 3


async def test_the_time_may_be_asked_behind_join_without_waiting(server: Running) -> None:
    session = await server.session(open=True)
    client = await server.connect()
    await client.send(type="join", v=1, session=session)
    for t0 in (1, 2, 3):
        await client.send(type="time", t0=t0)
    said = []
    while len(said) < 4:
        if (message := await client.read())["type"] in ("joined", "time", "error"):
            said.append((message["type"], message.get("t0")))
    assert said == [("joined", None), ("time", 1), ("time", 2), ("time", 3)]
