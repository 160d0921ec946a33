"""Curves on disk: all that the tables are computed from.

In:  learning curves.
Out: one JSON file with date, machine, commit and versions; and back.

Each column of the outcomes is written once if it has the same value throughout; success as a string of 1, 0 and ?. Of
times only the mean of all tasks looked at together is kept, and of scores six decimals.
`python -m benchmarks.learning.report FILE ...` prints the tables of such a file.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.figures import commit, machine
from benchmarks.learning.protocol import Curve, Outcome

PACKAGES = ("purpose-agent", "xllamacpp", "textworld-express", "minigrid", "grasp-skills")
"""Their versions belong to the numbers, where they are installed here."""
SUCCESS = {True: "1", False: "0", None: "?"}
JUDGED = {letter: success for success, letter in SUCCESS.items()}
COLUMNS: Mapping[str, Callable[[Outcome], int | float | None]] = {
    "score": lambda outcome: None if outcome.score is None else round(outcome.score, 6),
    "steps": lambda outcome: outcome.steps,
    "tokens": lambda outcome: outcome.tokens,
    "memory_tokens": lambda outcome: outcome.memory_tokens,
    "memory_seconds": lambda outcome: outcome.memory_seconds,
    "seconds": lambda outcome: outcome.seconds,
}
MEANS = {"memory_seconds", "seconds"}


def save_curves(path: Path, curves: Sequence[Curve]) -> None:
    """Write them, one curve a line, in place of what is there."""
    head = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "commit": commit(),
        "versions": versions(),
    }
    lines = ",\n".join(json.dumps(_to_json(curve), separators=(",", ":")) for curve in curves)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "curves": [\n{lines}\n]}}\n')


def load_curves(path: Path) -> list[Curve]:
    """What `save_curves` wrote."""
    return [_from_json(each) for each in json.loads(path.read_text())["curves"]]


def versions() -> dict[str, str]:
    """Of the packages that the numbers depend on, as far as they are installed in this environment."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _to_json(curve: Curve) -> dict[str, Any]:
    return {
        "condition": curve.condition,
        "world": curve.world,
        "control": curve.control,
        "seed": curve.seed,
        "retries": curve.retries,
        "held_out": list(curve.held_out),
        "settle_tokens": curve.settle_tokens,
        "settle_steps": curve.settle_steps,
        "settle_seconds": round(curve.settle_seconds, 6),
        "points": [[trained, _columns(outcomes)] for trained, outcomes in curve.points],
        "training": _columns(curve.training),
        "restarted": None if curve.restarted is None else _columns(curve.restarted),
    }


def _from_json(data: Mapping[str, Any]) -> Curve:
    return Curve(
        condition=data["condition"],
        world=data["world"],
        control=data["control"],
        seed=data["seed"],
        held_out=tuple(data["held_out"]),
        points=tuple((trained, _outcomes(columns)) for trained, columns in data["points"]),
        training=_outcomes(data["training"]),
        settle_tokens=data["settle_tokens"],
        settle_steps=data["settle_steps"],
        settle_seconds=data["settle_seconds"],
        restarted=None if data["restarted"] is None else _outcomes(data["restarted"]),
        retries=data["retries"],
    )


def _columns(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    columns: dict[str, Any] = {"success": "".join(SUCCESS[outcome.success] for outcome in outcomes)}
    for name, value_of in COLUMNS.items():
        values = [value_of(outcome) for outcome in outcomes]
        if name in MEANS and values:
            columns[name] = round(fmean(value for value in values if value is not None), 9)
        else:
            columns[name] = values[0] if values and len(set(values)) == 1 else values
    return columns


def _outcomes(columns: Mapping[str, Any]) -> tuple[Outcome, ...]:
    judged: str = columns["success"]
    rows = [columns[name] if isinstance(columns[name], list) else [columns[name]] * len(judged) for name in COLUMNS]
    return tuple(Outcome(JUDGED[letter], *row) for letter, *row in zip(judged, *rows, strict=True))
