"""The seams: what other rooms may be asked for, without knowing who answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from purpose_agent.core.action import Action
from purpose_agent.core.errors import UsageError
from purpose_agent.core.score import Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task

CodeStatus: TypeAlias = Literal["ok", "error", "timeout", "memory", "output", "killed"]


MOST_OF_ANYTHING = 1e6


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """What one execution of code may use.

    Attributes:
        seconds: Wall time.
        memory_mb: Address space of each process, in MiB.
        output_chars: Of stdout and stderr each; the rest is cut.
        processes: How many processes and threads may exist at once; where processes can't be started, threads.
        file_mb: Largest file that may be written, in MiB.
        open_files: How many descriptors may be open at once.
        scratch_mb: All files in its folder together, in MiB.
        scratch_files: How many files and folders may be there.
        results_mb: All files that are handed back together, in MiB.
    """

    seconds: float = 10.0
    memory_mb: int = 512
    output_chars: int = 20_000
    processes: int = 16
    file_mb: int = 16
    open_files: int = 256
    scratch_mb: int = 64
    scratch_files: int = 4096
    results_mb: int = 16

    def __post_init__(self) -> None:
        for name in ("seconds", "memory_mb", "processes", "open_files", "scratch_mb", "scratch_files"):
            value = getattr(self, name)
            if not 0 < value < MOST_OF_ANYTHING:
                raise UsageError(f"CodeLimits({name}={value!r}): give a number above 0 and below {MOST_OF_ANYTHING:g}.")


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What became of one execution.

    Attributes:
        status: "ok" only if the code ran to its end.
        value: What the code handed back through `result(...)`, as JSON text; None if it did not.
        level: How well it was contained: "strong", "good", "bubblewrap", "monty", or "process-only", which is no sandbox.
        enforced: The measures that were really in force, by name.
        seconds: Wall time.
        files: Those that were asked for and were there, by their names in its folder.
        truncated: Characters left out of stdout and stderr.
        attempts: At level "process-only": what was tried that a sandbox would stop, as far as the code let it be seen.
    """

    status: CodeStatus
    stdout: str
    stderr: str
    level: str
    enforced: tuple[str, ...]
    seconds: float
    value: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    truncated: int = 0
    attempts: tuple[str, ...] = ()


class CodeRunner(Protocol):
    """Runs code that we did not write, away from this process."""

    async def run(
        self,
        code: str,
        *,
        limits: CodeLimits | None = None,
        files: Mapping[str, bytes] | None = None,
        results: Sequence[str] = (),
        second: str | None = None,
    ) -> CodeResult:
        """Run Python `code` in a fresh process, with `files` in its folder.

        Never raises for what the code does; cancellation ends all of it.

        Args:
            results: Patterns of files to hand back.
            second: Code of a second process, with a line to the first one.
        """
        ...


class Embedder(Protocol):
    """Texts as vectors: what means the same lies near each other.

    Attributes:
        fingerprint: Names the model and all that changes its vectors. Vectors of two fingerprints are never compared.
        floor: Two texts whose vectors have a smaller cosine are about different things, −1 to 1.
    """

    @property
    def fingerprint(self) -> str: ...

    @property
    def floor(self) -> float: ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in their order, all of one length. Blocks; some milliseconds a text."""
        ...


class Critic(Protocol):
    """Scores one step."""

    async def score(self, task: Task, before: State, action: Action, after: State, phi_before: float | None) -> Score:
        """Φ after the step, given Φ before it (None if unknown)."""
        ...


class Environment(Protocol):
    """A world that a run acts in. One run uses it at a time."""

    def reset(self) -> State:
        """The first state."""
        ...

    def execute(self, action: Action, current_state: State) -> State:
        """The state after `action`. An action that is impossible leaves the world as it was, and the state says so."""
        ...

    def is_terminal(self, state: State) -> bool:
        """Nothing can be done any more: won, lost, or out of time."""
        ...


@runtime_checkable
class ChoiceEnvironment(Environment, Protocol):
    """A world whose possible actions can be listed, and that judges itself.

    Its `execute` is given a `ToolUse` of one call; `core.action.command_of` reads the chosen action from it.
    """

    def situation(self, state: State) -> str:
        """What there is to see, in words."""
        ...

    def admissible(self, state: State) -> Sequence[str]:
        """What can be done now, in words; different from each other."""
        ...

    def reward(self, state: State) -> float:
        """Of the step that led to `state`."""
        ...

    def succeeded(self, state: State) -> bool | None:
        """Whether the goal is reached in `state`; None where nobody can tell."""
        ...

    def achieved(self, state: State) -> Sequence[str]:
        """Goals, in words, that `state` fulfils, for hindsight; () where that is unknown."""
        ...


@runtime_checkable
class MeasuredEnvironment(ChoiceEnvironment, Protocol):
    """A world that knows how far one has come."""

    def progress(self, state: State) -> float | None:
        """Φ of `state`, 0 to 10; None where it can't be told."""
        ...
