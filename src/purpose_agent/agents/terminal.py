"""A person at the terminal is asked about a call: `Agent(approve=terminal())`.

In:  a call that a person has to allow, and what they type.
Out: their answer. The end of the input is `Later()`: the run waits.

What a model or a page wrote is shown, never obeyed: characters that move the cursor or hide others are replaced. Questions of several
runs come one after the other.
"""

import json
import sys
import threading
from collections.abc import Mapping

from purpose_agent.core.approval import Answer, ApprovalRequest, Approve, Approver, Done, Edit, Later, Reject
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json

CHOICES = "[y]es, [n]o, [e]dit the arguments, no and [w]hy, [d]one already, [l]ater? "
_one_at_a_time = threading.Lock()


def check_terminal(what: str) -> None:
    """Pass silently if somebody can be asked.

    Raises:
        UsageError: The input is no terminal: a pipe, a file, a service.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            f"{what}: nobody can be asked, the input is no terminal. Give approve=, a function that asks somebody elsewhere; or"
            " approvals={'TOOL': 'ask'}, and answer with: purpose-agent runs approve"
        )


def terminal() -> Approver:
    """Asks whoever sits at the terminal.

    Raises:
        UsageError: There is no terminal.
    """
    check_terminal("terminal()")
    return ask


def ask(request: ApprovalRequest) -> Answer:
    """What the person types about a call; asked again until it is one of the choices."""
    with _one_at_a_time:
        arguments = request.call.arguments
        print(f"\n{_visible(request.why)}")
        for name, value in arguments.items():
            print(f"  {_visible(name)}: {_visible(json.dumps(value, ensure_ascii=False, default=str))}")
        try:
            while True:
                answer = _understood(input(f"{_visible(request.call.name)}? {CHOICES}").strip().lower(), arguments)
                if answer is not None:
                    return answer
        except EOFError:
            return Later()


def _understood(said: str, arguments: Mapping[str, Json]) -> Answer | None:
    match said:
        case "y" | "yes":
            return Approve()
        case "n" | "no":
            return Reject()
        case "w" | "why":
            return Reject(input("Why not? ").strip())
        case "e" | "edit":
            return Edit({name: _edited(name, value) for name, value in arguments.items()})
        case "d" | "done":
            return Done(input("What did it give? ").strip())
        case "l" | "later":
            return Later()
        case _:
            return None


def _edited(name: str, value: Json) -> Json:
    """Another value, of the same kind where it is text; nothing typed keeps it."""
    while True:
        said = input(f"  {_visible(name)} (empty: as it is): ")
        if not said.strip():
            return value
        if isinstance(value, str):
            return said
        try:
            read: Json = json.loads(said)
        except ValueError:
            print(f"  That can't be read as JSON; it was {_visible(json.dumps(value, ensure_ascii=False, default=str))}.")
        else:
            return read


def _visible(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
