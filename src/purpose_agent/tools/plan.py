"""A plan: tool calls that wait for each other's results.

In:  calls in the order in which a model wrote them, and what each gave as it comes back.
Out: which calls can be made now, and with which arguments; of one that can't be made, why.

A call may use the results of calls that were written before it, in this plan or an earlier one. So a plan has no cycles, and
the first call can be made while the second is being written. A use of a later call is a fault of the one that uses it, told
once the plan is complete and it is clear whether that one exists. Data and decisions only: nothing is carried out here.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from purpose_agent.core.action import Observation
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.tools.plan_text import WrittenCall

_TWICE: Final = "there are two calls with the number"
_PLACEHOLDER = re.compile(r"\$(?:(\$)|\{(\d+)\}|(\d+))")
_WHOLE = re.compile(r"\s*\$(?:\{(\d+)\}|(\d+))\s*")


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call of a plan.

    Attributes:
        call: Placeholders in its arguments; its id is unique in the run. What could not be read is its `problem`.
        needs: Calls that it uses, by their numbers: their ids.
        unknown: Numbers it uses that nothing had when it was written.
    """

    number: int
    call: ToolCall
    needs: Mapping[int, str]
    unknown: frozenset[int] = frozenset()


@dataclass(slots=True)
class Plan:
    """The calls of one plan, and what has come of them.

    Attributes:
        step: Of the run, for the ids of the calls.
        known: The calls of earlier plans that may be used, by their numbers: their ids. A number that is used again stands for
            the call before which it was read last.
        seen: What calls gave, by their ids; those of earlier plans as well.
        uncut: Whole results, by the ids of their calls, of which `seen` has only a part.
        calls: By their ids, in the order in which they were written.
        complete: No more calls come.
    """

    step: int
    known: dict[int, str] = field(default_factory=dict[int, str])
    seen: dict[str, Observation] = field(default_factory=dict[str, Observation])
    uncut: Mapping[str, str] = field(default_factory=dict[str, str])
    calls: dict[str, PlannedCall] = field(default_factory=dict[str, PlannedCall])
    complete: bool = False
    _taken: set[str] = field(default_factory=set[str])
    _lent: set[int] = field(default_factory=set[int])

    def add(self, written: WrittenCall) -> PlannedCall:
        """The next call.

        Without a number it gets one that is free so far, and loses it to a call that is written with it. With one that another call of
        the plan was written with, it can't be made, and the number stays with the other.
        """
        own = {each.number for each in self.calls.values()}
        number, problem = written.number, written.problem
        if number is None:
            number = max([0, *own, *self.known]) + 1
            self._lent.add(number)
        elif number in self._lent:
            self._lent.remove(number)
        elif number in own:
            problem = f"{_TWICE} {number}"
        call_id = f"plan{self.step}_{number}"
        if call_id in self.calls:
            call_id = f"plan{self.step}_{len(self.calls) + 1}_{number}"
        return self.put(number, ToolCall(call_id, written.name, written.arguments, problem))

    def put(self, number: int, call: ToolCall) -> PlannedCall:
        """As `add`, of a call that has its number and its id."""
        used = used_by(call.arguments)
        planned = PlannedCall(
            number,
            call,
            {each: self.known[each] for each in sorted(used) if each in self.known},
            frozenset(used - self.known.keys()),
        )
        self.calls[call.id] = planned
        if call.problem is None or not call.problem.startswith(_TWICE):
            self.known[number] = call.id
        return planned

    def take(self) -> list[PlannedCall]:
        """The calls that nothing holds back any more, each one once: to be made, or to be told that they can't be."""
        ready = [
            each
            for each in self.calls.values()
            if each.call.id not in self._taken
            and (not each.unknown or self.complete)
            and all(needed in self.seen for needed in each.needs.values())
        ]
        self._taken |= {each.call.id for each in ready}
        return ready

    def fault(self, planned: PlannedCall) -> str | None:
        """Why a call that was taken can't be made; None: it can."""
        if planned.call.problem is not None:
            return f"it could not be read: {planned.call.problem}."
        if planned.unknown:
            return self._about_unknown(planned)
        failed = [number for number, needed in planned.needs.items() if not self.seen[needed].ok]
        if failed:
            return f"it uses {_listed(failed)}, which failed."
        if parts := self.parts(planned):
            seen = self.seen[planned.needs[parts[0]]]
            told = f"of whose result only a part was kept when the run was interrupted ({seen.truncated} characters are gone)"
            return f"it uses {_listed(parts)}, {told}. Call {seen.tool} again."
        return None

    def parts(self, planned: PlannedCall) -> list[int]:
        """The calls it uses of whose results there is only a part: those were told in another process."""
        return [number for number, needed in planned.needs.items() if self.seen[needed].truncated and needed not in self.uncut]

    def filled(self, planned: PlannedCall, parameters: Mapping[str, Json]) -> ToolCall:
        """The call with results in the places of its placeholders.

        Args:
            parameters: The JSON schema of the tool's arguments.
        """
        results = {number: self.uncut.get(needed, self.seen[needed].content) for number, needed in planned.needs.items()}
        schemas = _properties(parameters)
        return replace(
            planned.call,
            arguments={
                name: _filled(value, results, schemas.get(name, True)) for name, value in planned.call.arguments.items()
            },
        )

    def _about_unknown(self, planned: PlannedCall) -> str:
        own = {each.number: each for each in self.calls.values() if self.known[each.number] == each.call.id}
        later = sorted(planned.unknown & own.keys())
        if not later:
            return f"it uses {_listed(planned.unknown)}, and there is no such call. A dollar sign is written $$."
        path = self._path(own, later[0], planned.number)
        if path is not None:
            return f"it waits for itself: {' → '.join(f'${number}' for number in (planned.number, *path))}."
        return f"it uses {_listed(later)}, which comes later. A call can only use those above it."

    def _path(self, own: Mapping[int, PlannedCall], start: int, goal: int) -> tuple[int, ...] | None:
        """From what `start` uses to `goal`, if it does at all."""
        paths = [(start,)]
        passed: set[int] = set()
        while paths:
            path = paths.pop()
            if path[-1] == goal:
                return path
            if path[-1] in passed or path[-1] not in own:
                continue
            passed.add(path[-1])
            paths += [(*path, number) for number in (*own[path[-1]].needs, *own[path[-1]].unknown)]
        return None


def number_of(call_id: str) -> int:
    """The number that a call of that id has in its plan."""
    return int(call_id.rpartition("_")[2])


def used_by(value: Json | Mapping[str, Json]) -> set[int]:
    """The numbers of the calls whose results stand in `value`."""
    match value:
        case str():
            return {int(found[2] or found[3]) for found in _PLACEHOLDER.finditer(value) if not found[1]}
        case list():
            return {number for each in value for number in used_by(each)}
        case Mapping():
            return {number for each in value.values() for number in used_by(each)}
        case _:
            return set()


def as_written(calls: Iterable[ToolCall]) -> str:
    """The plan as text, one call a line."""
    lines: list[str] = []
    for call in calls:
        arguments = ", ".join(f"{name}={_shown(value)}" for name, value in call.arguments.items())
        lines.append(f"{number_of(call.id)}. {call.name}({'…' if call.problem is not None else arguments})")
    return "\n".join([*lines, "join()"])


def same_call(call: ToolCall) -> str:
    """Equal for calls that ask for the same."""
    return f"{call.name} {json.dumps(dict(call.arguments), sort_keys=True, ensure_ascii=False)}"


def parameters_of(schema: Mapping[str, Json]) -> tuple[str, ...]:
    """The names of a tool's parameters, in their order."""
    return tuple(_properties(schema))


def _properties(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _shown(value: Json) -> str:
    if isinstance(value, str) and (found := _WHOLE.fullmatch(value)):
        return f"${found[1] or found[2]}"
    return json.dumps(value, ensure_ascii=False)


def _filled(value: Json, results: Mapping[int, str], schema: Json) -> Json:
    match value:
        case str():
            if found := _WHOLE.fullmatch(value):
                return _typed(results[int(found[1] or found[2])], schema)
            return _PLACEHOLDER.sub(lambda found: "$" if found[1] else results[int(found[2] or found[3])], value)
        case list():
            items = schema.get("items", True) if isinstance(schema, dict) else True
            return [_filled(each, results, items) for each in value]
        case dict():
            return {name: _filled(each, results, True) for name, each in value.items()}
        case _:
            return value


def _typed(content: str, schema: Json) -> Json:
    """A result as a value: what it is as JSON, unless it is none or the argument is to be a text."""
    try:
        value: Json = json.loads(content)
    except (ValueError, RecursionError):
        return content
    wanted = _types(schema)
    return content if "string" in wanted and _type_of(value) not in wanted else value


def _types(schema: Json) -> set[str]:
    """The JSON types that a schema names at its top; none if it names none."""
    if not isinstance(schema, dict):
        return set()
    named = schema.get("type")
    several: list[Json] = named if isinstance(named, list) else [named]
    types = {each for each in several if isinstance(each, str)}
    for part in ("anyOf", "oneOf"):
        options = schema.get(part)
        types |= {each for option in options for each in _types(option)} if isinstance(options, list) else set()
    return types


def _type_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def _listed(numbers: Iterable[int]) -> str:
    return " and ".join(f"${number}" for number in sorted(numbers))
