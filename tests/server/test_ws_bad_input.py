"""Hostile and broken sockets get a clear error, and nobody else notices."""

import asyncio
import base64
import json
import time
from typing import Any

import jwt
import pytest

from server.ws import MESSAGES_AT_ONCE
from tests.server.harness import Running, Start
from tests.server.ws_client import Client


async def still_works(server: Running, session: str) -> None:
    client, _ = await server.join(session)
    await client.command("ask", cmd="c1", text="Is anybody there?")


@pytest.mark.parametrize(
    ("first", "code", "close_code"),
    [
        ("no json", "bad_message", 4400),
        ("[" * 100_000, "bad_message", 4400),
        ('{"type":"vote","cmd":"c","question":"q1"}', "bad_message", 4400),
        ('{"type":"join","v":1}', "bad_message", 4400),
        ('{"type":"join","v":7,"session":"demo"}', "unsupported_version", 4400),
        ('{"type":"join","v":1,"session":"nowhere"}', "session_unknown", 4404),
        (b"\x00\x01", "bad_message", 4400),
    ],
)
async def test_a_bad_first_message_closes(server: Running, first: str | bytes, code: str, close_code: int) -> None:
    session = await server.session()
    client = await server.connect()
    await client.connection.send(first)
    assert await client.closed() == close_code
    assert [message["code"] for message in client.skipped] == [code]
    await still_works(server, session)


async def test_a_message_of_a_megabyte_closes_with_1009(server: Running) -> None:
    session = await server.session()
    client, _ = await server.join(session)
    await client.connection.send(json.dumps({"type": "ask", "cmd": "c1", "text": "x" * 1_000_000}))
    assert await client.closed() == 1009
    await still_works(server, session)


@pytest.mark.parametrize(
    "text", ["", "null", "{}", '{"type":"ask"}', '{"type":"dance","cmd":"c1"}', '{"type":"ask","cmd":"c1","text":7}']
)
async def test_a_malformed_message_is_answered_and_the_socket_stays(server: Running, text: str) -> None:
    client, _ = await server.join(await server.session())
    await client.connection.send(text)
    error = await client.expect("error")
    assert error["code"] == "bad_message"
    assert error.get("cmd") == ("c1" if "c1" in text else None)
    await client.command("ask", cmd="c2", text="still here")


async def test_joining_twice_closes(server: Running) -> None:
    session = await server.session()
    client, _ = await server.join(session)
    await client.send(type="join", v=1, session=session)
    assert await client.closed() == 4400
    await still_works(server, session)


async def test_a_binary_frame_closes(server: Running) -> None:
    client, _ = await server.join(await server.session())
    await client.connection.send(b'{"type":"unpublish"}')
    assert await client.closed() == 4400


def unsigned(payload: dict[str, Any]) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, payload]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def claims(session: str) -> dict[str, Any]:
    return {"iss": "livetrial", "sid": session, "role": "host", "exp": int(time.time()) + 60}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda server, session: None, "token_missing"),
        (lambda server, session: "x", "token_invalid"),
        (lambda server, session: "a.b.c", "token_invalid"),
        (lambda server, session: unsigned(claims(session)), "token_invalid"),
        (lambda server, session: jwt.encode(claims(session), "another secret " * 4), "token_invalid"),
        (lambda server, session: server.token("another-session"), "token_invalid"),
        (lambda server, session: server.token(session, expires_at=int(time.time()) - 1), "token_expired"),
        (lambda server, session: server.token(session, "emperor"), "token_invalid"),
        (lambda server, session: server.token(session)[:-2], "token_invalid"),
    ],
    ids=["none", "noise", "dots", "alg-none", "forged", "other-session", "expired", "role", "cut"],
)
async def test_a_token_that_is_no_good_closes_with_4401(server: Running, make: Any, code: str) -> None:
    session = await server.session()
    client = await server.connect()
    await client.send(type="join", v=1, session=session, token=make(server, session))
    assert await client.closed() == 4401
    assert [message["code"] for message in client.skipped] == [code]
    await still_works(server, session)


@pytest.mark.parametrize("t0", ["-1e300", "1e300", "0", "1e999", '"noon"', "null"])
async def test_a_clock_that_lies_changes_nothing(server: Running, t0: str) -> None:
    session = await server.session()
    client, _ = await server.join(session)
    before = int(time.time() * 1000)
    await client.connection.send(f'{{"type":"time","t0":{t0}}}')
    answer = await client.read()
    if answer["type"] == "time":
        assert answer["t0"] == float(t0)
        assert before <= answer["t1"] <= answer["t2"] <= time.time() * 1000
    else:
        assert answer["code"] == "bad_message"
    assert (await client.command("ask", cmd="c1", text="?"))["seq"] == 1
    question = (await client.events_until(1))[0]["question"]
    assert before <= question["asked_at"] <= time.time() * 1000, "the store's clock alone"


async def flood(client: Client, count: int) -> None:
    for number in range(count):
        await client.connection.send(json.dumps({"type": "hand_raise", "cmd": f"c{number}"}))


async def test_a_flood_is_held_back_and_others_are_served(server: Running) -> None:
    session = await server.session()
    flooding, _ = await server.join(session, person="flood")
    other, _ = await server.join(session, person="ann")
    flooder = asyncio.create_task(flood(flooding, 10_000))
    answers: list[dict[str, Any]] = []
    while not any(answer.get("code") == "rate_limited" for answer in answers):
        answers.append(await flooding.read())
    limited = next(answer for answer in answers if answer.get("code") == "rate_limited")
    assert limited["retry_after_ms"] > 0
    assert limited["cmd"]
    assert sum(answer["type"] == "ack" for answer in answers) >= MESSAGES_AT_ONCE
    for number in range(10):
        await other.command("hand_raise", cmd=f"c{number}")
    assert not flooder.done() or flooding.connection.close_code is None, "a flood does not close the socket"
    flooder.cancel()
    await asyncio.gather(flooder, return_exceptions=True)
    flooding.connection.transport.abort()


async def test_a_socket_that_does_not_join_is_closed_with_4408(start: Start) -> None:
    server = await start(join_timeout_s=0.05)
    client = await server.connect()
    assert await client.closed() == 4408


async def test_sockets_that_die_in_any_way_leave_no_trace(server: Running) -> None:
    session = await server.session()
    watcher, _ = await server.join(session, person="ann")
    before = await server.connect()
    before.connection.transport.abort()
    joined, _ = await server.join(session, person="bob")
    await watcher.expect("presence", present=2)
    joined.connection.transport.abort()
    await watcher.expect("presence", present=1)
    await still_works(server, session)
