"""The words of a text: which of them tell something, and their rough stems.

In:  a text.
Out: its words without stop words, the telling ones apart from those that most tasks have.

Stems are rough and English; a language written without spaces is matched poorly. Recall looks memories up by them;
`learning/` compares lessons and goals by them.
"""

import re
from functools import lru_cache

LONGEST = 4_000
"""Characters of a text that are looked at."""
_WORD = re.compile(r"[^\W_]{2,40}")
_STOP_TEXT = (
    "a an and any are as at be been before being but by can could did do does doing done each every few for from had has have having he her"
    " here him his how i if in into is it its just like may me might more most must my need no nor not of off on once one only or other our"
    " out over own same shall she should so some such than that the their them then there these they this those through to too two under"
    " until up very was we were what when where which while who whom whose why will with would you your"
)
_COMMON_TEXT = (
    "write writing written function functions code coding python program return returns returning returned use uses used using make makes"
    " making create creates creating"
    " implement implementing implemented give given gives giving value values answer answers answering answered"
    " question questions task tasks problem problems"
    " solution solutions solve solving result results find finding called call calls name named"
    " input inputs output outputs get gets getting new first last work working following please handle handling situation case cases"
    " asked ask agent user"
)
STOP = frozenset(_STOP_TEXT.split())
COMMON = frozenset(_COMMON_TEXT.split())
"""Words that most tasks have, whatever they are about: they find, but they don't tell."""
_SUFFIXES = (
    "ations", "ation", "ively", "ically", "ments", "ment", "ings", "ing", "ives", "ive", "ions", "ion", "ers", "ies", "er", "ed", "ly",
    "es", "al", "ic", "s", "e", "y",
)  # fmt: skip


def words_in(text: str) -> tuple[str, ...]:
    """The different words of `text` in order, those first that tell something, without stop words."""
    words = [word for word in dict.fromkeys(_WORD.findall(text.casefold())) if word not in STOP]
    return tuple(sorted(words, key=COMMON.__contains__))


@lru_cache(maxsize=4096)
def stems_of(text: str) -> tuple[frozenset[str], bool]:
    """The stems of its telling words and True; or those of its common words and False, if it has no others."""
    words = words_in(text[:LONGEST])
    telling = [word for word in words if word not in COMMON]
    return frozenset(map(stem, telling or words)), bool(telling)


def likeness(one: str, other: str) -> float:
    """Which part of the telling stems of two texts is in both, 0 to 1."""
    mine, its = stems_of(one)[0], stems_of(other)[0]
    return len(mine & its) / len(mine | its) if mine | its else 0.0


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
    """A rough stem: `recursive` and `recursively` are one word, `dates` and `date` too."""
    for suffix in _SUFFIXES:
        if len(word) - len(suffix) >= 3 and word.endswith(suffix):
            return word[: -len(suffix)]
    return word
