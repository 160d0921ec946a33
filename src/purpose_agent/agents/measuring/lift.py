"""Does learning help on my tasks? The same tasks and seeds, without memory and with it.

In:  tasks with checks, or an agent whose world judges; an agent or a model.
Out: a `LiftReport`.

A part of the tasks is held out: run without memory, then, after the agent has learned on the others, with it. Held-out
runs are evaluations: nothing is recorded or learned of them. The learning takes place in a temporary folder, unless a
workspace is given. Not here: comparing models, and tasks that nobody can judge.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.budget import Budget
from purpose_agent.agents.measuring.report import LiftReport, counted
from purpose_agent.agents.measuring.runs import Measurement
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Model
from purpose_agent.core.task import Task
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.sync import run_sync

FEWEST_TASKS = 6
SEEDS = 3
LAST_RUNS = 1_000_000
"""More runs than a workspace is looked through for tasks it knows already."""


def lift(
    tasks: Sequence[Task],
    agent: Agent | None = None,
    *,
    model: str | Model | None = None,
    name: str = "solver",
    workspace: Workspace | str | Path | None = None,
    seeds: int = SEEDS,
    learn: bool = True,
    ablate: bool = False,
    budget: Budget | None = None,
    watch: Listener | None = None,
) -> LiftReport:
    """Measure what memory does for `agent` on `tasks`: success with it minus success without it.

    Args:
        tasks: Each with checks, unless the agent's world judges them; no two alike. About half are learned from, and half
            are measured on, by a hash of their content; in families, the half of each. With fewer than 6 nothing is
            run: it could tell nothing.
        agent: Its workspace and mode are not used, and not changed. None makes one of `name` and `model`.
        workspace: Learn in it, and use what it knows already. None: a temporary folder, empty at first.
        seeds: Runs of each held-out task, on either side. A task with choices is run once: its answer is the
            likeliest one, whatever the seed.
        learn: False: measure what `workspace` knows already.
        ablate: Also run the held-out tasks without each memory alone, if several were used.
        budget: For all runs together. A quarter of it is kept for either side of the measurement.
        watch: Called with every event.

    Raises:
        UsageError: Nobody could judge a task, two are the same, or there is nothing to learn in.
        ModelError: The model failed; half a measurement is none.
    """
    return run_sync(
        lift_async(
            tasks,
            agent,
            model=model,
            name=name,
            workspace=workspace,
            seeds=seeds,
            learn=learn,
            ablate=ablate,
            budget=budget,
            watch=watch,
        )
    )


async def lift_async(
    tasks: Sequence[Task],
    agent: Agent | None = None,
    *,
    model: str | Model | None = None,
    name: str = "solver",
    workspace: Workspace | str | Path | None = None,
    seeds: int = SEEDS,
    learn: bool = True,
    ablate: bool = False,
    budget: Budget | None = None,
    watch: Listener | None = None,
) -> LiftReport:
    """The same as `lift`, for those who are async already."""
    _refuse_what_cannot_be_judged(tasks, agent)
    if seeds < 1:
        raise UsageError(f"lift(seeds={seeds}): give 1 or more.")
    if not learn and workspace is None:
        raise UsageError("Without learning there is nothing to measure in a new folder: name a workspace that has learned.")
    if len(tasks) < FEWEST_TASKS:
        return LiftReport(
            0,
            0,
            notes=(
                f"{counted(len(tasks), 'task')} {'is' if len(tasks) == 1 else 'are'} too few; "
                f"give {FEWEST_TASKS} at least, better 80: half are held out.",
            ),
        )
    with _place(workspace) as place:
        chosen = agent or Agent(name, model=model, critic=None, workspace=place)
        training, held_out, notes = _split(tasks, place, learn)
        measured = Measurement(chosen, place, held_out, seeds, budget or Budget(), watch, notes)
        try:
            return await measured.run(training, ablate=ablate, kept=workspace is not None)
        finally:
            if agent is None and (model is None or isinstance(model, str)):
                await _let_go(chosen.setup().model)


async def _let_go(model: Model | None) -> None:
    """Close the connections of a model that was made here."""
    close = getattr(model, "aclose", None)
    if close is not None:
        await close()


def split_tasks(tasks: Sequence[Task]) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """Training and held-out tasks: every second one of each family, in an order made of hashes; each in file order."""
    ranked = sorted(tasks, key=lambda task: (task.family, sha256(f"lift/{task.key}".encode()).digest()))
    kept = {task.key for task in ranked[1::2]}
    return tuple(task for task in tasks if task.key not in kept), tuple(task for task in tasks if task.key in kept)


def _split(tasks: Sequence[Task], place: Workspace, learn: bool) -> tuple[tuple[Task, ...], tuple[Task, ...], list[str]]:
    """No task that the workspace has learned from is measured on."""
    known = {run.task_key for run in place.runs(limit=LAST_RUNS) if run.mode == "learning"}
    training, held_out = split_tasks(tasks) if learn else ((), tuple(tasks))
    seen = tuple(task for task in held_out if task.key in known)
    held_out = tuple(task for task in held_out if task.key not in known)
    notes: list[str] = []
    if seen:
        were, are = ("was", "it is") if len(seen) == 1 else ("were", "they are")
        notes.append(f"{counted(len(seen), 'task')} {were} learned from in {place.path} before: {are} not measured on")
    return (training + seen if learn else ()), held_out, notes


def _refuse_what_cannot_be_judged(tasks: Sequence[Task], agent: Agent | None) -> None:
    seen: set[str] = set()
    for number, task in enumerate(tasks, start=1):
        judged = agent is not None and agent.can_judge(task)
        if task.checks and agent is not None and not agent.takes_checks:
            raise UsageError(f"Task {number} ({task.goal[:60]!r}) has checks, and the agent's world judges. Leave them out.")
        if not task.checks and not judged:
            raise UsageError(
                f"Task {number} ({task.goal[:60]!r}) has no checks: nobody could say whether it was done. Add some."
            )
        if task.key in seen:
            raise UsageError(f"Task {number} ({task.goal[:60]!r}) is there twice. Remove one, or give them different ids.")
        seen.add(task.key)


@contextmanager
def _place(workspace: Workspace | str | Path | None) -> Generator[Workspace]:
    if workspace is not None:
        yield open_workspace(workspace)
        return
    with TemporaryDirectory(prefix="purpose-agent-lift-") as folder:
        place = Workspace(folder)
        try:
            yield place
        finally:
            place.close()
