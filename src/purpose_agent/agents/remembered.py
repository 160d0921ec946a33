"""What a workspace remembers: to read, to teach, and the ways back.

In:  ids, moments, origins; a person's words; skills and experience from elsewhere.
Out: memories and what happened to them. Each change goes through the gate.

Not here: what is learned from runs, and trials, which `workspace.py` settles.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

from purpose_agent.agents.skills import Exported, Imported, export_skills, import_skills
from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import (
    POLICY,
    JournalEntry,
    Lesson,
    Memory,
    MemoryKind,
    MemoryStatus,
    Provenance,
    Scope,
)
from purpose_agent.core.origin import TRUST, Origin
from purpose_agent.core.values import Episode, owner_of
from purpose_agent.learning.worth import Worth, worth_of
from purpose_agent.memory.census import Census
from purpose_agent.memory.exposures import Exposures
from purpose_agent.memory.forgetting import Forgetting, Place
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.history import Difference, History
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.store import MemoryStore
from purpose_agent.memory.undo import Undone
from purpose_agent.memory.verification import Verification, verify
from purpose_agent.runtime.database import Database

STATUSES: tuple[MemoryStatus, ...] = get_args(MemoryStatus)


class Remembered:
    """The part of a workspace that holds memories."""

    def __init__(self, db: Database, store: MemoryStore, gate: Gate, replay: Replay) -> None:
        self._db = db
        self._store = store
        self._gate = gate
        self._replay = replay
        self._exposures = Exposures(db)
        self._census = Census(db)
        self._history = History(db, store, gate)

    def memories(self, status: MemoryStatus | None = None, kind: MemoryKind | None = None) -> tuple[Memory, ...]:
        """What has been learned, oldest first; all of it, or what has that status and kind."""
        return self._store.list(status, kind)

    def search_memories(
        self, words: str, statuses: Collection[MemoryStatus] = STATUSES, *, limit: int = 50
    ) -> tuple[Memory, ...]:
        """Memories with one of the words, whatever their scope, best first; archived ones too."""
        return self._census.search(words, statuses, limit)

    def memory(self, memory_id: str) -> Memory:
        """One memory.

        Raises:
            NotFound: There is none of that id.
        """
        return self._store.get(memory_id)

    def journal(self, memory_id: str) -> tuple[JournalEntry, ...]:
        """What happened to a memory, and on what evidence, oldest first."""
        return self._store.journal(memory_id)

    def history(
        self, memory_id: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[JournalEntry, ...]:
        """What happened to one memory or to all, from `since` on and not after `until`, oldest first."""
        return self._history.log(memory_id, since=since, until=until)

    def memories_at(self, moment: datetime) -> tuple[Memory, ...]:
        """All memories as they were then; how often each was used is not in it. A time without a zone is local."""
        return self._history.memories_at(moment)

    def diff(self, start: datetime, end: datetime) -> tuple[Difference, ...]:
        """What came, and what changed its status or its lesson, between two moments."""
        return self._history.diff(start, end)

    def revert(self, memory_id: str) -> Memory:
        """Undo the last change of one memory; GateError where there is no way back: see `memory/history.py`."""
        return self._history.revert(memory_id)

    def restore(self, moment: datetime, *, preview: bool = False) -> Undone:
        """Bring memory back to what it was then, as far as that can be; `preview` only tells what would be done."""
        return self._history.restore(moment, preview=preview)

    def forget(
        self,
        *,
        origin: Origin | None = None,
        run: str | None = None,
        source: str | None = None,
        since: datetime | None = None,
        preview: bool = False,
    ) -> Undone:
        """Archive what came from there, and what was made of it: `forget(origin="web", source="https://example.org/")`.

        All that is given must hold; `source` is how a name begins. What is followed: see `memory/forgetting.py`.
        """
        forgetting = Forgetting(self._db, self._store, self._gate, self._replay)
        return forgetting.forget(Place(origin, run, source, since), preview=preview)

    def archive(self, memory_id: str, why: str) -> Memory:
        """Take a memory out of use, a taught one too; it can be restored.

        Raises:
            NotFound: There is none of that id.
            GateError: It is neither in quarantine nor promoted, or `why` is empty.
        """
        return self._gate.archive(self._store.get(memory_id), why)

    def worth(self, memory_id: str) -> Worth:
        """What a memory adds to the success of runs, as far as runs without it tell.

        Raises:
            NotFound: There is none of that id.
        """
        memory = self._store.get(memory_id)
        return worth_of(memory, self._exposures.of(memory.id, memory.version))

    def verify(self, head: str = "") -> Verification:
        """Whether journal and memories are as they were written; `head` is one that was kept elsewhere."""
        return verify(self._db, head)

    def teach(self, text: str, *, when: str = "", user: str = "") -> Memory:
        """Take a person's word: scanned, and in use at once unless the scan blocks it; marked as taught.

        Args:
            text: What to do.
            when: In which kind of task; empty means always.
            user: For whose tasks, by their label "user"; empty means everybody's.

        Raises:
            UsageError: `text` is empty.
        """
        if not text.strip():
            raise UsageError("teach(''): say in words what to do, such as 'Always handle edge cases'.")
        scope = Scope(users=(user,) if user else ())
        return self._gate.teach(Lesson("user_preference", when, text, Provenance("user"), scope))

    def export_skills(self, folder: str | Path, *, kind: MemoryKind = "skill_card") -> Exported:
        """Write the promoted memories of that kind as Agent Skills, each as `folder/NAME/SKILL.md`.

        Raises:
            UsageError: The folder can't be written to, or values were asked for, which have no words.
        """
        if kind == POLICY:
            raise UsageError(
                f"export_skills(kind={POLICY!r}): learned values have no words; `experience` hands over what they came from."
            )
        return export_skills(self._store.list("promoted", kind), Path(folder), self._store.journal)

    def import_skills(self, folder: str | Path, *, source: str = "", agent: str = "", scope: Scope | None = None) -> Imported:
        """Take in the skills of a folder as imports: scanned, then in quarantine, whatever they say of themselves.

        Args:
            source: Where they come from, such as a URL; "" for the path of each file.
            agent: Who tries them.
            scope: The widest reach that one gets; None: everywhere. It may itself ask for less.

        Raises:
            UsageError: There is no such folder, or no skill in it.
            MissingExtra: The extra `yaml` is not installed.
        """
        return import_skills(self._gate, Path(folder).expanduser(), source=source, agent=agent, scope=scope)

    def admit(self, lesson: Lesson) -> Memory:
        """Take in a lesson from elsewhere, with its provenance: scanned, and in quarantine at best."""
        return self._gate.admit(lesson)

    def experience(self, agent: str, family: str = "") -> tuple[Episode, ...]:
        """What an agent decided among options and what it brought, oldest first; of one family, or of all.

        Another workspace can `take_in` it.
        """
        return self._replay.episodes(agent, family)

    def pass_on(self, run_id: str, agent: str, others: Collection[str], *, user: str = "") -> None:
        """Give what `agent` decided among options in a run to `others`, as a peer's experience: see `take_in`."""
        for episode in self._replay.of_run(owner_of(agent, user), run_id):
            for other in others:
                self.take_in(owner_of(other, user), [episode])

    def take_in(self, agent: str, episodes: Sequence[Episode], *, origin: Origin = "peer_agent") -> None:
        """Keep experience that others made. It weighs nothing until it agrees with the agent's own, which `settle` looks at.

        An episode that is there already changes nothing.

        Args:
            origin: Where it comes from; of "self_verified", "user" and "operator" it is learned at once.

        Raises:
            UsageError: Something is no episode, or a reward no finite number, or there is no such origin; none is kept.
        """
        if origin not in TRUST:
            raise UsageError(f"There is no origin {origin!r}; there are: {', '.join(TRUST)}.")
        given: list[object] = list(episodes)
        with self._db.write():
            for episode in given:
                if not isinstance(episode, Episode):
                    raise UsageError(
                        f"take_in takes episodes, as experience() hands them over, and got {type(episode).__name__} {episode!r:.80}."
                    )
                self._replay.learn(agent, episode, origin=origin)
