"""Whether two lessons say the same to the same, as far as that can be told without understanding them.

In:  a lesson.
Out: a hash, equal for two of them.
"""

import hashlib
import json
import unicodedata

from purpose_agent.core.memory import Lesson


def fingerprint(lesson: Lesson) -> str:
    """Equal for two lessons that say the same to the same: case, white space and the order of scope don't count."""
    parts: list[object] = [
        _normal(lesson.when),
        _normal(lesson.then),
        sorted([_normal(case.situation), _normal(case.answer)] for case in lesson.cases),
        sorted(lesson.scope.agents),
        sorted(lesson.scope.families),
    ]
    # What came later is added where it is set only: the fingerprints of lessons from before stay as they are.
    if lesson.lines:
        parts.append([_normal(line.text) for line in lesson.lines])
    if any(line.like is not None for line in lesson.lines):
        parts.append([[line.like.embedder, *map(_normal, line.like.examples)] if line.like else [] for line in lesson.lines])
    narrower = {"users": lesson.scope.users, "tools": lesson.scope.tools, "teams": lesson.scope.teams}
    parts += [[name, *sorted(values)] for name, values in narrower.items() if values]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
