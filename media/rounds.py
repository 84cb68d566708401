"""What is done again and again for as long as the plane runs."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)


LEAST_INTERVAL_S = 0.03
"""Between two calls, however often one is hurried: most of the time is left to others."""


async def every(
    interval_s: float, step: Callable[[float], object], what: str, hurry: asyncio.Event | None = None
) -> None:
    """Call `step` with the loop's time after each interval; what is wrong with one call does not end the later ones.

    Where `hurry` is set meanwhile the next call comes at once, but `LEAST_INTERVAL_S` after the one before; that clears it.
    Returns when the plane has stopped by a fault of its own (RuntimeError), which all other calls report too. `what` names
    the step in the log.
    """
    clock = asyncio.get_running_loop().time
    while True:
        await (asyncio.sleep(interval_s) if hurry is None else _wait(interval_s, hurry))
        try:
            step(clock())
        except RuntimeError:
            logger.exception("%s: the plane has stopped, and so has this", what)
            return
        except Exception:
            logger.exception("%s: a round failed", what)


async def _wait(interval_s: float, hurry: asyncio.Event) -> None:
    least_s = min(LEAST_INTERVAL_S, interval_s)
    await asyncio.sleep(least_s)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(interval_s - least_s):
            await hurry.wait()
    hurry.clear()
