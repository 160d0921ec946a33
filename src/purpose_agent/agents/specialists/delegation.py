"""Who of a team gets a task: whoever was asked for, whom its words name, whom a model says, or the stated fallback.

In:  a task, the specialists, a way to ask a model.
Out: one of them, and why, in words for the record.

A task that says whom it is not for never goes to those. A model that names nobody, fails, or finds two about equally fit has not
decided: then it is whoever did best on tasks of the family so far, or else the first one. Not here: what words say (`expertise.py`).
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from purpose_agent.agents.specialists.expertise import Case, Expert, read
from purpose_agent.agents.specialists.spec import AgentSpec
from purpose_agent.core.errors import LimitReached, ModelError
from purpose_agent.core.messages import system, user
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse
from purpose_agent.core.task import Task
from purpose_agent.engine.quoting import quoted

_log = logging.getLogger(__name__)
_WORD = re.compile(r"[^\W_]+(?:_[^\W_]+)*[+#]*")
Way: TypeAlias = Literal["asked for", "words", "model", "fallback"]
Ask: TypeAlias = Callable[[ModelRequest, str], Awaitable[ModelResponse]]
"""One model call on the team's account, with the version of its prompt."""
MARGIN = 0.1
"""By so much the probability of the one a model chooses has to be above that of the next."""
MOST_CHARS = 2_000
"""Of a task, as the model sees it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The model that decides where words don't, and a way to ask it."""

    ask: Ask
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Delegation:
    """Who gets a task, and why.

    Attributes:
        way: "asked for" by name in the call; by the task's "words"; by a "model"; or "fallback".
        why: In words, the way first.
    """

    agent: str
    way: Way
    why: str


@dataclass(frozen=True, slots=True)
class Past:
    """What the record says of an agent on tasks of a family: judged runs, and those that succeeded."""

    judged: int = 0
    succeeded: int = 0

    @property
    def share(self) -> float:
        """Posterior mean that it succeeds, 0 to 1, from a uniform prior."""
        return (self.succeeded + 1) / (self.judged + 2)


def by_words(goal: str, specs: Sequence[AgentSpec]) -> Delegation | tuple[str, ...]:
    """Who gets the task by its words; or the names of those it may be for, where they don't decide."""
    cases = read(goal, [Expert(spec.name, spec.expertise_keywords) for spec in specs])
    names = [spec.name for spec in specs]
    left = [name for name in names if not cases[name].is_excluded] or names
    sure = [name for name in left if not cases[name].is_doubtful]
    best = max((cases[name].score for name in sure), default=0.0)
    if not best and len(sure) < len(left):
        # Nothing speaks for anybody, and some the words may refuse: these are the last to be thought of.
        return (*sure, *(name for name in left if name not in sure))
    top = tuple(name for name in sure if cases[name].score == best)
    if len(top) == 1 and (best or len(left) < len(names)):
        return Delegation(top[0], "words", f"words: {_told(cases, top[0])}")
    # Those that nothing speaks for are in question only where nothing speaks for anybody.
    return top


def _in_doubt(goal: str, specs: Sequence[AgentSpec]) -> frozenset[str]:
    """Whom the words may refuse: no fallback gives them the task."""
    cases = read(goal, [Expert(spec.name, spec.expertise_keywords) for spec in specs])
    return frozenset(name for name, case in cases.items() if case.is_doubtful)


async def delegate(
    task: Task,
    specs: Sequence[AgentSpec],
    *,
    router: Asked | None,
    past: Callable[[], Mapping[str, Past]],
) -> Delegation:
    """Choose one of `specs`.

    Args:
        router: Asked where words don't decide; None: there is no model.
        past: Asked only for a fallback: by agent, what it did on tasks of this one's family.

    Raises:
        LimitReached: Nothing is left of what the task may cost to ask a model with.
    """
    found = by_words(task.goal, specs)
    if isinstance(found, Delegation):
        return found
    if len(found) == 1:
        return Delegation(found[0], "words", "words: there is nobody else")
    why = "no model is there to ask"
    if router is not None:
        chosen = await _asked(task, [spec for spec in specs if spec.name in found], router)
        if isinstance(chosen, Delegation):
            return chosen
        why = chosen
    doubtful = _in_doubt(task.goal, specs)
    return _fallback([name for name in found if name not in doubtful] or found, task, why, past())


async def _asked(task: Task, specs: Sequence[AgentSpec], router: Asked) -> Delegation | str:
    """The model's choice, or why there is none."""
    from purpose_agent.prompts.loader import load

    prompt = load("delegate")
    names = [spec.name for spec in specs]
    members = "\n".join(f"- {spec.name}: {_about(spec)}" for spec in specs)
    asked = load("delegate_task").fill(goal=quoted(task.goal[:MOST_CHARS]))
    most = max(len(name.encode()) for name in names) + 8
    choices = tuple(names) if router.capabilities.choices else ()
    request = ModelRequest(
        (system(prompt.fill(members=members)), user(asked)),
        choices=choices,
        temperature=0.0,
        max_tokens=max(24, most),
        purpose="delegate",
    )
    try:
        response = await router.ask(request, prompt.version)
    except LimitReached:
        raise
    # A door: whatever keeps a model from an answer, the task still goes to somebody, and the reason is told.
    except Exception as error:  # noqa: BLE001
        if not isinstance(error, ModelError):
            _log.warning("The choice of an agent failed: %s: %s", type(error).__name__, error, exc_info=error)
        return f"the model could not be asked: {type(error).__name__}: {str(error)[:200]}"
    chosen = _named(response.text, names)
    if chosen is None:
        return f"the model named none of them: {response.text.strip()[:60]!r}"
    known = response.probabilities or {}
    mine = known.get(chosen)
    if mine is None:
        return Delegation(chosen, "model", "model")
    next_best = max((known.get(name, 0.0) for name in names if name != chosen), default=0.0)
    if mine - next_best < MARGIN:
        return f"the model finds {chosen} ({mine:.2f}) no fitter than the next ({next_best:.2f})"
    return Delegation(chosen, "model", f"model: {mine:.2f} to {next_best:.2f} for the next")


def _named(said: str, names: Sequence[str]) -> str | None:
    """The only one of `names` that a reply has in it, in whole words; None for none or several."""
    reply = _plain(said)
    found = [name for name in names if f" {_plain(name).strip()} " in reply]
    # Of "coder" and "C++ coder" the longer one is meant, where it is said and the other is not said beside it.
    found = [name for name in found if not any(_is_within(name, other, reply) for other in found if other != name)]
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    """Its words in lower case, a space around each; of signs only those that names of languages end in are part of a word."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _is_within(name: str, other: str, reply: str) -> bool:
    mine, longer = _plain(name), _plain(other)
    return mine in longer and mine != longer and mine not in reply.replace(longer, " ")


def _about(spec: AgentSpec) -> str:
    return " ".join(spec.role.split()) or ", ".join(spec.expertise_keywords) or spec.name


def _fallback(names: Sequence[str], task: Task, why: str, past: Mapping[str, Past]) -> Delegation:
    judged = {name: past[name] for name in names if name in past and past[name].judged} if task.family else {}
    best = max(names, key=lambda name: judged.get(name, Past()).share)
    if best in judged:
        told = f"best record on tasks of family {task.family!r}, {judged[best].succeeded} of {judged[best].judged}"
        return Delegation(best, "fallback", f"fallback: {told}; {why}")
    # Whoever has mostly failed at such tasks comes after those who have not had one.
    new = [name for name in names if name not in judged]
    return Delegation(best, "fallback", f"fallback: the first of {', '.join(new)}; {why}")


def _told(cases: Mapping[str, Case], name: str) -> str:
    """The words that decided."""
    parts = [f"{', '.join(cases[name].words)}" if cases[name].words else "nobody else is left"]
    parts += [
        f"in doubt {other} ({', '.join(case.doubts)})" for other, case in cases.items() if case.is_doubtful and other != name
    ]
    parts += [f"not {other} ({', '.join(case.against)})" for other, case in cases.items() if case.is_excluded and other != name]
    return "; ".join(parts)
