"""What is written for operators, held against the code."""

import re
from pathlib import Path

import pytest

from server.config import Settings
from server.node import running

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/deploy.md").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
IMAGE = (ROOT / "Dockerfile").read_text()

VARIABLES = {f"LIVETRIAL_{name.upper()}" for name in Settings.model_fields}


def default(name: str) -> object:
    return Settings.model_fields[name].default


def test_the_guide_lists_every_setting_and_no_other() -> None:
    assert set(re.findall(r"^\| `(LIVETRIAL_\w+)` \|", GUIDE, re.MULTILINE)) == VARIABLES


@pytest.mark.parametrize("name", ["http_host", "http_port", "media_host", "media_port", "max_members"])
def test_the_guide_tells_the_defaults(name: str) -> None:
    assert f"| `LIVETRIAL_{name.upper()}` | `{default(name)}` |" in GUIDE


@pytest.mark.parametrize("text", [COMPOSE, IMAGE], ids=["compose", "image"])
def test_image_and_compose_file_set_what_exists(text: str) -> None:
    assert set(re.findall(r"LIVETRIAL_\w+", text)) <= VARIABLES


def test_image_and_compose_file_open_the_ports_that_the_server_takes() -> None:
    http, media = default("http_port"), default("media_port")
    assert f"EXPOSE {http}/tcp {media}/udp {media}/tcp" in IMAGE
    assert f'"127.0.0.1:{http}:{http}/tcp"' in COMPOSE
    for protocol in ("udp", "tcp"):
        assert f'"{media}:{media}/{protocol}"' in COMPOSE


def test_the_compose_file_and_the_guide_ask_of_the_store_what_the_server_checks() -> None:
    flags = re.sub(r"\s+- ", " ", COMPOSE)
    for option, value in {
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "maxmemory-policy": "noeviction",
    }.items():
        assert re.search(rf'--{option} "?{value}\b', flags)
        assert f"| `{option}` | `{value}` |" in GUIDE


async def test_the_numbers_to_watch_exist(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, media_host="127.0.0.1", media_port=0, demo=False)
    async with running(settings) as node:
        there = set(re.findall(r"^# TYPE (\w+)", node.metrics.text().decode(), re.MULTILINE))
    named = re.findall(r"\b(livetrial_\w+)", GUIDE) + [
        f"livetrial_plane_{name}" for name in re.findall(r"`…_(\w+)", GUIDE)
    ]
    assert len(named) > 15
    missing = {name for name in named if not there & {name, name.removesuffix("_total"), f"{name}_total"}}
    # A family is named by what its members begin with.
    assert {name for name in missing if not any(metric.startswith(name) for metric in there)} == set()
