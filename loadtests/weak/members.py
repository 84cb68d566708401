"""Browsers that watch, seen from Python."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
IN_PAGE = Path(__file__).with_name("in_page.js")
POLL_S = 0.2
PATIENCE_S = 60.0


class Members:
    """A browser with members in it, each in a context of its own."""

    def __init__(self, process: asyncio.subprocess.Process, version: str = "") -> None:
        self._process, self.version = process, version
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def start(cls, browser: str) -> AsyncIterator["Members"]:
        """`browser` is `chromium` or `firefox`."""
        folder = ROOT / "tests" / "browser"
        pipe = asyncio.subprocess.PIPE
        command = (folder / "node_modules/.bin/tsx", "bench/weak_driver.ts", browser, IN_PAGE)
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=pipe, stdout=pipe, limit=1 << 28)
        members = cls(process)
        try:
            members.version = (await members._read()).get("ready", "")
            yield members
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def open(self, member: str, url: str, *, told: str, used: str) -> None:
        """Let a member open its page; it reaches the media that the server calls `told` by `used`."""
        await self._ask(cmd="open", member=member, url=url, told=told, used=used)

    async def until_playing(self, member: str) -> None:
        """Wait for the first pictures, or for sound where the page says that only sound fits.

        Raises:
            RuntimeError: neither came; the text has the last sample.
        """
        samples: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (samples and _is_playing(samples[-1])):
                    await asyncio.sleep(POLL_S)
                    samples = (await self.samples(member))["samples"]
        except TimeoutError:
            raise RuntimeError(f"{member} sees and hears nothing: {samples[-1:]}") from None

    async def samples(self, member: str) -> dict[str, Any]:
        """What its page has noted so far: `samples` and `shown`, see `in_page.js`."""
        return await self._ask(cmd="samples", member=member)

    async def close(self, member: str) -> dict[str, Any]:
        """The same, and let it leave."""
        return await self._ask(cmd="close", member=member)

    async def _ask(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            reply = await self._read()
        if "failed" in reply:
            raise RuntimeError(f"the browser could not {order['cmd']}: {reply['failed']}")
        return reply

    async def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the browser has ended")
        reply: dict[str, Any] = json.loads(line)
        return reply


def _is_playing(sample: dict[str, Any]) -> bool:
    video, audio, (status, _) = sample["video"] or {}, sample["audio"] or {}, sample["status"] or ("", "")
    sound_alone = status == "soundOnly" and (audio.get("packetsReceived") or 0) > 50
    return (video.get("framesDecoded") or 0) > 10 or sound_alone
