"""House rules: nothing of the exam is seen in training, every answer follows the rule, and a change changes."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import pytest

from benchmarks.learning.worlds.families import FAMILIES
from benchmarks.learning.worlds.rules import RuleWorld, worlds
from purpose_agent.core.errors import UsageError
from purpose_agent.core.task import Task

CHOICES = [world.family for world in worlds() if world.held_out(1, "dev")[0].choices]
FORMS = [name for name in FAMILIES if name not in CHOICES]
every_family = pytest.mark.parametrize("family", FAMILIES)
every_choice = pytest.mark.parametrize("family", CHOICES)


def answer(task: Task) -> str:
    (check,) = task.checks
    return check.spec


def goals(*several: Sequence[Task]) -> set[str]:
    return {task.goal for task in chain.from_iterable(several)}


@every_family
def test_no_exam_task_is_ever_in_training(family: str) -> None:
    world = RuleWorld(family)
    training = goals(*(world.training(60, seed) for seed in range(3)))

    assert not training & goals(world.held_out(40, "dev"), world.held_out(40, "test"))


@every_family
def test_the_folds_share_no_task(family: str) -> None:
    world = RuleWorld(family)

    assert not goals(world.held_out(40, "dev")) & goals(world.held_out(40, "test"))


def test_exam_messages_are_new_as_messages_not_only_as_goals() -> None:
    world = RuleWorld("desks")
    said = [
        {message for task in tasks for message in re.findall('"(.+?)"', task.goal)}
        for tasks in (world.training(100, 0), world.held_out(60, "dev"), world.held_out(60, "test"))
    ]

    assert all(len(messages) >= 8 for messages in said)
    assert not said[0] & said[1]
    assert not said[0] & said[2]
    assert not said[1] & said[2]


@every_family
def test_the_same_seed_gives_the_same_tasks(family: str) -> None:
    one, other = RuleWorld(family, seed=3), RuleWorld(family, seed=3)

    assert list(one.training(30, 1)) == list(other.training(30, 1))
    assert list(one.held_out(30, "dev")) == list(other.held_out(30, "dev"))
    assert [task.goal for task in one.training(30, 1)] != [task.goal for task in one.training(30, 2)]


@every_family
def test_a_longer_stream_begins_with_the_shorter_one(family: str) -> None:
    world = RuleWorld(family)

    assert list(world.training(50, 0))[:20] == list(world.training(20, 0))


@every_family
def test_ids_are_distinct_and_every_task_names_its_family(family: str) -> None:
    world = RuleWorld(family)
    tasks = [*world.training(60, 0), *world.held_out(40, "dev"), *world.held_out(40, "test")]

    assert len({task.id for task in tasks}) == len(tasks)
    assert {task.family for task in tasks} == {family}


@every_choice
def test_each_answer_is_right_equally_often(family: str) -> None:
    world = RuleWorld(family)
    tasks = world.held_out(40, "dev")
    often = Counter(map(answer, tasks))

    assert set(often) == set(tasks[0].choices)
    assert 4 <= len(often) <= 5
    assert len(set(often.values())) == 1


@every_family
def test_another_seed_is_another_rule(family: str) -> None:
    if family == "kinds":
        pytest.skip("everybody knows its rule; it isn't drawn")
    rules = {tuple(answer(task) for task in _asked(RuleWorld(family, seed))) for seed in range(6)}

    assert len(rules) > 1


def _asked(world: RuleWorld) -> list[Task]:
    return sorted(world.held_out(40, "dev"), key=lambda task: task.goal)


@pytest.mark.parametrize(
    ("family", "line"),
    [
        ("doors", r"^- (\w+ door) -> (\w+)$"),
        ("parcels", r"^- parcel to (\w+) -> (\w+)$"),
        ("lamps", r"^- (\w+ lamp on the \w+ deck) -> (\w+)$"),
        ("teas", r"^- (\w+ for \w+) -> (\w+)$"),
        ("ferries", r"^- (\w+ flag) -> (\w+)$"),
    ],
)
def test_the_rule_in_words_decides_each_exam_task(family: str, line: str) -> None:
    world = RuleWorld(family)
    for task in world.held_out(40, "dev"):
        told: list[tuple[str, str]] = re.findall(line, world.oracle(task), re.MULTILINE)
        assert [said for term, said in told if term in task.goal] == [answer(task)]


def test_an_exception_goes_before_the_general_rule() -> None:
    world = RuleWorld("keys")
    rule = dict(re.findall(r"^- (.+) -> (\w+)$", world.oracle(world.held_out(1, "dev")[0]), re.MULTILINE))
    (special,) = [line.removeprefix("any key at all returned by ") for line in rule if line.startswith("any key")]
    for task in world.held_out(60, "dev"):
        metal = next(metal for metal in ("copper", "silver", "steel", "brass") if metal in task.goal)
        general = rule[f"{metal} key"]
        assert answer(task) == ("drawer" if special in task.goal.casefold() else general)


def test_a_change_changes_every_answer_and_the_exam_asks_for_the_new_ones() -> None:
    world = RuleWorld("ferries")
    k = world.changes_after
    stream = world.training(k + 40, 0)
    before, after, exam = (_by_flag(tasks) for tasks in (stream[:k], stream[k:], world.held_out(40, "dev")))

    assert before.keys() == after.keys() == exam.keys()
    assert all(before[flag] != after[flag] for flag in before)
    assert after == exam


def _by_flag(tasks: Sequence[Task]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for task in tasks:
        (flag,) = re.findall(r"(\w+) flag", task.goal)
        found.setdefault(flag, set()).add(answer(task))
    assert all(len(answers) == 1 for answers in found.values())
    return found


@pytest.mark.parametrize("family", FORMS)
def test_the_solved_cases_of_a_form_are_none_of_the_exam(family: str) -> None:
    world = RuleWorld(family)
    tasks = world.held_out(40, "dev")
    shown = [line.rpartition(" -> ")[2].casefold() for line in world.oracle(tasks[0]).splitlines()]

    assert len(shown) == 3
    assert not set(shown) & {answer(task).casefold() for task in tasks}


def test_the_controls_have_no_rule_to_tell() -> None:
    controls = [world for world in worlds() if world.control]

    assert [world.family for world in controls] == ["coins", "kinds"]
    assert [world.oracle(world.held_out(1, "dev")[0]) for world in controls] == ["", ""]


def test_an_unknown_family_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'windows'.*doors"):
        RuleWorld("windows")


def test_asking_for_more_than_there_is_says_so() -> None:
    with pytest.raises(UsageError, match="different instances"):
        RuleWorld("names").held_out(10_000, "dev")
