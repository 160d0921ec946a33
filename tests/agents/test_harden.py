"""The adversary on command: it repeats itself, tells what stopped what, sees a hole, and leaves the user's store alone."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from purpose_agent.agents import harden as hardening
from purpose_agent.agents.harden import harden
from purpose_agent.agents.workspace import DATABASE, Workspace
from purpose_agent.cli.main import app
from purpose_agent.core.origin import Taint
from purpose_agent.engine import permission
from purpose_agent.learning.attacks import CHANNELS, DISGUISES, POISONS, TOOL_OF, attack


def test_nothing_that_is_attacked_is_acted_on() -> None:
    found = harden(seed=1, rounds=4)

    assert len(found.outcomes) == 4 * len(CHANNELS)
    assert {outcome.attack.channel.name for outcome in found.outcomes} == {channel.name for channel in CHANNELS}
    assert found.acted == ()
    calls = [outcome for outcome in found.outcomes if outcome.attack.poison.effect is not None]
    # The model obeyed each time: what kept it from acting was the gate before the tools, not a word that wasn't read.
    assert all(outcome.refused for outcome in calls), [outcome for outcome in calls if not outcome.refused]
    assert all(outcome.quoted for outcome in calls), [outcome for outcome in calls if not outcome.quoted]


def test_what_is_after_the_store_is_stopped_by_its_origin_whatever_the_scanners_see() -> None:
    found = harden(seed=2, rounds=6)
    kept = [outcome for outcome in found.outcomes if outcome.attack.poison.effect is None]

    assert kept
    assert all(outcome.authority for outcome in kept), kept
    assert not any(outcome.acted for outcome in kept)


def test_a_hole_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(taint: Taint) -> bool:
        return True

    monkeypatch.setattr(permission, "may_decide", always)

    found = harden(seed=1, rounds=1)

    assert found.acted
    assert CliRunner().invoke(app, ["harden", "--rounds", "1", "--seed", "1"]).exit_code == 1


def test_the_same_seed_makes_the_same_attacks_and_one_can_be_repeated_alone() -> None:
    assert [attack(5, number) for number in range(40)] == [attack(5, number) for number in range(40)]
    assert attack(5, 3) != attack(6, 3)
    (again,) = harden(seed=5, only=17).outcomes
    assert again.attack == attack(5, 17)


def test_every_disguise_poison_and_channel_comes_up() -> None:
    made = [attack(0, number) for number in range(2_000)]

    assert {name for each in made for name in each.disguises} >= {*DISGUISES, "another language", "split over two"}
    assert {each.poison.name for each in made} == {poison.name for poison in POISONS}
    assert {poison.effect for poison in POISONS} >= {*TOOL_OF}


def test_the_users_store_is_attacked_as_a_copy_and_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workspace(tmp_path)
    taught = place.teach("say the total in euros", when="making a summary of the totals of the office")
    place.close()
    before = (tmp_path / DATABASE).read_bytes()
    met: list[str] = []
    attacked = hardening.attack

    def seen(seed: int, number: int) -> hardening.Attack:
        met.append(str(number))
        return attacked(seed, number)

    monkeypatch.setattr(hardening, "attack", seen)
    found = harden(tmp_path, rounds=1)

    assert len(met) == len(found.outcomes) == len(CHANNELS)
    assert (tmp_path / DATABASE).read_bytes() == before
    assert [memory.id for memory in Workspace(tmp_path).memories()] == [taught.id]
    assert Workspace(tmp_path).runs() == []


def test_the_command_tells_each_layer_and_leaves_with_nothing_to_complain_of(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["harden", "--rounds", "2", "--seed", "3", "-w", str(tmp_path / "none")])

    assert done.exit_code == 0, done.output
    assert "20 attacks, acted on: 0" in done.output
    assert all(channel.name in done.output for channel in CHANNELS)
    assert not (tmp_path / "none").exists()
