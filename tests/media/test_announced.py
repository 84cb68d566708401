"""Where the media port is reached, as it is written in the settings."""

import pytest

from media.announced import Announced


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("203.0.113.7", "203.0.113.7", None),
        ("203.0.113.7:9000", "203.0.113.7", 9000),
        ("2001:db8::1", "2001:db8::1", None),
        ("[2001:db8::1]:9000", "2001:db8::1", 9000),
        ("[2001:DB8::1]", "2001:db8::1", None),
    ],
)
def test_addresses_with_and_without_a_port(text: str, address: str, port: int | None) -> None:
    announced = Announced.parse(text)
    assert announced == Announced(address, port)
    assert Announced.parse(str(announced)) == announced


@pytest.mark.parametrize(
    "text", ["", "example.org", "203.0.113.7:", "203.0.113.7:0", "203.0.113.7:70000", "[2001:db8::1", "[::1]x"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|port"):
        Announced.parse(text)
