"""The corpus of attacks is what it says it is."""

import sys
from collections import Counter

import pytest

from purpose_agent.core.errors import SandboxUnavailable
from purpose_agent.sandbox.levels import WALLS, Wall
from tests.attack.escapes import ATTACKS, BENIGN, FAMILIES
from tests.attack.escapes.__main__ import try_one
from tests.attack.escapes.bare import BareRunner
from tests.attack.escapes.benign import Benign, failure
from tests.attack.escapes.exactly import Exactly

pytestmark = pytest.mark.anyio
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="what is attacked is Linux")


def test_there_are_attacks_of_every_family() -> None:
    counts = Counter(attack.family for attack in ATTACKS)

    assert set(counts) == set(FAMILIES)
    assert len(FAMILIES) == 8
    assert len(ATTACKS) >= 120
    assert min(counts.values()) >= 10


def test_nearly_all_attacks_are_for_the_core() -> None:
    assert sum(attack.core for attack in ATTACKS) / len(ATTACKS) > 0.95


def test_every_attack_and_every_program_has_a_name_of_its_own() -> None:
    names = [(attack.family, attack.name) for attack in ATTACKS]

    assert len(set(names)) == len(names)
    assert len({program.name for program in BENIGN}) == len(BENIGN) >= 20


@on_linux
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("level", WALLS)
async def test_no_attack_succeeds_that_the_level_promises_to_stop(level: Wall) -> None:
    skip_unless_possible(level)
    attempts = [await try_one(attack, level) for attack in ATTACKS if attack.core or level == "strong"]

    escapes = [f"{each.attack.family}: {each.attack.name}: {each.why}" for each in attempts if each.succeeded]
    assert escapes == []


@on_linux
@pytest.mark.parametrize("level", WALLS)
@pytest.mark.parametrize("program", BENIGN, ids=[program.name for program in BENIGN])
async def test_benign_programs_run_behind_walls(program: Benign, level: Wall, request: pytest.FixtureRequest) -> None:
    skip_unless_possible(level)
    if (program.name, level) == ("pathlib and shutil", "good"):
        request.applymarker(
            pytest.mark.xfail(reason="modes can't be set at this level, not even in the own folder", strict=True)
        )
    for package in program.packages:
        pytest.importorskip(package)

    assert not await failure(program, Exactly(level, packages=program.packages))


def skip_unless_possible(level: Wall) -> None:
    try:
        Exactly(level).probe()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@on_linux
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_on_a_bare_child_the_attacks_are_real() -> None:
    attempts = [await try_one(attack, "bare") for attack in ATTACKS]

    tried = [attempt for attempt in attempts if not attempt.missing]
    failed = [f"{attempt.attack.family}: {attempt.attack.name}: {attempt.why}" for attempt in tried if not attempt.succeeded]
    assert len(failed) <= 0.1 * len(tried), "\n".join(failed)


@on_linux
@pytest.mark.slow
@pytest.mark.parametrize("program", BENIGN, ids=[program.name for program in BENIGN])
async def test_benign_programs_are_right_where_nothing_confines_them(program: Benign) -> None:
    for package in program.packages:
        pytest.importorskip(package)
    runner = BareRunner()
    try:
        assert not await failure(program, runner)
    finally:
        runner.close()
