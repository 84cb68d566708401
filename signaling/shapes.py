"""`python -m signaling.shapes` prints what the server sends as data, for `web_client/src/client/shapes.ts`.

`decode.ts` checks messages by it, so that the page's checks are those of `signaling/messages.py`.
A shape is "string", "int", "number" or "bool"; `{"null": shape}`; `{"list": shape}`; `{"map": shape}`; `{"one": [literals]}`;
`{"is": name of a struct}`. A field that may be left out has a name that ends with `?`.
"""

import sys
from typing import Any, get_args

import msgspec
from msgspec import inspect

from signaling.events import Event
from signaling.messages import ServerMessage

_SCALARS = {
    inspect.StrType: "string",
    inspect.IntType: "int",
    inspect.FloatType: "number",
    inspect.BoolType: "bool",
}


def shapes() -> str:
    """The shapes of messages by type, of events by kind, and of the structs that they are made of."""
    structs: dict[str, Any] = {}
    tables = {"MESSAGES": _by_tag(ServerMessage, structs), "EVENTS": _by_tag(Event, structs)}
    lines = ["// Made by `python -m signaling.shapes` of `signaling/messages.py`; do not edit.", ""]
    lines += ['import type { Shape } from "./shape";', ""]
    for name, table in {"STRUCTS": structs, **tables}.items():
        kind = "Record<string, Record<string, Shape>>" if name == "STRUCTS" else "Record<string, string>"
        lines.append(f"export const {name}: {kind} = {{")
        lines += [f"  {key}: {msgspec.json.encode(value).decode()}," for key, value in table.items()]
        lines += ["};", ""]
    return "\n".join(lines)


def _by_tag(union: Any, structs: dict[str, Any]) -> dict[str, str]:
    table = {}
    for struct in get_args(union):
        kind = inspect.type_info(struct)
        assert isinstance(kind, inspect.StructType)
        table[str(kind.tag)] = struct.__name__
        _declare(struct, structs)
    return table


def _declare(struct: Any, structs: dict[str, Any]) -> None:
    if struct.__name__ in structs:
        return
    fields = structs[struct.__name__] = {}
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    for field in kind.fields:
        name = field.encode_name if field.required else f"{field.encode_name}?"
        fields[name] = _shape(field.type, structs)


def _shape(kind: inspect.Type, structs: dict[str, Any]) -> object:
    match kind:
        case inspect.Metadata(type=inner):
            return _shape(inner, structs)
        case inspect.UnionType(types=types):
            if {item.cls for item in types if isinstance(item, inspect.StructType)} == set(get_args(Event)):
                return {"is": "Event"}
            some = [item for item in types if not isinstance(item, inspect.NoneType)]
            shape = {"is": "Event"} if len(some) > 1 else _shape(some[0], structs)
            return shape if len(some) == len(types) else {"null": shape}
        case inspect.StructType(cls=cls):
            _declare(cls, structs)
            return {"is": cls.__name__}
        case inspect.LiteralType(values=values):
            return {"one": list(values)}
        case inspect.ListType(item_type=item):
            return {"list": _shape(item, structs)}
        case inspect.DictType(value_type=value):
            return {"map": _shape(value, structs)}
        case _:
            return _SCALARS[type(kind)]


if __name__ == "__main__":
    sys.stdout.write(shapes())
