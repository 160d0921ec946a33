"""Workflow (Flow): nodes, edges and conditions, worked off in supersteps; it goes on where it was after its process died.

In:  agents, functions and flows as nodes; a first state.
Out: a `WorkflowResult`. Each run is recorded as a run; so is each run of an agent or a flow in it, as a part of this one.

Not here: how it is drawn (`drawn.py`), which node comes next (`graph.py`), what a state may hold (`state.py`), the
supersteps (`run.py`).
"""

from collections.abc import Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from purpose_agent.agents.arguments import check_engine, check_run_id
from purpose_agent.agents.callbacks import quietly
from purpose_agent.agents.flows.drawn import Drawn
from purpose_agent.agents.flows.result import WorkflowResult
from purpose_agent.agents.flows.runs import InDoubt, begun, failed_in_doubt, gone_on_with
from purpose_agent.agents.flows.state import Reducer
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.errors import CantResume, NotFound, UsageError, WorkspaceError
from purpose_agent.core.messages import Json
from purpose_agent.core.task import Limits, Task, task_to_json
from purpose_agent.runtime.checkpoint import Checkpointer, check_checkpointer
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.forking import check_free, check_not_ended
from purpose_agent.runtime.jobs import Engine, Job
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace

MAX_STEPS = 100
T = TypeVar("T")


class Workflow(Drawn):
    """A graph of agents, functions and other flows that work on one state.

    Nodes that are active at the same time see the same state and work side by side; what they hand back is merged when all of
    them are done, in the order in which they were added. So a run does the same however long each of them takes.

    A flow of functions alone, without a workspace or a checkpointer, is recorded in this process only. Any other is saved as it
    goes, and goes on with `resume(run_id)` after its process died: what a node handed back is not done again.

    Args:
        name: For the record; the workers of an engine find it by that name.
        state: The types of its state: a TypedDict, a dataclass or a pydantic model, which its functions are then given. None: a dict.
        merge: How two values become one, by name: `{"notes": operator.add}`. Without it, two nodes that write one value in one
            superstep are an error.
        workspace: Where it is recorded; None: where its agents are.
        max_steps: Supersteps of one run, cycles included; then it ends as "exhausted".
        limits: What all agents of a run may spend together, in tokens, dollars and seconds; held before each of their model calls. Then it
            ends as "exhausted", keeps what is done, and goes on where it was if it is resumed with more.
        checkpointer: Keeps its runs, instead of the workspace.
        engine: Who does the work: "local", "dbos:postgresql://…" or an engine; None: as its workspace has it.

    Raises:
        UsageError: `state` is no such class, `merge` names what it lacks, `limits` count steps or retries, or there can be no such
            checkpointer or engine.
    """

    def __init__(
        self,
        name: str = "flow",
        *,
        state: type | None = None,
        merge: Mapping[str, Reducer] | None = None,
        workspace: Workspace | str | Path | None = None,
        max_steps: int = MAX_STEPS,
        limits: Limits | None = None,
        checkpointer: Checkpointer | None = None,
        engine: Engine | str | None = None,
    ) -> None:
        super().__init__(name, state, {} if merge is None else merge, max_steps, limits)
        check_checkpointer(f"Flow(checkpointer={checkpointer!r:.80})", checkpointer)
        check_engine("Flow", engine)
        self._checkpointer = checkpointer
        self._engine = engine
        if workspace is not None:
            self._is_at(open_workspace(workspace))

    def run(self, state: object = None, *, watch: Listener | None = None) -> WorkflowResult:
        """Blocking form of `run_async`. A line of plain functions is worked off in this thread."""
        return self._blocking(self._run(state, watch, here=self._is_here), here=self._is_here and not _is_judged(state))

    async def run_async(self, state: object = None, *, watch: Listener | None = None) -> WorkflowResult:
        """Run it to its end, which may be that a node failed: the result says which one, and `resume` tries it again.

        Args:
            state: The first state: a dict, an instance of the declared class, or a text, which is the "task" of a dict. Or a
                `Task`: its goal is the "task", its inputs are other values, its labels and limits hold for each of the agents, and
                its checks judge the flow's answer.
            watch: Called with every event as it happens, its agents' too. Not where an engine does the work.

        Raises:
            UsageError: The flow can't run as it is drawn, or its program is wrong: an unknown name or label, two nodes that write one
                value. A run that had begun is recorded as failed.
            NoModelFound: An agent has no model, and there is none.
            ExceptionGroup: `watch` raised; the run went on without it, and is over and saved.
        """
        return await self._run(state, watch, here=False)

    def resume(
        self,
        run_id: str,
        *,
        again: Collection[str] = (),
        done: Mapping[str, object] | None = None,
        watch: Listener | None = None,
    ) -> WorkflowResult:
        """Blocking form of `resume_async`."""
        return run_sync(self._resume(run_id, again, done, watch))

    async def resume_async(
        self,
        run_id: str,
        *,
        again: Collection[str] = (),
        done: Mapping[str, object] | None = None,
        watch: Listener | None = None,
    ) -> WorkflowResult:
        """Go on with a run that failed, waits, was interrupted, has spent its supersteps, or whose process died.

        Nodes that were done are not done again. Agents and flows that were under way go on where they were. A run that is finished
        gives its result again. One whose supersteps are spent needs a flow with more of them: the same one with a larger `max_steps`.

        Args:
            again: Functions in doubt that shall be called again; see `add_node(in_doubt=...)`.
            done: By function in doubt: what it came to, as you found out.

        Raises:
            CantResume: It is under way in another process, is another flow's, a function is in doubt, or a person ended it.
            RunTaken: Another process went on with it at the same moment.
            NotFound: There is no such run.
        """
        return await self._resume(run_id, again, done, watch)

    async def perform(
        self,
        run_id: str,
        state: object,
        keeps: Checkpointer,
        *,
        parent: str | None = None,
        shares: bool = False,
        task: Task | None = None,
    ) -> WorkflowResult:
        """The run of that id, begun or gone on with: for workers, which have it from a queue.

        Args:
            state: The first one; not looked at if the run has begun.
            shares: Its agents' runs are kept there too.
            task: What the flow was given, if that was a task.
        """
        self.check()
        trace = keeps.load(run_id)
        if trace is None:
            first = self._plan.shape.first(state)
            run = begun(self._plan, first, run_id=run_id, parent=parent, keeps=keeps, shares=shares, task=task)
        elif trace.finished is not None and trace.finished.status == "finished":
            self._plan.belongs(trace)
            return WorkflowResult(trace)
        else:
            try:
                run = gone_on_with(self._plan, trace, keeps=keeps, shares=shares)
            except InDoubt as doubt:
                return failed_in_doubt(self._plan, trace, str(doubt), keeps)
            run.save()
        return await run.to_the_end()

    async def _run(self, state: object, watch: Listener | None, *, here: bool) -> WorkflowResult:
        self.check()
        first = self._plan.shape.first(state)
        engine = self._engine_of()
        if engine is not None:
            return await self._elsewhere(engine, self._job(self._plan.ids("run"), first, state))
        with quietly() as callbacks:
            task = state if isinstance(state, Task) else None
            here = here and not _is_judged(state)
            listeners = callbacks.listeners(watch)
            run = begun(self._plan, first, listeners=listeners, keeps=self._keeps(), here=here, task=task)
            return await run.to_the_end()

    async def _resume(
        self,
        run_id: str,
        again: Collection[str],
        done: Mapping[str, object] | None,
        watch: Listener | None,
    ) -> WorkflowResult:
        self.check()
        check_run_id("resume", run_id)
        if isinstance(again, str):
            raise UsageError(f"resume({run_id!r}, again={again!r}): give a list of nodes: again=[{again!r}].")
        engine = self._engine_of()
        keeps = engine.checkpointer if engine is not None and engine.checkpointer is not None else self._keeps()
        if keeps is None:
            raise CantResume(
                f"resume({run_id!r}): this flow has no workspace and no checkpointer, or an agent that only measures (mode"
                " 'evaluation'), so its runs were kept by nobody. Give it one: Flow(workspace='./ws')."
            )
        place = self._plan.place
        if self._checkpointer is None and place is not None and engine is None and place.run(run_id).status == "running":
            place.resumable(run_id)  # says in which process it is under way
        trace = keeps.load(run_id)
        if trace is None:
            raise NotFound(f"resume({run_id!r}): there is no such run.")
        self._plan.belongs(trace)
        if trace.finished is not None and trace.finished.status == "finished":
            if again or done:
                raise UsageError(f"resume({run_id!r}, again=..., done=...): it is finished, and nothing in it is in doubt.")
            return WorkflowResult(trace)
        check_not_ended(trace)
        if engine is not None:
            if again or done:
                self._put_on_record(trace, again, done, keeps)
            return await self._elsewhere(engine, self._job(run_id, None))
        check_free(trace)
        with quietly() as callbacks:
            listeners = callbacks.listeners(watch)
            run = gone_on_with(self._plan, trace, again=again, done=done, listeners=listeners, keeps=keeps)
            run.save()  # whoever saves this first has the run
            return await run.to_the_end()

    def _put_on_record(
        self, trace: Trace, again: Collection[str], done: Mapping[str, object] | None, keeps: Checkpointer
    ) -> None:
        """What somebody found out of functions in doubt, for the worker that goes on."""
        if trace.end is None:
            raise CantResume(
                f"{trace.run_id} is not over: a worker may be at it, and what you say would end its work. First have it gone on with:"
                f" resume({trace.run_id!r}); if it fails, its reason says what to tell."
            )
        gone_on_with(self._plan, trace, again=again, done=done, keeps=keeps).save()

    def _job(self, run_id: str, first: dict[str, Json] | None, given: object = None) -> Job:
        if isinstance(given, Task) and any(check.kind == "callable" for check in given.checks):
            raise UsageError("Checks that are functions can't be sent to an engine's workers. Give checks that are data.")
        task = task_to_json(given) if isinstance(given, Task) else None
        return Job(run_id, "flow", self.name, first, drawing=self.drawing, task=task)

    async def _elsewhere(self, engine: Engine, job: Job) -> WorkflowResult:
        (result,) = await engine.perform([job])
        keeps = engine.checkpointer or self._keeps()
        trace = keeps.load(job.id) if keeps is not None else None
        if trace is None or trace.end is None:
            raise WorkspaceError(f"The engine could not run {self.name!r} as {job.id}: {result.error or result.status}.")
        return WorkflowResult(trace)

    @property
    def _is_here(self) -> bool:
        return self._plan.waits_for_nothing and self._engine_of() is None

    def _engine_of(self) -> Engine | None:
        if self._plan.place is not None:
            return self._plan.place.engine(self._engine)
        from purpose_agent.durable.resolve import engine_of

        return engine_of(self._engine)

    def _blocking(self, work: Coroutine[Any, Any, T], *, here: bool) -> T:
        if not here:
            return run_sync(work)
        try:
            work.send(None)
        except StopIteration as done:
            result: T = done.value
            return result
        raise AssertionError("a line of plain functions waits for nothing")

    def _keeps(self) -> Checkpointer | None:
        if self._plan.mode == "evaluation":
            return None
        if self._checkpointer is not None or self._plan.place is None:
            return self._checkpointer
        return self._plan.place.checkpointer


def _is_judged(state: object) -> bool:
    """Checks wait, be it for the code that they run."""
    return isinstance(state, Task) and bool(state.checks)
