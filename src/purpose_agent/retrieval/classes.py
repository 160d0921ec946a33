"""Which of a few answers belongs to a text, by its meaning: ridge regression on vectors.

In:  vectors of texts whose answers are known.
Out: for another vector, a number for each answer, near 1 where it is right; and the same for each known text as if it were unknown.

One weight for each number of the vector and each answer, found in the dual form: the cost grows with the texts, not with the
length of the vectors. What a text's own answer adds to its number is taken out exactly, so that leaving each out once needs no
second fit (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 7.10). It needs numpy, which comes with the
extra `embed`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from purpose_agent.core.errors import MissingExtra

if TYPE_CHECKING:
    import numpy

RIDGE = 0.3


class Classes:
    """Weights for each answer.

    Args:
        vectors: Of length 1, at least one.
        answers: One for each.

    Raises:
        MissingExtra: The extra `embed` is not installed.
    """

    def __init__(self, vectors: Sequence[Sequence[float]], answers: Sequence[str]) -> None:
        try:
            import numpy
        except ImportError as error:
            raise MissingExtra("Rules by meaning need an extra: pip install 'purpose-agent[embed]'.") from error
        self._answers = tuple(answers)
        self.names = tuple(sorted(set(answers)))
        self._known = numpy.asarray(vectors, dtype=numpy.float64)
        told = numpy.array([[float(answer == name) for name in self.names] for answer in answers])
        # With 1 for what all texts have in common.
        alike = self._known @ self._known.T + 1.0
        inverse = numpy.linalg.inv(alike + RIDGE * numpy.eye(len(answers)))
        self._weights = inverse @ told
        self._unseen = told - self._weights / numpy.diag(inverse)[:, None]

    def of(self, vector: Sequence[float]) -> tuple[tuple[str, float], tuple[tuple[int, float], ...]]:
        """The answer and its lead on the second best (infinite if there is none); the known texts with their cosines, best first."""
        import numpy

        alike = self._known @ numpy.asarray(vector, dtype=numpy.float64)
        nearest = numpy.argsort(-alike, kind="stable")
        return self._best((alike + 1.0) @ self._weights), tuple((int(number), float(alike[number])) for number in nearest)

    def unseen(self) -> tuple[tuple[str, float, float], ...]:
        """Of each known text, by all the others: the answer, its lead, and the cosine of the nearest that has that answer (−1: none)."""
        return tuple(self._told(number) for number in range(len(self._answers)))

    def _told(self, number: int) -> tuple[str, float, float]:
        answer, lead = self._best(self._unseen[number])
        alike = self._known @ self._known[number]
        others = [place for place, other in enumerate(self._answers) if other == answer and place != number]
        return answer, lead, max((float(alike[place]) for place in others), default=-1.0)

    def _best(self, scores: "numpy.ndarray") -> tuple[str, float]:
        ordered = sorted(zip(map(float, scores), self.names, strict=True), reverse=True)
        lead = ordered[0][0] - ordered[1][0] if len(ordered) > 1 else float("inf")
        return ordered[0][1], lead
