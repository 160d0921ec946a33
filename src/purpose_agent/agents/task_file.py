"""Tasks in a file: JSON lines, or a YAML list.

In:  a path.
Out: the tasks, all of them or none: whatever is wrong is told with its file, its place and its value.

    {"goal": "Which desk? Where is my parcel?", "checks": [{"equals": "tracking"}], "choices": ["tracking", "sales"]}

Not here: checks that are functions (a file can't hold one), and tasks that need an environment.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from reprlib import Repr
from typing import Any, Protocol, TypeAlias, cast

from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.task import Check, Limits, Task

FIELDS = ("goal", "checks", "choices", "inputs", "family", "id", "limits")
LIMITS = ("steps", "seconds", "tokens", "usd", "retries")
CHECKS: Mapping[str, Callable[[str], Check]] = {
    "python": Check.python,
    "python_tests": Check.python,
    "contains": Check.contains,
    "matches": Check.matches,
    "equals": Check.equals,
}
SHORT = ("python", "contains", "matches", "equals")
SEEN = 80

_REPR = Repr()
_REPR.maxstring = _REPR.maxother = SEEN
_REPR.maxlevel = 3

Entry: TypeAlias = "tuple[str, object]"
"""Where it stands, such as "tasks.jsonl, line 3", and what stands there."""


def load_tasks(path: str | Path) -> tuple[Task, ...]:
    """The tasks of a .jsonl, .yaml or .yml file; at least one.

    Each has a `goal`, and may have `checks`, `choices`, `inputs`, `family` (it becomes the label), `id` and `limits`.
    A check is `{"equals": "text"}`, so too with python, contains and matches; or `{"kind": …, "spec": …}`.

    Raises:
        UsageError: The file can't be read, or an entry is no task; two entries are the same task.
        MissingExtra: It is YAML, and the extra `yaml` is not installed.
    """
    file = Path(path).expanduser()
    match file.suffix.casefold():
        case ".jsonl" | ".ndjson":
            entries = list(_json_lines(file, _text(file)))
        case ".yaml" | ".yml":
            entries = _yaml_list(file, _text(file))
        case other:
            raise UsageError(f"{file} ends in {other!r}. Write tasks as .jsonl (one JSON object a line) or .yaml (a list).")
    if not entries:
        raise UsageError(f"{file} holds no task. Write at least one, such as {json.dumps(_EXAMPLE)}")
    tasks: dict[str, tuple[str, Task]] = {}
    for where, found in entries:
        task = _task(where, found)
        if task.key in tasks:
            raise UsageError(
                f"{where}: the task {_seen(task.id or task.goal)} stands in {tasks[task.key][0]} already. "
                "Remove one of them, or give them different ids."
            )
        tasks[task.key] = (where, task)
    return tuple(task for _, task in tasks.values())


_EXAMPLE = {"goal": "Which desk? Where is my parcel?", "checks": [{"equals": "tracking"}]}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read as text: {error}. Give a file of tasks in UTF-8.") from error


def _json_lines(file: Path, text: str) -> Iterator[Entry]:
    # Not splitlines(): a string of JSON may hold U+2028 and the like as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            yield where, json.loads(line, object_pairs_hook=lambda pairs, at=where: _once(at, pairs))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}: {_seen(line)} is no JSON: {error}. Write one object on each line.") from error


class _Yaml(Protocol):
    """What is used of PyYAML."""

    SafeLoader: type
    YAMLError: type[Exception]

    def load(self, stream: str, Loader: type) -> object: ...


def _yaml_list(file: Path, text: str) -> list[Entry]:
    try:
        module = cast(_Yaml, import_module("yaml"))
    except ImportError as error:
        message = f'{file}: YAML needs an extra: pip install "purpose-agent[yaml]". JSON lines (.jsonl) need none.'
        raise MissingExtra(message) from error

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        where = f"{file}, line {node.start_mark.line + 1}"
        pairs = [(loader.construct_object(key, True), loader.construct_object(value, True)) for key, value in node.value]
        return _once(where, pairs)

    strict: Any = type("StrictLoader", (module.SafeLoader,), {})
    strict.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        found = module.load(text, strict)
    except (module.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no YAML: {' '.join(str(error).split())}. Write a list of tasks: - goal: …") from error
    if found is None:
        return []
    if not isinstance(found, list):
        raise UsageError(f"{file} holds {_seen(found)}, which is no list. Begin each task with '- goal: …'.")
    return [(f"{file}, entry {number}", entry) for number, entry in enumerate(cast("list[object]", found), start=1)]


def _once(where: str, pairs: "Sequence[tuple[Any, Any]]") -> dict[Any, Any]:
    """A mapping; of two values for one name, the first would be lost unseen."""
    found: dict[Any, Any] = {}
    for name, value in pairs:
        if not isinstance(name, str):
            raise UsageError(f"{where}: the name {_seen(name)} is no text. Write it in quotes.")
        if name in found:
            raise UsageError(f"{where}: {name!r} stands there twice, with {_seen(found[name])} and {_seen(value)}. Remove one.")
        found[name] = value
    return found


def _task(where: str, found: object) -> Task:
    entry = _mapping(where, "a task", found, FIELDS)
    if "goal" not in entry:
        raise UsageError(f"{where}: {_seen(entry)} has no 'goal'. Say in words what is wanted.")
    choices = _list(where, "choices", entry.get("choices"))
    checks = _list(where, "checks", entry.get("checks"))
    inputs = entry.get("inputs")
    family = _words(where, "family", entry.get("family") or "")
    try:
        return Task(
            _words(where, "goal", entry["goal"]),
            checks=[_check(where, f"checks[{number}]", check) for number, check in enumerate(checks)],
            limits=_limits(where, entry.get("limits")),
            choices=[_words(where, f"choices[{number}]", choice) for number, choice in enumerate(choices)],
            inputs=None if inputs is None else _plain(where, _mapping(where, "inputs", inputs)),
            labels={"family": family} if family else None,
            id=_words(where, "id", entry.get("id") or ""),
        )
    except UsageError as error:
        raise error if str(error).startswith(where) else UsageError(f"{where}: {error}") from error


def _check(where: str, name: str, found: object) -> Check:
    entry = _mapping(where, name, found, (*SHORT, "kind", "spec"))
    if "kind" in entry or "spec" in entry:
        if set(entry) != {"kind", "spec"}:
            raise UsageError(f"{where}: {name} is {_seen(entry)}; the long form has 'kind' and 'spec', and nothing else.")
        kind, spec = _words(where, f"{name}.kind", entry["kind"]), entry["spec"]
    elif len(entry) == 1:
        ((kind, spec),) = entry.items()
    else:
        raise UsageError(f"{where}: {name} is {_seen(entry)}; write one of {', '.join(SHORT)} in each check.")
    if kind not in CHECKS:
        raise UsageError(f"{where}: {name}.kind is {kind!r}; it is one of {', '.join(CHECKS)}.")
    spec = _words(where, f"{name}.{kind}", spec)
    if not spec:
        raise UsageError(f"{where}: {name}.{kind} is empty; every answer would pass. Say what must be true of the answer.")
    return CHECKS[kind](spec)


def _limits(where: str, found: object) -> Limits | None:
    if found is None:
        return None
    entry = _mapping(where, "limits", found, LIMITS)
    for name, value in entry.items():
        whole = name in ("steps", "tokens", "retries")
        least = "0 or more" if name == "retries" else "above 0"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise UsageError(f"{where}: limits.{name} is {_seen(value)}; give a {'whole ' if whole else ''}number, {least}.")
    return Limits(**cast("dict[str, Any]", entry))


def _mapping(where: str, name: str, found: object, known: Sequence[str] = ()) -> dict[str, object]:
    if not isinstance(found, dict):
        raise UsageError(f"{where}: {name} is {_seen(found)}; it must be a mapping, such as {json.dumps(_EXAMPLE)}")
    entry = cast("dict[str, object]", found)
    for key in entry:
        if known and key not in known:
            raise UsageError(f"{where}: {name} has the field {key!r}, which nobody reads. Known: {', '.join(known)}.")
    return entry


def _list(where: str, name: str, found: object) -> list[object]:
    if found is None:
        return []
    if not isinstance(found, list):
        raise UsageError(f"{where}: {name} is {_seen(found)}; it must be a list.")
    return cast("list[object]", found)


def _words(where: str, name: str, found: object) -> str:
    if not isinstance(found, str):
        raise UsageError(f"{where}: {name} is {_seen(found)}, which is no text. Write it in quotes.")
    return found


def _plain(where: str, inputs: dict[str, object]) -> Any:
    """Inputs are stored as JSON; YAML also knows dates and sets."""
    try:
        return json.loads(json.dumps(inputs, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: inputs can't be kept as JSON: {error}. Write such a value in quotes.") from error


def _seen(value: object) -> str:
    return _REPR.repr(value)
