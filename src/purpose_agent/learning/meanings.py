"""A rule by meaning: which answer belongs to which sort of situation, where no words decide.

In:  solved cases, an embedder.
Out: a line for each answer with the situations in which it was right; nothing where meaning tells no more than chance would.

What tells the lines apart is fitted to vectors of the situations (`retrieval/classes.py`), and judged by leaving each case out
once. So "who answers this message?" is learned from messages about bills and parcels, and holds for messages that share no word
with them. How well: docs/decisions/0046.

Not found: what depends on a number, an order, a negation, or a single word in a long text; words say that better, and are asked
first. A name that means nothing to the embedder means nothing here, nor does what stands behind the first 400 characters.
"""

from collections import Counter
from collections.abc import Sequence

from purpose_agent.core.memory import Case, Likeness, RuleLine
from purpose_agent.core.ports import Embedder
from purpose_agent.learning.cases import FEWEST_CASES
from purpose_agent.learning.induce import CHANCE, Rule, at_least
from purpose_agent.memory.meaning import MOST_CHARACTERS, MOST_EXAMPLES, as_compared, is_sure, register, vector_of
from purpose_agent.memory.scanners import may_be_kept

MOST_ANSWERS = 0.5
"""So many different answers may there be, as a part of the cases: where each has its own, they are no sorts of situations."""


def induce_by_meaning(cases: Sequence[Case], embedder: Embedder) -> tuple[Rule, ...]:
    """The rule behind `cases`, oldest first, of which the newest count; () if there is none beyond chance.

    What the scanners would block is no example. Some milliseconds for each situation that is new, and some for the fit.

    Raises:
        MissingExtra: The embedder's packages, or numpy, are not installed.
    """
    from purpose_agent.retrieval.classes import Classes

    kept = _newest(cases)
    right = Counter(case.answer for case in kept)
    if len(kept) < FEWEST_CASES or len(right) < 2 or len(right) > MOST_ANSWERS * len(kept):
        return ()
    register(embedder)
    vectors = [vector_of(embedder, case.situation) for case in kept]
    told = zip(Classes(vectors, [case.answer for case in kept]).unseen(), vectors, kept, strict=True)
    said = [
        (answer, case.answer)
        for (answer, lead, cosine), vector, case in told
        if any(vector) and is_sure(embedder, lead, cosine)
    ]
    hits = sum(answer == correct for answer, correct in said)
    given = Counter(answer for answer, _ in said)
    share = sum(count * right[answer] for answer, count in given.items()) / len(kept) ** 2
    if at_least(hits, len(kept), share) > CHANCE:
        return ()
    lines = tuple(
        RuleLine(
            (), answer, like=Likeness(tuple(case.situation for case in kept if case.answer == answer), embedder.fingerprint)
        )
        for answer in sorted(right)
    )
    return (Rule(lines, hits, len(kept)),)


def make_vectors(cases: Sequence[Case], embedder: Embedder) -> None:
    """Look at what `induce_by_meaning` will look at, so that it need not wait for the embedder: vectors are kept in memory."""
    register(embedder)
    for case in _newest(cases):
        vector_of(embedder, case.situation)


def _newest(cases: Sequence[Case]) -> list[Case]:
    """As many as a rule may have, each as far as it is compared and once, oldest first."""
    kept: dict[str, Case] = {}
    for case in reversed(cases):
        situation = as_compared(case.situation)
        if situation in kept or not may_be_kept(Case(situation, case.answer)):
            continue
        if len(kept) == MOST_EXAMPLES or sum(map(len, kept)) + len(situation) > MOST_CHARACTERS:
            break
        kept[situation] = Case(situation, case.answer)
    return [*kept.values()][::-1]
