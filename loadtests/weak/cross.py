"""TCP connections that share the bottleneck: one without end, or many short ones."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

BLOCK = bytes(1 << 16)
SHORT_OCTETS = (100_000, 1_000_000)
PAUSE_S = 10.0
"""Mean of the exponential pause between two short ones."""


@asynccontextmanager
async def source() -> AsyncIterator[str]:
    """A server that sends as many octets as it is asked for by a line, 0: without end. Gives its "ip:port"."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ValueError):
            left = int(await reader.readline())
            endless = left == 0
            while endless or left > 0:
                block = BLOCK if endless else BLOCK[:left]
                writer.write(block)
                left -= len(block)
                await writer.drain()
            writer.write_eof()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"{host}:{port}"
    finally:
        server.close()


async def long(address: str) -> None:
    """Take octets until cancelled."""
    await _take(address, 0)


async def short(address: str, seed: int) -> None:
    """Take some, pause, again, until cancelled."""
    draw = random.Random(seed)
    while True:
        await asyncio.sleep(draw.expovariate(1 / PAUSE_S))
        await _take(address, draw.randint(*SHORT_OCTETS))


async def _take(address: str, octets: int) -> None:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"{octets}\n".encode())
        while await reader.read(1 << 16):
            pass
    finally:
        writer.close()
