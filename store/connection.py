"""Opening the store, and every call to it.

`Store.redis` decodes: keys, fields and values are `str`, and text that is not valid Unicode is stored with `?` in its
place rather than refused in the middle of a command.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from store.batches import MAX_PIPELINES, Batches
from store.durability import Durability, check_durability
from store.embedded import EmbeddedConfig, EmbeddedValkey
from store.errors import StoreConfigurationError, StoreUnavailable, translated

CALL_DEADLINE_S = 10.0
"""For a call with all its retries. Longer than a restart of the embedded server, shorter than a person's patience."""

FOLLOW_BLOCK_MS = 5_000
"""How long a follower's XREAD waits on the server before it asks anew."""

_SOCKET_TIMEOUT_S = 5.0  # a sync of a busy disk can take seconds
_CONCURRENT_CALLS = 64  # further ones wait their turn here; scripts go in batches instead
_FOLLOWERS = 10_000  # each followed session occupies a connection
_RETRIES = 30  # of redis-py, after 0.02 s doubling to 0.5 s with full jitter: about 7 s, so mostly the deadline decides
_PROBE_RETRIES = 5  # about 0.7 s, for the first contact: a wrong address or password should be said soon


async def open_store(url: str | None, data_dir: Path, embedded: EmbeddedConfig | None = None) -> "Store":
    """Connect to the server or cluster at `url`, or start the embedded server where it is None.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py reads it. Whether it is a cluster is asked of the server.
        data_dir: of the embedded server; unused with a `url`.
        embedded: bounds of the embedded server.

    Raises:
        StoreConfigurationError: the URL, the credentials or the data directory cannot be used.
        StoreUnavailable: nothing answers at `url`.
    """
    server = None if url else await EmbeddedValkey.start(data_dir, embedded)
    store = None
    try:
        address = url or (server.url if server else "")
        cluster = await _is_cluster(address)
        store = Store(_client(address, cluster), _client(address, cluster, following=True, retries=0), server)
        store.durability = await check_durability(store.redis)
    except BaseException:
        if store:
            await store.close()
        elif server:
            await server.stop()
        raise
    return store


class Store:
    """An open store. Belongs to the event loop that opened it.

    Attributes:
        redis: the client for all calls, to be used inside `calls()`.
        following: a client whose connections may block; for XREAD BLOCK only.
        durability: what the start-up check found.
        batches: runs scripts, but on a cluster.
    """

    def __init__(
        self, redis: Redis | RedisCluster, following: Redis | RedisCluster, embedded: EmbeddedValkey | None
    ) -> None:
        self.redis: Any = redis  # redis-py types the answers of both clients as unions that say nothing
        self.following: Any = following
        self.embedded = embedded
        self.durability = Durability(())
        self.batches = Batches(redis) if isinstance(redis, Redis) else None
        self._slots = asyncio.Semaphore(_CONCURRENT_CALLS)

    @asynccontextmanager
    async def calls(self) -> AsyncIterator[Any]:
        """Around every use of `redis`, which it yields: bounds number and time, and translates errors.

        Raises:
            StoreUnavailable: no answer within `CALL_DEADLINE_S`, redis-py's retries included.
            StoreDefect: the server rejected the call.
        """
        async with self.deadline(), self._slots:
            yield self.redis

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Bounds the time of what is done inside, and translates errors as `calls` does."""
        self.raise_if_down()
        with translated():
            async with asyncio.timeout(CALL_DEADLINE_S):
                yield

    def raise_if_down(self) -> None:
        """Raise StoreUnavailable when the embedded server is down for good."""
        if self.embedded and self.embedded.failure:
            raise StoreUnavailable(f"The embedded Valkey is down: {self.embedded.failure}")

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the server answers."""
        async with self.calls() as redis:
            await redis.ping()

    async def close(self) -> None:
        """Close all connections and shut the embedded server down in order. Idempotent."""
        if self.batches:
            await self.batches.close()
        await self.following.aclose()
        await self.redis.aclose()
        if self.embedded:
            await self.embedded.stop()


def _client(url: str, cluster: bool, *, following: bool = False, retries: int = _RETRIES) -> Redis | RedisCluster:
    options: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": "replace",
        "socket_timeout": _SOCKET_TIMEOUT_S + (FOLLOW_BLOCK_MS / 1000 if following else 0),
        "socket_connect_timeout": _SOCKET_TIMEOUT_S,
        "max_connections": _FOLLOWERS if following else _CONCURRENT_CALLS + MAX_PIPELINES,
        # Repeating is safe, because every command carries an id.
        "retry": Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), retries),
    }
    try:
        return RedisCluster.from_url(url, **options) if cluster else Redis.from_url(url, **options)
    except ValueError as error:
        raise _unusable(error) from error


async def _is_cluster(url: str) -> bool:
    client: Any = _client(url, cluster=False, retries=_PROBE_RETRIES)
    try:
        with translated():
            async with asyncio.timeout(CALL_DEADLINE_S):
                return bool((await client.info("cluster")).get("cluster_enabled"))
    except TypeError as error:  # an option in the URL that no connection has
        raise _unusable(error) from error
    finally:
        await client.aclose()


def _unusable(error: Exception) -> StoreConfigurationError:
    return StoreConfigurationError(f"The Redis URL cannot be used: {error}")
