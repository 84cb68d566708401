"""What is done again and again for as long as the plane runs."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sooner:
    """What brings the next round forward: `wanted` is set, and `least_interval_s` have passed since the last one."""

    wanted: asyncio.Event
    least_interval_s: float


async def every(interval_s: float, step: Callable[[float], object], what: str, sooner: Sooner | None = None) -> None:
    """Call `step` with the loop's time after each interval; what is wrong with one call does not end the later ones.

    Where `hurry` is set meanwhile the next call comes at once, but `LEAST_INTERVAL_S` after the one before; that clears it.
    Returns when the plane has stopped by a fault of its own (RuntimeError), which all other calls report too. `what` names
    the step in the log.
    """
    clock = asyncio.get_running_loop().time
    while True:
        await (_pause(interval_s, sooner) if sooner else asyncio.sleep(interval_s))
        try:
            step(clock())
        except RuntimeError:
            logger.exception("%s: the plane has stopped, and so has this", what)
            return
        except Exception:
            logger.exception("%s: a round failed", what)


async def _pause(interval_s: float, sooner: Sooner) -> None:
    await asyncio.sleep(sooner.least_interval_s)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(interval_s - sooner.least_interval_s):
            await sooner.wanted.wait()
    sooner.wanted.clear()
