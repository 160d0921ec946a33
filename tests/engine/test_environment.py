"""Plain environments: what an agent's calls do in them, what it sees of that, and how a run in one ends and goes on."""

import json
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.action import Action, Finish, ToolUse
from purpose_agent.core.errors import CantResume, ModelUnreachable, UsageError
from purpose_agent.core.model import Capabilities
from purpose_agent.core.state import State
from purpose_agent.testing.models import ScriptedModel

JSON = Capabilities(native_tools=False, local=True)


class Lamp:
    """On or off; broken after so many commands."""

    def __init__(self, lasts: int = 9) -> None:
        self.lasts = lasts
        self.heard: list[str] = []

    def reset(self) -> State:
        return State({"lamp": "off", "used": 0})

    def execute(self, action: Action, current_state: State) -> State:
        if not isinstance(action, ToolUse):
            self.heard.append(action.type)
            return current_state
        (call,) = action.calls
        self.heard.append(f"{call.name} {call.arguments}")
        used = current_state.values["used"]
        assert isinstance(used, int)
        lamp = "on" if "on" in str(call.arguments) else "off"
        return State({"lamp": lamp, "used": used + 1})

    def is_terminal(self, state: State) -> bool:
        used = state.values["used"]
        return isinstance(used, int) and used >= self.lasts


class Judging(Lamp):
    """It says whether the lamp is on."""

    def succeeded(self, state: State) -> bool | None:
        return state.values["lamp"] == "on"


def act(command: str) -> str:
    return json.dumps({"tool": "act", "arguments": {"command": command}})


def keeper(world: object, *answers: str | Exception, workspace: Path, **more: object) -> pa.Agent:
    model = ScriptedModel(*answers, capabilities=JSON)
    return pa.Agent("keeper", model=model, critic=None, environment=world, workspace=workspace, mode="validation", **more)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def asked(agent: pa.Agent) -> list[str]:
    model = agent.model
    assert isinstance(model, ScriptedModel)
    return [request.text for request in model.requests]


def test_an_agent_without_tools_acts_by_words_and_sees_what_changed(tmp_path: Path) -> None:
    world = Lamp()
    agent = keeper(world, act("switch on"), '{"answer": "It is on"}', workspace=tmp_path)
    result = agent.run("Light the room")

    assert (result.answer, result.success, result.status) == ("It is on", None, "finished")
    assert "lamp: off" in asked(agent)[0]
    assert "lamp: on\nused: 1" in asked(agent)[1]
    assert world.heard == ["act {'command': 'switch on'}", "finish"]
    assert result.final_state.values["lamp"] == "on"


def test_tools_are_executed_and_act_in_the_world(tmp_path: Path) -> None:
    @pa.tool
    def turn(direction: str) -> str:
        """Turn the switch."""
        return f"turned {direction}"

    agent = keeper(
        Lamp(),
        json.dumps({"tool": "turn", "arguments": {"direction": "on"}}),
        '{"answer": "done"}',
        workspace=tmp_path,
        tools=[turn],
    )
    result = agent.run("Light the room")

    assert "turned on\nlamp: on" in asked(agent)[1]
    assert result.trajectory[0].observations[0].content == "turned on\nlamp: on\nused: 1"


def test_a_call_that_fails_is_no_action_of_the_world(tmp_path: Path) -> None:
    world = Lamp()
    agent = keeper(world, '{"tool": "act", "arguments": {"command": ""}}', '{"answer": "x"}', workspace=tmp_path)
    agent.run("Light the room")

    assert world.heard == ["finish"]


def test_a_run_ends_where_the_world_does(tmp_path: Path) -> None:
    agent = keeper(Lamp(lasts=1), act("switch on"), workspace=tmp_path)
    result = agent.run("Light the room")

    assert (result.status, result.answer) == ("finished", None)


@pytest.mark.parametrize(("command", "success"), [("switch on", True), ("switch off", False)])
def test_a_world_may_say_how_it_went(tmp_path: Path, command: str, success: bool) -> None:
    agent = keeper(Judging(), act(command), '{"answer": "done"}', workspace=tmp_path)

    assert agent.run("Light the room").success is success


def test_checks_of_the_task_count_more_than_the_world(tmp_path: Path) -> None:
    agent = keeper(Judging, act("switch off"), '{"answer": "done"}', workspace=tmp_path)

    assert agent.run(pa.Task("Light the room", checks=[pa.Check.equals("done")])).success is True


def test_the_facts_of_a_task_go_before_those_of_the_world(tmp_path: Path) -> None:
    agent = keeper(Lamp(), '{"answer": "x"}', workspace=tmp_path)
    agent.run(pa.Task("Light the room", inputs={"lamp": "on", "room": "attic"}))

    assert "lamp: on" in asked(agent)[0]
    assert "room: attic" in asked(agent)[0]


def test_what_the_world_does_not_tell_of_any_more_is_gone_and_the_facts_of_the_task_stay(tmp_path: Path) -> None:
    class Burning(Lamp):
        def execute(self, action: Action, current_state: State) -> State:
            return State({"used": 1})

    agent = keeper(Burning(), act("burn"), '{"answer": "x"}', workspace=tmp_path)
    result = agent.run(pa.Task("Burn it", inputs={"room": "attic"}))

    assert "lamp: gone" in asked(agent)[1]
    assert {"room": "attic", "used": 1}.items() <= result.final_state.values.items()
    assert "lamp" not in result.final_state.values


def test_a_run_that_broke_off_goes_on_in_the_world_as_it_was(tmp_path: Path) -> None:
    first = keeper(Lamp(), act("switch on"), ModelUnreachable("gone"), workspace=tmp_path)
    broken = first.run("Light the room")
    world = Lamp()
    again = keeper(world, act("and leave it on"), '{"answer": "It is on"}', workspace=tmp_path)
    result = again.resume(broken.id)

    assert (broken.status, result.status, result.answer) == ("failed", "finished", "It is on")
    assert world.heard == ["act {'command': 'switch on'}", "act {'command': 'and leave it on'}", "finish"]
    assert result.final_state.values["used"] == 2


def test_a_world_that_came_elsewhere_is_told(tmp_path: Path) -> None:
    class Fickle(Lamp):
        def execute(self, action: Action, current_state: State) -> State:
            return State({"lamp": "broken", "used": 7})

    broken = keeper(Lamp(), act("switch on"), ModelUnreachable("gone"), workspace=tmp_path).run("Light the room")

    with pytest.raises(CantResume, match="led Fickle to another state"):
        keeper(Fickle(), workspace=tmp_path).resume(broken.id)


def test_a_world_that_can_not_be_led_there_again_is_told(tmp_path: Path) -> None:
    class Once(Lamp):
        replayable = False

    broken = keeper(Once(), act("switch on"), ModelUnreachable("gone"), workspace=tmp_path).run("Light the room")

    with pytest.raises(CantResume, match="replayable = False"):
        keeper(Once(), workspace=tmp_path).resume(broken.id)


def test_what_can_not_work_is_told(tmp_path: Path) -> None:
    class Wrong(Lamp):
        def execute(self, action: Action, current_state: State) -> State:
            return {"lamp": "on"}  # type: ignore[return-value] # pyright: ignore[reportReturnType]

    with pytest.raises(UsageError, match=r"Wrong.execute\(\) gave .* must give a State"):
        keeper(Wrong(), act("switch on"), workspace=tmp_path).run("Light the room")
    with pytest.raises(UsageError, match="has no model, and Lamp lists no actions"):
        pa.Agent("keeper", model="none", environment=Lamp(), workspace=tmp_path).run("Light the room")


def test_an_answer_is_an_action_too(tmp_path: Path) -> None:
    class Exam(Lamp):
        def execute(self, action: Action, current_state: State) -> State:
            return State({"used": 0, "graded": action.answer if isinstance(action, Finish) else ""})

    result = keeper(Exam(), '{"answer": "42"}', workspace=tmp_path).run("What is it?")

    assert result.final_state.values["graded"] == "42"
