"""A lesson has the lowest origin of what it was made of, and applies nowhere that its run was not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.memory import POLICY, Condition, Lesson, Memory, Provenance, RuleLine, Scope
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.origin import Origin, Taint
from purpose_agent.learning.evolve import shared_rule
from purpose_agent.learning.hypotheses import provenance_of
from purpose_agent.testing.models import RuleModel
from tests.engine.given import NATIVE
from tests.engine.worlds import REACH_THE_END, Corridor
from tests.learning.given import as_lesson, doors, seeker, steady

pytestmark = pytest.mark.anyio

PAGE = "https://a.example/sky"


@pa.tool(origin="web")
def fetch(url: str) -> str:
    """Read a page."""
    return "Skies are best left alone."


def sky(number: int, user: str = "") -> pa.Task:
    labels = {"family": "skies"} | ({"user": user} if user else {})
    return pa.Task(f"Name the colour of sky {number}", checks=[pa.Check.contains("green")], labels=labels)


def browser(workspace: Path, *, pages: bool, then: str = "say green") -> pa.Agent:
    """An agent that never says green; if it may, it looks at a page first."""

    def answer(request: ModelRequest) -> str | ModelResponse:
        if request.purpose == "reflect":
            return as_lesson(then)
        if pages and not any(message.role == "tool" for message in request.messages):
            return ModelResponse(Message("assistant", (ToolCall("c1", "fetch", {"url": PAGE}),)))
        return "red"

    return pa.Agent(
        "browser", model=RuleModel(answer, capabilities=NATIVE), tools=[fetch], critic=None, workspace=steady(workspace)
    )


def only(memories: tuple[Memory, ...]) -> Memory:
    (memory,) = memories
    return memory


async def test_a_lesson_from_a_run_that_read_nothing_is_the_agents_own(tmp_path: Path) -> None:
    drawn = only((await browser(tmp_path, pages=False).run_async(sky(1))).lessons)

    assert drawn.lesson.provenance.origin == "self_verified"
    assert drawn.lesson.provenance.source == ""


async def test_a_lesson_from_a_run_that_read_a_page_is_the_pages_word(tmp_path: Path) -> None:
    provenance = only((await browser(tmp_path, pages=True).run_async(sky(1))).lessons).lesson.provenance

    assert (provenance.origin, provenance.source, provenance.step) == ("web", PAGE, 1)


async def test_reflection_in_another_process_knows_what_the_run_had_read(tmp_path: Path) -> None:
    agent = browser(tmp_path, pages=True)
    await agent.attempt(sky(1))  # its process ends before it reflects
    browser(tmp_path, pages=False)
    workspace = pa.Workspace(tmp_path)
    browser_again = browser(tmp_path, pages=False)
    await browser_again.workspace.settle_async()

    assert [memory.lesson.provenance.origin for memory in workspace.memories()] == ["web"]


async def test_a_lesson_from_two_runs_has_the_lower_origin_of_them(tmp_path: Path) -> None:
    """The failure read a page, the success beside it nothing; what is drawn from the difference is still the page's."""
    await browser(tmp_path, pages=True).attempt(sky(1))

    def right(request: ModelRequest) -> str:
        return as_lesson("name it green at once") if request.purpose == "reflect" else "green"

    agent = pa.Agent("browser", model=RuleModel(right, capabilities=NATIVE), critic=None, workspace=steady(tmp_path))
    result = await agent.run_async(sky(1))

    provenance = only(result.lessons).lesson.provenance
    assert provenance.beside
    assert (provenance.origin, provenance.source, provenance.step) == ("web", PAGE, None)


async def test_values_of_a_world_are_numbers_and_the_agents_own_while_words_about_it_are_the_worlds(tmp_path: Path) -> None:
    workspace = steady(tmp_path)
    walker = pa.Agent("walker", model="none", environment=Corridor, workspace=workspace)
    for number in range(20):
        await walker.run_async(pa.Task(f"Reach the end of corridor {number}", limits=pa.Limits(steps=30)), seed=number)
    assert [memory.lesson.provenance.origin for memory in workspace.memories(kind=POLICY)] == ["self_verified"]

    def lost(request: ModelRequest) -> str:
        return as_lesson("go east", "walking a corridor") if request.purpose == "reflect" else "west"

    talker = pa.Agent("talker", model=RuleModel(lost), environment=Corridor, critic=None, workspace=workspace)
    drawn = only((await talker.run_async(REACH_THE_END)).lessons)
    assert (drawn.lesson.provenance.origin, drawn.lesson.provenance.source) == ("tool", "Corridor")


async def test_what_is_learned_for_a_user_is_for_that_user(tmp_path: Path) -> None:
    agent = browser(tmp_path, pages=False)
    ann = only((await agent.run_async(sky(1, "ann"))).lessons)
    nobody = only((await agent.run_async(sky(2))).lessons)

    assert ann.lesson.scope == Scope(("browser",), ("skies",), ("ann",))
    assert nobody.lesson.scope == Scope(("browser",), ("skies",))
    assert nobody.lesson.provenance.beside == ""


async def test_no_rule_is_made_of_two_users_cases(tmp_path: Path) -> None:
    """In Bob's house the doors lead the other way round: of both together there is no rule."""
    agent = seeker(tmp_path)
    swapped = {"left": "right", "right": "left"}
    for task in doors("red", "blue", places=14):
        for user in ("ann", "bob"):
            way = task.checks[0].spec if user == "ann" else swapped[task.checks[0].spec]
            labels = {**task.labels, "user": user}
            await agent.run_async(
                pa.Task(task.goal, checks=[pa.Check.equals(way)], choices=task.choices, labels=labels, id=f"{task.key}/{user}")
            )

    rules = {memory.lesson.scope.users: memory.lesson for memory in agent.workspace.memories(kind="skill_card")}
    assert {*rules} == {("ann",), ("bob",)}
    for (user,), rule in rules.items():
        told = {(word, case.answer) for case in rule.cases for word in ("red", "blue") if word in case.situation}
        ways = {("red", "left"), ("blue", "right")}
        assert told == (ways if user == "ann" else {(word, swapped[way]) for word, way in ways})


@pytest.mark.parametrize(
    ("taint", "judged", "origin"),
    [
        ("user", True, "self_verified"),
        ("user", None, "self_inferred"),
        ("self_inferred", True, "self_inferred"),
        ("web", None, "web"),
    ],
)
async def test_being_judged_raises_nothing(tmp_path: Path, taint: Origin, judged: bool | None, origin: Origin) -> None:
    agent = browser(tmp_path, pages=False)
    task = sky(1) if judged else pa.Task("Name any colour")
    result = await agent.attempt(task)
    row = agent.workspace.run(result.id)

    assert provenance_of(row, Taint(taint, "somewhere")).origin == origin


@pytest.mark.parametrize(
    ("origin", "made"), [("self_verified", True), ("self_inferred", True), ("tool", False), ("web", False)]
)
def test_nothing_general_is_made_of_what_comes_from_elsewhere(origin: Origin, made: bool) -> None:
    def card(family: str) -> Memory:
        line = RuleLine((Condition("red"),), "left")
        lesson = Lesson(
            "skill_card", "", "- red -> left", Provenance(origin, "run_1", "seeker"), Scope(("seeker",), (family,)), (), (line,)
        )
        return Memory(f"mem_{family}", lesson, "promoted", datetime(2026, 1, 1, tzinfo=UTC))

    assert (shared_rule([card("doors"), card("gates")]) is not None) == made


def test_a_general_rule_of_one_users_rules_is_that_users() -> None:
    def card(family: str, user: str) -> Memory:
        line = RuleLine((Condition("red"),), "left")
        scope = Scope(("seeker",), (family,), (user,))
        lesson = Lesson("skill_card", "", "- red -> left", Provenance("self_verified", "run_1", "seeker"), scope, (), (line,))
        return Memory(f"mem_{family}_{user}", lesson, "promoted", datetime(2026, 1, 1, tzinfo=UTC))

    general = shared_rule([card("doors", "ann"), card("gates", "ann")])
    assert general is not None
    assert general.scope == Scope(("seeker",), (), ("ann",))
    assert shared_rule([card("doors", "ann"), card("gates", "bob")]) is None
