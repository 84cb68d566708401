"""Settings, and the secrets that are made at first use."""

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from server.config import Settings, kept_secret, own_addresses


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    first = kept_secret(path, nbytes=48)
    assert len(first) >= 48
    assert kept_secret(path, nbytes=48) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_secret_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        kept_secret(tmp_path / "secret", nbytes=48)


def test_the_environment_sets_and_flags_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVETRIAL_HTTP_PORT", "9000")
    monkeypatch.setenv("LIVETRIAL_ANNOUNCED", "203.0.113.5, 2001:db8::1")
    monkeypatch.setenv("LIVETRIAL_DEMO", "false")
    settings = Settings(data_dir=tmp_path, http_port=9001)
    assert settings.http_port == 9001
    assert settings.announced_addresses() == ("203.0.113.5", "2001:db8::1")
    assert settings.demo is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"announced": "example.org"},
        {"http_port": 70_000},
        {"secret": "short"},
        {"public_url": "example.org"},
        {"log_level": "loud"},
        {"max_members": 0},
        {"media_host": "localhost"},
        {"media_udp": False, "media_tcp": False},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]


def test_only_addresses_that_the_media_port_has_are_announced() -> None:
    assert own_addresses()[0] == "127.0.0.1"
    assert all(":" not in address for address in Settings(media_host="0.0.0.0").announced_addresses())
    assert Settings(media_host="127.0.0.1").announced_addresses() == ("127.0.0.1",)


def test_secrets_do_not_show(tmp_path: Path) -> None:
    settings = Settings(api_key="hunter2", secret="s" * 32)  # type: ignore[arg-type]
    assert "hunter2" not in repr(settings)
    assert settings.api_key_value() == "hunter2"
