"""What is done again and again while the plane runs."""

import asyncio
from itertools import pairwise

from media.rounds import REST, Sooner, every


async def test_a_round_that_fails_is_followed_by_others_until_the_plane_has_stopped() -> None:
    faults: list[Exception | None] = [None, ValueError("on purpose"), None, RuntimeError("the plane is closed"), None]
    left = list(faults)
    times: list[float] = []

    def step(now: float) -> None:
        times.append(now)
        if fault := left.pop(0):
            raise fault

    async with asyncio.timeout(20):
        await every(0.0, step, "rounds")
    assert left == [None], "nothing after the plane has stopped"
    assert times == sorted(times)


async def test_a_round_that_is_wanted_comes_before_its_time_but_not_at_once() -> None:
    wanted = asyncio.Event()
    times: list[float] = []

    def step(now: float) -> None:
        times.append(now)
        wanted.set()
        if len(times) == 3:
            raise RuntimeError("the plane is closed")

    wanted.set()
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(20):
        await every(3600.0, step, "rounds", Sooner(wanted, 0.01))
    assert [after - before >= 0.01 for before, after in pairwise([began, *times])] == [True] * 3


async def test_rounds_that_take_long_leave_the_loop_to_others_however_often_they_are_wanted() -> None:
    clock = asyncio.get_running_loop().time
    wanted = asyncio.Event()
    began: list[float] = []
    ended: list[float] = []

    def step(now: float) -> None:
        began.append(now)
        while clock() < now + 0.02:
            pass
        wanted.set()
        ended.append(clock())
        if len(began) == 3:
            raise RuntimeError("the plane is closed")

    wanted.set()
    async with asyncio.timeout(20):
        await every(3600.0, step, "rounds", Sooner(wanted, 0.01))
    took = [end - begin for begin, end in zip(began, ended, strict=True)]
    rested = [begin - end for end, begin in zip(ended, began[1:], strict=False)]
    assert all(rest >= REST * took for rest, took in zip(rested, took, strict=False)), (rested, took)
