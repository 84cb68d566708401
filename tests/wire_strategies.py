"""Messages of clients, made of their types."""

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

IDS = ["q1", "q2", "p3", "d4", "k5", "a6", "c7", "ann", "mod", "host", "*", "v/q1"]


def values(kind: inspect.Type) -> st.SearchStrategy[object]:
    """Values of a field's type, within its bounds and at them."""
    match kind:
        case inspect.UnionType(types=types):
            return st.one_of([values(of) for of in types])
        case inspect.LiteralType(values=literals):
            return st.sampled_from(literals)
        case inspect.IntType(ge=least, le=most):
            return st.integers(least, most)
        case inspect.ListType(item_type=item, min_length=least, max_length=most):
            return st.lists(values(item), min_size=least or 0, max_size=min(most or 3, 5))
        case inspect.StrType(pattern=str() as pattern):
            return st.just("https://example.com/x") if "http" in pattern else st.uuids().map(lambda id: id.hex)
        case inspect.StrType(min_length=least, max_length=most):
            ids = st.sampled_from(IDS)
            return ids | st.text(st.characters(), min_size=least or 0, max_size=min(most or 600, 600))
        case inspect.BoolType():
            return st.booleans()
        case _:
            return st.none()


def message(struct: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, object]]:
    """A command as the JSON of a client."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    fields = {field.encode_name: values(field.type) for field in info.fields}
    return st.fixed_dictionaries({"type": st.just(info.tag), **fields})
