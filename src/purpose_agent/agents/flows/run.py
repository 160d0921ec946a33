"""One run of a workflow: supersteps, until no node is active.

In:  the graph, and how far the run has come (`Past`).
Out: events; the run's end.

All active nodes of a superstep see the state as it was before it, and work side by side; at its end what they hand back becomes
one change of the state, and the conditions are asked. What a node hands back is saved at once, so that it is never done again;
what ends a superstep and what begins the next one are saved together.

A node that fails lets the others of its superstep end, since what they did is then done; the run ends after them.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from purpose_agent.agents.continuing import OVER, STANDS
from purpose_agent.agents.flows.graph import Graph
from purpose_agent.agents.flows.nodes import NOTHING, Handed, Node, PartFailed, PartStands, Then, Turn
from purpose_agent.agents.flows.past import Past
from purpose_agent.agents.flows.result import WorkflowResult, answer_of
from purpose_agent.agents.flows.state import Shape
from purpose_agent.agents.flows.task import judged
from purpose_agent.agents.hearing import Ending, Hearing
from purpose_agent.agents.side_by_side import side_by_side
from purpose_agent.core.errors import NoModelFound, RunTaken, UsageError
from purpose_agent.core.ids import IdSource
from purpose_agent.core.memory import Memory
from purpose_agent.core.model import Usage
from purpose_agent.core.ports import CodeRunner
from purpose_agent.core.task import Task
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import EventBus, Listener
from purpose_agent.runtime.events import (
    AgentFinished,
    AgentStarted,
    CheckpointSaved,
    HandedOver,
    Payload,
    RunFinished,
    RunStatus,
    RunSuspended,
    StateChanged,
)
from purpose_agent.runtime.owner import hold, let_go
from purpose_agent.runtime.pool import Pool
from purpose_agent.runtime.sync import how_stopped
from purpose_agent.runtime.trace import Trace


@dataclass(slots=True)
class WorkflowRun:
    """A run while it goes on.

    Attributes:
        name: Of the workflow; its own lane.
        keeps: Where it is saved; None: its events are in this process alone.
        here: Nothing in it waits, and it is worked off in the caller's thread.
        shares: Its agents' runs are kept there too.
        hearing: What people say to it; None: nobody can.
        pool: What all its parts may spend together; None: no more is said than they say themselves.
        task: What it was given; its checks judge the answer.
        runner: Runs checks that are code; None: a sandbox.
    """

    name: str
    graph: Graph
    nodes: Mapping[str, Node]
    shape: Shape
    bus: EventBus
    past: Past
    keeps: Checkpointer | None
    ids: IdSource
    max_steps: int
    listeners: Sequence[Listener] = ()
    here: bool = False
    shares: bool = False
    hearing: Hearing | None = None
    pool: Pool | None = None
    task: Task | None = None
    runner: CodeRunner | None = None
    stands: list[tuple[str, PartStands]] = field(default_factory=list[tuple[str, PartStands]])
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    lessons: list[Memory] = field(default_factory=list[Memory])
    began: float = field(default_factory=time.monotonic)

    async def to_the_end(self) -> WorkflowResult:
        """Work until nothing is active, something fails or waits, or the supersteps are spent."""
        hold(self.bus.run_id)
        try:
            return await self._to_the_end()
        except BaseException:
            # Also where that could not be saved: this process doesn't go on with it, and anybody may.
            let_go(self.bus.run_id)
            raise

    async def _to_the_end(self) -> WorkflowResult:
        try:
            end = await self._work()
            if end.status == "finished" and self.task is not None and self.task.checks:
                said = await judged(self.task, answer_of(self.past.state, self.past.last), self.runner)
                self.past.success, self.past.phi = said.success, said.phi
                end = Ending(end.status, said.why and f"its checks failed: {said.why}")
        except (asyncio.CancelledError, KeyboardInterrupt) as error:
            self._close(how_stopped(error), "stopped from outside")
            raise
        except RunTaken:
            raise  # what becomes of the run is another's to say
        except BaseException as error:
            self._close("failed", f"{type(error).__name__}: {error}")
            raise
        if end.status in STANDS:
            self._publish(RunSuspended(end.status, end.reason, self._usage(), self._seconds()))
            self.save()
        else:
            self._close(end.status, end.reason, ended_by=end.ended_by)
        self.bus.close()
        return WorkflowResult(Trace(tuple(self.bus.events)), tuple(self.lessons))

    def save(self) -> None:
        """Save what happened since the last time."""
        if self.keeps is not None:
            with self.bus.saving() as events, self.hearing.saving(events) if self.hearing is not None else nullcontext():
                self.keeps.append(events)

    async def _work(self) -> Ending:
        past = self.past
        while past.active:
            if past.step >= self.max_steps:
                waiting = ", ".join(map(repr, past.active))
                return Ending(
                    "exhausted",
                    f"It has taken {past.step} supersteps, all it was given (max_steps={self.max_steps}); next would be {waiting}."
                    " Resume it with the same flow and a larger max_steps, or mend the way out of its cycle.",
                )
            if self.hearing is not None and (end := self.hearing.heard()) is not None:
                self.save()  # what was done before it; the end itself is saved with the mark that it was heard
                return end
            if self.pool is not None and (spent := self._spent(self.pool)):
                return Ending("exhausted", spent)
            self._announce()
            self.save()
            await self._perform()
            if self.failed:
                why = "; ".join(f"node {name!r} in superstep {past.step + 1}: {why}" for name, why in self.failed)
                return Ending("failed", why)
            if self.stands:
                name, first = self.stands[0]
                if self.pool is not None and self.pool.refused:
                    return Ending("exhausted", f"{self.pool.refused} Not done: {', '.join(each for each, _ in self.stands)}.")
                return Ending(first.status, f"node {name!r}: {first}")
            self._end_superstep()
        for edge, come in past.arrivals.items():
            if come:
                missing = ", ".join(repr(name) for name in edge.sources if name not in come)
                return Ending("failed", f"node {edge.target!r} waited for {missing}, and nothing led there any more")
        return Ending("finished", "")

    def _spent(self, pool: Pool) -> str:
        """Why the next superstep is not begun; functions spend nothing but time."""
        spends = any(self.nodes[name].work.has_run for name in self.past.active)
        return pool.spent() if spends or pool.remaining_seconds == 0 else ""

    def _announce(self) -> None:
        """The nodes that are about to begin."""
        for name in self.past.active:
            if name not in self.past.done:
                self._begin(name)

    def _begin(self, name: str) -> None:
        """An attempt begins. Of a function that may be called again anyhow it is told, and not kept."""
        node, past = self.nodes[name], self.past
        before, ended = past.begun.get(name), past.ended.get(name)
        if not (node.is_kept or self.bus.is_heard or ended is not None):
            return
        attempt = 1 + max(before.attempt if before is not None else 0, ended.attempt if ended is not None else 0)
        run_id = ""
        if node.work.has_run:
            # One that came to its end by itself, with nothing to show for it, is not gone on with.
            is_over = ended is not None and (ended.status in OVER or ended.success is False)
            goes_on = before is not None and not is_over
            run_id = before.run_id if before is not None and goes_on else self.ids("run")
        started = AgentStarted(f"{past.step + 1}/{name}", name, run_id, attempt)
        self.bus.publish(started, lane=name, step=past.step + 1, recorded=node.is_kept)
        past.begun[name] = started

    async def _perform(self) -> None:
        pending = [name for name in self.past.active if name not in self.past.done]
        if len(pending) == 1 or self.here:
            for name in pending:
                await self._part(name, is_last=name == pending[-1])
            return
        left = len(pending)

        async def part(name: str) -> None:
            nonlocal left
            await self._part(name, is_last=lambda: left == 1)
            left -= 1

        await side_by_side(part(name) for name in pending)

    async def _part(self, name: str, *, is_last: bool | Callable[[], bool]) -> None:
        """One node, until it is done or its attempts are."""
        node = self.nodes[name]
        for left in range(node.retries, -1, -1):
            began = time.monotonic()
            try:
                handed = await self._attempt(node)
            except PartStands as stands:
                self.stands.append((name, stands))
                return
            except (asyncio.CancelledError, KeyboardInterrupt) as error:
                self._ended(name, how_stopped(error), began, error="stopped from outside")
                raise
            # A door: a node is its author's code. What it raises ends it, and the record says so.
            except Exception as error:
                failed = error if isinstance(error, PartFailed) else PartFailed(f"{type(error).__name__}: {error}")
                self._ended(name, failed.status, began, failed=failed, error=str(failed))
                if isinstance(error, UsageError | NoModelFound):
                    raise  # the program is wrong, not the world
                self.save()
                await self._reflect(failed.then)
                if not left or not failed.again:
                    self.failed.append((name, str(failed)))
                    return
                self._begin(name)
                self.save()
                continue
            self._ended(name, "finished", began, handed=handed, error=handed.error)
            ends_at_once = (is_last() if callable(is_last) else is_last) and self._ends_plainly()
            if handed.then is not None or not ends_at_once:
                self.save()
            await self._reflect(handed.then)
            return

    async def _reflect(self, then: Then | None) -> None:
        result = await then() if then is not None else None
        self.lessons += result.lessons if result is not None else ()

    def _ends_plainly(self) -> bool:
        """No code of its user runs before the superstep's end is saved: its last node may be saved together with it."""
        asked = any(branch.source in self.past.active for branch in self.graph.branches)
        return not asked and not self.shape.reducers

    async def _attempt(self, node: Node) -> Handed:
        past = self.past
        started = past.begun.get(node.name)
        turn = Turn(
            node.name,
            past.state,
            self.shape,
            past.written,
            past.taint,
            started.run_id if started is not None else "",
            self.bus.run_id,
            self.listeners,
            self.keeps,
            self.here,
            self.shares,
            self.task,
        )
        key = turn.run_id or f"{past.step + 1}/{node.name}"
        with self.pool.part(key) if self.pool is not None else nullcontext():
            # Agents keep to the time that is left for all by themselves.
            left = self.pool.remaining_seconds if self.pool is not None and not node.work.has_run else None
            return await self._in_time(node, turn, left)

    async def _in_time(self, node: Node, turn: Turn, left: float | None) -> Handed:
        """Within its own seconds, and those that are left for all parts."""
        given = [each for each in (node.timeout, left) if each is not None]
        if not given:
            return await node.work.perform(turn)
        limit = asyncio.timeout(min(given))
        try:
            async with limit:
                return await node.work.perform(turn)
        except TimeoutError as error:
            if not limit.expired():
                raise
            if left is not None and left == min(given) and self.pool is not None:
                raise PartStands(str(self.pool.out_of_time()), "paused", NOTHING) from error
            given_up = "" if node.work.can_stop else "; its thread can't be stopped, and is left alone"
            raise PartFailed(f"took longer than {node.timeout:g} s{given_up}", again=node.work.can_stop) from error

    def _ended(
        self,
        name: str,
        status: RunStatus,
        began: float,
        *,
        handed: Handed | None = None,
        failed: PartFailed | None = None,
        error: str = "",
    ) -> None:
        """An attempt is over."""
        past, came = self.past, handed or failed
        started = past.begun.get(name)
        part = AgentFinished(
            f"{past.step + 1}/{name}",
            name,
            status,
            None if handed is None else dict(handed.update),
            "" if started is None else started.run_id,
            error,
            1 if started is None else started.attempt,
            _short(time.monotonic() - began),
            NOTHING if came is None else came.usage,
            None if came is None else came.origin,
            None if came is None else came.success,
            None if came is None else came.phi,
            () if came is None else came.refused,
        )
        self.bus.publish(part, lane=name, step=past.step + 1)
        past.part_finished(part)

    def _end_superstep(self) -> None:
        """What the nodes handed back becomes one change; conditions say where it goes on."""
        past, step = self.past, self.past.step + 1
        changed = self.shape.merged(past.state, [(name, past.done[name]) for name in past.active])
        state = {**past.state, **changed}
        following = self.graph.after(past.active, lambda: self.shape.view(state), arrivals=past.arrivals)
        if changed:
            self._publish(StateChanged(changed), step)
        for chosen in following.chosen:
            self._publish(HandedOver(chosen.source, chosen.target, "", chosen.label), step)
        if self.keeps is not None:
            self._publish(CheckpointSaved(step, seconds=self._seconds()), step)
        past.state = state
        past.written.update(changed)
        past.superstep_ended(step, past.active)
        past.active = following.active

    def _publish(self, payload: Payload, step: int | None = None) -> None:
        self.bus.publish(payload, lane=self.name, step=self.past.step if step is None else step)

    def _seconds(self) -> float:
        return _short(self.past.seconds + time.monotonic() - self.began)

    def _usage(self) -> Usage:
        """Of all parts, each run once; those that stand still may have earlier attempts."""
        began = self.past.begun
        return self.past.usage_with({began[name].run_id if name in began else name: each.usage for name, each in self.stands})

    def _close(self, status: RunStatus, reason: str, *, ended_by: str | None = None) -> None:
        past = self.past
        answer = answer_of(past.state, past.last) if status == "finished" else None
        taint = past.taint
        success, phi = (past.success, past.phi) if status == "finished" else (None, None)
        if status == "failed" and any(past.ended[name].success is False for name, _ in self.failed):
            success = False
        seconds = self._seconds()
        end = RunFinished(
            status, answer, success, phi, self._usage(), reason, taint.origin, taint.source, None, seconds, ended_by=ended_by
        )
        self._publish(end)
        self.save()


def _short(seconds: float) -> float:
    """To the microsecond."""
    return int(seconds * 1e6) / 1e6
