"""What a caller gives, looked at where it is given, so that a slip is told there and not by whatever meets it later.

In:  a value of any type, and the call as it reads with it.
Out: nothing; or a `UsageError` that says what was given and what is allowed.
"""

from collections.abc import Sequence
from typing import cast

from purpose_agent.core.errors import UsageError


def check_whole(call: str, value: object, *, least: int, none: str = "") -> None:
    """Pass silently if `value` is a whole number from `least`.

    Args:
        call: What was given, and to whom: "Limits(steps='3')".
        none: What None stands for, such as "no limit"; "" where it is not allowed.

    Raises:
        UsageError: It is something else.
    """
    if value is None and none:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{call}: give a whole number from {least}{_or(none)}.")


def check_number(call: str, value: object, *, least: float | None = None, below: float | None = None, none: str = "") -> None:
    """Pass silently if `value` is a number above 0, or from `least` where that is given; and below `below`.

    Args:
        call: As in `check_whole`.
        none: As in `check_whole`.

    Raises:
        UsageError: It is something else, or no number at all (NaN).
    """
    if value is None and none:
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        enough = value > 0 if least is None else value >= least  # which NaN never is
        if enough and (below is None or value < below):
            return
    allowed = "above 0" if least is None else f"of {least:g} or more" if below is None else f"from {least:g} to below {below:g}"
    raise UsageError(f"{call}: give a number {allowed}{_or(none)}.")


def check_function(call: str, value: object, takes: str, *, none: str = "") -> None:
    """Pass silently if `value` can be called.

    Args:
        call: As in `check_whole`.
        takes: What it is called with: "an event".
        none: As in `check_whole`.

    Raises:
        UsageError: It is something else.
    """
    if value is None and none:
        return
    if not callable(value):
        raise UsageError(f"{call}: give a function of {takes}{_or(none)}.")


def check_text(call: str, value: object, say: str) -> None:
    """Pass silently if `value` is a text that is not blank.

    Args:
        call: As in `check_whole`.
        say: What to do: "give it a name".

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{call}: {say}.")


def check_kind(call: str, value: object, kind: type | tuple[type, ...], say: str) -> None:
    """Pass silently if `value` is of that type, or of one of those.

    Args:
        call: As in `check_whole`.
        say: As in `check_text`.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{call}: {say}.")


def check_list(call: str, values: object, kind: type | tuple[type, ...], say: str, *, least: int = 0) -> None:
    """Pass silently if `values` is a list or tuple of at least so many values, all of that type.

    Args:
        call: As in `check_whole`.
        say: As in `check_text`.

    Raises:
        UsageError: It is something else, one of them, or too few.
    """
    each = cast("Sequence[object]", values) if isinstance(values, list | tuple) else ()
    if not isinstance(values, list | tuple) or len(each) < least or not all(isinstance(one, kind) for one in each):
        raise UsageError(f"{call}: {say}.")


def _or(none: str) -> str:
    return f", or None for {none}" if none else ""
