"""Learned values as a hypothesis: proposed, tried, promoted or rejected like any other."""

from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.memory import POLICY, Memory, MemoryStatus
from purpose_agent.learning.policy import FEWEST, propose_policy
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import ValuesConsulted
from tests.learning.given import door, doors


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


@pytest.mark.parametrize("status", ["rejected", "archived"])
def test_after_a_proposal_that_came_to_nothing_it_takes_twice_as_many(status: MemoryStatus, tmp_path: Path) -> None:
    agent = guesser(tmp_path)
    played(agent, doors("red", "blue")[:FEWEST])
    (policy,) = policies(agent)
    run = agent.workspace.runs(limit=1)[0]
    gone = [replace(policy, status=status)]

    assert propose_policy(run, 2 * FEWEST - 1, gone) is None
    assert propose_policy(run, 2 * FEWEST, gone) is not None
    assert propose_policy(run, 4 * FEWEST - 1, gone * 2) is None
    assert propose_policy(run, 99 * FEWEST, [policy]) is None


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
