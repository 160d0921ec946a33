"""The families of house rules.

In:  random numbers that a rule is drawn from.
Out: a `Family`: its scenes, what is right in each, and the rule in words.

Each function's name is its family's. What is not claimed: that any of these can be found by a given learner. "crates" needs
numbers compared, "alarms" an order of words, and the three forms are written, not chosen.
"""

import random
from collections.abc import Callable, Mapping

from benchmarks.learning.worlds.forms import coins, dates, ferries, kinds, names, tickets
from benchmarks.learning.worlds.rules import Family, Words
from benchmarks.learning.worlds.wording import DAYS, HOURS, LOOKS, MESSAGES, PEOPLE, PLACES, dealt, lines

COLOURS, DECKS = ("white", "purple"), ("upper", "lower")


def doors(rng: random.Random) -> Family:
    """One rule: the colour of a door decides."""
    acts = ("push", "lift", "kick", "turn", "wait")
    rule = dealt(rng, ("red", "blue", "green", "yellow", "black"), acts)
    return Family(
        "doors",
        "one rule",
        ("{who} stands before a {look} {colour} door of the {place} {when}.", "{when}, {who} meets a {look} {colour} door."),
        {"who": PEOPLE, "look": LOOKS, "colour": tuple(rule), "place": PLACES, "when": HOURS},
        lambda words: rule[words["colour"]],
        lines(rule, "{} door"),
        acts,
    )


def parcels(rng: random.Random) -> Family:
    """One rule, and two words for one of the answers: where a parcel goes decides the colour of its sack."""
    sacks = ("amber", "coral", "ivory", "olive")
    rule = dealt(rng, ("Lisbon", "Oslo", "Vienna", "Dublin", "Prague"), sacks)
    return Family(
        "parcels",
        "one rule",
        (
            "{who} brings a {look} parcel to {city} to the {place} {day}.",
            "{day}, {who} hands in a {look} parcel to {city}.",
        ),
        {"who": PEOPLE, "look": LOOKS, "city": tuple(rule), "place": PLACES, "day": DAYS},
        lambda words: rule[words["city"]],
        lines(rule, "parcel to {}"),
        sacks,
    )


def desks(rng: random.Random) -> Family:
    """One rule about meaning: what a message is about decides who reads it. Exam messages are never seen in training."""
    readers = ("Anna", "Boris", "Clara", "David")
    rule = dealt(rng, tuple(MESSAGES), readers)
    topic_of = {message: topic for topic, several in MESSAGES.items() for message in several}
    return Family(
        "desks",
        "one rule",
        ('{who} writes {day}: "{message}" Who answers it?', 'a note from {who}, {when}: "{message}" Who answers it?'),
        {"who": PEOPLE, "day": DAYS, "when": HOURS, "message": tuple(topic_of)},
        lambda words: rule[topic_of[words["message"]]],
        lines(rule, "a message about {}"),
        readers,
        apart=("message",),
    )


def lamps(rng: random.Random) -> Family:
    """Interacting: colour and deck decide together; neither alone does."""
    signals = ("ring", "shout", "row", "sail")
    rule = dealt(rng, tuple(f"{colour} lamp on the {deck} deck" for colour in COLOURS for deck in DECKS), signals)
    return Family(
        "lamps",
        "interacting",
        ("{day}, {who} sees a {colour} lamp on the {deck} deck.", "{who} reports a {colour} lamp on the {deck} deck {when}."),
        {"who": PEOPLE, "day": DAYS, "when": HOURS, "colour": COLOURS, "deck": DECKS},
        lambda words: rule[f"{words['colour']} lamp on the {words['deck']} deck"],
        lines(rule),
        signals,
    )


def teas(rng: random.Random) -> Family:
    """Interacting: a table of herbs and complaints."""
    cups = ("glass", "bowl", "mug", "flask")
    rule = dealt(
        rng, tuple(f"{herb} for {ill}" for herb in ("mint", "sage", "lime") for ill in ("cough", "fever", "worry")), cups
    )
    return Family(
        "teas",
        "interacting",
        ("{who} asks for {herb} for {ill} {when}.", "{day}, {who} in the {place} wants {herb} for {ill}."),
        {
            "who": PEOPLE,
            "when": HOURS,
            "day": DAYS,
            "place": PLACES,
            "herb": ("mint", "sage", "lime"),
            "ill": ("cough", "fever", "worry"),
        },
        lambda words: rule[f"{words['herb']} for {words['ill']}"],
        lines(rule),
        cups,
    )


def keys(rng: random.Random) -> Family:
    """Exception: the metal decides, but for one person something else does."""
    hooks = ("north", "south", "east", "west", "drawer")
    special = rng.choice(PEOPLE)
    rule = dealt(rng, ("copper", "silver", "steel", "brass"), hooks[:4])
    return Family(
        "keys",
        "exception",
        ("{who} returns a {look} {metal} key {when}.", "a {look} {metal} key is returned by {who} {day}."),
        {"who": PEOPLE, "look": LOOKS, "metal": tuple(rule), "when": HOURS, "day": DAYS},
        lambda words: "drawer" if words["who"] == special else rule[words["metal"]],
        lines(rule, "{} key") + f"\n- any key at all returned by {special} -> drawer",
        hooks,
    )


def boats(rng: random.Random) -> Family:
    """Exception: the sail decides, but in one kind of weather something else does."""
    piers = ("first", "second", "third", "fourth", "beach")
    skies = ("fog", "rain", "sunshine", "snow")
    rule, special = dealt(rng, ("striped", "patched", "square", "torn"), piers[:4]), rng.choice(skies)
    return Family(
        "boats",
        "exception",
        (
            "{who} steers a {look} boat with a {sail} sail in {sky}.",
            "{day}, a {look} boat with a {sail} sail arrives in {sky}.",
        ),
        {"who": PEOPLE, "look": LOOKS, "sail": tuple(rule), "sky": skies, "day": DAYS},
        lambda words: "beach" if words["sky"] == special else rule[words["sail"]],
        lines(rule, "{} sail") + f"\n- any sail at all in {special} -> beach",
        piers,
    )


def crates(rng: random.Random) -> Family:
    """Numbers: the weight decides. Words can't say it, so this one is hard for lookup and for small models."""
    movers = ("hand", "cart", "crane", "mule")
    answers = rng.sample(movers, len(movers))
    low, middle, high = rng.randint(15, 25), rng.randint(40, 55), rng.randint(70, 80)

    def decide(words: Words) -> str:
        kilos = int(words["kilos"])
        return answers[(kilos > low) + (kilos > middle) + (kilos > high)]

    bounds = (f"up to {low}", f"{low + 1} to {middle}", f"{middle + 1} to {high}", f"more than {high}")
    return Family(
        "crates",
        "numbers",
        ("{who} has a {look} crate of {kilos} kg {when}.", "{day}, a crate of {kilos} kg stands in the {place}."),
        {
            "who": PEOPLE,
            "look": LOOKS,
            "when": HOURS,
            "day": DAYS,
            "place": PLACES,
            "kilos": tuple(str(kilos) for kilos in range(2, 100)),
        },
        decide,
        "\n".join(f"- crate of {bound} kg -> {answer}" for bound, answer in zip(bounds, answers, strict=True)),
        movers,
    )


def alarms(rng: random.Random) -> Family:
    """Priority: of several things reported, the one that comes first in the house's order decides."""
    calls = ("bell", "drum", "horn", "flag")
    order: list[str] = rng.sample(("smoke", "flood", "thieves", "wolves", "hail"), 5)
    rule = dict(zip(order, (*rng.sample(calls, len(calls)), calls[0]), strict=True))
    pairs = tuple(f"{one} and {other}" for one in order for other in order if one != other)
    return Family(
        "alarms",
        "priority",
        ("{who} reports {both} in the {place} {when}.", "{day}, there are {both} near the {place}, says {who}."),
        {"who": PEOPLE, "place": PLACES, "when": HOURS, "day": DAYS, "both": pairs},
        lambda words: rule[min(words["both"].split(" and "), key=order.index)],
        "\n".join(
            f"- {'whenever there is ' if not number else f'no {_listed(order[:number])}, but '}{seen} -> {rule[seen]}"
            for number, seen in enumerate(order[:-1])
        ),
        calls,
    )


def seals(rng: random.Random) -> Family:
    """Default: three seals have an answer of their own, anything else has the fourth."""
    shelves = ("oak", "pine", "birch", "maple")
    beasts: tuple[str, ...] = ("lion", "swan", "bear", "stag", "wolf", "goat", "crab", "horse", "snake", "whale")
    named: list[str] = rng.sample(beasts, 3)
    *own, default = rng.sample(shelves, len(shelves))
    rule: dict[str, str] = dict(zip(named, own, strict=True))
    return Family(
        "seals",
        "default",
        (
            "{who} hands over a {look} letter with the seal of a {beast} {when}.",
            "{day}, a letter arrives with the seal of a {beast}.",
        ),
        {"who": PEOPLE, "look": LOOKS, "beast": beasts, "when": HOURS, "day": DAYS},
        lambda words: rule.get(words["beast"], default),
        lines(rule, "seal of a {}") + f"\n- any other seal -> {default}",
        shelves,
    )


def _listed(several: list[str]) -> str:
    return " and no ".join(several)


FAMILIES: Mapping[str, Callable[[random.Random], Family]] = {
    family.__name__: family
    for family in (
        doors,
        parcels,
        desks,
        lamps,
        teas,
        keys,
        boats,
        crates,
        alarms,
        seals,
        names,
        dates,
        tickets,
        ferries,
        coins,
        kinds,
    )
}
"""All families by name; the last two are the controls."""
