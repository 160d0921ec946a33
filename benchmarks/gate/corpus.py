"""Made-up lessons for measurements of size and speed: many, different, in the words of a workplace.

In:  how many, a seed.
Out: lessons and tasks like them, the same for the same seed.

Templates times vocabulary: some words are in a tenth of all lessons, most in a few. As in a workspace that has been used
for years, each is of one of a few agents, some have a family, some a user.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from purpose_agent.core.memory import Case, Lesson, Provenance, Scope
from purpose_agent.core.task import Task

AGENTS = tuple(f"agent {number}" for number in range(5))
FAMILIES = 400
USERS = 50
_SYLLABLES_TEXT = "ka lo mi ren tor vas pel dun gri sol bex nar qui fen zor hal wim jat cor lyn"
_VERBS_TEXT = (
    "opening closing sorting merging reading parsing shipping painting labelling counting measuring translating "
    "comparing booking cancelling repairing cleaning packing weighing testing deploying encrypting compressing "
    "summarising reviewing"
)
_SYLLABLES = _SYLLABLES_TEXT.split()
_VERBS = _VERBS_TEXT.split()
_ADVICE = (
    "check the {b} before the {c}",
    "ask the {a} desk for the {c}",
    "never touch the {b} while the {c} is {d}",
    "write the {c} into the {b} log first",
    "use the {d} {c} instead of the {b}",
    "wait until the {b} is {d}, then take the {c}",
    "round the {b} to full {c}s",
)
_WHEN = (
    "{v} a {d} {a}",
    "{v} the {a} of a {d} {b}",
    "the {a} is {d} and the {b} waits",
    "a customer asks about the {d} {a}",
    "{v} {a}s from the {b} store",
)
_DOING_TEXT = (
    "writing reviewing planning testing ordering cleaning repairing measuring describing comparing storing sending "
    "printing teaching explaining moving counting checking designing publishing"
)
_PLAIN_THINGS_TEXT = (
    "a letter to the landlord; the list of guests; a parser for log lines; the garden fence; a poem about autumn; "
    "the tax form; a bicycle chain; the kitchen scale; a contract with a carpenter; the bus timetable; "
    "a sorting algorithm; an image of the harbour; the sales table; a speech for the jubilee; the office printer; "
    "a birthday cake; the water pump; a password policy; the staff newsletter; an electric drill; "
    "a query with three joins; the museum tour; a wedding budget; the lecture notes; a train ticket; "
    "the backup script; a chess opening; the school report; a lamp for the desk; the weather forecast; "
    "a crossword puzzle; the fire drill; a spreadsheet of expenses; the fishing licence; a travel blog; "
    "the search index; a choir rehearsal; the roof tiles; a job advertisement; the blood test"
)
_PLAIN_WHERE_TEXT = (
    "in winter; for a beginner; when time is short; without the internet; on a Sunday; together with a colleague; "
    "for the third time; in a small flat; at the end of the month; when two people disagree; after a power cut; "
    "on a phone; for a large company; abroad; with old tools; under a tight budget; in front of an audience; "
    "before a holiday; when the manual is lost; in bad weather"
)
_PLAIN_ADVICE_TEXT = (
    "ask somebody who did it before; start with the hardest part; keep a copy; write down each step; set a timer; "
    "read the rules twice; work from the end backwards; check the numbers again; leave room for changes; "
    "finish one thing before the next; use a pencil first; take a photograph; label everything; begin a day earlier; "
    "divide it into three parts; measure twice; keep the receipt; say what is not included; look for a template; "
    "test it on a small piece"
)
_PLAIN_DOING = _DOING_TEXT.split()
_PLAIN_THINGS = _PLAIN_THINGS_TEXT.split("; ")
_PLAIN_WHERE = _PLAIN_WHERE_TEXT.split("; ")
_PLAIN_ADVICE = _PLAIN_ADVICE_TEXT.split("; ")


@dataclass(frozen=True, slots=True)
class Words:
    """What lessons are about, the frequent ones first."""

    things: tuple[str, ...]
    qualities: tuple[str, ...]


def words_of(seed: int, *, things: int = 6_000, qualities: int = 600) -> Words:
    """Made-up nouns and adjectives."""
    draw = random.Random(f"words/{seed}")
    made: dict[str, None] = {}
    while len(made) < things + qualities:
        made["".join(draw.choices(_SYLLABLES, k=draw.choice((2, 3, 3, 4))))] = None
    names = list(made)
    return Words(tuple(names[:things]), tuple(f"{name}ish" for name in names[things:]))


def lessons(count: int, seed: int) -> Iterator[Lesson]:
    """So many different ones."""
    words, draw = words_of(seed), random.Random(f"lessons/{seed}")
    for number in range(count):
        fill = _fill(words, draw)
        family = f"family {draw.randrange(FAMILIES)}" if draw.random() < 0.3 else ""
        user = f"user {draw.randrange(USERS)}" if draw.random() < 0.2 else ""
        agent = draw.choice(AGENTS)
        yield Lesson(
            draw.choice(("failure_pattern", "skill_card", "episodic_case")),
            draw.choice(_WHEN).format(**fill),
            draw.choice(_ADVICE).format(**fill) + f" (case {number})",
            Provenance("self_verified", f"run_{number:08}", agent),
            Scope((agent,), (family,) if family else (), (user,) if user else ()),
            tuple(
                Case(
                    f"{draw.choice(_VERBS)} {draw.choice(words.things)} number {draw.randrange(99)}", draw.choice(words.things)
                )
                for _ in range(draw.choice((0, 0, 1, 2)))
            ),
        )


def tasks(count: int, seed: int) -> Iterator[tuple[Task, str]]:
    """Tasks in the same words, each with the agent that does it."""
    words, draw = words_of(seed), random.Random(f"tasks/{seed}")
    for _ in range(count):
        fill, other = _fill(words, draw), _fill(words, draw)
        goal = (
            f"Please report on {draw.choice(_WHEN).format(**fill)}, then decide what to do about {other['a']} and"
            f" {other['b']}: {draw.choice(_WHEN).format(**other)}."
        )
        labels = {"family": f"family {draw.randrange(FAMILIES)}"} if draw.random() < 0.3 else {}
        labels |= {"user": f"user {draw.randrange(USERS)}"} if draw.random() < 0.2 else {}
        yield Task(goal, labels=labels), draw.choice(AGENTS)


def plain_lessons(count: int, seed: int) -> Iterator[Lesson]:
    """So many different ones in plain English, about everyday things: what a search has to tell the right one from."""
    draw = random.Random(f"plain/{seed}")
    made: dict[tuple[str, str], None] = {}
    while len(made) < count:
        made[
            f"{draw.choice(_PLAIN_DOING)} {draw.choice(_PLAIN_THINGS)} {draw.choice(_PLAIN_WHERE)}", draw.choice(_PLAIN_ADVICE)
        ] = None
    for when, then in made:
        yield Lesson("skill_card", when, then, Provenance("self_verified"))


def _fill(words: Words, draw: random.Random) -> dict[str, str]:
    a, b, c = (_one_of(words.things, draw) for _ in range(3))
    return {"a": a, "b": b, "c": c, "d": _one_of(words.qualities, draw), "v": draw.choice(_VERBS)}


def _one_of(names: tuple[str, ...], draw: random.Random) -> str:
    """The first ones far more often: as words are in texts (Zipf)."""
    return names[min(len(names) - 1, int(len(names) ** draw.random()) - 1)]
