"""Φ before and after a step, and why."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

MAX_PHI = 10.0
"""Φ runs from 0 (no progress) to 10 (the purpose is fulfilled)."""
PhiMode: TypeAlias = Literal["auto", "checks", "falsification", "delta", "standard", "ensemble"]
"""How Φ is found. "auto" chooses by the task: its checks; for code, assertions meant to break it; for long runs what changed;
else the whole state. "ensemble" asks several critics, each about one thing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words quoted from the state, and whether they really occur there."""

    quote: str
    verified: bool


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of one check.

    Attributes:
        passed: None if the check could not be run (for example no sandbox); that is no failure of the answer.
        detail: The assertion that failed, the expected value, or why it could not be run.
    """

    kind: str
    spec: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What one critic of several said.

    Attributes:
        aspect: What it looked at: "correctness", "safety", "cost" or "alignment"; "moderator" decided where they disagreed.
        phi: 0 to 10, or None if it could not be read, or was not known.
        confidence: 0 to 1.
        quote: Its evidence, or "".
    """

    aspect: str
    phi: float | None
    confidence: float
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """A critic's judgement of one step.

    Attributes:
        before: Φ before the step, 0 to 10, or None if unknown.
        after: Φ after it, 0 to 10, or None if it could not be judged.
        confidence: 0 to 1. Checks that ran give 1.
        evidence: What the critic quoted.
        critic: "checks", "falsification", "delta", "state" (the whole of it), "ensemble" or "environment".
        checks: The checks that ran, if the critic ran any.
        flags: Why less was credited than the critic said, such as "no_evidence".
        reward: Of the step, in the units of the world it was made in; None outside of such worlds.
        goals: Goals, in words, that are fulfilled after it, as far as its world can tell.
        low: Lower end of the 90 % range of `after`, 0 to 10; None where the critic has none.
        high: Its upper end.
        probability: That the task succeeds, 0 to 1, as outcomes taught to read this critic's Φ; None where they have not yet.
        views: Of an ensemble: what each of its critics said.
    """

    before: float | None
    after: float | None
    confidence: float
    critic: str
    evidence: tuple[Evidence, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    flags: tuple[str, ...] = ()
    reward: float | None = None
    goals: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    views: tuple[View, ...] = ()

    @property
    def delta(self) -> float | None:
        """Φ gained by the step, or None if either side is unknown."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def passed(self) -> bool | None:
        """All checks passed; None if there were none, or one could not be run and none failed."""
        if not self.checks:
            return None
        if any(check.passed is False for check in self.checks):
            return False
        return True if all(check.passed for check in self.checks) else None
