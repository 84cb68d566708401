"""What is done again and again while the plane runs."""

import asyncio

from media.rounds import every


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
