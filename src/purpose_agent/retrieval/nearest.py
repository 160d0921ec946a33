"""The nearest of many vectors.

In:  numbered vectors of length 1, each in a group; a vector to compare with, and the groups that count.
Out: the numbers of the nearest, with their cosines.

Up to `EXACT` vectors each is compared. Of more, those are whose signs agree best, `RESCORED` of them: a sixteenth of the
time; now and then a near one is missed. All of it is in memory: 1.6 kB for a vector of 384 numbers.
"""

from collections.abc import Collection, Sequence
from typing import Any

from purpose_agent.core.errors import MissingExtra

EXACT = 4_096
RESCORED = 2_048
_FIRST = 256
_WORD = 64


class Nearest:
    """Vectors of one length, in memory. One owner; not for several threads at once."""

    def __init__(self) -> None:
        try:
            import numpy
        except ImportError as error:
            raise MissingExtra("Vectors need an extra: pip install 'purpose-agent[embed]'.") from error
        self._np: Any = numpy
        self._places: dict[int, int] = {}
        self._numbers: Any = numpy.zeros(0, numpy.int64)
        self._groups: Any = numpy.zeros(0, numpy.int32)
        self._vectors: Any = numpy.zeros((0, 0), numpy.float32)
        self._signs: Any = numpy.zeros((0, 0), numpy.uint64)
        self._used = 0

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def put(self, numbers: Sequence[int], groups: Sequence[int], vectors: Sequence[bytes]) -> None:
        """Add vectors, or others in the place of those that have these numbers.

        Args:
            vectors: As `packed` makes them, all of one length.
        """
        if not numbers:
            return
        for number in numbers:
            self.drop(number)
        added = self._np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(numbers), -1)
        first, self._used = self._used, self._used + len(numbers)
        self._grow(added.shape[1])
        self._vectors[first : self._used] = added
        self._signs[first : self._used] = self._signs_of(added)
        self._numbers[first : self._used] = numbers
        self._groups[first : self._used] = groups
        self._places.update({number: first + place for place, number in enumerate(numbers)})

    def drop(self, number: int) -> None:
        """Forget a vector, if it is there."""
        place = self._places.pop(number, None)
        if place is not None:
            self._groups[place] = -1

    def to(self, vector: bytes, groups: Collection[int], *, most: int, floor: float) -> list[tuple[int, float]]:
        """The nearest that are in one of `groups`, nearest first, at most `most`, each with a cosine of at least `floor`."""
        np = self._np
        counted = self._counted(groups)
        if not counted.any():
            return []
        query = np.frombuffer(vector, dtype="<f4")
        if self._used <= EXACT:
            places = np.flatnonzero(counted)
        else:
            differing = np.bitwise_count(self._signs[: self._used] ^ self._signs_of(query[None, :])[0]).sum(
                axis=1, dtype=np.int32
            )
            differing[~counted] = 1 << 30
            places = np.argpartition(differing, RESCORED)[:RESCORED] if self._used > RESCORED else np.arange(self._used)
            places = places[counted[places]]
        cosines = self._vectors[places] @ query
        near = cosines >= floor
        places, cosines = places[near], cosines[near]
        best = np.lexsort((self._numbers[places], -cosines))[:most]
        return [(int(self._numbers[places[each]]), float(cosines[each])) for each in best]

    def cosine(self, vector: bytes, number: int) -> float | None:
        """With one of them; None if it is not there."""
        place = self._places.get(number)
        return None if place is None else float(self._vectors[place] @ self._np.frombuffer(vector, dtype="<f4"))

    def _counted(self, groups: Collection[int]) -> Any:
        table = self._np.zeros(2 + max(groups, default=0), bool)  # the last one is -1, which is of no group
        table[list(groups)] = True
        known = self._np.minimum(self._groups[: self._used], len(table) - 1)
        return table[known]

    def _grow(self, length: int) -> None:
        room = len(self._numbers)
        if self._used <= room and self._vectors.shape[1] == length:
            return
        np, room = self._np, max(_FIRST, 2 * self._used)
        kept = len(self._numbers)

        def grown(old: Any, shape: tuple[int, ...]) -> Any:
            new = np.zeros(shape, old.dtype)
            if kept:
                new[:kept] = old
            return new

        self._numbers, self._groups = grown(self._numbers, (room,)), grown(self._groups, (room,))
        self._vectors = grown(self._vectors, (room, length))
        self._signs = grown(self._signs, (room, -(-length // _WORD)))

    def _signs_of(self, vectors: Any) -> Any:
        """One bit for each number, 64 of them a word."""
        np = self._np
        bits = np.packbits(vectors > 0, axis=1)
        padded = np.zeros((len(bits), -(-vectors.shape[1] // _WORD) * 8), np.uint8)
        padded[:, : bits.shape[1]] = bits
        return padded.view(np.uint64)


def packed(vector: Sequence[float]) -> bytes:
    """A vector as it is stored: float32, little endian, of length 1.

    Raises:
        ValueError: It has no direction.
    """
    import struct
    from math import isfinite, sqrt

    length = sqrt(sum(number * number for number in vector))
    if not isfinite(length) or length == 0:
        raise ValueError(f"A vector of length {length} has no direction.")
    return struct.pack(f"<{len(vector)}f", *(number / length for number in vector))
