"""An agent in a world through the public door: with no model at all, in the record, in trials."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.action import Action, command_of
from purpose_agent.core.errors import UsageError
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities, ModelResponse
from purpose_agent.core.state import State
from purpose_agent.testing.models import RuleModel
from tests.engine.worlds import REACH_THE_END, Corridor
from tests.learning.given import door, doors

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
    first, second, other = (walker(tmp_path / str(number)).run(TWO_ROOMS, seed=seed) for number, seed in enumerate((3, 3, 4)))

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
    class Half:
        def reset(self) -> State:
            return State()

        def execute(self, action: Action, current_state: State) -> State:
            return current_state

        def is_terminal(self, state: State) -> bool:
            return True

        def reward(self, state: State) -> float:
            return 0.0

    @pa.tool
    def look() -> str:
        """Look."""
        return "dark"

    with pytest.raises(UsageError, match="it has no situation, admissible"):
        pa.Agent("walker", model="none", environment=Half(), workspace=tmp_path)  # type: ignore # pyright: ignore
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


class Market:
    """Three stalls, of which one sells what the task names; two tries to find it among much that leads nowhere."""

    STALLS = ("green stall", "iron stall", "red stall")

    def __init__(self, goods: str) -> None:
        self.stall = self.STALLS[["fruit", "tools", "cloth"].index(goods)]
        self.goods = goods

    def reset(self) -> State:
        return State({"at": "gate", "tries": 0})

    def execute(self, action: Action, current_state: State) -> State:
        tries = current_state.values["tries"]
        assert isinstance(tries, int)
        chosen = command_of(action) or ""
        return State({"at": chosen.removeprefix("go to "), "tries": tries + 1})

    def is_terminal(self, state: State) -> bool:
        return self.succeeded(state) or state.values["tries"] == 2

    def situation(self, state: State) -> str:
        return f"Wanted: {self.goods}."

    def admissible(self, state: State) -> tuple[str, ...]:
        return (*(f"go to {stall}" for stall in self.STALLS), "leave", "sleep", "sing", "wait", "dance")

    def reward(self, state: State) -> float:
        return float(self.succeeded(state))

    def succeeded(self, state: State) -> bool:
        return state.values["at"] == self.stall

    def achieved(self, state: State) -> tuple[str, ...]:
        return ()


def errand(number: int) -> pa.Task:
    goods = ("fruit", "tools", "cloth")[number % 3]
    return pa.Task(f"Errand {number}", inputs={"goods": goods}, labels={"family": "market"})


def shopper(folder: Path) -> pa.Agent:
    """It explores by coins that come from the ids of its runs: these are counted, or every test of it would be one too."""
    place = pa.Workspace(folder, ids=counting_ids())
    return pa.Agent("shopper", model="none", environment=lambda task: Market(str(task.inputs["goods"])), workspace=place)


def shares(agent: pa.Agent) -> float:
    """Of new errands, those that succeed with memory frozen."""
    judge = agent.moved(agent.workspace, "evaluation")
    done = [judge.run(errand(number), seed=number).success for number in range(900, 930)]
    return sum(map(bool, done)) / len(done)


def test_without_a_model_a_world_is_learned_from_its_rewards_alone(tmp_path: Path) -> None:
    agent = shopper(tmp_path)
    before = shares(agent)
    for number in range(90):
        agent.run(errand(number), seed=number)
    untried = shares(agent)
    agent.workspace.settle()  # its first pairs are of young values
    settled = agent.workspace.settle()

    assert [tried.memory.status for tried in settled.trialled] == ["promoted"]
    assert before == untried <= 0.3
    assert shares(agent) >= 0.9


def test_values_that_proved_themselves_correct_the_favourite_of_a_model(tmp_path: Path) -> None:
    """Its probabilities say "left" first, whatever the door; values tell which way the colour leads."""

    def always_left(request: pa.ModelRequest) -> ModelResponse:
        likely = {choice: 0.7 if choice == "left" else 0.1 for choice in request.choices}
        return ModelResponse(assistant(request.choices[0]), probabilities=likely)

    model = RuleModel(always_left, capabilities=Capabilities(choices=True, local=True))
    agent = pa.Agent("biased", model=model, critic=None, workspace=tmp_path)
    tasks = doors("blue", "green")
    before = [agent.run(task).success for task in tasks]
    settled = agent.workspace.settle()
    after = [agent.run(door(colour, "windmill")).success for colour in ("blue", "green")]

    (policy,) = agent.workspace.memories(kind="tool_policy")
    (report,) = [tried.report for tried in settled.trialled if tried.memory.id == policy.id]
    assert report is not None
    # What they would have chosen was told in each run, so nothing was run for their trial.
    assert report.tokens == 0
    assert all(pair.run_with == pair.run_without for pair in report.pairs)
    assert len({pair.task for pair in report.pairs}) == len(report.pairs) > 10
    assert not any(before)
    assert policy.status == "promoted"
    assert after == [True, True]
