"""Which template suits a description: by its words; where they don't decide by a person or a model; and why.

In:  a description, a model, a workspace.
Out: a `Choice`, which says how it came about.

A model's choice is a run like any other. Where it chooses nothing, or can't be reached, the choice says so. Small models are not asked:
they choose no better than a fixed choice does, see ADR 40.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.teams.templates import SINGLE, TEMPLATES, Template, are_vague, by_words
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.model import Model
from purpose_agent.core.task import Limits, Task
from purpose_agent.runtime.sync import run_sync

NAME = "team_chooser"
By: TypeAlias = Literal["words", "model", "person", "default"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A template, and why it is this one.

    Attributes:
        by: Who decided; "default" where nobody did.
        why: In words, such as "its words: python, code".
    """

    template: Template
    by: By
    why: str


def choose(description: str, ask: Callable[[Sequence[Template]], Choice] | None = None) -> Choice:
    """The template that the words ask for; where several do or none, what `ask` says of those in question.

    Words that mean other things, too, decide nothing if there is no other word beside them; all templates are then in question.
    """
    best, words = by_words(description)
    told = ", ".join(words)
    if are_vague(words):
        choice = ask((*TEMPLATES, SINGLE)) if ask is not None else Choice(SINGLE, "default", "nobody was asked")
        return replace(choice, why=f"{told} may mean something else; {choice.why}")
    if len(best) == 1:
        return Choice(best[0], "words", f"its words: {told}")
    if ask is not None:
        return ask(best or (*TEMPLATES, SINGLE))
    if best:
        return Choice(best[0], "default", f"its words ask for {_names(best)} alike ({told}); the first one was taken")
    return Choice(SINGLE, "default", "no word asks for a team")


def asked_model(description: str, model: Model, place: Workspace) -> Callable[[Sequence[Template]], Choice]:
    """One short call of the model, recorded as a run of its own; nothing is learned from it."""

    def ask(among: Sequence[Template]) -> Choice:
        from purpose_agent.prompts.loader import load

        instead = _plainest(among)
        if model.capabilities.small:
            why = f"the words don't decide, and {model.name} is too small to be asked: {instead.name} among {_names(among)}"
            return Choice(instead, "default", why)
        listed = "\n".join(f"{template.name}: {template.about}" for template in among)
        goal = load("choose_team").fill(description=description, teams=listed)
        task = Task(goal, choices=[template.name for template in among], limits=Limits(steps=1))
        agent = Agent(NAME, model=model, critic=None, workspace=place, mode="validation")
        result = run_sync(agent.attempt(task, memory=False, seed=0))
        chosen = next((template for template in among if template.name == result.answer), None)
        if chosen is not None:
            return Choice(chosen, "model", f"the words don't decide; {model.name} chose it among {_names(among)} ({result.id})")
        why = f"the words don't decide, and {model.name} chose none of {_names(among)} ({result.id}: {result.reason})"
        return Choice(instead, "default", why)

    return ask


def asked_person(description: str) -> Callable[[Sequence[Template]], Choice]:
    """Whoever sits at the terminal."""

    def ask(among: Sequence[Template]) -> Choice:
        instead = _plainest(among)
        said = input(f"Which team suits {description!r}? One of {_names(among)} [{instead.name}]: ").strip()
        chosen = next((template for template in among if template.name == said), None)
        if chosen is not None:
            return Choice(chosen, "person", "you chose it")
        why = f"{said!r} is none of {_names(among)}" if said else f"you left it at {instead.name}"
        return Choice(instead, "default" if said else "person", why)

    return ask


def _plainest(among: Sequence[Template]) -> Template:
    """What is taken where nobody decides: one assistant, if that is in question, else the first one."""
    return SINGLE if SINGLE in among else among[0]


def _names(templates: Sequence[Template]) -> str:
    return ", ".join(template.name for template in templates)
