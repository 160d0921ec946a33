"""Φ of the whole state, judged by a model that must quote what it saw.

In:  the whole goal and the whole state; never the agent's thoughts, and not Φ before.
Out: a `Score` by the rules of `rules.py`; its evidence was looked up in the state.

A state that is larger than the critic's window is cut around what changed last and the goal's words, and flagged
"state_clipped". Not here: success, which only checks decide.
"""

from collections.abc import Mapping, Sequence

from purpose_agent.core.messages import Json
from purpose_agent.core.score import Score
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import SCHEMA, WINDOW, Ask, asked, fitting, noted, room_in, shortened
from purpose_agent.critics.facts import shown_name
from purpose_agent.critics.rules import ANSWER, SHORTEST_QUOTE, ground, judged

__all__ = ["MOST_STATE_CHARS", "SCHEMA", "SHORTEST_QUOTE", "Ask", "judge_state", "read_score"]

CRITIC = "state"
MOST_STATE_CHARS = 6000
ANSWER_LABEL = "The agent's answer (to be judged, not to be believed)"
GIVEN_SHARE = 0.25


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
    latest = ground(task, before).facts if before is not None else dict[str, str]()
    examples = noted(notes)
    goal = shortened(task.goal, room_in(window, prompt.text, examples) * 2 // 3)
    room = room_in(window, prompt.text, examples, goal)
    given, less_given = fitting(on.given, {}, goal, int(room * GIVEN_SHARE))
    facts, less = fitting(on.facts, latest, goal, room - sum(len(name) + len(text) for name, text in given.items()))
    text = prompt.fill(
        notes=examples,
        goal=goal,
        given=f"\nGiven with it:\n{_listed(given)}\n" if given else "",
        state=_listed(facts) or "nothing yet",
    )
    flags = ("state_clipped",) if less or less_given or goal != task.goal else ()
    said = await asked(ask, text, prompt.version)
    return judged(said, on, phi_before, CRITIC, may_rise=may_rise, flags=flags)


def read_score(said: Mapping[str, Json] | None, after: State, phi_before: float | None) -> Score:
    """A critic's JSON as a score, for critics that were asked in another way and for one quote: rule 7 is theirs to hold.

    Quotes are looked up in `after`; the goal is not known here, so that its words are not told from facts.
    """
    return judged(said, ground(Task("?"), after), phi_before, CRITIC, jumps=True)


def _listed(facts: Mapping[str, str]) -> str:
    lines = {ANSWER_LABEL if name == ANSWER else shown_name(name): text for name, text in facts.items() if name != ANSWER}
    if ANSWER in facts:
        lines[ANSWER_LABEL] = facts[ANSWER]
    return "\n".join(f"{name}:{chr(10) if chr(10) in text else ' '}{text}" for name, text in lines.items())
