"""What people are asked and what they say, and the calls that were refused without them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from purpose_agent.core.memory import MemoryStatus
from purpose_agent.core.messages import Json
from purpose_agent.core.origin import Origin

Verdict: TypeAlias = Literal["approved", "edited", "rejected", "done"]
"""Of a call. Done: it is done already, by the person or before the run was interrupted, and they say what it gave."""


@dataclass(frozen=True, slots=True)
class PersonAsked:
    """A person has to say whether a call may be carried out.

    Attributes:
        why: In one sentence, for people.
        in_flight: The call had begun when the process died: nobody knows whether it was carried out.
    """

    call_id: str
    tool: str
    arguments: Mapping[str, Json]
    why: str
    in_flight: bool = False
    kind: Literal["person_asked"] = "person_asked"


@dataclass(frozen=True, slots=True)
class PersonAnswered:
    """A person's word on a call.

    Attributes:
        arguments: Of an edited call, those to use instead; None else.
        reason: Of a rejection; of "done", what the call gave.
        by: Who, as far as that is known.
    """

    call_id: str
    verdict: Verdict
    arguments: Mapping[str, Json] | None = None
    reason: str = ""
    by: str = ""
    kind: Literal["person_answered"] = "person_answered"


@dataclass(frozen=True, slots=True)
class ScoreOverridden:
    """A person says what Φ is after a step. Outcomes like this one calibrate the critic.

    Attributes:
        step: The step it is about.
        phi: 0 to 10.
    """

    step: int
    phi: float
    why: str = ""
    by: str = ""
    kind: Literal["score_overridden"] = "score_overridden"


@dataclass(frozen=True, slots=True)
class LessonInjected:
    """A person gave a lesson while the run went on. It went through the gate, and the run sees it only if it is promoted."""

    memory_id: str
    status: MemoryStatus
    text: str
    by: str = ""
    kind: Literal["lesson_injected"] = "lesson_injected"


@dataclass(frozen=True, slots=True)
class CallRefused:
    """A call was not carried out: by the agent's approvals, because of what the run had read, or because a person said no.

    Attributes:
        effects: What it would have done to the world: "send", "pay", …; () for nothing.
        origin: The lowest origin of what the run had read.
        source: The page, file, tool or memory that brought it.
    """

    call_id: str
    tool: str
    effects: tuple[str, ...]
    origin: Origin
    source: str
    why: str
    kind: Literal["call_refused"] = "call_refused"


@dataclass(frozen=True, slots=True)
class CallApproved:
    """A person allowed a call; the fields are those of `CallRefused`."""

    call_id: str
    tool: str
    effects: tuple[str, ...]
    origin: Origin
    source: str
    kind: Literal["call_approved"] = "call_approved"
