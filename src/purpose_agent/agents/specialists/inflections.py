"""Which words are forms of one word: "tests", "tested" and "testing" of "test"; never "latest", "contest" or "tester".

In:  a word in lower case.
Out: the forms it could be of; two words are one if these have something in common.

English, by a few rules and a short list of irregular forms. Words that are made from others ("analysis" from "analyze") are
other words here: whoever means both names both.
"""

import re
from functools import lru_cache

_IRREGULAR = {
    "wrote": "write",
    "written": "write",
    "built": "build",
    "ran": "run",
    "found": "find",
    "drew": "draw",
    "drawn": "draw",
    "sold": "sell",
    "bought": "buy",
    "taught": "teach",
    "made": "make",
    "sent": "send",
    "paid": "pay",
    "spoke": "speak",
    "spoken": "speak",
    "analyses": "analysis",
    "theses": "thesis",
    "hypotheses": "hypothesis",
    "matrices": "matrix",
    "indices": "index",
    "criteria": "criterion",
    "people": "person",
    "children": "child",
}
_VOWELS = "aeiouy"
_SHORT = re.compile(rf"[^{_VOWELS}]*[{_VOWELS}][^{_VOWELS}wx]")
"""One syllable that ends in a single consonant: with an ending it doubles that, as "plan" in "planning"."""
_SIBILANT = ("s", "x", "z", "ch", "sh", "o")


@lru_cache(maxsize=10_000)
def forms_of(word: str) -> frozenset[str]:
    """The word itself, and the words that it could be a form of."""
    found = {word}
    if word in _IRREGULAR:
        found.add(_IRREGULAR[word])
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        found.add(word[:-1])
        if word.endswith("ies") and len(word) > 4:
            found.add(f"{word[:-3]}y")
        if word.endswith("es") and word[:-2].endswith(_SIBILANT):
            found.add(word[:-2])
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            found |= _before(word[: -len(ending)], ending)
    return frozenset(spelled for form in found for spelled in (form, _american(form)))


def is_form(word: str, other: str) -> bool:
    """Whether both are forms of one word."""
    return not forms_of(word).isdisjoint(forms_of(other))


def _before(stem: str, ending: str) -> set[str]:
    """What a word was before it got its ending."""
    if not any(letter in _VOWELS for letter in stem):
        return set()  # "thing", "spring"
    found = {f"{stem}e"}
    if ending == "ed" and stem.endswith("i"):
        found.add(f"{stem[:-1]}y")
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in _VOWELS:
        found.add(stem[:-1])
    if _SHORT.fullmatch(stem) is None:
        found.add(stem)
    return found


def _american(word: str) -> str:
    return re.sub(r"(?<=[a-z]{3})(?:yse|ise)$", lambda ending: ending[0][0] + "ze", word)
