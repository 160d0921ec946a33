"""What a team of specialists can't be made or run with, said at once; and a task with the facts it is given.

In:  what callers give.
Out: the same in its form, or an error that names the value.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from purpose_agent.agents.specialists.spec import AgentSpec, check_steps
from purpose_agent.agents.team_record import TEAM
from purpose_agent.core.approval import Approvals
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.state import State
from purpose_agent.core.task import Limits, Task, as_task
from purpose_agent.core.tool import Tool


def checked_specs(agents: Sequence[AgentSpec]) -> tuple[AgentSpec, ...]:
    """The agents.

    Raises:
        UsageError: There are none, two of one name, or something that is none.
    """
    given: list[object] = list(agents)
    wrong = [each for each in given if not isinstance(each, AgentSpec)]
    if wrong:
        raise UsageError(f"AgentTeam(agents=…): {wrong[0]!r} is no AgentSpec; write AgentSpec(name=…, role=…).")
    names = [spec.name.strip().casefold() for spec in agents]
    if not names or len(set(names)) < len(names) or TEAM in names:
        named = ", ".join(spec.name for spec in agents) or "nobody"
        raise UsageError(f"AgentTeam(agents=[{named}]): name at least one, no name twice, and none {TEAM!r}.")
    return tuple(agents)


def check_capacity(capacity: object) -> None:
    """Pass silently if it is a whole number above 0.

    Raises:
        UsageError: It is not.
    """
    if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 1:
        raise UsageError(f"AgentTeam(shared_memory_capacity={capacity!r}): give a whole number above 0.")


def check_name(agent_name: str | None, names: Sequence[str]) -> None:
    """Pass silently if somebody has that name, or nobody is named.

    Raises:
        UsageError: Nobody has it.
    """
    if agent_name is not None and agent_name not in names:
        raise UsageError(f"No agent is called {agent_name!r}. Agents: {', '.join(names)}.")


def values_of(state: Mapping[str, Json] | State | None) -> Mapping[str, Json]:
    """Facts by name.

    Raises:
        UsageError: It has no names, or a value that JSON can't hold.
    """
    values = cast("object", state.values if isinstance(state, State) else {} if state is None else state)
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in cast("Mapping[object, object]", values)):
        raise UsageError(f"initial_state={state!r:.200}: give facts by name, such as {{'topic': 'bees'}}.")
    named = cast("Mapping[str, Json]", values)
    for name, value in named.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"initial_state: {name!r} is {value!r:.200}, which JSON can't hold ({error}).") from error
    return named


def task_with(task: Task, state: Mapping[str, Json] | State | None, max_steps: int | None) -> Task:
    """The task with those facts, below its own, and so many steps."""
    check_steps(max_steps, "run_task")
    limits = task.limits if max_steps is None else replace(task.limits or Limits(), steps=max_steps)
    return replace(task, inputs={**values_of(state), **task.inputs}, limits=limits, id=task.id)


def task_again(before: Task, given: str | Task) -> Task:
    """The task as it is given again to go on with it, with what it had from its first call.

    Raises:
        UsageError: It is another task.
    """
    task = as_task(given)
    if task.goal != before.goal:
        raise UsageError(f"resume(task=…): the run is of the task {before.goal[:60]!r}, and {task.goal[:60]!r} is given.")
    return replace(task, inputs={**before.inputs, **task.inputs}, limits=before.limits, id=before.key)


def is_one(environment: object) -> bool:
    """Whether it is a world, and nothing that makes one."""
    return not isinstance(environment, type) and hasattr(environment, "reset")


def approvals_of(approvals: Approvals | None, spec: AgentSpec) -> Approvals | None:
    """Those of its own tools: of a team each one has others."""
    if approvals is None:
        return None
    names = {tool.spec.name if isinstance(tool, Tool) else getattr(tool, "__name__", "") for tool in spec.tools}
    return {name: policy for name, policy in approvals.items() if name == "*" or name in names}
