"""What an `Agent` can't be made or run with, said at once."""

from typing import get_args

from purpose_agent.core.errors import UsageError
from purpose_agent.core.score import PhiMode
from purpose_agent.runtime.events import RunMode


def check_arguments(name: str, *, mode: RunMode, phi: PhiMode, lists_actions: bool, has_tools: bool) -> None:
    """Pass silently if an agent can be made with these.

    Raises:
        UsageError: It can't; the message says why.
    """
    if not name.strip():
        raise UsageError("Agent(name=''): give it a name; what it learns is kept under it.")
    if mode not in get_args(RunMode):
        raise UsageError(f"Agent(mode={mode!r}): it is one of 'learning', 'validation' and 'evaluation'.")
    if phi not in get_args(PhiMode):
        raise UsageError(f"Agent(phi={phi!r}): it is one of {', '.join(map(repr, get_args(PhiMode)))}.")
    if lists_actions and has_tools:
        raise UsageError("Agent(environment=…, tools=…): a world lists its own actions; leave the tools out.")


def check_seed(seed: object) -> None:
    """Pass silently if it is None or a whole number.

    Raises:
        UsageError: It is neither.
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise UsageError(f"run(seed={seed!r}): give a whole number, or None for any.")
