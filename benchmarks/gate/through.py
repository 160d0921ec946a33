"""Simulated memories through the real gate: learner, accounts, journal and file; only the runs are drawn.

In:  memories as success rates.
Out: which of them the gate promotes when all wait at once.
"""

import random
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.gate.simulated import Hypothesis
from purpose_agent.core.ids import new_id
from purpose_agent.core.memory import Lesson, Memory, Provenance
from purpose_agent.core.task import Task
from purpose_agent.learning.learner import Learner
from purpose_agent.learning.trial import MOST_PAIRS, PAIRS, Outcome
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.clock import SystemClock
from purpose_agent.runtime.database import Database

TASKS = tuple(Task(f"Task number {number}", id=f"task {number}") for number in range(MOST_PAIRS))
ROUNDS = -(-MOST_PAIRS // PAIRS)


async def promoted_at_once(hypotheses: Sequence[Hypothesis], rng: random.Random) -> list[Hypothesis]:
    """Admit all, then try those that wait, round after round, as `settle` does."""
    with TemporaryDirectory() as folder:
        db, clock = Database(Path(folder) / "workspace.sqlite3"), SystemClock()
        store = MemoryStore(db, clock)
        numbers = count()

        def ids(kind: str) -> str:
            return f"{kind}_{next(numbers):08d}"  # what is left to chance in a trial is drawn by the memory's id

        gate = Gate(store, clock, ids)
        learner = Learner(db=db, gate=gate, replay=Replay(db), memories=store, clock=clock, ids=ids)
        order = rng.sample(hypotheses, len(hypotheses))
        with db.write():  # one commit for all: how long that takes is not the question
            worth = {gate.admit(_lesson(number)).id: each for number, each in enumerate(order)}
        for _ in range(ROUNDS):
            for memory in store.list("quarantined"):
                with db.write():
                    await _tried(learner, memory, worth[memory.id], rng)
            learner.promote_together()
        found = [worth[memory.id] for memory in store.list("promoted")]
        db.close()
        return found


async def _tried(learner: Learner, memory: Memory, worth: Hypothesis, rng: random.Random) -> None:
    async def rerun(task: Task, seed: int, with_it: bool) -> Outcome:
        success = rng.random() < (worth.with_it if with_it else worth.without)
        return Outcome(new_id("run"), success, tokens=0)

    await learner.try_out(memory, TASKS, rerun)


def _lesson(number: int) -> Lesson:
    name = f"{number:04d}"
    return Lesson(
        "skill_card", f"working on matter {name}", f"look at sheet {name}", Provenance("self_inferred", agent="clerk")
    )
