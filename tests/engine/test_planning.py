"""Plans are carried out while they are written; what fails is planned again; what was done is done once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.core.action import ToolUse
from purpose_agent.core.errors import ModelUnreachable, UsageError
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, TextDelta
from purpose_agent.engine.planning_past import CUT_OFF
from purpose_agent.learning.trial import is_held_out
from purpose_agent.runtime.events import (
    ActionDecided,
    CallPlanned,
    CallRefused,
    CheckpointSaved,
    PersonAsked,
    StepScored,
    TextStreamed,
    ToolReturned,
    ToolStarted,
)
from purpose_agent.testing.models import RuleModel, ScriptedModel
from tests.engine.test_resuming import as_left_by_the_dead, snapshots

PLAN = '1. look(name="a")\n2. look(name="b")\n3. add(a=$1, b=$2)\njoin()'
VALUES = {"a": 2, "b": 40}


class Desk:
    """Tools that note what was really done, in a file, so that it outlives a process."""

    def __init__(self, path: Path) -> None:
        self.path = path

        @pa.tool(idempotent=True, origin="operator")
        async def look(name: str) -> int:
            """Look up a number.

            Args:
                name: Whose.
            """
            self.note(f"look {name}")
            return VALUES[name]

        @pa.tool(idempotent=True, origin="operator")
        def add(a: float, b: float) -> float:
            """Add two numbers."""
            self.note(f"add {a:g} {b:g}")
            return a + b

        @pa.tool(effects=("send",), origin="operator")
        def send(text: str) -> str:
            """Send a text."""
            self.note(f"send {text}")
            return "sent"

        @pa.tool(origin="web")
        def page(url: str) -> str:
            """Read a page."""
            self.note(f"page {url}")
            return "words of a page"

        self.tools = [look, add, send, page]

    def note(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(f"{line}\n")

    @property
    def done(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


pytestmark = pytest.mark.anyio


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "done")


def planner(folder: Path, desk: Desk, *answers: Any, model: pa.Model | None = None, **options: Any) -> pa.LLMCompiler:
    model = model or ScriptedModel(*answers)
    return pa.LLMCompiler("planner", model=model, critic=None, tools=desk.tools, workspace=folder / "ws", **options)


class Halting:
    """A model that writes its first reply piece by piece, and does something between them."""

    name = "halting"
    capabilities = Capabilities(local=True)

    def __init__(self, *pieces: "str | Callable[[], Any] | Exception", then: str = "Answer: 42") -> None:
        self.pieces = pieces
        self.then = then
        self.asked = 0

    async def generate(self, request: ModelRequest) -> ModelResponse:
        raise AssertionError("a plan is streamed")

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        self.asked += 1
        said = ""
        for piece in self.pieces if self.asked == 1 else (self.then,):
            if isinstance(piece, Exception):
                raise piece
            if callable(piece):
                await piece()
                continue
            said += piece
            yield TextDelta(piece)
        yield ModelResponse(assistant(said))


def test_a_plan_is_carried_out_and_joined(tmp_path: Path, desk: Desk) -> None:
    agent = planner(tmp_path, desk, PLAN, "Answer: 42")
    result = agent.run(pa.Task("add them", checks=[pa.Check.equals("42")]))

    assert (result.status, result.answer, result.success, result.total_steps) == ("finished", "42", True, 2)
    assert sorted(desk.done) == ["add 2 40", "look a", "look b"]
    assert desk.done[-1] == "add 2 40"
    (plan, answer) = result.trace.of(ActionDecided)
    assert isinstance(plan.action, ToolUse)
    assert [dict(call.arguments) for call in plan.action.calls] == [{"name": "a"}, {"name": "b"}, {"a": "$1", "b": "$2"}]
    assert answer.action.type == "finish"
    assert result.final_state.values["1.3 add"] == "42.0"
    assert [each.step for each in result.trace.of(CheckpointSaved)] == [1]
    assert result.trace.of(StepScored)[-1].score.passed


def test_results_of_a_plan_are_shown_with_their_numbers_below_the_plan(tmp_path: Path, desk: Desk) -> None:
    model = ScriptedModel(f"Sure!\n```\n{PLAN}\n```\nthat is all", "Answer: 42")
    planner(tmp_path, desk, model=model).run("add them")

    _, _, plan, results = model.requests[1].messages
    assert plan.text == PLAN
    assert "1. look returned: 2\n\n2. look returned: 40\n\n3. add returned: 42.0" in results.text
    assert "look(name: string): Look up a number." in model.requests[0].text


def test_each_event_of_a_call_follows_from_the_call_as_it_was_planned(tmp_path: Path, desk: Desk) -> None:
    result = planner(tmp_path, desk, PLAN, "Answer: 42").run("add them")
    planned = {event.payload.call.id: event.id for event in result.trace.events if isinstance(event.payload, CallPlanned)}
    started = [event for event in result.trace.events if isinstance(event.payload, ToolStarted)]
    returned = [event for event in result.trace.events if isinstance(event.payload, ToolReturned)]

    assert len(planned) == len(started) == len(returned) == 3
    assert all(event.parent == planned[event.payload.call_id] for event in started if isinstance(event.payload, ToolStarted))
    assert all(
        event.parent == planned[event.payload.observation.call_id]
        for event in returned
        if isinstance(event.payload, ToolReturned)
    )


def test_a_call_begins_while_the_plan_is_still_being_written(tmp_path: Path, desk: Desk) -> None:
    """The model does not go on before the call has come back; one that began later would never let it."""
    returned = dict[str, asyncio.Event]()

    def come(name: str) -> Callable[[], Any]:
        return lambda: asyncio.wait_for(returned.setdefault(name, asyncio.Event()).wait(), 20)

    def watch(event: pa.Event) -> None:
        if isinstance(event.payload, ToolReturned):
            returned.setdefault(event.payload.observation.call_id, asyncio.Event()).set()

    model = Halting('1. look(name="a")', come("plan1_1"), "\n2. add(a=$1, b=40)", come("plan1_2"), "\njoin()")
    result = planner(tmp_path, desk, model=model).run("add", watch=watch)

    assert (result.status, desk.done) == ("finished", ["look a", "add 2 40"])


def test_a_call_does_not_wait_for_calls_that_it_does_not_use(tmp_path: Path) -> None:
    """Not in waves: the third call ends what the first one waits for."""
    ended = asyncio.Event()

    @pa.tool
    async def slow() -> str:
        """Wait."""
        await asyncio.wait_for(ended.wait(), 20)
        return "slow"

    @pa.tool
    async def quick() -> str:
        """Go on."""
        return "quick"

    @pa.tool
    async def end(after: str) -> str:
        """End the waiting."""
        ended.set()
        return after

    model = ScriptedModel("1. slow()\n2. quick()\n3. end(after=$2)\njoin()", "Answer: done")
    agent = pa.LLMCompiler("planner", model=model, critic=None, tools=[slow, quick, end], workspace=tmp_path)
    assert [seen.ok for step in agent.run("go").trace.steps() for seen in step.observations] == [True, True, True]


def test_a_call_that_failed_is_planned_again_and_what_was_done_is_not_repeated(tmp_path: Path, desk: Desk) -> None:
    model = ScriptedModel(
        '1. look(name="a")\n2. look(name="zzz")\n3. add(a=$1, b=$2)\njoin()',
        '1. look(name="a")\n2. look(name="b")\n3. add(a=$1, b=$2)\njoin()',
        "Answer: 42",
    )
    result = planner(tmp_path, desk, model=model).run("add them")

    assert (result.status, result.answer) == ("finished", "42")
    assert sorted(desk.done) == ["add 2 40", "look a", "look b", "look zzz"]
    told = model.requests[1].text
    assert "1. look returned: 2" in told
    assert "2. look failed: look failed: KeyError: 'zzz'" in told
    assert "3. add failed: Not made: it uses $2, which failed." in told
    assert len(result.trace.of(ToolStarted)) == 4


def test_after_a_plan_that_went_well_the_same_call_is_made_again(tmp_path: Path, desk: Desk) -> None:
    planner(tmp_path, desk, '1. look(name="a")\njoin()', '2. look(name="a")\njoin()', "Answer: 2").run("look twice")
    assert desk.done == ["look a", "look a"]


def test_a_later_plan_uses_results_of_an_earlier_one(tmp_path: Path, desk: Desk) -> None:
    planner(tmp_path, desk, '1. look(name="a")\njoin()', "2. add(a=$1, b=1)\njoin()", "Answer: 3").run("look, then add")
    assert desk.done == ["look a", "add 2 1"]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ('1. find(name="a")\njoin()', "There is no tool called 'find'. Tools: look, add, send, page."),
        ("1. add(a=$2, b=1)\n2. add(a=$1, b=1)\njoin()", "Not made: it waits for itself: $1 → $2 → $1."),
        ('1. add(a=$2, b=1)\n2. look(name="a")\njoin()', "Not made: it uses $2, which comes later."),
        ("1. add(a=$7, b=1)\njoin()", "Not made: it uses $7, and there is no such call."),
        ('1. add(a="many", b=1)\njoin()', "add can't be called like that: a: Input should be a valid number"),
        ("1. add(a=1 + 1, b=1)\njoin()", "Not made: it could not be read: 1 + 1 is no value"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told_to_its_model(tmp_path: Path, desk: Desk, plan: str, told: str) -> None:
    model = ScriptedModel(plan, "Answer: sorry")
    result = planner(tmp_path, desk, model=model).run("go")

    assert result.answer == "sorry"
    assert told in model.requests[1].text


def test_after_as_many_failed_plans_as_may_the_model_has_to_answer(tmp_path: Path, desk: Desk) -> None:
    bad = '1. look(name="zzz")\njoin()'
    answers = planner(tmp_path / "1", desk, bad, bad, "Answer: it can't be found", replans=1)
    plans = planner(tmp_path / "2", desk, bad, bad, bad, replans=1)

    assert answers.run("look").answer == "it can't be found"
    result = plans.run("look")
    assert (result.status, result.total_steps) == ("gave_up", 3)
    assert "2 plans failed, and no answer came after them. The last tool call failed: look failed: KeyError" in result.reason
    assert desk.done == ["look zzz"] * 4


def test_plans_are_steps_and_end_at_their_limit(tmp_path: Path, desk: Desk) -> None:
    model = RuleModel(lambda request: '1. look(name="a")\njoin()')
    result = planner(tmp_path, desk, model=model, limits=pa.Limits(steps=3)).run("look")
    assert (result.status, result.total_steps, len(desk.done)) == ("exhausted", 3, 3)


def test_a_reply_that_is_neither_is_told_and_giving_up_is_heard(tmp_path: Path, desk: Desk) -> None:
    model = ScriptedModel("", "Give up: no such number")
    result = planner(tmp_path, desk, model=model).run("look")
    assert (result.status, result.reason) == ("gave_up", "no such number")
    assert "neither a plan nor an answer" in model.requests[1].text


def test_an_answer_that_fails_its_checks_is_tried_again(tmp_path: Path, desk: Desk) -> None:
    task = pa.Task("add them", checks=[pa.Check.equals("42")], limits=pa.Limits(retries=1))
    result = planner(tmp_path, desk, "Answer: 41", PLAN, "Answer: 42").run(task)
    assert (result.success, result.total_steps, len(desk.done)) == (True, 3, 3)


async def test_an_answer_is_streamed_and_a_plan_is_not(tmp_path: Path, desk: Desk) -> None:
    agent = planner(tmp_path, desk, PLAN, "Answer: it is forty-two")
    pieces = [
        event.payload.text
        async for event in agent.stream("add")
        if isinstance(event, pa.Event) and isinstance(event.payload, TextStreamed)
    ]
    assert "".join(pieces) == "it is forty-two"
    assert len(pieces) > 1


def test_calls_that_began_come_back_when_the_model_breaks_off_and_the_run_goes_on_from_them(tmp_path: Path, desk: Desk) -> None:
    broken = Halting('1. look(name="a")\n2. add(a=$1, b=', ModelUnreachable("gone"))
    failed = planner(tmp_path, desk, model=broken).run("add them")
    assert (failed.status, len(failed.trace.of(ToolReturned))) == ("failed", len(desk.done))

    model = ScriptedModel('1. look(name="a")\n2. add(a=$1, b=40)\njoin()', "Answer: 42")
    result = planner(tmp_path, desk, model=model).resume(failed.id)

    assert (result.status, result.answer) == ("finished", "42")
    assert desk.done == ["look a", "add 2 40"]
    assert CUT_OFF in model.requests[0].text
    assert "1. look returned: 2" in model.requests[0].text


def test_a_plan_that_is_longer_than_an_answer_may_be_counts_as_far_as_it_went(tmp_path: Path, desk: Desk) -> None:
    cut = ModelResponse(assistant('1. look(name="a")\n2. add(a=$1, b='), stop="length")
    model = ScriptedModel(cut, "2. add(a=$1, b=40)\njoin()", "Answer: 42")
    result = planner(tmp_path, desk, model=model).run("add them")

    assert (result.answer, desk.done) == ("42", ["look a", "add 2 40"])
    assert model.requests[1].messages[2].text == f'1. look(name="a")\njoin()\n{CUT_OFF}'


def test_a_run_that_was_cut_off_after_any_commit_goes_on_and_repeats_nothing(tmp_path: Path, desk: Desk) -> None:
    # What the model says is decided by the conversation alone.
    def says(request: ModelRequest) -> str:
        if "returned: 42.0" in request.text:
            return "Answer: 42"
        return PLAN if "zzz" in request.text else PLAN.replace('"b"', '"zzz"')

    agent = planner(tmp_path, desk, model=RuleModel(says))
    copies = snapshots(agent, tmp_path / "copies", lambda: agent.run("add them", seed=1))
    whole = desk.done
    assert sorted(whole) == ["add 2 40", "look a", "look b", "look zzz"]
    gone_on = 0
    for number, (folder, _) in enumerate(copies):
        place = as_left_by_the_dead(folder)
        (row,) = place.runs()
        if row.status == "finished":
            continue
        before = place.trace(row.id)
        planned = {each.call.id: each.call for each in before.of(CallPlanned)}
        returned = [each.observation.call_id for each in before.of(ToolReturned)]
        made = [planned[call_id].name for call_id in returned if call_id in {each.call_id for each in before.of(ToolStarted)}]
        again = Desk(tmp_path / f"again-{number}")
        other = pa.LLMCompiler("planner", model=RuleModel(says), critic=None, tools=again.tools, workspace=place)

        result = other.resume(row.id)

        gone_on += 1
        assert (result.status, result.answer) == ("finished", "42")
        assert result.trace.events[: len(before.events)] == before.events
        assert [event.seq for event in result.trace.events] == list(range(1, len(result.trace.events) + 1))
        assert len(again.done) == len(whole) - len(made)
        assert len(set(again.done)) == len(again.done)
    assert gone_on > 10


def test_a_plan_that_was_cut_off_while_it_was_written_counts_as_far_as_it_went(tmp_path: Path, desk: Desk) -> None:
    """As if the process had died just then: what the record has is a copy."""
    both, returned = asyncio.Event(), list[str]()

    def watch(event: pa.Event) -> None:
        if isinstance(event.payload, ToolReturned):
            returned.append(event.payload.observation.call_id)
            if len(returned) == 2:
                both.set()

    async def wait() -> None:
        await asyncio.wait_for(both.wait(), 20)

    model = Halting('1. look(name="a")\n2. look(name="b")\n', wait, "3. add(a=$1, b=$2)\njoin()")
    agent = planner(tmp_path, desk, model=model)
    copies = snapshots(agent, tmp_path / "copies", lambda: agent.run("add them", watch=watch))
    found = 0
    for number, (folder, _) in enumerate(copies):
        place = as_left_by_the_dead(folder)
        (row,) = place.runs()
        before = place.trace(row.id)
        if not before.of(CallPlanned) or before.of(ActionDecided):
            continue
        found += 1
        again = Desk(tmp_path / f"again-{number}")
        scripted = ScriptedModel(PLAN, "Answer: 42")
        other = pa.LLMCompiler("planner", model=scripted, critic=None, tools=again.tools, workspace=place)

        result = other.resume(row.id)

        assert (result.status, result.answer) == ("finished", "42")
        plans = [each.action for each in result.trace.of(ActionDecided) if isinstance(each.action, ToolUse)]
        assert [plan.thought for plan in plans] == [CUT_OFF, ""]
        assert len(again.done) == 3 - len(before.of(ToolReturned))
        assert CUT_OFF in scripted.requests[0].text
    assert found > 1


def test_a_call_waits_for_a_person_while_those_beside_it_are_made(tmp_path: Path, desk: Desk) -> None:
    plan = '1. send(text="hi")\n2. look(name="a")\n3. add(a=$2, b=1)\n4. send(text="it was $1")\njoin()'
    waiting = planner(tmp_path, desk, plan, approvals={"send": "ask"}).run("go")

    assert (waiting.status, desk.done) == ("waiting", ["look a", "add 2 1"])
    (asked,) = waiting.trace.of(PersonAsked)
    assert asked.arguments == {"text": "hi"}

    agent = planner(tmp_path, desk, "Answer: done", approvals={"send": "ask"})
    agent.workspace.control(waiting.id).approve(asked.call_id)
    second = agent.resume(waiting.id)
    assert (second.status, desk.done[2:]) == ("waiting", ["send hi"])
    later = second.trace.of(PersonAsked)[-1]
    assert later.arguments == {"text": "it was sent"}

    agent.workspace.control(waiting.id).approve(later.call_id)
    result = agent.resume(waiting.id)
    assert (result.status, result.answer) == ("finished", "done")
    assert desk.done == ["look a", "add 2 1", "send hi", "send it was sent"]


def test_a_call_is_held_to_what_it_uses_and_not_to_what_is_read_beside_it(tmp_path: Path, desk: Desk) -> None:
    plan = (
        '1. page(url="http://x")\n2. send(text="mine")\n3. add(a=1, b=1)\n'
        '4. send(text="they say $1")\n5. look(name="$1")\n6. send(text="$3")\njoin()'
    )
    result = planner(tmp_path, desk, plan, "Answer: done").run("go")

    assert sorted(line for line in desk.done if line.startswith("send")) == ["send 2.0", "send mine"]
    (refused,) = result.trace.of(CallRefused)
    assert (refused.call_id, refused.origin, refused.source) == ("plan1_4", "web", "http://x")


def test_taint_goes_through_calls_that_only_pass_words_on(tmp_path: Path, desk: Desk) -> None:
    @pa.tool(origin="operator")
    def shorten(text: str) -> str:
        """Shorten a text."""
        return text[:5]

    desk.tools.append(shorten)
    plan = '1. page(url="http://x")\n2. shorten(text=$1)\n3. send(text=$2)\njoin()'
    result = planner(tmp_path, desk, plan, "Answer: done").run("go")
    (refused,) = result.trace.of(CallRefused)
    assert (refused.call_id, refused.origin) == ("plan1_3", "web")


def test_what_a_plan_read_taints_the_plans_after_it(tmp_path: Path, desk: Desk) -> None:
    answers = ('1. page(url="http://x")\njoin()', '2. send(text="mine")\njoin()', "Answer: done")
    result = planner(tmp_path, desk, *answers).run("go")
    assert [refused.call_id for refused in result.trace.of(CallRefused)] == ["plan2_2"]
    assert result.trace.finished is not None
    assert result.trace.finished.origin == "web"


async def test_a_run_that_is_cancelled_stops_its_calls(tmp_path: Path) -> None:
    began, stopped = asyncio.Event(), list[str]()

    @pa.tool
    async def endless() -> str:
        """Never ends."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("endless")
        return ""

    model = ScriptedModel("1. endless()\njoin()")
    agent = pa.LLMCompiler("planner", model=model, critic=None, tools=[endless], workspace=tmp_path)
    task = asyncio.create_task(agent.run_async("go"))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped == ["endless"]
    assert agent.workspace.runs()[0].status == "cancelled"


def test_it_learns_from_its_runs_like_any_agent(tmp_path: Path, desk: Desk) -> None:
    def says(request: ModelRequest) -> str:
        return (
            '{"when": "adding numbers of people", "then": "look up each number before adding", "tier": "procedural"}'
            if request.purpose == "reflect"
            else "Answer: 41"
        )

    tasks = [pa.Task(f"add {number}", checks=[pa.Check.contains("42")]) for number in range(9)]
    result = planner(tmp_path, desk, model=RuleModel(says)).run(next(task for task in tasks if not is_held_out(task)))
    assert result.success is False
    assert len(result.lessons) == 1


def test_what_cant_plan_is_refused(tmp_path: Path, desk: Desk) -> None:
    with pytest.raises(UsageError, match="give it tools"):
        pa.LLMCompiler("planner", model=ScriptedModel(), tools=[], workspace=tmp_path)
    with pytest.raises(UsageError, match="needs a model"):
        pa.LLMCompiler("planner", model="none", tools=desk.tools, workspace=tmp_path)
    with pytest.raises(UsageError, match="whole number"):
        pa.LLMCompiler("planner", model=ScriptedModel(), tools=desk.tools, workspace=tmp_path, replans=-1)


def test_a_task_with_choices_is_answered_without_a_plan(tmp_path: Path, desk: Desk) -> None:
    result = planner(tmp_path, desk, "yes").run(pa.Task("Is it?", choices=("yes", "no"), checks=[pa.Check.equals("yes")]))
    assert (result.success, desk.done) == (True, [])


LONG = "x" * 60_000


def long_tools(sizes: list[int]) -> list[Any]:
    @pa.tool(idempotent=True, origin="operator")
    def big() -> str:
        """A long text."""
        return LONG

    @pa.tool(origin="operator")
    def size(text: str) -> int:
        """The length of a text."""
        sizes.append(len(text))
        return len(text)

    return [big, size]


def test_a_call_is_given_the_whole_result_of_another_also_of_an_earlier_plan_and_of_one_not_made_again(tmp_path: Path) -> None:
    sizes = list[int]()
    model = ScriptedModel(
        "1. big()\n2. size(text=$1)\njoin()",
        "3. size(text=$1)\n4. nothing()\njoin()",
        "5. big()\n6. size(text=$5)\n7. size(text=$1)\n8. nothing()\njoin()",
        "Answer: done",
    )
    agent = pa.LLMCompiler("planner", model=model, critic=None, tools=long_tools(sizes), workspace=tmp_path)
    result = agent.run("measure")

    assert result.status == "finished"
    assert set(sizes) == {len(LONG)}
    assert all(len(seen.content) < 10_000 for step in result.trace.steps() for seen in step.observations)


def test_a_call_that_a_person_changed_gives_its_result_and_not_what_its_model_is_told_of_the_change(tmp_path: Path) -> None:
    @pa.tool(origin="operator")
    def double(number: int) -> int:
        """Twice a number."""
        return 2 * number

    agent = pa.LLMCompiler(
        "planner",
        model=ScriptedModel("1. double(number=1)\n2. double(number=$1)\njoin()", "Answer: done"),
        critic=None,
        tools=[double],
        approvals={"double": "ask"},
        approve=lambda asked: pa.Edit({"number": 5}) if asked.call.arguments == {"number": 1} else pa.Approve(),
        workspace=tmp_path,
    )
    assert [seen.content[-2:] for step in agent.run("double").trace.steps() for seen in step.observations] == ["10", "20"]


def test_in_another_process_a_call_is_not_made_with_a_part_of_a_result(tmp_path: Path) -> None:
    def says(request: ModelRequest) -> str:
        if "size returned: 60000" in request.text:
            return "Answer: done"
        return (
            "3. big()\n4. size(text=$3)\njoin()" if "2. size failed" in request.text else "1. big()\n2. size(text=$1)\njoin()"
        )

    sizes, told = list[int](), list[str]()
    agent = pa.LLMCompiler("planner", model=RuleModel(says), critic=None, tools=long_tools(sizes), workspace=tmp_path / "ws")
    for folder, _ in snapshots(agent, tmp_path / "copies", lambda: agent.run("measure")):
        place = as_left_by_the_dead(folder)
        (row,) = place.runs()
        begun = [each.call_id for each in place.trace(row.id).of(ToolStarted)]
        if row.status == "finished" or "plan1_2" in begun:
            continue
        other = pa.LLMCompiler("planner", model=RuleModel(says), critic=None, tools=long_tools(sizes), workspace=place)
        result = other.resume(row.id)
        assert result.answer == "done"
        told += [each.observation.content for each in result.trace.of(ToolReturned) if not each.observation.ok]

    assert set(sizes) == {len(LONG)}
    assert set(told) == {
        "Not made: it uses $1, of whose result only a part was kept when the run was interrupted (52000 characters are gone). "
        "Call big again."
    }


def test_a_call_that_waited_for_a_person_is_made_with_what_they_were_shown(tmp_path: Path) -> None:
    sizes = list[int]()

    def agent(*answers: str) -> pa.LLMCompiler:
        return pa.LLMCompiler(
            "planner",
            model=ScriptedModel(*answers),
            critic=None,
            tools=long_tools(sizes),
            approvals={"size": "ask"},
            workspace=tmp_path,
        )

    waits = agent("1. big()\n2. size(text=$1)\njoin()").run("measure")
    other = agent("Answer: done")
    other.workspace.control(waits.id).approve()

    assert (other.resume(waits.id).answer, sizes) == ("done", [len(LONG)])


def test_a_number_that_is_there_twice_is_told_and_the_rest_of_the_plan_is_carried_out(tmp_path: Path, desk: Desk) -> None:
    model = ScriptedModel(
        "1. add(a=1, b=1)\n1. add(a=2, b=2)\n2. add(a=3, b=3)\n3. add(a=$2, b=1)\njoin()",
        "4. add(a=$1, b=1)\njoin()",
        "Answer: done",
    )
    planner(tmp_path, desk, model=model).run("add")

    assert sorted(desk.done) == ["add 1 1", "add 2 1", "add 3 3", "add 6 1"]
    assert "1. add failed: Not made: it could not be read: there are two calls with the number 1." in model.requests[1].text


def counting(path: Path) -> list[Any]:
    def one_more() -> int:
        with path.open("a") as file:
            file.write("x")
        return len(path.read_text())

    @pa.tool(idempotent=True, origin="operator")
    async def inc() -> int:  # not in a thread: two of them would write before either reads
        """Count."""
        return one_more()

    return [inc]


def test_calls_of_the_same_words_keep_their_own_results_and_one_more_of_them_is_made(tmp_path: Path) -> None:
    model = ScriptedModel(
        "1. inc()\n2. inc()\n3. boom()\njoin()",
        "4. inc()\n5. boom()\njoin()",
        "6. inc()\n7. inc()\n8. inc()\n9. boom()\njoin()",
        "10. inc()\n11. inc()\n12. inc()\njoin()",
        "13. inc()\njoin()",
        "Answer: done",
    )
    agent = pa.LLMCompiler("planner", model=model, critic=None, tools=counting(tmp_path / "n"), workspace=tmp_path / "ws")
    plans = [[seen.content for seen in step.observations if seen.ok] for step in agent.run("count").trace.steps()]

    assert plans == [["1", "2"], ["1"], ["1", "2", "3"], ["1", "2", "3"], ["4"], []]


def test_an_interruption_gives_no_result_to_two_calls_of_the_same_words(tmp_path: Path) -> None:
    def says(request: ModelRequest) -> str:
        if "6. inc returned" in request.text:
            return "Answer: done"
        return "4. inc()\n5. inc()\n6. inc()\njoin()" if "boom" in request.text else "1. inc()\n2. inc()\n3. boom()\njoin()"

    def agent(place: Path | pa.Workspace, count: Path) -> pa.LLMCompiler:
        return pa.LLMCompiler("planner", model=RuleModel(says), critic=None, tools=counting(count), workspace=place)

    first = agent(tmp_path / "ws", tmp_path / "n")
    gone_on = 0
    for number, (folder, _) in enumerate(snapshots(first, tmp_path / "copies", lambda: first.run("count"))):
        place = as_left_by_the_dead(folder)
        (row,) = place.runs()
        before = place.trace(row.id)
        second = [each for each in before.of(CallPlanned) if each.number > 3]
        if row.status == "finished" or not second:
            continue
        gone_on += 1
        count = tmp_path / f"n-{number}"
        count.write_text("xx")
        result = agent(place, count).resume(row.id)
        gave = [each.observation.content for each in result.trace.of(ToolReturned) if each.observation.ok]
        assert gave == ["1", "2", "1", "2", "3"]
    assert gone_on > 1
