"""Who comes back gets exactly what was missed, and a slow socket is dropped alone."""

import asyncio
import itertools
import random
import socket
from typing import Any

from qa_queue.model import Actor
from server.hub import RECENT_EVENTS
from tests.server.harness import Running
from tests.server.ws_client import Message


async def write(server: Running, session: str, count: int) -> int:
    """Append events from many persons at once, past the rate limit of a socket; returns the position after them."""
    queue = server.node.requests.queue
    acks = await asyncio.gather(
        *(queue.run(session, Actor(f"w{n}", "Writer"), f"c{n}", "ask", text=f"text {n}") for n in range(count))
    )
    return max(ack.seq for ack in acks)


def positions(events: list[Message]) -> list[int]:
    return [event["seq"] for event in events]


async def test_events_after_the_last_one_seen(server: Running) -> None:
    session = await server.session()
    await server.join(session)
    last = await write(server, session, 20)
    client, joined = await server.join(session, last_event=5)
    assert joined["snapshot"] is None
    assert positions(joined["events"]) == list(range(6, joined["seq"] + 1))
    if joined["seq"] < last:
        assert positions(await client.events_until(last)) == list(range(joined["seq"] + 1, last + 1))


async def test_nothing_is_missed_when_nothing_happened(server: Running) -> None:
    session = await server.session()
    watcher, _ = await server.join(session)
    last = await write(server, session, 3)
    await watcher.events_until(last)
    _, joined = await server.join(session, last_event=last)
    assert joined["events"] == []
    assert joined["seq"] == last


async def test_a_long_or_unknown_gap_gets_a_snapshot(server: Running) -> None:
    session = await server.session()
    watcher, _ = await server.join(session)
    last = await write(server, session, RECENT_EVENTS + 10)
    await watcher.events_until(last)
    for last_event in (0, last + 1000):
        _, joined = await server.join(session, last_event=last_event)
        assert joined["events"] is None
        assert len(joined["snapshot"]["questions"]) == RECENT_EVENTS + 10


async def test_a_voter_who_comes_back_is_told_its_own_votes(server: Running) -> None:
    session = await server.session()
    voter, _ = await server.join(session, person="ann")
    question = (await voter.command("ask", cmd="c1", text="Why?"))["id"]
    ack = await voter.command("vote", cmd="c2", question=question)
    await voter.events_until(ack["seq"])
    for person, mine in (("ann", True), ("bob", None)):
        _, joined = await server.join(session, person=person, last_event=1)
        assert [event.get("mine") for event in joined["events"]] == [mine]


async def test_no_event_is_lost_or_repeated_whenever_one_joins(server: Running) -> None:
    """Members come and go at random moments while others write: what each holds at the end equals the store's state."""
    session = await server.session()
    seed = random.Random(7)
    writing = asyncio.create_task(write_in_waves(server, session, seed))

    async def member(number: int) -> None:
        """Reads a while, loses its socket, comes back with the last position, until the writing is over."""
        seen: list[int] = []
        start = 0
        for visit in itertools.count():
            fields: dict[str, Any] = {"last_event": seen[-1] if seen else start} if visit else {}
            client, joined = await server.join(session, person=f"m{number}", **fields)
            if joined["snapshot"] is not None:
                seen, start = [], joined["seq"]
                assert len(joined["snapshot"]["questions"]) == joined["seq"]
            seen += positions(joined["events"] or [])
            reading = asyncio.create_task(client.events_until(joined["seq"] + 1))
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            if writing.done():
                last = writing.result()
                if joined["seq"] < last:
                    await client.events_until(last)
            seen += positions(client.events)
            if writing.done():
                assert seen == list(range(start + 1, last + 1))
                return
            client.connection.transport.abort()

    await asyncio.gather(*(member(number) for number in range(8)))


async def write_in_waves(server: Running, session: str, seed: random.Random) -> int:
    last = 0
    for wave in range(60):
        acks = await asyncio.gather(
            *(
                server.node.requests.queue.run(session, Actor(f"w{wave}-{n}", "W"), f"c{n}", "ask", text="text")
                for n in range(seed.randint(1, 4))
            )
        )
        last = max(ack.seq for ack in acks)
    return last


async def test_votes_cast_while_joining_are_in_the_snapshot_or_follow_it(server: Running) -> None:
    """The votes of a snapshot and the votes that follow it always add up, however the two interleave."""
    session = await server.session()
    first, _ = await server.join(session, person="ann")
    question = (await first.command("ask", cmd="q", text="Why?"))["id"]
    queue = server.node.requests.queue
    ann = Actor("ann", "Ann")
    for round_number in range(60):
        vote = round_number % 2 == 0
        (client, joined), ack = await asyncio.gather(
            server.join(session, person="ann"),
            queue.run(session, ann, f"v{round_number}", "vote" if vote else "unvote", question=question),
        )
        voted = question in joined["snapshot"]["mine"]["votes"]
        if joined["seq"] < ack.seq:
            for event in await client.events_until(ack.seq):
                voted = event["mine"]
        assert voted is vote
        await client.connection.close()


async def test_a_socket_that_does_not_read_is_dropped_alone(server: Running) -> None:
    session = await server.session()
    reader, _ = await server.join(session, person="ann")
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", server.port))
    lazy = await server.connect(sock=small)
    await lazy.join(session=session, token=server.token(session, "member", "lazy"))
    lazy.connection.transport.pause_reading()
    await reader.expect("presence", present=2)

    last = 0
    while len(server.node.joining) == 2:
        last = await write_long(server, session, last)
    assert positions(await reader.events_until(last)) == list(range(1, last + 1))
    await reader.expect("presence", present=1)
    lazy.connection.transport.abort()


async def write_long(server: Running, session: str, after: int) -> int:
    acks = await asyncio.gather(
        *(
            server.node.requests.queue.run(session, Actor(f"w{after}-{n}", "W"), "c", "ask", text="字" * 500)
            for n in range(50)
        )
    )
    return max(ack.seq for ack in acks)
