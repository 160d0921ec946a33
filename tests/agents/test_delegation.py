"""Who gets a task: by its words, by a model where they don't decide, by a fallback that is told."""

import json
from collections.abc import Mapping

import pytest

from benchmarks.orchestration.delegation import CASES, REFUSALS, accuracy_of, cases_in, to_the_refused
from purpose_agent.agents.specialists.delegation import Asked, Delegation, Past, by_words, delegate
from purpose_agent.agents.specialists.inflections import forms_of, is_form
from purpose_agent.agents.specialists.spec import AgentSpec
from purpose_agent.core.errors import ModelUnreachable, UsageError
from purpose_agent.core.messages import assistant
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.core.task import Task

pytestmark = pytest.mark.anyio

TEAM = [
    AgentSpec("researcher", "Find and synthesize information", expertise_keywords=["research", "papers"]),
    AgentSpec("coder", "Write code", expertise_keywords=["code", "python"]),
    AgentSpec("code_reviewer", "Review code", expertise_keywords=["review"]),
]


def chosen(goal: str, team: list[AgentSpec] = TEAM) -> str | None:
    found = by_words(goal, team)
    return found.agent if isinstance(found, Delegation) else None


# Words


@pytest.mark.parametrize(
    ("goal", "agent"),
    [
        ("Research bees", "researcher"),
        ("She is researching bees; go on", "researcher"),
        ("Find a paper on bees", "researcher"),
        ("Write Python for me", "coder"),
        ("Not the researcher, the coder", "coder"),
        ("don't research, just code", "coder"),
        ("Don’t research, just code", "coder"),
        ("Do not write code but review it", "code_reviewer"),
        ("Let the code reviewer look at it", "code_reviewer"),
        ("code-reviewer: the code is slow", "code_reviewer"),
        ("@coder review this", "coder"),
        ("Review the coder's work", "code_reviewer"),
        ("No code, no review: papers", "researcher"),
        ("Research isn't needed; code it", "coder"),
        ("Leave the research out and code", "coder"),
        ("Don't forget to review it", "code_reviewer"),
        ("Anything but code: research it", "researcher"),
    ],
)
def test_words_say_who_gets_a_task(goal: str, agent: str) -> None:
    assert chosen(goal) == agent


@pytest.mark.parametrize(
    "goal",
    [
        "Decode a table of a barcode",
        "Preview it",
        "A pythonic wallpaper",
        'Translate "research the code"',
        "Open research.py",
        "",
    ],
)
def test_parts_of_words_quotations_and_file_names_say_nothing(goal: str) -> None:
    assert chosen(goal) is None


def test_why_names_the_words_that_counted_and_those_that_spoke_against_somebody() -> None:
    found = by_words("Don't research, just code it in Python", TEAM)

    assert found == Delegation("coder", "words", "words: code, python; not researcher (research)")


@pytest.mark.parametrize(
    ("goal", "agent", "unwanted"),
    [
        ("Keep the researcher out of it and code the parser", "coder", "researcher"),
        ("Reviewing is out of scope, code the thing", "coder", "code_reviewer"),
        ("Researchers are not to be involved: code", "coder", "researcher"),
        ("research is unnecessary, code directly", "coder", "researcher"),
        ("Cancel the research, start to code", "coder", "researcher"),
        ("Let's drop the review and code", "coder", "code_reviewer"),
        ("Research is not what I need here, code is", "coder", "researcher"),
        ("I would rather the coder not do this, research it", "researcher", "coder"),
        ("The researcher shouldn't touch this; it needs python", "coder", "researcher"),
        ("Let the coder rest. The researcher takes it.", "researcher", "coder"),
        ("Code the parser; the researcher is on holiday", "coder", "researcher"),
        ("Have the papers checked by the coder", "coder", ""),
        ("The researcher refused; who can code this?", "coder", "researcher"),
        ("The researcher is on leave, so write the papers in Python", "coder", "researcher"),
        ("As the coder said, the papers need work", "researcher", ""),
        ("Tell the coder that the review failed", "coder", ""),
        ("Give this to anyone but the coder: python for X", None, "coder"),
        ("Anyone except the researcher: look at papers", None, "researcher"),
        ("The coder did badly last time; ask somebody else for the python", None, "coder"),
        ("Cancel the papers", None, "researcher"),
    ],
)
async def test_whoever_a_task_refuses_never_gets_it(goal: str, agent: str | None, unwanted: str) -> None:
    assert chosen(goal) == agent
    team = sorted(TEAM, key=lambda spec: spec.name != unwanted)
    best = {unwanted: Past(9, 9)}
    fallen = await delegate(Task(goal, labels={"family": "any"}), team, router=None, past=lambda: best)

    assert fallen.agent != unwanted


def test_whoever_is_left_gets_it() -> None:
    assert by_words("Not for the researcher", TEAM[:2]) == Delegation(
        "coder", "words", "words: nobody else is left; not researcher (researcher)"
    )


def test_where_all_are_refused_the_words_do_not_decide() -> None:
    assert by_words("Neither research nor code", TEAM[:2]) == ("researcher", "coder")


def test_two_who_are_equally_meant_are_both_in_question() -> None:
    assert by_words("Something with papers or with code", TEAM) == ("researcher", "coder")


@pytest.mark.parametrize(
    ("word", "of"),
    [("papers", "paper"), ("queries", "query"), ("boxes", "box"), ("tested", "test"), ("coding", "code"), ("planning", "plan"),
     ("edited", "edit"), ("written", "write"), ("tried", "try"), ("analysing", "analyze"), ("crashes", "crash"), ("analyses", "analysis")],
)  # fmt: skip
def test_forms_of_a_word_are_found(word: str, of: str) -> None:
    assert is_form(word, of)


@pytest.mark.parametrize(
    ("word", "other"),
    [("decode", "code"), ("barcode", "code"), ("latest", "test"), ("contest", "test"), ("planes", "plan"), ("coding", "cod"),
     ("preview", "review"), ("spring", "spr"), ("status", "statu"), ("tester", "test"), ("charter", "chart"), ("class", "clas")],
)  # fmt: skip
def test_other_words_are_other_words(word: str, other: str) -> None:
    assert not is_form(word, other)


def test_a_word_is_a_form_of_itself() -> None:
    assert "bus" in forms_of("bus")


def test_written_cases_are_decided_far_better_than_by_parts_of_words() -> None:
    for file in CASES:
        cases = cases_in(file)
        right, plain = accuracy_of(cases)
        assert len(right) == len(plain) == len(cases)
        assert sum(right) / len(right) >= 0.9
        assert sum(plain) / len(plain) <= 0.75


def test_held_out_tasks_that_refuse_somebody_seldom_go_there() -> None:
    cases = cases_in(REFUSALS)
    right, plain = accuracy_of(cases)

    assert len(cases) == 40
    assert sum(plain) / len(plain) <= 0.2
    assert sum(right) / len(right) >= 0.7
    assert to_the_refused(cases) <= 5


# The model, and the fallback


def told(
    answer: str | Exception, probabilities: Mapping[str, float] | None = None, *, choices: bool = True
) -> tuple[Asked, list[ModelRequest]]:
    requests: list[ModelRequest] = []

    async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
        assert prompt.startswith("delegate@")
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return ModelResponse(assistant(answer), probabilities=probabilities)

    return Asked(ask, Capabilities(choices=choices)), requests


async def asked_of(task: Task, router: Asked | None, past: Mapping[str, Past] | None = None) -> Delegation:
    return await delegate(task, TEAM, router=router, past=lambda: past or {})


async def test_a_model_is_asked_only_where_words_do_not_decide() -> None:
    router, requests = told("researcher")

    assert (await asked_of(Task("Code it"), router)).way == "words"
    assert requests == []
    assert await asked_of(Task("Do it"), router) == Delegation("researcher", "model", "model")
    assert requests[0].choices == ("researcher", "coder", "code_reviewer")
    assert "- coder: Write code" in requests[0].text
    assert "> Do it" in requests[0].text


async def test_a_model_is_not_offered_those_the_task_is_not_for() -> None:
    router, requests = told("coder")
    await asked_of(Task("Anyone but the researcher"), router)

    assert requests[0].choices == ("coder", "code_reviewer")


async def test_a_model_that_can_not_be_held_to_names_is_read() -> None:
    router, requests = told("I'd say: code_reviewer.", choices=False)

    assert (await asked_of(Task("Do it"), router)).agent == "code_reviewer"
    assert requests[0].choices == ()


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("C++ coder", "C++ coder"), ("the c++ coder.", "C++ coder"), ("QA/Ops", "QA/Ops"), ("O'Brien", "O'Brien"),
        ("fact-checker", "fact-checker"), ("Take the fact checker", "fact-checker"), ("coder", "coder"), ("C coder", "coder"),
        ("coder or C++ coder", None), ("O'Brien and QA/Ops", None), ("the decoder", None), ("data_analyst", "data_analyst"),
    ],
)  # fmt: skip
async def test_names_with_signs_in_them_are_read(said: str, agent: str | None) -> None:
    team = [AgentSpec(name) for name in ("first", "C++ coder", "QA/Ops", "O'Brien", "fact-checker", "coder", "data_analyst")]
    router, _ = told(said)
    found = await delegate(Task("Do it"), team, router=router, past=dict)

    assert (found.agent, found.way) == ((agent, "model") if agent is not None else ("first", "fallback"))


async def test_any_error_of_the_model_is_told_and_logged_and_the_task_still_goes_to_somebody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    router, _ = told(RuntimeError("a bug"))
    found = await asked_of(Task("Do it"), router)

    assert (found.agent, found.way) == ("researcher", "fallback")
    assert found.why.endswith("the model could not be asked: RuntimeError: a bug")
    assert "The choice of an agent failed: RuntimeError: a bug" in caplog.text


async def test_how_sure_a_model_is_is_told() -> None:
    router, _ = told("coder", {"coder": 0.8, "researcher": 0.2})

    assert (await asked_of(Task("Do it"), router)).why == "model: 0.80 to 0.20 for the next"


@pytest.mark.parametrize(
    ("answer", "probabilities", "why"),
    [
        ("coder", {"coder": 0.5, "researcher": 0.45}, "the model finds coder (0.50) no fitter than the next (0.45)"),
        ("the boss", None, "the model named none of them: 'the boss'"),
        ("coder or researcher", None, "the model named none of them"),
        (ModelUnreachable("no server"), None, "the model could not be asked: ModelUnreachable: no server"),
    ],
)
async def test_a_model_that_does_not_decide_is_told_in_the_fallback(
    answer: str | Exception, probabilities: Mapping[str, float] | None, why: str
) -> None:
    router, _ = told(answer, probabilities)
    found = await asked_of(Task("Do it"), router)

    assert (found.agent, found.way) == ("researcher", "fallback")
    assert found.why.startswith(f"fallback: the first of researcher, coder, code_reviewer; {why}")


async def test_the_fallback_is_whoever_did_best_on_the_family() -> None:
    past = {"researcher": Past(4, 1), "coder": Past(3, 3)}
    found = await asked_of(Task("Do it", labels={"family": "doors"}), None, past)

    assert found == Delegation(
        "coder", "fallback", "fallback: best record on tasks of family 'doors', 3 of 3; no model is there to ask"
    )
    assert (await asked_of(Task("Do it"), None, past)).agent == "researcher"


async def test_who_was_never_judged_on_the_family_is_not_said_to_have_a_record() -> None:
    found = await asked_of(Task("Do it", labels={"family": "doors"}), None, {"coder": Past(4, 0)})

    assert found.agent != "coder"
    assert "the first of" in found.why


# Specs


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": None},
        {"role": None},
        {"expertise_keywords": [None]},
        {"expertise_keywords": 3},
        {"expertise_keywords": "code"},
        {"expertise_keywords": ["code", " "]},
        {"max_steps": 0},
        {"max_steps": True},
    ],
)
def test_what_no_agent_can_be_is_told(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="AgentSpec"):
        AgentSpec(**{"name": "coder", **wrong})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_cases_name_agents_of_their_teams() -> None:
    for file in CASES:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        assert len(rows) == len({row["task"] for row in rows})
