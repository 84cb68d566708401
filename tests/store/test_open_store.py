"""Opening a server by URL: what the start-up check says, and whose errors come out."""

import asyncio
from pathlib import Path

import pytest

from store.connection import Store, open_store
from store.errors import StoreConfigurationError, StoreDefect, StoreUnavailable
from store.scripts import Script

from .conftest import BareValkey

LOSSLESS = ("--appendonly", "yes", "--appendfsync", "always")


async def warnings_of(url: str, tmp_path: Path) -> tuple[str, ...]:
    store = await open_store(url, tmp_path)
    await store.close()
    return store.durability.warnings


async def test_the_embedded_server_loses_nothing(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    assert store.durability.warnings == ()
    await store.close()


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [
        (LOSSLESS, []),
        (("--appendonly", "yes", "--appendfsync", "everysec"), ["appendfsync everysec: a crash of the machine loses"]),
        (("--appendonly", "yes", "--appendfsync", "no"), ["appendfsync no: a crash of the machine loses"]),
        (("--appendonly", "no", "--appendfsync", "always"), ["appendonly no: it keeps nothing on disk"]),
        (
            ("--appendonly", "no", "--appendfsync", "always", "--save", "3600 1"),
            ["appendonly no: a restart loses everything since its last RDB snapshot"],
        ),
        ((*LOSSLESS, "--no-appendfsync-on-rewrite", "yes"), ["no-appendfsync-on-rewrite yes: a crash"]),
        ((*LOSSLESS, "--maxmemory-policy", "allkeys-lru"), ["maxmemory-policy allkeys-lru: it throws whole sessions"]),
        ((*LOSSLESS, "--maxmemory-policy", "volatile-ttl"), ["maxmemory-policy volatile-ttl: it forgets the results"]),
        (
            ("--appendonly", "no", "--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru"),
            ["appendonly no", "appendfsync everysec", "maxmemory-policy allkeys-lru"],
        ),
        ((*LOSSLESS, "--rename-command", "CONFIG", ""), ["does not let its configuration be read"]),
        (
            (*LOSSLESS, "--user", *["default", "on", "nopass", "~*", "&*", "+@all", "-config"]),
            ["does not let its configuration be read"],
        ),
        (("--rename-command", "CONFIG", ""), ["does not let its configuration be read", "appendonly no"]),
    ],
)
async def test_what_can_be_lost_is_said(
    bare_valkey: BareValkey, tmp_path: Path, arguments: tuple[str, ...], warned: list[str]
) -> None:
    warnings = await warnings_of(await bare_valkey(*arguments), tmp_path)
    assert len(warnings) == len(warned)
    assert all(word in warning for word, warning in zip(warned, warnings, strict=True))


async def test_replicas_may_lose_in_a_failover_and_take_no_writes(bare_valkey: BareValkey, tmp_path: Path) -> None:
    primary = await bare_valkey(*LOSSLESS)
    host, _, port = primary.removeprefix("redis://").partition(":")
    replica = await bare_valkey("--replicaof", host, port)
    with pytest.raises(StoreConfigurationError, match="replica"):
        await open_store(replica, tmp_path)


@pytest.mark.parametrize("url", ["http://localhost", "redis://localhost?db=x", "unix:///tmp/s?nonsense=1"])
async def test_a_url_that_cannot_be_used(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreConfigurationError, match="URL"):
        await open_store(url, tmp_path)


async def test_nothing_answers(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await open_store(f"unix://{tmp_path}/nobody.sock", tmp_path)


async def test_a_wrong_password_is_the_operators_fault(bare_valkey: BareValkey, tmp_path: Path) -> None:
    url = await bare_valkey("--requirepass", "right")
    for wrong in (url, url.replace("redis://", "redis://:wrong@")):
        with pytest.raises(StoreConfigurationError, match="credentials"):
            await open_store(wrong, tmp_path)


async def test_more_calls_at_once_than_connections(store: Store, session: str) -> None:
    async def increment() -> int:
        async with store.calls() as redis:
            return int(await redis.incr(f"test:{session}"))

    assert sorted(await asyncio.gather(*(increment() for _ in range(500)))) == list(range(1, 501))


async def test_scripts_beside_as_many_calls_as_there_can_be(store: Store, session: str) -> None:
    script = Script("return redis.call('INCR', KEYS[1])")

    async def increment() -> int:
        async with store.calls() as redis:
            return int(await redis.incr(f"test:{session}"))

    calls = (increment() if n % 2 else script.run(store, [f"test:{session}"]) for n in range(600))
    assert sorted(await asyncio.gather(*calls)) == list(range(1, 601))


async def test_of_scripts_that_go_together_each_has_its_own_end(store: Store, session: str) -> None:
    good, bad = Script("return ARGV[1]"), Script("return nothing.there")
    calls = [(bad if n == 7 else good).run(store, [session], [n]) for n in range(20)]
    given_up = asyncio.create_task(good.run(store, [session], ["nobody waits"]))
    await asyncio.sleep(0)
    given_up.cancel()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(ends[7], StoreDefect)
    assert [end for n, end in enumerate(ends) if n != 7] == [str(n) for n in range(20) if n != 7]


async def test_a_script_runs_on_a_server_that_does_not_know_it(store: Store, session: str) -> None:
    script = Script("return KEYS[1] .. ARGV[1]")
    for _ in range(2):
        await store.redis.script_flush()
        assert await script.run(store, [session], ["!"]) == f"{session}!"
        assert await script.run(store, [session], ["?"]) == f"{session}?"


async def test_a_script_that_fails_is_our_defect(store: Store) -> None:
    with pytest.raises(StoreDefect):
        await Script("return nothing.there").run(store, ["key"])


async def test_a_full_memory_is_a_matter_of_the_moment(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    await store.redis.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable):
        await Script("return redis.call('SET', KEYS[1], 1)").run(store, ["key"])
    await store.close()
