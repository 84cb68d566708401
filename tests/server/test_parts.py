"""The small mechanisms behind a socket."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from server.frames import text_frame
from server.outbox import Outbox
from server.presence import Presence
from server.rate import TokenBucket


class Blocked:
    """A socket that takes one message and then nothing more until it is released."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.taken = asyncio.Event()
        self.release = asyncio.Event()

    async def send(self, frame: bytes) -> None:
        self.sent.append(frame[2:].decode())
        self.taken.set()
        await self.release.wait()


async def test_outbox_sends_in_order_and_ends_with_its_code() -> None:
    outbox, socket = Outbox(), Blocked()
    for text in "abc":
        outbox.put(text)
    outbox.finish(4400)
    outbox.put("too late")
    outbox.finish(1012)
    socket.release.set()
    assert await outbox.run(socket.send) == 4400
    assert socket.sent == ["a", "b", "c"]


async def test_outbox_writes_at_once_unless_something_waits() -> None:
    written: list[bytes] = []
    ready = False

    def write_now(frame: bytes) -> bool:
        if ready:
            written.append(frame)
        return ready

    outbox, socket = Outbox(write_now), Blocked()
    running = asyncio.create_task(outbox.run(socket.send))
    outbox.put("a")
    await socket.taken.wait()
    ready = True
    outbox.put("b")
    assert written == [], "`a` is still being sent, and `b` must not overtake it"
    socket.release.set()
    await outbox.drained()
    outbox.put("c")
    assert (socket.sent, written) == (["a", "b"], [text_frame("c")])
    outbox.finish(1012)
    assert await running == 1012


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_text_frame_is_that_of_the_library(size: int) -> None:
    text = "é" * (size // 2) + "x" * (size % 2)
    assert text_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


async def test_outbox_says_when_it_needs_a_writer_and_once_when_it_ends() -> None:
    told: list[str] = []
    ready = True
    outbox = Outbox(lambda frame: ready, on_wait=lambda: told.append("wait"), on_end=lambda: told.append("end"))
    outbox.put("a")
    assert told == [], "what is written at once needs no writer"
    ready = False
    outbox.put("b")
    outbox.put("c")
    assert told == ["wait"]
    outbox.finish(4400)
    outbox.finish(1012)
    assert told == ["wait", "end"]


async def test_outbox_ends_by_an_overflow_too_but_not_when_its_socket_is_gone() -> None:
    told: list[str] = []
    outboxes = [Outbox(max_octets=4, on_end=lambda: told.append("end")) for _ in range(2)]
    for text in ("a", "too long"):
        outboxes[0].put(text)
    assert told == ["end"]
    outboxes[1].close()
    outboxes[1].finish(1012)
    assert told == ["end"]


async def test_outbox_overflows_instead_of_waiting() -> None:
    outbox, socket = Outbox(max_octets=12), Blocked()
    outbox.put("x" * 50)
    assert not outbox.overflow.done(), "the first message always fits"
    running = asyncio.create_task(outbox.run(socket.send))
    await socket.taken.wait()
    outbox.put("y" * 10)
    assert not outbox.overflow.done()
    outbox.put("z")
    assert outbox.overflow.done()
    await outbox.drained()
    running.cancel()


async def test_outbox_keeps_nobody_waiting_when_its_socket_is_gone() -> None:
    async def gone(text: str) -> None:
        raise ConnectionError

    outbox = Outbox()
    outbox.put("a")
    with pytest.raises(ConnectionError):
        await outbox.run(gone)
    outbox.put("b")
    await outbox.drained()
    assert outbox.over


def test_bucket_allows_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=20, now=0.0)
    assert [bucket.take(0.0) for _ in range(20)] == [0.0] * 20
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.05) == pytest.approx(0.05)
    assert bucket.take(0.1) == 0.0
    assert bucket.take(0.1) > 0


@given(st.lists(st.floats(0, 0.5), max_size=200))
def test_bucket_never_allows_more_than_burst_and_rate(gaps: list[float]) -> None:
    bucket, now, taken = TokenBucket(rate_per_s=10, burst=20, now=0.0), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now) == 0.0
    assert taken <= 20 + now * 10 + 1e-6


async def test_presence_is_told_at_once_and_then_once_an_interval() -> None:
    told: list[int] = []
    changed = asyncio.Event()

    def announce(present: int) -> None:
        told.append(present)
        changed.set()

    presence = Presence(announce, interval_s=0.01)
    presence.enter("ann")
    presence.enter("ann")
    presence.enter("bob")
    presence.leave("ann")
    assert told == [1]
    changed.clear()
    await changed.wait()
    assert told == [1, 2]
    presence.enter("cyd")
    presence.leave("cyd")
    presence.leave("ann")
    changed.clear()
    await changed.wait()
    assert told == [1, 2, 1], "cyd was told 3, and must hear that it is no longer so"
    presence.close()


async def test_a_number_that_nobody_was_told_is_not_taken_back() -> None:
    told: list[int] = []
    presence = Presence(told.append, interval_s=3600)
    assert presence.enter("ann") == 1
    presence.leave("ann")
    presence.enter("ann")
    assert told == [1]
    presence.close()
