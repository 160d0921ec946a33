"""Trials of several memories in one workspace: what each may err, and what it says is missing."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from purpose_agent.core.ids import counting_ids
from purpose_agent.core.memory import Memory, MemoryKind, MemoryStatus, TrialReport
from purpose_agent.core.task import Check, Task
from purpose_agent.learning.learner import Learner, Trialled
from purpose_agent.learning.trial import Outcome
from purpose_agent.learning.trial_tasks import Memories
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import TickingClock, lesson, report

pytestmark = pytest.mark.anyio


class Workshop:
    """A learner whose memories are tried on as many tasks as asked, each once."""

    def __init__(self, folder: Path) -> None:
        clock, ids = TickingClock(), counting_ids()
        self.db = Database(folder / "purpose.db")
        self.store = MemoryStore(self.db, clock)
        self.gate = Gate(self.store, clock, ids)
        self._learner = Learner(db=self.db, gate=self.gate, replay=Replay(self.db), memories=self.store, clock=clock, ids=ids)
        self.runs = 0

    def promote_together(self, memories: Memories) -> tuple[Trialled, ...]:
        """As a learner that reads them there."""
        clock, ids = TickingClock(), counting_ids()
        learner = Learner(db=self.db, gate=self.gate, replay=Replay(self.db), memories=memories, clock=clock, ids=ids)
        return learner.promote_together()

    def draw(self, about: str) -> Memory:
        return self.gate.admit(lesson(when=f"working on {about}", then=f"look at {about} twice", families=(about,)))

    async def try_out(self, memory: Memory, tasks: int, *, helps: bool = True) -> Trialled:
        async def rerun(task: Task, seed: int, with_it: bool) -> Outcome:
            self.runs += 1
            return Outcome(f"run_{self.runs}", with_it and helps, tokens=1)

        doors = [Task(f"Door {number}?", choices=["left", "up"], checks=[Check.equals("up")]) for number in range(tasks)]
        return await self._learner.try_out(self.store.get(memory.id), doors, rerun)


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    made.db.close()


async def test_the_first_rule_that_always_wins_is_promoted_after_six_pairs(workshop: Workshop) -> None:
    memory = workshop.draw("doors")
    tried = await workshop.try_out(memory, tasks=16)

    assert (tried.memory.status, tried.why) == ("promoted", "promoted: it helps")
    assert tried.report is not None
    assert (tried.report.wins, tried.report.losses, len(tried.report.pairs)) == (6, 0, 6)
    assert (tried.report.alpha, tried.report.alpha_harm) == (pytest.approx(0.05 / 1.9), 0.05)


async def test_an_undecided_trial_says_how_much_is_missing(workshop: Workshop) -> None:
    tried = await workshop.try_out(workshop.draw("doors"), tasks=4)

    assert tried.memory.status == "quarantined"
    assert tried.why == "undecided: 2 more wins needed (evidence 10.9 of 38)"


async def test_after_many_that_made_no_difference_it_takes_little_more(workshop: Workshop) -> None:
    for number in range(12):
        assert (await workshop.try_out(workshop.draw(f"lamp {number}"), tasks=4, helps=False)).memory.status == "quarantined"
    tried = await workshop.try_out(workshop.draw("doors"), tasks=16)

    assert tried.report is not None
    assert (tried.memory.status, tried.report.wins) == ("promoted", 9)


async def test_a_memory_that_waits_passes_without_a_pair_once_another_one_did(workshop: Workshop) -> None:
    waiting = workshop.draw("doors")
    assert (await workshop.try_out(waiting, tasks=5)).memory.status == "quarantined"
    assert (await workshop.try_out(workshop.draw("roofs"), tasks=16)).memory.status == "promoted"
    runs = workshop.runs
    tried = await workshop.try_out(waiting, tasks=5)

    assert (tried.memory.status, workshop.runs) == ("promoted", runs)
    evidence = workshop.store.journal(waiting.id)[-1].evidence
    assert isinstance(evidence, TrialReport)
    assert (evidence.wins, len(evidence.pairs)) == (5, 5)


async def test_a_trial_without_news_writes_no_line(workshop: Workshop) -> None:
    memory = workshop.draw("doors")
    await workshop.try_out(memory, tasks=4)
    lines = len(workshop.store.journal(memory.id))
    again = await workshop.try_out(memory, tasks=4)

    assert again.why == "undecided: 2 more wins needed (evidence 10.9 of 38)"
    assert len(workshop.store.journal(memory.id)) == lines


async def test_a_memory_that_is_not_in_quarantine_any_more_is_not_tried(workshop: Workshop) -> None:
    memory = workshop.draw("doors")
    workshop.gate.archive(memory, "a person decided meanwhile")
    tried = await workshop.try_out(memory, tasks=16)

    assert (tried.report, workshop.runs) == (None, 0)
    assert tried.why.startswith("somebody else decided meanwhile: Memory mem_0001 (version 3) is not in quarantine")


class AsItWas(MemoryStore):
    """Whoever looks here for what waits is told what waited a moment ago."""

    def __init__(self, db: Database, waiting: Sequence[Memory]) -> None:
        super().__init__(db, TickingClock())
        self._waiting = tuple(waiting)
        self.asked_in = 0
        """The transaction of the last question."""

    def list(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> tuple[Memory, ...]:
        self.asked_in = self._db.transaction
        return self._waiting


def test_all_are_promoted_together_or_none_and_each_says_who_decided_meanwhile(workshop: Workshop) -> None:
    waiting = [workshop.draw(f"matter {number}") for number in range(8)]
    rates = [workshop.gate.allowance(memory) for memory in waiting]
    for memory, rate in zip(waiting, rates, strict=True):
        workshop.gate.note(memory, report(memory.id, e_help=0.5 / rate, alpha=rate))
    workshop.gate.archive(waiting[0], "a person decided meanwhile")

    before = AsItWas(workshop.db, waiting)
    refused = workshop.promote_together(before)

    assert before.asked_in == workshop.db.transaction  # that of the promotions, so that nobody comes in between
    assert {tried.memory.id for tried in refused} == {memory.id for memory in waiting}
    assert all(tried.why.startswith("somebody else decided meanwhile: ") for tried in refused)
    assert "promoted" not in {memory.status for memory in workshop.store.list()}
    assert {tried.why for tried in workshop.promote_together(workshop.store)} == {"promoted: it helps, as others do with it"}


def test_where_nothing_waits_nothing_is_written(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)

    assert workshop.promote_together(workshop.store) == ()
    assert not workshop.db.exists
