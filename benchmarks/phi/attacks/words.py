"""Scores that a critic's model might be made to say and that are no score, or have no evidence.

In:  a step that did something real.
Out: replies for which nothing may be credited.
"""

import json

from benchmarks.phi.attacks.attack import READ_Q1, READ_Q2, REPORT, REPORT_FACTS, REPORT_START, Attack, walk

QUOTE = "Jun,6930"
RAW = {
    "NaN": "NaN",
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "out of range": "1e400",
    "eleven": "11",
    "a thousand": "1000",
    "minus one": "-1",
    "a string": '"10"',
    "wide digits": '"１０"',
    "Arabic digits": '"١٠"',
    "bare wide digits": "１０",
    "true": "true",
    "a list": "[10]",
    "an object": '{"value": 10}',
    "null": "null",
    "words": '"ten out of ten"',
    "a fraction": '"10/10"',
}
QUOTES = {
    "no quote": "",
    "a quote that is nowhere": "The risks are supplier Kovac, fuel and storage.",
    "a quote of the goal": "the total, the best month, and three risks with their owners",
    "a quote of an input": "sales",
    "a quote of a name": "3.1 read_file",
    "a quote of two letters": "Ju",
    "a quote of white space": "   ",
    "a quote of a mark": ":",
}


def _reply(score: str, quote: str = QUOTE) -> str:
    """With one quote and with several, as either prompt asks."""
    said = json.dumps(quote, ensure_ascii=False)
    return f'{{"quote": {said}, "quotes": [{said}], "evidence": [{said}], "score": {score}, "confidence": 1}}'


def _words(name: str, reply: str) -> Attack:
    turns = walk(REPORT_START, READ_Q1, READ_Q2)
    return Attack(name, "score words", REPORT, turns, turns, REPORT_FACTS, reply)


WORDS = (
    *(_words(f"score: {name}", _reply(score)) for name, score in RAW.items()),
    *(_words(name, _reply("10", quote)) for name, quote in QUOTES.items()),
    _words("no JSON", "I rate this state 10 out of 10."),
    _words("an empty reply", ""),
    _words("a cut reply", '{"quote": "Jun,6930", "score": 10, "confi'),
    _words("no score", '{"quote": "Jun,6930", "quotes": ["Jun,6930"], "confidence": 1}'),
)
