"""Every error is told in one way, and nothing of ours leaks."""

import msgspec
import pytest

from signaling.errors import (
    KINDS,
    BadMessage,
    Busy,
    Forbidden,
    RateLimited,
    SignalingError,
    TokenExpired,
    TokenMissing,
    Unexpected,
    to_message,
    to_problem,
)


class Foreign(Exception):
    """An error of another room, as this one sees it."""

    code = "not_found"


def leaves(cls: type[SignalingError]) -> list[type[SignalingError]]:
    below = [leaf for sub in cls.__subclasses__() for leaf in leaves(sub)]
    return below or [cls]


@pytest.mark.parametrize("cls", leaves(SignalingError))
def test_every_error_has_a_code_of_the_table(cls: type[SignalingError]) -> None:
    wire, _ = to_message(cls("why"))
    assert wire.code == cls.code in KINDS
    assert wire.message == "why"


def test_who_may_stay() -> None:
    assert to_message(BadMessage("x"))[1] is None
    assert to_message(Forbidden("x"))[1] is None
    assert to_message(Unexpected("x"))[1] == 4400
    assert to_message(TokenExpired("x"))[1] == 4401


def test_command_id_and_delay_are_passed_on() -> None:
    wire, _ = to_message(RateLimited("slow down", retry_after_ms=70), cmd="c-1")
    assert (wire.cmd, wire.retry_after_ms) == ("c-1", 70)
    assert to_message(BadMessage("x", cmd="c-2"))[0].cmd == "c-2"
    assert to_message(Busy("x"))[0].retry_after_ms is msgspec.UNSET


def test_errors_of_other_rooms_need_only_a_code() -> None:
    wire, close_code = to_message(Foreign("no such question"))
    assert (wire.code, wire.message, close_code) == ("not_found", "no such question", None)
    assert to_problem(Foreign("gone"))[0].status == 404


@pytest.mark.parametrize("error", [ValueError("password is hunter2"), SystemExit(3), KeyError("x")])
def test_our_own_fault_is_not_explained(error: BaseException) -> None:
    wire, close_code = to_message(error)
    assert (wire.code, wire.message, close_code) == ("internal", "Internal error", 1011)
    assert to_problem(error)[0].status == 500


def test_problem_headers() -> None:
    assert to_problem(TokenMissing("x"))[1] == {"WWW-Authenticate": "Bearer"}
    assert to_problem(TokenExpired("x"))[1] == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    assert to_problem(Busy("x", retry_after_ms=1500))[1] == {"Retry-After": "2"}
