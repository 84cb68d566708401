"""Tokens are believed only when they are ours, whole, for this session and of today."""

import jwt
import pytest

from server.tokens import ALGORITHM, ISSUER, MAX_TOKEN_CHARS, Tokens
from signaling.errors import TokenExpired, TokenInvalid

SECRET = "0123456789abcdef0123456789abcdef"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(SECRET, lifetime_s=3600, clock=clock)


def test_what_is_minted_is_verified(tokens: Tokens, clock: Clock) -> None:
    claims = tokens.verify(tokens.mint("demo", "moderator", person="p-1", name="安娜"), "demo")
    assert (claims.sid, claims.role, claims.sub, claims.name) == ("demo", "moderator", "p-1", "安娜")
    assert claims.exp == clock.now + 3600


def test_a_join_link_names_nobody(tokens: Tokens) -> None:
    claims = tokens.verify(tokens.mint("demo", "member", lifetime_s=60), "demo")
    assert (claims.sub, claims.name) == (None, None)


def test_expiry(tokens: Tokens, clock: Clock) -> None:
    token = tokens.mint("demo", "member")
    clock.now += 3599
    tokens.verify(token, "demo")
    clock.now += 1
    with pytest.raises(TokenExpired):
        tokens.verify(token, "demo")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"sid": "other"},
        {"sid": 7},
        {"sid": None},
        {"role": "emperor"},
        {"role": None},
        {"exp": "tomorrow"},
        {"exp": None},
        {"sub": "a b"},
        {"sub": "x" * 65},
        {"sub": 5},
        {"name": ""},
        {"name": "x" * 41},
    ],
)
def test_claims_that_are_not_ours(tokens: Tokens, changes: dict[str, object]) -> None:
    payload = {"iss": ISSUER, "sid": "demo", "role": "member", "exp": 2_000_000, **changes}
    whole = {name: value for name, value in payload.items() if value is not None}
    with pytest.raises(TokenInvalid):
        tokens.verify(jwt.encode(whole, SECRET, algorithm=ALGORITHM), "demo")


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_the_algorithm_is_ours_to_choose(tokens: Tokens, algorithm: str) -> None:
    payload = {"iss": ISSUER, "sid": "demo", "role": "host", "exp": 2_000_000}
    key = "" if algorithm == "none" else SECRET * 2
    with pytest.raises(TokenInvalid, match="HS256"):
        tokens.verify(jwt.encode(payload, key, algorithm=algorithm), "demo")


def test_forged_damaged_and_oversized(tokens: Tokens) -> None:
    token = tokens.mint("demo", "member")
    head, body, signature = token.split(".")
    forged = Tokens("f" * 32, lifetime_s=3600).mint("demo", "host")
    for bad in (forged, token[:-1], f"{head}.{body}.", f"{head}.{body[:-4]}.{signature}", "", "..", "é", "\x00"):
        with pytest.raises(TokenInvalid):
            tokens.verify(bad, "demo")
    with pytest.raises(TokenInvalid, match="characters"):
        tokens.verify("x" * (MAX_TOKEN_CHARS + 1), "demo")
