"""The benchmark of agents together: each part that needs no model gives the figures it promises."""

from importlib import import_module

import pytest

from benchmarks.orchestration.__main__ import PARTS, main
from benchmarks.parts import Amount

QUICK = Amount(quick=True)


@pytest.mark.parametrize("part", ["plans", "council", "delegation"])
def test_a_part_has_the_figures_it_promises(part: str) -> None:
    module = import_module(f"benchmarks.orchestration.{part}")
    figures = module.measure(QUICK)

    assert {*PARTS[part]} <= {*figures} == {*module.WANTED}
    assert all(figures[name].value is not None for name in PARTS[part])
    if part == "delegation":
        assert figures["router_accuracy"].value > figures["router_baseline"].value
        assert (figures["team_lost"].value, figures["team_misattributed"].value) == (0, 0)


def test_a_part_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swarms"]) == 2
    assert "swarms" in capsys.readouterr().err
