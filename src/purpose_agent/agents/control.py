"""What a person says to one run, from any process: answers to what it asks, pause, abort, a Φ, a lesson.

In:  the id of a recorded run, a person's word.
Out: a row that the run hears before its next step, or when it is resumed; evidence about its critic; a memory.

A run that is over hears nothing; of it only Φ can still be said. Nothing is done to a run in its process from here: see
`runtime/controls.py`. The one thing written at once is the end of a run that stands still, since it may never be resumed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from purpose_agent.agents.debate_question import check_answer, question_of
from purpose_agent.core.errors import UsageError
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import Memory
from purpose_agent.core.messages import Json
from purpose_agent.core.ports import Clock
from purpose_agent.core.score import MAX_PHI
from purpose_agent.engine.permission import heard_of
from purpose_agent.learning.critic_lessons import hash_of_notes
from purpose_agent.learning.overrides import evidence_of
from purpose_agent.memory.judgements import Judgements
from purpose_agent.runtime.controls import Abort, Pause, Said, check_person, say, waiting
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import (
    CheckpointSaved,
    LessonInjected,
    MemoryRecalled,
    Payload,
    PersonAnswered,
    PersonAsked,
    RunFinished,
    ScoreOverridden,
    Verdict,
)
from purpose_agent.runtime.record import NOT_WANTED, RunRecord, RunRow, get_run, last_seq, load_trace
from purpose_agent.runtime.trace import Trace

OVER: Final = ("finished", "gave_up", "exhausted")
"""Such a run can't be resumed: nothing more is heard."""
STANDING: Final = ("waiting", "paused", "interrupted")

Teach: TypeAlias = Callable[[str, str], Memory]
"""Takes a person's word through the gate: what to do, and when."""
NotesOf: TypeAlias = Callable[[str, str], Sequence[str]]
"""The calibrations in use for the critic of an agent, about tasks of a family."""


@dataclass(frozen=True, slots=True)
class RunControl:
    """One run, to speak to. Made by `Workspace.control(run_id)`.

    In all of them `by` says who speaks, as far as that is known; nobody checks it.
    """

    run_id: str
    _db: Database
    _record: RunRecord
    _judgements: Judgements
    _notes: NotesOf
    _teach: Teach
    _clock: Clock
    _ids: IdSource

    def __repr__(self) -> str:
        return f"RunControl({self.run_id!r})"

    @property
    def row(self) -> RunRow:
        """The run at a glance, as it is now.

        Raises:
            NotFound: There is no such run.
        """
        return get_run(self._db, self.run_id)

    def questions(self) -> tuple[PersonAsked, ...]:
        """What a person has to say something about, oldest first; () if nothing is asked, or all of it was answered.

        Raises:
            NotFound: There is no such run.
        """
        if self.row.status in OVER:
            return ()
        trace = load_trace(self._db, self.run_id)
        events = trace.events
        said = {each.said.call_id for each in waiting(self._db, self.run_id) if isinstance(each.said, PersonAnswered)}
        asked = dict.fromkeys(event.payload.call_id for event in events if isinstance(event.payload, PersonAsked))
        heard = [heard_of(events, call_id) for call_id in asked if call_id not in said]
        open_ones = tuple(each.question for each in heard if each.question is not None and each.is_open)
        decision = question_of(trace)
        return open_ones if decision is None or decision.call_id in said else (*open_ones, decision)

    def approve(self, call_id: str | None = None, *, by: str = "") -> None:
        """Let a call be carried out; one that was in flight when the run was interrupted: again.

        Args:
            call_id: Of the question; None if only one is open.

        Raises:
            UsageError: Nothing is asked, or not about that call, or about several and none is named; or the run is over.
            NotFound: There is no such run.
        """
        self._answer(call_id, "approved", by=by)

    def edit(self, arguments: Mapping[str, Json], call_id: str | None = None, *, by: str = "") -> None:
        """Let a call be carried out with other arguments. The tool looks at them; if they don't fit, the agent is told.

        Raises:
            UsageError: As `approve`; or the arguments are no JSON object, or hold a secret, which would not be kept.
            NotFound: There is no such run.
        """
        try:
            json.dumps(arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"edit({arguments!r:.100}): arguments go through a file as JSON, and these can't: {error}."
            ) from error
        # Also what no type checker has seen.
        if not isinstance(arguments, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"edit({arguments!r:.100}): give all of the call's arguments by name, as a dict.")
        self._answer(call_id, "edited", arguments=dict(arguments), by=by)

    def reject(self, reason: str = "", call_id: str | None = None, *, by: str = "") -> None:
        """Keep a call from being carried out. The agent is told the reason, and goes on.

        Raises:
            UsageError: As `approve`.
            NotFound: There is no such run.
        """
        self._answer(call_id, "rejected", reason=reason, by=by)

    def done(self, result: str, call_id: str | None = None, *, by: str = "") -> None:
        """Say that a call is done already, by yourself or before the run was interrupted, and what it gave.

        To a council or a quorum that asks for a decision: the decision.

        Raises:
            UsageError: As `approve`.
            NotFound: There is no such run.
        """
        self._answer(call_id, "done", reason=result, by=by)

    def pause(self, reason: str = "", *, by: str = "") -> None:
        """Have the run stand still before its next step, until it is resumed.

        Raises:
            UsageError: It is not running.
            NotFound: There is no such run.
        """
        status = self.row.status
        if status != "running":
            raise UsageError(f"{self.run_id} is not running, but {status}: there is nothing to pause.")
        self._check_listens("pause")
        self._say(Pause(reason, by))

    def abort(self, reason: str = "", *, by: str = "") -> None:
        """End the run, as cancelled: before its next step if it is running, at once if it stands still.

        Raises:
            UsageError: It is over.
            NotFound: There is no such run.
            RunTaken: Another process resumed it at the same moment.
        """
        row = self.row
        if row.status == "running":
            self._check_listens("abort")
            self._say(Abort(reason, by))
        elif row.status in STANDING and row.finished_at is None:
            self._end(row, Abort(reason, by).words)
        else:
            raise UsageError(f"{self.run_id} is over ({row.status}): there is nothing to end.")

    def override_phi(self, step: int, phi: float, why: str = "", *, by: str = "") -> bool:
        """Say what Φ really is after a step, also of a run that is over.

        Returns:
            Whether it became evidence about the critic: see `learning/overrides.py`. It does not where checks or a world
            judge the run, where no critic scored the step, and for a Φ of exactly 5.

        Raises:
            UsageError: Φ is no number from 0 to 10, or the run has no such step; or it goes on, and is no agent's own.
            NotFound: There is no such run.
        """
        check_person("score")
        # Also what no type checker has seen.
        if isinstance(phi, bool) or not isinstance(phi, int | float) or not 0 <= phi <= MAX_PHI:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"override_phi({step}, {phi!r}): Φ is a number from 0 to {MAX_PHI:g}.")
        row, trace = self.row, load_trace(self._db, self.run_id)
        if row.finished_at is None and not self._is_an_agents():
            raise UsageError(f"override_phi: {self.run_id} is a run of several agents, which hears no Φ while it goes on.")
        known = [each.index for each in trace.steps() if each.action is not None]
        if step not in known:
            has = f"steps 1 to {known[-1]}" if known else "no steps yet"
            raise UsageError(f"override_phi({step}, {phi}): {self.run_id} has {has}.")
        said = ScoreOverridden(step, float(phi), why, by)
        at = self._clock.now()
        notes = hash_of_notes(self._notes(row.agent, row.family))
        evidence = evidence_of(row, trace, step, float(phi), notes=notes, at=at)
        with self._db.write():
            if row.finished_at is None:
                self._say(said)
            else:
                self._record.append(self._published(row, said, step).unsaved())
            return evidence is not None and self._judgements.add(evidence)

    def teach(self, text: str, *, when: str = "", by: str = "") -> Memory:
        """Teach while the run goes on: through the gate, and if it is promoted, the run sees it from its next step on.

        Args:
            text: What to do.
            when: In which kind of task; empty means always.

        Raises:
            UsageError: `text` is empty, or the run is over.
            NotFound: There is no such run.
        """
        check_person("lesson")
        self._check_hears("teach", "workspace.teach(text) is for later runs")
        if not self._is_an_agents():
            raise UsageError(
                f"teach: {self.run_id} is a run of several agents, which has no prompt. Teach the run of"
                " one of them, or all: workspace.teach(text)."
            )
        memory = self._teach(text, when)
        self._say(LessonInjected(memory.id, memory.status, memory.lesson.text, by))
        return memory

    def _answer(
        self,
        call_id: str | None,
        verdict: Verdict,
        *,
        arguments: Mapping[str, Json] | None = None,
        reason: str = "",
        by: str = "",
    ) -> None:
        self._check_hears("answer", "its questions were answered, or nobody waits for an answer any more")
        # Asked and said in one transaction: of two people who answer at the same time, one is told that he is late.
        with self._db.write():
            open_ones = self.questions()
            ids = [question.call_id for question in open_ones]
            listed = "; ".join(f"{question.call_id} ({question.tool})" for question in open_ones)
            if not open_ones:
                raise UsageError(f"{self.run_id} asks nothing ({self.row.status}), or was answered already.")
            if call_id is None and len(ids) > 1:
                raise UsageError(f"{self.run_id} asks about {len(ids)} calls: {listed}. Say which one is meant, by its id.")
            if call_id is not None and call_id not in ids:
                raise UsageError(f"{self.run_id} doesn't ask about a call {call_id!r}. It asks about: {listed}.")
            asked = next(question for question in open_ones if call_id in (None, question.call_id))
            check_answer(self.run_id, asked, verdict, reason)
            self._say(PersonAnswered(asked.call_id, verdict, arguments, reason, by))

    def _check_hears(self, what: str, instead: str) -> None:
        status = self.row.status
        if status in OVER:
            raise UsageError(f"{what}: {self.run_id} is over ({status}) and hears nothing; {instead}.")

    def _check_listens(self, what: str) -> None:
        """A team listens to nobody: its members do."""
        if self.row.agent == "team" and not self._is_an_agents():
            raise UsageError(
                f"{what}: {self.run_id} is a run of a team; speak to the run of the member that is at work (runs list --all)."
            )

    def _is_an_agents(self) -> bool:
        """Of one agent, not of a team, a flow or a swarm: those recall nothing themselves."""
        return bool(load_trace(self._db, self.run_id).of(MemoryRecalled))

    def _say(self, said: Said) -> None:
        say(self._db, self.run_id, said, at=self._clock.now())

    def _end(self, row: RunRow, reason: str) -> None:
        trace = load_trace(self._db, self.run_id)
        bus = self._published(row, RunFinished("cancelled", None, None, None, trace.usage, reason), row.steps)
        self._record.finish(bus.unsaved(), steps=row.steps, seconds=_seconds(trace), reflected=NOT_WANTED)

    def _published(self, row: RunRow, payload: Payload, step: int) -> EventBus:
        bus = EventBus(self.run_id, self._clock, self._ids, after=last_seq(self._db, self.run_id))
        bus.publish(payload, lane=row.agent, step=step)
        return bus


def _seconds(trace: Trace) -> float:
    """Of work, as far as it was saved."""
    still = trace.suspended
    return still.seconds if still is not None else max((each.seconds for each in trace.of(CheckpointSaved)), default=0.0)
