"""The parts of the sandbox's benchmark, small."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.sandbox import attempts
from benchmarks.sandbox.__main__ import PARTS, main
from benchmarks.sandbox.attempts import Attempt
from benchmarks.sandbox.inventory import Growth, compared
from benchmarks.sandbox.parts import attacks, startup
from benchmarks.sandbox.parts.leaks import MIX, Kind, ending
from purpose_agent.core.errors import SandboxUnavailable
from purpose_agent.sandbox.sandbox import Sandbox
from tests.attack.escapes import FAMILIES

pytestmark = pytest.mark.anyio
KINDS = {kind.name: kind for kind in MIX}


def tried(runner: str, succeeded: bool, *, family: str = "network", core: bool = True, tried: bool = True) -> Attempt:
    return Attempt(os.geteuid(), runner, family, f"{family} {core}", core, tried, succeeded, "")


EVERY = [
    *(tried(runner, runner in ("bare", "process-only")) for runner in attempts.RUNNERS),
    tried("good", succeeded=True, core=False),
    tried("strong", succeeded=False, core=False),
    tried("strong", succeeded=True, tried=False),
    tried("strong", succeeded=False, family="benign"),
    tried("good", succeeded=True, family="benign"),
]


def test_every_family_is_in_the_quick_corpus() -> None:
    chosen, programs = attempts.chosen(quick=True)

    assert [attack.family for attack in chosen] == list(FAMILIES)
    assert programs


def test_attempts_are_counted_by_level_and_core() -> None:
    found = attacks.figures(EVERY, 2, 1)

    values = {name: (figure.value, figure.n) for name, figure in found.items()}
    assert values["real_on_bare"] == (1, 1)
    assert values["escapes_good_core"] == (0, 1)
    assert values["escapes_good_all"] == (1, 2)
    assert values["escapes_strong"] == (0, 2)
    assert (values["benign_failed"], values["benign_failed_good"]) == ((1, 1), (0, 1))


def test_a_level_that_is_not_here_is_null_and_not_nought() -> None:
    found = attacks.figures([each for each in EVERY if each.runner == "bare"], 2, 1)

    assert found["escapes_strong"].value is None
    assert "no such level" in found["escapes_strong"].why


def test_every_escape_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    attacks.show(0, EVERY)

    said = capsys.readouterr().out
    assert "escaped at good (not core): network: network False" in said
    assert "failed at strong: benign" in said


def test_the_picture_has_a_bar_for_each_runner() -> None:
    picture = attacks.picture(EVERY)

    ElementTree.fromstring(picture)
    assert all(runner in picture for runner in attempts.RUNNERS)


def test_the_95th_percentile_lies_in_its_interval() -> None:
    value, low, high = startup.percentile_95([float(n) for n in range(1, 501)])

    assert (value, low < value < high) == (475.0, True)


def test_memory_may_grow_a_little_and_the_rest_not_at_all() -> None:
    before = {"memory of this process, KiB": 1000.0, "mounts": 3.0, "gone": 1.0}
    after = {"memory of this process, KiB": 9000.0, "mounts": 4.0}

    assert compared(before, after) == [
        Growth("memory of this process, KiB", 1000.0, 9000.0),
        Growth("mounts", 3.0, 4.0),
    ]
    assert [growth.grew for growth in compared(before, after)] == [False, True]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
async def test_executions_of_every_kind_end_as_they_must(kind: Kind) -> None:
    try:
        Sandbox().probe()
    except SandboxUnavailable as error:
        pytest.skip(str(error))

    assert await ending(kind) == ""


def test_a_quick_run_of_startup_has_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["startup", "--quick", "--out", str(tmp_path)]) == 0

    said = capsys.readouterr().out
    assert all(figure in said for figure in PARTS["startup"])
    assert "python -I" in said


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_quick_run_of_all_parts_writes_the_figures(tmp_path: Path) -> None:
    assert main(["--quick", "--out", str(tmp_path)]) == 0

    figures = json.loads((tmp_path / "sandbox.json").read_text())["figures"]
    assert {name for names in PARTS.values() for name in names} <= set(figures)
    assert figures["leaks_10k"]["n"] == 500
    ElementTree.parse(tmp_path / "attacks.svg")
