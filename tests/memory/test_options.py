"""An option in a situation, as features."""

from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.values import Experienced
from purpose_agent.memory.options import UNTRIED, content, features_of, moment_of

GOAL = "Put the plate in the cupboard"
ROOM = "You are in the kitchen. You see a plate and a cupboard."
OPTIONS = ("take plate", "open cupboard")
steps = st.lists(
    st.builds(Experienced, st.sampled_from([ROOM, "Elsewhere."]), st.sampled_from(OPTIONS), st.sampled_from([0.0, 1.0])),
    max_size=8,
)


def features(option: str, *past: Experienced, single: bool = False, situation: str = ROOM) -> set[str]:
    return set(features_of(option, moment_of(GOAL, situation, OPTIONS, past, single=single)))


def done(option: str, reward: float = 0.0) -> Experienced:
    return Experienced(ROOM, option, reward, OPTIONS)


@given(st.text(max_size=40), st.text(max_size=80), st.text(max_size=20), steps)
def test_any_text_has_features_the_same_each_time_and_none_twice(
    goal: str, situation: str, option: str, past: list[Experienced]
) -> None:
    first, again = (features_of(option, moment_of(goal, situation, [option], past)) for _ in range(2))

    assert first == again
    assert len(set(first)) == len(first)


def test_case_and_small_words_make_no_difference() -> None:
    assert content("Take the Plate") == ("take", "plate")
    assert features("take plate") == features("TAKE the plate")


def test_options_of_common_words_share_features() -> None:
    shared = features("take plate") & features("take cup")

    assert "verb take" in shared
    assert "all take plate" in features("take plate") - shared


def test_an_option_is_untried_until_it_is_taken_in_this_situation() -> None:
    assert UNTRIED in features("take plate")
    assert UNTRIED in features("take plate", done("open cupboard"))
    assert UNTRIED not in features("take plate", done("take plate"))


def test_what_came_of_the_last_thing_done_tells() -> None:
    assert features("take plate", done("open cupboard", 1.0)) != features("take plate", done("open cupboard", 0.0))


def test_the_words_of_a_long_situation_are_paired_with_the_option_only_where_it_is_all_there_is() -> None:
    long = ROOM + " " + " ".join(f"thing{number}" for number in range(20))

    assert "thing3 then take plate" in features("take plate", single=True, situation=long)
    assert "thing3 then take plate" not in features("take plate", situation=long)


def test_the_words_of_a_single_choice_count_where_they_are_in_its_goal_alone() -> None:
    goal = "You stand before a red door. Which way?"
    moment = moment_of(goal, goal, ("left", "right"), (), single=True)

    assert "red then left" in features_of("left", moment)
