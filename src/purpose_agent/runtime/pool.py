"""What several runs may spend together: the parts of a flow or of a swarm, held before each of their model calls.

In:  limits in tokens, dollars and seconds; what parts that are over have cost.
Out: a refusal when it is spent; how long the next answer may be at most.

A run finds the pool by its context: whatever runs within a part spends from it, a run of a run and one begun in a thread too. A pool
within a part of another one spends from both.

Calls that are made at the same time hold what they may cost at most, so all of them together go over by no more than the errors of
their estimates (`limits.py`). Each gets a fair part of what is free, or room for an answer of a thousand tokens if that is more. Where
less is free, it waits until others have their answers; once none is under way, it gets what is left, or is refused.
"""

import asyncio
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final

from purpose_agent.core.errors import LimitReached, PoolSpent, UsageError
from purpose_agent.core.model import Usage
from purpose_agent.core.ports import Clock
from purpose_agent.core.task import Limits
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.events import AgentFinished, AgentStarted
from purpose_agent.runtime.limits import Meter, Priced
from purpose_agent.runtime.trace import Trace

ANSWER_TOKENS: Final = 1000
"""An answer is rarely longer: so much room it gets where its fair part would be less."""
_ANY_STEPS: Final = 2**62


def check_shared(limits: Limits | None, what: str) -> None:
    """Pass silently if several runs can be held to them together.

    Raises:
        UsageError: They count steps or retries, which each run has for itself.
    """
    if limits is not None and limits != replace(limits, steps=Limits().steps, retries=0):
        raise UsageError(
            f"{what}(limits={limits}): tokens, usd and seconds can be shared by its parts. Give steps and retries to its agents or their"
            " tasks, as limits of their own."
        )


class Pool:
    """What the parts of one run share.

    Args:
        whose: The run, as the reason of a refusal names it: "The flow 'letters'".
        spent: By part: what those have cost that are over, or were before this process.
        seconds: Of work before.
    """

    def __init__(
        self, whose: str, limits: Limits, clock: Clock, *, spent: Mapping[str, Usage] | None = None, seconds: float = 0.0
    ) -> None:
        self._whose = whose
        self._limits = replace(limits, steps=_ANY_STEPS)
        self._clock = clock
        self._began = clock.monotonic() - seconds
        self._settled = dict(spent or {})
        self._open: set[Share] = set()
        self._total = sum(self._settled.values(), Usage())
        self._held: dict[int, Usage] = {}
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._lock = threading.RLock()
        self._above = current_share()
        self._refused = ""

    @property
    def refused(self) -> str:
        """Why a part could not go on, as the first one was told; "" if none was refused anything."""
        return self._refused

    @property
    def usage(self) -> Usage:
        """What all parts have cost so far."""
        return self._total

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left, 0 and above, or None for no limit."""
        above = self._above.remaining_seconds if self._above is not None else None
        own = self._meter(Usage()).remaining_seconds
        return own if above is None else above if own is None else min(own, above)

    def spent(self) -> str:
        """Why nothing more can be begun; "" if something is left."""
        try:
            self.check()
        except PoolSpent as error:
            return str(error)
        return ""

    def out_of_time(self) -> PoolSpent:
        """What to tell a part that had to stop, since the seconds are over."""
        above = self._above.remaining_seconds if self._above is not None else None
        own = self._meter(Usage()).remaining_seconds
        if self._above is not None and above is not None and (own is None or above < own):
            words = str(self._above.out_of_time())
        else:
            words = f"{self._whose} has taken {self._limits.seconds or 0:g} seconds, all it was given."
        self._refused = self._refused or words
        return PoolSpent(words, limit="seconds")

    def check(self) -> None:
        """Return if there are tokens, dollars and seconds left.

        Raises:
            PoolSpent: There are not.
        """
        with self._lock, self._told():
            if self._above is not None:
                self._above.check()
            self._meter(self.usage).check_spending()

    @contextmanager
    def part(self, key: str) -> "Generator[Share]":
        """Within it, what is spent is that of one part; `key` is the same one when the part goes on."""
        share = Share(self)
        with self._lock:
            before = self._settled.pop(key, Usage())
            self._open.add(share)
            if before.calls:  # it tells again what it had cost, and goes on from there
                self._total = sum((each.usage for each in self._open), sum(self._settled.values(), Usage()))
        token = _current.set(share)
        try:
            yield share
        finally:
            _current.reset(token)
            with self._lock:
                self._open.remove(share)
                self._settled[key] = share.usage
                if before.calls and not share.usage.calls:  # its run was over already, and told nothing
                    self._settled[key] = before
                    self._total += before
            self._wake()

    async def room(self, who: int, question: int, model: object) -> int | None:
        """See `Share.room`; `who` is held apart from others that ask at the same time."""
        with self._told():
            above = await self._above.room(who, question, model) if self._above is not None else None
        try:
            own = await self._room(who, question, model)
        except BaseException:
            self.release(who)
            raise
        return above if own is None else own if above is None else min(above, own)

    async def _room(self, who: int, question: int, model: object) -> int | None:
        while True:
            with self._lock:
                free = self._free(question, model)
                if free is None or free >= ANSWER_TOKENS or not self._held:
                    most = self._fair(free, question)
                    self._held[who] = _cost(question, most, model)
                    return most
                loop, freed = asyncio.get_running_loop(), asyncio.Event()
                self._waiting.append((loop, freed))
            try:
                await freed.wait()
            finally:
                with self._lock:
                    self._waiting = [each for each in self._waiting if each[1] is not freed]

    def release(self, who: int) -> None:
        """The call of `who` is over, and what it cost is told."""
        if self._above is not None:
            self._above.release(who)
        with self._lock:
            self._held.pop(who, None)
        self._wake()

    def charge(self, share: "Share", usage: Usage) -> None:
        """A part has spent that."""
        if self._above is not None:
            self._above.charge(usage)
        with self._lock:
            share.usage += usage
            self._total += usage

    def _free(self, question: int, model: object) -> int | None:
        """The longest answer that is free, 0 if there is none as long as others hold what they do; None for no bound."""
        with self._told():
            self._meter(self.usage).check_spending()
        held = sum(self._held.values(), Usage())
        try:
            most = self._meter(self.usage + held).longest_answer(question, model)
        except LimitReached:
            if self._held:
                return 0
            with self._told():
                raise
        return most

    def _fair(self, free: int | None, question: int) -> int | None:
        if free is None:
            return None
        others = max(0, len(self._open) - len(self._held) - 1)
        each = (free - others * question) // (others + 1)
        return max(1, each, min(free, ANSWER_TOKENS))

    def _meter(self, usage: Usage) -> Meter:
        seconds = self._clock.monotonic() - self._began
        return Meter(self._limits, self._clock, usage=usage, seconds=seconds, whose=self._whose)

    @contextmanager
    def _told(self) -> Generator[None]:
        """A refusal in it is one to a part, whatever that may spend by itself."""
        try:
            yield
        except LimitReached as error:
            self._refused = self._refused or str(error)
            raise PoolSpent(str(error), limit=error.limit) from error

    def _wake(self) -> None:
        with self._lock:
            for loop, freed in self._waiting:
                loop.call_soon_threadsafe(freed.set)


@dataclass(eq=False, slots=True)
class Share:
    """One part's access to the pool, and what it has cost."""

    _pool: Pool
    usage: Usage = field(default_factory=Usage)

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left for all, 0 and above, or None for no limit."""
        return self._pool.remaining_seconds

    def check(self) -> None:
        """Return if there is something left for all.

        Raises:
            PoolSpent: There is not.
        """
        self._pool.check()

    def out_of_time(self) -> PoolSpent:
        """What to say where the seconds are over."""
        return self._pool.out_of_time()

    async def room(self, who: int, question: int, model: object) -> int | None:
        """So many tokens may the answer to the next question have; None for no bound. They are held until `release`.

        Raises:
            PoolSpent: The question alone would be more than what is left.
        """
        return await self._pool.room(who, question, model)

    def release(self, who: int) -> None:
        """The call is over."""
        self._pool.release(who)

    def charge(self, usage: Usage) -> None:
        """Add what was spent."""
        self._pool.charge(self, usage)


_current: ContextVar[Share | None] = ContextVar("share", default=None)


def current_share() -> Share | None:
    """What whatever runs here spends from, beside its own limits; None: nobody shares."""
    return _current.get()


def spent_by_part(trace: Trace | None, keeps: Checkpointer | None) -> Mapping[str, Usage]:
    """What the parts of a run that goes on have cost: as its record says, or their own if they are not over."""
    if trace is None:
        return {}
    spent = {part.run_id or f"{part.key}/{part.attempt}": part.usage for part in trace.of(AgentFinished)}
    for part in trace.of(AgentStarted):
        run = keeps.load(part.run_id) if keeps is not None and part.run_id and part.run_id not in spent else None
        if run is not None:
            spent[part.run_id] = run.suspended.usage if run.suspended is not None else run.usage
    return spent


def _cost(question: int, answer: int | None, model: object) -> Usage:
    """What a call may cost at most; what has no price beforehand can't be held."""
    if answer is None:
        return Usage()
    most = Usage(input_tokens=question, output_tokens=answer)
    usd = model.usd_of(most) if isinstance(model, Priced) else None
    return replace(most, usd=usd or 0.0)
