"""A run in a world: it chooses among what can be done, the world says what came of it and how good that was."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

import purpose_agent as pa
from purpose_agent.core.action import Action, GiveUp, command_of
from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.state import State
from purpose_agent.engine.choosing import BEST
from purpose_agent.runtime.events import OptionsListed, RunStarted, StateChanged, StepScored
from tests.engine.given import NATIVE, ruled, scripted
from tests.engine.worlds import REACH_THE_END, Corridor, runner, setup

pytestmark = pytest.mark.anyio
CHOOSES = replace(NATIVE, choices=True)


async def test_the_world_ends_the_run_and_says_that_it_succeeded() -> None:
    result = await runner().run(setup(scripted("east", "east"), Corridor()), REACH_THE_END)

    assert (result.status, result.success, result.answer, result.final_phi) == ("finished", True, None, 10.0)
    assert [command_of(step.action) for step in result.trajectory if step.action] == ["east", "east"]
    assert result.final_state == State({"room": 2})
    assert (str(result), "goal reached" in result.summary()) == ("[finished]", True)


async def test_each_step_tells_what_there_was_to_see_what_changed_and_what_it_was_worth() -> None:
    result = await runner().run(setup(scripted("east", "east"), Corridor()), REACH_THE_END)

    trace = result.trace
    assert trace.of(RunStarted)[0].state == {"room": 0, "torch": "here"}
    assert trace.of(OptionsListed)[1] == OptionsListed("You are in room 1.", ("west", "east"))
    assert trace.of(StateChanged) == (StateChanged({"room": 1}, ("torch",)), StateChanged({"room": 2}))
    assert [scored.score.reward for scored in trace.of(StepScored)] == [-0.1, 1.0]
    assert [(scored.score.critic, scored.score.after) for scored in trace.of(StepScored)] == [
        ("environment", None),
        ("environment", 10.0),
    ]
    assert [seen.content for step in result.trajectory for seen in step.observations] == [
        "You are in room 1.",
        "You are in room 2.",
    ]
    assert [step.before.values["room"] for step in result.trajectory] == [0, 1]


async def test_a_run_out_of_steps_has_not_succeeded() -> None:
    task = replace(REACH_THE_END, limits=pa.Limits(steps=2))
    result = await runner().run(setup(ruled(lambda request: "west", CHOOSES), Corridor()), task)

    assert (result.status, result.success, result.total_steps, result.final_phi) == ("exhausted", False, 2, None)


async def test_a_run_out_of_steps_in_a_world_that_can_not_tell_has_not_succeeded_either() -> None:
    class Silent(Corridor):
        def succeeded(self, state: State) -> bool | None:
            return None

    task = replace(REACH_THE_END, limits=pa.Limits(steps=2))
    out_of_steps = await runner().run(setup(scripted("west", "west"), Silent()), task)
    at_the_end = await runner().run(setup(scripted("east", "east"), Silent()), task)

    assert (out_of_steps.success, at_the_end.success) == (False, None)


async def test_the_last_step_may_be_the_one_that_reaches_the_goal() -> None:
    task = replace(REACH_THE_END, limits=pa.Limits(steps=2))
    result = await runner().run(setup(scripted("east", "east"), Corridor()), task)

    assert (result.status, result.success) == ("finished", True)


async def test_where_nothing_can_be_done_the_run_gives_up_and_says_so() -> None:
    result = await runner().run(setup(scripted("east"), Corridor(stuck=1)), REACH_THE_END)

    assert (result.status, result.success) == ("gave_up", False)
    assert "Nothing can be done here" in result.reason
    assert isinstance(result.trajectory[-1].action, GiveUp)


async def test_a_world_whose_execute_is_a_coroutine_function_is_awaited() -> None:
    class Slow(Corridor):
        async def execute(self, action: Action, current_state: State) -> State:  # type: ignore # pyright: ignore
            return super().execute(action, current_state)

    result = await runner().run(setup(scripted("east", "east"), Slow()), REACH_THE_END)

    assert result.success is True


async def test_a_function_makes_a_world_for_each_task() -> None:
    def made(task: pa.Task) -> pa.ChoiceEnvironment:
        return Corridor(int(task.inputs["rooms"]))  # type: ignore # pyright: ignore

    long, short = (pa.Task("Reach the end", inputs={"rooms": rooms}) for rooms in (4, 2))
    model = ruled(lambda request: "east", CHOOSES)

    assert (await runner().run(setup(model, made), long)).total_steps == 3
    assert (await runner().run(setup(model, made), short)).total_steps == 1


async def test_a_class_makes_worlds_and_is_none() -> None:
    class Fixed(Corridor):
        def __init__(self, task: pa.Task) -> None:
            super().__init__(2)

    assert (await runner().run(setup(scripted("east"), Fixed), REACH_THE_END)).success is True


async def test_a_world_that_does_not_list_its_actions_is_refused_with_what_it_lacks() -> None:
    class Plain:
        def reset(self) -> State:
            return State()

        def execute(self, action: Action, current_state: State) -> State:
            return current_state

        def is_terminal(self, state: State) -> bool:
            return True

    with pytest.raises(UsageError, match="Plain: it has no situation, admissible, reward, succeeded, achieved"):
        setup(scripted(), Plain())
    with pytest.raises(UsageError, match="Plain: it has no situation"):
        await runner().run(setup(scripted(), lambda task: Plain()), REACH_THE_END)  # type: ignore # pyright: ignore
    with pytest.raises(UsageError, match="str: it has no reset"):
        setup(scripted(), "corridor")


@pytest.mark.parametrize(
    ("method", "said", "told"),
    [
        ("reset", {"room": 0}, "must give a State"),
        ("execute", None, r"execute\(\) gave None, of type NoneType; it must give a State"),
        ("is_terminal", None, "must give True or False"),
        ("situation", 7, "must give a str"),
        ("admissible", None, "must give a list of str"),
        ("admissible", "east", "gave 'east', of type str; it must give a list of str"),
        ("admissible", ["east", 2], "gave 2, of type int; it must give str only"),
        ("reward", None, "must give a finite number"),
        ("reward", float("nan"), "must give a finite number"),
        ("succeeded", "yes", "must give True, False or None"),
        ("achieved", "be there", "must give a list of str"),
        ("progress", "far", "must give a finite number"),
    ],
)
async def test_an_answer_that_a_world_may_not_give_is_told_with_method_and_value(method: str, said: object, told: str) -> None:
    def answer(self: object, *given: object) -> object:
        return said

    odd = type("Odd", (Corridor,), {method: answer})
    with pytest.raises(UsageError, match=rf"Odd\.{method}\(\) gave .*") as caught:
        await runner().run(setup(scripted("east", "east"), odd()), REACH_THE_END)

    assert re.search(told, str(caught.value))


@pytest.mark.parametrize("method", ["reset", "is_terminal", "situation", "admissible", "reward", "succeeded", "achieved"])
async def test_of_a_world_only_execute_may_be_async(method: str) -> None:
    async def answer(self: object, *given: object) -> object:
        return None

    slow = type("Slow", (Corridor,), {method: answer})
    with pytest.raises(UsageError, match=rf"Slow\.{method} is async"):
        await runner().run(setup(scripted("east", "east"), slow()), REACH_THE_END)


async def test_an_async_execute_must_give_a_state_too() -> None:
    class Slow(Corridor):
        async def execute(self, action: Action, current_state: State) -> None:  # type: ignore # pyright: ignore
            pass

    with pytest.raises(UsageError, match=r"Slow\.execute\(\) gave None"):
        await runner().run(setup(scripted("east", "east"), Slow()), REACH_THE_END)


async def test_a_class_that_needs_no_task_is_made_without() -> None:
    result = await runner().run(setup(scripted("east", "east"), Corridor), REACH_THE_END)

    assert result.success is True


async def test_what_can_not_be_called_with_the_task_is_refused_at_once() -> None:
    class Named(Corridor):
        def __init__(self, *, size: int) -> None:
            super().__init__(size)

    with pytest.raises(UsageError, match=r"<lambda>\(\) makes no worlds: it can't be called with the task alone"):
        setup(scripted(), lambda: Corridor())
    with pytest.raises(UsageError, match=r"Named\(\*, size.*it can't be made without arguments"):
        setup(scripted(), Named)


async def test_a_function_that_makes_no_world_is_named() -> None:
    def forgetful(task: pa.Task) -> None:
        Corridor()

    async def later(task: pa.Task) -> Corridor:
        return Corridor()

    with pytest.raises(UsageError, match=r"NoneType: it has no reset, .*, which forgetful made"):
        await runner().run(setup(scripted(), forgetful), REACH_THE_END)
    with pytest.raises(UsageError, match="later is async"):
        await runner().run(setup(scripted(), later), REACH_THE_END)


async def test_a_task_with_checks_is_refused_in_a_world_since_nobody_would_run_them() -> None:
    task = pa.Task("Reach the end", checks=[pa.Check.contains("end")])

    with pytest.raises(UsageError, match="'Reach the end' has checks, and Corridor judges"):
        await runner().run(setup(scripted(), Corridor()), task)


async def test_a_world_that_breaks_is_a_bug_that_is_raised() -> None:
    class Broken(Corridor):
        def execute(self, action: Action, current_state: State) -> State:
            raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError):
        await runner().run(setup(scripted("east"), Broken()), REACH_THE_END)


# What the model is sent


async def test_the_prompt_of_a_step_has_goal_situation_and_the_last_actions() -> None:
    model = scripted("west", "east", "west", "east", "east", capabilities=CHOOSES)
    await runner().run(setup(model, Corridor()), REACH_THE_END)

    assert [message.role for message in model.requests[-1].messages] == ["system", "user"]
    assert model.requests[0].messages[1].text == "Task: Reach the end of the corridor\nNow: You are in room 0."
    assert model.requests[4].messages[1].text.splitlines() == [
        "Task: Reach the end of the corridor",
        "Done last:",
        "> east",
        "You are in room 1.",
        "> west",
        "You are in room 0.",
        "> east",
        "Now: You are in room 1.",
    ]


async def test_actions_are_choices_and_spelled_out_only_where_the_engine_does_not_keep_to_them() -> None:
    keeps, told = scripted("east", "east", capabilities=CHOOSES), scripted("east", "east")
    for model in (keeps, told):
        await runner().run(setup(model, Corridor()), REACH_THE_END)
        assert all(request.choices == ("west", "east") and not request.tools for request in model.requests)

    assert "west" not in keeps.requests[0].text
    assert "Possible actions:\n- west\n- east" in told.requests[0].text


async def test_of_many_actions_a_few_are_offered_by_chance_which_a_seed_repeats() -> None:
    async def offered(seed: int) -> Sequence[tuple[str, ...]]:
        model = ruled(lambda request: request.choices[0], CHOOSES)
        task = replace(REACH_THE_END, limits=pa.Limits(steps=3))
        await runner().run(setup(model, Corridor(doors=20)), task, seed=seed)
        return [request.choices for request in model.requests]

    first, again, other = await offered(1), await offered(1), await offered(2)
    order = Corridor(doors=20).admissible(State({"room": 0}))

    assert first == again != other
    assert all(len(choices) == BEST and sorted(choices, key=order.index) == list(choices) for choices in first)


async def test_a_reply_that_is_no_possible_action_is_told_and_may_be_mended() -> None:
    model = scripted("fly", "east", "east")
    result = await runner().run(setup(model, Corridor()), REACH_THE_END)

    assert (result.success, result.total_steps) == (True, 2)
    assert "'fly' is none of: west, east." in model.requests[1].text


async def test_a_situation_that_is_longer_than_the_window_is_shortened() -> None:
    class Wordy(Corridor):
        def situation(self, state: State) -> str:
            return "A long corridor. " * 2_000

    def fits(request: ModelRequest) -> str:
        assert len(request.text) < 3 * 3_000
        return "east"

    model = ruled(fits, replace(CHOOSES, context_tokens=3_000))

    assert (await runner().run(setup(model, Wordy()), REACH_THE_END)).success is True
