"""An agent in a world through the public door: with no model at all, in the record, in trials."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.action import Action
from purpose_agent.core.errors import UsageError
from purpose_agent.core.state import State
from purpose_agent.testing.models import RuleModel
from tests.engine.worlds import REACH_THE_END, Corridor

TWO_ROOMS = pa.Task("Reach the end", limits=pa.Limits(steps=200))


def walker(workspace: Path, **more: object) -> pa.Agent:
    return pa.Agent("walker", model="none", environment=Corridor(3), workspace=workspace, **more)  # type: ignore # pyright: ignore


def test_without_a_model_it_walks_by_chance_and_the_record_says_so(tmp_path: Path) -> None:
    agent = walker(tmp_path)
    result = agent.run(TWO_ROOMS, seed=3)

    row = agent.workspace.run(result.id)
    assert (row.model, row.status, row.success, row.input_tokens) == ("none", "finished", True, 0)
    assert row.steps == result.total_steps
    assert agent.workspace.trace(result.id).steps()[-1].after == State({"room": 2})
    assert repr(agent) == "Agent('walker', model='none')"


def test_the_same_seed_takes_the_same_way(tmp_path: Path) -> None:
    # Each in a place of its own: what one run learned would change the next.
    first, second, other = (
        walker(tmp_path / str(number)).run(TWO_ROOMS, seed=seed) for number, seed in enumerate((3, 3, 4))
    )

    ways = [[step.after for step in result.trajectory] for result in (first, second, other)]
    assert ways[0] == ways[1]
    assert ways[0] != ways[2]


def test_a_failure_without_a_model_waits_for_nobody(tmp_path: Path) -> None:
    agent = walker(tmp_path, limits=pa.Limits(steps=1))
    result = agent.run("Reach the end")

    assert (result.success, result.lessons) == (False, ())
    assert agent.workspace.settle().summary() == "nothing was waiting"


def test_a_task_without_options_needs_a_model(tmp_path: Path) -> None:
    agent = pa.Agent("guesser", model="none", workspace=tmp_path)

    assert agent.run(pa.Task("Which?", choices=["a", "b"])).answer in ("a", "b")
    with pytest.raises(UsageError, match="has no model, and the task 'Write a poem' has no options"):
        agent.run("Write a poem")
    with pytest.raises(UsageError, match="model='none'"):
        _ = agent.model


def test_what_can_not_work_is_told_when_the_agent_is_made(tmp_path: Path) -> None:
    class Plain:
        def reset(self) -> State:
            return State()

        def execute(self, action: Action, current_state: State) -> State:
            return current_state

        def is_terminal(self, state: State) -> bool:
            return True

    @pa.tool
    def look() -> str:
        """Look."""
        return "dark"

    with pytest.raises(UsageError, match="it has no situation, admissible"):
        pa.Agent("walker", model="none", environment=Plain(), workspace=tmp_path)  # type: ignore # pyright: ignore
    with pytest.raises(UsageError, match="leave the tools out"):
        pa.Agent("walker", model="none", environment=Corridor(), tools=[look], workspace=tmp_path)


def test_a_lesson_from_a_world_is_tried_in_that_world(tmp_path: Path) -> None:
    def rule(request: pa.ModelRequest) -> str:
        """Goes west until its prompt says to go east."""
        if request.purpose == "reflect":
            return '{"when": "reaching the end of a corridor", "then": "Always go east."}'
        return "east" if "Always go east" in request.text else "west"

    model = RuleModel(rule)
    agent = pa.Agent("walker", model=model, environment=lambda task: Corridor(3), workspace=tmp_path)
    first = agent.run(REACH_THE_END)
    settled = agent.workspace.settle()
    second = agent.run(REACH_THE_END)

    (reflected,) = (request.text for request in model.requests if request.purpose == "reflect")
    assert "west\nwest\nwest" in reflected
    assert "The run has taken 12 of 12 steps." in reflected
    assert [tried.memory.status for tried in settled.trialled] == ["promoted"]
    assert (first.success, second.success) == (False, True)


def test_the_ports_are_public_names() -> None:
    assert isinstance(Corridor(), pa.ChoiceEnvironment)
    assert {"Environment", "ChoiceEnvironment"} <= set(pa.__all__)
