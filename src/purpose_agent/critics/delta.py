"""Φ from what a step changed, judged by a model that is told Φ before it.

In:  the whole goal, Φ before, every changed fact; nothing else of the state.
Out: a `Score`, or None where the change can't be shown within its budget.

A long value is shown as a diff around the change: of its lines, or of the words of one long line. The size of the
question does not depend on how long the run is. Quotes count only where they are of what is new.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from purpose_agent.core.score import Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import WINDOW, Ask, asked, in_common, noted, room_in, shortened
from purpose_agent.critics.facts import shown_name
from purpose_agent.critics.rules import ANSWER, Ground, ground, judged
from purpose_agent.critics.state import ANSWER_LABEL

CRITIC = "delta"
MOST_CHARS = 6000
"""Of the change: about 2,000 tokens."""
MOST_REMOVED_CHARS = 300
LONG_LINE = 400
SHORT_VALUE = 200
CONTEXT_LINES = 2
CONTEXT_WORDS = 12
MOST_PIECES = 3000
"""Lines or words between the first and the last difference, above which no diff is sought: it would not fit anyway."""


async def judge_delta(
    ask: Ask,
    task: Task,
    before: State,
    after: State,
    phi_before: float | None,
    *,
    window: int = WINDOW,
    notes: Sequence[str] = (),
    may_rise: bool = True,
) -> Score | None:
    """Φ after the step. One model call; none, and None, if Φ before is unknown or the change is too large to be shown.

    Raises:
        ModelError: The critic's model could not answer.
    """
    from purpose_agent.prompts.loader import load

    prompt = load("critic_delta")
    on = ground(task, after, before)
    if phi_before is None and not on.old:
        phi_told = 0.0  # nothing had been reached
    elif phi_before is None:
        return None
    else:
        phi_told = phi_before
    examples = noted(notes)
    change = shown_change(on, min(MOST_CHARS, room_in(window, prompt.text, examples, task.goal)))
    if change is None:
        return None
    text = prompt.fill(notes=examples, goal=task.goal, before=f"{phi_told:.1f}", change=change)
    said = await asked(ask, text, prompt.version)
    # What stands beside the change was there before, and shows nothing about it.
    return judged(said, on, phi_before, CRITIC, may_rise=may_rise, only_new=True)


def shown_change(on: Ground, room: int) -> str | None:
    """Every changed fact, within `room` characters; None if that can't be done."""
    parts: list[str] = []
    for name, text in on.facts.items():
        if name not in on.old:
            parts.append(f"New, {_name(name)}:\n{_marked('+', text)}")
        elif on.old[name] != text:
            diff = difference(on.old[name], text)
            if diff is None:
                return None
            parts.append(f"Changed, {_name(name)}:\n{diff}")
        if sum(map(len, parts)) > room:
            return None
    parts += [
        f"Gone, {_name(name)}:\n{_marked('-', shortened(text, MOST_REMOVED_CHARS))}"
        for name, text in on.old.items()
        if name not in on.facts
    ]
    shown = "\n".join(parts)
    return shown if len(shown) <= room else None


def difference(old: str, new: str) -> str | None:
    """What changed, with a little around it; None if the two differ too widely to be compared."""
    if len(old) <= SHORT_VALUE and len(new) <= SHORT_VALUE:
        return f"{_marked('-', old)}\n{_marked('+', new)}"
    by_line = max(map(len, (*old.splitlines(), *new.splitlines(), "")), default=0) <= LONG_LINE
    pattern, context = (r"[^\n]*\n?", CONTEXT_LINES) if by_line else (r"\s*\S+", CONTEXT_WORDS)
    return _diff(re.findall(pattern, old), re.findall(pattern, new), context, by_line=by_line)


def _diff(old: list[str], new: list[str], context: int, *, by_line: bool) -> str | None:
    head = in_common(old, new)
    tail = in_common(old[head:][::-1], new[head:][::-1])
    first, before, after = max(0, head - context), len(old) - tail + context, len(new) - tail + context
    old, new = old[first:before], new[first:after]
    if max(len(old), len(new)) > MOST_PIECES:
        return None
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context)
    write = _lines if by_line else _words
    return "\n…\n".join("\n".join(write(group, old, new)) for group in groups)


def _lines(group: Sequence[tuple[str, int, int, int, int]], old: list[str], new: list[str]) -> Iterator[str]:
    for kind, old_from, old_to, new_from, new_to in group:
        if kind == "equal":
            yield _marked(" ", "".join(old[old_from:old_to]))
            continue
        if old_to > old_from:
            yield _marked("-", "".join(old[old_from:old_to]))
        if new_to > new_from:
            yield _marked("+", "".join(new[new_from:new_to]))


def _words(group: Sequence[tuple[str, int, int, int, int]], old: list[str], new: list[str]) -> Iterator[str]:
    yield _marked("-", "".join(old[group[0][1] : group[-1][2]]).strip())
    yield _marked("+", "".join(new[group[0][3] : group[-1][4]]).strip())


def _marked(mark: str, text: str) -> str:
    return "\n".join(f"{mark} {line}" for line in text.rstrip("\n").split("\n"))


def _name(name: str) -> str:
    return ANSWER_LABEL if name == ANSWER else shown_name(name)
