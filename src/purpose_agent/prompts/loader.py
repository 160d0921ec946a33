"""Prompts are files: `load("reflect")` reads `reflect.md` of this folder.

A file opens with a head between two `---` lines: `for` names the code that uses it, `needs` its placeholders.
`{{name}}` is replaced in one pass, so that a value with braces in it is text and nothing else. Not here: choosing
between a large and a small model's prompt; the caller names the file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from purpose_agent.core.errors import UsageError

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_NEEDS = re.compile(r"^needs: \[(.*)\]$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text with placeholders.

    Attributes:
        version: Name and the first eight hex digits of the file's sha256, such as "reflect@1f2e3d4c".
    """

    text: str
    needs: frozenset[str]
    version: str

    def fill(self, **values: str) -> str:
        """The text with every placeholder replaced.

        Raises:
            UsageError: A placeholder has no value, or a value no placeholder.
        """
        if values.keys() != self.needs:
            raise UsageError(f"Prompt {self.version} needs {sorted(self.needs)}, not {sorted(values)}.")
        return _filled(self.text, values)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


@cache
def load(name: str) -> Prompt:
    """The prompt of that name.

    Raises:
        UsageError: There is none, it has no head, or its head and its text name different placeholders.
    """
    path = Path(__file__).with_name(f"{name}.md")
    if not path.is_file():
        raise UsageError(f"There is no prompt {name!r} in {path.parent}.")
    source = path.read_text(encoding="utf-8")
    opening, *parts = source.split("---\n", 2)
    if opening or len(parts) != 2:
        raise UsageError(f"{path.name} must open with a head between two lines of three dashes.")
    head, text = parts
    named = _NEEDS.search(head)
    needs = frozenset(filter(None, (word.strip() for word in named[1].split(",")))) if named else frozenset[str]()
    used = frozenset(_PLACEHOLDER.findall(text))
    if needs != used:
        raise UsageError(f"{path.name} says it needs {sorted(needs)} and uses {sorted(used)}.")
    return Prompt(text.strip(), needs, f"{name}@{sha256(source.encode()).hexdigest()[:8]}")
