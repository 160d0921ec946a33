"""Frozen dataclasses to JSON and back, through pydantic's TypeAdapter. Unknown fields are ignored on reading."""

from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(kind: Any, value: object) -> str:
    """`value` as JSON text, read as `kind` (a dataclass or a union of them)."""
    return _adapter(kind).dump_json(value).decode()


def from_json(kind: "type[T]", text: str | bytes) -> T:
    """The inverse of `to_json`.

    Raises:
        pydantic.ValidationError: `text` is not a `kind`.
    """
    return _adapter(kind).validate_json(text)
