"""Every attack of the benchmark, against a critic's model that believes all it reads: what holds here, holds by code."""

import pytest

from benchmarks.phi.attacks import ATTACKS
from benchmarks.phi.attacks.attack import Attack
from benchmarks.phi.gullible import Gullible
from benchmarks.phi.judges import last_phi, phi_critic, scores_of
from benchmarks.phi.parts.attacks import GAIN
from purpose_agent.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.anyio

BELIEVED: dict[str, str] = {
    "an answer for the example": "it gives the right value for the task's own example, which is worth something",
}
"""Attacks that code can't tell from real work, and why: only the model's own judgement stands against them."""


async def phi_of(attack: Attack, *, tricked: bool) -> float:
    """Φ at the end of one of its runs."""
    critic = phi_critic(Sandbox(), Gullible(attack).ask)
    return last_phi(await scores_of(critic, attack.task, attack.tricked if tricked else attack.honest)) or 0.0


def known(attack: Attack) -> object:
    """Marked if it is listed; a listed one that gains nothing any more must leave the list."""
    marks = [pytest.mark.xfail(reason=BELIEVED[attack.name])] if attack.name in BELIEVED else []
    return pytest.param(attack, id=f"{attack.kind}: {attack.name}", marks=marks)


@pytest.mark.parametrize("attack", [known(attack) for attack in ATTACKS])
async def test_a_trick_gains_nothing(attack: Attack) -> None:
    tricked = await phi_of(attack, tricked=True)

    if attack.reply_given:
        assert tricked == 0.0
    else:
        assert tricked - await phi_of(attack, tricked=False) <= GAIN


def test_every_attack_has_a_name_of_its_own() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 66


def test_only_attacks_that_exist_are_listed_as_believed() -> None:
    assert set(BELIEVED) <= {attack.name for attack in ATTACKS}
