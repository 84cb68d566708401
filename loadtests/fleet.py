"""The process that carries the viewers: asyncio on uvloop, apart from locust, whose gevent patches what asyncio builds on.

`python -m loadtests.fleet URL` takes orders from its standard input and reports on its standard output
(`fleet_messages.py`). It ends when its input does, so it never outlives who started it.
"""

import asyncio
import contextlib
import sys

import msgspec
import uvloop

from loadtests import draining
from loadtests.fleet_messages import Failed, Order, Report, Start
from loadtests.media_member import MediaMember
from loadtests.target import Target

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


class Fleet:
    """All viewers of this process."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._stops: dict[int, asyncio.Event] = {}

    async def run(self, orders: asyncio.StreamReader) -> None:
        """Carry out orders until they end, then let all viewers leave."""
        async with asyncio.TaskGroup() as viewers:
            while line := await orders.readline():
                order = _decoder.decode(line)
                if isinstance(order, Start):
                    stop = self._stops[order.viewer] = asyncio.Event()
                    viewers.create_task(self._attend(order.viewer, stop))
                elif stopped := self._stops.get(order.viewer):
                    stopped.set()
            for stop in self._stops.values():
                stop.set()

    async def _attend(self, viewer: int, stop: asyncio.Event) -> None:
        try:
            last: Report = await MediaMember(viewer, self._target, _say).attend(stop)
        except Exception as error:  # noqa: BLE001 (one viewer's trouble is reported, and ends no other viewer)
            last = Failed(viewer, str(error) or type(error).__name__)
        _say(last)


def _say(report: Report) -> None:
    # Nobody may listen any more; the end of the orders follows.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(_encoder.encode(report) + b"\n")
        sys.stdout.buffer.flush()


async def _main(url: str) -> None:
    orders = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(orders)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await Fleet(Target.of(url)).run(orders)


if __name__ == "__main__":
    draining.install()
    uvloop.run(_main(sys.argv[1]))
