"""What members of a team hand on: typed, short, and the same however long the work before was.

In:  a member's answer.
Out: an artefact; what the next member is shown of it; JSON for the record.

An artefact is read from the answer by code alone: a run that goes on reads the same again. A citation is a number in brackets, "[2]".
Whether it names a source is looked up; whether the source says so is not known here.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from purpose_agent.core.codec import Tagged, from_json, to_json
from purpose_agent.core.messages import Json

Makes: TypeAlias = Literal["plan", "code", "findings", "conclusion", "draft"]
"""What a member's answer is read as."""

MOST_SHOWN = 12_000
"""Characters of an artefact that the next member is shown."""
MOST_STEPS = 8
MOST_STEP = 240
MOST_FACTS = 40
MOST_FAILURES = 2_000

NO_SOURCE = "(no source)"
NOTHING_FOUND = "No passage of the documents was found for this; no source is cited."
FROM_MEMORY = "None of this has a source; it is what the model remembers."

_CITED = re.compile(
    r"```(?!(?:md|markdown|text|txt)\b)\w+.*?```|`[^`\n]*[^`\n\[\]\d,\s][^`\n]*`|\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]", re.DOTALL
)
"""A citation; or code, which is passed over and has no group. A fence without a language may be prose, and "`[1]`" is a citation."""
_BULLET = re.compile(r"^(?:[-*•]\s+|\d{1,2}[.)]\s+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """The architect's: how to do it."""

    steps: tuple[str, ...]
    kind: Literal["plan"] = "plan"


@dataclass(frozen=True, slots=True)
class Code:
    """The coder's: Python, without the words around it."""

    source: str
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Checked:
    """The tester's.

    Attributes:
        by: What judged: "checks" of the task, a "run" of the code alone, "limits" that stopped that run, "assertions" of the critic, or
            "nobody".
        failed: One line for each failure; "" if there is none.
    """

    by: Literal["checks", "run", "limits", "assertions", "nobody"]
    failed: str = ""
    kind: Literal["checked"] = "checked"


@dataclass(frozen=True, slots=True)
class Refutation:
    """What the tester has against the answer that a team ends with.

    Attributes:
        is_proof: It failed its checks, or does not run; else it is a suspicion, and nobody knows.
        why: In words.
    """

    is_proof: bool
    why: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of findings.

    Attributes:
        sources: Numbers of the sources it cites.
        unknown: Numbers it cites, and no source has.
    """

    text: str
    sources: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """The researcher's.

    Attributes:
        known: How many sources there were to cite, numbered from 1.
        left_out: How many more facts there were.
    """

    facts: tuple[Fact, ...]
    known: int = 0
    left_out: int = 0
    kind: Literal["findings"] = "findings"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was made of findings or sources.

    Attributes:
        cited: Numbers of the sources it cites, in the order they occur.
        unknown: Numbers it cites, and no source has.
    """

    text: str
    cited: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    kind: Literal["conclusion"] = "conclusion"


@dataclass(frozen=True, slots=True)
class Draft:
    """A text, or whatever else a member said."""

    text: str
    kind: Literal["draft"] = "draft"


Artefact: TypeAlias = Plan | Code | Checked | Findings | Conclusion | Draft


def read_artefact(makes: Makes, answer: str, known: int = 0) -> Artefact:
    """A member's answer as what it is; code that can't be read as Python is a draft.

    Args:
        known: How many sources there are to cite.
    """
    from purpose_agent.models.decode import extract_code

    match makes:
        case "plan":
            return Plan(tuple(_cut(step, MOST_STEP) for step in _lines(answer)[:MOST_STEPS]))
        case "code":
            source = extract_code(answer)
            return Draft(answer) if source is None else Code(source.strip("\n"))
        case "findings":
            facts = [_fact(line, known) for line in _lines(answer)]
            return Findings(tuple(facts[:MOST_FACTS]), known, max(0, len(facts) - MOST_FACTS))
        case "conclusion":
            return Conclusion(answer, *_sorted(answer, known))
        case "draft":
            return Draft(answer)


def shown(artefact: Artefact, most: int = MOST_SHOWN) -> str:
    """What the next member is shown, in at most so many characters and a note of how many were left out."""
    match artefact:
        case Plan(steps=steps):
            text = "\n".join(f"- {step}" for step in steps)
        case Code(source=source):
            return f"```python\n{_cut(source, most)}\n```"
        case Checked(failed=failed):
            text, most = failed, min(most, MOST_FAILURES)
        case Findings():
            text = _listed(artefact)
        case Conclusion(text=said, unknown=unknown):
            text = marked(said, unknown)
        case Draft(text=said):
            text = said
    return _cut(text, most)


def refutation(checked: Checked) -> Refutation:
    """Of the last attempt, which failed."""
    opening = {
        "checks": "the last attempt fails its checks",
        "run": "the last attempt does not run",
        "limits": "the last attempt was stopped",
        "assertions": "the critic's assertions broke the last attempt",
        "nobody": "the last attempt failed",
    }[checked.by]
    return Refutation(checked.by in ("checks", "run"), f"{opening}:\n{shown(checked)}")


def artefact_to_json(artefact: Artefact) -> Json:
    """For the record: a value of the run's state."""
    return json.loads(to_json(_Recorded, artefact))


def artefact_from_json(value: Json) -> Artefact:
    """The inverse of `artefact_to_json`.

    Raises:
        pydantic.ValidationError: It is no artefact.
    """
    return from_json(_Recorded, json.dumps(value))


_Recorded: "type[Artefact]" = Annotated[Artefact, Tagged("kind")]  # pyright: ignore[reportAssignmentType]  # a form is no type


def citations(text: str) -> tuple[int, ...]:
    """The numbers that are cited, each once, in the order they occur; [0] is one that no source has. Brackets in code cite nothing."""
    numbers = (int(number) for found in _CITED.finditer(text) if found[1] for number in found[1].split(","))
    return tuple(dict.fromkeys(numbers))


def marked(text: str, unknown: Sequence[int]) -> str:
    """`text`, in which a citation that names no source says so."""

    def told(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        numbers = [int(number) for number in found[1].split(",")]
        return ", ".join(f"[{number}: no such source]" if number in unknown else f"[{number}]" for number in numbers)

    return _CITED.sub(told, text) if unknown else text


def with_sources(conclusion: Conclusion, names: Sequence[str] | None) -> str:
    """An answer for people: unknown citations marked, and below it what the numbers mean.

    Args:
        names: Of the sources, the first one is [1]; none if no document has something on it. None: there are no documents.
    """
    lines = [f"[{number}] {(names or ())[number - 1]}" for number in sorted(conclusion.cited)]
    if lines:
        below = "\n".join(["Sources:", *lines])
    elif names:
        below = "No source is cited."
    else:
        below = "" if names is None else NOTHING_FOUND
    return "\n\n".join(part for part in (marked(conclusion.text, conclusion.unknown).rstrip(), below) if part)


def _fact(line: str, known: int) -> Fact:
    return Fact(line, *_sorted(line, known))


def _sorted(text: str, known: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The citations that name a source, and those that name none."""
    numbers = citations(text)
    return tuple(n for n in numbers if 0 < n <= known), tuple(n for n in numbers if not 0 < n <= known)


def _listed(findings: Findings) -> str:
    has_any = any(fact.sources for fact in findings.facts)
    lines = [] if has_any or not findings.facts else [FROM_MEMORY]
    for fact in findings.facts:
        lacks = f" {NO_SOURCE}" if has_any and not fact.sources else ""
        lines.append(f"- {marked(fact.text, fact.unknown)}{lacks}")
    if findings.left_out:
        lines.append(f"({findings.left_out} more are left out)")
    return "\n".join(lines)


def _lines(answer: str) -> list[str]:
    """Its lines that say something, without bullets, numbers and fences."""
    lines = (_BULLET.sub("", line.strip()) for line in answer.splitlines())
    return [line for line in lines if re.search(r"\w", line) and not line.startswith("```")]


def _cut(text: str, most: int) -> str:
    left = len(text) - most
    return text if left <= 0 else f"{text[:most].rstrip()}… ({left} more characters are left out)"
