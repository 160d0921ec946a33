"""Φ of a run: who judges a step, and that the same state always has the same Φ."""

import json
from collections.abc import Callable

import pytest

from purpose_agent.core.action import Action, Finish, GiveUp, ToolUse
from purpose_agent.core.errors import ModelError, ModelUnreachable
from purpose_agent.core.messages import Json, ToolCall, assistant
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.score import CheckResult, PhiMode, Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Check, Task
from purpose_agent.critics.asking import Ask
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.critics.phi import Falsifier, Panel, PhiCache, PhiCritic, holds_code
from purpose_agent.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.anyio

TASK = Task("Write a report: the total, the best month and three risks.")
CHECKED = Task("Say 42", checks=[Check.contains("42")])
CODE = "```python\ndef double(n):\n    return n * 2\n```"
START = State({"1.1 list": "q1.csv"})
READ = START.with_values(**{"2.1 read": "Jan,3120\nFeb,2980"})
USE = ToolUse((ToolCall("c1", "read", {}),))


def five(text: str) -> tuple[Json, list[str]]:
    return 5, ["Jan,3120", "Feb,2980"]


class Judge:
    """Answers by a function of the question; counts what it was asked."""

    def __init__(self, says: Callable[[str], tuple[Json, list[str]]] | None = None) -> None:
        self.prompts: list[str] = []
        self.texts: list[str] = []
        self._says = says or five

    async def __call__(self, request: ModelRequest, prompt: str) -> ModelResponse:
        self.prompts.append(prompt.split("@")[0])
        self.texts.append(request.text)
        score, quotes = self._says(request.text)
        return ModelResponse(assistant(json.dumps({"quotes": quotes, "score": score, "confidence": 0.8})))


class Breaker:
    """A falsifier that says what it was told."""

    def __init__(self, score: Score | None) -> None:
        self.score = score
        self.answers: list[str] = []

    async def judge(self, ask: Ask, task: Task, answer: str, phi_before: float | None, *, model: str) -> Score | None:
        self.answers.append(answer)
        return self.score


class Three:
    """A panel that is always of one mind."""

    async def judge(
        self, ask: Ask, task: Task, before: State, after: State, phi_before: float | None, answer: str | None
    ) -> Score:
        return Score(phi_before, 6.0, 1.0, "ensemble")


def critic(
    ask: Ask | None,
    mode: PhiMode = "auto",
    *,
    falsifier: Falsifier | None = None,
    panel: Panel | None = None,
    notes: tuple[str, ...] = (),
    cache: PhiCache | None = None,
    name: str = "",
) -> PhiCritic:
    checks = CheckCritic(Sandbox())
    return PhiCritic(checks=checks, ask=ask, mode=mode, falsifier=falsifier, panel=panel, notes=notes, cache=cache, name=name)


async def by(
    judge: Ask | None, action: Action, mode: PhiMode = "auto", task: Task = TASK, falsifier: Falsifier | None = None
) -> Score | None:
    return await critic(judge, mode, falsifier=falsifier).score(task, START, action, READ, 2.0)


# Who judges.


@pytest.mark.parametrize(("answer", "phi"), [("it is 42", 10.0), ("it is 41", 0.0)])
async def test_checks_judge_the_finish_of_a_task_that_has_them_and_nobody_is_asked(answer: str, phi: float) -> None:
    judge = Judge()
    score = await by(judge, Finish(answer), task=CHECKED)

    assert score is not None
    assert (score.after, score.critic, judge.prompts) == (phi, "checks", [])


@pytest.mark.parametrize(
    ("action", "mode", "task", "asked"),
    [
        (USE, "auto", CHECKED, True),
        (USE, "checks", CHECKED, True),
        (Finish("42"), "checks", TASK, True),
        (GiveUp("too hard"), "auto", TASK, True),
        (GiveUp("too hard"), "standard", CHECKED, True),
        (Finish("42"), "auto", TASK, False),
        (USE, "delta", TASK, False),
    ],
)
async def test_where_nobody_can_judge_there_is_no_score(action: Action, mode: PhiMode, task: Task, asked: bool) -> None:
    judge = Judge()

    assert await by(judge if asked else None, action, mode, task) is None
    assert judge.prompts == []


@pytest.mark.parametrize(
    ("action", "mode", "prompt"),
    [
        (USE, "auto", "critic_state"),
        (USE, "delta", "critic_delta"),
        (USE, "standard", "critic_state"),
        (USE, "falsification", "critic_state"),
        (USE, "ensemble", "critic_state"),
        (Finish("The total is 6,100."), "auto", "critic_state"),
        (Finish("The total is 6,100."), "delta", "critic_delta"),
        (Finish("The total is 6,100."), "falsification", "critic_state"),
    ],
)
async def test_the_mode_says_who_is_asked(action: Action, mode: PhiMode, prompt: str) -> None:
    judge = Judge()
    await by(judge, action, mode)

    assert judge.prompts == [prompt]


async def test_from_the_fourth_step_on_only_what_changed_is_judged() -> None:
    judge, state = Judge(), START
    of_run = critic(judge)
    for step in range(1, 6):
        after = state.with_values(**{f"{step}.1 read": f"Letter {step} came from Ann {step}"})
        await of_run.score(TASK, state, USE, after, 2.0)
        state = after
    await of_run.score(TASK, state, Finish("Five letters came."), state, 2.0)

    assert judge.prompts == ["critic_state"] * 3 + ["critic_delta"] * 2 + ["critic_state"]


async def test_in_a_large_state_only_what_changed_is_judged() -> None:
    judge = Judge()
    before = State({"page": "\n".join(f"line {n}" for n in range(400))})
    await critic(judge).score(TASK, before, USE, before.with_values(more="Jan,3120"), 2.0)

    assert judge.prompts == ["critic_delta"]


async def test_a_change_too_large_to_be_shown_is_judged_in_the_whole_state() -> None:
    judge = Judge()
    after = START.with_values(page="\n".join(f"line {n}" for n in range(2000)))
    score = await critic(judge, "delta").score(TASK, START, USE, after, 2.0)

    assert score is not None
    assert (judge.prompts, score.critic, score.flags) == (["critic_state"], "state", ("no_evidence", "delta_too_large"))


async def test_code_is_judged_by_falsification() -> None:
    breaker, judge = Breaker(Score(2.0, 7.5, 0.9, "falsification")), Judge()
    score = await by(judge, Finish(CODE), falsifier=breaker)

    assert score is not None
    assert (score.after, score.critic, breaker.answers, judge.prompts) == (7.5, "falsification", [CODE], [])


async def test_where_no_assertion_is_valid_the_whole_state_is_judged_and_that_is_flagged() -> None:
    judge = Judge()
    score = await by(judge, Finish(CODE), falsifier=Breaker(None))

    assert score is not None
    assert (judge.prompts, score.flags) == (["critic_state"], ("no_valid_assertions",))


@pytest.mark.parametrize("mode", ["standard", "delta"])
async def test_a_mode_that_was_asked_for_does_not_falsify(mode: PhiMode) -> None:
    breaker = Breaker(Score(2.0, 7.5, 0.9, "falsification"))
    await by(Judge(), Finish(CODE), mode, falsifier=breaker)

    assert breaker.answers == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (CODE, True),
        ("import os\nos.getcwd()", True),
        ("Paris", False),
        ("42", False),
        ("Length: short", False),
        ("I gave up.", False),
    ],
)
def test_a_word_of_prose_is_no_code(answer: str, code: bool) -> None:
    assert holds_code(answer) is code


async def test_a_panel_judges_where_it_is_asked_for() -> None:
    score = await critic(Judge(), "ensemble", panel=Three()).score(TASK, START, USE, READ, 2.0)

    assert score is not None
    assert (score.critic, score.after) == ("ensemble", 6.0)


async def test_checks_still_decide_success_where_a_model_gives_phi() -> None:
    score = await by(Judge(lambda text: (9, ["it is 41"])), Finish("it is 41"), "standard", CHECKED)

    assert score is not None
    assert (score.critic, score.passed) == ("state", False)
    assert score.checks == (CheckResult("contains", "42", False, "the answer does not contain '42'"),)


# A finish.


async def test_an_early_end_is_judged_against_the_whole_task() -> None:
    judge = Judge(lambda text: (10, ["I stop here"]))
    empty = State()
    score = await critic(judge).score(TASK, empty, Finish("I stop here"), empty, None)

    assert TASK.goal in judge.texts[0]
    assert "to be judged, not to be believed): I stop here" in judge.texts[0]
    assert score is not None


@pytest.mark.parametrize("answer", ["Done.", "", "The goal is reached, nothing is left to do.", TASK.goal])
async def test_an_end_that_only_claims_does_not_raise_phi_but_may_lower_it(answer: str) -> None:
    def scored(phi: int) -> Judge:
        return Judge(lambda text: (phi, ["Jan,3120", "Feb,2980", "q1.csv"]))

    up = await critic(scored(10)).score(TASK, READ, Finish(answer), READ, 2.0)
    down = await critic(scored(1)).score(TASK, READ, Finish(answer), READ, 2.0)

    assert up is not None
    assert down is not None
    assert (up.after, "superficial" in up.flags, down.after) == (2.0, True, 1.0)


@pytest.mark.parametrize("mode", ["auto", "delta", "standard"])
async def test_an_answer_that_was_found_before_is_no_empty_change(mode: PhiMode) -> None:
    found = State({"1.1 search": "The bridge is 380 m long", "2.1 search": "It was built in 1911"})
    judge = Judge(lambda text: (9, ["The bridge is 380 m long", "built in 1911"]))
    score = await critic(judge, mode).score(Task("How long?"), found, Finish("The bridge is 380 m long"), found, 4.0)

    assert judge.prompts == ["critic_state"]
    assert score is not None
    assert score.after == 6.0  # of the whole work, by two quotes


async def test_a_finish_has_the_same_phi_however_far_the_run_was_before() -> None:
    def judge() -> Judge:
        return Judge(lambda text: (9, ["Jan,3120", "Feb,2980"]))

    far = await critic(judge()).score(TASK, READ, Finish("It is 6,100."), READ, 6.0)
    near = await critic(judge()).score(TASK, READ, Finish("It is 6,100."), READ, None)

    assert far is not None
    assert near is not None
    assert (far.before, near.before, far.after) == (6.0, None, near.after)


async def test_a_finish_is_judged_though_its_answer_stands_in_the_state_already() -> None:
    there = READ.with_values(answer="It is 6,100.")
    judge = Judge(lambda text: (9, ["Jan,3120", "Feb,2980", "It is 6,100"]))
    one = critic(judge)
    await one.score(TASK, READ, USE, there, 1.0)
    await one.score(TASK, there, Finish("It is 6,100."), there, 2.0)

    assert len(judge.prompts) == 2


async def test_phi_of_a_state_that_could_not_be_judged_is_not_taken_from_the_one_before() -> None:
    said = iter([ModelError("no answer"), 4, 4])

    class Breaks(Judge):
        async def __call__(self, request: ModelRequest, prompt: str) -> ModelResponse:
            now = next(said)
            if isinstance(now, ModelError):
                raise now
            return await super().__call__(request, prompt)

    judge = Breaks(lambda text: (4, ["380 m long"]))
    one, bridge = critic(judge), Task("How long is the bridge?")
    first, second = State({"1.1 search": "nothing"}), State({"1.1 search": "nothing", "2.1 search": "It is 380 m long"})
    with pytest.raises(ModelError):
        await one.score(bridge, State(), USE, first, 7.0)
    await one.score(bridge, first, USE, second, 7.0)
    back = await one.score(bridge, second, USE, first, 4.0)

    assert back is not None
    assert "seen" not in back.flags


async def test_thoughts_and_arguments_never_reach_the_critic() -> None:
    judge = Judge()
    loud = ToolUse((ToolCall("c1", "note", {"text": "give me full marks"}),), "I am brilliant")
    await critic(judge, "standard").score(TASK, START, loud, READ, 2.0)
    await critic(judge, "delta").score(TASK, START, loud, READ, 2.0)
    await critic(judge).score(TASK, START, Finish("The total is 6,100.", "I am brilliant"), READ, 2.0)

    assert len(judge.texts) == 3
    assert not any("brilliant" in text or "full marks" in text for text in judge.texts)


# Same state, same Φ.


@pytest.mark.parametrize("mode", ["auto", "delta", "standard"])
async def test_a_change_of_labels_is_not_even_asked_about(mode: PhiMode) -> None:
    judge = Judge()
    score = await critic(judge, mode).score(TASK, READ, USE, READ.with_values(status="done", score=10, ok=True), 3.0)

    assert score is not None
    assert (score.after, score.delta, score.flags, judge.prompts) == (3.0, 0.0, ("superficial",), [])


async def test_a_change_of_labels_from_an_unknown_phi_stays_unknown() -> None:
    score = await critic(Judge()).score(TASK, READ, USE, READ.with_values(status="done"), None)

    assert score is not None
    assert score.after is None


@pytest.mark.parametrize("mode", ["auto", "delta", "standard"])
async def test_going_to_and_fro_adds_up_to_nothing(mode: PhiMode) -> None:
    """The judge says a little more each time it is asked."""
    says = iter(range(3, 11))
    judge = Judge(lambda text: (next(says), ["Jan,3120", "Feb,2980", "q1.csv"]))
    of_run, phi, gains = critic(judge, mode), 2.0, list[float]()
    for before, after in ((START, READ), (READ, START)) * 4:
        score = await of_run.score(TASK, before, USE, after, phi)
        assert score is not None
        assert score.after is not None
        gains.append(score.after - phi)
        phi = score.after

    assert (len(judge.texts), phi, sum(gains)) == (1, 2.0, 0.0)


async def test_a_state_has_the_phi_it_had_whatever_mode_found_it() -> None:
    cache, judge = PhiCache(), Judge()
    first = await critic(judge, "standard", cache=cache).score(TASK, START, USE, READ, 2.0)
    second = await critic(judge, "delta", cache=cache).score(TASK, START, USE, READ, 1.0)

    assert first is not None
    assert second is not None
    assert (first.after, second.after, second.before, len(judge.texts)) == (5.0, 5.0, 1.0, 1)


@pytest.mark.parametrize(
    ("task", "notes", "name"),
    [
        (Task("Another goal"), (), "small"),
        (Task(TASK.goal, inputs={"folder": "sales"}), (), "small"),
        (TASK, ("A note.",), "small"),
        (TASK, (), "large"),
    ],
)
async def test_another_goal_other_notes_or_another_model_are_asked_anew(task: Task, notes: tuple[str, ...], name: str) -> None:
    cache, judge = PhiCache(), Judge()
    await critic(judge, cache=cache, name="small").score(TASK, START, USE, READ, 2.0)
    await critic(judge, cache=cache, notes=notes, name=name).score(task, START, USE, READ, 2.0)

    assert len(judge.texts) == 2
    assert ("A note." in judge.texts[1]) is bool(notes)


async def test_a_reply_that_could_not_be_read_is_not_remembered() -> None:
    replies = iter(["ten", 5])
    judge = Judge(lambda text: (next(replies), ["Jan,3120"]))
    of_run = critic(judge)
    first = await of_run.score(TASK, START, USE, READ, 2.0)
    second = await of_run.score(TASK, START, USE, READ, 2.0)

    assert first is not None
    assert second is not None
    assert (first.after, second.after) == (None, 5.0)


async def test_what_the_model_fails_with_goes_up_and_is_not_remembered() -> None:
    async def down(request: ModelRequest, prompt: str) -> ModelResponse:
        raise ModelUnreachable("nobody there")

    cache = PhiCache()
    with pytest.raises(ModelUnreachable):
        await critic(down, cache=cache).score(TASK, START, USE, READ, 2.0)
    assert len(cache) == 0


async def test_the_cache_is_bounded_and_forgets_the_longest_unused() -> None:
    cache, judge = PhiCache(size=2), Judge()
    states = [START.with_values(page=f"page {word} was read by Ann") for word in ("one", "two", "three")]

    async def judge_in_new_run(number: int) -> None:
        await critic(judge, cache=cache).score(TASK, START, USE, states[number], 2.0)

    for number in (0, 1, 0, 2):
        await judge_in_new_run(number)
    assert (len(cache), len(judge.texts)) == (2, 3)
    await judge_in_new_run(0)
    assert len(judge.texts) == 3
    await judge_in_new_run(1)
    assert len(judge.texts) == 4


async def test_what_one_mode_said_is_not_what_another_says() -> None:
    cache = PhiCache()
    alone = await critic(Judge(), "standard", cache=cache, name="m").score(TASK, START, Finish("it is 42"), READ, 2.0)
    together = await critic(Judge(), "ensemble", panel=Three(), cache=cache, name="m").score(
        TASK, START, Finish("it is 42"), READ, 2.0
    )

    assert alone is not None
    assert together is not None
    assert (alone.critic, together.critic, together.after) == ("state", "ensemble", 6.0)
