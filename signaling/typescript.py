"""`python -m signaling.typescript` prints the messages as TypeScript types, for `web_client/src/client/wire.ts`."""

import sys
from typing import Any, get_args

import msgspec
from msgspec import inspect

from signaling import fields
from signaling.commands import Command
from signaling.errors import KINDS
from signaling.events import Event
from signaling.messages import ClientMessage, Request, ServerMessage

_UNIONS = {
    "Command": Command,
    "Request": Request,
    "ClientMessage": ClientMessage,
    "Event": Event,
    "ServerMessage": ServerMessage,
}
_SCALARS = {
    inspect.StrType: "string",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
}


def typescript() -> str:
    """An interface for each message and each part of one, the unions, and the error codes."""
    seen: dict[str, str] = {}
    for union in _UNIONS.values():
        for struct in get_args(union):
            _declare(struct, seen)
    literals = {
        name: get_args(value)
        for name, value in vars(fields).items()
        if get_args(value) and all(isinstance(item, str) for item in get_args(value))
    }
    head = ["// Made by `python -m signaling.typescript` of `signaling/messages.py`; do not edit.", ""]
    head += [f"export type {name} = {_one_of(values)};" for name, values in literals.items()]
    codes = f"export const ERROR_CODES = {msgspec.json.encode(list(KINDS)).decode()} as const;"
    unions = [f"export type {name} = {' | '.join(_names(union))};" for name, union in _UNIONS.items()]
    return "\n".join([*head, "", *seen.values(), *unions, "", codes, ""])


def _names(union: Any) -> list[str]:
    return [struct.__name__ for struct in get_args(union)]


def _one_of(values: tuple[object, ...]) -> str:
    return " | ".join(f'"{value}"' for value in values)


def _declare(struct: Any, seen: dict[str, str]) -> None:
    if struct.__name__ in seen:
        return
    seen[struct.__name__] = ""  # its place in the order, before that of its parts
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    lines = [f"/** {' '.join((struct.__doc__ or '').split())} */", f"export interface {struct.__name__} {{"]
    if kind.tag is not None:
        lines.append(f'  {kind.tag_field}: "{kind.tag}";')
    for field in kind.fields:
        optional = "" if field.required else "?"
        lines.append(f"  {field.encode_name}{optional}: {_type(field.type, seen)};")
    seen[struct.__name__] = "\n".join([*lines, "}", ""])


def _type(kind: inspect.Type, seen: dict[str, str]) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _type(inner, seen)
        case inspect.UnionType(types=types):
            if {item.cls for item in types if isinstance(item, inspect.StructType)} == set(get_args(Event)):
                return "Event"
            return " | ".join(_type(item, seen) for item in types)
        case inspect.StructType(cls=cls):
            _declare(cls, seen)
            return str(cls.__name__)
        case inspect.LiteralType(values=values):
            return _one_of(values)
        case inspect.ListType(item_type=item):
            text = _type(item, seen)
            return f"({text})[]" if " | " in text else f"{text}[]"
        case inspect.DictType(key_type=key, value_type=value):
            record = f"Record<{_type(key, seen)}, {_type(value, seen)}>"
            return record if isinstance(key, inspect.StrType) else f"Partial<{record}>"
        case _:
            return _SCALARS[type(kind)]


if __name__ == "__main__":
    sys.stdout.write(typescript())
