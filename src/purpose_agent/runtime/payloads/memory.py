"""What became of a run's lessons, and of the memories and skills that came from it."""

from dataclasses import dataclass
from typing import Literal

from purpose_agent.core.memory import MemoryStatus


@dataclass(frozen=True, slots=True)
class LessonDrawn:
    """Reflection on the run drew a lesson, and the gate gave it this first status."""

    memory_id: str
    status: MemoryStatus
    text: str
    kind: Literal["lesson_drawn"] = "lesson_drawn"


@dataclass(frozen=True, slots=True)
class Reflected:
    """Reflection on the run is over: `lessons` were drawn, or `why` there was nothing to learn."""

    lessons: int
    why: str = ""
    kind: Literal["reflected"] = "reflected"


@dataclass(frozen=True, slots=True)
class MemoryProposed:
    """A memory is a candidate: a lesson from this run came to the gate."""

    memory_id: str
    text: str
    kind: Literal["memory_proposed"] = "memory_proposed"


@dataclass(frozen=True, slots=True)
class MemoryScanned:
    """The scanners looked at it.

    Attributes:
        findings: The threats they saw, by name; () if it is clean.
    """

    memory_id: str
    findings: tuple[str, ...] = ()
    kind: Literal["memory_scanned"] = "memory_scanned"


@dataclass(frozen=True, slots=True)
class MemoryQuarantined:
    """It waits for its trial, for the first time or again."""

    memory_id: str
    why: str = ""
    kind: Literal["memory_quarantined"] = "memory_quarantined"


@dataclass(frozen=True, slots=True)
class MemoryPromoted:
    """Its trial, or a person, says that it helps: runs use it from now on."""

    memory_id: str
    why: str = ""
    kind: Literal["memory_promoted"] = "memory_promoted"


@dataclass(frozen=True, slots=True)
class MemoryRejected:
    """Its scan or its trial spoke against it."""

    memory_id: str
    why: str = ""
    kind: Literal["memory_rejected"] = "memory_rejected"


@dataclass(frozen=True, slots=True)
class MemoryArchived:
    """It is out of use, and can come back through quarantine."""

    memory_id: str
    why: str = ""
    kind: Literal["memory_archived"] = "memory_archived"


@dataclass(frozen=True, slots=True)
class SkillUsed:
    """A skill is in the run's prompt."""

    memory_id: str
    name: str
    version: int = 1
    kind: Literal["skill_used"] = "skill_used"
