"""A task that a flow is given: its first state, and what its checks say of the flow's answer.

In:  a `Task`.
Out: values of a state; success and Φ.

Its labels and limits hold for the tasks of all agents in the flow (`workflow_nodes.py`).
"""

from dataclasses import replace
from typing import NamedTuple

from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.ports import CodeRunner
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import CheckCritic, failures


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
