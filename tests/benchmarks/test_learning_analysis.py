"""What is read from learning curves, on curves small enough to be read by eye."""

import pytest

from benchmarks.learning.analysis import compare, learns, summarise
from tests.benchmarks.curves import curve_of


def test_a_comparison_is_paired_and_gives_each_task_one_vote() -> None:
    base = [curve_of("none", "----++----", seed=0), curve_of("none", "----+-----", seed=1)]
    with_it = [
        curve_of("full", "+++++-+++-", seed=0),
        curve_of("full", "++++++-++-", seed=1),
        curve_of("full", "-" * 10, seed=9),
    ]

    (found,) = compare([*base, *with_it])

    assert found.difference.value == 13 / 20
    assert (found.wins, found.losses, found.tasks, found.difference.n) == (7, 0, 10, 20)
    assert found.p == pytest.approx(2 / 2**7)
    assert found.negative_transfer == 1 / 20
    assert found.noise == 1 / 20
    assert found.excess_transfer == 0


def test_what_nobody_could_judge_is_left_out() -> None:
    (found,) = compare([curve_of("none", "+-?+"), curve_of("full", "++??")])
    (full,) = summarise([curve_of("full", "++??")])

    assert (found.tasks, found.difference.value, found.noise) == (2, 0.5, None)
    assert full.success is not None
    assert (full.success.value, full.success.n) == (1.0, 2)
    assert summarise([curve_of("full", "??")])[0].success is None


def test_several_conditions_are_held_to_a_stricter_standard_together() -> None:
    names = ("full", "greedy", "episodes")
    found = compare([curve_of("none", "-" * 8), *(curve_of(name, "+++++++-") for name in names)])

    assert [each.p_adjusted for each in found] == pytest.approx([3 * 2 / 2**7] * 3)


BETTER = [
    (name, condition, judged) for name in ("a", "b") for condition, judged in (("none", "-" * 20), ("full", "+" * 15 + "-" * 5))
]


@pytest.mark.parametrize(
    ("control", "learned"),
    [(("+-" * 10, "+-" * 10), True), (("+" * 15 + "-" * 5, "-" * 20), False), (None, None), (("+-", "+-"), None)],
    ids=["unharmed", "harmed", "no control", "a control of two tasks"],
)
def test_the_claim_needs_two_worlds_won_and_no_control_lost(control: tuple[str, str] | None, learned: bool | None) -> None:
    made = [curve_of(condition, judged, world=world) for world, condition, judged in BETTER]
    if control:
        made += [curve_of(name, each, world="c", control=True) for name, each in zip(("none", "full"), control, strict=True)]

    assert learns(compare(made), "full").learns is learned
    assert learns(compare([each for each in made if each.world != "b"]), "full").learns is False


def test_few_tasks_are_never_enough_for_the_claim() -> None:
    made = [curve_of(condition, judged[:9], world=world) for world, condition, judged in BETTER]

    assert learns(compare(made), "full").gained == ()
