"""The embedded server: its data outlive it, it is never doubled, and it never outlives its parent."""

import asyncio
import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from store.connection import open_store
from store.embedded import EmbeddedConfig, RestartBudget
from store.errors import DataDirectoryInUse, StoreConfigurationError, StoreUnavailable

from .conftest import HOLDING_A_STORE, ended, kill_valkey, valkey_pid

IMPATIENT = EmbeddedConfig(orphan_grace_s=0.2)


async def test_data_survive_a_restart(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    await store.redis.set("key", "value")
    await store.close()
    store = await open_store(None, tmp_path)
    assert await store.redis.get("key") == "value"
    await store.close()


async def test_close_ends_the_server_and_frees_the_directory(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    pid = await valkey_pid(store)
    await store.close()
    await store.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(StoreUnavailable, match="stopped"):
        await store.ping()


async def test_reachable_only_by_this_user_and_not_by_tcp(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path / "data")
    assert await store.redis.config_get("port") == {"port": "0"}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "valkey.sock").stat().st_mode) == 0o700
    await store.close()


async def test_ctrl_c_in_the_terminal_does_not_reach_the_server(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    assert os.getsid(pid := await valkey_pid(store)) == pid
    await store.close()


@pytest.mark.parametrize("name", ["d" * 120, "with space #1 %20 ü?x=1"])
async def test_any_directory_name_will_do(tmp_path: Path, name: str) -> None:
    store = await open_store(None, tmp_path / name)
    await store.ping()
    await store.close()


async def test_a_killed_server_is_started_again(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    await store.redis.set("key", "value")
    before = await kill_valkey(store)
    async with store.calls() as redis:
        assert await redis.get("key") == "value"
    assert await valkey_pid(store) != before
    await store.close()


async def test_restarts_are_bounded(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path, EmbeddedConfig(restarts=1))
    for _ in range(2):
        await kill_valkey(store)
    assert store.embedded
    assert "status -9" in await store.embedded.down()
    with pytest.raises(StoreUnavailable, match="down"):
        await store.ping()
    await store.close()


def test_restart_budget_doubles_its_delay_and_forgets() -> None:
    budget = RestartBudget(4, window_s=60)
    assert [budget.take(now) for now in (0, 1, 2, 3, 4)] == [0.0, 0.1, 0.2, 0.4, None]
    assert budget.take(60) == 0.4  # only the one at 0 is forgotten
    assert budget.take(200) == 0.0


async def test_a_write_that_fails_on_disk_is_not_acknowledged_and_harms_nothing(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    await store.redis.set("before", "kept")
    (log,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    limit = log.stat().st_size + 100
    before = await valkey_pid(store)
    resource.prlimit(before, resource.RLIMIT_FSIZE, (limit, limit))
    async with store.calls() as redis:
        await redis.set("large", "x" * 10_000)  # kills the server half way; the one started again has no limit
    assert await valkey_pid(store) != before
    assert await store.redis.get("before") == "kept"
    assert await store.redis.get("large") == "x" * 10_000
    await store.close()


async def test_a_second_instance_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    with pytest.raises(DataDirectoryInUse, match=f"process {os.getpid()}"):
        await open_store(None, tmp_path)
    await store.ping()
    await store.close()


async def test_the_server_ends_when_its_parent_is_killed(tmp_path: Path, other_process) -> None:
    parent, pid = other_process(HOLDING_A_STORE, str(tmp_path))
    parent.kill()
    await ended(int(pid))
    store = await open_store(None, tmp_path)
    assert await store.redis.get("written") == "by the parent"
    await store.close()


async def test_an_orphan_that_holds_the_directory_is_stopped(tmp_path: Path, other_process) -> None:
    parent, pid = other_process(HOLDING_A_STORE, str(tmp_path))
    os.kill(int(pid), signal.SIGSTOP)  # so that it cannot follow the signal that it gets when the parent ends
    parent.kill()
    parent.wait()
    store = await open_store(None, tmp_path, IMPATIENT)
    await ended(int(pid))
    assert await store.redis.get("written") == "by the parent"
    await store.close()


async def test_a_strange_process_that_holds_the_directory_is_left_alone(tmp_path: Path, other_process) -> None:
    holding = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    stranger, _ = other_process(holding, str(tmp_path / "valkey.lock"))
    with pytest.raises(DataDirectoryInUse, match=f"process {stranger.pid}"):
        await open_store(None, tmp_path, EmbeddedConfig(orphan_grace_s=0.05))
    assert stranger.poll() is None


async def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreConfigurationError, match="Not a directory"):
        await open_store(None, tmp_path / "file" / "data")


async def test_a_server_that_cannot_start_says_why_and_frees_the_directory(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").touch()
    for _ in range(2):
        with pytest.raises(StoreConfigurationError, match="appendonlydir"):
            await open_store(None, tmp_path)


async def test_a_torn_end_of_the_file_costs_nothing_acknowledged(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    await store.redis.set("key", "value")
    await store.close()
    (log,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$3\r\nke")
    store = await open_store(None, tmp_path)
    assert await store.redis.get("key") == "value"
    await store.close()


async def test_a_damaged_file_is_reported_with_a_repair_that_works(tmp_path: Path) -> None:
    store = await open_store(None, tmp_path)
    await store.redis.set("early", "value")
    await store.close()
    (log,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"nonsense\r\n" * 10)
    with pytest.raises(StoreConfigurationError, match="damaged") as caught:
        await open_store(None, tmp_path)
    (repair,) = (line for line in str(caught.value).splitlines() if line.startswith("  bash -c"))
    process = await asyncio.create_subprocess_shell(
        repair, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    await process.communicate(b"y\n")
    store = await open_store(None, tmp_path)
    assert await store.redis.get("early") == "value"
    await store.close()
