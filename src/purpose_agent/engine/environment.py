"""A world that neither lists what can be done in it nor judges: an agent's tool calls act in it, and show what they changed.

In:  a world with `reset`, `execute` and `is_terminal`; the tools of an agent.
Out: the same tools. Each call that succeeded is an action of the world too, and its result says what that changed.

An agent without tools gets one, `act(command)`. An answer is an action as well. The facts of the world are part of the run's state,
those of a task go before them. Calls of one decision act one after the other. Success is unknown unless the world says it, by a method
`succeeded(state)`, or the task has checks. Not here: worlds that list their actions (`world.py`).
"""

import inspect
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from reprlib import repr as short
from typing import Any, NoReturn, cast

from purpose_agent.core.action import COMMAND, Action, Finish, Observation, ToolUse
from purpose_agent.core.errors import CantResume, ToolError, UsageError
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.core.model import ToolSpec
from purpose_agent.core.origin import lowest
from purpose_agent.core.ports import Environment
from purpose_agent.core.state import State, diff
from purpose_agent.core.task import Task
from purpose_agent.tools.executor import ToolExecutor, shortened

NEEDED = ("reset", "execute", "is_terminal")
_SPEC = ToolSpec(
    COMMAND,
    "Act in the world. The result says what changed.",
    {
        "type": "object",
        "properties": {"command": {"type": "string", "description": "What to do, in words."}},
        "required": ["command"],
        "additionalProperties": False,
    },
)


@dataclass(frozen=True, slots=True)
class ActTool:
    """Carries a command to the world; what it gives is for the world to say."""

    spec: ToolSpec = _SPEC
    seconds: float = 60.0

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """One command in words."""
        command = arguments.get("command")
        if set(arguments) != {"command"} or not isinstance(command, str) or not command.strip():
            raise ToolError(f"{COMMAND} takes one argument, 'command', in words; it got {dict(arguments)!r:.200}.")
        return {"command": command}

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """Nothing by itself."""
        return ""


class Surroundings:
    """The world of one run, with its answers looked at.

    Attributes:
        state: Its facts, and those of the task, as `execute` gets them.
    """

    def __init__(self, world: Environment) -> None:
        self._world = world
        self.name = type(world).__name__
        self.state = State()
        self._told = State()
        self._own: set[str] = set()

    def begin(self, task: Task) -> Task:
        """The task with the first facts of the world, below its own."""
        first = self._state("reset", self._world.reset())
        self._own = set(first.values)
        self.state = self._told = State({**first.values, **task.inputs})
        return replace(task, inputs=self.state.values, id=task.key)

    def is_terminal(self) -> bool:
        """Nothing can be done any more."""
        return self._bool("is_terminal", self._world.is_terminal(self.state))

    def succeeded(self) -> bool | None:
        """What the world says; None if it has no word on it."""
        says = getattr(self._world, "succeeded", None)
        said: object = says(self.state) if callable(says) else None
        return None if said is None else self._bool("succeeded", said)

    async def execute(self, action: Action) -> str:
        """Act, and say what changed; "" if nothing did. What an earlier fact of the world's became is gone if it isn't there now."""
        after: object = self._world.execute(action, self.state)
        now = self._state("execute", await cast("Awaitable[object]", after) if inspect.isawaitable(after) else after)
        kept = {name: value for name, value in self.state.values.items() if name not in self._own}
        self._own |= now.values.keys() - kept.keys()
        before, self.state = self.state, State({**kept, **now.values})
        delta = diff(before, self.state)
        changed = {**delta.added, **{name: new for name, (_, new) in delta.changed.items()}}
        return "\n".join([*([State(changed).render()] if changed else []), *(f"{name}: gone" for name in delta.removed)])

    def fold(self, state: State) -> tuple[State, Mapping[str, Json], tuple[str, ...]]:
        """A run's state with what has changed here since the last time, and what that was."""
        delta = diff(self._told, self.state)
        self._told = self.state
        changed = {**delta.added, **{name: new for name, (_, new) in delta.changed.items()}}
        left = {name: value for name, value in state.values.items() if name not in delta.removed}
        return State({**left, **changed}), changed, tuple(delta.removed)

    async def redo(self, action: Action, seen: Sequence[Observation]) -> None:
        """What a step did, once more, in a world that begins anew: the calls that succeeded, in their order.

        Raises:
            CantResume: The world says that this can't be done.
        """
        if not getattr(self._world, "replayable", True):
            raise CantResume(
                f"{self.name} says replayable = False: what was done in it can't be done again, so the run is over."
            )
        if isinstance(action, Finish):
            await self.execute(action)
        calls = action.calls if isinstance(action, ToolUse) else ()
        done = {each.call_id for each in seen if each.ok}
        for call in calls:
            if call.id in done:
                await self.execute(ToolUse((call,)))

    def check_same(self, known: State, run_id: str) -> None:
        """Pass silently if the world came to where it was; and what it says from now on is news.

        Raises:
            CantResume: It came to another state when the same was done in it again.
        """
        other = [name for name, value in self.state.values.items() if known.values.get(name) != value]
        if other:
            raise CantResume(
                f"The same actions led {self.name} to another state than before ({', '.join(sorted(other))}), so {run_id} can't go on in"
                " it. A world that leaves something to chance has to draw it from the task, or keep it in its State."
            )
        self._told = self.state

    def tools(self, own: ToolExecutor) -> ToolExecutor:
        """An agent's tools, which act here too."""
        return InWorld(own, self)

    def _state(self, method: str, said: object) -> State:
        return said if isinstance(said, State) else self._refuse(method, said, "a State")

    def _bool(self, method: str, said: object) -> bool:
        return bool(said) if type(said).__name__ in ("bool", "bool_") else self._refuse(method, said, "True or False")

    def _refuse(self, method: str, said: object, wanted: str) -> NoReturn:
        raise UsageError(f"{self.name}.{method}() gave {short(said)}, of type {type(said).__name__}; it must give {wanted}.")


class InWorld(ToolExecutor):
    """Tools whose calls are actions of a world."""

    def __init__(self, own: ToolExecutor, surroundings: Surroundings) -> None:
        super().__init__(tuple(own.tools.values()) or (ActTool(),), max_chars=own.max_chars)
        self._surroundings = surroundings
        self._one_at_a_time = _lock()

    async def _observe(self, call: ToolCall) -> tuple[Observation, str]:
        seen, whole = await super()._observe(call)
        if not seen.ok:
            return seen, whole
        async with self._one_at_a_time:
            told = await self._surroundings.execute(ToolUse((call,)))
        content, left_out = shortened("\n".join(filter(None, [seen.content, told])) or "Nothing changed.", self.max_chars)
        source = self._surroundings.name if call.name == COMMAND else seen.source
        seen = replace(
            seen, content=content, truncated=seen.truncated + left_out, origin=lowest(seen.origin, "tool"), source=source
        )
        return seen, "\n".join(filter(None, [whole, told]))


def _lock() -> Any:
    import anyio

    return anyio.Lock()
