"""Lua scripts, kept in files of the package that owns them.

A script is composed of several files, so that what scripts share stands once. A file says at its top what KEYS and ARGV
are and what is returned.
"""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from store.connection import Store


class Script:
    """A script of the server, by its source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, store: Store, keys: Sequence[str], args: Sequence[str | int] = ()) -> Any:
        """Run it as one atomic step. All keys must share a hash tag.

        Raises:
            StoreUnavailable: see there; whether it ran may be unknown.
            StoreDefect: it failed.
        """
        if store.batches is not None:
            async with store.deadline():
                return await store.batches.run(self.source, self.sha, keys, args)
        async with store.calls() as redis:
            try:
                return await redis.evalsha(self.sha, len(keys), *keys, *args)
            except NoScriptError:  # see `Batches`
                return await redis.eval(self.source, len(keys), *keys, *args)


def load_script(package: str, *names: str) -> Script:
    """Compose a script of files `scripts/<name>.lua` of a package, in this order."""
    folder = files(package) / "scripts"
    return Script("\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names))
