"""The state of a workflow: JSON values by name, seen by its functions in the types that its author declared.

In:  a first state; what nodes hand back.
Out: values that the record can hold; the same in the author's types; the updates of one superstep as one.

The values are the truth and the types a view of them: what a function is given is its own, and changing it changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from math import isfinite
from typing import Annotated, Any, Final, TypeAlias, cast, get_args, get_origin, get_type_hints

from purpose_agent.agents.flows.graph import called, seen
from purpose_agent.agents.flows.task import state_of
from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_function, check_kind
from purpose_agent.core.messages import Json
from purpose_agent.core.task import Task

Reducer: TypeAlias = Callable[[Any, Any], object]
"""What was there and what is new → what is there then, such as `operator.add`."""
_ATOMS: Final = (str, int, type(None), bool)


class Shape:
    """What a state may hold, and how it is merged.

    Args:
        kind: A TypedDict, a dataclass or a pydantic model; None: any names, any JSON values. `Annotated[list[str], operator.add]`
            declares a reducer in the class itself.
        merge: Reducers by name.

    Raises:
        UsageError: `kind` is no such class, or `merge` names what it lacks.
    """

    def __init__(self, kind: type | None, merge: Mapping[str, Reducer]) -> None:
        check_kind(
            f"Flow(merge={merge!r:.80})",
            merge,
            Mapping,
            "give a dict, by name how two values become one: {'notes': operator.add}",
        )
        for name, reducer in merge.items():
            check_function(f"Flow(merge={{{name!r}: {reducer!r:.80}}})", reducer, "what was there and what is new")
        self._kind = kind
        self._fields: Mapping[str, Any] | None = None
        self._adapters: dict[str, Any] = {}
        self.reducers: dict[str, Reducer] = dict(merge)
        self._is_view_a_dict = kind is None or _is_typed_dict(kind)
        if kind is None:
            return
        if not (self._is_view_a_dict or hasattr(kind, "__dataclass_fields__") or hasattr(kind, "model_fields")):
            raise UsageError(f"Flow(state={kind!r}): give a TypedDict, a dataclass or a pydantic model, or None.")
        self._fields = get_type_hints(kind, include_extras=True)
        for name, hint in self._fields.items():
            declared = [each for each in get_args(hint)[1:] if callable(each)] if get_origin(hint) is Annotated else []
            if declared:
                self.reducers.setdefault(name, declared[0])
        if unknown := merge.keys() - self._fields.keys():
            raise UsageError(f"Flow(merge=...): {kind.__name__} has no {', '.join(map(repr, sorted(unknown)))}.")

    def first(self, state: object) -> dict[str, Json]:
        """The first state, from what the caller gave.

        Raises:
            UsageError: It is no state, or not one of this shape.
        """
        if state is None:
            return self.update({}, "The first state")
        if isinstance(state, str):
            return self.update({"task": state}, "The first state")
        return self.update(state_of(state) if isinstance(state, Task) else state, "The first state")

    def view(self, values: Mapping[str, Json]) -> Any:
        """The values as a function sees them.

        Raises:
            UsageError: They lack what the class needs.
        """
        own = {name: value if type(value) in _ATOMS else copied(value) for name, value in values.items()}
        if self._is_view_a_dict:
            return own
        try:
            return self._adapter("", self._kind).validate_python(own)
        except ValueError as error:
            raise UsageError(
                f"The state {sorted(values)} is no {_name(self._kind)}: {error}. Give its fields defaults, or values in run(state)."
            ) from error

    def has(self, name: str) -> bool:
        """Whether a state may hold that."""
        return self._fields is None or name in self._fields

    def update(self, given: object, who: str) -> dict[str, Json]:
        """What somebody hands back, as the record can hold it.

        Args:
            who: For the message: "Node 'write'".

        Raises:
            UsageError: It is no update, names what the state lacks, or can't be held by JSON.
        """
        if given is None:
            return {}
        values = cast("Mapping[object, object]", given) if isinstance(given, Mapping) else self._dumped(given, who)
        fresh: dict[str, Json] = {}
        for name, value in values.items():
            if not isinstance(name, str):
                raise UsageError(f"{who} gave {name!r} as the name of a value; names are texts.")
            if self._fields is not None:
                value = self._typed(name, value, who)
            fresh[name] = cast("Json", value) if type(value) in _ATOMS else plain(value, f"{who} gave {name!r}")
        return fresh

    def merged(self, state: Mapping[str, Json], updates: Sequence[tuple[str, Mapping[str, Json]]]) -> dict[str, Json]:
        """What one superstep changes, from what each of its nodes handed back.

        Args:
            updates: By node, in the order in which they count.

        Raises:
            UsageError: Two nodes wrote one value, and nobody said how the two become one.
        """
        reducers = self.reducers
        if len(updates) == 1 and not reducers:
            return dict(updates[0][1])
        changed: dict[str, Json] = {}
        wrote: dict[str, str] = {}
        for node, update in updates:
            for name, value in update.items():
                reducer = reducers.get(name)
                if reducer is None:
                    if name in wrote:
                        raise UsageError(
                            f"Nodes {wrote[name]!r} and {node!r} both wrote {name!r} in one superstep. Say how the two become one: "
                            f"Flow(merge={{{name!r}: operator.add}}), or let them write two names."
                        )
                    changed[name] = value
                else:
                    changed[name] = self._reduced(reducer, name, {**state, **changed}, value, node)
                wrote[name] = node
        return changed

    def _reduced(self, reducer: Reducer, name: str, state: Mapping[str, Json], value: Json, node: str) -> Json:
        before = state.get(name)
        if before is None:
            return value
        try:
            after = reducer(copied(before), copied(value))
        # A door: a reducer is the author's function, and the message has to say which one it was.
        except Exception as error:
            raise UsageError(
                f"What node {node!r} gave {name!r} can't be merged: the reducer {called(reducer)} failed on {seen(state)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return plain(after, f"The reducer {called(reducer)}, merging what node {node!r} gave, gave {name!r}")

    def _dumped(self, given: object, who: str) -> Mapping[object, object]:
        dump = getattr(given, "model_dump", None)
        if self._kind is not None and isinstance(given, self._kind) and callable(dump):
            return cast("Mapping[object, object]", dump(mode="json", exclude_unset=True))
        if self._kind is not None and isinstance(given, self._kind) and is_dataclass(given) and not isinstance(given, type):
            return cast("Mapping[object, object]", asdict(given))
        raise UsageError(
            f"{who} is {given!r:.80}, of type {type(given).__name__}; it should be a dict of values by name, or None."
        )

    def _typed(self, name: str, value: object, who: str) -> object:
        """The value as its declared type writes it."""
        assert self._fields is not None, "asked of a typed state only"
        if name not in self._fields:
            raise UsageError(f"{who} gave {name!r}, which the state lacks. It has {', '.join(self._fields)}.")
        adapter = self._adapter(name, self._fields[name])
        try:
            return adapter.dump_python(adapter.validate_python(value), mode="json")
        except ValueError as error:
            raise UsageError(f"{who} gave {name!r} a value of another type: {error}") from error

    def _adapter(self, name: str, kind: Any) -> Any:
        if name not in self._adapters:
            from pydantic import TypeAdapter

            self._adapters[name] = TypeAdapter(kind)
        return self._adapters[name]


def plain(value: object, what: str) -> Json:
    """A copy of `value` in what JSON can hold: texts, numbers, true, false, null, lists, and dicts by text.

    Args:
        what: For the message: "Node 'a' gave 'x'".

    Raises:
        UsageError: It holds anything else.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # of an enumeration: the text it stands for
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if isfinite(value):
            return value
        raise UsageError(f"{what} the value {value}, which JSON can't hold; None says that a number is unknown.")
    if isinstance(value, list | tuple):
        return [plain(each, what) for each in cast("Sequence[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[object, object]", value)
        if wrong := [name for name in items if not isinstance(name, str)]:
            raise UsageError(f"{what} a dict with the key {wrong[0]!r}; what is recorded has texts as keys.")
        return {str(name): plain(each, what) for name, each in items.items()}
    raise UsageError(
        f"{what} a value of type {type(value).__name__}, which the record can't hold. Hand back what JSON can hold, or declare its type: "
        "Flow(state=...)."
    )


def copied(value: Json) -> Json:
    """A copy that shares nothing with `value` that could be changed."""
    if isinstance(value, list):
        return [copied(each) for each in value]
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return value


def _is_typed_dict(kind: type) -> bool:
    from typing import is_typeddict

    return is_typeddict(kind)


def _name(kind: type | None) -> str:
    return kind.__name__ if kind is not None else "state"
