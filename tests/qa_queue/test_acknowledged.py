"""What was acknowledged is there, and once, whatever happens to the server meanwhile."""

import asyncio
import os
import signal
from contextlib import aclosing

from qa_queue.model import Actor
from qa_queue.queue import Ack, LiveQueue
from qa_queue.state import State
from store.connection import Store

ROUNDS = 5
WRITERS = 16
EACH = 10  # questions of a writer in a round
KILL_AFTER = WRITERS * EACH // 3  # acknowledgements of a round, so that commands are under way


async def test_kill_9_under_load_loses_and_doubles_nothing(own_store: Store, session: str) -> None:
    queue = LiveQueue(own_store)
    acks: dict[str, Ack] = {}
    enough = asyncio.Event()

    async def write(round_: int, writer: int) -> None:
        person = Actor(f"p{writer}", "P", "moderator")  # whom no limit of time holds back
        for n in range(EACH):
            text = f"{round_}-{writer}-{n}"
            acks[text] = await queue.run(session, person, f"c{text}", "ask", text=text)
            if len(acks) >= round_ * WRITERS * EACH + KILL_AFTER:
                enough.set()

    async def kill(server: int) -> None:
        await enough.wait()
        os.kill(server, signal.SIGKILL)

    for round_ in range(ROUNDS):
        enough.clear()
        server = int((await own_store.redis.info("server"))["process_id"])
        await asyncio.gather(kill(server), *(write(round_, writer) for writer in range(WRITERS)))

    events = await queue.events(session, 0, 10_000)
    assert len(acks) == len(events) == ROUNDS * WRITERS * EACH
    asked = {event.data.text: Ack(event.seq, event.data.id) for event in events}
    assert asked == acks


async def test_a_follower_sees_everything_once_through_a_kill(own_store: Store, session: str) -> None:
    queue, total = LiveQueue(own_store), 60

    async def follow() -> State:
        state = State()  # refuses an event that is missed or repeated
        async with aclosing(queue.follow(session, 0)) as batches:
            async for batch in batches:
                for event in batch:
                    state.apply(event)
                if state.seq == total:
                    return state
        raise AssertionError("the follower ended")

    async def write() -> None:
        for n in range(total):
            if n % 20 == 10:
                os.kill(int((await own_store.redis.info("server"))["process_id"]), signal.SIGKILL)
            await queue.run(session, Actor("p", "P", "host"), f"c{n}", "ask", text=str(n))

    state, _ = await asyncio.wait_for(asyncio.gather(follow(), write()), 30)
    assert state == await queue.snapshot(session)
