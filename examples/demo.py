"""The main job, on a real model on this machine: a team that codes, and an agent that learns a rule nobody told it.

`make demo` runs it. First the coding team solves three tasks against their unit tests. Then a doorkeeper meets doors:
which act opens which door is a house rule that no model can know. It is tested cold on doors it never sees in
training, works through training doors with nothing but "expected …, got …" as feedback, lets the workspace try what it
learned, and is tested again on the same unseen doors, with memory frozen.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import purpose_agent as pa
from purpose_agent.evals.stats import wilson
from purpose_agent.runtime.events import Event, ModelCalled, RunFinished, RunStarted, StepScored

MODEL = "local:qwen2.5-coder:1.5b"
SEED = 1

FIBONACCI = pa.Task(
    "Write a Python function fibonacci(n) that returns the n-th Fibonacci number; fibonacci(0) is 0 and fibonacci(1) is 1.",
    checks=[
        pa.Check.python(
            "assert fibonacci(0) == 0\nassert fibonacci(1) == 1\nassert fibonacci(10) == 55\nassert fibonacci(20) == 6765"
        )
    ],
    id="fibonacci",
)
FIZZBUZZ = pa.Task(
    "Write a Python function fizzbuzz(n) that returns a list of strings for 1 to n: 'FizzBuzz' for multiples of 3 and 5, "
    "'Fizz' for other multiples of 3, 'Buzz' for other multiples of 5, and the number as a string for all others.",
    checks=[
        pa.Check.python(
            "assert fizzbuzz(3) == ['1', '2', 'Fizz']\n"
            "assert fizzbuzz(5)[4] == 'Buzz'\n"
            "assert fizzbuzz(15)[14] == 'FizzBuzz'\n"
            "assert len(fizzbuzz(100)) == 100"
        )
    ],
    id="fizzbuzz",
)
FACTORIAL = pa.Task(
    "Write a Python function factorial(n) that returns n factorial.",
    checks=[pa.Check.python("assert factorial(0) == 1\nassert factorial(1) == 1\nassert factorial(5) == 120")],
    id="factorial",
)
CODING = (FIBONACCI, FIZZBUZZ, FACTORIAL)

ACTS = ("pull", "knock", "push", "slide", "whistle")
RULE = {"red": "pull", "blue": "knock", "green": "whistle", "yellow": "push", "white": "slide"}
PEOPLE = ("A guest", "The gardener", "A courier", "A child", "The cook")
MATERIALS = ("oak", "iron", "glass", "narrow", "heavy", "old")
PLACES = ("cellar", "attic", "garden", "library", "kitchen", "tower", "harbour", "market")
TRAINING, UNSEEN = 30, 40


def doors() -> tuple[list[pa.Task], list[pa.Task]]:
    """Training doors and unseen ones: all different, drawn by `SEED`."""
    every = [(who, material, color, place) for who in PEOPLE for material in MATERIALS for color in RULE for place in PLACES]
    drawn = random.Random(SEED).sample(every, TRAINING + UNSEEN)
    tasks = [
        pa.Task(
            f"{who} comes to a {material} {color} door in the {place}.",
            checks=[pa.Check.equals(RULE[color])],
            choices=ACTS,
            labels={"family": "doors"},
        )
        for who, material, color, place in drawn
    ]
    return tasks[:TRAINING], tasks[TRAINING:]


@dataclass(frozen=True, slots=True)
class CodingRow:
    """One coding task."""

    name: str
    tests_passed: int
    tests: int
    result: pa.TaskResult


@dataclass(slots=True)
class DemoReport:
    """What the demo measured. Shares of doors are (opened, tried)."""

    coding: list[CodingRow] = field(default_factory=list[CodingRow])
    rule_before: tuple[int, int] = (0, 0)
    rule_after: tuple[int, int] = (0, 0)
    training: tuple[int, int] = (0, 0)
    first_answer_seconds: float | None = None
    seconds: float = 0.0
    settled: str = ""
    memories: tuple[pa.Memory, ...] = ()

    @property
    def tasks(self) -> int:
        """Coding tasks tried."""
        return len(self.coding)

    @property
    def tasks_passed(self) -> int:
        """Coding tasks all of whose tests passed."""
        return sum(row.result.success is True for row in self.coding)


def demo(workspace: Path, *, show: bool = True, model: "str | pa.Model" = MODEL) -> DemoReport:
    """Run it all; `show` prints progress and tables."""
    return asyncio.run(_demo(workspace, print if show else _silent, model))


def _silent(*_: object, **__: object) -> None:
    """Print nothing."""


Say = Callable[..., None]


async def _demo(workspace: Path, say: Say, model: "str | pa.Model") -> DemoReport:
    began = time.monotonic()
    report = DemoReport()
    backend = pa.resolve_backend(model)
    say(f"Model: {backend.name}, on this machine. Workspace: {workspace}\n")

    say("1. A coding team, three tasks, real unit tests")
    team = pa.purpose("Write Python code and test it", model=backend, workspace=workspace)
    for task in CODING:
        result = await team.run_async(task, seed=SEED, watch=_progress(say))
        if report.first_answer_seconds is None:
            report.first_answer_seconds = time.monotonic() - began
            say(f"\n{result}\n")
        passed = sum(check.passed is True for check in result.checks)
        report.coding.append(CodingRow(task.id, passed, len(result.checks), result))

    say("\n2. A house rule that no model can know: which act opens which door")
    training, unseen = doors()

    tested = pa.Agent("doorkeeper", model=backend, critic=None, workspace=workspace, mode="evaluation")
    learner = pa.Agent("doorkeeper", model=backend, critic=None, workspace=workspace)
    report.rule_before = await _open(tested, unseen, say, "cold, unseen doors")
    report.training = await _open(learner, training, say, "training doors, with feedback")
    say("   trying what was learned, with and without …")
    report.settled = (await learner.workspace.settle_async()).summary()
    report.rule_after = await _open(tested, unseen, say, "after learning, unseen doors")
    report.memories = learner.workspace.memories()
    report.seconds = time.monotonic() - began
    return report


async def _open(agent: pa.Agent, tasks: list[pa.Task], say: Say, what: str) -> tuple[int, int]:
    opened = 0
    for number, task in enumerate(tasks, start=1):
        result = await agent.run_async(task, seed=number)
        opened += result.success is True
        if sys.stdout.isatty():
            say(f"\r   {what}: {opened} of {number} opened", end="\n" if number == len(tasks) else "", flush=True)
        elif number % 10 == 0:
            say(f"   {what}: {opened} of {number} opened", flush=True)
    return opened, len(tasks)


def _progress(say: Say) -> Callable[[Event], None]:
    """One line for each thing worth seeing; of the team's own run, which repeats its members', only start and end."""
    teams: set[str] = set()

    def show(event: Event) -> None:
        match event.payload:
            case RunStarted(agent="team", task=task):
                teams.add(event.run_id)
                say(f"   {task['id']}")
            case ModelCalled(purpose=purpose, usage=usage, seconds=seconds):
                say(f"     {event.lane} ({purpose}): {usage.output_tokens} tokens in {seconds:.1f} s")
            case StepScored(score=score) if event.run_id not in teams and score.checks:
                held = sum(check.passed is True for check in score.checks)
                say(f"     tests: {held} of {len(score.checks)} pass")
            case RunFinished(status=status) if event.run_id in teams:
                say(f"     {status}")
            case _:
                pass

    return show


def tables(report: DemoReport) -> None:
    """The report, for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 110)
    coding = Table("task", "tests passed", "Φ", "steps", "tokens", "seconds", title="Coding, on the real model")
    for row in report.coding:
        phi = "unknown" if row.result.final_phi is None else f"{row.result.final_phi:.1f}"
        coding.add_row(
            row.name,
            f"{row.tests_passed} of {row.tests}",
            phi,
            str(row.result.total_steps),
            str(row.result.usage.tokens),
            f"{row.result.seconds:.1f}",
        )
    console.print(coding)
    lessons = Table("lesson", "status", "used", "helped", title="Lessons drawn, and what became of each")
    for memory in report.memories:
        lessons.add_row(memory.lesson.text, memory.status, str(memory.used), str(memory.helped))
    console.print(lessons)
    console.print(report.settled)
    rule = Table("doors never seen in training", "opened", "share", "95 % interval", title="The house rule")
    for name, (opened, tried) in (("before learning", report.rule_before), ("after learning", report.rule_after)):
        low, high = wilson(opened, tried)
        rule.add_row(name, f"{opened} of {tried}", f"{opened / tried:.0%}", f"{low:.0%} to {high:.0%}")
    console.print(rule)
    first = "never" if report.first_answer_seconds is None else f"{report.first_answer_seconds:.0f} s"
    console.print(f"First answer after {first}; all of it took {report.seconds:.0f} s.")


def main() -> int:
    """0 if all coding tasks pass and learning helped, else 1."""
    with tempfile.TemporaryDirectory(prefix="purpose-agent-demo-") as folder:
        report = demo(Path(folder))
        tables(report)
    return 0 if report.tasks_passed == report.tasks and report.rule_after[0] > report.rule_before[0] else 1


if __name__ == "__main__":
    sys.exit(main())
