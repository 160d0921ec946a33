"""The first five minutes: a model, a purpose, a first task, a first lesson.

In:  answers, typed or piped.
Out: a team that has done something, and the commands to go on with.

Every question may be answered with nothing. Where the input ends it says so and leaves in peace; where there is
nobody to answer it explains itself instead of waiting.
"""

import os
import select
import sys
from importlib.util import find_spec
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING

from purpose_agent.cli.going_on import Called, told_after_ctrl_c
from purpose_agent.cli.outcome import show_result
from purpose_agent.cli.progress import bytes_progress
from purpose_agent.cli.render import plain, say, size, table, watching
from purpose_agent.cli.runs import settled_words
from purpose_agent.core.errors import NoModelFound
from purpose_agent.core.task import Check, Task

if TYPE_CHECKING:
    from purpose_agent.agents.teams.team import Team
    from purpose_agent.core.model import Model

PATIENCE = 1.0
"""Seconds that a pipe may take to say its first word."""
PURPOSE = "Help me write Python code"
FIRST_TASK = Task(
    "Write a Python function is_leap(year) that tells whether a year is a leap year.",
    checks=[Check.python("assert is_leap(2024)\nassert not is_leap(2023)\nassert not is_leap(1900)\nassert is_leap(2000)")],
)
NEXT = """What to do next:
  purpose-agent run "TASK"          have something done; --tests FILE checks it, --watch shows how
  purpose-agent runs list           what was done
  purpose-agent memories list       what was learned; `memories why ID` tells on what evidence
  purpose-agent models list         local models, their size and licence
  purpose-agent doctor              what works on this machine
From Python:  import purpose_agent as pa; pa.purpose("Help me write Python code").run("...")"""


def first_minutes(workspace: Path | None) -> None:
    """Lead through it."""
    say("purpose-agent: a team of agents that keeps what it learns, on this machine.\n", style="bold")
    if _nobody_there():
        say("This is the guided start. It asks a few questions, and there is nobody here to answer them.\n")
        say(NEXT)
        return
    try:
        _lead(workspace)
    except EOFError:
        say("\nThe input ended here, so this ends too. What was saved until now is kept.\n")
        say(NEXT)


def ask(question: str, default: str = "") -> str:
    """The answer, or `default` if it is empty.

    Raises:
        EOFError: The input has ended.
    """
    say(f"{question} [{default}]" if default else question)
    return plain(input("> ")).strip() or default


def _lead(workspace: Path | None) -> None:
    from purpose_agent.agents.teams.purpose import purpose

    model = _model()
    if model is None:
        return
    say(f"The model: {model.name}\n")
    team = purpose(ask("What is your team for?", PURPOSE), model=model, workspace=workspace)
    goal = ask("\nA first task?", FIRST_TASK.goal)
    with (
        told_after_ctrl_c(team.workspace, Called(workspace)) as hear,
        watching(every=True, also=hear) as show_event,
    ):
        result = team.run(FIRST_TASK if goal == FIRST_TASK.goal else Task(goal), watch=show_event)
    say()
    show_result(result)
    if any(memory.status == "quarantined" for memory in result.lessons):
        _try_lessons(team)
    _teach(team)
    say(f"\nEverything is kept in {team.workspace.path}.\n")
    say(NEXT)


def _model() -> "Model | None":
    """The best that is there, or that is fetched now; None if the user wants neither."""
    from purpose_agent.models.resolve import resolve_model

    try:
        found = resolve_model(None)
    except NoModelFound as error:
        if find_spec("xllamacpp") is None or not _fetched():
            say(str(error))
            return None
        return resolve_model(None)
    if found.capabilities.local or os.environ.get("PURPOSE_AGENT_MODEL") or _abroad(found.name):
        return found
    say("Then a model on this machine is needed: purpose-agent models pull")
    return None


def _abroad(name: str) -> bool:
    """Whether a model may be used that nobody named, and that is not on this machine."""
    question = f"The model that was found is {name}. It costs money, and your words go there. Use it?"
    return ask(question, "no").lower().startswith("y")


def _fetched() -> bool:
    """Offer the catalogue; whether something was fetched."""
    from purpose_agent.models.catalogue import DEFAULT_MODEL, catalogue, find_weights, pull

    say("There is no model yet. These run in this process, without any server:\n")
    table(("model", "size", "licence"), [(row.name, size(row.bytes), row.licence) for row in catalogue()])
    while True:
        name = ask("\nWhich one shall be fetched? 'no' fetches none.", DEFAULT_MODEL)
        if name.lower() in ("n", "no", "none"):
            return False
        if (weights := find_weights(name)) is not None:
            break
        say(f"{name!r} is not among them.")
    with bytes_progress() as report:
        pull(weights, progress=report)
    return True


def _try_lessons(team: "Team") -> None:
    if ask("\nA lesson waits in quarantine. Try it now, with a few runs with and without it?", "yes").lower().startswith("y"):
        with watching(every=False) as show_event:
            words = settled_words(team.workspace, show_event)
        say(words)


def _teach(team: "Team") -> None:
    lesson = ask("\nTeach me something? One sentence; Enter for nothing.")
    if lesson:
        memory = team.teach(lesson)
        say(f"{memory.status}: {memory.lesson.text}  [{memory.id}]")


def _nobody_there() -> bool:
    """The input is no terminal, and nothing comes out of it: neither words nor its end."""
    if sys.stdin is None or sys.stdin.closed:
        return True
    if sys.stdin.isatty():
        return False
    try:
        ready, _, _ = select.select([sys.stdin], [], [], PATIENCE)
    except (UnsupportedOperation, ValueError):  # no file at all, but somebody's object: it answers at once
        return False
    return not ready
