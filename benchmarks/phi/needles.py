"""One fact that decides, in a place where a critic may not look.

In:  nothing.
Out: for each place the same step with the fact and without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.phi.attacks.attack import Turn, use
from purpose_agent.core.messages import Json
from purpose_agent.core.state import State
from purpose_agent.core.task import Task

NEEDLE = "the brass key lies under the third tile"
GOAL = "Find out where the key of the archive is, and note it."
LONG = 20_000
"""Characters of a long value."""


@dataclass(frozen=True, slots=True)
class Needle:
    """A step with the fact, and the same without it.

    Attributes:
        fact: What must be in the prompt.
        in_goal: The fact is a condition in the goal, not a sign of progress in the state.
    """

    name: str
    task: Task
    having: Turn
    lacking: Turn
    lacking_task: Task
    fact: str = NEEDLE
    in_goal: bool = False


def _filler(chars: int, seed: int = 0) -> str:
    lines: list[str] = []
    size = number = 0
    while size < chars:
        line = f"Shelf {number * 7 + seed}: box {number * 13 % 101}, folder {number * 29 % 997}, {number * 3 % 17} letters of the mill"
        lines.append(line)
        size += len(line) + 1
        number += 1
    return "\n".join(lines)


def _inside(text: str, place: float, needle: str = NEEDLE) -> str:
    lines = text.split("\n")
    at = int(place * len(lines))
    return "\n".join([*lines[:at], needle, *lines[at:]])


def _step(before: dict[str, Json], after: dict[str, Json]) -> Turn:
    return Turn(State(before), use("read_file", path="archive"), State(after))


def _in_state(
    name: str, before: dict[str, Json], having: dict[str, Json], lacking: dict[str, Json], fact: str = NEEDLE
) -> Needle:
    task = Task(GOAL, id=f"needle-{name}")
    return Needle(name, task, _step(before, having), _step(before, lacking), task, fact)


def _in_goal(name: str, length: int, place: float) -> Needle:
    condition = "The note must be written in Latin."
    about = _filler(length, seed=3)
    after: dict[str, Json] = {"1.1 list_files": "archive.txt", "2.1 read_file": f"Note: {NEEDLE}."}
    turn = _step({"1.1 list_files": "archive.txt"}, after)
    having = Task(f"{GOAL}\n{_inside(about, place, condition)}", id=f"needle-{name}")
    return Needle(name, having, turn, turn, Task(f"{GOAL}\n{about}", id=f"needle-{name}-without"), condition, in_goal=True)


def _long(name: str, place: float, length: int = LONG) -> Needle:
    """A long value that is new."""
    text, start = _filler(length), {"1.1 list_files": "archive.txt"}
    return _in_state(name, {**start}, {**start, "2.1 read_file": _inside(text, place)}, {**start, "2.1 read_file": text})


def _edited(name: str, place: float) -> Needle:
    """A long value in which one line changed."""
    old = _inside(_filler(LONG), place, "here the page is torn")
    new = _inside(_filler(LONG), place)
    other = _inside(_filler(LONG), place, "here the page is worn")
    return _in_state(name, {"book": old}, {"book": new}, {"book": other})


def _tenth_key() -> Needle:
    start: dict[str, Json] = {f"room {n}": f"room {n} is dark" for n in range(1, 13)}
    lit: dict[str, Json] = {f"room {n}": f"room {n} is lit, and empty" for n in range(1, 13)}
    return _in_state("the tenth changed key", start, {**lit, "room 10": f"room 10 is lit: {NEEDLE}"}, lit)


def _many_keys() -> Needle:
    start: dict[str, Json] = {f"box {n}": "closed" for n in range(300)}
    return _in_state(
        "one of three hundred keys",
        start,
        {**start, "box 217": f"open: {NEEDLE}"},
        {**start, "box 217": "open: dust and dead moths"},
    )


def _one_word() -> Needle:
    words = [f"word{n}" for n in range(3000)]
    line, new, other = " ".join(words), "undertilethree", "undernothing"
    put = [" ".join([*words[:1700], word, *words[1701:]]) for word in (new, other)]
    return _in_state("a changed word of a long line", {"line": line}, {"line": put[0]}, {"line": put[1]}, new)


def _deep() -> Needle:
    def tree(leaf: str) -> dict[str, Json]:
        inner: Json = {"note": leaf}
        for level in range(8):
            inner = {f"level {level}": inner, "other": f"shelf {level}"}
        return {"tree": inner}

    return _in_state("deep in a tree", tree("nothing"), tree(NEEDLE), tree("a moth"))


def _list_item() -> Needle:
    items: list[Json] = [f"box {n}: letters" for n in range(400)]
    return _in_state(
        "an item of a long list",
        {"boxes": items},
        {"boxes": [*items[:250], NEEDLE, *items[251:]]},
        {"boxes": [*items[:250], "box 250: empty", *items[251:]]},
    )


NEEDLES: Sequence[Needle] = (
    _in_goal("the end of a long goal", 3000, 1.0),
    _in_goal("the middle of a long goal", 6000, 0.5),
    _long("the head of a new long value", 0.0),
    _long("the middle of a new long value", 0.5),
    _long("the tail of a new long value", 1.0),
    _long("two thirds into a huge value", 0.66, 40_000),
    _edited("an edited line near the head of a book", 0.05),
    _edited("an edited line in the middle of a book", 0.5),
    _edited("an edited line at the end of a book", 0.98),
    _tenth_key(),
    _many_keys(),
    _one_word(),
    _deep(),
    _list_item(),
)
"""Not here: a fact that went away, which the whole state can't show."""
