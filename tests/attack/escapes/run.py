"""One attack on one runner, from laid canaries to the verdict."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TypeVar

from purpose_agent.core.errors import SandboxUnavailable
from purpose_agent.core.ports import CodeLimits, CodeResult, CodeRunner
from purpose_agent.sandbox.assertions import run_assertions
from tests.attack.escapes.attack import Attack, Outcome
from tests.attack.escapes.bare import BareRunner
from tests.attack.escapes.ground import Ground
from tests.attack.escapes.pieces import NO_MARK
from tests.attack.escapes.probes import unmet

T = TypeVar("T")
PATIENCE = 12.0
"""Seconds beyond its limits after which a runner counts as hung."""
SECOND = CodeLimits(seconds=3.0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attack went.

    Attributes:
        why: What the host saw of its success; else how the execution ended.
        missing: What the attack would need and this machine lacks: it was not tried.
    """

    attack: Attack
    succeeded: bool
    why: str
    missing: tuple[str, ...] = ()


async def attempt(attack: Attack, runner: CodeRunner, *, uid: int | None = None, confined: bool = False) -> Attempt:
    """Try `attack` on `runner`, which has to be one that knows of `attack.packages`.

    Args:
        uid: As whom the runner runs code, if not as us.
        confined: The runner claims to hold code back. Only then are signals sent to everyone and to the parent in earnest.

    Raises:
        RuntimeError: The host could not judge: the attack could not even take its name.
        SandboxUnavailable: The runner refused to run code at all.
    """
    missing = unmet(attack.needs, uid)
    if missing:
        return Attempt(attack, succeeded=False, why=f"not tried: needs {', '.join(missing)}", missing=missing)
    with Ground(uid=uid, confined=confined, seconds=attack.limits.seconds) as ground:
        outcome = await _carry_out(attack, runner, ground)
        await asyncio.sleep(0.1)  # what is to be ended may take a moment to end
        why = attack.seen(ground, outcome)
    if outcome.first is not None and NO_MARK in outcome.first.stderr:
        raise RuntimeError(f"{attack.name}: the host could not judge, because {NO_MARK}.")
    return Attempt(attack, succeeded=bool(why), why=why or _ending(outcome))


async def _carry_out(attack: Attack, runner: CodeRunner, ground: Ground) -> Outcome:
    code = ground.fill(attack.code)
    if attack.claims:
        return await _judged(attack, runner, code)
    begun = time.monotonic()
    work = runner.run(code, limits=attack.limits, files=attack.files, results=attack.wants)
    first, trouble = await _patiently(work, attack.limits.seconds)
    outcome = Outcome(first, trouble=trouble, seconds=time.monotonic() - begun)
    if attack.then:
        second, trouble = await _patiently(
            runner.run(ground.fill(attack.then), limits=SECOND, files=attack.files or None), SECOND.seconds
        )
        outcome = replace(outcome, second=second, trouble=outcome.trouble or trouble)
    return outcome


async def _judged(attack: Attack, runner: CodeRunner, code: str) -> Outcome:
    if isinstance(runner, BareRunner):
        passed = await runner.passes(code, attack.claims, attack.limits)
        return Outcome(None, passed=passed)
    run = await run_assertions(runner, code, attack.claims, attack.limits)
    return Outcome(run.result, passed=run.passed)


async def _patiently(work: Awaitable[T], seconds: float) -> tuple[T | None, str]:
    try:
        return await asyncio.wait_for(work, seconds + PATIENCE), ""
    except SandboxUnavailable:  # the code was not run, so nothing was held off
        raise
    # BLE001: whatever the runner raises is what the attack set out for, and is told.
    except Exception as error:  # noqa: BLE001
        return None, f"{type(error).__name__}: {error}"[:200]


def _ending(outcome: Outcome) -> str:
    result: CodeResult | None = outcome.first
    if result is None:
        return outcome.trouble or "the claims did not pass"
    last = result.stderr.strip().splitlines()[-1:] or [""]
    return f"{result.status} {last[0][:160]}"
