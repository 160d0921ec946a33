"""The words that house rules are about, and the words around them that decide nothing.

Also how a table of answers is dealt, and how it is said in words.
"""

import random
from collections.abc import Mapping

PEOPLE = ("the miller", "a sailor", "the baker", "a pilgrim", "the schoolteacher", "a twin", "the piper", "an old farmer")
DAYS = ("on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday", "on Saturday")
HOURS = ("at dawn", "before noon", "after lunch", "at dusk", "late at night")
LOOKS = ("dusty", "polished", "crooked", "plain", "painted", "broken", "tiny", "splendid")
PLACES = ("bakery", "courtyard", "orchard", "chapel", "stable", "quarry", "workshop", "mill")

MESSAGES = {
    "payments": (
        "I was charged twice for the same order.",
        "Please send me last month's invoice again.",
        "My credit card was refused at the checkout.",
        "Why is the amount on my bill higher than before?",
        "I'd like to pay by bank transfer instead.",
        "When will the money be back on my account?",
        "The discount was not taken off the price.",
        "Can I pay in three instalments?",
        "There is a fee on my statement that I don't understand.",
        "You took 40 euros too much from me.",
        "I still haven't received my refund.",
        "Do your prices include tax?",
        "My receipt shows the wrong total.",
        "I want to change the card that is charged each month.",
        "The payment went through but the bill says unpaid.",
        "How much do I owe you?",
    ),
    "delivery": (
        "My parcel was supposed to arrive two days ago.",
        "The courier left the box at the wrong house.",
        "Where is my package right now?",
        "Can you ship it to my office instead?",
        "The tracking page has not moved since Friday.",
        "Do you deliver to the islands?",
        "Nobody rang the bell, yet the driver says I was out.",
        "How long does shipping to Norway take?",
        "I need the shipment by Saturday.",
        "The van never came.",
        "Could the postman put it behind the fence?",
        "My parcel seems to be stuck at customs.",
        "I gave the wrong street number for the delivery.",
        "Only one of the two boxes has been delivered.",
        "Which carrier brings the package?",
        "Please hold the shipment until we are home again.",
    ),
    "passwords": (
        "I can't log in any more.",
        "I forgot my password.",
        "The code for signing in never reaches my phone.",
        "My account is locked after three attempts.",
        "How do I change my user name?",
        "Somebody else has been signing in with my account.",
        "The link to reset the password has expired.",
        "It says my e-mail address is not registered.",
        "Please delete my login.",
        "I get 'wrong password' although it is right.",
        "How do I turn on two-step sign-in?",
        "My account was hacked.",
        "I lost the phone that I log in with.",
        "The login page keeps sending me back to the start.",
        "Can two people share one account and password?",
        "I want to sign in with another e-mail address.",
    ),
    "jobs": (
        "Are you hiring at the moment?",
        "I'd like to send you my application.",
        "Is the position of a night guard still open?",
        "Do you take interns in summer?",
        "What salary do you offer to beginners?",
        "When will I hear back about my job interview?",
        "I attach my CV.",
        "I would love to work for you.",
        "Is it possible to work part-time with you?",
        "My daughter is looking for an apprenticeship.",
        "To whom do I address my cover letter?",
        "Which qualifications does a new employee need?",
        "I applied for the vacancy three weeks ago.",
        "Do you have openings for drivers?",
        "Can I do the job interview by telephone?",
        "I worked as a carpenter and seek employment.",
    ),
}
"""What customers write, by what it is about."""

KINDS = {
    "fish": ("salmon", "trout", "herring", "tuna", "cod", "carp", "sardine", "mackerel"),
    "bird": ("eagle", "sparrow", "owl", "pigeon", "robin", "seagull", "parrot", "crow"),
    "fruit": ("apple", "banana", "cherry", "pear", "grape", "peach", "mango", "orange"),
    "country": ("France", "Japan", "Brazil", "Egypt", "Canada", "Norway", "Kenya", "Spain"),
}
"""What every model knows."""

FIRST = ("Adele", "Bruno", "Carla", "Dario", "Emma", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Leo")
LAST = ("Albers", "Brandt", "Conti", "Dupont", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanov", "Jansen", "Keller", "Lopez")
THINGS = ("umbrella", "scarf", "wallet", "suitcase", "camera", "violin", "helmet", "lantern", "blanket", "teapot")
MONTHS = ("January", "March", "April", "June", "July", "September", "October", "December")


def dealt(rng: random.Random, several: tuple[str, ...], answers: tuple[str, ...]) -> dict[str, str]:
    """Each of `several` with an answer, all answers as often as possible."""
    shuffled = rng.sample(answers, len(answers))
    return {each: shuffled[number % len(answers)] for number, each in enumerate(rng.sample(several, len(several)))}


def lines(rule: Mapping[str, str], form: str = "{}") -> str:
    """A table as text: "- red door -> push"."""
    return "\n".join(f"- {form.format(each)} -> {answer}" for each, answer in sorted(rule.items()))
