"""A plan of tool calls is read while its model writes it.

In:  the text of a reply, piece by piece.
Out: each call as soon as its closing parenthesis is there; or the answer, of a reply that has no calls.

One call a line, such as `2. add(a=$1, b=3)`; `join()` ends the plan. Values are written as in Python or JSON. `$1` alone, in quotes
or not, and `$1` within a text stand for the result of call 1; `plan.py` puts it there. What is no call is left out: fences, remarks.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from purpose_agent.core.messages import Json

_HEAD = re.compile(r"[ \t`]*(?:[-*][ \t]+)?(?:[$#]?(\d+)[ \t]*[.):=][ \t]*)?([A-Za-z_]\w*)([ \t]*)\(")
_NEXT = re.compile(r"\n(?=[ \t`]*(?:[-*][ \t]+)?(?:[$#]?\d+[ \t]*[.):=][ \t]*[A-Za-z_]\w*[ \t]*\(|join\b))")
_JOIN = re.compile(r"[ \t`]*(?:[$#]?\d+[ \t]*[.):=][ \t]*)?join[ \t]*(?:\(|[ \t`]*(?:\n|$))")
_ANSWER = re.compile(r"[ \t]*[*_]{0,2}(answer|give[ _]up)[*_]{0,2}[ \t]*:[*_]{0,2}[ \t]*", re.IGNORECASE)
_BARE = re.compile(r"\$(?:\{(\d+)\}|(\d+))")
_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None}
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as its model wrote it.

    Attributes:
        number: None if it wrote none.
        problem: Why its arguments could not be read, or None.
    """

    number: int | None
    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict[str, Json])
    problem: str | None = None


class PlanReader:
    """Reads one reply.

    Args:
        parameters: By tool: the names of its parameters in their order, for arguments that are written without a name.

    Attributes:
        ended: It has come to `join()`.
        gives_up: Its text says why it gives up.
    """

    def __init__(self, parameters: Mapping[str, Sequence[str]]) -> None:
        self.ended = False
        self.gives_up = False
        self._parameters = parameters
        self._rest = ""
        self._said: list[str] = []
        self._answers = False
        self._has_calls = False

    @property
    def text(self) -> str:
        """All that is no call: of a reply without calls, the answer."""
        return "".join(self._said).strip()

    @property
    def answers(self) -> bool:
        """What comes from now on is the answer, which began with "Answer:"."""
        return self._answers and not self.gives_up

    def feed(self, piece: str) -> list[WrittenCall]:
        """The calls that are complete with this piece."""
        self._rest += piece
        return list(self._read(last=False))

    def end(self) -> list[WrittenCall]:
        """Nothing more comes: what is left, which may be a call that was cut off."""
        return list(self._read(last=True))

    def _read(self, *, last: bool) -> Iterator[WrittenCall]:
        while self._rest and not self.ended:
            if self._answers:
                self._said.append(self._rest)
                self._rest = ""
            elif _JOIN.match(self._rest) and (last or "(" in self._rest or "\n" in self._rest):
                self.ended = True
            elif (head := self._head()) is not None:
                end = _closing(self._rest, head.end())
                following = _NEXT.search(self._rest, head.end()) if end is None else None
                if end is None and following is None and not last:
                    return
                written = self._rest[head.end() : end - 1] if end is not None else None
                stop = end if end is not None else following.end() if following is not None else len(self._rest)
                self._rest = self._rest[stop:]
                self._has_calls = True
                yield self._call(head, written)
            elif (opening := _ANSWER.match(self._rest)) is not None:
                if opening.end() == len(self._rest) and not last:
                    return  # its marks may go on
                # An answer in one reply with calls was written before they brought anything.
                self._answers, self.ended = True, self._has_calls
                self.gives_up = opening[1].lower() != "answer"
                self._rest = self._rest[opening.end() :]
                self._said.clear()
            elif "\n" in self._rest or last:
                line, mark, self._rest = self._rest.partition("\n")
                self._said.append(line + mark)
            else:
                return

    def _head(self) -> "re.Match[str] | None":
        """The beginning of a call. Without a number, or with a space before the parenthesis, only that of a tool which is there."""
        head = _HEAD.match(self._rest)
        if head is None or head[2] in self._parameters:
            return head
        return head if head[1] is not None and not head[3] else None

    def _call(self, head: "re.Match[str]", written: str | None) -> WrittenCall:
        number, name = int(head[1]) if head[1] else None, head[2]
        if written is None:
            return WrittenCall(number, name, problem="its parentheses or quotes are not closed")
        try:
            return WrittenCall(number, name, _arguments(written, self._parameters.get(name, ())))
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            return WrittenCall(number, name, problem=str(error.msg if isinstance(error, SyntaxError) else error))


def _closing(text: str, start: int) -> int | None:
    """Where the parenthesis that was opened before `start` is closed, and one more; None: not yet."""
    open_ones = [")"]
    for place, character, quoted in _characters(text, start):
        if quoted:
            continue
        if character in _CLOSES:
            open_ones.append(_CLOSES[character])
        elif character == open_ones[-1]:
            open_ones.pop()
            if not open_ones:
                return place + 1
    return None


def _characters(text: str, start: int = 0) -> Iterator[tuple[int, str, str]]:
    '''Each place with its characters (one; three of a triple quote; two of an escape), and the quotes it is in: "", ', or """.'''
    quote, place = "", start
    while place < len(text):
        taken = text[place]
        if quote and taken == "\\":
            taken = text[place : place + 2]
        elif not quote and taken in "\"'":
            taken = quote = text[place : place + 3] if text[place : place + 3] in ('"""', "'''") else taken
        elif quote and text.startswith(quote, place):
            taken, ended = quote, quote
            quote = ""
            yield place, taken, ended
            place += len(taken)
            continue
        yield place, taken, quote
        place += len(taken)


def _arguments(written: str, names: Sequence[str]) -> dict[str, Json]:
    """The arguments of a call.

    Raises:
        ValueError: One is no value.
        SyntaxError: They are no arguments.
    """
    call = ast.parse(f"f({_as_python(written)}\n)", mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError("they are no arguments: write NAME=VALUE, …")
    if len(call.args) > len(names):
        raise ValueError("write each argument as NAME=VALUE")
    given = {name: _value(node) for name, node in zip(names, call.args, strict=False)}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in given:
            raise ValueError(f"give each argument once, not {ast.unparse(keyword)}")
        given[keyword.arg] = _value(keyword.value)
    return given


def _as_python(written: str) -> str:
    """Placeholders outside of quotes in quotes, and lines that a text goes over as one."""
    parts: list[str] = []
    plain = ""
    for _, taken, quote in _characters(written):
        if not quote:
            plain += taken
            continue
        parts += [_BARE.sub(r'"$\1\2"', plain), "\\n" if taken == "\n" and len(quote) == 1 else taken]
        plain = ""
    return "".join([*parts, _BARE.sub(r'"$\1\2"', plain)])


def _value(node: ast.expr) -> Json:
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.Name(id=word) if word in _WORDS:
            return _WORDS[word]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_value(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _value(value) for key, value in zip(keys, values, strict=True)}
        case _:
            raise ValueError(
                f"{ast.unparse(node)[:80]} is no value: write text in quotes, $NUMBER for a result, and compute with a tool"
            )


def _key(node: ast.expr | None) -> str:
    match node:
        case ast.Constant(value=str() as key):
            return key
        case _:
            raise ValueError("the names in an object are texts in quotes")
