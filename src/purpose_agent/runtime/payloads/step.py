"""Within a step: what was recalled, asked, decided, done, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from purpose_agent.core.action import Action, Observation
from purpose_agent.core.messages import Json, Message
from purpose_agent.core.model import Usage
from purpose_agent.core.score import Score
from purpose_agent.core.values import Ranked


@dataclass(frozen=True, slots=True)
class RecalledMemory:
    """A memory that was put into the prompt, and why it was chosen."""

    memory_id: str
    version: int
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class MemoryRecalled:
    """What was recalled at the start.

    Attributes:
        left_out: How many more did not fit the token budget.
        withheld: Ids of those that a coin kept from the run, so that one learns how such runs go without them.
        shares: By the id of a memory for which a coin was thrown: the probability with which it was shown.
        values: Options are ranked by what earlier runs got from them.
    """

    memories: tuple[RecalledMemory, ...]
    left_out: int = 0
    withheld: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    values: bool = False
    kind: Literal["memory_recalled"] = "memory_recalled"


@dataclass(frozen=True, slots=True)
class OptionsListed:
    """What there was to see in a world that lists its actions, and what could be done, before the step's decision."""

    situation: str
    options: tuple[str, ...]
    kind: Literal["options_listed"] = "options_listed"


@dataclass(frozen=True, slots=True)
class ValuesConsulted:
    """What earlier runs say of a decision's options: the best ones, best first, of `among`."""

    options: tuple[Ranked, ...]
    among: int = 0
    kind: Literal["values_consulted"] = "values_consulted"


@dataclass(frozen=True, slots=True)
class ValuesWouldChoose:
    """The choice that earlier runs, weighed with the model's probabilities and its rules, would have led to, had they been asked.

    Half of a trial of learned values that costs nothing.
    """

    option: str
    kind: Literal["values_would_choose"] = "values_would_choose"


@dataclass(frozen=True, slots=True)
class ModelOverruled:
    """Rules, weighed with the model's probabilities, led to another choice than its own, and than that of values.

    Attributes:
        option: What was chosen.
        instead_of: What the model would have.
        memory_ids: The rules that say `option`.
    """

    option: str
    instead_of: str
    memory_ids: tuple[str, ...]
    kind: Literal["model_overruled"] = "model_overruled"


@dataclass(frozen=True, slots=True)
class ModelAsked:
    """What the actor's model is shown. All of these together are the conversation: training data are read from here.

    Attributes:
        messages: Those that were not in the question before.
        kept: How many of the run's earlier messages stand before them; the others were left out, or the question is a new one.
    """

    purpose: str
    messages: tuple[Message, ...]
    kept: int = 0
    kind: Literal["model_asked"] = "model_asked"


@dataclass(frozen=True, slots=True)
class ModelRetried:
    """A model call waits, and is made again: the attempt before failed.

    Attributes:
        attempt: The one that is waited for.
        seconds: How long.
        error: What the attempt before it ended in; in older records "" for a wait for its turn, which is `ModelWaited` now.
    """

    purpose: str
    model: str
    attempt: int
    seconds: float
    error: str = ""
    kind: Literal["model_retried"] = "model_retried"


@dataclass(frozen=True, slots=True)
class ModelWaited:
    """A model call waits for its turn: a rate limit is reached, or the server asked for a pause. Nothing failed.

    Attributes:
        seconds: How long.
        attempt: The one that is waited for, from 1.
    """

    purpose: str
    model: str
    seconds: float
    attempt: int = 1
    kind: Literal["model_waited"] = "model_waited"


@dataclass(frozen=True, slots=True)
class TextStreamed:
    """A piece of an answer, while the model writes it. For whoever watches: not recorded, since the answer is."""

    text: str
    kind: Literal["text_streamed"] = "text_streamed"


@dataclass(frozen=True, slots=True)
class ReasoningSummarised:
    """What the model says it thought, beside its decision."""

    text: str
    kind: Literal["reasoning_summarised"] = "reasoning_summarised"


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A model answered, or failed to.

    Attributes:
        purpose: Why it was asked: "act", "score", "reflect", …
        prompt: Name and hash of the prompt file, such as "actor@1f2e3d4c".
        error: Why no usable answer came, or "".
        message: The answer, of those that decide or are part of the work; None of all others, and in older records.
    """

    purpose: str
    model: str
    prompt: str
    usage: Usage
    seconds: float
    error: str = ""
    message: Message | None = None
    kind: Literal["model_called"] = "model_called"


@dataclass(frozen=True, slots=True)
class ActionDecided:
    """The agent decided."""

    action: Action
    kind: Literal["action_decided"] = "action_decided"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call is about to be carried out; saved before it is.

    Attributes:
        idempotent: It may be carried out again if nobody knows whether it was.
    """

    call_id: str
    tool: str
    idempotent: bool = False
    kind: Literal["tool_started"] = "tool_started"


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool call came back."""

    observation: Observation
    kind: Literal["tool_returned"] = "tool_returned"


@dataclass(frozen=True, slots=True)
class StateChanged:
    """What the step left different: values added or replaced, names removed."""

    values: Mapping[str, Json]
    removed: tuple[str, ...] = ()
    kind: Literal["state_changed"] = "state_changed"


@dataclass(frozen=True, slots=True)
class StepScored:
    """A critic judged the step."""

    score: Score
    kind: Literal["step_scored"] = "step_scored"


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A step is complete: whoever goes on with the run goes on after it.

    Attributes:
        last_problem: What went wrong last, for the reason of a run that ends at a limit.
        seconds: Of work so far.
    """

    step: int
    last_problem: str = ""
    seconds: float = 0.0
    kind: Literal["checkpoint_saved"] = "checkpoint_saved"
