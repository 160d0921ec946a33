"""A critic is asked about runs whose outcome it is not told, and its Φ is read by what came of them."""

from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.action import Finish, ToolUse
from purpose_agent.core.errors import ModelError, NotInThisMode
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.learning.calibration import FEWEST, FEWEST_OF_FAMILY, Calibrations
from purpose_agent.learning.judging import Opinion, Shown, judge_outcomes, known_outcomes, runs_to_judge
from purpose_agent.memory.judgements import Judgement, Judgements
from purpose_agent.runtime.database import Database
from purpose_agent.testing.models import RuleModel
from tests.engine.given import NATIVE
from tests.engine.worlds import REACH_THE_END, Corridor
from tests.learning.judged import CRITIC, MODEL, Critic, StandingClock, a_sum, judged, rating, reckoned, reckoner

pytestmark = pytest.mark.anyio


def said(run: int, phi: float | None, *, success: bool, family: str = "sums", notes: str = "", model: str = MODEL) -> Judgement:
    now = StandingClock().now()
    return Judgement(
        f"run_{run:04d}", CRITIC, model, family, f"task {run}", phi, 0.5, None, None, success, 10, "critic@1", now, notes
    )


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "workspace.db")


async def test_a_critic_sees_what_the_run_had_and_neither_checks_nor_thoughts(tmp_path: Path) -> None:
    @pa.tool
    def look(at: str) -> str:
        """Look."""
        return "it is red"

    def answer(request: ModelRequest) -> str | ModelResponse:
        if not any(message.role == "tool" for message in request.messages):
            return ModelResponse(Message("assistant", (ToolCall("c1", "look", {"at": "door"}),)))
        return "It is red."

    model = RuleModel(answer, capabilities=NATIVE)
    agent = pa.Agent("porter", model=model, tools=[look], critic=None, workspace=tmp_path)
    task = pa.Task("Of which colour is it?", [pa.Check.contains("crimson")], inputs={"it": "the door"})
    await agent.run_async(task)
    db = Database(tmp_path / DATABASE)

    (waiting,) = runs_to_judge(db, Judgements(db), CRITIC, MODEL)

    shown = waiting.shown
    assert waiting.run.success is False
    assert (shown.task.checks, shown.task.goal, shown.task.key) == ((), task.goal, task.key)
    assert shown.before.values == {"it": "the door", "1.1 look": "it is red"}
    assert shown.after.values == {"it": "the door", "1.1 look": "it is red", "answer": "It is red."}
    assert shown.action == Finish("It is red.")
    assert "crimson" not in repr(shown)


async def test_of_a_world_it_sees_the_last_thing_that_was_done(tmp_path: Path) -> None:
    walker = pa.Agent("walker", model="none", environment=lambda task: Corridor(), workspace=tmp_path)
    await walker.run_async(REACH_THE_END, seed=1)
    db = Database(tmp_path / DATABASE)

    waiting = runs_to_judge(db, Judgements(db), CRITIC, MODEL)

    assert len(waiting) == len(known_outcomes(db)) == 1
    assert isinstance(waiting[0].shown.action, ToolUse)
    assert waiting[0].shown.before != waiting[0].shown.after


async def test_as_many_failures_as_successes_are_chosen_the_newest_first(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2, 4, 6, 8, 3])

    waiting = runs_to_judge(db, Judgements(db), CRITIC, MODEL, limit=4)

    assert [(each.run.goal[8:10].strip(), each.run.success) for each in waiting] == [
        ("8", True),
        ("3", False),
        ("6", True),
        ("1", False),
    ]


async def test_what_was_judged_is_not_due_again_but_with_other_notes_or_another_prompt(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2])
    await judged(db, Critic())
    judgements = Judgements(db)

    assert runs_to_judge(db, judgements, CRITIC, MODEL) == ()
    assert len(runs_to_judge(db, judgements, CRITIC, MODEL, notes="abc")) == 2
    assert len(runs_to_judge(db, judgements, CRITIC, MODEL, version="critic@2")) == 2
    assert len(runs_to_judge(db, judgements, "delta", MODEL)) == 2
    assert runs_to_judge(db, judgements, CRITIC, MODEL, family="others") == ()


async def test_nobody_is_asked_about_runs_of_which_it_has_been_told_how_they_ended(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2, 3, 1])

    waiting = runs_to_judge(db, Judgements(db), CRITIC, MODEL, notes="abc", own={a_sum(1).key})

    assert {each.run.task_key for each in waiting} == {a_sum(2).key, a_sum(3).key}


async def test_runs_without_a_known_outcome_or_an_end_are_not_asked_about(tmp_path: Path) -> None:
    agent = reckoner(tmp_path)
    await agent.run_async(a_sum(2, checked=False))
    lost = pa.Agent("lost", model=RuleModel(lambda request: ""), critic=None, workspace=tmp_path)
    await lost.run_async(a_sum(4))
    examined = pa.Agent("x", model=RuleModel(lambda request: "9"), critic=None, workspace=tmp_path, mode="validation")
    await examined.run_async(a_sum(6))
    db = Database(tmp_path / DATABASE)

    assert runs_to_judge(db, Judgements(db), CRITIC, MODEL) == ()


async def test_a_judgement_is_kept_beside_the_outcome(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2])
    found = await judged(db, Critic())

    assert [(each.run.goal, each.judgement.phi, each.judgement.success) for each in found] == [
        ("What is 2 + 3?", 9.0, True),
        ("What is 1 + 3?", 9.0, False),
    ]
    kept = found[0].judgement
    assert (kept.family, kept.confidence, kept.low, kept.high) == ("sums", 0.8, 8.0, 10.0)
    assert (kept.tokens, kept.version, kept.task_key) == (100, "critic@1", a_sum(2).key)


async def test_what_came_before_an_error_is_kept(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2, 3])
    judgements = Judgements(db)
    critic = Critic()

    async def breaks(shown: Shown) -> Opinion:
        if critic.shown:
            raise ModelError("gone")
        return await critic(shown)

    waiting = runs_to_judge(db, judgements, CRITIC, MODEL)
    with pytest.raises(ModelError, match="gone"):
        await judge_outcomes(judgements, waiting, breaks, critic=CRITIC, model=MODEL, clock=StandingClock())

    assert judgements.judged(CRITIC, MODEL) == {waiting[0].run.id}
    assert len(runs_to_judge(db, judgements, CRITIC, MODEL)) == 2


async def test_a_spent_budget_stops_it(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2])
    critic = Critic()
    judgements = Judgements(db)
    waiting = runs_to_judge(db, judgements, CRITIC, MODEL)
    said = await judge_outcomes(
        judgements, waiting, critic, critic=CRITIC, model=MODEL, clock=StandingClock(), may_go_on=lambda: not critic.shown
    )
    assert len(said) == 1


@pytest.mark.parametrize("phi", [None, float("nan"), 11.0, -1.0])
async def test_what_is_no_phi_is_kept_as_unknown_and_not_asked_again(tmp_path: Path, phi: float | None) -> None:
    db = await reckoned(tmp_path, [2])

    async def odd(shown: Shown) -> Opinion:
        return Opinion(rating(phi) if phi is not None else None, tokens=7)

    (found,) = await judged(db, odd)

    assert (found.judgement.phi, found.judgement.tokens) == (None, 7)
    assert runs_to_judge(db, Judgements(db), CRITIC, MODEL) == ()


async def test_another_critic_that_answered_in_its_place_has_its_own_line(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [2])
    judgements = Judgements(db)

    async def falls_back(shown: Shown) -> Opinion:
        return Opinion(rating(6.0, "state"), tokens=5)

    waiting = runs_to_judge(db, judgements, "falsification", MODEL)
    await judge_outcomes(judgements, waiting, falls_back, critic="falsification", model=MODEL, clock=StandingClock())

    assert [(each.phi, each.tokens) for each in judgements.of("state", MODEL)] == [(6.0, 5)]
    assert [(each.phi, each.tokens) for each in judgements.of("falsification", MODEL)] == [(None, 0)]
    assert runs_to_judge(db, judgements, "falsification", MODEL) == ()


async def test_an_evaluation_keeps_nothing(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [2])
    with db.in_mode("evaluation"), pytest.raises(NotInThisMode):
        await judged(db, Critic())
    assert Judgements(db).groups() == ()


async def test_phi_is_read_by_what_came_of_it(tmp_path: Path) -> None:
    """The critic gives 9 to everything, and half of it is wrong."""
    db = await reckoned(tmp_path, range(24))
    calibrations = Calibrations(db, Judgements(db))
    assert calibrations.probability(CRITIC, MODEL, "sums", 9.0) is None

    await judged(db, Critic())

    p = calibrations.probability(CRITIC, MODEL, "sums", 9.0)
    assert p is not None
    assert 0.45 < p < 0.7


def test_nothing_is_said_before_there_are_ten_or_while_all_went_the_same_way(db: Database) -> None:
    judgements = Judgements(db)
    calibrations = Calibrations(db, judgements)
    judgements.add_all(said(n, 9.0, success=True) for n in range(FEWEST + 5))
    assert calibrations.probability(CRITIC, MODEL, "sums", 9.0) is None

    judgements.add_all([said(100, 2.0, success=False), said(101, None, success=False)])

    assert calibrations.probability(CRITIC, MODEL, "sums", 9.0) is not None
    assert calibrations.probability("delta", MODEL, "sums", 9.0) is None
    assert calibrations.probability(CRITIC, "large", "sums", 9.0) is None
    assert calibrations.probability(CRITIC, MODEL, "sums", 9.0, notes="abc") is None


def test_a_family_with_few_judgements_borrows_from_all_of_that_critic(db: Database) -> None:
    judgements = Judgements(db)
    judgements.add_all(said(n, 8.0 if n % 2 else 4.0, success=n % 2 == 1) for n in range(FEWEST_OF_FAMILY))
    few = [said(100 + n, 8.0 if n % 2 else 4.0, success=n % 2 == 0, family="traps") for n in range(FEWEST_OF_FAMILY)]
    judgements.add_all(few[:-1])
    calibrations = Calibrations(db, judgements)
    borrowed = calibrations.curve(CRITIC, MODEL, "traps")

    assert borrowed == calibrations.curve(CRITIC, MODEL, None) == calibrations.curve(CRITIC, MODEL, "never seen")
    assert borrowed != calibrations.curve(CRITIC, MODEL, "sums")

    judgements.add(few[-1])
    own = calibrations.curve(CRITIC, MODEL, "traps")

    assert own is not None
    assert own.n == FEWEST_OF_FAMILY
    assert own.probability(8.0) == pytest.approx(own.probability(4.0))  # it is the wrong way round there
    assert (calibrations.probability(CRITIC, MODEL, "sums", 8.0) or 0) > 0.8


def test_what_was_said_of_tasks_that_the_notes_were_drawn_from_does_not_count(db: Database) -> None:
    """A critic that heard how those ended rates them well; of the others it knows nothing."""
    judgements = Judgements(db)
    judgements.add_all(said(n, 5.0, success=n % 2 == 0, notes="abc") for n in range(FEWEST_OF_FAMILY))
    told = [replace(said(100 + n, 9.0 * (n % 2), success=n % 2 == 1, notes="abc"), task_key="told") for n in range(40)]
    calibrations = Calibrations(db, judgements)
    before = calibrations.probability(CRITIC, MODEL, "sums", 9.0, notes="abc")

    judgements.add_all(told)

    assert calibrations.probability(CRITIC, MODEL, "sums", 9.0, notes="abc", own={"told"}) == before
    assert calibrations.probability(CRITIC, MODEL, "sums", 9.0, notes="abc") != before
    assert calibrations.may_judge(CRITIC, MODEL, "sums", notes="abc", own={"told"}) is False
    assert calibrations.curve(CRITIC, MODEL, "sums", notes="abc", own={"told", *(f"task {n}" for n in range(15))}) is None


def test_the_same_curve_is_not_fitted_twice(db: Database) -> None:
    judgements = Judgements(db)
    judgements.add_all(said(n, float(n % 10), success=n % 10 > 5) for n in range(40))
    calibrations = Calibrations(db, judgements)
    first = calibrations.curve(CRITIC, MODEL, "sums")

    assert calibrations.curve(CRITIC, MODEL, "sums") is first
    judgements.add(said(99, 0.0, success=True))
    assert calibrations.curve(CRITIC, MODEL, "sums") is not first


async def test_the_share_of_successes_is_that_of_the_record_not_that_of_what_was_chosen(tmp_path: Path) -> None:
    """Three of thirty runs failed; of those that were judged, as many failed as succeeded."""
    db = await reckoned(tmp_path, [*range(2, 56, 2), 1, 3, 5])
    await judged(db, Critic(), limit=6)
    judgements = Judgements(db)
    judgements.add_all(said(900 + n, 9.0, success=n % 2 == 0) for n in range(18))

    p = Calibrations(db, judgements).probability(CRITIC, MODEL, "sums", 9.0)

    assert p is not None
    assert p > 0.8


def test_the_table_tells_each_group_before_and_after(db: Database) -> None:
    judgements = Judgements(db)
    judgements.add_all(said(n, 9.0 if n % 4 else 8.0, success=n % 4 == 1) for n in range(60))
    judgements.add_all(said(200 + n, 5.0, success=True, family="others") for n in range(3))
    judgements.add_all(said(n, 9.0, success=True, model="large") for n in range(2))
    lines = Calibrations(db, judgements).report()

    assert [(each.model, each.family, each.n, each.successes, each.kind) for each in lines] == [
        ("large", "sums", 2, 2, None),
        (MODEL, None, 63, 18, "isotonic"),
        (MODEL, "others", 3, 3, "isotonic"),
        (MODEL, "sums", 60, 15, "isotonic"),
    ]
    sums = lines[-1]
    assert sums.brier_before is not None
    assert sums.brier_after is not None
    assert sums.brier_after < 0.2 < 0.5 < sums.brier_before
    assert sums.auc == pytest.approx((15 * 15 + 15 * 30 / 2) / (15 * 45))  # no failure has more than 9
    assert [(each.low, each.n) for each in sums.before] == [(0.8, 15), (0.9, 45)]
    assert sum(each.n for each in sums.after) == 60
    assert lines[0].auc is None


def test_a_table_of_nothing_is_empty(db: Database) -> None:
    assert Calibrations(db, Judgements(db)).report() == ()
    assert not db.exists
