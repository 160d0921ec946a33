"""AgentSpec: who is in a team of specialists, as data."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from purpose_agent.core.errors import UsageError
from purpose_agent.core.model import Model
from purpose_agent.core.tool import Tool
from purpose_agent.models.routing import Router


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A specialist.

    Attributes:
        name: Tasks can name it, and what it learns is credited to it.
        role: What it is there for, in words; they are in its prompt.
        tools: Tools, or plain typed functions with docstrings. Its calls of them are carried out.
        model: Its own: a spec, a model object or a `Router`; None: that of the team.
        expertise_keywords: Words that say a task is for it; other forms of them count too ("papers", "tested").
        max_steps: Decisions in one run, 1 and above; None: the usual limit.

    Raises:
        UsageError: It has no name, one string in the place of a list, an empty keyword, or no step.
    """

    name: str
    role: str = ""
    tools: Sequence[Tool | Callable[..., Any]] = ()
    model: str | Model | Router | None = None
    expertise_keywords: Sequence[str] = ()
    max_steps: int | None = None

    def __post_init__(self) -> None:
        name, role, words = cast("tuple[object, object, object]", (self.name, self.role, self.expertise_keywords))
        if not isinstance(name, str) or not name.strip():
            raise UsageError(f"AgentSpec(name={name!r}): give it a name; tasks go to it by that.")
        if not isinstance(role, str):
            raise UsageError(f"AgentSpec({name!r}, role={role!r}): say in words what it is there for.")
        if not _are_words(words):
            raise UsageError(
                f"AgentSpec({self.name!r}, expertise_keywords={self.expertise_keywords!r}): give a list of words, such as ['code']."
            )
        check_steps(self.max_steps, f"AgentSpec({self.name!r})")

    @property
    def instructions(self) -> str:
        """The sentences that open its prompt."""
        who = f"You are the {self.name.replace('_', ' ')} of a team."
        return f"{who} {self.role.strip()}".rstrip()


def _are_words(given: object) -> bool:
    """Whether it is a list of words."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return False
    return all(isinstance(word, str) and word.strip() for word in cast("Iterable[object]", given))


def check_steps(steps: object, where: str) -> None:
    """Pass silently if so many steps can be asked for.

    Raises:
        UsageError: It is neither a whole number above 0 nor None.
    """
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise UsageError(f"{where}: max_steps={steps!r}; give a whole number above 0, or None for the usual limit.")
