"""TURN credentials, as coturn's `use-auth-secret` checks them."""

import logging
import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from server.config import Settings
from server.ice_servers import IceServers
from tests.server.harness import Start

URLS = ("turn:192.0.2.1:3478?transport=udp", "turns:[2001:db8::1]:443?transport=tcp")


def servers(**options: object) -> IceServers:
    settings = {
        "turn_urls": URLS,
        "turn_secret": SecretStr("north"),
        "turn_ttl_s": 600,
        "clock": lambda: 1_700_000_000.9,
    }
    return IceServers(**{**settings, **options})  # type: ignore[arg-type]


def test_the_name_says_when_it_ends_and_the_password_is_its_hmac() -> None:
    (turn,) = servers().credentials("s", "ann")
    assert turn.urls == list(URLS)
    assert turn.username == "1700000600:443b3662656ace24"
    # printf %s NAME | openssl dgst -sha1 -hmac north -binary | base64
    assert turn.credential == "oqvcazvqscThjftgj+wgZ51raaU="


def test_a_person_is_the_same_name_everywhere_and_told_to_nobody() -> None:
    (one,), (again,) = servers().credentials("s", "ann"), servers().credentials("s", "ann")
    (other,), (elsewhere,) = servers().credentials("s", "bob"), servers().credentials("t", "ann")
    assert one == again
    assert len({one.username, other.username, elsewhere.username}) == 3
    assert "ann" not in str(one.username)


def test_nothing_is_told_where_nothing_is_set() -> None:
    assert IceServers().credentials("s", "ann") == []
    assert IceServers().link_headers("s", "ann") == []
    assert [server.urls for server in servers(turn_secret=None, stun_urls=("stun:a",)).credentials("s", "p")] == [
        ["stun:a"]
    ]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"turn_urls": "turn:a"}, "LIVETRIAL_TURN_SECRET"),
        ({"turn_urls": "stun:a", "turn_secret": "s"}, "turn_urls"),
        ({"turn_urls": 'turn:a>; rel="x', "turn_secret": "s"}, "turn_urls"),
        ({"turn_urls": "turn:a?transport=sctp", "turn_secret": "s"}, "turn_urls"),
        ({"stun_urls": "turn:a"}, "stun_urls"),
        ({"turn_ttl_s": 1}, "turn_ttl_s"),
    ],
)
def test_settings_that_cannot_be_used(wrong: dict[str, object], named: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=named):
        Settings(data_dir=tmp_path, **wrong)  # type: ignore[arg-type]


async def test_who_joins_is_told_and_no_log_is(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = await start(turn_urls=URLS, turn_secret="north")
    session = await server.session(open=True)
    _, joined = await server.join(session)
    (turn,) = joined["ice_servers"]
    assert turn["urls"] == list(URLS)
    assert re.fullmatch(r"\d+:[0-9a-f]{16}", turn["username"])
    assert turn["credential"] not in caplog.text
    assert "north" not in caplog.text
