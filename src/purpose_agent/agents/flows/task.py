"""Tasks of a flow: the one that it is given, and what an agent's task within it has of that and of what nodes wrote.

In:  a `Task`; the values of a state.
Out: the first state; success and Φ of the answer; as much of the values as an agent is shown.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.ports import CodeRunner
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import CheckCritic, failures

MOST_FOUND: Final = 12_000
"""Characters of what nodes wrote that an agent is shown, all values together."""


class Judged(NamedTuple):
    """What checks say of an answer.

    Attributes:
        success: None if one of them could not be run, and none failed.
        why: Which failed; "" if none did.
    """

    success: bool | None
    phi: float | None
    why: str


def state_of(task: Task) -> dict[str, Json]:
    """The first state: the goal as "task", and the inputs.

    Raises:
        UsageError: It has choices, or an input that is called "task".
    """
    if task.choices:
        raise UsageError(
            "A flow's task has no choices: its nodes answer. Give them to the node that chooses: add_node(..., task=...)."
        )
    if "task" in task.inputs:
        raise UsageError("Task(inputs={'task': ...}): that is where a flow's state has the goal; take another name.")
    return {"task": task.goal, **task.inputs}


def within(task: Task, flows: Task) -> Task:
    """A node's task, with the labels and limits of its flow's where it has none of its own."""
    return replace(task, labels={**flows.labels, **task.labels}, limits=task.limits or flows.limits)


def fitted(values: Mapping[str, Json], written: Collection[str]) -> dict[str, Json]:
    """What nodes wrote, in at most `MOST_FOUND` characters together: short ones are left whole, long ones are cut alike."""
    found = {name: value for name, value in values.items() if name in written}
    texts = {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in found.items()}
    room, left = MOST_FOUND, len(texts)
    for name in sorted(texts, key=lambda name: len(texts[name])):
        if len(texts[name]) > room // left:
            found[name] = cut(texts[name], room // left)
        room, left = room - min(len(texts[name]), room // left), left - 1
    return found


def cut(text: str, most: int) -> str:
    """The beginning, and how much was left out."""
    return text if len(text) <= most else f"{text[:most].rstrip()}\n… ({len(text) - most} more characters were left out here)"


async def judged(task: Task, answer: str | None, runner: CodeRunner | None) -> Judged:
    """The answer, by the task's checks; no answer holds none of them.

    Args:
        runner: For code; None: a sandbox.
    """
    if answer is None:
        return Judged(False, 0.0, "there is no answer")
    if runner is None:
        from purpose_agent.sandbox.sandbox import Sandbox

        runner = Sandbox()
    score = await CheckCritic(runner).judge(task, answer, None)
    return Judged(score.passed, score.after, failures(score))
