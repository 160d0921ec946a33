"""The ways a text can be read before the rules see it.

In:  a text as somebody wrote it.
Out: its plain form, what is encoded in it, and what is left when a disguise of its letters is taken off.

Each piece has a longest length and all together have one, so that a text of any make takes time in proportion to its
length.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Iterator

LONGEST = 20_000
"""Characters of a lesson, its cases included. A longer one is blocked, and its first part is read for the report."""
_PIECE = 500
LEVELS = 2
"""How often what was decoded is decoded again."""

ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{2}[ :]?){8,}", re.IGNORECASE)
_ESCAPE = re.compile(r"(?:\\x|\\u00|U\+00|&#x)([0-9a-f]{2});?[ ]?", re.IGNORECASE)
_SPACED = re.compile(r"(?<!\w)(?:\w[ .*_-]){2,}\w(?!\w)")
_QUOTES = dict(zip("\u2018\u2019\u201a\u201b\u02bc\u201c\u201d", "'''''\"\"", strict=True))
# Letters of other scripts that look like Latin ones, after NFKD.
_LOOKALIKE = dict(
    zip(
        "аеорсухіјѕԁһԛԝɡɑɩıոսցӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυεικτχкмтвнАВЕКМНОРСТУХІЈЅ",
        "aeopcyxijsdhqwgaiinugiABEZHIKMNOPTYXavopueiktxkmtbhABEKMHOPCTYXIJS",
        strict=True,
    )
)


def plain(text: str) -> str:
    """Compatibility forms, accents and invisible characters resolved; white space single; case kept.

    Some characters unfold into many: what is longer than any lesson may be is cut just behind that length.
    """
    if not text.isascii():
        text = _unfolded(text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines())[: LONGEST + 1]


def _unfolded(text: str) -> str:
    """Piece by piece, so that no more is unfolded than is read."""
    pieces: list[str] = []
    room = LONGEST + 1
    for start in range(0, len(text), _PIECE):
        if room <= 0:
            break
        piece = unicodedata.normalize("NFKD", text[start : start + _PIECE])
        for c in set(piece):
            if c > "\x7f" and (c in _QUOTES or _is_invisible(c)):
                piece = piece.replace(c, _QUOTES.get(c, ""))
        pieces.append(piece)
        room -= len(pieces[-1])
    return "".join(pieces)


def _is_invisible(c: str) -> bool:
    """Whether it only changes how its neighbours look, or the order they are shown in."""
    return "\u0300" <= c <= "\u036f" or "\ufe00" <= c <= "\ufe0f" or unicodedata.category(c) == "Cf"


def folded(text: str) -> str:
    """`text` with letters of other scripts that look like Latin ones as Latin ones."""
    if not text.isascii():
        # A few characters replaced are quicker than all of them looked up.
        for c in _LOOKALIKE.keys() & set(text):
            text = text.replace(c, _LOOKALIKE[c])
    return text


def readings(text: str) -> tuple[str, ...]:
    """The ways `text` can be read, its plain form first; no two alike, and not much longer in all than the text."""
    found = [plain(text)[:LONGEST]]
    budget = 3 * len(text) + 1000
    hidden = "" if text.isascii() else "".join(chr(ord(c) - 0xE0000) for c in text if "\U000e0020" <= c < "\U000e007f")
    level = [text, hidden] if hidden else [text]
    for _ in range(LEVELS):
        inner: list[str] = []
        for source in level:
            inner += _decoded(source)
        for part in inner:
            read = plain(part[: max(0, budget)])
            if read and read not in found:
                found.append(read[:budget])
                budget -= len(read)
        level = inner
    if hidden:
        found.append(hidden)
    if _SPACED.search(text):
        words = re.split(r"\s{2,}", text[:LONGEST])
        found.append(plain(" ".join(_SPACED.sub(lambda match: re.sub(r"[ .*_-]", "", match[0]), word) for word in words)))
    return tuple(dict.fromkeys(found))


def turned(read: str) -> tuple[str, str]:
    """A plain text read backwards, and rotated by thirteen letters: only words are looked for in these."""
    return read[::-1], codecs.encode(read, "rot13")


def _decoded(text: str) -> Iterator[str]:
    """Readable text found inside encoded runs, and `text` with its escapes resolved."""
    for match in ENCODED.finditer(text):
        run = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        # A length that leaves one over has no base64 reading: the last character was not part of it.
        run = run[: len(run) - (len(run) % 4 == 1)]
        found = _readable(base64.b64decode(run + "=" * (-len(run) % 4)))
        if found:
            yield found
    for match in _HEX.finditer(text):
        digits = re.sub(r"[ :]", "", match[0])
        try:
            found = _readable(binascii.unhexlify(digits))
        except binascii.Error:
            continue
        if found:
            yield found
    resolved = html.unescape(urllib.parse.unquote(text)) if "%" in text or "&" in text else text
    resolved = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), resolved)
    if resolved != text:
        yield resolved


def _readable(data: bytes) -> str:
    """`data` as text, or "" if it doesn't look like text."""
    text = data.decode("utf-8", "ignore")
    if len(text) < 8 or len(text) <= 0.9 * len(data):
        return ""
    if text.isascii() and text.isprintable():
        return text
    printable = sum(c.isprintable() or c.isspace() for c in text)
    return text if printable > 0.9 * len(text) else ""
