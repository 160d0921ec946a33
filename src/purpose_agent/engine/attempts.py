"""Another attempt at the answer, within the run.

In:  a run whose answer was judged.
Out: whether it goes on; the conversation then says what failed, and nothing of what was expected.

After Reflexion (https://arxiv.org/abs/2303.11366), without the reflection: the failed checks are the feedback.
"""

from dataclasses import replace

from purpose_agent.core.errors import LimitReached
from purpose_agent.critics.checks import failures
from purpose_agent.engine.run import Run


def tries_again(run: Run, answer: str) -> bool:
    """Whether the answer failed and another attempt is allowed; then the conversation says what failed."""
    score = run.score
    if score is None or score.passed is not False or len(run.wrong) >= run.meter.limits.retries:
        return False
    try:
        run.meter.check()
    except LimitReached:
        return False
    # What was expected stays untold: an answer that is read off its check is not the agent's own.
    checks = [
        replace(check, detail=f"{answer[:80]!r} is not what was expected") if check.kind == "equals" else check
        for check in score.checks
    ]
    run.wrong.append(answer)
    run.context.add_failure(failures(replace(score, checks=tuple(checks))))
    return True
