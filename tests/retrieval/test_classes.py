"""Which of a few answers belongs to a vector."""

import random

import pytest

from purpose_agent.retrieval.classes import Classes


def cloud(draws: random.Random, centre: int) -> list[float]:
    """A vector of length 1 near one of the axes."""
    vector = [draws.gauss(float(number == centre), 0.3) for number in range(6)]
    length = sum(number * number for number in vector) ** 0.5
    return [number / length for number in vector]


def told(count: int, seed: int = 0) -> tuple[list[list[float]], list[str]]:
    draws = random.Random(seed)
    return [cloud(draws, number % 3) for number in range(count)], ["abc"[number % 3] for number in range(count)]


def test_what_is_like_known_texts_gets_their_answer_and_the_nearest_come_first() -> None:
    vectors, answers = told(30)
    classes = Classes(vectors, answers)
    (answer, lead), nearest = classes.of(vectors[4])

    assert (answer, lead > 0.3, nearest[0]) == ("b", True, (4, pytest.approx(1.0)))
    assert sorted(number for number, _ in nearest) == list(range(30))


def test_what_each_is_told_as_unseen_is_what_all_the_others_say() -> None:
    vectors, answers = told(20, seed=1)
    unseen = Classes(vectors, answers).unseen()

    for number, (answer, lead, cosine) in enumerate(unseen):
        others = [other for other in range(20) if other != number]
        fitted = Classes([vectors[other] for other in others], [answers[other] for other in others])
        (alone, alone_lead), nearest = fitted.of(vectors[number])
        assert answer == alone
        assert lead == pytest.approx(alone_lead)
        assert cosine == pytest.approx(max(near for place, near in nearest if answers[others[place]] == answer))


def test_one_answer_leads_without_a_second() -> None:
    (answer, lead), _ = Classes([[1.0, 0.0]], ["only"]).of([0.0, 1.0])

    assert (answer, lead) == ("only", float("inf"))
