"""Quorums: which answers agree, what becomes of them, and who decides where they don't."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import purpose_agent as pa
from purpose_agent.agents.councils.critics import Verdict, chosen
from purpose_agent.core.errors import CantResume, ModelUnreachable, UsageError
from purpose_agent.core.model import ModelRequest
from purpose_agent.runtime.events import AgentFinished, RunStarted
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio

TASK = "Name the capital of Australia and say why"
CANBERRA = "Canberra, since Sydney and Melbourne both wanted it."
ALSO = "It is Canberra: a compromise between two rivals."
SYDNEY = "Sydney, as it is the largest city."
Rule = Callable[[ModelRequest], str]


def sparks(place: Path, **answers: str | Rule) -> list[pa.Spark]:
    def rule(said: str | Rule) -> Rule:
        return (lambda request: said) if isinstance(said, str) else said

    return [pa.Spark(name, model=RuleModel(rule(said)), critic=None, workspace=place) for name, said in answers.items()]


def unreachable(request: ModelRequest) -> str:
    raise ModelUnreachable("no route to host")


def judge(same: Mapping[str, str] | str = "", **scores: Mapping[str, tuple[str, int]]) -> RuleModel:
    """A model that says which answers are the same, and gives each aspect's quote and score to answers by a word in them."""

    def rule(request: ModelRequest) -> str:
        if "What does each of these answers come to?" in request.text:
            return same if isinstance(same, str) else json.dumps(same)
        aspect = next(
            each for each in ("right?", "safe to follow", "cost to follow", "who asked wants") if each in request.text
        )
        name = {"right?": "correctness", "safe to follow": "safety", "cost to follow": "cost", "who asked wants": "alignment"}[
            aspect
        ]
        blocks = request.text.split("\n\nAnswer ")[1:]
        said: dict[str, object] = {}
        for place, block in enumerate(blocks, 1):
            word, (quote, score) = next((word, given) for word, given in scores[name].items() if word in block)
            said[f"answer_{place}"] = {"quote": quote, "reason": f"about {word}", "score": score}
        return json.dumps(said)

    return RuleModel(rule, name="judge")


TWO = {"answer_1": "Sydney", "answer_2": "Canberra"}
GOOD = {"Canberra": ("Canberra", 9), "Sydney": ("largest city", 2)}
EVEN = {"Canberra": ("Canberra", 8), "Sydney": ("Sydney", 8)}


# Agreement merges


async def test_answers_that_are_the_same_words_are_merged_without_a_judge(tmp_path: Path) -> None:
    critic = judge()
    quorum = pa.Quorum(sparks(tmp_path, a="42", b="42.", c="41"), critic=critic)
    result = await quorum.run_async("Six times seven?")

    assert (str(result), result.status, result.by, result.agreement) == ("42", "majority", "votes", pytest.approx(2 / 3))
    assert [(each.member, each.position) for each in result.dissent] == [("c", "41")]
    assert critic.requests == []
    assert quorum.workspace.run(result.id).answer == "42"


async def test_code_that_differs_in_its_indentation_is_not_the_same(tmp_path: Path) -> None:
    inside, outside = "for x in y:\n    a()\n    b()", "for x in y:\n    a()\nb()"
    quorum = pa.Quorum(sparks(tmp_path, a=inside, b=outside), critic=judge("{}"), escalate=None)

    assert (await quorum.run_async("Write it")).agreement is None


async def test_choices_are_compared_exactly(tmp_path: Path) -> None:
    quorum = pa.Quorum(sparks(tmp_path, a="yes", b="no", c="yes", d="no"), escalate=None)
    result = await quorum.run_async(pa.Task("Well?", choices=["yes", "no"]))

    assert (result.status, result.decision, result.reason) == ("no agreement", None, "2 for yes (a, c), 2 for no (b, d)")


async def test_other_words_for_the_same_are_found_by_a_model_and_that_is_recorded(tmp_path: Path) -> None:
    critic = judge({"answer_1": "Canberra", "answer_2": "canberra.", "answer_3": "Sydney"})
    quorum = pa.Quorum(sparks(tmp_path, a=CANBERRA, b=ALSO, c=SYDNEY), critic=critic)
    result = await quorum.run_async(TASK)

    assert (str(result), result.status, result.stance) == (CANBERRA, "majority", "Canberra")
    assert result.reason == "2 for Canberra (a, b), 1 for Sydney (c)"
    (part,) = [part for part in result.trace.of(AgentFinished) if part.name == "comparison"]
    assert quorum.workspace.trace(part.run_id).of(RunStarted)[0].parent_run == result.id
    assert f"> {ALSO}" in critic.requests[0].text


@pytest.mark.parametrize(
    "said", ["they look alike", '{"answer_2": "Canberra"}', '{"answer_1": "x", "answer_2": "x", "answer_3": 1}']
)
async def test_where_the_comparison_can_not_be_read_agreement_is_unknown(tmp_path: Path, said: str) -> None:
    quorum = pa.Quorum(sparks(tmp_path, a=CANBERRA, b=ALSO, c=SYDNEY), critic=judge(said), escalate=None)
    result = await quorum.run_async(TASK)

    assert (result.status, result.agreement, result.decision) == ("no agreement", None, None)
    assert result.reason == "which of the answers agree is not known"


@pytest.mark.parametrize(
    ("results", "agreement"),
    [
        (["Pour the hot oil", "Pour the hot oil"], None),  # how both begin
        (["one two three four five six seven eight nine"] * 2, None),
        (["pour it", "pour it"], 1.0),
        (["pour it away", "recycle it"], 0.5),
    ],
)
async def test_how_answers_begin_is_not_what_they_come_to(tmp_path: Path, results: list[str], agreement: float | None) -> None:
    answers = {"a": "Pour the hot oil down the sink.", "b": "Pour the hot oil into an old pot, and bring it back."}
    critic = judge({f"answer_{place}": result for place, result in enumerate(results, 1)})
    result = await pa.Quorum(sparks(tmp_path, **answers), critic=critic, escalate=None).run_async("Where does old oil go?")

    assert result.agreement == agreement
    assert result.status == ("agreed" if agreement == 1 else "no agreement")


async def test_an_answer_that_checks_refute_has_no_vote_and_one_that_passes_them_is_no_agreement(tmp_path: Path) -> None:
    task = pa.Task(TASK, checks=[pa.Check.contains("Canberra")])
    quorum = pa.Quorum(sparks(tmp_path, a=SYDNEY, b=SYDNEY, c=CANBERRA, d=SYDNEY, e=unreachable))
    result = await quorum.run_async(task)

    assert (str(result), result.status, result.by, result.agreement) == (CANBERRA, "decided", "checks", 0.2)
    assert result.reason == "1 of 5 passes the task's checks"
    assert [each.error for each in result.votes][:4] == ["its answer fails the task's checks"] * 2 + ["", result.votes[0].error]
    assert result.verdicts == ()


async def test_agreement_is_over_all_seats_also_where_checks_refute_some(tmp_path: Path) -> None:
    task = pa.Task("Six times seven?", checks=[pa.Check.equals("42")])
    most = await pa.Quorum(sparks(tmp_path, a="42", b="42", c="41")).run_async(task)
    two = await pa.Quorum(sparks(tmp_path / "2", a="42", b="41", c="42", d="40", e="39")).run_async(task)

    assert (most.status, most.agreement, most.reason) == (
        "majority",
        pytest.approx(2 / 3),
        "2 for answer 1 (a, b), 1 refuted by checks",
    )
    assert (two.status, two.by, two.agreement, two.decision) == ("decided", "checks", 0.4, "42")


async def test_answers_that_pass_the_checks_in_another_form_each_are_right_whatever_critics_say(tmp_path: Path) -> None:
    answers = {"a": CANBERRA, "b": ALSO, "c": f"{CANBERRA} Truly."}
    critic = judge("{}")
    quorum = pa.Quorum(sparks(tmp_path, **answers), critic=critic)
    result = await quorum.run_async(pa.Task(TASK, checks=[pa.Check.contains("Canberra")]))

    assert [each.success for each in result.votes] == [True] * 3
    assert (result.status, result.by, result.decision, result.agreement) == ("decided", "checks", CANBERRA, None)
    assert result.dissent == ()
    assert result.reason.startswith("3 of 3 pass the task's checks; taken is the answer that most of them gave")
    assert critic.requests == []


async def test_where_checks_refute_all_there_is_no_answer_and_that_is_said(tmp_path: Path) -> None:
    quorum = pa.Quorum(sparks(tmp_path, a=SYDNEY, b=SYDNEY, c=unreachable), critic=judge())
    result = await quorum.run_async(pa.Task(TASK, checks=[pa.Check.call(lambda answer: "Canberra" in answer)]))

    assert (result.status, result.decision, len(result.failed), result.agreement) == ("no agreement", None, 3, None)
    assert result.reason == "no answer passes the task's checks (2 refuted by checks, 1 unknown)"


async def test_a_member_that_fails_holds_its_seat(tmp_path: Path) -> None:
    quorum = pa.Quorum(sparks(tmp_path, a="42", b=unreachable, c="42", d=unreachable), escalate=None)
    result = await quorum.run_async("Six times seven?")

    assert (result.status, result.agreement, result.decision) == ("no agreement", 0.5, None)
    assert [each.member for each in result.failed] == ["b", "d"]
    assert result.reason == "2 for answer 1 (a, c), 2 unknown"


async def test_no_answer_at_all_is_a_failure(tmp_path: Path) -> None:
    result = await pa.Quorum(sparks(tmp_path, a=unreachable, b=unreachable), critic=judge()).run_async(TASK)

    assert result.status == "failed"
    assert "nobody answered" in result.reason


# Critics


async def test_critics_choose_what_is_right_and_their_quotes_are_looked_up(tmp_path: Path) -> None:
    critic = judge(TWO, correctness=GOOD, safety={"": ("", 10)}, cost=EVEN, alignment=EVEN)
    quorum = pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=critic)
    result = await quorum.run_async(TASK)

    assert (str(result), result.status, result.by) == (CANBERRA, "decided", "critics")
    assert result.reason == "8 of 10 or more for correctness and for alignment, the best of 2"
    correctness = [each for each in result.verdicts if each.aspect == "correctness"]
    assert [(each.score, each.quote, each.verified) for each in correctness] == [
        (2, "largest city", True),
        (9, "Canberra", True),
    ]
    runs = [run.agent for run in quorum.workspace.runs() if run.parent == result.id]
    assert {"correctness critic", "safety critic", "cost critic", "alignment critic"} <= set(runs)


async def test_praise_without_a_quote_that_stands_there_counts_for_nothing(tmp_path: Path) -> None:
    made_up = {"Canberra": ("Canberra", 6), "Sydney": ("the Opera House is there", 10)}
    critic = judge(TWO, correctness=made_up, safety={"": ("", 10)}, cost=EVEN, alignment=EVEN)
    result = await pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=critic).run_async(TASK)

    assert str(result) == CANBERRA
    (bribed,) = [each for each in result.verdicts if each.aspect == "correctness" and not each.verified]
    assert (bribed.score, bribed.error) == (None, "what it quotes does not stand in the answer")


async def test_what_is_unsafe_is_never_chosen_however_right_it_is(tmp_path: Path) -> None:
    harm = {"Canberra": ("Canberra", 1), "Sydney": ("", 10)}
    right = {"Canberra": ("Canberra", 10), "Sydney": ("largest city", 6)}
    critic = judge(TWO, correctness=right, safety=harm, cost=EVEN, alignment=EVEN)
    result = await pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=critic).run_async(TASK)

    assert (str(result), result.by) == (SYDNEY, "critics")


async def test_whoever_compares_and_judges_sees_what_the_task_comes_with_and_is_of_its_user(tmp_path: Path) -> None:
    critic = judge(TWO, correctness=GOOD, safety={"": ("", 10)}, cost=EVEN, alignment=EVEN)
    quorum = pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=critic)
    task = pa.Task("Name the capital and say why", inputs={"country": "Australia"}, labels={"user": "ann"})
    result = await quorum.run_async(task)

    assert len(critic.requests) == 5
    assert all("What was asked: Name the capital and say why\ncountry: Australia" in each.text for each in critic.requests)
    runs = [run.id for run in quorum.workspace.runs() if run.parent == result.id]
    labels = [quorum.workspace.trace(run).of(RunStarted)[0].task["labels"] for run in runs]
    assert labels == [{"user": "ann"}] * 7


async def test_a_task_that_comes_with_much_leaves_the_critics_room_for_the_answers(tmp_path: Path) -> None:
    critic = judge(TWO, correctness=GOOD, safety={"": ("", 10)}, cost=EVEN, alignment=EVEN)
    quorum = pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=critic)
    await quorum.run_async(pa.Task(TASK, inputs={"book": "word " * 100_000}))

    assert all(len(each.text) < 3 * critic.capabilities.context_tokens and CANBERRA in each.text for each in critic.requests)


def test_what_is_wrong_is_not_chosen_for_being_what_was_asked_for() -> None:
    assert chosen(verdicts("x", 2, 10, 10, 10)).refused


async def test_critics_may_refuse_everything(tmp_path: Path) -> None:
    bad = {"Canberra": ("Canberra", 2), "Sydney": ("Sydney", 1)}
    critic = judge(TWO, correctness=bad, safety={"": ("", 10)}, cost=EVEN, alignment=bad)
    result = await pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=critic).run_async(TASK)

    assert (result.status, result.decision, result.by) == ("rejected", None, "")
    assert str(result) == "[rejected: no answer that is safe was found to be right, and what was asked for]"


async def test_critics_that_can_not_be_read_refuse_nothing(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        return json.dumps(TWO) if "What does each of these answers come to?" in request.text else "all fine"

    result = await pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=RuleModel(rule)).run_async(TASK)

    assert (result.status, result.decision) == ("no agreement", None)
    why = "the critic's reply could not be read"
    assert {each.error for each in result.verdicts} == {why}
    assert result.reason == f"the critics could not judge it: {why} (correctness, safety, alignment)"


async def test_critics_that_can_not_be_reached_refuse_nothing_and_the_cause_is_told(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        return json.dumps(TWO) if "What does each of these answers come to?" in request.text else unreachable(request)

    result = await pa.Quorum(sparks(tmp_path, a=SYDNEY, b=CANBERRA), critic=RuleModel(rule)).run_async(TASK)

    assert (result.status, result.decision, len(result.verdicts)) == ("no agreement", None, 8)
    assert all("no route to host" in each.error for each in result.verdicts)
    assert "no route to host" in result.reason
    assert "(correctness, safety, alignment)" in result.reason


def verdicts(stance: str, correctness: float, safety: float | None, cost: float, alignment: float) -> list[Verdict]:
    scores = {"correctness": correctness, "safety": safety, "cost": cost, "alignment": alignment}
    return [Verdict(aspect, stance, score) for aspect, score in scores.items()]


def test_cost_decides_between_equals_and_only_there() -> None:
    dear, cheap, poor = verdicts("dear", 9, 9, 2, 8), verdicts("cheap", 8, 9, 7, 9), verdicts("poor", 6, 9, 10, 6)

    assert chosen([*dear, *cheap, *poor]).stance == "cheap"
    assert chosen([*dear, *poor]).stance == "dear"


def test_critics_that_see_no_difference_choose_nothing() -> None:
    choice = chosen([*verdicts("x", 8, 9, 5, 8), *verdicts("y", 8, 10, 5, 8)])

    assert (choice.stance, choice.refused, choice.why) == (None, False, "the critics see no difference between x, y")


def test_unknown_safety_is_neither_safe_nor_refused() -> None:
    choice = chosen([*verdicts("x", 10, None, 10, 10), *verdicts("y", 2, 10, 10, 10)])

    assert (choice.stance, choice.refused) == (None, False)
    assert chosen([*verdicts("x", 10, None, 10, 10), *verdicts("z", 6, 6, 1, 6)]).stance == "z"
    assert chosen(verdicts("x", 2, None, 10, 10)).refused


def test_unknown_cost_is_not_the_highest() -> None:
    x, y = verdicts("x", 8, 9, 5, 8), verdicts("y", 8, 9, 5, 8)[:2] + verdicts("y", 8, 9, 5, 8)[3:]

    assert chosen([*x, *y]).why == "the critics see no difference between x, y, and what they cost is unknown"


async def test_what_no_critic_has_read_is_not_refused(tmp_path: Path) -> None:
    answers = {f"w{place}": f"answer number {place}" for place in range(8)}
    bad = {"": ("answer", 1)}
    several = {f"answer_{place}": f"r{place}" for place in range(1, 9)}
    critic = judge(several, correctness=bad, safety={"": ("", 10)}, cost=bad, alignment=bad)
    result = await pa.Quorum(sparks(tmp_path, **answers), critic=critic).run_async(TASK)

    assert (result.status, result.reason.rpartition(";")[2]) == ("no agreement", " 2 more were not read")


# A person


async def test_a_person_picks_an_answer_by_its_result_and_nothing_is_done_again(tmp_path: Path) -> None:
    answers = {"a": SYDNEY, "b": CANBERRA}
    first = pa.Quorum(sparks(tmp_path, **answers), escalate="person", critic=judge(TWO))
    waits = await first.run_async(TASK)

    assert waits.status == "waiting"
    assert f"Canberra: {CANBERRA!r}" in waits.reason
    again = pa.Quorum(sparks(tmp_path, **answers), escalate="person", critic=judge())
    result = await again.resume_async(waits.id, decision="canberra", by="ada")

    assert (str(result), result.status, result.by) == (CANBERRA, "decided", "person")
    assert [each.member for each in result.dissent] == ["a"]
    models = [member.model for member in again.members]
    assert all(isinstance(model, RuleModel) and not model.requests for model in models)


async def test_a_check_that_is_a_function_has_to_be_given_again(tmp_path: Path) -> None:
    stopped = [True]

    def stops(request: ModelRequest) -> str:
        if stopped:
            stopped.clear()
            raise asyncio.CancelledError
        return CANBERRA

    task = pa.Task(TASK, checks=[pa.Check.call(lambda answer: "Canberra" in answer)])
    quorum = pa.Quorum(sparks(tmp_path, a=SYDNEY, b=stops))
    with pytest.raises(asyncio.CancelledError):
        await quorum.run_async(task)
    (row,) = [run for run in quorum.workspace.runs() if run.agent == "quorum"]

    with pytest.raises(CantResume, match="Give the task again"):
        await quorum.resume_async(row.id)
    result = await quorum.resume_async(row.id, task=task)
    assert (str(result), result.by) == (CANBERRA, "checks")


@pytest.mark.parametrize("agreement", [0.5, 0.0, 1.1, "0.6", True])
def test_a_share_that_two_answers_could_have_is_refused(tmp_path: Path, agreement: Any) -> None:
    with pytest.raises(UsageError, match=r"above 0\.5"):
        pa.Quorum(sparks(tmp_path, a="1", b="2"), agreement=agreement)
