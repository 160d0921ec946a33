"""Decisions among options by what earlier runs got from them, with a model and without."""

import random
from collections import Counter
from dataclasses import replace

import pytest

import purpose_agent as pa
from purpose_agent.core.action import command_of
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.core.values import Experienced, Ranked
from purpose_agent.engine.choosing import BEST, _lettered, _named  # pyright: ignore[reportPrivateUsage]
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.conversation import conversations
from purpose_agent.runtime.events import ModelCalled, RunMode, RunStarted, ValuesConsulted
from tests.engine.given import NATIVE, ruled, scripted
from tests.engine.worlds import REACH_THE_END, Corridor, Taught, runner, setup

pytestmark = pytest.mark.anyio
CHOOSES = replace(NATIVE, choices=True)
TELLS = replace(CHOOSES, probabilities=True)
DOORS = pa.Task("Which door?", checks=[pa.Check.equals("green")], choices=["red", "green", "blue"])
EASTWARD = {"east": (0.8, ("run_7",)), "west": (-0.4, ("run_3",))}


def taken(result: TaskResult) -> list[str | None]:
    return [command_of(step.action) for step in result.trajectory if step.action is not None]


def with_probabilities(**shares: float) -> ModelResponse:
    return ModelResponse(assistant(max(shares, key=lambda name: shares[name])), probabilities=shares)


# Without a model


async def test_without_a_model_the_highest_value_is_taken() -> None:
    result = await runner(Taught(EASTWARD)).run(setup(world=Corridor()), REACH_THE_END)

    assert (result.success, taken(result)) == (True, ["east", "east"])
    assert result.trace.of(RunStarted)[0].model == "none"
    assert result.trace.of(ModelCalled) == ()


async def test_without_values_it_is_chance_that_a_seed_repeats() -> None:
    walks = [taken(await runner().run(setup(world=Corridor(8)), REACH_THE_END, seed=seed)) for seed in (1, 1, 2, 3, 4, 5, None)]

    assert walks[0] == walks[1]
    assert len({tuple(walk) for walk in walks[1:6]}) > 1


async def test_equal_values_are_chosen_among_by_chance() -> None:
    equal = Taught({"east": (0.5, ()), "west": (0.5, ()), "try door 0": (0.2, ())})
    chosen: Counter[str | None] = Counter()
    for seed in range(20):
        chosen.update(taken(await runner(equal).run(setup(world=Corridor(8, doors=1)), REACH_THE_END, seed=seed)))

    assert set(chosen) == {"east", "west"}


async def test_without_a_model_a_choice_is_made_by_value_too() -> None:
    values = Taught({"green": (0.9, ("run_1",))})
    result = await runner(values).run(setup(), DOORS)

    assert (result.answer, result.success, result.usage.calls) == ("green", True, 0)
    assert values.asked == [("Which door?", ())]


async def test_without_a_model_a_task_without_options_can_not_be_done() -> None:
    with pytest.raises(UsageError, match="'walker' has no model, and the task 'Write a poem' has no options"):
        await runner().run(setup(), pa.Task("Write a poem"))


# What is asked, and when


async def test_values_are_told_what_was_done_in_this_run_and_what_it_brought() -> None:
    values = Taught({"west": (1.0, ())})
    await runner(values).run(setup(world=Corridor()), replace(REACH_THE_END, limits=pa.Limits(steps=3)))

    west = Experienced("You are in room 0.", "west", -0.1, ("west", "east"))
    assert [past for _, past in values.asked] == [(), (west,), (west, west)]


async def test_a_second_attempt_is_told_of_the_first() -> None:
    values = Taught({"red": (0.9, ()), "green": (0.5, ())})
    result = await runner(values).run(setup(), replace(DOORS, limits=pa.Limits(retries=1)))

    assert result.success
    assert [[step.option for step in past] for _, past in values.asked] == [[], ["red"]]


@pytest.mark.parametrize(("mode", "asked"), [("learning", True), ("validation", False), ("evaluation", False)])
async def test_without_a_model_only_learning_uses_values_that_nothing_vouches_for(mode: RunMode, asked: bool) -> None:
    values = Taught(EASTWARD)
    await runner(values).run(setup(world=Corridor()), REACH_THE_END, mode=mode, seed=1)

    assert bool(values.asked) == asked


async def test_with_a_model_values_that_nothing_vouches_for_are_not_used() -> None:
    values = Taught(EASTWARD)
    await runner(values).run(setup(scripted("east", "east"), Corridor()), REACH_THE_END)

    assert values.asked == []


async def test_without_memory_nothing_that_was_learned_is_used_whoever_asks() -> None:
    values = Taught(EASTWARD)
    await runner(values).run(setup(world=Corridor()), REACH_THE_END, memory=False, values=True, seed=1)

    assert values.asked == []


async def test_whoever_asks_no_gate_gets_them_in_every_mode() -> None:
    values = Taught(EASTWARD)
    await runner(values).run(setup(world=Corridor()), REACH_THE_END, mode="evaluation", values=True)

    assert values.asked != []


@pytest.mark.parametrize("off", [{"values": False}, {"memory": False}])
async def test_values_that_may_not_be_used_are_not_asked(off: dict[str, bool]) -> None:
    values = Taught(EASTWARD)
    for task, who in ((REACH_THE_END, setup(world=Corridor())), (DOORS, setup(scripted("red")))):
        result = await runner(values).run(who, task, seed=1, **off)  # type: ignore # pyright: ignore
        assert result.trace.of(ValuesConsulted) == ()

    assert values.asked == []


async def test_the_event_names_the_best_and_the_runs_that_taught_them() -> None:
    result = await runner(Taught(EASTWARD)).run(setup(world=Corridor(doors=20)), REACH_THE_END)

    told = result.trace.of(ValuesConsulted)[0]
    assert (len(told.options), told.among) == (BEST, 22)
    assert (told.options[0].option, told.options[0].value, told.options[0].sources) == ("east", 0.8, ("run_7",))


async def test_values_that_know_nothing_leave_no_event_and_chance_decides() -> None:
    class Empty(Taught):
        def rank(self, *_: object, draws: random.Random) -> tuple[()]:  # type: ignore # pyright: ignore
            return ()

    result = await runner(Empty({})).run(setup(world=Corridor()), REACH_THE_END, seed=1)

    assert result.trace.of(ValuesConsulted) == ()
    assert taken(result) == taken(await runner().run(setup(world=Corridor()), REACH_THE_END, seed=1))


# With a model


async def test_a_model_is_offered_the_best_few_actions_in_the_world_s_order() -> None:
    table = {"east": (0.9, ()), "try door 3": (0.5, ()), "try door 9": (0.5, ()), "west": (-0.9, ())}
    model = ruled(lambda request: "east", CHOOSES)
    await runner(Taught(table)).run(setup(model, Corridor(doors=20)), REACH_THE_END, seed=1, values=True)

    choices = model.requests[0].choices
    assert len(choices) == BEST
    assert choices[0] == "east"
    assert {"try door 3", "try door 9"} < {*choices}
    assert "west" not in choices


async def test_actions_that_begin_alike_get_letters_so_that_values_can_be_weighed() -> None:
    def favourite(request: ModelRequest) -> ModelResponse:
        return with_probabilities(**{choice: 0.9 if "door" in choice else 0.1 for choice in request.choices})

    model = ruled(favourite, TELLS)
    table = {"try door 0": (0.5, ()), "try door 1": (-0.9, ()), "west": (-0.9, ()), "east": (0.9, ())}
    doubtful = await runner(Taught(table)).run(setup(model, Corridor(doors=2)), REACH_THE_END, values=True)
    known = await runner(Taught(table | {"try door 0": (0.0, ())})).run(
        setup(model, Corridor(doors=2)), REACH_THE_END, values=True
    )

    assert taken(doubtful) == ["try door 0"] * 12
    assert taken(known) == ["east", "east"]
    assert "Possible actions:\nA. west\nB. east\nC. try door 0\nD. try door 1" in model.requests[0].text
    assert [talk[-1].text for talk in conversations(known.trace)] == ["east", "east"]


async def test_of_a_letter_that_the_engine_says_nothing_about_the_model_s_choice_goes_on_to_count() -> None:
    model = ruled(lambda request: with_probabilities(**{request.choices[1]: 1.0}), TELLS)
    result = await runner(Taught(EASTWARD)).run(setup(model, Corridor(doors=2)), REACH_THE_END, values=True)

    assert model.requests[0].choices[1] == "B. east"
    assert taken(result) == ["east", "east"]


@pytest.mark.parametrize(("values", "capabilities"), [(False, TELLS), (True, CHOOSES)])
async def test_where_nothing_can_be_weighed_nothing_gets_a_letter(values: bool, capabilities: Capabilities) -> None:
    model = ruled(lambda request: "east", capabilities)
    result = await runner(Taught(EASTWARD)).run(setup(model, Corridor(doors=2)), REACH_THE_END, values=values)

    assert model.requests[0].choices == ("west", "east", "try door 0", "try door 1")
    assert "Possible actions" not in model.requests[0].text
    assert taken(result) == ["east", "east"]


def test_what_begins_with_one_letter_may_begin_with_one_token() -> None:
    assert _lettered(["north", "northeast"]) == {"A. north": "north", "B. northeast": "northeast"}
    assert _lettered(["A. x", "A. y"]) == {"A. A. x": "A. x", "B. A. y": "A. y"}
    assert _lettered(["west", "east"]) == {}


async def test_what_earlier_runs_did_is_named_in_the_prompt() -> None:
    model = scripted("east", "east", capabilities=CHOOSES)
    await runner(Taught(EASTWARD)).run(setup(model, Corridor(doors=2)), REACH_THE_END, values=True)

    assert "In earlier runs: worked: east. did not work: west." in model.requests[0].text
    assert "try door" not in model.requests[0].text


@pytest.mark.parametrize(
    ("east", "west", "told"),
    [
        (0.0, 0.0, ""),  # all failed
        (0.04, -0.2, "In earlier runs: did not work: west."),  # no more than what is hoped of anything
        (-0.1, -0.5, "In earlier runs: did not work: west."),
        (0.9, 0.8, "In earlier runs: worked: east."),  # all worked
    ],
)
async def test_nothing_is_said_to_have_worked_or_not_that_did_not(east: float, west: float, told: str) -> None:
    model = scripted("east", "east", capabilities=CHOOSES)
    table = {"east": (east, ("run_7",)), "west": (west, ("run_3",))}
    await runner(Taught(table)).run(setup(model, Corridor()), REACH_THE_END, values=True)

    assert told in model.requests[0].text
    assert ("In earlier runs" in model.requests[0].text) == bool(told)


def test_what_is_told_of_options_does_not_hang_on_what_was_drawn_of_them() -> None:
    lucky = Ranked("go", 0.9, 0.5, ("run_1",), True, mean=-0.3)
    unlucky = Ranked("wait", -0.9, 0.5, ("run_1",), True, mean=0.3, usual=0.1)

    assert _named({"go": lucky, "wait": unlucky}) == "In earlier runs: worked: wait. did not work: go.\n"


def test_what_brings_less_than_is_usual_did_not_work() -> None:
    known = {name: Ranked(name, mean, 0.1, ("run_1",), True, usual=0.3) for name, mean in (("left", 0.9), ("right", 0.1))}

    assert _named(known) == "In earlier runs: worked: left. did not work: right.\n"


async def test_what_is_known_by_likeness_only_is_not_named_as_done() -> None:
    model = scripted("east", "east", capabilities=CHOOSES)
    await runner(Taught({"east": (0.8, ())})).run(setup(model, Corridor()), REACH_THE_END, values=True)

    assert "In earlier runs" not in model.requests[0].text


@pytest.mark.parametrize(("value", "answer"), [(0.1, "red"), (0.9, "green")])
async def test_a_choice_weighs_the_model_s_probabilities_with_the_values(value: float, answer: str) -> None:
    model = scripted(with_probabilities(red=0.8, green=0.15, blue=0.05), capabilities=CHOOSES)
    result = await runner(Taught({"green": (value, ("run_1",))})).run(setup(model), DOORS, values=True)

    assert result.answer == answer
    assert model.requests[0].choices == DOORS.choices


async def test_without_values_the_model_s_choice_stands() -> None:
    model = scripted(with_probabilities(red=0.8, green=0.2, blue=0.0), capabilities=CHOOSES)

    assert (await runner().run(setup(model), DOORS)).answer == "red"


async def test_an_engine_without_probabilities_is_offered_what_may_be_the_best() -> None:
    model = scripted("green")
    table = {"green": (0.8, ()), "blue": (0.75, ()), "red": (0.1, ())}
    await runner(Taught(table)).run(setup(model), DOORS, values=True)

    assert model.requests[0].choices == ("green", "blue")
    assert "Answer with exactly one of these, and nothing else: green, blue" in model.requests[0].text
    assert "red" not in model.requests[0].text


async def test_one_option_alone_is_no_question() -> None:
    def never(request: ModelRequest) -> str:
        raise AssertionError("nobody should be asked")

    result = await runner(Taught({"green": (0.9, ())})).run(setup(ruled(never)), DOORS, values=True)

    assert (result.answer, result.usage.calls) == ("green", 0)
