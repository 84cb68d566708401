"""Joins in a crowd: first come, first served, and told where one stands."""

import asyncio

import pytest

from server.doorway import Doorway
from signaling.errors import Busy


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_those_who_wait_are_let_in_in_their_order_and_told_their_place() -> None:
    door = Doorway(rate_per_s=200.0, at_once=2)
    order: list[int] = []
    told: dict[int, list[int]] = {}

    async def come(number: int) -> None:
        await door.enter(told.setdefault(number, []).append)
        order.append(number)

    tasks = [asyncio.create_task(come(number)) for number in range(6)]
    await settle()
    assert (order, len(door)) == ([0, 1], 4)
    assert {number: places[:1] for number, places in told.items()} == {0: [], 1: [], 2: [1], 3: [2], 4: [3], 5: [4]}
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
    assert order == list(range(6))


async def test_who_gives_up_leaves_no_gap() -> None:
    door = Doorway(rate_per_s=50.0, at_once=1)
    await door.enter(print)
    gone, stays = (asyncio.create_task(door.enter(lambda place: None)) for _ in range(2))
    await settle()
    gone.cancel()
    async with asyncio.timeout(10):
        await stays
    assert len(door) == 0


async def test_the_queue_is_bounded() -> None:
    door = Doorway(rate_per_s=0.01, at_once=1, max_waiting=1)
    await door.enter(print)
    waits = asyncio.create_task(door.enter(lambda place: None))
    await settle()
    with pytest.raises(Busy) as refusal:
        await door.enter(print)
    assert refusal.value.retry_after_ms
    waits.cancel()


async def test_fewer_are_let_in_while_the_node_is_late() -> None:
    door = Doorway(rate_per_s=1000.0, at_once=100)
    door.loop_was_late(0.5)
    inside: list[int] = []
    somebody = asyncio.Event()

    async def come(number: int) -> None:
        await door.enter(lambda place: None)
        inside.append(number)
        somebody.set()
        door.loop_was_late(0.5)

    tasks = [asyncio.create_task(come(number)) for number in range(20)]
    await settle()
    assert (inside, len(door)) == ([], 20), "there is room, and the node is busy with who came before"
    async with asyncio.timeout(10):
        await somebody.wait()
        assert inside == [0], "one by one"
        await asyncio.gather(*tasks)
    assert inside == list(range(20))
