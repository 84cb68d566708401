"""Commands with any arguments that the wire lets through: a result or a refusal, never a failure, and the log stays whole."""

import asyncio
import contextlib
import json
import re
import uuid
from pathlib import Path
from typing import get_args

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qa_queue
from qa_queue.errors import TEXTS, QueueError
from qa_queue.model import Actor
from qa_queue.queue import LiveQueue
from qa_queue.state import State
from signaling.codec import decode
from signaling.commands import Command
from signaling.errors import KINDS, BadMessage
from store.connection import open_store
from tests.wire_strategies import message

ACTORS = [Actor("ann", "Ann"), Actor("mod", "Mo", "moderator"), Actor("host", "Ho", "host", device="d" * 20)]

messages = st.one_of([message(struct) for struct in get_args(Command)])


def test_every_refusal_has_a_code_of_the_protocol() -> None:
    scripts = "".join(path.read_text() for path in Path(qa_queue.__file__).parent.rglob("*.lua"))
    named = set(re.findall(r"(?:reject|reject_for_now)\('(\w+)'", scripts))
    named |= set(re.findall(r"return (?:nil, )?'(\w+_\w+|forbidden|closed)'", scripts))
    assert {"muted", "text_blocked", "not_found", "wrong_state"} <= named <= set(TEXTS) <= set(KINDS)


def test_no_command_that_the_wire_lets_through_fails(valkey_url: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        store = runner.run(open_store(valkey_url, tmp_path))
        queue, session = LiveQueue(store), f"fuzz-{uuid.uuid4().hex[:12]}"

        async def send(actor: Actor, message: Command) -> None:
            args = msgspec.structs.asdict(message)
            with contextlib.suppress(QueueError):
                await queue.run(session, actor, args.pop("cmd"), str(message.__struct_config__.tag), **args)

        @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.sampled_from(ACTORS), messages)
        def fuzz(actor: Actor, message: dict[str, object]) -> None:
            with contextlib.suppress(BadMessage):
                received = decode(json.dumps(message))
                runner.run(send(actor, received))  # type: ignore[arg-type]  # it is the command that was sent

        async def replay() -> None:
            state = State()
            for event in await queue.events(session, 0, 10_000):
                state.apply(event)
            assert state == await queue.snapshot(session)

        for actor in ACTORS:
            runner.run(queue.arrive(session, actor))
        fuzz()
        runner.run(replay())
        runner.run(store.close())
