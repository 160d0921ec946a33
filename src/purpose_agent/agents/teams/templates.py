"""Known team shapes, and which description asks for which.

In:  a description.
Out: the templates that most of its words ask for, and those words. Where they are several or none, `choosing.py` asks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from purpose_agent.agents.teams.artefacts import Makes

Shape: TypeAlias = Literal["code", "line"]


@dataclass(frozen=True, slots=True)
class Member:
    """A place in a team.

    Attributes:
        role: The sentence that opens its instructions.
        makes: What its answer is, for whoever comes next.
    """

    name: str
    role: str
    makes: Makes = "draft"


@dataclass(frozen=True, slots=True)
class Template:
    """A team shape.

    Attributes:
        shape: "code": the coder writes, the tester runs the tests, and failures go back. "line": each member goes on from the one
            before; the last one's answer is the team's.
        words: What asks for it; "analy*" is any word that begins so.
        about: What it is for, in a few words, for a model that chooses.
    """

    name: str
    shape: Shape
    members: tuple[Member, ...]
    words: tuple[str, ...] = ()
    about: str = ""

    @property
    def worker(self) -> str:
        """Who gets the tools and the sources: the coder, or the first one in a line."""
        return "coder" if self.shape == "code" else self.members[0].name

    @property
    def speaker(self) -> str:
        """Whose answer is the team's."""
        return "coder" if self.shape == "code" else self.members[-1].name


CODE = Template(
    "code",
    "code",
    (
        Member("architect", "You are a software architect.", "plan"),
        Member("coder", "You are a Python programmer. Reply with one complete Python code block.", "code"),
        Member("tester", "The tests, run as they are: it asks no model."),
    ),
    (
        *("python", "code", "coding", "coder", "program*", "function", "script", "scripting", "software"),
        *("debug*", "refactor*", "implement*", "bug", "test", "unit test"),
    ),
    "writes, repairs or tests programs",
)
RESEARCH = Template(
    "research",
    "line",
    (
        Member(
            "researcher",
            "You are a researcher. List the facts that matter, each in one line; say what you are not sure of.",
            "findings",
        ),
        Member("analyst", "You are an analyst. Draw the conclusion from what was found; say what is missing.", "conclusion"),
    ),
    ("research*", "investigat*", "study", "studies", "studying", "literature", "survey", "find out"),
    "gathers facts about a subject and draws a conclusion",
)
DATA = Template(
    "data",
    "line",
    (
        Member("analyst", "You are a data analyst. Say what the data show, with numbers."),
        Member("reporter", "You are a reporter. Tell what was found to somebody who decides, shortly."),
    ),
    ("analy*", "data", "dataset", "sales", "metric", "statistic*", "dashboard", "trend"),
    "examines numbers, tables or measurements, and reports",
)
WRITING = Template(
    "writing",
    "line",
    (
        Member("writer", "You are a writer. Write the text that is asked for."),
        Member("editor", "You are an editor. Reply with the improved text only."),
    ),
    ("write", "writing", "blog", "article", "essay", "story", "stories", "post", "newsletter", "email"),
    "writes a text, such as an article, a story or a letter",
)
SINGLE = Template(
    "single",
    "line",
    (Member("assistant", "You are a helpful assistant."),),
    ("answer*", "question", "chat", "advice", "explain", "explains"),
    "anything else: answers questions, helps, gives advice",
)

TEMPLATES = (CODE, RESEARCH, DATA, WRITING)
WEAK = frozenset({"write", "writes", "writing"})
"""They decide only where nothing else does: code and reports are written, too. So do the words of the single assistant."""
HOMONYMS = re.compile(r"(?:program(?:me)?|script|test)s?|implement\w*")
"""Words of code and of much else: a wedding's program, a movie's script, a blood test. They count half, and alone, or beside a
weak one, decide nothing."""


def by_words(description: str) -> tuple[tuple[Template, ...], tuple[str, ...]]:
    """The templates that most words of `description` ask for, in the order above, and those words; () where none does."""
    pool = (*TEMPLATES, SINGLE)
    said = {template.name: _said(template, description.casefold()) for template in pool}
    weights = {
        template.name: sum(
            1 if template is SINGLE or word in WEAK or HOMONYMS.fullmatch(word) else 2 for word in said[template.name]
        )
        for template in pool
    }
    most = max(weights.values())
    best = tuple(template for template in pool if most and weights[template.name] == most)
    return best, tuple(word for template in best for word in said[template.name])


def are_vague(words: Sequence[str]) -> bool:
    """Whether words that were said may all mean something else than what their templates are for."""
    known = [word for word in words if word not in WEAK]
    return bool(known) and all(HOMONYMS.fullmatch(word) for word in known)


def _said(template: Template, text: str) -> tuple[str, ...]:
    """Its words that occur, as the description has them; each counts once."""
    found = (re.search(_pattern(word), text) for word in template.words)
    return tuple(dict.fromkeys(hit[0] for hit in found if hit is not None))


def _pattern(word: str) -> str:
    return rf"\b{word[:-1]}\w*" if word.endswith("*") else rf"\b{word}s?\b"
