"""Embedders for tests: one by words, and one to which everything is the same."""

from collections.abc import Sequence
from hashlib import sha256

from purpose_agent.memory.words import words_in


class WordEmbedder:
    """Texts with the same words are near each other; some words of its own stand for others."""

    floor = 0.3

    def __init__(self, fingerprint: str = "words/1", alike: dict[str, str] | None = None) -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []
        self._alike = alike or {}

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * 128
        for word in words_in(text):
            vector[sha256(self._alike.get(word, word).encode()).digest()[0] % 128] += 1.0
        return vector if any(vector) else [1.0] * 128


class OneVector:
    """Everything is near everything."""

    fingerprint = "one/1"
    floor = -1.0

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[1.0, 0.0, 0.0, 0.0] for _ in texts]
