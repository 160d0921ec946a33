"""Frozen dataclasses to JSON and back, through pydantic's TypeAdapter. Unknown fields are ignored on reading."""

import json
from functools import cache
from typing import Annotated, Any, TypeVar

T = TypeVar("T")


class Tagged:
    """Metadata of a union of dataclasses, for `Annotated`: the field that tells which one it is, so that not all are tried."""

    def __init__(self, field: str) -> None:
        self.field = field

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Field

        return handler.generate_schema(Annotated[source, Field(discriminator=self.field)])


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(kind: Any, value: object) -> str:
    """`value` as JSON text, read as `kind` (a dataclass or a union of them).

    What JSON and UTF-8 can't hold is replaced: not-a-number and infinity by null, lone surrogates by "?".
    """
    try:
        # The adapter's own `dump_json`, without what it does besides: half the time of a small value.
        return _adapter(kind).serializer.to_json(value).decode()
    # pydantic's PydanticSerializationError, which is not imported for this alone.
    except ValueError:
        text = json.dumps(_adapter(kind).dump_python(value, mode="json"), ensure_ascii=False)
        return storable(text)


def storable(text: str) -> str:
    """`text` with lone surrogates, which UTF-8 can't hold, replaced by "?"."""
    return text.encode("utf-8", "replace").decode()


def from_json(kind: "type[T]", text: str | bytes) -> T:
    """The inverse of `to_json`.

    Raises:
        pydantic.ValidationError: `text` is not a `kind`.
    """
    return _adapter(kind).validate_json(text)
