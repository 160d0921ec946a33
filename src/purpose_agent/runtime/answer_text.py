"""The answer's text out of a JSON object that is still being written.

In:  the object, piece by piece, as models write it that act by JSON: {"answer": "…"}.
Out: the text between the quotes, as far as it is certain. Nothing for any other object: a call, a judgement.
"""

import json
import re

_OPENS = re.compile(r'\s*\{\s*"answer"\s*:\s*"')
_CERTAIN = re.compile(
    r"""(?:[^"\\]|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}(?=[^\\]|\\.{5}))*""",
    re.DOTALL,
)
"""Letters and whole escapes. The first half of a character is certain once it is known what comes after it."""


class AnswerText:
    """One answer, while it arrives."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str) -> str:
        """The part of the answer's text that `piece` makes certain."""
        self._held += piece
        if not self._inside:
            opened = _OPENS.match(self._held)
            if opened is None:
                return ""
            self._inside = True
            self._held = self._held[opened.end() :]
        found = _CERTAIN.match(self._held)
        raw = found[0] if found else ""
        # What stops it is the closing quote, where all that follows is no text, or an escape that is not whole yet.
        self._held = self._held[len(raw) :]
        text: str = json.loads(f'"{raw}"', strict=False)
        return text.encode("utf-8", "replace").decode("utf-8")
