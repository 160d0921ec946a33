"""The part about slow readers: every run is read or not, and of each that is read the end arrives."""

import pytest

from benchmarks.parts import Amount
from benchmarks.runtime import readers


def test_a_pair_gives_a_ratio_and_an_end_that_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "SECONDS", 0.0)
    monkeypatch.setattr(readers, "CALLS", 20)

    figures = readers.measure(Amount(quick=True))

    slowdown, missed = figures["slow_reader_slowdown"], figures["slow_reader_ends_missed"]
    assert set(figures) == set(readers.WANTED)
    assert slowdown.value is not None
    assert slowdown.value > 0
    assert (slowdown.n, missed.value, missed.n) == (2, 0, 2)
    assert "emits 97 events" in slowdown.about
