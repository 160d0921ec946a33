"""Known team shapes, and which description asks for which."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Shape: TypeAlias = Literal["code", "line"]


@dataclass(frozen=True, slots=True)
class Member:
    """A place in a team."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Template:
    """A team shape.

    Attributes:
        shape: "code": the coder writes, tests judge, the architect is asked when it fails. "line": each member goes on
            from the one before; the last one's answer is the team's.
        words: Stems that ask for it.
    """

    name: str
    shape: Shape
    members: tuple[Member, ...]
    words: tuple[str, ...] = ()


CODE = Template(
    "code",
    "code",
    (
        Member("architect", "You are a software architect."),
        Member("coder", "You are a Python programmer. Reply with one complete Python code block."),
        Member("tester", "The tests, run as they are: it asks no model."),
    ),
    ("python", "code", "coding", "program", "function", "script", "software", "debug", "refactor", "implement"),
)
RESEARCH = Template(
    "research",
    "line",
    (
        Member(
            "researcher", "You are a researcher. List the facts that matter, each in one line; say what you are not sure of."
        ),
        Member("analyst", "You are an analyst. Draw the conclusion from what was found; say what is missing."),
    ),
    ("research", "investigate", "study", "literature", "survey", "find out"),
)
DATA = Template(
    "data",
    "line",
    (
        Member("analyst", "You are a data analyst. Say what the data show, with numbers."),
        Member("reporter", "You are a reporter. Tell what was found to somebody who decides, shortly."),
    ),
    ("analy", "data", "sales", "metrics", "statistic", "dashboard", "trend"),
)
WRITING = Template(
    "writing",
    "line",
    (
        Member("writer", "You are a writer. Write the text that is asked for."),
        Member("editor", "You are an editor. Reply with the improved text only."),
    ),
    ("write", "writing", "blog", "article", "essay", "story", "post", "newsletter", "email"),
)
SINGLE = Template("single", "line", (Member("assistant", "You are a helpful assistant."),))

TEMPLATES = (CODE, RESEARCH, DATA, WRITING)


def choose(description: str) -> Template:
    """The template most of whose words occur in `description`; equal ones in the order above; none: one assistant.

    "Write Python code" is code, though it says "write".
    """
    text = description.casefold()
    scores = [sum(re.search(rf"\b{word}", text) is not None for word in template.words) for template in TEMPLATES]
    best = max(scores)
    return TEMPLATES[scores.index(best)] if best else SINGLE
