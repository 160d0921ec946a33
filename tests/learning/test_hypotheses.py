"""Rules of every kind, demonstrations and changed rules: from runs to what the next prompt shows."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.memory import (
    POLICY,
    Case,
    Condition,
    Lesson,
    Memory,
    MemoryStatus,
    Provenance,
    RuleLine,
    Scope,
    TrialReport,
)
from purpose_agent.core.model import Capabilities, ModelRequest
from purpose_agent.learning.cases import changed_at, solved_cases
from purpose_agent.learning.hypotheses import are_rivals
from purpose_agent.runtime.events import MemoryRecalled
from purpose_agent.testing.models import RuleModel
from tests.learning.given import PLACES, steady

pytestmark = pytest.mark.anyio

WAYS = ("left", "right", "up", "down")
COLOURS = ("red", "blue", "green")
Way = Callable[[str, str, int], str]


def task(colour: str, weather: str, number: int, place: str, way: Way) -> pa.Task:
    goal = f"A {weather} day: a {colour} cart with {number} sacks is at the {place}. Which way?"
    return pa.Task(goal, choices=WAYS, checks=[pa.Check.equals(way(colour, weather, number))], labels={"family": "carts"})


def tasks(way: Way, count: int, seed: int) -> list[pa.Task]:
    rng = random.Random(seed)
    made = {
        each.key: each
        for each in (
            task(rng.choice(COLOURS), rng.choice(("dry", "wet")), rng.randint(1, 40), rng.choice(PLACES), way)
            for _ in range(3 * count)
        )
    }
    return list(made.values())[:count]


def obedient(request: ModelRequest) -> str:
    """Does what the only line of its notes says, whatever the line is about; else what is seldom right."""
    notes, _, _ = request.messages[1].text.rpartition("Task: ")
    shown = re.findall(r"^- .* -> the right answer is (\w+)$", notes, re.MULTILINE)
    return shown[0] if len(shown) == 1 else "down"


def carter(place: Path, rule: Callable[[ModelRequest], str] = obedient) -> pa.Agent:
    model = RuleModel(rule, capabilities=Capabilities(choices=True, local=True))
    return pa.Agent("carter", model=model, critic=None, workspace=steady(place))


async def solved(agent: pa.Agent, each: Sequence[pa.Task]) -> float:
    return sum([bool((await agent.run_async(one)).success) for one in each]) / len(each)


def one_word(colour: str, weather: str, number: int) -> str:
    return {"red": "left", "blue": "right", "green": "up"}[colour]


def exception(colour: str, weather: str, number: int) -> str:
    return "up" if (colour, weather) == ("red", "wet") else {"red": "left", "blue": "right", "green": "right"}[colour]


def two_words(colour: str, weather: str, number: int) -> str:
    return "left" if (colour == "red") == (weather == "wet") else "right"


def heavy(colour: str, weather: str, number: int) -> str:
    return "left" if number > 20 else "right"


@pytest.mark.parametrize("way", [one_word, exception, two_words, heavy])
async def test_forty_tasks_teach_the_rule_and_unseen_ones_succeed(tmp_path: Path, way: Way) -> None:
    agent = carter(tmp_path)
    await solved(agent, tasks(way, 40, 1))
    await agent.workspace.settle_async()

    (rule,) = agent.workspace.memories("promoted")
    assert rule.lesson.lines
    assert await solved(agent, tasks(way, 20, 2)) >= 0.9


async def test_of_a_rule_only_the_line_that_fits_is_in_the_prompt(tmp_path: Path) -> None:
    agent = carter(tmp_path)
    await solved(agent, tasks(heavy, 40, 1))
    await agent.workspace.settle_async()
    assert isinstance(agent.model, RuleModel)
    await agent.run_async(task("red", "dry", 39, "mill", heavy))

    (rule,) = agent.workspace.memories("promoted")
    prompt = agent.model.requests[-1].messages[1].text
    assert len(rule.lesson.then.splitlines()) == 2
    assert re.findall(r"^- .*", prompt, re.MULTILINE) == ["- 39 sacks -> the right answer is left"]


def with_errors(colour: str, weather: str, number: int) -> str:
    right = exception(colour, weather, number)
    return {"left": "up", "up": "right", "right": "left"}[right] if number % 13 == 3 else right


def lessons(agent: pa.Agent, status: MemoryStatus) -> tuple[Memory, ...]:
    """Without the values of its choices, which are a hypothesis of their own."""
    return tuple(memory for memory in agent.workspace.memories(status) if memory.lesson.kind != POLICY)


async def test_when_one_hypothesis_is_promoted_the_others_of_its_family_are_archived(tmp_path: Path) -> None:
    agent = carter(tmp_path)
    waiting: tuple[Memory, ...] = ()
    for each in tasks(with_errors, 90, 3):
        await agent.run_async(each)
        waiting = lessons(agent, "quarantined")
        if len(waiting) > 1 and len(agent.workspace.runs(limit=90)) > 36:
            break
    settled = await agent.workspace.settle_async()

    (promoted,) = lessons(agent, "promoted")
    assert len(waiting) > 1
    assert lessons(agent, "quarantined") == ()
    assert [tried.memory.id for tried in settled.trialled if tried.memory.lesson.kind != POLICY] == [promoted.id]
    archived = [agent.workspace.journal(memory.id)[-1] for memory in waiting if memory.id != promoted.id]
    assert {entry.why for entry in archived} == {f"{promoted.id} was promoted for the same tasks"}


# A rule that changes


def turned(colour: str, weather: str, number: int) -> str:
    return {"red": "up", "blue": "left", "green": "right"}[colour]


async def test_a_changed_rule_is_found_from_the_cases_since_and_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    agent = carter(tmp_path)
    await solved(agent, tasks(one_word, 40, 1))
    await agent.workspace.settle_async()
    (old,) = agent.workspace.memories("promoted")
    first = await agent.run_async(tasks(turned, 1, 5)[0])
    await solved(agent, tasks(turned, 40, 6))
    await agent.workspace.settle_async()

    (new,) = agent.workspace.memories("promoted")
    assert (new.supersedes, agent.workspace.memory(old.id).status) == (old.id, "archived")
    assert new.lesson.provenance.since >= first.id
    assert await solved(agent, tasks(turned, 20, 7)) == 1.0


async def test_a_changed_rule_is_tried_on_tasks_since_the_change_alone(tmp_path: Path) -> None:
    agent = carter(tmp_path)
    old_tasks, new_tasks = tasks(one_word, 40, 1), tasks(turned, 40, 6)
    await solved(agent, old_tasks)
    await agent.workspace.settle_async()
    await solved(agent, new_tasks)
    await agent.workspace.settle_async()

    (new,) = agent.workspace.memories("promoted")
    tried = {pair.task for report in reports(agent.workspace, new) for pair in report.pairs}
    assert tried
    assert tried <= {each.key for each in new_tasks}


def reports(place: pa.Workspace, memory: Memory) -> list[TrialReport]:
    return [entry.evidence for entry in place.journal(memory.id) if isinstance(entry.evidence, TrialReport)]


RED = (RuleLine((Condition("red"),), "left"), RuleLine((Condition("blue"),), "right"))


def hits(marks: str) -> list[Case]:
    """+ follows the rule, - does not, . is about something else."""
    return [Case("red" if mark != "." else "grey", "left" if mark == "+" else "up") for mark in marks]


@pytest.mark.parametrize(
    ("marks", "start"),
    [
        ("++++++++++---", 10),
        ("++++++++++....----", 14),
        ("++++-++++++++-----", 13),
        ("++++++++++++++++++++++++++++-++-++--+-", 28),  # a part of it changed
        ("+++-++++-+++++-++++++-+++", None),  # errors
        ("++++++++++--", None),  # too few to tell
        ("----++++++++", None),  # it became right
        ("", None),
    ],
)
def test_a_change_is_told_from_errors(marks: str, start: int | None) -> None:
    assert changed_at(RED, hits(marks)) == start


def test_of_a_task_that_was_run_again_the_newest_run_counts(tmp_path: Path) -> None:
    agent = carter(tmp_path)
    for answer in ("left", "right"):
        for number in range(6):
            one = pa.Task(f"Door {number}?", choices=WAYS, checks=[pa.Check.equals(answer)], labels={"family": "doors"})
            agent.run(one)

    runs = agent.workspace.runs(limit=20)
    cases = solved_cases(runs)
    assert {each.case.answer for each in cases} == {"right"}
    assert [each.run_id for each in cases] == sorted(each.run_id for each in cases)


# Demonstrations


def badge(name: str, year: int) -> pa.Task:
    """Each second letter of the name, which no form of ours can say; a model that sees it may."""
    answer = f"<{name[::2].upper()}/{year % 100:02d}>"
    return pa.Task(f"Write the badge of {name}, born {year}.", checks=[pa.Check.equals(answer)], labels={"family": "badges"})


BADGES = [badge(name, 1950 + 3 * number) for number, name in enumerate(PLACES)]


def imitator(request: ModelRequest) -> str:
    """Knows the form once it has seen three examples of it."""
    notes, _, goal = request.messages[1].text.rpartition("Task: ")
    name, year = re.findall(r"of (\w+), born (\d+)", goal)[0]
    return f"<{name[::2].upper()}/{year[2:]}>" if notes.count(" -> <") >= 3 else name


async def test_what_no_form_can_say_is_taught_by_solved_cases(tmp_path: Path) -> None:
    agent = carter(tmp_path, imitator)
    before = await solved(agent, BADGES[:24])
    settled = await agent.workspace.settle_async()
    after = await solved(agent, BADGES[24:])

    (shown,) = agent.workspace.memories("promoted")
    assert (before, after) == (0.0, 1.0)
    assert (shown.lesson.kind, shown.lesson.then, len(shown.lesson.cases)) == ("episodic_case", "", 8)
    assert "8 solved cases, such as" in settled.summary()


async def test_demonstrations_are_tried_on_tasks_they_do_not_show(tmp_path: Path) -> None:
    agent = carter(tmp_path, imitator)
    await solved(agent, BADGES[:24])
    await agent.workspace.settle_async()

    (memory,) = agent.workspace.memories("promoted")
    (report,) = reports(agent.workspace, memory)
    assert report.pairs
    for pair in report.pairs:
        (recalled,) = agent.workspace.trace(pair.run_with).of(MemoryRecalled)
        (tried,) = [agent.workspace.memory(each.memory_id) for each in recalled.memories]
        assert agent.workspace.run(pair.run_with).goal not in {case.situation for case in tried.lesson.cases}


async def test_cases_that_are_no_help_stay_in_quarantine(tmp_path: Path) -> None:
    agent = carter(tmp_path, lambda request: "no idea")
    await solved(agent, BADGES[:24])
    await agent.workspace.settle_async()

    assert agent.workspace.memories("promoted") == ()
    assert [memory.lesson.kind for memory in agent.workspace.memories("quarantined")] == ["episodic_case"]


def test_a_skill_in_words_stands_in_no_rules_way() -> None:
    source, scope, now = (
        Provenance("self_verified", "run_1", "carter"),
        Scope(("carter",), ("carts",)),
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    rule = Memory(
        "mem_1", Lesson("skill_card", "", "red -> left", source, scope, (Case("a red cart", "left"),)), "quarantined", now
    )
    words = Memory("mem_2", Lesson("skill_card", "loading a cart", "count twice", source, scope), "quarantined", now)

    assert not are_rivals(rule, words)
    assert not are_rivals(words, rule)
    assert are_rivals(rule, replace(rule, id="mem_3"))
