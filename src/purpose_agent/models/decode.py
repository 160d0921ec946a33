"""What a model's free text means: thoughts stripped, objects, actions and code read out of it.

In:  any text at all.
Out: a value, or None / `Unreadable` with the reason. Nothing here raises, whatever the text is.

Repairs are made only where one reading is left: Python's spelling of a dict, trailing commas, raw newlines in
strings. A truncated object is not repaired: half a file would be written as if it were whole. Does not validate
arguments against a tool's schema; tools do.
"""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from purpose_agent.core.action import Action, Finish, GiveUp, ToolUse
from purpose_agent.core.ids import new_id
from purpose_agent.core.messages import Json, ToolCall

OPEN, CLOSE = "<think>", "</think>"
# A text of nothing but braces would otherwise be tried from each of them.
MOST_STARTS = 50
LONGEST_REPAIR = 200_000
# For texts whose strings were emptied: what is no JSON and no unquoted key; a value left out; two where one belongs.
STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', re.DOTALL)
LITERAL = r"(?:true|false|null|True|False|None|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])"
BARE_WORD = re.compile(rf'(?<![\w.+-])(?!{LITERAL})(?![A-Za-z_]\w*\s*:)[^\s"{{}}\[\],:]')
NO_VALUE = re.compile(r":\s*(?:[,}\]:]|$)|[,{\[]\s*,")
TWO_VALUES = re.compile(rf'(?:""|[}}\]]|(?<![\w.]){LITERAL})\s*(?:[{{\[]|""(?!\s*:)|(?<![\w.+-]){LITERAL})')
FENCE = re.compile(r"^[ \t]*```[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Text that is no action; `problem` tells the model what is wrong with it."""

    problem: str


def strip_thinking(text: str) -> str:
    """`text` without the `<think>` blocks that it opens with.

    A block that never closes is all thought: nothing is left. Where the template opened the block itself, the
    text starts inside it, and all before the first `</think>` goes. Later tags are content, and stay; so is a tag
    inside a text that is one JSON object.
    """
    rest = text
    # A whole JSON object that has the tag somewhere inside is no thought: somebody writes about templates.
    if CLOSE in rest and OPEN not in rest[: rest.index(CLOSE)] and not isinstance(_loaded(rest), dict):
        rest = rest[rest.index(CLOSE) + len(CLOSE) :].lstrip()
    while rest.lstrip().startswith(OPEN):
        _, closed, after = rest.partition(CLOSE)
        rest = after.lstrip() if closed else ""
    return rest


class ThinkingFilter:
    """`strip_thinking` for a text that arrives in pieces.

    A block opened by the template is not seen as one until it closes; only the whole text tells.
    """

    def __init__(self) -> None:
        self._held: str | None = ""

    def feed(self, piece: str) -> str:
        """The part of `piece`, and of what was held back, that can be shown now."""
        if self._held is None:
            return piece
        self._held += piece
        start = self._held.lstrip()
        if start.startswith(OPEN):
            # Only the block's end is looked for; the thought itself need not be kept.
            _, closed, after = start.partition(CLOSE)
            self._held = after if closed else OPEN + start[len(OPEN) :][-len(CLOSE) :]
            return self.feed("") if closed and after else ""
        if OPEN.startswith(start):
            return ""
        self._held = None
        return start

    def end(self) -> str:
        """What was held back, now that nothing follows."""
        held, self._held = self._held or "", None
        return "" if held.lstrip().startswith(OPEN) else held


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is too large")
    return number


# strict=False takes raw newlines inside strings: models write code that way, and it has one reading.
_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse_constant, parse_float=_finite)


def _storable(value: object) -> bool:
    """It can be written as JSON in UTF-8 again: finite numbers, string keys, no half characters."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _as_object(value: object) -> dict[str, Json] | None:
    if not isinstance(value, dict) or not _storable(cast(object, value)):
        return None
    items = cast(dict[Any, Any], value)
    return cast(dict[str, Json], items) if all(isinstance(key, str) for key in items) else None


def _loaded(text: str) -> object:
    """`text` as strict JSON, or None; the word null is None too, and no object either."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _is_closed(text: str) -> bool:
    """Every bracket and quote that opens in `text` closes again."""
    open_brackets: list[str] = []
    quote, escaped = "", False
    for character in text:
        if quote:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == quote:
                quote = ""
        elif character == '"':
            quote = character
        elif character in "{[":
            open_brackets.append("}" if character == "{" else "]")
        elif character in "}]" and (not open_brackets or open_brackets.pop() != character):
            return False
    return not quote and not open_brackets


def _python_dict(text: str) -> object:
    import ast

    try:
        return cast(object, ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _is_written_out(text: str) -> bool:
    """Every value stands there: a repair may add a comma or a key's quotes, and has no value to invent.

    Bare words (undefined, NaN, <your answer>) would come back as strings, and a missing value as an empty one.
    """
    bare = STRING.sub('""', text)
    return not BARE_WORD.search(bare) and not NO_VALUE.search(bare) and not TWO_VALUES.search(bare)


def _repaired(text: str) -> dict[str, Json] | None:
    """`text`, which should be one object, mended where that is certain."""
    if not (text.startswith("{") and text.endswith("}")) or len(text) > LONGEST_REPAIR:
        return None
    if (found := _as_object(_python_dict(text))) is not None:
        return found
    if not _is_closed(text) or not _is_written_out(text):
        return None
    import json_repair

    try:
        return _as_object(json_repair.repair_json(text, return_objects=True, skip_json_loads=True)) or None
    except (ValueError, RecursionError):
        return None


def extract_json_object(text: str) -> dict[str, Json] | None:
    """The first JSON object in `text`, with prose or fences around it, or None.

    An object inside a list is not an object of its own. NaN and Infinity are refused.
    """
    text = strip_thinking(text).strip()
    if (whole := _loaded(text)) is not None:
        return _as_object(whole)
    position = 0
    for _ in range(MOST_STARTS):
        start = re.compile(r"[{\[]").search(text, position)
        if start is None:
            break
        try:
            value, end = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            if text[start.start()] == "{":
                break  # an object begins here, but a broken one: a later or inner one is not what was meant
            position = start.end()
            continue
        if (found := _as_object(value)) is not None:
            return found
        position = end
    first, last = text.find("{", position), text.rfind("}")
    if first == -1 or text[:first].rstrip().endswith("["):
        return None
    return _repaired(text[first : last + 1])


def read_arguments(raw: object) -> tuple[dict[str, Json], str | None]:
    """A tool call's arguments as servers send them, and why they can't be read (None if they can)."""
    if raw is None or raw == "":
        return {}, None
    if not isinstance(raw, str):
        found = _as_object(raw)
        return (found, None) if found is not None else ({}, "The arguments must be a JSON object of finite values.")
    text = raw.strip()
    value = _loaded(text)
    found = _as_object(value) if value is not None else _repaired(text)
    if found is not None:
        return found, None
    if value is not None:
        return {}, f"The arguments must be a JSON object, not {type(value).__name__}: {_shortened(text)}"
    return {}, f"The arguments are not valid JSON: {_shortened(text)}"


def _shortened(text: str, most: int = 120) -> str:
    return repr(text if len(text) <= most else text[:most] + "…")


def decode_action(text: str, tools: Mapping[str, object] | Collection[str]) -> Action | Unreadable:
    """One action out of free text: {"tool", "arguments"}, {"answer"} or {"give_up"}.

    Args:
        text: What the model wrote.
        tools: The tools it may name (the keys count).
    """
    if not text.strip():
        return Unreadable("The answer was empty. Reply with one JSON object.")
    found = extract_json_object(text)
    if found is None:
        return Unreadable(f"No complete JSON object was found in: {_shortened(text.strip())}. Reply with one JSON object.")
    named = [key for key in ("tool", "answer", "give_up") if found.get(key) is not None]
    if len(named) != 1:
        said = "several of them" if named else f"only {', '.join(map(repr, found)) or 'nothing'}"
        return Unreadable(f'The object must have exactly one of "tool", "answer" and "give_up"; it has {said}.')
    thought = found.get("thought")
    thought = thought if isinstance(thought, str) else ""
    value = found[named[0]]
    if named[0] == "tool":
        return _tool_use(value, found.get("arguments"), tools, thought)
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Finish(said, thought) if named[0] == "answer" else GiveUp(said)


def _tool_use(name: Json, arguments: Json, tools: Collection[str] | Mapping[str, object], thought: str) -> ToolUse | Unreadable:
    known = ", ".join(sorted(tools)) or "none"
    if not isinstance(name, str) or name not in tools:
        return Unreadable(f"There is no tool {_shortened(str(name))}. Tools: {known}.")
    read, problem = read_arguments(arguments)
    if problem is not None:
        return Unreadable(f"{name}: {problem}")
    return ToolUse((ToolCall(new_id("call"), name, read),), thought)


def _is_python(code: str) -> bool:
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a model's code is not our warning
            ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def extract_code(text: str) -> str | None:
    """The Python in `text`, or None.

    The longest fence marked as Python, or unmarked, that parses; of equals the last. Without a fence, the whole text if it parses.
    """
    text = strip_thinking(text)
    fences = [(match[1].lower(), match[2]) for match in FENCE.finditer(text)]
    blocks = [
        code for language, code in fences if language in ("", "python", "py", "python3") and code.strip() and _is_python(code)
    ]
    if blocks:
        return max(enumerate(blocks), key=lambda pair: (len(pair[1]), pair[0]))[1]
    return text if not fences and text.strip() and _is_python(text) else None
