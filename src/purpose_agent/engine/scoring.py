"""Φ of each step, by whoever can judge it: the task's checks, or a critic with a model.

In:  a run, the state before the step, what was done.
Out: a `StepScored` event, and the run's Φ; nothing where nobody can judge the step.

What outcomes taught about a critic is used here twice: promoted calibrations are in its prompt, and its Φ is read as a probability of
success. A critic whose model fails leaves the step unjudged: the agent's work stands. Not here: how Φ is found (`critics/`), and what
calibration rests on (`learning/calibration.py`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from purpose_agent.core.action import Action, Finish
from purpose_agent.core.errors import LimitReached, ModelError
from purpose_agent.core.model import Model, ModelRequest, ModelResponse
from purpose_agent.core.score import PhiMode, Score
from purpose_agent.core.state import State
from purpose_agent.critics.asking import Ask
from purpose_agent.critics.assertions import Falsifier
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.critics.ensemble import Panel
from purpose_agent.critics.phi import PhiCache, PhiCritic
from purpose_agent.engine.run import Run
from purpose_agent.runtime.events import StepScored

AskModel: TypeAlias = Callable[[Run, Model, ModelRequest, str], Awaitable[ModelResponse]]
"""One model call on the run's account."""
Notes: TypeAlias = Callable[[str, str], Sequence[str]]
"""The calibrations in use for the critic of an agent, about tasks of a family, as texts."""


class Reads(Protocol):
    """What outcomes say about a critic's Φ."""

    def __call__(self, critic: str, model: str, family: str, phi: float, notes: Sequence[str]) -> float | None:
        """The probability of success, 0 to 1; None where too little is known."""
        ...


class Scoring:
    """Scores the steps of any number of runs.

    Args:
        falsifier: Judges code by assertions meant to break it; None: code is judged like anything else.
        notes: Calibrations for the critic's prompt; None: there are none.
        reads: None: Φ is no probability.
    """

    def __init__(
        self, checks: CheckCritic, *, falsifier: Falsifier | None = None, notes: Notes | None = None, reads: Reads | None = None
    ) -> None:
        self._checks = checks
        self._falsifier = falsifier
        self._notes = notes
        self._reads = reads
        self._cache = PhiCache()

    async def score(self, run: Run, before: State, action: Action, ask: AskModel) -> None:
        """Judge the step that led from `before` to the run's present state, and tell of it."""
        if run.critic is None:
            run.critic = self.critic_of(run, ask)
        try:
            score = await run.critic.score(run.task, before, action, run.state, run.phi)
        except (ModelError, LimitReached):  # the agent's work stands, and nobody judged it
            score = Score(run.phi, None, 0.0, "state", flags=("no_critic",))
        if score is None:
            return
        run.score = score = self._read(run, action, score, run.critic.notes)
        # A finish is judged as a whole: if nobody can tell, what was known of the steps before is not known of it.
        run.phi = score.after if score.after is not None or isinstance(action, Finish) else run.phi
        run.publish(StepScored(score))

    def critic_of(self, run: Run, ask: AskModel) -> PhiCritic:
        """The critic of one run."""
        model = run.setup.critic
        if model is None:
            return PhiCritic(checks=self._checks, ask=None, mode=run.setup.phi)

        async def asked(request: ModelRequest, prompt: str) -> ModelResponse:
            return await ask(run, model, request, prompt)

        notes = self._notes(run.setup.agent, run.task.family) if self._notes is not None else ()
        panel = Panel(spent=run.meter.share_spent, window=model.capabilities.context_tokens)
        return self.critic(model, asked, mode=run.setup.phi, notes=notes, panel=panel, cache=self._cache)

    def critic(
        self,
        model: Model,
        ask: Ask,
        *,
        mode: PhiMode = "auto",
        notes: Sequence[str] = (),
        panel: Panel | None = None,
        cache: PhiCache | None = None,
    ) -> PhiCritic:
        """A critic with a model, for one run or one judgement."""
        return PhiCritic(
            checks=self._checks,
            ask=ask,
            mode=mode,
            window=model.capabilities.context_tokens,
            name=model.name,
            falsifier=self._falsifier,
            panel=panel,
            notes=notes,
            cache=cache,
        )

    def _read(self, run: Run, action: Action, score: Score, notes: Sequence[str]) -> Score:
        """With the probability of success, where outcomes teach one: they are of ends that an answer was given at."""
        model = run.setup.critic
        if self._reads is None or model is None or score.after is None or score.critic == "checks":
            return score
        if not isinstance(action, Finish) or "superficial" in score.flags:
            return score
        probability = self._reads(score.critic, model.name, run.task.family, score.after, notes)
        return replace(score, probability=probability)
