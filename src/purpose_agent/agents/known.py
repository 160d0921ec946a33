"""Who in this process goes by a name, since jobs name who does them instead of holding it.

In:  agents, flows and teams, each with the workspace that it is in; flows of functions alone, which are in none.
Out: the one of that name; where there are others of it.

The last one of a name counts. By folder, not by object: two workspaces of one path know the same.
"""

from pathlib import Path
from typing import TypeAlias

from purpose_agent.runtime.jobs import JobKind

Names: TypeAlias = dict[tuple[JobKind, str], object]

NOWHERE: Names = {}
"""Flows that are in no workspace, or not yet."""
_at: dict[Path, Names] = {}


def names_at(place: Path) -> Names:
    """Those that are in that workspace."""
    return _at.setdefault(place, {})


def know(names: Names, kind: JobKind, name: str, who: object) -> None:
    """Know `who` by its name in one workspace; from then on it is not nowhere."""
    names[kind, name] = who
    if names is not NOWHERE and NOWHERE.get((kind, name)) is who:
        del NOWHERE[kind, name]


def forget(place: Path) -> None:
    """Let go of those that are there; whoever holds their names goes on knowing them."""
    _at.pop(place, None)


def names_known(place: Path, kind: JobKind) -> tuple[str, ...]:
    """The names of those of a kind that can be asked there."""
    return tuple(sorted({name for names in (_at.get(place, {}), NOWHERE) for of, name in names if of == kind}))


def places_of(kind: JobKind, name: str) -> tuple[Path, ...]:
    """The workspaces in which there is one of that name."""
    return tuple(place for place, names in _at.items() if (kind, name) in names)
