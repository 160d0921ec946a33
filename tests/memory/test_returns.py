"""What decisions were worth in the end. Shaping has its own file, `test_shaping.py`."""

from purpose_agent.memory.returns import returns


def test_a_return_is_the_discounted_sum_of_what_came() -> None:
    assert returns([0.0, 0.0, 1.0], [0.0] * 3, gamma=0.5) == [0.25, 0.5, 1.0]


def test_after_n_steps_what_was_believed_stands_for_the_rest() -> None:
    found = returns([1.0, 2.0, 4.0, 8.0], [100.0, 100.0, 10.0, 20.0], gamma=0.5, steps=2)

    assert found == [1 + 0.5 * 2 + 0.25 * 10, 2 + 0.5 * 4 + 0.25 * 20, 4 + 0.5 * 8, 8]


def test_no_decisions_no_returns() -> None:
    assert returns([], []) == []
