"""Critics are asked about runs whose outcome is known; what they got wrong becomes notes for them, on trial like any memory.

In:  the agents of this process that have a critic, the record, a purse.
Out: judgements, from which Φ is read as a probability; notes at the gate, promoted only if the critic's error on other outcomes falls.

Calibrated is the critic of the whole state, which judges whatever nothing better can; one that answers in its place is kept beside it. Only
where Φ is needed: an agent whose runs are all judged by checks or a world gives its critic no work. Not here: the curves
(`learning/calibration.py`), and how a note is drawn and tried (`learning/critic_lessons.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from purpose_agent.agents.budget import Purse
from purpose_agent.agents.settling import Performer
from purpose_agent.core.errors import GateError, ModelError
from purpose_agent.core.memory import CALIBRATION, Memory, Pair
from purpose_agent.core.model import Model, ModelRequest, ModelResponse, Usage
from purpose_agent.core.ports import Clock
from purpose_agent.critics.state import CRITIC
from purpose_agent.engine.scoring import Scoring
from purpose_agent.learning.critic_lessons import (
    draft_calibrations,
    hash_of_notes,
    held_out_for,
    judged_runs,
    notes_for,
    tasks_behind,
    try_calibration,
)
from purpose_agent.learning.judging import Judge, Opinion, Shown, judge_outcomes, known_outcomes, runs_to_judge
from purpose_agent.learning.learner import Learner, Trialled
from purpose_agent.learning.trial import MOST_PAIRS, PAIRS, report_on
from purpose_agent.learning.trial_tasks import Memories
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.judgements import Judgements
from purpose_agent.memory.trials import last_report
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.record import list_runs

LOOKED_AT = 200
"""So many of an agent's newest runs tell whether its critic is needed."""


@dataclass(slots=True)
class Calibrated:
    """What came of it.

    Attributes:
        judged: Runs that a critic was asked about.
        drawn: Notes that were drawn from its mistakes; they are in quarantine then.
        skipped: Agents whose critic could not be asked, and why.
    """

    judged: int = 0
    drawn: list[Memory] = field(default_factory=list[Memory])
    trialled: list[Trialled] = field(default_factory=list[Trialled])
    skipped: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Calibrating:
    """Calibrates the critics of `agents`, and pays from `purse`."""

    db: Database
    memories: Memories
    gate: Gate
    learner: Learner
    judgements: Judgements
    scoring: Scoring
    clock: Clock
    agents: Mapping[str, Performer]
    purse: Purse

    async def of_all(self) -> Calibrated:
        """The critic of each agent that needs one, one family of tasks after the other, as far as the purse reaches."""
        done = Calibrated()
        for name, agent in self.agents.items():
            critic = agent.setup().critic if self._is_needed(name) else None
            if critic is None:
                continue  # nobody to ask, or no run that only a critic judged
            families = {run.family for run in known_outcomes(self.db) if run.agent == name}
            try:
                for family in sorted(families):
                    await self._calibrate(name, family, critic, done)
            except ModelError as error:
                done.skipped.append(f"the critic of {name} could not be asked: {error}")
        return done

    def _is_needed(self, agent: str) -> bool:
        runs = [run for run in list_runs(self.db, limit=LOOKED_AT, mode="learning") if run.agent == agent]
        return any(run.success is None and run.phi is not None for run in runs)

    async def _calibrate(self, agent: str, family: str, model: Model, done: Calibrated) -> None:
        in_use = notes_for(self.memories.list("promoted", CALIBRATION), agent, family)
        judge, notes = self._judge(model, in_use), hash_of_notes(in_use)
        own = tasks_behind(self.db, self.memories.list(kind=CALIBRATION), in_use)
        waiting = runs_to_judge(self.db, self.judgements, CRITIC, model.name, family=family, notes=notes, own=own)
        said = await judge_outcomes(
            self.judgements,
            waiting,
            judge,
            critic=CRITIC,
            model=model.name,
            clock=self.clock,
            notes=notes,
            may_go_on=self._has_room,
        )
        done.judged += len(said)
        judged = judged_runs(self.db, self.judgements, CRITIC, model.name, notes=notes, own=own)
        if said:
            for draft in draft_calibrations(self.db, judged):
                drawn = self.gate.admit(draft)
                done.drawn += [drawn] if drawn.status == "quarantined" and not self.memories.journal(drawn.id)[2:] else []
        for memory in self.memories.list("quarantined", CALIBRATION):
            scope = memory.lesson.scope
            is_about = memory.lesson.provenance.agent == agent and family in (scope.families or ("",))
            if is_about and not scope.users and self._has_room():
                done.trialled.append(await self._tried(memory, model, in_use, own))

    async def _tried(self, memory: Memory, model: Model, in_use: Sequence[str], own: Collection[str]) -> Trialled:
        """The critic is asked again with the note, about runs it was not drawn from, until the evidence suffices."""
        try:
            alpha = self.gate.allowance(memory)
        except GateError as error:
            return Trialled(memory, None, f"somebody else decided meanwhile: {error}")
        judged = judged_runs(self.db, self.judgements, CRITIC, model.name, notes=hash_of_notes(in_use), own=own)
        held_out = held_out_for(self.db, memory, judged)
        before = last_report(self.memories.journal(memory.id))
        done: list[Pair] = list(before.pairs) if before is not None else []
        tokens_before = before.tokens if before is not None else 0
        first, spent = len(done), self.purse.usage.tokens
        with_it = [*in_use, memory.lesson.text]
        judge, notes = self._judge(model, with_it), hash_of_notes(with_it)
        report = report_on(memory.id, done, alpha=alpha, tokens=tokens_before)
        while not (report.helps or report.harms) and len(done) < min(first + PAIRS, MOST_PAIRS) and self._has_room():
            pairs = await try_calibration(
                self.db,
                self.judgements,
                held_out,
                judge,
                critic=CRITIC,
                model=model.name,
                notes=notes,
                clock=self.clock,
                pairs=1,
                may_go_on=self._has_room,
            )
            known = {pair.run_with for pair in done}
            new = [pair for pair in pairs if pair.run_with not in known]
            if not new:
                break
            done += new[:1]
            report = report_on(memory.id, done, alpha=alpha, tokens=tokens_before + self.purse.usage.tokens - spent)
        return self.learner.decided(memory, report, nothing_new=len(done) == first)

    def _judge(self, model: Model, notes: Sequence[str]) -> Judge:
        """Asks the critic as a run would, on this purse, to which a question is as much as a run; without checks, and with `notes`."""

        async def judge(shown: Shown) -> Opinion:
            self.purse.pay(Usage(), runs=1)
            usage, version = Usage(), ""

            async def ask(request: ModelRequest, prompt: str) -> ModelResponse:
                nonlocal usage, version
                response = await model.generate(request)
                self.purse.pay(response.usage)
                usage, version = usage + response.usage, prompt
                return response

            critic = self.scoring.critic(model, ask, notes=notes)
            score = await critic.score(shown.task, shown.before, shown.action, shown.after, None)
            return Opinion(score, usage.tokens, version)

        return judge

    def _has_room(self) -> bool:
        return self.purse.has_room(runs=1)
