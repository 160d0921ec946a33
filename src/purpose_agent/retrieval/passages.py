"""Passages of a folder's documents, found by their words.

In:  a folder, or one file, of plain text.
Out: for a question, the passages that fit it best, best first.

Ranked by BM25 in SQLite's own index, kept in memory and made anew each time. Not here: other formats, search by meaning.
"""

import re
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

from purpose_agent.core.errors import UsageError

READABLE = (".md", ".markdown", ".rst", ".txt")
MOST_CHARACTERS = 800
"""Of a passage; a paragraph that is longer is cut between words."""
MOST_FOUND = 4
# They stand in every question and in every document.
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "has",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "s",
        "that",
        "the",
        "this",
        "to",
        "us",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document; `source` is the file, as seen from the folder."""

    source: str
    text: str


class Passages:
    """The documents of a folder, to be searched.

    Args:
        path: Folders in it are read too, hidden ones and links that lead out of it are not.

    Attributes:
        files: How many were read.
        unread: Those of other formats, as seen from the folder.

    Raises:
        UsageError: There is no such folder, nothing in it can be read, or a file is not UTF-8.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        found = _files(self.path)
        readable = [file for file in found if file.suffix.lower() in READABLE]
        if not readable:
            raise UsageError(f"There are no documents at {self.path}: {', '.join(READABLE)} can be read, and none is there.")
        root = self.path if self.path.is_dir() else self.path.parent
        self.files = len(readable)
        self.unread = tuple(file.relative_to(root).as_posix() for file in found if file not in readable)
        self._passages = [
            Passage(file.relative_to(root).as_posix(), text) for file in readable for text in cut_passages(_text(file))
        ]
        self._lock = threading.Lock()
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute("CREATE VIRTUAL TABLE passages USING fts5 (source, text, tokenize = 'porter unicode61')")
        self._index.executemany(
            "INSERT INTO passages (rowid, source, text) VALUES (?, ?, ?)",
            [(number, each.source, each.text) for number, each in enumerate(self._passages)],
        )

    def __len__(self) -> int:
        return len(self._passages)

    def __repr__(self) -> str:
        return f"Passages({str(self.path)!r})"

    def search(self, question: str, limit: int = MOST_FOUND) -> tuple[Passage, ...]:
        """The passages that share words with the question, best first; () if none does."""
        words = dict.fromkeys(re.findall(r"\w+", question.casefold()))
        telling = [word for word in words if word not in _COMMON] or list(words)
        if not telling:
            return ()
        asked = " OR ".join(f'"{word}"' for word in telling)
        with self._lock:
            rows = self._index.execute(
                "SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY rank, rowid LIMIT ?", (asked, limit)
            ).fetchall()
        return tuple(self._passages[int(number)] for (number,) in rows)


def cut_passages(text: str) -> list[str]:
    """`text` in pieces of whole paragraphs, as many as fit; a heading stays with what follows it."""
    pieces: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        for part in _parts(block.strip()):
            begins = part.startswith("#")
            if pieces and not begins and len(pieces[-1]) + len(part) + 2 <= MOST_CHARACTERS:
                pieces[-1] += f"\n\n{part}"
            else:
                pieces.append(part)
    return pieces


def _parts(block: str) -> list[str]:
    parts: list[str] = []
    while len(block) > MOST_CHARACTERS:
        at = max(block.rfind(" ", 0, MOST_CHARACTERS), block.rfind("\n", 0, MOST_CHARACTERS))
        at = at if at > 0 else MOST_CHARACTERS
        parts.append(block[:at].rstrip())
        block = block[at:].lstrip()
    return [*parts, block] if block else parts


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(f"There is no folder or file {path} to read documents from.")
    root = path.resolve()
    return [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and file.resolve().is_relative_to(root)
    ]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 ({error.reason} at byte {error.start}): convert it, or take it away.") from error
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}.") from error
