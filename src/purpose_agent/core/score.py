"""Φ before and after a step, and why."""

from dataclasses import dataclass

MAX_PHI = 10.0
"""Φ runs from 0 (no progress) to 10 (the purpose is fulfilled)."""


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
class Score:
    """A critic's judgement of one step.

    Attributes:
        before: Φ before the step, 0 to 10, or None if unknown.
        after: Φ after it, 0 to 10, or None if it could not be judged.
        confidence: 0 to 1. Checks that ran give 1.
        evidence: What the critic quoted.
        critic: "checks", "state" or "environment".
        checks: The checks that ran, if the critic ran any.
        flags: Why less was credited than the critic said, such as "no_evidence".
        reward: Of the step, in the units of the world it was made in; None outside of such worlds.
        goals: Goals, in words, that are fulfilled after it, as far as its world can tell.
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
