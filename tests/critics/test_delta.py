"""Φ from what changed: every change is shown, nothing else is, and the size does not depend on the run's length."""

import json

import pytest

from purpose_agent.core.messages import Json, assistant
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.delta import difference, judge_delta

pytestmark = pytest.mark.anyio

GOAL = Task("Find out where the key of the archive is.")
NEEDLE = "the brass key lies under the third tile"


class Judge:
    """Says one thing, and keeps what it was asked."""

    def __init__(self, *quotes: str, score: Json = 5) -> None:
        self.asked: list[str] = []
        self._said = json.dumps({"quotes": list(quotes), "score": score, "confidence": 1})

    async def __call__(self, request: ModelRequest, prompt: str) -> ModelResponse:
        assert prompt.startswith("critic_delta@")
        self.asked.append(request.text)
        return ModelResponse(assistant(self._said))


def filler(chars: int) -> str:
    return "\n".join(f"Shelf {n}: box {n * 13 % 101}, folder {n * 29 % 997}" for n in range(chars // 30))[:chars]


async def shown(before: dict[str, Json], after: dict[str, Json], task: Task = GOAL, window: int = 32_768) -> str | None:
    judge = Judge("nothing")
    score = await judge_delta(judge, task, State(before), State(after), 4.0, window=window)
    assert (score is None) == (not judge.asked)
    return judge.asked[0] if judge.asked else None


async def test_goal_phi_before_and_every_change_are_shown_and_nothing_else() -> None:
    old: dict[str, Json] = {"a": "stays as it is", "b": "the lamp is off", "c": "a loose brick"}
    text = await shown(old, {"a": "stays as it is", "b": "the lamp is lit", "d": {"shelf": 3}})

    assert text is not None
    assert GOAL.goal in text
    assert "4.0 of 10" in text
    assert "- the lamp is off\n+ the lamp is lit" in text
    assert 'New, d:\n+ {"shelf": 3}' in text
    assert "Gone, c:\n- a loose brick" in text
    assert "stays as it is" not in text


def edited(place: float, new: str) -> tuple[str, str]:
    lines = filler(20_000).split("\n")
    at = int(place * len(lines))
    return "\n".join([*lines[:at], "a torn page", *lines[at:]]), "\n".join([*lines[:at], new, *lines[at:]])


@pytest.mark.parametrize("place", [0.0, 0.05, 0.5, 0.98, 1.0])
async def test_a_needle_deep_in_a_long_value_is_shown_with_a_little_around_it(place: float) -> None:
    old, new = edited(place, NEEDLE)
    text = await shown({"book": old}, {"book": new})

    assert text is not None
    assert f"- a torn page\n+ {NEEDLE}" in text
    assert len(text) < 2000


async def test_a_needle_in_one_long_line_is_shown() -> None:
    words = [f"word{n}" for n in range(3000)]
    text = await shown({"line": " ".join(words)}, {"line": " ".join([*words[:1700], NEEDLE, *words[1701:]])})

    assert text is not None
    assert f"word1699 {NEEDLE} word1701" in text
    assert "word1700" in text
    assert len(text) < 2000


async def test_needles_in_the_tenth_changed_key_and_at_the_end_of_a_long_goal_are_shown() -> None:
    dark: dict[str, Json] = {f"room {n}": "dark" for n in range(12)}
    lit: dict[str, Json] = {f"room {n}": NEEDLE if n == 9 else f"lit, and empty but for {n} chairs" for n in range(12)}
    text = await shown(dark, lit, Task(f"{filler(3900)}\nThe note must be in Latin."))

    assert text is not None
    assert NEEDLE in text
    assert "The note must be in Latin." in text


async def test_the_question_is_as_long_at_step_200_as_at_step_1() -> None:
    def at(step: int) -> dict[str, Json]:
        return {f"{n:03}.1 read": f"Letter {n:03}: the river stood {n % 9} feet high" for n in range(1, step + 1)}

    texts = [await shown({"000": "start"} | at(step - 1), {"000": "start"} | at(step)) for step in (1, 10, 50, 200)]

    assert len({len(text) for text in texts if text is not None}) == 1
    assert all(text is not None and f"Letter {step:03}" in text for text, step in zip(texts, (1, 10, 50, 200), strict=True))


async def test_a_change_too_large_for_its_budget_is_not_shown_in_part() -> None:
    assert await shown({"a": "x"}, {"a": "x", "book": filler(20_000)}) is None
    assert await shown({"book": filler(20_000)}, {"book": filler(20_000).replace("box", "crate")}) is None
    assert await shown({"book": "\n".join(map(str, range(9000)))}, {"book": "\n".join(map(str, range(9000, 0, -1)))}) is None


async def test_in_a_small_window_the_budget_is_smaller() -> None:
    after: dict[str, Json] = {"a": "x", "page": filler(3000)}

    assert await shown({"a": "x"}, after) is not None
    assert await shown({"a": "x"}, after, window=1024) is None


async def test_phi_before_that_is_unknown_is_zero_only_where_nothing_was_reached() -> None:
    task = Task("Sum up the letter.", inputs={"letter": "Dear Ann"})
    judge = Judge("the mill burnt down", score=2)
    start = State(task.inputs)
    first = await judge_delta(judge, task, start, start.with_values(note="the mill burnt down"), None)
    later = await judge_delta(judge, task, State({"x": "something"}), State({"x": "other"}), None)

    assert "0.0 of 10" in judge.asked[0]
    assert first is not None
    assert first.after == 2.0
    assert (later, len(judge.asked)) == (None, 1)


@pytest.mark.parametrize(
    ("quote", "after"),
    [("lies under the third tile", 7.0), ("Shelf 0: box 0", 4.0), ("stood there before", 4.0), ("a torn page", 4.0)],
)
async def test_quotes_count_only_where_they_stand_in_a_changed_fact(quote: str, after: float) -> None:
    judge = Judge(quote, score=7)
    before = State({"page": "a torn page", "other": "this stood there before\nShelf 0: box 0"})
    score = await judge_delta(judge, GOAL, before, before.with_values(page=NEEDLE), 4.0)

    assert score is not None
    assert (score.after, score.critic) == (after, "delta")


async def test_context_beside_a_change_is_no_evidence() -> None:
    old, new = edited(0.5, NEEDLE)
    beside = new.split("\n")[new.split("\n").index(NEEDLE) - 1]
    judge = Judge(beside, score=7)
    score = await judge_delta(judge, GOAL, State({"book": old}), State({"book": new}), 4.0)

    assert beside in judge.asked[0]
    assert score is not None
    assert (score.after, score.flags) == (4.0, ("no_evidence",))


async def test_notes_are_shown_before_the_goal() -> None:
    judge = Judge("nothing")
    await judge_delta(
        judge, GOAL, State({"a": "x"}), State({"a": "y"}), 4.0, notes=["A key that was only heard of is worth 3."]
    )

    assert judge.asked[0].index("only heard of") < judge.asked[0].index("Goal: ")


def test_two_changes_far_apart_are_shown_as_two() -> None:
    lines = [f"line {n}" for n in range(100)]
    shown = difference("\n".join(lines), "\n".join([*lines[:10], "first", *lines[11:80], "second", *lines[81:]]))

    assert shown is not None
    assert shown.index("+ first") < shown.index("…") < shown.index("+ second")
    assert "line 40" not in shown
