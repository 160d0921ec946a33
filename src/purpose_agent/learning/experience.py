"""What a run's decisions among options teach the replay: its episode, and what it was a success at instead.

In:  a run as the record has it, its trace where it is needed.
Out: episodes, those of hindsight marked.

Of a task with choices whose right answer is known every choice is judged, not only the one that was taken. A failed
run in a world may have fulfilled another goal on its way: told as a run that wanted that, it is a success (hindsight
experience replay, Andrychowicz et al. 2017, arXiv 1707.01495). Tasks held out for trials teach nothing, but for agents
without a model: theirs are tried by what they reached before they learned from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from purpose_agent.core.action import command_of
from purpose_agent.core.model import NO_MODEL
from purpose_agent.core.score import MAX_PHI
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.learning.cases import known_answer
from purpose_agent.learning.trial import is_held_out
from purpose_agent.memory.returns import discounted, shaped
from purpose_agent.memory.rules import situation_of
from purpose_agent.runtime.events import ActionDecided, Event, OptionsListed, StepScored
from purpose_agent.runtime.record import RunRow
from purpose_agent.runtime.trace import Trace

RELABELLED = "relabelled"
REACHED = 1.0
"""The reward of a goal that was reached in hindsight."""


@dataclass(frozen=True, slots=True)
class Taught:
    """An episode for the replay.

    Attributes:
        note: `RELABELLED`, or "" for what happened.
    """

    episode: Episode
    note: str = ""


def experience_of(run: RunRow, trace: Callable[[], Trace]) -> tuple[Taught, ...]:
    """What the run teaches; () if nobody judged it, if it chose among no options, or if its task is held out.

    Args:
        trace: Loads the run's; asked only where it may have been played in a world.
    """
    if run.success is None or (is_held_out(run.task) and run.model != NO_MODEL):
        return ()
    if run.task.choices:
        alternatives = _alternatives(run)
        episode = Episode(run.id, run.goal, run.family, alternatives, run.success, apart=True)
        return (Taught(episode),) if alternatives else ()
    steps = _steps(trace().events)
    if not steps:
        return ()
    episode = Episode(run.id, run.goal, run.family, steps, run.success)
    relabelled = None if run.success else in_hindsight(episode)
    return (Taught(episode), *([Taught(relabelled, note=RELABELLED)] if relabelled is not None else []))


def _alternatives(run: RunRow) -> tuple[Experienced, ...]:
    """Every choice with what it would have earned, as far as that is known."""
    situation, options, right = situation_of(run.goal, run.task.inputs), run.task.choices, known_answer(run)
    if right in options:
        return tuple(Experienced(situation, option, float(option == right), options) for option in options)
    return (Experienced(situation, run.answer, 0.0, options),) if run.answer in options else ()


def _steps(events: Sequence[Event]) -> tuple[Experienced, ...]:
    """The decisions in a world, with their shaping by Φ where it is measured: the less, the less sure that judgement is."""
    steps: list[Experienced] = []
    seen: OptionsListed | None = None
    chosen: str | None = None
    levels: list[float | None] = [0.0]  # the first state is no progress yet, by definition
    for event in events:
        match event.payload:
            case OptionsListed() as listed:
                seen, chosen = listed, None
            case ActionDecided(action=action):
                chosen = command_of(action)
            case StepScored(score=score) if seen is not None and chosen is not None and score.reward is not None:
                steps.append(Experienced(seen.situation, chosen, score.reward, seen.options, score.goals))
                # What is not sure counts as the first state does: as no progress.
                levels.append(discounted(None if score.after is None else score.after / MAX_PHI, score.confidence))
                seen = chosen = None
            case _:
                pass
    rewards = shaped([step.reward for step in steps], levels)
    # Beside the reward and not in it: what was gained in a run is told by the world's own rewards while it goes on.
    return tuple(replace(step, shaping=reward - step.reward) for step, reward in zip(steps, rewards, strict=True))


def in_hindsight(episode: Episode) -> Episode | None:
    """The episode told as if it had wanted the goal that it fulfilled latest, up to the moment it first did so; or None.

    What held after the first step may have held before it: nobody looked, so that is no achievement.
    """
    first: dict[str, int] = {}
    for number, step in enumerate(episode.steps):
        for goal in step.goals:
            first.setdefault(goal, number)
    first.pop(episode.goal, None)
    goal, last = max(first.items(), key=lambda item: item[1], default=("", 0))
    if last == 0:
        return None
    steps = [
        replace(
            step,
            situation=step.situation.replace(episode.goal, goal),
            reward=REACHED if number == last else 0.0,
            shaping=0.0,
        )
        for number, step in enumerate(episode.steps[: last + 1])
    ]
    return replace(episode, goal=goal, steps=tuple(steps), success=True)
