"""What we use of apsw, in types of our own: rows are tuples, values are what SQLite can hold."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[Any, ...]


class Cursor(Protocol):
    """What a transaction offers. One statement at a time: the next `execute` drops unread rows of the last."""

    def execute(self, statements: str, bindings: Sequence[Value] = (), /) -> "Cursor":
        """Run one statement; read its rows by iterating, `fetchone` or `fetchall`."""
        ...

    def executemany(self, statements: str, bindings: Iterable[Sequence[Value]], /) -> "Cursor":
        """Run one statement for each set of values."""
        ...

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Row]:
        """The rows not read yet."""
        ...

    def close(self, force: bool = False, /) -> None:
        """End the statement; `force` drops its unread rows."""
        ...

    def __iter__(self) -> Iterator[Row]: ...


class Connection(Protocol):
    """An open file."""

    def execute(self, statements: str, bindings: Sequence[Value] = (), /) -> Cursor:
        """Run statements on a new cursor."""
        ...

    def cursor(self) -> Cursor:
        """A new cursor."""
        ...

    def config(self, op: int, value: int, /) -> int:
        """Change one of the connection's switches."""
        ...

    def set_busy_timeout(self, milliseconds: int, /) -> None:
        """How long to wait for the locks of others."""
        ...

    def close(self, force: bool = False, /) -> None:
        """Let go of the file."""
        ...

    @property
    def in_transaction(self) -> bool:
        """A transaction was begun and not ended."""
        ...
