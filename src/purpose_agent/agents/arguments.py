"""What agents, flows and swarms can't be made or run with, said at once."""

from collections.abc import Iterable, Mapping
from typing import get_args

from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_function, check_kind, check_number, check_text
from purpose_agent.core.score import PhiMode
from purpose_agent.core.task import check_limits
from purpose_agent.runtime.events import RunMode


def check_arguments(name: str, *, mode: RunMode, phi: PhiMode, lists_actions: bool, has_tools: bool) -> None:
    """Pass silently if an agent can be made with these.

    Raises:
        UsageError: It can't; the message says why.
    """
    check_text(f"Agent(name={name!r:.80})", name, "give it a name; what it learns is kept under it")
    if mode not in get_args(RunMode):
        raise UsageError(f"Agent(mode={mode!r}): it is one of 'learning', 'validation' and 'evaluation'.")
    if phi not in get_args(PhiMode):
        raise UsageError(f"Agent(phi={phi!r}): it is one of {', '.join(map(repr, get_args(PhiMode)))}.")
    if lists_actions and has_tools:
        raise UsageError("Agent(environment=…, tools=…): a world lists its own actions; leave the tools out.")


def check_kinds(*, limits: object, temperature: object, tools: object, approve: object, approvals: object) -> None:
    """Pass silently if an agent's arguments are of the kinds that they should be.

    Raises:
        UsageError: One is not; the message says which.
    """
    check_limits(f"Agent(limits={limits!r:.80})", limits)
    check_number(f"Agent(temperature={temperature!r})", temperature, least=0, none="the model's own")
    check_function(f"Agent(approve={approve!r:.80})", approve, "an ApprovalRequest", none="nobody")
    if approvals is not None:
        say = "give policies by the name of a tool, such as {'pay': 'ask', '*': 'auto'}"
        check_kind(f"Agent(approvals={approvals!r:.80})", approvals, Mapping, say)
    if isinstance(tools, str) or not isinstance(tools, Iterable):
        raise UsageError(f"Agent(tools={tools!r:.80}): give a list of tools or functions, also of one.")


def check_seed(seed: object, call: str = "run") -> None:
    """Pass silently if it is None or a whole number.

    Raises:
        UsageError: It is neither.
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise UsageError(f"{call}(seed={seed!r}): give a whole number, or None for any.")


def check_engine(who: str, engine: object) -> None:
    """Pass silently if there can be such an engine. Nothing is connected, and no extra needed.

    Args:
        who: What is given it: "Flow".

    Raises:
        UsageError: There can't.
    """
    if engine is None:
        return
    if isinstance(engine, str):
        from purpose_agent.durable.agreed import checked_address
        from purpose_agent.durable.resolve import address_of

        url = address_of(engine)
        if url is not None:
            checked_address(url)
    elif isinstance(engine, type) or not callable(getattr(engine, "perform", None)) or not hasattr(engine, "checkpointer"):
        raise UsageError(
            f"{who}(engine={engine!r:.80}): give 'local', 'dbos:postgresql://user:password@host:5432/name', or an engine of your own with"
            " perform and checkpointer."
        )


def check_run_id(call: str, run_id: object) -> None:
    """Pass silently if it can be the id of a run.

    Raises:
        UsageError: It is no text; the run itself, perhaps.
    """
    if not isinstance(run_id, str) or not run_id.strip():
        id = getattr(run_id, "id", None)
        hint = f" That of this one is {id!r}." if isinstance(id, str) else ""
        raise UsageError(f"{call}({run_id!r:.80}): give the id of a run, a text such as result.id.{hint}")
