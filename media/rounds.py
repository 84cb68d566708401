"""What is done again and again for as long as the plane runs."""

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)


async def every(interval_s: float, step: Callable[[float], object], what: str) -> None:
    """Call `step` with the loop's time after each interval; what is wrong with one call does not end the later ones.

    Returns when the plane has stopped by a fault of its own (RuntimeError), which all other calls report too. `what` names
    the step in the log.
    """
    clock = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(interval_s)
        try:
            step(clock())
        except RuntimeError:
            logger.exception("%s: the plane has stopped, and so has this", what)
            return
        except Exception:
            logger.exception("%s: a round failed", what)
