"""A text as the numbers of its word pieces, the way uncased BERT models read it.

In:  a text, the model's vocabulary.
Out: numbers of pieces.

After Devlin et al. 2018 (https://arxiv.org/abs/1810.04805): lower case, no accents, punctuation and CJK characters alone,
the longest piece first. Instead of the `tokenizers` package, which brings ten others; its numbers are the same, but for
characters that are newer than its tables, and for texts that name special pieces ("[SEP]"), which are only words here.

`minilm_vocab.txt` is the publisher's `vocab.txt` of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), unchanged:
sha256 07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import islice

FIRST, LAST, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
LONGEST_WORD = 100
"""Characters; a longer word is one unknown piece."""
_CJK = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, int]:
    """The number of each piece."""
    lines = (files("purpose_agent.retrieval") / "minilm_vocab.txt").read_text(encoding="utf-8").split("\n")
    return {piece: number for number, piece in enumerate(lines) if piece}


def pieces_of(text: str, *, most: int) -> list[int]:
    """The numbers of the pieces of `text`, with the marks at its beginning and its end; at most `most`, 2 and above."""
    known = vocabulary()
    pieces = (number for word in _words(text) for number in _pieces(word, known))
    return [known[FIRST], *islice(pieces, most - 2), known[LAST]]


def _words(text: str) -> Iterator[str]:
    for part in "".join(map(_cleaned, text)).split():
        word = ""
        for character in unicodedata.normalize("NFD", part.lower()):
            if unicodedata.category(character) == "Mn":
                continue
            if _stands_alone(character):
                if word:
                    yield word
                yield character
                word = ""
            else:
                word += character
        if word:
            yield word


def _pieces(word: str, known: Mapping[str, int]) -> list[int]:
    if len(word) > LONGEST_WORD:
        return [known[UNKNOWN]]
    found: list[int] = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((end for end in range(len(word), start, -1) if mark + word[start:end] in known), 0)
        if not end:
            return [known[UNKNOWN]]
        found.append(known[mark + word[start:end]])
        start = end
    return found


def _cleaned(character: str) -> str:
    """Itself; white space as one blank, nothing of what can't be seen, and blanks around what is a word by itself."""
    if character in "\t\n\r" or unicodedata.category(character) == "Zs":
        return " "
    if character in "\0\ufffd" or unicodedata.category(character)[0] == "C":
        return ""
    return f" {character} " if any(low <= ord(character) <= high for low, high in _CJK) else character


def _stands_alone(character: str) -> bool:
    code = ord(character)
    ascii_sign = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_sign or unicodedata.category(character).startswith("P")
