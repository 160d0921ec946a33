"""Families whose answer is written in a house form, one whose rule changes, and the two controls.

In:  random numbers that a rule is drawn from.
Out: a `Family` for each; the registry is in `families.py`.

A form is told by solved cases, made of words that no task uses: small models copy a pattern better than they follow a
description of one.
"""

import random
from collections.abc import Callable, Sequence
from hashlib import sha256

from benchmarks.learning.worlds.rules import Family, Words
from benchmarks.learning.worlds.wording import (
    DAYS,
    FIRST,
    HOURS,
    KINDS,
    LAST,
    LOOKS,
    MONTHS,
    PEOPLE,
    PLACES,
    THINGS,
    dealt,
    lines,
)

CHANGES_AFTER = 20


def names(rng: random.Random) -> Family:
    """Form: how a guest's name is entered."""
    form = _drawn(
        rng,
        lambda words: f"{words['last'].upper()}, {words['first'][0]}.",
        lambda words: f"{words['last']}/{words['first'][0]}",
        lambda words: f"{words['first'][0]}-{words['last'].upper()}",
    )
    return Family(
        "names",
        "format",
        ("{day}, enter the guest in the house's form. Guest: {first} {last}", "{when}, write down this guest: {first} {last}"),
        {"day": DAYS, "when": HOURS, "first": FIRST, "last": LAST},
        form,
        _solved(form, "Guest: {first} {last}", ("first", "last"), (("Mona", "Quist"), ("Peter", "Weber"), ("Rosa", "Zola"))),
    )


def dates(rng: random.Random) -> Family:
    """Form: how a date is entered."""
    form = _drawn(
        rng,
        lambda words: f"{words['month'][:3].upper()}.{words['number']}",
        lambda words: f"{words['number']}/{words['month'][:3]}/",
        lambda words: f"{words['month'][:3]}<{words['number']}>",
    )
    return Family(
        "dates",
        "format",
        (
            "{who} asks for the date in the house's form. Date: {number} {month}",
            "enter for {who}, {when}. Date: {number} {month}",
        ),
        {"who": PEOPLE, "when": HOURS, "number": tuple(str(day) for day in range(10, 29)), "month": MONTHS},
        form,
        _solved(form, "Date: {number} {month}", ("number", "month"), (("29", "May"), ("30", "August"), ("9", "November"))),
    )


def tickets(rng: random.Random) -> Family:
    """Form: the ticket of a thing that was left."""
    form = _drawn(
        rng,
        lambda words: f"{words['thing']}#{words['shelf']}",
        lambda words: f"[{words['shelf']}] {words['thing']}",
        lambda words: f"{words['shelf']}={words['thing'].upper()}",
    )
    return Family(
        "tickets",
        "format",
        (
            "{who} left something {day}. Ticket for: {thing}, shelf {shelf}",
            "write for {who}. Ticket for: {thing}, shelf {shelf}",
        ),
        {"who": PEOPLE, "day": DAYS, "thing": THINGS, "shelf": tuple(str(shelf) for shelf in range(11, 90))},
        form,
        _solved(
            form,
            "Ticket for: {thing}, shelf {shelf}",
            ("thing", "shelf"),
            (("mirror", "94"), ("basket", "7"), ("guitar", "92")),
        ),
    )


def ferries(rng: random.Random) -> Family:
    """A rule that changes: after some training the flags mean something else, all of them."""
    quays = ("harbour", "island", "beach", "river")
    flags = ("dragon", "anchor", "rose", "star")
    rule = dealt(rng, flags, quays)
    old = dict(zip(rule, (*list(rule.values())[1:], rule[next(iter(rule))]), strict=True))
    return Family(
        "ferries",
        "change",
        ("{when}, a {look} ferry shows a {flag} flag to {who}.", "{who} waits {day} for the ferry with the {flag} flag."),
        {"who": PEOPLE, "look": LOOKS, "flag": flags, "day": DAYS, "when": HOURS},
        lambda words: rule[words["flag"]],
        lines(rule, "{} flag"),
        quays,
        before=lambda words: old[words["flag"]],
        changes_after=CHANGES_AFTER,
    )


def coins(rng: random.Random) -> Family:
    """Control: the answer is noise, and no rule is to be found."""
    sides = ("crown", "eagle", "ship", "wheat")
    salt = str(rng.random())

    def decide(words: Words) -> str:
        said = "\0".join((salt, *(words[place] for place in sorted(words))))
        return sides[int.from_bytes(sha256(said.encode()).digest()[:8], "big") % len(sides)]

    return Family(
        "coins",
        "control",
        ("{who} tosses a {look} coin in the {place} {day} {when}. What does it show?",),
        {"who": PEOPLE, "look": LOOKS, "place": PLACES, "day": DAYS, "when": HOURS},
        decide,
        "",
        sides,
        control=True,
    )


def kinds(rng: random.Random) -> Family:
    """Control: what every model knows. Its words are shared by training and exam, so memory could at most harm."""
    kind_of = {thing: kind for kind, several in KINDS.items() for thing in several}
    return Family(
        "kinds",
        "control",
        ("{who} writes '{thing}' {when}. Is that a fish, a bird, a fruit or a country?",),
        {"who": PEOPLE, "thing": tuple(kind_of), "when": HOURS},
        lambda words: kind_of[words["thing"]],
        "",
        tuple(KINDS),
        control=True,
    )


def _drawn(rng: random.Random, *forms: Callable[[Words], str]) -> Callable[[Words], str]:
    return rng.choice(forms)


def _solved(form: Callable[[Words], str], scene: str, places: Sequence[str], cases: Sequence[tuple[str, ...]]) -> str:
    solved = [dict(zip(places, case, strict=True)) for case in cases]
    return "\n".join(f"- {scene.format_map(words)} -> {form(words)}" for words in solved)
