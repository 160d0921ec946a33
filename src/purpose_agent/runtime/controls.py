"""What people say to a run from outside, from any process: rows of `controls`, until the run hears them.

In:  a person's word, as the payload that it becomes.
Out: what waits to be heard, in the order it was said; a mark on what was.

Nothing is done to the run here: its own bus makes events of what it hears (`engine/heeding.py`). Who a person is, nobody checks:
whoever may write to the workspace's file may speak. What a model decides may not: answers, scores and lessons are refused from
within a tool's call. That holds for the call's own task and the threads that asyncio and anyio start from it. It does not hold for
threads that a tool starts by `threading` or in an executor of its own, nor for processes: they know nothing of the call
(`run_mode.py`: the same).
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.errors import UsageError, WorkspaceError
from purpose_agent.core.secrets import json_without_secrets
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.payloads.person import LessonInjected, PersonAnswered, ScoreOverridden
from purpose_agent.runtime.trace import time_to_text

_SOMEBODY: Final = "a person"


@dataclass(frozen=True, slots=True)
class Pause:
    """Stand still before the next step."""

    reason: str = ""
    by: str = ""

    @property
    def words(self) -> str:
        """Why the run stands still."""
        return f"paused by {_told(self)}"


@dataclass(frozen=True, slots=True)
class Abort:
    """End before the next step, as cancelled."""

    reason: str = ""
    by: str = ""

    @property
    def words(self) -> str:
        """Why the run is over."""
        return f"ended by {_told(self)}"

    @property
    def who(self) -> str:
        """Who ended it, as its end says."""
        return self.by or _SOMEBODY


Said: TypeAlias = PersonAnswered | ScoreOverridden | LessonInjected | Pause | Abort

_KINDS: Final[dict[str, type[Said]]] = {
    "answer": PersonAnswered,
    "score": ScoreOverridden,
    "lesson": LessonInjected,
    "pause": Pause,
    "abort": Abort,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_in_a_call: ContextVar[str] = ContextVar("in_a_call", default="")
"""The tool whose call is under way here."""


@dataclass(frozen=True, slots=True)
class Control:
    """Something that was said to a run; `number` is its place among all that was said."""

    number: int
    run_id: str
    at: datetime
    said: Said


def _told(said: "Pause | Abort") -> str:
    return f"{said.by or _SOMEBODY}{f': {said.reason}' if said.reason else ''}"


@contextmanager
def within_a_call(tool: str) -> Generator[None]:
    """Within it, a tool that a model decided to call is under way: nobody speaks for a person."""
    token = _in_a_call.set(tool)
    try:
        yield
    finally:
        _in_a_call.reset(token)


def check_person(what: str) -> None:
    """Pass silently outside of tools' calls.

    Raises:
        UsageError: A tool's call tries to speak for a person.
    """
    if tool := _in_a_call.get():
        raise UsageError(f"The tool {tool} tried to speak for a person ({what}). Only people answer, score and teach.")


def say(db: Database, run_id: str, said: Said, *, at: datetime) -> int:
    """Leave word for a run; its number. Whether there is such a run, and whether it asked, is the caller's to know.

    Secrets in reasons are replaced by marks, as everywhere in the record.

    Raises:
        UsageError: A tool's call tries to speak for a person; or an edited argument holds a secret, which no record keeps, so
            that the run would be given the mark instead.
        NotInThisMode: It is said in an evaluation.
    """
    if not isinstance(said, Pause | Abort):
        check_person(_NAMES[type(said)])
    whole = to_json(type(said), said)
    kept = json_without_secrets(whole)
    if isinstance(said, PersonAnswered) and said.arguments is not None and kept != whole:
        raise UsageError(
            "What was said holds a key or a password. It would be kept in the workspace until the run hears it, and secrets are not"
            " kept. Let the tool read it from its environment, or answer in the process of the run, through Agent(approve=...)."
        )
    with db.write() as cursor:
        return _put(cursor, run_id, said, kept, at)


def pass_on(cursor: Cursor, run_id: str, said: Sequence[Said], *, at: datetime) -> None:
    """Say to a part of a run what the run itself was told by a person."""
    for each in said:
        _put(cursor, run_id, each, json_without_secrets(to_json(type(each), each)), at)


def waiting(db: Database, run_id: str) -> tuple[Control, ...]:
    """What the run has not heard yet, oldest first. Costs one look at an index.

    Raises:
        WorkspaceError: A row can't be read.
    """
    rows = db.rows("SELECT number, at, what, body FROM controls WHERE run_id = ? AND taken = 0 ORDER BY number", (run_id,))
    return tuple(_control(db, run_id, *row) for row in rows) if rows else ()


def take(cursor: Cursor, numbers: Sequence[int]) -> None:
    """The run has heard them. In the transaction that saves what it made of them, so that nothing is heard twice or not at all."""
    cursor.executemany("UPDATE controls SET taken = 1 WHERE number = ?", [(number,) for number in numbers])


def _put(cursor: Cursor, run_id: str, said: Said, body: str, at: datetime) -> int:
    row = cursor.execute(
        "INSERT INTO controls (run_id, at, what, body) VALUES (?, ?, ?, ?) RETURNING number",
        (run_id, time_to_text(at), _NAMES[type(said)], body),
    ).fetchone()
    assert row is not None, "what is inserted has a number"
    return int(row[0])


def _control(db: Database, run_id: str, number: int, at: str, what: str, body: str) -> Control:
    kind = _KINDS.get(what)
    try:
        if kind is None:
            raise ValueError(f"there is no {what!r} among {', '.join(_KINDS)}")
        return Control(number, run_id, datetime.fromisoformat(at), from_json(kind, body))
    except ValueError as error:
        raise WorkspaceError(
            f"What was said to {run_id} as number {number} (table controls of {db.path}) can't be read: {error}. Nothing was done about it;"
            " delete the row to go on without it."
        ) from error
