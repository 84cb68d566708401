"""`PROTOCOL.md` and the types say the same."""

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import signaling
from signaling import entities
from signaling.commands import Command
from signaling.errors import KINDS
from signaling.events import Event
from signaling.messages import ClientMessage, Join, Joined, ServerMessage
from signaling.schema import schema
from signaling.shapes import shapes
from signaling.typescript import typescript

PAGE = (Path(signaling.__file__).parent / "PROTOCOL.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def table(text: str, head: str) -> list[list[str]]:
    lines = text.split(f"| {head} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def fields(struct: Any) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def tags(union: Any) -> set[str]:
    return {str(struct.__struct_config__.tag) for struct in get_args(union)}


def test_join_has_the_fields_of_the_page() -> None:
    sent, received = section("Join").split("Server → client.", 1)
    assert {ticked(row[0])[0] for row in table(sent, "field | type | meaning")} == fields(Join) | {"type"}
    assert {ticked(row[0])[0] for row in table(received, "field | type | meaning")} == fields(Joined) | {"type"}
    optional = {ticked(row[0])[0] for row in table(sent, "field | type | meaning") if "optional" in row[1]}
    assert optional == {field.name for field in msgspec.structs.fields(Join) if not field.required}


def test_entities_have_the_fields_of_the_page() -> None:
    rows = table(section("State"), "entity | fields")
    for row in rows:
        assert set(ticked(row[1])) == fields(getattr(entities, ticked(row[0])[0])), row[0]
    named = {ticked(row[0])[0] for row in rows}
    parts = {"Person", "Option", "Tally", "Snapshot"}
    assert named == {name for name, value in vars(entities).items() if isinstance(value, type(Join))} - parts - {
        "Struct"
    }
    snapshot = re.search(r"`Snapshot` is all of it.*?\n\n", section("State"), re.DOTALL)
    assert snapshot is not None
    assert set(ticked(snapshot[0])) - {"Snapshot"} == fields(entities.Snapshot)


def test_commands_are_those_of_the_page() -> None:
    rows = table(section("Commands"), "type | fields | who | effect")
    assert {ticked(row[0])[0] for row in rows} == tags(Command)
    by_tag = {struct.__struct_config__.tag: struct for struct in get_args(Command)}
    for row in rows:
        struct = by_tag[ticked(row[0])[0]]
        assert set(ticked(row[1])) | {"cmd"} == fields(struct), row[0]
        optional = {field.name for field in msgspec.structs.fields(struct) if not field.required}
        assert set(re.findall(r"`(\w+)`\?", row[1])) == optional, row[0]


def test_events_are_those_of_the_page() -> None:
    rows = table(section("Events"), "kind | fields")
    assert {ticked(row[0])[0] for row in rows} == tags(Event)
    by_tag = {struct.__struct_config__.tag: struct for struct in get_args(Event)}
    for row in rows:
        named = {name.split(":")[0] for name in ticked(row[1])}
        assert named | {"seq", "at", "act", "by"} == fields(by_tag[ticked(row[0])[0]])


def test_error_codes_are_those_of_the_page() -> None:
    assert {code for row in table(section("Errors"), "code | meaning") for code in ticked(row[0])} == set(KINDS)


def test_close_codes_are_those_of_the_page() -> None:
    listed = {
        int(code)
        for row in table(section("Close codes"), "code | meaning | client does")
        for code in row[0].split(", ")
    }
    assert {kind.close_code for kind in KINDS.values() if kind.close_code is not None} <= listed


@pytest.mark.parametrize("union", [ClientMessage, ServerMessage])
def test_every_message_is_on_the_page(union: Any) -> None:
    for tag in tags(union):
        assert f'"{tag}"' in PAGE or f"`{tag}`" in PAGE, tag


def test_schema_names_every_message() -> None:
    definitions = schema()["$defs"]
    for union in (ServerMessage, Event):
        for struct in get_args(union):
            properties = definitions[struct.__name__]["properties"]
            assert set(properties) == fields(struct) | {struct.__struct_config__.tag_field}


def test_the_types_and_checks_of_the_pages_are_those_of_the_messages() -> None:
    client = Path(signaling.__file__).parents[1] / "web_client" / "src" / "client"
    made = client / "wire.ts"
    assert made.read_text() == typescript(), "run `python -m signaling.typescript > web_client/src/client/wire.ts`"
    made = client / "shapes.ts"
    assert made.read_text() == shapes(), "run `python -m signaling.shapes > web_client/src/client/shapes.ts`"
