"""Learned values as a hypothesis: proposed, tried, promoted or rejected like any other."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.memory import POLICY, JournalEntry, Memory, MemoryStatus
from purpose_agent.learning.policy import FEWEST, may_explore, propose_policy
from purpose_agent.learning.trial import MOST_PAIRS
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import ValuesConsulted
from purpose_agent.testing.models import RuleModel
from tests.learning.given import door, doors, why_not


def policies(agent: pa.Agent) -> list[Memory]:
    return list(agent.workspace.memories(kind=POLICY))


def played(agent: pa.Agent, tasks: list[pa.Task]) -> list[bool | None]:
    return [agent.run(task, seed=number).success for number, task in enumerate(tasks)]


def guesser(workspace: Path) -> pa.Agent:
    return pa.Agent("guesser", model="none", workspace=workspace)


def test_values_are_proposed_once_enough_taught_them(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    tasks = doors("red", "blue")
    played(agent, tasks[: FEWEST - 1])
    assert policies(agent) == []

    played(agent, tasks[FEWEST - 1 : 30])
    (policy,) = policies(agent)
    assert (policy.status, policy.lesson.scope.agents, policy.lesson.scope.families) == (
        "quarantined",
        ("guesser",),
        ("doors",),
    )


def nothing(memory_id: str) -> list[JournalEntry]:
    """A journal in which somebody other than a person did the last thing."""
    return [JournalEntry(memory_id, datetime(2026, 1, 1, tzinfo=UTC), "quarantined", "archived", "learner", "why", None, "")]


@pytest.mark.parametrize("status", ["rejected", "archived"])
def test_after_a_proposal_that_came_to_nothing_it_takes_twice_as_many(status: MemoryStatus, tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    played(agent, doors("red", "blue")[:FEWEST])
    (policy,) = policies(agent)
    run = agent.workspace.runs(limit=1)[0]
    gone = [replace(policy, status=status)]

    assert propose_policy(run, 2 * FEWEST - 1, gone, nothing) is None
    assert propose_policy(run, 2 * FEWEST, gone, nothing) is not None
    assert propose_policy(run, 4 * FEWEST - 1, gone * 2, nothing) is None
    assert propose_policy(run, 99 * FEWEST, [policy], nothing) is None


def test_without_a_model_the_runs_it_played_are_one_half_of_the_trial(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    played(agent, doors("red", "blue", "green", places=16))
    (tried,) = agent.workspace.settle().trialled

    assert tried.report is not None
    assert tried.memory.status == "promoted"
    for pair in tried.report.pairs:
        as_played, chance = agent.workspace.run(pair.run_with), agent.workspace.run(pair.run_without)
        assert (as_played.mode, chance.mode) == ("learning", "validation")
        assert as_played.task_key == chance.task_key
        assert agent.workspace.trace(chance.id).of(ValuesConsulted) == ()


def test_once_promoted_they_are_used_in_evaluation_too(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    played(agent, doors("red", "blue", "green", places=16))
    agent.workspace.settle()
    judge = agent.moved(agent.workspace, "evaluation")

    new = [door(colour, "windmill") for colour in ("red", "blue", "green")]
    assert played(judge, new) == [True, True, True]


def test_before_and_after_a_rejection_evaluation_plays_as_without_memory(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    played(agent, doors("red", "blue")[:FEWEST])
    judge = agent.moved(agent.workspace, "evaluation")
    tasks = doors("red", "blue")[FEWEST:]

    def answers(who: pa.Agent) -> list[str | None]:
        return [who.run(task, seed=number).answer for number, task in enumerate(tasks)]

    without = answers(guesser(tmp_path / "empty").moved(pa.Workspace(tmp_path / "empty"), "evaluation"))
    assert answers(judge) == without
    (policy,) = policies(agent)
    db = Database(agent.workspace.path / "workspace.sqlite3")
    Gate(MemoryStore(db, agent.workspace.clock), agent.workspace.clock).archive(policy, "for the test", actor="person")
    db.close()
    assert answers(judge) == without


def nowhere(number: int) -> pa.Task:
    """Nobody can know the way."""
    return pa.Task(
        f"Which way, {number}?", choices=["left", "right"], checks=[pa.Check.contains("up")], labels={"family": "fog"}
    )


def test_values_that_stay_undecided_to_the_end_make_way_for_a_fresh_trial_on_newer_runs(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    played(agent, [nowhere(number) for number in range(FEWEST + MOST_PAIRS)])
    whys = [agent.workspace.settle().trialled[0].why for _ in range(3)]
    (first,) = policies(agent)
    newer = [agent.run(nowhere(FEWEST + MOST_PAIRS + number)).id for number in range(3)]

    assert (whys[-1][:24], whys[-1][-8:], first.status) == ("undecided after 43 pairs", "archived", "archived")
    (second,) = (memory for memory in policies(agent) if memory.status == "quarantined")
    (tried,) = agent.workspace.settle().trialled
    assert tried.memory.id == second.id
    assert tried.report is not None
    assert {pair.run_with for pair in tried.report.pairs} <= {*newer}


def test_only_the_first_run_of_a_task_is_a_test(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    tasks = doors("red", "blue")[:30]
    first = [agent.run(task, seed=number).id for number, task in enumerate(tasks)]
    played(agent, tasks)
    (tried,) = agent.workspace.settle().trialled

    assert tried.report is not None
    assert tried.report.pairs
    assert {pair.run_with for pair in tried.report.pairs} <= {*first}


def test_with_a_model_values_are_not_tried_on_what_taught_them(tmp_path: Path) -> None:
    played(guesser(tmp_path), doors("red", "blue"))
    modelled = pa.Agent("guesser", model=RuleModel(lambda request: "down"), critic=None, workspace=tmp_path)
    ((_, why),) = modelled.workspace.settle().skipped

    assert why == "no recorded task that is a test of it could be run and judged again"


def test_values_that_a_person_archived_steer_no_run(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    tasks = doors("red", "blue")
    played(agent, tasks[:FEWEST])
    before = agent.run(tasks[FEWEST])
    (policy,) = policies(agent)
    db = Database(agent.workspace.path / "workspace.sqlite3")
    Gate(MemoryStore(db, agent.workspace.clock), agent.workspace.clock).archive(policy, "for the test", actor="person")
    db.close()
    after = agent.run(tasks[FEWEST + 1])
    played(agent, tasks[FEWEST + 2 : 2 * FEWEST + 1])
    (again,) = (memory for memory in policies(agent) if memory.status == "quarantined")

    used = [bool(agent.workspace.trace(run.id).of(ValuesConsulted)) for run in (before, after)]
    assert used == [True, False]
    # Its trial begins with the run that proposed it: those before were played at random.
    assert again.lesson.provenance.since == again.lesson.provenance.run_id


@pytest.mark.parametrize(
    ("status", "may"), [("quarantined", True), ("promoted", True), ("archived", True), ("rejected", False)]
)
def test_without_a_model_what_was_rejected_is_not_explored_with(status: MemoryStatus, may: bool, tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    played(agent, doors("red", "blue")[:FEWEST])
    (policy,) = policies(agent)

    assert may_explore([replace(policy, status=status)], nothing) is may
    assert may_explore([replace(policy, status="rejected"), policy], nothing)
    assert may_explore([], nothing)


def test_for_an_agent_without_a_model_no_rule_is_looked_for(tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    results = [agent.run(task) for task in doors("red", "blue")[:12]]

    assert why_not(agent.workspace, results[-1].id) == "its agent has no model that could read a rule"


def test_promoted_values_have_it_in_their_journal_that_others_teach_them(tmp_path: Path) -> None:
    agent, other = guesser(tmp_path / "own"), guesser(tmp_path / "other")
    played(agent, doors("red", "blue", "green", places=16))
    played(other, doors("red", "blue", "green", places=20))
    agent.workspace.settle()
    (policy,) = policies(agent)
    agent.workspace.take_in("guesser", other.workspace.experience("guesser"))
    settled = agent.workspace.settle()

    assert settled.vouched > 0
    assert agent.workspace.journal(policy.id)[-1].why == (
        f"taught by episodes of others too, which agree with its own; new ones: {settled.vouched}"
    )
