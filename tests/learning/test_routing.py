"""The choice among models, from what was seen alone."""

from collections.abc import Sequence

import pytest

from purpose_agent.core.model import Usage
from purpose_agent.core.task import Check, Task
from purpose_agent.learning.routing import Bounds, Candidate, Seen, alike, choose, difficulty_of, word_likeness
from purpose_agent.runtime.events import RouteChosen

FREE = Bounds(None, None, 0.6)
SMALL = Candidate("small", True, True, lambda usage: 0.0)
BIG = Candidate("big", False, False, lambda usage: usage.tokens * 1e-6)


def task(goal: str, family: str = "") -> Task:
    return Task(goal, labels={"family": family} if family else {})


def seen(goal: Task, model: str, success: bool, number: int = 0, **more: float) -> Seen:
    usage = Usage(1000, 100, 0, more.get("usd"), 1)
    return Seen(f"run_{number}", "clerk", model, goal, success, usage, more.get("usd"), more.get("seconds"))


def chosen(goal: Task, record: Sequence[Seen], bounds: Bounds = FREE) -> RouteChosen:
    return choose(goal, "clerk", [SMALL, BIG], record, bounds)


REGEX = task("Write a regex for phone numbers")


def test_one_failure_is_no_proof_and_three_are() -> None:
    once = [seen(task("Write a regex for phone codes", "regex"), "small", False)]
    wanted = task("Write a regex for postal codes", "regex")

    assert chosen(wanted, once).model == "small"
    assert chosen(wanted, [seen(once[0].task, "small", False, number) for number in range(3)]).model == "big"


def test_tasks_without_a_family_are_compared_by_their_words() -> None:
    record = [seen(task(f"Write a regex for phone numbers of land {number}"), "small", False, number) for number in range(6)]

    assert chosen(REGEX, record).model == "big"
    assert chosen(task("Translate the poem into French"), record).model == "small"


def test_old_failures_fade_so_that_a_model_that_has_learned_is_tried_again() -> None:
    failures = [seen(REGEX, "small", False, number) for number in range(4)]
    later = [seen(REGEX, "big", True, 1000 - number) for number in range(160)]

    assert chosen(REGEX, failures).model == "big"
    assert chosen(REGEX, [*later[:5], *failures]).model == "big"
    assert chosen(REGEX, [*later, *failures]).model == "small"


def test_if_none_is_good_enough_the_one_that_succeeds_most_often_is_taken_and_that_is_said() -> None:
    record = [seen(REGEX, model, False, number) for number, model in enumerate(["small", "big"] * 6)]
    record += [seen(REGEX, "big", True, 50)]

    choice = chosen(REGEX, record)

    assert choice.model == "big"
    assert choice.why.startswith("none is good enough (0.6), and this one succeeds most often: success 0.")


def test_what_a_model_elsewhere_costs_is_its_price_for_what_others_took_until_it_is_measured() -> None:
    first = chosen(REGEX, [seen(REGEX, "small", True)])
    measured = chosen(REGEX, [seen(REGEX, "big", True, usd=0.5)])

    assert [option.usd for option in first.considered] == [0.0, pytest.approx(0.0011)]  # pyright: ignore[reportUnknownMemberType]
    assert [option.usd for option in measured.considered] == [0.0, 0.5]


def test_seconds_are_those_of_runs_like_it() -> None:
    record = [seen(REGEX, "small", True, 1, seconds=2.0), seen(task("Translate the poem"), "small", True, 2, seconds=90.0)]

    assert chosen(REGEX, record).considered[0].seconds == 2.0


def test_a_slow_run_long_ago_shuts_no_model_out() -> None:
    slow = [seen(REGEX, "small", True, 0, seconds=90.0)]
    later = [seen(REGEX, "big", True, 1000 - number, seconds=1.0) for number in range(60)]
    bounds = Bounds(None, 10.0, 0.6)

    assert chosen(REGEX, slow, bounds).model == "big"
    assert chosen(REGEX, [*later, *slow], bounds).model == "small"


def test_a_task_is_harder_with_more_text_and_checks_and_easier_with_given_answers() -> None:
    long = Task("word " * 300, checks=[Check.python("assert f(1) == 1\nassert f(2) == 2")])

    assert 0 < difficulty_of(Task("Say yes", choices=["yes", "no"])) < difficulty_of(Task("Say yes")) < difficulty_of(long) < 1


def test_the_hardest_of_tasks_begins_with_a_bigger_model() -> None:
    checks = [Check.python("\n".join(f"assert f({number}) == {number}" for number in range(8)))]

    assert chosen(Task("word " * 500, checks=checks), []).model == "big"


def test_runs_of_other_agents_and_other_families_count_less() -> None:
    one, other = task("Sort the list", "lists"), task("Sort the list of names", "names")

    same = alike(one, "clerk", seen(task("Sort the list of names", "lists"), "small", True), word_likeness)
    assert same > alike(one, "clerk", seen(other, "small", True), word_likeness)
    assert alike(one, "cook", seen(one, "small", True), word_likeness) == pytest.approx(0.5)  # pyright: ignore[reportUnknownMemberType]
