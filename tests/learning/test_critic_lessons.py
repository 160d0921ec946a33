"""What a critic got wrong becomes a note, and the note has to make it better on outcomes it was not drawn from."""

from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import Lesson, Memory, Pair, Provenance, Scope
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.evals.sequential import PairedEvidence
from purpose_agent.learning.critic_lessons import (
    CALIBRATION,
    Judged,
    draft_calibrations,
    hash_of_notes,
    held_out_for,
    notes_for,
    try_calibration,
)
from purpose_agent.learning.judging import Judge, Opinion, Shown
from purpose_agent.learning.trial import PAIRS
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.judgements import Judgements
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from purpose_agent.testing.models import RuleModel
from tests.engine.given import NATIVE
from tests.learning.judged import CRITIC, MODEL, Critic, StandingClock, a_sum, judged, reckoned, reckoner

pytestmark = pytest.mark.anyio

KEY = "abc"


def gate_of(db: Database) -> Gate:
    return Gate(MemoryStore(db, StandingClock()), StandingClock(), counting_ids())


async def drawn(db: Database, critic: Critic | None = None) -> tuple[Memory, tuple[Judged, ...]]:
    """The note that the critic's mistakes lead to, in quarantine, and all it judged."""
    known = await judged(db, critic or Critic())
    (draft,) = draft_calibrations(db, known)
    return gate_of(db).admit(draft), known


async def tried(db: Database, held_out: tuple[Judged, ...], ask: Judge, notes: str = KEY, pairs: int = PAIRS) -> list[Pair]:
    return await try_calibration(
        db, Judgements(db), held_out, ask, critic=CRITIC, model=MODEL, notes=notes, clock=StandingClock(), pairs=pairs
    )


def gains(pairs: list[Pair]) -> list[float]:
    """Each has one."""
    told = [pair.gain for pair in pairs if pair.gain is not None]
    assert len(told) == len(pairs)
    return [round(gain, 9) for gain in told]


async def test_a_failure_that_was_rated_high_is_set_beside_a_success(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2])
    memory, known = await drawn(db)
    lesson = memory.lesson

    assert memory.status == "quarantined"
    assert lesson.kind == CALIBRATION
    assert lesson.text == (
        "When an answer to a task of the family sums is judged: one such as “about 5” to “What is 1 + 3?” was rated 9 of 10 and was"
        " wrong (expected '4', got 'about 5'); one such as “5” to “What is 2 + 3?” was right."
    )
    runs = {each.run.goal: each.run.id for each in known}
    assert lesson.provenance == Provenance("self_verified", runs["What is 1 + 3?"], "reckoner", beside=runs["What is 2 + 3?"])
    assert lesson.scope == Scope(("reckoner",), ("sums",))


async def test_a_success_that_was_rated_low_is_set_beside_a_failure(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2])
    memory, _ = await drawn(db, Critic("about", turned=True))

    assert "one such as “5” to “What is 2 + 3?” was rated 1 of 10 and was right; one such as “about 5”" in memory.lesson.then


async def test_without_a_mistake_or_without_its_opposite_there_is_no_note(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 3, 5])
    assert draft_calibrations(db, await judged(db, Critic())) == ()  # nothing ever succeeded

    db = await reckoned(tmp_path / "other", [1, 2, 3])
    assert draft_calibrations(db, await judged(db, Critic("about"))) == ()  # it was right each time


async def test_of_one_family_comes_one_note_and_runs_of_two_are_not_mixed(tmp_path: Path) -> None:
    await reckoned(tmp_path, [1, 2, 3, 4], "one")
    await reckoned(tmp_path, [11, 12, 13], "two")
    db = await reckoned(tmp_path, [21, 22], "")
    drafts = draft_calibrations(db, await judged(db, Critic()))

    assert sorted(draft.scope.families for draft in drafts) == [("one",), ("two",)]


async def test_of_one_users_runs_comes_no_note_since_nobody_could_be_given_it(tmp_path: Path) -> None:
    agent = reckoner(tmp_path)
    for number in (1, 2):
        await agent.run_async(replace(a_sum(number), labels={"family": "sums", "user": "ann"}))
    db = Database(tmp_path / DATABASE)
    assert len(known := await judged(db, Critic())) == 2
    assert draft_calibrations(db, known) == ()

    await reckoned(tmp_path, [3, 4])
    (draft,) = draft_calibrations(db, await judged(db, Critic()))
    assert draft.scope.users == ()
    assert "What is 3 + 3?" in draft.then


async def test_a_note_is_short_and_of_long_answers_shows_where_they_part(tmp_path: Path) -> None:
    code = "def f(numbers):\n" + "    # the sum of all\n" * 40 + "    return sum(numbers)"
    goal = "Write a function that adds up a list of numbers, " + "whatever they may be, " * 20

    def answer(request: ModelRequest) -> str:
        return f"{code} - 1" if "number 0" in request.text else code

    place = pa.Workspace(tmp_path, holdout=0)
    coder = pa.Agent("coder", model=RuleModel(answer), critic=None, workspace=place)
    for number in range(2):
        labels = {"family": "f" * 300}
        await coder.run_async(pa.Task(f"{goal} number {number}", [pa.Check.matches(r"sum\(numbers\)$")], labels=labels))
    memory, _ = await drawn(Database(tmp_path / DATABASE))

    assert memory.status == "quarantined"
    assert len(memory.lesson.text) <= 600
    assert "return sum(numbers) - 1”" in memory.lesson.text
    assert "return sum(numbers)”" in memory.lesson.text


async def test_a_note_from_what_was_read_elsewhere_is_refused(tmp_path: Path) -> None:
    @pa.tool(origin="web")
    def fetch(url: str) -> str:
        """Read a page."""
        return "Long answers are the best."

    def answer(request: ModelRequest) -> str | ModelResponse:
        if not any(message.role == "tool" for message in request.messages):
            return ModelResponse(Message("assistant", (ToolCall("c1", "fetch", {"url": "https://a.example"}),)))
        return "about 5"

    model = RuleModel(answer, capabilities=NATIVE)
    browser = pa.Agent("reckoner", model=model, tools=[fetch], critic=None, workspace=tmp_path)
    await browser.run_async(a_sum(1))
    memory, _ = await drawn(await reckoned(tmp_path, [2]))

    assert memory.lesson.provenance.origin == "web"
    assert memory.status == "rejected"


async def test_it_is_tried_on_other_tasks_of_its_kind_once_each(tmp_path: Path) -> None:
    await reckoned(tmp_path, [1, 2, 3, 3, 4])
    await reckoned(tmp_path, [5, 6], "others")
    db = await reckoned(tmp_path, [1])
    known = await judged(db, Critic())
    memory = next(gate_of(db).admit(draft) for draft in draft_calibrations(db, known) if draft.scope.families == ("sums",))
    held_out = held_out_for(db, memory, known)

    drawn_from = {memory.lesson.provenance.run_id, memory.lesson.provenance.beside}
    own = {each.run.task_key for each in known if each.run.id in drawn_from}
    assert len(own) == 2
    assert {each.run.task_key for each in held_out} == {a_sum(number).key for number in (1, 2, 3, 4)} - own
    assert len(held_out) == 2
    assert held_out == held_out_for(db, memory, known[::-1])


async def test_a_note_that_sets_the_critic_right_gains_on_outcomes_it_has_not_seen(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, range(30))
    memory, known = await drawn(db)
    held_out = held_out_for(db, memory, known)
    assert len(held_out) == 28
    critic = Critic(memory.lesson.text)

    pairs = await tried(db, held_out, critic)

    assert len(pairs) == 16
    assert set(gains(pairs)) == {0.0, 0.8}  # 0.81 − 0.01 where it doubts now, and was right to
    assert {pair.task for pair in pairs} == {each.run.task_key for each in held_out[:16]}
    assert [(pair.run_with, pair.run_without) for pair in pairs] == [(each.run.id, each.run.id) for each in held_out[:16]]
    assert {(pair.without, pair.with_memory) for pair in pairs} == {(True, True), (False, True)}
    # Which runs come first is drawn by their ids; what all of them say together is not.
    every = await tried(db, held_out, critic, pairs=len(held_out))
    assert every[:16] == pairs
    assert PairedEvidence(gains=tuple(gains(every))).e_help > 20


async def test_a_note_that_does_nothing_gains_nothing(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, range(20))
    memory, known = await drawn(db)

    pairs = await tried(db, held_out_for(db, memory, known), Critic("nothing to the point"))

    assert gains(pairs) == [0.0] * 16
    assert PairedEvidence(gains=tuple(gains(pairs))).e_help == 1


async def test_a_note_that_misleads_or_silences_the_critic_loses(tmp_path: Path) -> None:
    async def silent(shown: Shown) -> Opinion:
        return Opinion(None)

    db = await reckoned(tmp_path, range(30))
    memory, known = await drawn(db)
    held_out = held_out_for(db, memory, known)
    misled = await tried(db, held_out, Critic(turned=True), pairs=len(held_out))
    rightly = [each for each in held_out if each.judgement.success]
    silenced = await tried(db, tuple(rightly), silent, notes="other")

    assert set(gains(misled)) == {0.0, -0.8}
    assert PairedEvidence(gains=tuple(gains(misled))).e_harm > 20
    assert set(gains(silenced)) == {-0.24}  # who says nothing is taken to have said ½


async def test_a_trial_goes_on_where_it_stopped_and_asks_nothing_twice(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, range(30))
    memory, known = await drawn(db)
    held_out = held_out_for(db, memory, known)
    critic = Critic(memory.lesson.text)

    first = await tried(db, held_out, critic)
    second = await tried(db, held_out, critic)

    assert second[:16] == first
    assert len(second) == len(critic.shown) == 28
    assert await tried(db, held_out, critic) == second
    assert len(critic.shown) == 28
    assert not any(each.task.checks for each in critic.shown)


async def test_a_trial_stops_when_it_may_not_go_on(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, range(10))
    memory, known = await drawn(db)
    critic = Critic()
    held_out = held_out_for(db, memory, known)
    pairs = await try_calibration(
        db,
        Judgements(db),
        held_out,
        critic,
        critic=CRITIC,
        model=MODEL,
        notes=KEY,
        clock=StandingClock(),
        may_go_on=lambda: len(critic.shown) < 3,
    )
    assert len(pairs) == 3


async def test_only_promoted_notes_about_the_family_reach_the_critic(tmp_path: Path) -> None:
    db = await reckoned(tmp_path, [1, 2])
    memory, _ = await drawn(db)
    used = replace(memory, status="promoted")
    card = replace(used, lesson=Lesson("skill_card", "", "add them", Provenance("user")))

    family = a_sum(9).family

    assert notes_for([memory, card], "reckoner", family) == ()
    assert notes_for([used, card], "reckoner", family) == (memory.lesson.text,)
    assert notes_for([used], "reckoner", "others") == ()
    assert notes_for([used], "somebody else", family) == ()
    one_users = replace(used, lesson=replace(used.lesson, scope=replace(used.lesson.scope, users=("ann",))))
    assert notes_for([one_users], "reckoner", family) == ()


def test_notes_have_a_name_and_none_have_none() -> None:
    assert hash_of_notes([]) == ""
    assert len(hash_of_notes(["a"])) == 16
    assert len({hash_of_notes(notes) for notes in (["a"], ["a", "b"], ["ab"])}) == 3
    assert hash_of_notes(["a", "b"]) == hash_of_notes(["b", "a"])
