"""The start-up check: would this server lose what livetrial acknowledges?

An acknowledgement means "on disk". Whether that is true is decided by the server's configuration, so it is read, and
what is amiss is said in words for the person who can change it.
"""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import ResponseError

from store.errors import StoreConfigurationError, translated


@dataclass(frozen=True)
class Durability:
    """What the check found.

    `warnings`: each says what can be lost and how to mend it. None means that what was acknowledged survives a crash of
    the server and of its machine.
    """

    warnings: tuple[str, ...]


# Option, and the value that keeps what was acknowledged.
_WANTED = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}

# What can be lost with another value.
_LOSSES = {
    ("appendonly", "no"): "a restart loses everything since its last RDB snapshot",
    ("appendfsync", "everysec"): "a crash of the machine loses what was acknowledged in the last second or two",
    (
        "appendfsync",
        "no",
    ): "a crash of the machine loses what was acknowledged since the operating system wrote it to disk "
    "last, half a minute or more",
    (
        "no-appendfsync-on-rewrite",
        "yes",
    ): "a crash of the machine while the append-only file is rewritten loses what was "
    "acknowledged meanwhile, half a minute or more",
}
_LOSS_BY_EVICTION = {
    "allkeys": "it throws whole sessions away when its memory is full",
    "volatile": "it forgets the results of commands when its memory is full, so that a command which a page repeats is done "
    "again",
}


async def check_durability(redis: "Redis | RedisCluster") -> Durability:
    """Read the configuration of the server, or of every primary of a cluster.

    Raises:
        StoreConfigurationError: the server is a replica, which takes no writes.
        StoreUnavailable: it does not answer.
    """
    warnings: list[str] = []
    with translated():
        if isinstance(redis, RedisCluster):
            await redis.initialize()
            for node in redis.get_primaries():
                warnings += await _check_server(redis, f"The cluster node {node.name}", target_nodes=node)
        else:
            warnings += await _check_server(redis, "The Redis server")
    return Durability(tuple(warnings))


async def _check_server(redis: Any, who: str, **target: Any) -> list[str]:
    replication = await redis.info("replication", **target)
    if replication["role"] != "master":
        raise StoreConfigurationError(f"{who} is a replica and takes no writes. Point the URL to the primary.")
    warnings = []
    try:
        for option, wanted in _WANTED.items():
            value = (await redis.config_get(option, **target)).get(option)
            if value is not None and value != wanted:
                loss = await _loss(redis, option, value, **target)
                warnings.append(
                    f"{who} has {option} {value}: {loss}. "
                    f"Mend it with CONFIG SET {option} {wanted}, and in its configuration file."
                )
    except ResponseError as error:
        warnings.append(
            f"{who} does not let its configuration be read ({error}), so whether acknowledged writes survive a crash "
            f"is unknown. Allow CONFIG GET, or make sure of {_wanted_in_words()}."
        )
        if not (await redis.info("persistence", **target))["aof_enabled"]:
            warnings.append(f"{who} has appendonly no: {_LOSSES['appendonly', 'no']}. Turn its append-only file on.")
    if replication["connected_slaves"]:
        warnings.append(
            f"{who} has replicas, and replication is asynchronous: a failover loses what the new primary had not "
            "received yet. Use a storage that survives the machine rather than failover where nothing may be lost."
        )
    return warnings


async def _loss(redis: Any, option: str, value: str, **target: Any) -> str:
    """What can be lost with an option's value, in words."""
    if option == "maxmemory-policy":
        return _LOSS_BY_EVICTION["volatile" if value.startswith("volatile") else "allkeys"]
    if option == "appendonly" and not (await redis.config_get("save", **target)).get("save"):
        return "it keeps nothing on disk, so a restart loses everything"
    return _LOSSES.get((option, value), "what was acknowledged may be lost")


def _wanted_in_words() -> str:
    return ", ".join(f"{option} {wanted}" for option, wanted in _WANTED.items())
