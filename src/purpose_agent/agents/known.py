"""Who in this process goes by a name, since jobs name who does them instead of holding it.

In:  agents, flows and teams, each with the workspace that it is in; flows of functions alone, which are in none.
Out: the one of that name; where there are others of it.

The last one of a name counts, unless who asks can tell which of them is meant. By folder, not by object: two workspaces of
one path know the same.
"""

from pathlib import Path
from typing import TypeAlias
from weakref import ref

from purpose_agent.runtime.jobs import JobKind

Names: TypeAlias = dict[tuple[JobKind, str], object]

NOWHERE: Names = {}
"""Flows that are in no workspace, or not yet."""
_at: dict[Path, Names] = {}
_made: "dict[tuple[JobKind, str], list[tuple[ref[object], Names]]]" = {}
"""All that have one name, as long as anybody has them, and where they are; the last one last."""


def names_at(place: Path) -> Names:
    """Those that are in that workspace."""
    return _at.setdefault(place, {})


def know(names: Names, kind: JobKind, name: str, who: object) -> None:
    """Know `who` by its name in one workspace; from then on it is not nowhere."""
    names[kind, name] = who
    if names is not NOWHERE and NOWHERE.get((kind, name)) is who:
        del NOWHERE[kind, name]
    made = _made.setdefault((kind, name), [])
    made[:] = [(each, at) for each, at in made if each() is not None and each() is not who]
    made.append((ref(who), names))


def alike(names: Names, kind: JobKind, name: str) -> tuple[object, ...]:
    """All of that name that are there and still in use, the last one last; where there are none, those that are nowhere."""
    made = [(who, at) for each, at in _made.get((kind, name), ()) if (who := each()) is not None]
    there = tuple(who for who, at in made if at is names)
    return there or tuple(who for who, at in made if at is NOWHERE)


def forget(place: Path) -> None:
    """Let go of those that are there; whoever holds their names goes on knowing them."""
    names = _at.pop(place, None)
    for made in _made.values():
        made[:] = [(each, at) for each, at in made if at is not names]


def names_known(place: Path, kind: JobKind) -> tuple[str, ...]:
    """The names of those of a kind that can be asked there."""
    return tuple(sorted({name for names in (_at.get(place, {}), NOWHERE) for of, name in names if of == kind}))


def places_of(kind: JobKind, name: str) -> tuple[Path, ...]:
    """The workspaces in which there is one of that name."""
    return tuple(place for place, names in _at.items() if (kind, name) in names)
