"""Decoding accepts what the page allows and answers everything else with a clear error."""

import contextlib
import json
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.codec import MAX_COMMAND_BYTES, MAX_MESSAGE_BYTES, decode, encode
from signaling.commands import Answering, Ask, Vote
from signaling.errors import BadMessage, UnsupportedVersion
from signaling.events import VotedEvent
from signaling.messages import ClientMessage, Error, Events, Join, Publish, Restart, Unpublish
from tests.wire_strategies import message

JOIN = {"type": "join", "v": 1, "session": "demo"}


def test_decodes_each_kind_of_message() -> None:
    assert decode(json.dumps(JOIN)) == Join(v=1, session="demo")
    assert decode('{"type":"ask","cmd":"c-1","text":"为什么？"}') == Ask(cmd="c-1", text="为什么？")
    assert decode('{"type":"answering","cmd":"c","question":null}') == Answering(cmd="c", question=None)
    assert decode(b'{"type":"unpublish"}') == Unpublish()


def test_ignores_unknown_fields() -> None:
    assert decode('{"type":"vote","cmd":"c","question":"q","later":{"a":[1]}}') == Vote(cmd="c", question="q")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "null",
        "[]",
        "42",
        '"join"',
        "{}",
        '{"type":"dance"}',
        '{"type":1}',
        '{"type":"join","v":"1","session":"demo"}',
        '{"type":"join","v":1}',
        '{"type":"join","v":1,"session":"Demo"}',
        '{"type":"join","v":1,"session":"demo\\n"}',
        '{"type":"join","v":1,"session":"-demo"}',
        '{"type":"join","v":1,"session":"' + "a" * 41 + '"}',
        '{"type":"join","v":1,"session":"demo","last_event":-1}',
        '{"type":"join","v":1,"session":"demo","last_event":1.5}',
        '{"type":"join","v":1,"session":"demo","last_event":99999999999999999999}',
        '{"type":"join","v":1,"session":"demo","name":""}',
        '{"type":"join","v":1e400,"session":"demo"}',
        '{"type":"ask","cmd":"c"}',
        '{"type":"ask","cmd":"c d","text":"x"}',
        '{"type":"ask","cmd":"c\\n","text":"x"}',
        '{"type":"ask","cmd":"c","text":"\\ud800"}',
        '{"type":"ask","cmd":"c","text":"\ud800"}',
        b'{"type":"ask","cmd":"c","text":"\xff"}',
        '{"type":"vote","cmd":"c","question":null}',
        '{"type":"ask","cmd":"c","text":"x","y":' + "[" * 100_000,
        '{"type":"ask","cmd":"c","text":"x"',
    ],
)
def test_refuses_what_is_no_message(data: str | bytes) -> None:
    with pytest.raises(BadMessage):
        decode(data)


def test_error_carries_the_command_id_where_it_can_be_read() -> None:
    with pytest.raises(BadMessage) as caught:
        decode('{"type":"ask","cmd":"c-7","text":3}')
    assert caught.value.cmd == "c-7"
    assert "$.text" in caught.value.message


@pytest.mark.parametrize("data", ['{"type":"join","v":2,"session":"demo"}', '{"type":"join","v":2,"room":1}'])
def test_another_version_is_told_apart(data: str) -> None:
    with pytest.raises(UnsupportedVersion):
        decode(data)


def test_sizes() -> None:
    assert isinstance(decode(json.dumps({"type": "publish", "offer": "v" * 100_000})), Publish)
    restart = {"type": "restart", "connection": "receive", "offer": "v" * 100_000}
    assert isinstance(decode(json.dumps(restart)), Restart)
    with pytest.raises(BadMessage) as caught:
        decode(json.dumps({"type": "ask", "cmd": "c", "text": "x" * MAX_COMMAND_BYTES}))
    assert caught.value.cmd == "c"
    with pytest.raises(BadMessage):
        decode(" " * (MAX_MESSAGE_BYTES + 1))


def test_mine_is_left_out_where_it_is_not_said() -> None:
    event = VotedEvent(seq=3, at=1, act="vote", question="q", votes=2)
    assert json.loads(encode(Events(after=2, seq=3, events=[event])))["events"] == [
        {"kind": "voted", "seq": 3, "at": 1, "act": "vote", "question": "q", "votes": 2}
    ]
    mine = msgspec.structs.replace(event, mine=True)
    assert json.loads(encode(Events(after=2, seq=3, events=[mine])))["events"][0]["mine"] is True
    assert encode(Error(code="busy", message="m")) == '{"type":"error","code":"busy","message":"m"}'


@given(st.one_of([message(struct) for struct in get_args(ClientMessage)]))
def test_a_message_within_bounds_survives_the_wire(fields: dict[str, object]) -> None:
    with contextlib.suppress(BadMessage, UnsupportedVersion):
        decoded = decode(json.dumps(fields))
        assert decode(msgspec.json.encode(decoded)) == decoded


@given(
    st.binary(max_size=200)
    | st.text(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "cmd", "v"]), inner),
    ).map(json.dumps)
)
def test_noise_never_raises_anything_else(data: str | bytes) -> None:
    with contextlib.suppress(BadMessage, UnsupportedVersion):
        decode(data)
