"""Outcomes teach how a critic's Φ is to be read, from runs to the next run's probability; its mistakes become notes, through the gate."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.errors import ModelError
from purpose_agent.core.memory import CALIBRATION, Lesson, Provenance, Scope, TrialReport
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.origin import Origin
from purpose_agent.critics.state import CRITIC
from purpose_agent.learning.critic_lessons import hash_of_notes
from purpose_agent.memory.judgements import Judgements
from purpose_agent.runtime.database import Database
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio


def a_sum(number: int, *, checked: bool = True) -> pa.Task:
    checks = [pa.Check.equals(f"{number} and 3 make {number + 3}")] if checked else []
    return pa.Task(f"Write out: what is {number} + 3?", checks, labels={"family": "sums"})


def reckon(request: ModelRequest) -> str:
    """Right for even numbers; for odd ones it is vague, and wrong."""
    number = int(re.findall(r"what is (\d+) \+ 3", request.text)[-1])
    return f"{number} and 3 make {number + 3}" if number % 2 == 0 else f"roughly {number + 4} or so"


def rate(request: ModelRequest) -> str:
    """Rates every answer 9, and vague ones too, unless a note shows it that such an answer failed."""
    _, _, judged = request.text.rpartition("State:")
    found = re.search(r"(\d+ and 3 make \d+|roughly \d+ or so)", judged)
    doubts = "roughly" in request.text.partition("Goal:")[0]
    low = found is not None and found[1].startswith("roughly") and doubts
    return json.dumps({"quotes": [found[1] if found else ""], "score": 1 if low else 9, "confidence": 0.9})


def reckoner(place: pa.Workspace) -> pa.Agent:
    critic = RuleModel(rate, name="rater")
    return pa.Agent("reckoner", model=RuleModel(reckon), critic=critic, workspace=place)


async def worked(agent: pa.Agent, numbers: range) -> None:
    for number in numbers:
        await agent.run_async(a_sum(number))


async def test_outcomes_make_a_probability_of_phi(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    agent = reckoner(place)
    await worked(agent, range(20))
    before = await agent.run_async(a_sum(100, checked=False))

    settled = await place.settle_async()
    await place.settle_async()  # the trial of the note that was drawn comes to its end
    vague = await agent.run_async(a_sum(101, checked=False))
    right = await agent.run_async(a_sum(102, checked=False))

    assert before.probability is None
    assert settled.judged == 20
    assert settled.calibration.calls >= 20
    assert "critics were asked about 20 runs" in settled.summary()
    assert vague.probability is not None
    assert right.probability is not None
    # A note about vague answers passed its trial meanwhile; without one Φ would be worth the share of successes.
    assert vague.probability < 0.3 < 0.7 < right.probability
    without, with_note = sorted(place.critics(), key=lambda each: each.notes)
    assert (without.n, without.auc) == (20, pytest.approx(0.5, abs=0.01))
    assert with_note.auc == 1.0


async def test_where_checks_judge_everything_no_critic_is_asked(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    await worked(reckoner(place), range(12))

    settled = await place.settle_async()

    assert settled.judged == 0
    assert place.critics() == ()


async def test_a_mistake_becomes_a_note_that_is_promoted_and_reaches_the_critic_alone(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    agent = reckoner(place)
    await worked(agent, range(60))
    await agent.run_async(a_sum(100, checked=False))
    for _ in range(4):
        await place.settle_async()

    promoted = [memory for memory in place.memories("promoted") if memory.lesson.kind == CALIBRATION]
    assert len(promoted) == 1
    assert "roughly" in promoted[0].lesson.text
    vague = await agent.run_async(a_sum(103, checked=False))
    assert vague.final_phi == 1.0
    assert vague.recalled == ()
    asked = agent.model
    assert isinstance(asked, RuleModel)
    assert not any("was rated" in request.text for request in asked.requests if request.purpose == "act")


async def test_with_a_note_no_run_of_the_tasks_behind_it_is_judged(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    agent = reckoner(place)
    await worked(agent, range(40))
    await agent.run_async(a_sum(100, checked=False))
    for _ in range(6):
        await place.settle_async()
    (note,) = [memory for memory in place.memories("promoted") if memory.lesson.kind == CALIBRATION]
    own = {place.run(run_id).task_key for run_id in (note.lesson.provenance.run_id, note.lesson.provenance.beside)}
    db = Database(tmp_path / DATABASE)
    judgements, notes = Judgements(db), hash_of_notes([note.lesson.text])
    said = judgements.of(CRITIC, "rater", notes=notes)

    assert len(own) == 2
    assert {each.task_key for each in said} == {a_sum(number).key for number in range(40)} - own
    # What an earlier version asked about them is read past.
    before = await agent.run_async(a_sum(101, checked=False))
    told = [replace(said[0], run_id=f"old {n}", task_key=min(own), phi=1.0, success=True) for n in range(60)]
    assert judgements.add_all(told) == 60
    after = await agent.run_async(a_sum(103, checked=False))
    assert after.probability == before.probability is not None


async def test_a_note_for_one_user_is_not_tried_since_nobody_could_be_given_it(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    agent = reckoner(place)
    await worked(agent, range(20))
    last = await agent.run_async(a_sum(100, checked=False))
    scope = Scope(("reckoner",), ("sums",), ("ann",))
    lesson = Lesson(CALIBRATION, "a sum is judged", "roughly is wrong", Provenance("self_verified", last.id, "reckoner"), scope)
    note = place._gate.admit(lesson)  # pyright: ignore[reportPrivateUsage]

    settled = await place.settle_async()

    assert note.status == "quarantined"
    assert note.id not in {tried.memory.id for tried in settled.trialled}


@pytest.mark.parametrize("runs", [0, 7])
async def test_a_question_to_a_critic_counts_as_a_run_of_the_budget(runs: int, tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    agent = reckoner(place)
    await worked(agent, range(20))
    await agent.run_async(a_sum(100, checked=False))

    settled = await place.settle_async(budget=pa.Budget(runs=runs))

    assert (settled.judged, settled.calibration.calls, settled.runs) == (runs, runs, 0)
    assert settled.stopped.startswith(f"the budget of {runs} runs is spent")


async def test_a_trial_that_goes_on_another_time_has_cost_what_both_times_cost(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    agent = reckoner(place)
    await worked(agent, range(20))
    await agent.run_async(a_sum(100, checked=False))
    first = await place.settle_async(budget=pa.Budget(runs=23))
    second = await place.settle_async(budget=pa.Budget(runs=3))
    (note,) = first.calibrations
    notes = hash_of_notes([note.lesson.text])
    told = Judgements(Database(tmp_path / DATABASE)).of(CRITIC, "rater", notes=notes)

    reports = [tried.report for settled in (first, second) for tried in settled.trialled]
    assert [len(report.pairs) for report in reports if report is not None] == [3, 6]
    assert [report.tokens for report in reports if report is not None] == [
        sum(each.tokens for each in told[:3]),
        sum(each.tokens for each in told),
    ]
    assert second.calibration.tokens == sum(each.tokens for each in told[3:]) > 0


async def test_a_critic_that_can_not_be_asked_is_told_and_stops_nothing(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    await worked(reckoner(place), range(6))
    await reckoner(place).run_async(a_sum(100, checked=False))

    def silent(request: ModelRequest) -> str:
        raise ModelError("the server is down")

    pa.Agent("reckoner", model=RuleModel(reckon), critic=RuleModel(silent, name="rater"), workspace=place)
    settled = await place.settle_async()

    assert settled.judged == 0
    assert "the critic of reckoner could not be asked: the server is down" in settled.stopped


def told_apart(request: ModelRequest) -> str:
    """A critic that knows its trade: what is vague is worth little."""
    _, _, judged = request.text.rpartition("State:")
    found = re.search(r"(\d+ and 3 make \d+|roughly \d+ or so)", judged)
    vague = found is None or found[1].startswith("roughly")
    return json.dumps({"quotes": [found[1] if found else ""], "score": 2 if vague else 9, "confidence": 0.9})


def blind(request: ModelRequest) -> str:
    """A critic whom no note helps."""
    return json.dumps({**json.loads(told_apart(request)), "score": 9})


def heeding(request: ModelRequest) -> str:
    """Reckons as before; with the lesson in its prompt it is never vague."""
    number = int(re.findall(r"what is (\d+) \+ 3", request.text)[-1])
    return f"{number} and 3 make {number + 3}" if "count on your fingers" in request.text else reckon(request)


@pytest.mark.parametrize(
    ("rule", "origin", "judges"),
    [(told_apart, "self_inferred", True), (blind, "self_inferred", False), (told_apart, "web", False)],
)
async def test_only_a_critic_that_outcomes_bear_out_judges_trials_of_tasks_without_checks_and_never_of_others_words(
    rule: Callable[[ModelRequest], str], origin: Origin, judges: bool, tmp_path: Path
) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    agent = pa.Agent("reckoner", model=RuleModel(heeding), critic=RuleModel(rule, name="rater"), workspace=place)
    await worked(agent, range(24))
    for number in range(101, 161, 2):
        await agent.run_async(a_sum(number, checked=False))
    for _ in range(2):
        await place.settle_async()  # the critic is asked about outcomes first
    run = place.runs(limit=1)[0].id
    own = Provenance(origin, run, "reckoner")
    drawn = place._gate.admit(  # pyright: ignore[reportPrivateUsage]
        Lesson("failure_pattern", "sums are asked for", "count on your fingers", own, Scope(("reckoner",), ("sums",))), run
    )
    for _ in range(3):
        await place.settle_async()

    journal = place.journal(drawn.id)
    gains = [pair.gain for entry in journal if isinstance(entry.evidence, TrialReport) for pair in entry.evidence.pairs]
    assert any(gain is not None and gain > 0.3 for gain in gains) == judges
    assert all(gain is None for gain in gains) or judges
