"""What is done again and again for as long as the plane runs."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)

REST = 3.0
"""Between two rounds, of which one was brought forward, so many times what the first took: a quarter of the loop at most, however many
links worsen. A pass for 3,000 viewers takes 20 ms and more, and all else that the loop does would wait for it."""


@dataclass(frozen=True, slots=True)
class Sooner:
    """What brings the next round forward: `wanted` is set, and `least_interval_s` and `REST` have passed since the last one."""

    wanted: asyncio.Event
    least_interval_s: float


async def every(interval_s: float, step: Callable[[float], object], what: str, sooner: Sooner | None = None) -> None:
    """Call `step` with the loop's time after each interval; what is wrong with one call does not end the later ones.

    Where `sooner.wanted` is set meanwhile the next call comes sooner; that clears it.
    Returns when the plane has stopped by a fault of its own (RuntimeError), which all other calls report too. `what` names
    the step in the log.
    """
    clock = asyncio.get_running_loop().time
    took = 0.0
    while True:
        await (_pause(interval_s, sooner, took) if sooner else asyncio.sleep(interval_s))
        began = clock()
        try:
            step(began)
        except RuntimeError:
            logger.exception("%s: the plane has stopped, and so has this", what)
            return
        except Exception:
            logger.exception("%s: a round failed", what)
        took = clock() - began


async def _pause(interval_s: float, sooner: Sooner, took_s: float) -> None:
    least = min(interval_s, max(sooner.least_interval_s, REST * took_s))
    await asyncio.sleep(least)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(interval_s - least):
            await sooner.wanted.wait()
    sooner.wanted.clear()
