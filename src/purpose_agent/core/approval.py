"""Who may carry out a call: the policy of each tool, what a person is asked, and what a person can say.

In:  what an agent was given as `approvals` and `approve`.
Out: "auto", "ask" or "deny" for a call; a person's word as one of five plain types.

Not here: what is done about it (`engine/permission.py`), and the taint gate, which asks for a person whatever a policy says.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_kind
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.core.origin import Origin
from purpose_agent.core.tool import Effect

Policy: TypeAlias = Literal["auto", "ask", "deny"]
"""Of a call. Auto: it is carried out. Ask: a person says. Deny: it is refused."""
Rule: TypeAlias = Callable[[Mapping[str, Any]], Policy]
"""A policy that depends on the arguments, which are given in their declared types. It is called directly: it should answer at once."""
Approvals: TypeAlias = Mapping[str, Policy | Rule]
"""By the name of a tool; "*" is for all that have none of their own."""

OTHERS: Final = "*"
"""All tools without a policy of their own."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that a person has to allow.

    Attributes:
        effects: What it does to the world.
        origin: The lowest origin of what the run has read.
        source: The page, file, tool or memory that brought it; "" for none.
        why: All of this in one sentence, for people.
        in_flight: It had begun when the run was interrupted, and nobody knows whether it was carried out. To approve is to
            have it carried out (again).
    """

    call: ToolCall
    effects: tuple[Effect, ...]
    origin: Origin
    source: str
    why: str
    in_flight: bool = False


@dataclass(frozen=True, slots=True)
class Approve:
    """Carry it out, as it is. True says the same."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Carry it out with these arguments instead. The tool looks at them as at any others.

    Raises:
        UsageError: They are no dict of values by name, or can't be written as JSON.
    """

    arguments: Mapping[str, Json]

    def __post_init__(self) -> None:
        check_arguments_of_call(f"Edit({self.arguments!r:.100})", self.arguments)


@dataclass(frozen=True, slots=True)
class Reject:
    """Don't; the agent is told why. False says the same without a reason."""

    why: str = ""

    def __post_init__(self) -> None:
        check_kind(f"Reject({self.why!r:.100})", self.why, str, "give the reason in words, as a text")


@dataclass(frozen=True, slots=True)
class Done:
    """It is done already, by a person or before the run was interrupted, and this is what it gave."""

    result: str

    def __post_init__(self) -> None:
        check_kind(f"Done({self.result!r:.100})", self.result, str, "give what the call gave in words, as a text")


@dataclass(frozen=True, slots=True)
class Later:
    """Nobody can say now: the run waits, and goes on when it is resumed."""


Answer: TypeAlias = Approve | Edit | Reject | Done | Later
"""What a person can say of a call."""
Approver: TypeAlias = Callable[[ApprovalRequest], Answer | bool | Awaitable[Answer | bool]]
"""Asks a person. A plain function is called in a thread, so that it may wait for somebody."""


def as_answer(said: object, tool: str) -> Answer:
    """What an approver gave, with True and False in words.

    Raises:
        UsageError: It is nothing that a person can say.
    """
    if isinstance(said, bool):
        return Approve() if said else Reject()
    if isinstance(said, Approve | Edit | Reject | Done | Later):
        return said
    raise UsageError(
        f"Agent(approve=…) answered {said!r} to {tool}; it must give True or False, or one of Approve(), Edit(arguments),"
        " Reject(why), Done(result) and Later()."
    )


def check_arguments_of_call(called: str, arguments: object) -> None:
    """Pass silently if a call can have these arguments.

    Args:
        called: What was given, and to whom: "Edit('x')".

    Raises:
        UsageError: They are no dict of values by name, or can't be written as JSON.
    """
    if not isinstance(arguments, Mapping) or any(
        not isinstance(name, str) for name in cast("Mapping[object, object]", arguments)
    ):
        raise UsageError(f"{called}: give all of the call's arguments by name, as a dict, such as Edit({{'amount': 5}}).")
    try:
        json.dumps(dict(cast("Mapping[str, object]", arguments)), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{called}: arguments are kept as JSON, and these can't be: {error}.") from error


def check_approvals(approvals: Approvals, tools: Collection[str]) -> None:
    """Pass silently if each is a policy of one of `tools`.

    Raises:
        UsageError: There is no such tool, or no such policy.
    """
    unknown = sorted(set(approvals) - set(tools) - {OTHERS})
    if unknown:
        known = ", ".join(tools) or "none"
        raise UsageError(
            f"Agent(approvals=…) names {', '.join(map(repr, unknown))}, and its tools are: {known}; '*' is for all others."
        )
    for name, policy in approvals.items():
        if not callable(policy) and policy not in get_args(Policy):
            raise UsageError(
                f"Agent(approvals={{{name!r}: {policy!r}}}): a policy is 'auto', 'ask' or 'deny', or a function of the arguments that"
                " gives one of these."
            )


def policy_of(approvals: Approvals, tool: str, arguments: Mapping[str, Any]) -> Policy:
    """The policy for a call with those arguments; "auto" where nothing is said.

    Raises:
        UsageError: A function gave something else than a policy. What it raises itself passes.
    """
    given = approvals.get(tool, approvals.get(OTHERS, "auto"))
    said: object = given(arguments) if callable(given) else given
    for policy in get_args(Policy):
        if said == policy:
            return policy
    raise UsageError(f"Agent(approvals={{{tool!r}: …}}): the function gave {said!r}; it must give 'auto', 'ask' or 'deny'.")
