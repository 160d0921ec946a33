"""Runs with a known outcome, and a critic that is wrong about one kind of answer until a note tells it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import purpose_agent as pa
from purpose_agent.agents.workspace import DATABASE
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.score import Score
from purpose_agent.learning.critic_lessons import Judged, judged_runs
from purpose_agent.learning.judging import Judge, Opinion, Shown, judge_outcomes, runs_to_judge
from purpose_agent.memory.judgements import Judgements
from purpose_agent.runtime.database import Database
from purpose_agent.testing.models import RuleModel

CRITIC, MODEL = "state", "small"


class StandingClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def a_sum(number: int, family: str = "sums", *, checked: bool = True) -> pa.Task:
    labels = {"family": family} if family else {}
    return pa.Task(f"What is {number} + 3?", [pa.Check.equals(str(number + 3))] if checked else [], labels=labels)


def reckoner(workspace: Path) -> pa.Agent:
    """It knows the sums of even numbers; of odd ones it says "about" one more."""

    def answer(request: ModelRequest) -> str:
        if request.purpose == "reflect":
            return "nothing"
        number = int(re.findall(r"What is (\d+) \+ 3", request.text)[-1])
        return f"about {number + 4}" if number % 2 else str(number + 3)

    return pa.Agent("reckoner", model=RuleModel(answer), critic=None, workspace=pa.Workspace(workspace, holdout=0))


async def reckoned(workspace: Path, numbers: Sequence[int], family: str = "sums") -> Database:
    """The record of those sums."""
    agent = reckoner(workspace)
    for number in numbers:
        await agent.run_async(a_sum(number, family))
    return Database(workspace / DATABASE)


def rating(phi: float, critic: str = CRITIC) -> Score:
    return Score(None, phi, 0.8, critic, low=max(0.0, phi - 1), high=min(10.0, phi + 1))


class Critic:
    """Rates every answer 9; with a note about "about", answers of that kind 1. It remembers what it was shown."""

    def __init__(self, *notes: str, turned: bool = False) -> None:
        self.shown: list[Shown] = []
        self._doubts = any("about" in note for note in notes)
        self._turned = turned

    async def __call__(self, shown: Shown) -> Opinion:
        self.shown.append(shown)
        vague = "about" in str(shown.after.values.get("answer"))
        low = (vague and self._doubts) or (self._turned and not vague)
        return Opinion(rating(1.0 if low else 9.0), tokens=100, version="critic@1")


async def judged(db: Database, ask: Judge, *, limit: int = 100, notes: str = "") -> tuple[Judged, ...]:
    """All that is due is judged; what was said so far comes back."""
    judgements = Judgements(db)
    waiting = runs_to_judge(db, judgements, CRITIC, MODEL, limit=limit, notes=notes)
    await judge_outcomes(judgements, waiting, ask, critic=CRITIC, model=MODEL, clock=StandingClock(), notes=notes)
    return judged_runs(db, judgements, CRITIC, MODEL, notes=notes)
