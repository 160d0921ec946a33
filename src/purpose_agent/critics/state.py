"""Φ of the whole state, judged by a model that must quote what it saw.

In:  the whole goal and the whole state; never the agent's thoughts, and not Φ before.
Out: a `Score` by the rules of `rules.py`; its evidence was looked up in the state.

A state that is larger than the critic's window is cut around what changed last and the goal's words, and flagged
"state_clipped". Not here: success, which only checks decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from purpose_agent.core.errors import ModelRefused
from purpose_agent.core.score import Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import WINDOW, Ask, asked, fitting, noted, room_in, shortened
from purpose_agent.critics.facts import shown_name
from purpose_agent.critics.rules import ANSWER, Ground, ground, judged

CRITIC = "state"
ANSWER_LABEL = "The agent's answer (to be judged, not to be believed)"
GIVEN_SHARE = 0.25
LEAST_PART = 3
"""A prompt that the engine finds too long is made for a half of its window, then for a third: a token is a character at least."""
TOO_LONG = (400, 413)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a prompt says of a task and a state.

    Attributes:
        given: What the task came with, as a paragraph; "" for nothing.
        flags: "state_clipped" if something had to go.
    """

    goal: str
    given: str
    state: str
    flags: tuple[str, ...]


async def judge_state(
    ask: Ask,
    task: Task,
    after: State,
    phi_before: float | None,
    *,
    before: State | None = None,
    window: int = WINDOW,
    notes: Sequence[str] = (),
    may_rise: bool = True,
    whole: bool = False,
) -> Score:
    """Φ after the step. One model call.

    Args:
        before: The state before the step; None: all that was reached counts as new.
        window: Tokens of the critic's model.
        notes: Examples of judging that were promoted.
        may_rise: False: the step did nothing that could raise Φ.
        whole: All that was reached counts as new, whatever stood in `before`: so is a finish judged.

    Raises:
        ModelError: The critic's model could not answer.
    """
    from purpose_agent.prompts.loader import load

    prompt = load("critic_state")
    on = ground(task, after, None if whole else before)
    examples = noted(notes)
    part = 1
    while True:
        shown = shown_of(task, on, before, room_in(window // part, prompt.text, examples))
        text = prompt.fill(notes=examples, goal=shown.goal, given=shown.given, state=shown.state)
        try:
            said = await asked(ask, text, prompt.version)
            break
        except ModelRefused as error:
            # Numbers and rare scripts take more tokens than we reckon with; then less is shown.
            if error.status not in TOO_LONG or part == LEAST_PART or len(text) < window:
                raise
            part += 1
    return judged(said, on, phi_before, CRITIC, may_rise=may_rise, flags=shown.flags)


def shown_of(task: Task, on: Ground, before: State | None, room: int) -> Shown:
    """Goal, inputs and facts within `room` characters.

    Args:
        before: The state before the step: what differs from it is kept first.
    """
    goal = shortened(task.goal, room * 2 // 3)
    left = max(0, room - len(goal))
    given, less_given = fitting(on.given, {}, goal, int(left * GIVEN_SHARE))
    latest = ground(task, before).facts if before is not None else dict[str, str]()
    facts, less = fitting(on.facts, latest, goal, left - sum(len(name) + len(text) for name, text in given.items()))
    return Shown(
        goal,
        f"\nGiven with it:\n{_listed(given)}\n" if given else "",
        _listed(facts) or "nothing yet",
        ("state_clipped",) if less or less_given or goal != task.goal else (),
    )


def _listed(facts: Mapping[str, str]) -> str:
    lines = {ANSWER_LABEL if name == ANSWER else shown_name(name): text for name, text in facts.items() if name != ANSWER}
    if ANSWER in facts:
        lines[ANSWER_LABEL] = facts[ANSWER]
    return "\n".join(f"{name}:{chr(10) if chr(10) in text else ' '}{text}" for name, text in lines.items())
