"""One folder on disk, and the one place where the parts are assembled.

In:  a path.
Out: a runner, a learner and a store that share one database; what was run and learned, to look at.

The folder is made when something is first written. Agents that are given the same path share one workspace in a
process; processes share it through the database.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Literal

from purpose_agent.agents.arguments import check_engine
from purpose_agent.agents.bringing import credit_brought
from purpose_agent.agents.budget import Budget, Purse
from purpose_agent.agents.calibrating import Calibrating
from purpose_agent.agents.control import RunControl
from purpose_agent.agents.due import Due, tell_of_failure
from purpose_agent.agents.known import alike, forget, know, names_at
from purpose_agent.agents.remembered import Remembered
from purpose_agent.agents.routing import Routes, by_meaning, model_of_run, routed, routes
from purpose_agent.agents.settled import Settled
from purpose_agent.agents.settling import Performer, Trials
from purpose_agent.agents.team_record import TeamRecord, outcomes_of, past_of, team_record
from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_kind, check_number
from purpose_agent.core.ids import IdSource, new_id
from purpose_agent.core.memory import CALIBRATION, POLICY, Memory, Recalled
from purpose_agent.core.model import Model
from purpose_agent.core.ports import Clock, CodeRunner, Embedder
from purpose_agent.core.task import Limits, Task
from purpose_agent.critics.assertions import Falsifier
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.critics.state import CRITIC
from purpose_agent.engine.result import TaskResult
from purpose_agent.engine.run import Route
from purpose_agent.engine.runner import Runner
from purpose_agent.engine.scoring import Scoring
from purpose_agent.learning.calibration import Calibrations, GroupReport
from purpose_agent.learning.critic_lessons import hash_of_notes, notes_for, tasks_behind
from purpose_agent.learning.homeostasis import Homeostasis
from purpose_agent.learning.learner import Learner
from purpose_agent.learning.live import LiveTrials
from purpose_agent.learning.policy import may_explore, policies_of
from purpose_agent.learning.routing import word_likeness
from purpose_agent.learning.watch import watch as look_at_promoted
from purpose_agent.memory.budget import MemoryBudget
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.index import Audience
from purpose_agent.memory.judgements import Judgements
from purpose_agent.memory.meaning import register
from purpose_agent.memory.recall import recall
from purpose_agent.memory.replay import Estimator, Replay
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.telling import telling
from purpose_agent.memory.vectors import MemoryVectors
from purpose_agent.models.routing import Router
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.checkpoints.sqlite import SqliteCheckpointer
from purpose_agent.runtime.checkpoints.twice import KeptTwice
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.costs import Cost, CostKey, costs
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.difference import RunDifference, difference
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import Event, LessonDrawn, MemoryRecalled, RunStarted
from purpose_agent.runtime.forking import fork, resumable
from purpose_agent.runtime.jobs import Engine, JobKind
from purpose_agent.runtime.lanes import timeline
from purpose_agent.runtime.record import (
    NOT_WANTED,
    PENDING,
    RunRecord,
    RunRow,
    claim_reflection,
    get_run,
    last_seq,
    list_runs,
    load_trace,
    release_reflection,
    this_process,
)
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace
from purpose_agent.sandbox.sandbox import Sandbox

HOME_VARIABLE = "PURPOSE_AGENT_HOME"
EMBEDDER_VARIABLE = "PURPOSE_AGENT_EMBEDDER"
DATABASE = "workspace.sqlite3"
HOLDOUT = 0.05
MOST_WAITING = 1_000
MOST_EMBEDDED = 1_000
"""So many memories without a vector get one when things are settled; more at the next time, and some at each recall."""
_open: "dict[Path, Workspace]" = {}
_teams: "dict[Path, dict[str, set[str]]]" = {}
"""By folder, and by agent: the teams it works in."""
_mates: "dict[Path, dict[str, set[str]]]" = {}
"""By folder, and by agent: those that share with it what they learn."""
_agents: "dict[Path, dict[str, Performer]]" = {}
"""By folder, not by object: `Workspace(path)` tries what agents learned that were made with the path alone."""


class Workspace(Remembered):
    """What agents run, remember and learn, in one folder.

    Args:
        path: The folder; None takes `PURPOSE_AGENT_HOME`, else `.purpose_agent` in the current folder.
        estimator: What is concluded from seen to unseen options: "linear", a learned weight for each of their features, or
            "nearest", the mean of the most similar ones seen.
        code_runner: Where code that we did not write runs; None: a `Sandbox` (see sandbox/README.md).
        holdout: From which share of the runs that are there to learn a promoted memory is withheld, 0 and above, below 0.5,
            so that its worth is always known; 0: from none. What people taught is never withheld.
        live_trials: Quarantined memories are shown in half of the runs that they bear on, at most three at once, and those
            runs are their trial.
        embedder: Memories are found by meaning too, and rules are learned by it: "minilm" with the extra `embed`, or one of
            your own. "none": by words alone, but for rules by meaning that are there already and whose embedder is. None: what
            `PURPOSE_AGENT_EMBEDDER` says, else "none". Vectors of one embedder are never compared with those of another; they are
            made again.
        memory_budget: How many memories there is room for; what is beyond it and worth least hibernates. None: the usual one.
        engine: Who does the work of its flows, swarms and teams: "local", "dbos:postgresql://…" or an engine; None: what
            `PURPOSE_AGENT_ENGINE` says, else this process.
        clock: For tests.
        ids: For tests.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        estimator: Estimator = "linear",
        code_runner: CodeRunner | None = None,
        holdout: float = HOLDOUT,
        live_trials: bool = False,
        memory_budget: MemoryBudget | None = None,
        embedder: Embedder | Literal["minilm", "none"] | None = None,
        engine: Engine | str | None = None,
        clock: Clock | None = None,
        ids: IdSource = new_id,
    ) -> None:
        check_number(f"Workspace(holdout={holdout!r})", holdout, least=0, below=0.5)
        check_engine("Workspace", engine)
        self.path = _folder(path)
        self._clock = clock or SystemClock()
        db = Database(self.path / DATABASE)
        store = MemoryStore(db, self._clock, ids)
        super().__init__(db, store, Gate(store, self._clock, ids), Replay(db, estimator))
        found = _embedder(embedder)
        if found is not None:
            register(found)
        self._vectors = MemoryVectors(self._db, found) if found is not None else None
        self._likeness = by_meaning(found) if found is not None else word_likeness
        self._teams = _teams.setdefault(self.path, {})
        self._mates = _mates.setdefault(self.path, {})
        self.code_runner: CodeRunner = code_runner or Sandbox()
        self.record = RunRecord(self._db)
        self._judgements = Judgements(self._db)
        self._calibrations = Calibrations(self._db, self._judgements)
        self._scoring = Scoring(
            CheckCritic(self.code_runner), falsifier=Falsifier(self.code_runner), notes=self._notes, reads=self._read
        )
        self.runner = Runner(
            scoring=self._scoring,
            clock=self._clock,
            recall=self._recall,
            record=self.record,
            ids=ids,
            values=self._replay,
            explores=self._explores,
            holdout=holdout,
            on_trial=self._on_live_trial if live_trials else None,
        )
        self._learner = Learner(
            db=self._db,
            gate=self._gate,
            replay=self._replay,
            memories=self._store,
            clock=self._clock,
            ids=ids,
            embedder=found,
        )
        self._live = LiveTrials(self._store, self._exposures, self._gate, self._learner.promote)
        self._homeostasis = Homeostasis(self._db, self._store, self._gate, self._clock, memory_budget or MemoryBudget())
        self._engine = engine
        self.ids = ids
        self.clock = self._clock
        self._agents = _agents.setdefault(self.path, {})
        self._known = names_at(self.path)

    def __repr__(self) -> str:
        return f"Workspace({str(self.path)!r})"

    def runs(self, *, limit: int = 50, top: bool = False) -> list[RunRow]:
        """The newest runs, newest first; `top` leaves out those of trials and of team members."""
        return list_runs(self._db, limit=limit, top=top)

    def run(self, run_id: str) -> RunRow:
        """One run at a glance.

        Raises:
            NotFound: There is none of that id.
        """
        return get_run(self._db, run_id)

    def trace(self, run_id: str) -> Trace:
        """Everything that happened in a run.

        Raises:
            NotFound: There is none of that id.
        """
        return load_trace(self._db, run_id)

    def costs(self, by: CostKey = "agent") -> list[Cost]:
        """What was spent here, by agent, model, family or day; each model call counts once. See `runtime/costs.py`.

        Raises:
            UsageError: There is no such way to add up.
        """
        return costs(self._db, by)

    def timeline(self, run_id: str) -> tuple[Event, ...]:
        """Everything that happened in a run and in its members' and parts' runs, in one order.

        Each of those stands where it began. What happened side by side is told lane by lane, so that the order is the same
        however the lanes took turns; see `runtime/lanes.py`.

        Raises:
            NotFound: There is none of that id.
        """
        return timeline(self._db, run_id)

    def fork(self, run_id: str, *, at: int | None = None, seed: int | None = None) -> str:
        """A new run that has the first steps of another one, as they were; `agent.resume` goes on from there.

        Args:
            at: Its last step that is taken over, from 0; None: the last complete one.
            seed: Of the steps to come; None: that of the first run.

        Returns:
            The id of the new run. It is "paused" until it is resumed.

        Raises:
            NotFound: There is no such run.
            CantResume: It has not so many complete steps.
        """
        return fork(self._db, self.record, run_id, at=at, seed=seed, ids=self.ids, clock=self._clock)

    def compare(self, first: str, second: str) -> RunDifference:
        """Where two runs part, and how they ended.

        Raises:
            NotFound: There is no such run.
        """
        return difference(self.trace(first), self.trace(second))

    def routes(self, *, limit: int = 50, user: str | None = None) -> Routes:
        """Which models routers chose in the newest runs and why, and how each model does on each family of tasks.

        Args:
            user: As that user's tasks see it: by their runs, and those of nobody in particular. None: all runs.
        """
        return routes(self._db, limit=limit, user=user)

    def waiting(self) -> list[RunRow]:
        """The runs that wait for a person, newest first."""
        return list_runs(self._db, limit=MOST_WAITING, status="waiting")

    def control(self, run_id: str) -> RunControl:
        """A run to speak to, from any process: answer what it asks, pause or end it, say what Φ is, teach it.

        Raises:
            NotFound: There is none of that id.
        """
        get_run(self._db, run_id)
        return RunControl(
            run_id,
            self._db,
            self.record,
            self._judgements,
            self._notes,
            lambda text, when: self.teach(text, when=when),
            self._clock,
            self.ids,
        )

    def resumable(self, run_id: str) -> tuple[RunRow, Trace]:
        """A run that can go on.

        Raises:
            NotFound: There is none of that id.
            CantResume: It is over, or under way.
        """
        return resumable(self._db, run_id)

    def result(self, run_id: str) -> TaskResult:
        """What an agent's or a team's run that is over came to, as the record has it; lessons and memories as they are now.

        Raises:
            NotFound: There is none of that id.
        """
        trace = self.trace(run_id)
        drawn = (self._store.find(each.memory_id) for each in trace.of(LessonDrawn))
        return TaskResult(trace, self.recalled_again(trace)[0], tuple(each for each in drawn if each is not None))

    def recalled_again(self, trace: Trace) -> tuple[tuple[Recalled, ...], Mapping[str, int]]:
        """The memories that a run had in its prompt, as they are now, and by id the version of those that a coin withheld."""
        events = trace.of(MemoryRecalled)
        if not events:
            return (), {}
        kept = [(each, self._store.find(each.memory_id)) for each in events[0].memories]
        withheld = {id: memory.version for id in events[0].withheld if (memory := self._store.find(id)) is not None}
        found = tuple(Recalled(memory, 0.0, each.score, "before") for each, memory in kept if memory is not None)
        return found, withheld

    def settle(self, *, watch: Listener | None = None, budget: Budget | None = None) -> Settled:
        """Blocking form of `settle_async`."""
        return run_sync(self.settle_async(watch=watch, budget=budget))

    def critics(self) -> tuple[GroupReport, ...]:
        """How good each critic's Φ is on runs whose outcome is known, by its model and family of tasks."""
        return self._calibrations.report()

    async def settle_async(self, *, watch: Listener | None = None, budget: Budget | None = None) -> Settled:
        """Finish what is waiting: reflection on runs, the watch over promoted memories, trials of quarantined ones.

        At the end memory is kept within its budget, in bounded time: see `learning/homeostasis.py`.

        Memories that were edited in the file, past the gate, come first: they are taken in again, as imports.

        At most one general memory is made of particular ones; that may take a model call.

        A trial runs tasks again, on the agent that the lesson came from: it must exist in this process. Costs up to
        32 runs for each memory.

        Args:
            watch: Called with every event of the trials' runs, and with what becomes of memories.
            budget: What reflection and trials may cost together; a trial that is stopped by it goes on another time.
        """
        with telling([watch] if watch is not None else []):
            return await self._settled(watch, budget)

    async def _settled(self, watch: Listener | None, budget: Budget | None) -> Settled:
        altered = self._gate.readmit()
        reflection, trials = Purse(budget or Budget()), Purse()
        due = Due(self._db, self._store, self._gate, self._learner, self._replay, self._clock, self._agents)
        reflected, waiting = await due.reflect(reflection)
        general = await due.generalise(reflection)
        critics = Purse(reflection.left)
        calibrated = await Calibrating(
            self._db,
            self._store,
            self._gate,
            self._learner,
            self._judgements,
            self._scoring,
            self._clock,
            self._agents,
            critics,
        ).of_all()
        trials.budget = critics.left
        watched = look_at_promoted(self._store, self._exposures, self._gate)
        live = self._live.decide()
        listeners = [watch] if watch is not None else []
        tried = await Trials(
            self._store,
            self._learner,
            self.runner,
            self._agents,
            trials,
            listeners,
            self._live.is_live,
            self._may_judge,
        ).of_all()
        vouched = due.vouch()
        if self._vectors is not None:
            self._vectors.make(MOST_EMBEDDED)
            self._vectors.save()
        stopped = f"the budget of {budget} is spent" if not trials.has_room(runs=2) else ""
        if tried.left:
            stopped += f"; not tried: {', '.join(memory.id for memory in tried.left)}"
        stopped = "; ".join([*([stopped] if stopped else []), *calibrated.skipped])
        return Settled(
            tuple(reflected),
            (*live, *calibrated.trialled, *tried.trialled),
            tuple(tried.skipped),
            watched.returned,
            tuple(waiting),
            watched.doubtful,
            generalised=general,
            reflection=reflection.usage,
            trials=trials.usage,
            runs=trials.runs,
            stopped=stopped,
            vouched=vouched,
            altered=altered,
            upkeep=self._homeostasis.keep(),
            judged=calibrated.judged,
            calibrations=tuple(calibrated.drawn),
            calibration=critics.usage,
        )

    def close(self) -> None:
        """Let go of the database, so that its folder can be removed. It is opened again when it is needed."""
        _agents.pop(self.path, None)
        forget(self.path)
        _teams.pop(self.path, None)
        _mates.pop(self.path, None)
        _open.pop(self.path, None)
        self._db.close()

    # For agents

    def register(self, agent: Performer) -> None:
        """Know `agent` by its name: trials of what it learned run on it. The last one of a name counts."""
        self._agents[agent.name] = agent
        know(self._known, "agent", agent.name, agent)

    def agent(self, name: str) -> Performer | None:
        """The agent of that name, if one was made in this process."""
        return self._agents.get(name)

    def know(self, kind: JobKind, name: str, who: object) -> None:
        """Know a flow or a team by its name: jobs name who does them. The last one of a name counts, unless a job says which one."""
        know(self._known, kind, name, who)

    def known(self, kind: JobKind, name: str) -> object | None:
        """Who does jobs of that kind under that name, if it was made in this process."""
        return self._known.get((kind, name))

    def all_called(self, kind: JobKind, name: str) -> tuple[object, ...]:
        """All of that kind and name that were made in this process and are still in use, the last one last."""
        return alike(self._known, kind, name)

    def all_known(self, kind: JobKind) -> tuple[object, ...]:
        """The flows or teams that were made in this process."""
        return tuple(who for (known, _), who in self._known.items() if known == kind)

    def keeping(self, checkpointer: Checkpointer) -> "Workspace":
        """This workspace, for jobs that other machines must be able to go on with: runs are kept there too, and there first."""
        other = copy(self)
        other.record = KeptTwice(self._db, checkpointer)
        other.runner = self.runner.recording(other.record)
        return other

    def bring(self, trace: Trace) -> None:
        """Record what is recorded of a run elsewhere, as far as it is not here yet; its end counts as if it had come here."""
        wanted = PENDING if trace.of(RunStarted)[0].mode == "learning" else NOT_WANTED
        here = last_seq(self._db, trace.run_id)
        kept, withheld = self.recalled_again(trace)
        with self._db.write() as cursor:
            SqliteCheckpointer(self._db, reflected=wanted).append([event for event in trace.events if event.seq > here])
            credit_brought(cursor, trace, here, {each.memory.id for each in kept}, withheld)

    def engine(self, chosen: Engine | str | None = None) -> Engine | None:
        """Who does its work; None: this process. `chosen` goes before what the workspace was given. It is noted in the folder.

        Raises:
            MissingExtra: It needs the extra `dbos`, which is not installed.
            UsageError: There is no such engine.
        """
        from purpose_agent.durable.noted import note_engine
        from purpose_agent.durable.resolve import engine_of

        engine = engine_of(chosen if chosen is not None else self._engine)
        if engine is not None:
            note_engine(self.path, engine)
        return engine

    @property
    def checkpointer(self) -> SqliteCheckpointer:
        """Keeps runs of flows and swarms among the others."""
        return SqliteCheckpointer(self._db)

    @property
    def agents(self) -> frozenset[str]:
        """The names of those that were made in this process."""
        return frozenset(self._agents)

    def routed(
        self, router: Router, task: Task, agent: str, limits: Limits, before: Trace | None = None
    ) -> tuple[Model, Route]:
        """The model of a run by the record, and which may go on after it. See `agents/routing.py`.

        Raises:
            UsageError: None of the models may run; the message says why.
        """
        return routed(self._db, router, task, agent, limits, self._likeness, before)

    def model_of_run(self, router: Router, run_id: str) -> Model:
        """The router's model that did a run; the first one if there is no such run or model."""
        return model_of_run(self._db, router, run_id)

    async def reflect(
        self, result: TaskResult, agent: Performer, *, passed: str = "", skip: str = "", listeners: Sequence[Listener] = ()
    ) -> tuple[Memory, ...]:
        """Draw lessons from a run of `agent`; `skip` says why none shall be drawn.

        () too if somebody else is at it, or if it fails, which the log tells: no work is lost for it. The run waits for reflection
        from its end on, for `settle` of any process.
        """
        run = claim_reflection(self._db, now=self._clock.now(), owner=this_process(), run_id=result.id)
        if run is None:
            return ()
        try:
            model = agent.setup(like=run.id).model
            return await self._learner.reflect(run, model, passed=passed, skip=skip, listeners=listeners)
        # A door: a bug in a model or a listener ends no team, flow or swarm whose work is done.
        except Exception as error:  # noqa: BLE001
            release_reflection(self._db, [run.id])
            tell_of_failure(run.id, error)
            return ()

    def join(self, team: str, agents: Iterable[str]) -> None:
        """Know which agents work in `team`, so that they recall what is for it."""
        for agent in agents:
            self._teams.setdefault(agent, set()).add(team)

    def share(self, agents: Collection[str]) -> None:
        """Know that `agents` share what they learn: each recalls what was learned by one of them, as if it were its own."""
        for agent in agents:
            self._mates.setdefault(agent, set()).update(set(agents) - {agent})

    def make_room(self, capacity: int, *, at_most: bool = False) -> None:
        """Keep so many learned memories in use, and so many episodes of an agent and a family; from the next upkeep and run on.

        Args:
            at_most: Where there is room for fewer, leave it at that.
        """
        before, kept = self._homeostasis.budget, self._replay.capacity
        promoted = min(before.promoted, capacity) if at_most else capacity
        budget = replace(
            before,
            promoted=promoted,
            family=min(before.family, promoted),
            quarantined=min(before.quarantined, promoted),
            values=min(before.values, promoted),
        )
        self._homeostasis = Homeostasis(self._db, self._store, self._gate, self._clock, budget)
        self._replay.capacity = min(kept, capacity) if at_most and kept is not None else capacity

    def team_record(self, agents: Collection[str], team: str = "") -> TeamRecord:
        """What agents of an `AgentTeam` did together here: see `agents/team_record.py`."""
        return team_record(self._db, agents, team)

    def outcomes_of(self, purpose: str) -> tuple[int, int, int]:
        """Of the `Team` for that purpose: its runs, those that were judged, those that succeeded."""
        return outcomes_of(self._db, purpose)

    def past_of(self, agents: Collection[str], family: str, user: str = "") -> Mapping[str, tuple[int, int]]:
        """By agent: its judged learning runs on tasks of a family and a user, and how many of them succeeded."""
        return past_of(self._db, agents, family, user)

    def _recall(
        self, task: Task, agent: str, on_trial: Memory | None, *, tools: Collection[str] = (), draws: Random | None = None
    ) -> tuple[Recalled, ...]:
        teams = sorted(self._teams.get(agent, ()))
        found = recall(
            self._store,
            task,
            agent,
            also=on_trial,
            tools=tools,
            teams=teams,
            mates=sorted(self._mates.get(agent, ())),
            vectors=self._vectors,
            draws=draws,
        )
        intact = self._store.intact([each.memory.id for each in found])
        return tuple(each for each in found if each.memory.id in intact)

    def _on_live_trial(self, task: Task, agent: str, tools: Collection[str]) -> Sequence[Recalled]:
        found = self._live.candidates(task, Audience.of(task, agent, tools, self._teams.get(agent, ())))
        intact = self._store.intact([each.memory.id for each in found])
        return [each for each in found if each.memory.id in intact]

    def _notes(self, agent: str, family: str) -> Sequence[str]:
        return notes_for(self._store.list("promoted", CALIBRATION), agent, family)

    def _read(self, critic: str, model: str, family: str, phi: float, notes: Sequence[str]) -> float | None:
        return self._calibrations.probability(
            critic, model, family, phi, notes=hash_of_notes(notes), own=self._tasks_behind(notes)
        )

    def _may_judge(self, agent: str, model: str, family: str) -> bool:
        notes = self._notes(agent, family)
        return self._calibrations.may_judge(CRITIC, model, family, notes=hash_of_notes(notes), own=self._tasks_behind(notes))

    def _tasks_behind(self, notes: Sequence[str]) -> Collection[str]:
        return tasks_behind(self._db, self._store.list(kind=CALIBRATION), notes) if notes else ()

    def _explores(self, task: Task, agent: str) -> bool:
        return may_explore(policies_of(self._store.list(kind=POLICY), agent, task.family, task.user), self._store.journal)


def open_workspace(workspace: Workspace | str | Path | None) -> Workspace:
    """The workspace at a path: one object for each folder, so that agents given one path know of each other."""
    if isinstance(workspace, Workspace):
        return workspace
    folder = _folder(workspace)
    if folder not in _open:
        _open[folder] = Workspace(folder)
    return _open[folder]


def _embedder(given: Embedder | Literal["minilm", "none"] | None) -> Embedder | None:
    said = (os.environ.get(EMBEDDER_VARIABLE) or "none") if given is None else given
    if not isinstance(said, str):
        return said
    if said == "none":
        return None
    if said != "minilm":
        wrong = f"{EMBEDDER_VARIABLE}={said!r}" if given is None else f"Workspace(embedder={said!r})"
        raise UsageError(f"{wrong}: it is 'minilm' or 'none'; Workspace takes an Embedder of your own, too.")
    from purpose_agent.retrieval.minilm import MiniLM, check_installed

    check_installed()
    return MiniLM()


def _folder(path: str | Path | None) -> Path:
    if path is not None:
        check_kind(
            f"Workspace({path!r:.80})",
            path,
            (str, os.PathLike),
            "give the path of a folder, a Workspace, or None for the usual one",
        )
    chosen = path if path is not None else os.environ.get(HOME_VARIABLE) or ".purpose_agent"
    return Path(chosen).expanduser().resolve()
