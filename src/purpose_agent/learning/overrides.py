"""A person's Φ as evidence about the critic that said another one.

In:  a recorded run, one of its steps, the Φ that a person gives it.
Out: a judgement, as outcomes give them; None where there is no critic to learn about.

Judgements set a critic's Φ beside what was true, and truth there is yes or no. A person's Φ is a degree: above 5 the state is nearer to
its goal than to nothing, which counts as a yes, below 5 as a no; 5 itself says neither. How far it is above is not used: two people
agree on the half sooner than on the point, and the curve that is fitted needs the order of many answers, not the size of one.

Of a run the newest judgement counts, so a second override takes the place of the first. Where checks or a world decide, their word
stands, and a person's is kept in the record alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from purpose_agent.core.score import MAX_PHI, Score
from purpose_agent.memory.judgements import Judgement
from purpose_agent.runtime.events import ModelCalled, StepScored
from purpose_agent.runtime.record import RunRow
from purpose_agent.runtime.trace import Trace, time_to_text

MIDDLE: Final = MAX_PHI / 2
NO_CRITICS: Final = ("checks", "environment")
SCORES: Final = "score"
"""The purpose of a critic's calls."""


def evidence_of(run: RunRow, trace: Trace, step: int, phi: float, *, notes: str, at: datetime) -> Judgement | None:
    """What a person's `phi` of `step` says about the critic; None if it says nothing.

    Args:
        notes: Hash of the calibration memories that the critic has.
    """
    score = score_of(trace, step)
    model = _model(trace, step)
    is_judged_otherwise = bool(run.task.checks) or run.success is not None or run.mode != "learning"
    if (
        is_judged_otherwise
        or phi == MIDDLE
        or model is None
        or score is None
        or score.after is None
        or score.critic in NO_CRITICS
    ):
        return None
    return Judgement(
        run_id=run.id,
        critic=score.critic,
        model=model,
        family=run.family,
        task_key=run.task_key,
        phi=score.after,
        confidence=score.confidence,
        low=score.low,
        high=score.high,
        success=phi > MIDDLE,
        tokens=0,
        version=f"person, step {step}, {time_to_text(at)}",
        at=at,
        notes=notes,
    )


def score_of(trace: Trace, step: int) -> Score | None:
    """The critic's last judgement of a step."""
    scores = [event.payload.score for event in trace.events if event.step == step and isinstance(event.payload, StepScored)]
    return scores[-1] if scores else None


def _model(trace: Trace, step: int) -> str | None:
    """The critic's model: as it was asked in that step, or else, since a state seen before is not asked about again, in any."""
    calls = [(event.step, event.payload) for event in trace.events if isinstance(event.payload, ModelCalled)]
    asked = [(at, call.model) for at, call in calls if call.purpose == SCORES and not call.error]
    return _last([model for at, model in asked if at == step]) or _last([model for _, model in asked])


def _last(names: Sequence[str]) -> str | None:
    return names[-1] if names else None
