"""Skills as text, in the format of Agent Skills (https://agentskills.io/specification): SKILL.md with front matter.

In:  a promoted memory; or the text of somebody's SKILL.md.
Out: the text; or what it says, as a `Skill`. Whether that is let in is for the gate to say.

What we write has the lesson in words for any reader, and as data below them. When it is read again, the data counts only
if the words above it are exactly those that it makes: what a person sees is what is imported. Of any other skill, the
description says when, and the body says what to do.

Front matter is written without a YAML library; reading it takes the extra `yaml`. Of what it says, name and description are
taken. Not taken: licence, compatibility, allowed tools, and every claim about where it comes from.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, cast

from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.memory import Case, Memory, RuleLine, Scope

LONGEST = 64_000
"""Bytes of a SKILL.md that is read."""
MOST_NAME = 64
MOST_DESCRIPTION = 1_024
FILE = "SKILL.md"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FENCE = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_AS_DATA = "\n## As data\n\n```json\n"
_END = "\n```\n"


@dataclass(frozen=True, slots=True)
class Taught:
    """What a skill teaches: a lesson without its origin.

    Attributes:
        scope: As the file has it; no more than a wish.
    """

    when: str
    then: str
    cases: tuple[Case, ...] = ()
    lines: tuple[RuleLine, ...] = ()
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True, slots=True)
class Skill:
    """What a SKILL.md says.

    Attributes:
        is_ours: It was written by this package and is as it was written; else it was read as plain text.
    """

    name: str
    description: str
    taught: Taught
    is_ours: bool = False


def skill_name(memory: Memory) -> str:
    """The name of its folder: what it is about, and the end of its id; lower case, at most 64 characters."""
    about = memory.lesson.when if memory.lesson.when.strip() else memory.lesson.text
    return f"{_slug(about)[: MOST_NAME - 12].strip('-') or 'skill'}-{_slug(memory.id)[-10:].strip('-')}"


def skill_text(memory: Memory, *, evidence: str = "") -> str:
    """The SKILL.md of a memory.

    Args:
        evidence: What it rests on, in one line.
    """
    lesson = memory.lesson
    taught = Taught(lesson.when, lesson.then, lesson.cases, lesson.lines, lesson.scope)
    where = f" Use it for tasks of the family {', '.join(lesson.scope.families)}." if lesson.scope.families else ""
    when = f" Use it when {_one_line(lesson.when)}." if lesson.when.strip() else where or " Use it always."
    advice = _one_line(lesson.then or lesson.text)
    advice = advice if len(advice) + len(when) < MOST_DESCRIPTION else f"{advice[: max(0, MOST_DESCRIPTION - len(when) - 2)]}…"
    metadata = {
        "purpose-agent-id": memory.id,
        "purpose-agent-origin": lesson.provenance.origin,
        "purpose-agent-evidence": _one_line(evidence)[:MOST_DESCRIPTION],
    }
    front = [
        f"name: {skill_name(memory)}",
        f"description: {_quoted(f'{advice}{_dot(advice)}{when}'[:MOST_DESCRIPTION])}",
        "metadata:",
        *(f"  {name}: {_quoted(value)}" for name, value in metadata.items() if value),
    ]
    return "\n".join(["---", *front, "---", "", _body(taught)])


def read_skill(text: str, where: str) -> Skill:
    """What a SKILL.md says.

    Args:
        where: For messages: the file.

    Raises:
        UsageError: It is no skill; the message says what is wrong, and where.
        MissingExtra: The extra `yaml` is not installed.
    """
    fence = _FENCE.match(text.removeprefix("\ufeff"))
    if fence is None:
        raise UsageError(f"{where} has no front matter. A skill begins with '---', name and description, and '---'.")
    front = _front_matter(fence[1], where)
    name, description = _text_of(front, "name", where), _text_of(front, "description", where)
    if len(name) > MOST_NAME or _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{where}: the name {name[:80]!r} is none that a skill can have: at most {MOST_NAME} characters, of a-z, 0-9 and "
            "single hyphens between them."
        )
    if len(description) > MOST_DESCRIPTION:
        raise UsageError(f"{where}: the description has {len(description)} characters; at most {MOST_DESCRIPTION} are allowed.")
    body = text.removeprefix("\ufeff")[fence.end() :]
    ours = _ours(body)
    if ours is not None and (ours.then.strip() or ours.lines or ours.cases):
        return Skill(name, description, ours, is_ours=True)
    if not body.strip():
        raise UsageError(f"{where} says what it is for, and nothing to do: there is no text below its front matter.")
    return Skill(name, description, Taught(description.strip(), body.strip()))


def _ours(body: str) -> Taught | None:
    """The data below a text of ours, if it makes exactly the words above it."""
    start = body.rfind(_AS_DATA)
    if start < 0 or not body.endswith(_END):
        return None
    try:
        taught = from_json(Taught, body[start + len(_AS_DATA) : -len(_END)])
    except ValueError:  # pydantic's
        return None
    # The words, not how the data is spelled: an older version left out what there was not yet.
    return taught if body[:start].removeprefix("\n") == "\n".join(_in_words(taught)) else None


def _body(taught: Taught) -> str:
    return "\n".join(_in_words(taught)) + _AS_DATA + to_json(Taught, taught) + _END


def _in_words(taught: Taught) -> Iterator[str]:
    yield "# What was learned"
    if taught.when.strip():
        yield f"\n## When\n\n{taught.when}"
    if taught.then.strip():
        yield f"\n## Do\n\n{taught.then}"
    if taught.lines:
        yield "\n## Rule\n\nThe first line that fits counts.\n"
        for number, line in enumerate(taught.lines, start=1):
            yield f"{number}. {line.text}"
            yield from (f"   - {_one_line(example)}" for example in (line.like.examples if line.like is not None else ()))
    if taught.cases:
        yield "\n## Solved cases\n"
        yield from (f"- {case.situation} → {case.answer}" for case in taught.cases)
    named = {name: getattr(taught.scope, name) for name in ("agents", "families", "users", "tools", "teams")}
    if any(named.values()):
        yield "\n## For\n"
        yield from (f"- {name}: {', '.join(values)}" for name, values in named.items() if values)


class _Yaml(Protocol):
    """What is used of PyYAML."""

    SafeLoader: Any
    YAMLError: type[Exception]

    def load(self, stream: str, Loader: type) -> object: ...


def _front_matter(text: str, where: str) -> Mapping[str, object]:
    try:
        module = cast(_Yaml, import_module("yaml"))
    except ImportError as error:
        message = f'{where}: reading front matter needs an extra: pip install "purpose-agent[yaml]".'
        raise MissingExtra(message) from error

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        # Names before anything else: one that is a list may be built out of many.
        if any(key.tag != "tag:yaml.org,2002:str" for key, _ in node.value):
            raise UsageError(f"{where}: a name in its front matter is no text. Put it in quotes.")
        pairs = [(str(key.value), loader.construct_object(value, True)) for key, value in node.value]
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise UsageError(f"{where}: a name stands twice in its front matter. Remove one of them.")
        return dict(pairs)

    def compose(loader: Any, parent: Any, index: Any) -> Any:
        event = loader.peek_event()
        # With them, a short text says a huge one: each name stands for several of the one before.
        if getattr(event, "anchor", None) is not None:
            raise UsageError(f"{where}: its front matter has anchors or aliases (& or *), which are not read. Write it out.")
        return module.SafeLoader.compose_node(loader, parent, index)

    strict: Any = type("StrictLoader", (module.SafeLoader,), {"compose_node": compose})
    strict.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        found = module.load(text, strict)
    except (module.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{where}: its front matter is no YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{where}: its front matter is no list of names and values, such as 'name: my-skill'.")
    return cast("Mapping[str, object]", found)


def _text_of(front: Mapping[str, object], name: str, where: str) -> str:
    value = front.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(
            f"{where}: its {name} is missing, empty or no text. Write it as '{name}: …', in quotes if it is a number."
        )
    return value


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _dot(text: str) -> str:
    return "" if text.endswith((".", "!", "?", "…")) else "."


def _quoted(text: str) -> str:
    """A YAML string. JSON's are YAML's, as long as nothing in them needs an escape above ASCII."""
    return json.dumps(_one_line(text).encode("utf-8", "replace").decode(), ensure_ascii=False)
