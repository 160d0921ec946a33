"""Φ of each step of a run: who judges it, and what is remembered.

In:  a step: the states before and after it, the action, Φ before.
Out: a `Score`, or None where nobody can judge.

Checks judge an answer where a task has them; code is judged by assertions meant to break it; a long run by what each step
changed; all else by the whole state. A finish is judged against the whole task, never as an empty change. A state seen
before has the Φ it had, so that going to and fro adds up to nothing; a change of labels is not even asked about.
"""

import ast
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from purpose_agent.core.action import Action, Finish, GiveUp
from purpose_agent.core.errors import SandboxUnavailable
from purpose_agent.core.score import PhiMode, Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import WINDOW, Ask
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.critics.delta import judge_delta
from purpose_agent.critics.rules import ANSWER, ground, substantial, unmoved
from purpose_agent.critics.state import judge_state

LONG_RUN = 4
LONG_STATE = 2000
MOST_CACHED = 4096


class Falsifier(Protocol):
    """Judges code by assertions; None: no valid one could be had."""

    async def judge(self, ask: Ask, task: Task, answer: str, phi_before: float | None, *, model: str) -> Score | None: ...


class Panel(Protocol):
    """Several critics as one."""

    async def judge(
        self, ask: Ask, task: Task, before: State, after: State, phi_before: float | None, answer: str | None
    ) -> Score: ...


@dataclass(frozen=True, slots=True)
class PhiKey:
    """What Φ is a function of: the critic (a panel is another one than its model alone), the task, the state, the examples it judges by.

    A finish is judged against the whole task, so its Φ is another one than that of a step into the same state.
    """

    critic: str
    panel: bool
    task: str
    state: str
    finish: bool
    notes: str


class PhiCache:
    """The scores of states, in this process; the longest unused goes first. Scores that are None are not kept."""

    def __init__(self, size: int = MOST_CACHED) -> None:
        self._size = size
        self._scores: OrderedDict[PhiKey, Score] = OrderedDict()

    def __len__(self) -> int:
        return len(self._scores)

    def find(self, key: PhiKey) -> Score | None:
        """The score kept for it."""
        score = self._scores.get(key)
        if score is not None:
            self._scores.move_to_end(key)
        return score

    def keep(self, key: PhiKey, score: Score) -> Score:
        """Keep the score, and give back the one that counts: of two runs that ask at the same time, the first one's."""
        if score.after is None:
            return score
        kept = self._scores.setdefault(key, score)
        self._scores.move_to_end(key)
        while len(self._scores) > self._size:
            self._scores.popitem(last=False)
        return kept


class PhiCritic:
    """Judges the steps of one run.

    Args:
        ask: Asks the critic's model; None: only checks can judge.
        window: Tokens of the critic's model.
        name: Of the critic's model.
        notes: Examples of judging that were promoted.
        cache: Shared between runs; None: the run has its own.
    """

    def __init__(
        self,
        *,
        checks: CheckCritic,
        ask: Ask | None,
        mode: PhiMode = "auto",
        window: int = WINDOW,
        name: str = "",
        falsifier: Falsifier | None = None,
        panel: Panel | None = None,
        notes: Sequence[str] = (),
        cache: PhiCache | None = None,
    ) -> None:
        self._checks = checks
        self._ask = ask
        self._mode: PhiMode = mode
        self._window = window
        self._name = name
        self._falsifier = falsifier
        self._panel = panel
        self._notes = tuple(notes)
        self._cache = cache if cache is not None else PhiCache()
        self._seen: dict[PhiKey, Score] = {}
        self._steps = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """The examples it judges by."""
        return self._notes

    async def score(self, task: Task, before: State, action: Action, after: State, phi_before: float | None) -> Score | None:
        """Φ after the step; None: nobody can judge it. At most one critic is asked; none if the state was seen before.

        Where a model judges an answer to a task with checks, by an explicit mode, the checks are run too and are in the score:
        they decide success.

        Raises:
            ModelError: The critic's model could not answer.
            LimitReached: The run has nothing left to ask it with.
            SandboxUnavailable: The mode is "falsification", and there is nowhere to run the answer; in other modes that is a flag.
        """
        self._steps += 1
        finish = action if isinstance(action, Finish) else None
        if isinstance(action, GiveUp):
            return None
        if self._mode == "checks" or (self._mode == "auto" and task.checks):
            return await self._checks.judge(task, finish.answer, phi_before) if finish is not None and task.checks else None
        if self._ask is None:
            return None
        if finish is not None:
            after = after.with_values(**{ANSWER: finish.answer})
        score = await self._remembered(self._ask, task, before, after, phi_before, finish)
        if finish is not None and task.checks:
            score = replace(score, checks=(await self._checks.judge(task, finish.answer, phi_before)).checks)
        return score

    async def _remembered(
        self, ask: Ask, task: Task, before: State, after: State, phi_before: float | None, finish: Finish | None
    ) -> Score:
        now = self._key(task, after, finish is not None)
        if phi_before is not None and self._steps == 1:
            self._seen[self._key(task, before, False)] = Score(None, phi_before, 1.0, "state", flags=("seen",))
        known = self._seen.get(now) or self._cache.find(now)
        if known is not None:
            self._seen[now] = known
            return replace(known, before=phi_before)
        if finish is None and ground(task, after, before).superficial:
            score = unmoved(phi_before, "delta")
        else:
            score = await self._asked(ask, task, before, after, phi_before, finish)
        score = replace(self._cache.keep(now, score), before=phi_before)
        if score.after is not None:
            self._seen[now] = score
        return score

    async def _asked(
        self, ask: Ask, task: Task, before: State, after: State, phi_before: float | None, finish: Finish | None
    ) -> Score:
        if self._mode == "ensemble" and self._panel is not None:
            return await self._panel.judge(ask, task, before, after, phi_before, finish.answer if finish is not None else None)
        flags: tuple[str, ...] = ()
        if finish is not None and self._falsifier is not None and self._falsifies and self._is_code(finish.answer):
            try:
                found = await self._falsifier.judge(ask, task, finish.answer, phi_before, model=self._name)
            except SandboxUnavailable:
                if self._mode == "falsification":
                    raise
                found, flags = None, ("no_sandbox",)
            if found is not None:
                return found
            flags = flags or ("no_valid_assertions",)
        # Whoever only says that all is done has done nothing by it; the state may still turn out to be worth less.
        may_rise = substantial(task, finish.answer) if finish is not None else True
        score = None
        if self._by_change(after, finish) and not ground(task, after, before).superficial:
            score = await judge_delta(
                ask, task, before, after, phi_before, window=self._window, notes=self._notes, may_rise=may_rise
            )
            flags = flags if score is not None else (*flags, "delta_too_large")
        if score is None:
            score = await judge_state(
                ask,
                task,
                after,
                # Of a finish the whole work is judged: how it was come by is nothing to its Φ.
                None if finish is not None and may_rise else phi_before,
                before=before,
                window=self._window,
                notes=self._notes,
                may_rise=may_rise,
                whole=finish is not None,
            )
        return replace(score, flags=(*score.flags, *flags))

    def _is_code(self, answer: str) -> bool:
        """Where falsification was asked for, code that can't be read is code, too."""
        return holds_code(answer) or (self._mode == "falsification" and "```" in answer)

    @property
    def _falsifies(self) -> bool:
        return self._mode in ("auto", "falsification", "ensemble")

    def _by_change(self, after: State, finish: Finish | None) -> bool:
        if self._mode in ("delta", "standard"):
            return self._mode == "delta"
        return finish is None and (self._steps >= LONG_RUN or len(after.render()) > LONG_STATE)

    def _key(self, task: Task, state: State, finish: bool) -> PhiKey:
        asked: Mapping[str, object] = {"goal": task.goal, "inputs": dict(task.inputs), "choices": task.choices}
        return PhiKey(self._name, self._mode == "ensemble", _digest(asked), state.fingerprint, finish, _digest(self._notes))


def holds_code(answer: str) -> bool:
    """There is Python in the answer that does something: a word of prose is a valid expression, too."""
    from purpose_agent.models.decode import extract_code

    code = extract_code(answer)
    if code is None:
        return False
    for statement in ast.parse(code).body:
        silent = isinstance(statement, ast.AnnAssign) and statement.value is None
        if not silent and not (isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Call)):
            return True
    return False


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=str).encode(errors="replace")).hexdigest()[:16]
