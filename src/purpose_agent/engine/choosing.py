"""Decisions among listed options: the answers of a task with choices, the actions of a world.

In:  a run, a situation, its options.
Out: what was learned of them, which of them a model is offered, and which one is taken.

Without a model the option of the highest value is taken. With one, it chooses, and where its probabilities are known they are
weighed against the values and, among answers, against what the rules in its prompt say. Engines tell them by the first token of an
answer, so where values are known, actions that begin alike are listed with letters. Not here: how values are learned, and what the
option does.
"""

import math
import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from purpose_agent.core.action import Finish, GiveUp, ToolUse
from purpose_agent.core.memory import Lesson
from purpose_agent.core.messages import Message, assistant, system, user
from purpose_agent.core.model import Capabilities
from purpose_agent.core.values import Experienced, Ranked, Values
from purpose_agent.engine.actor import Ask, Decision, Note, decide
from purpose_agent.engine.context import Context, fitted, is_own, open_context, stated
from purpose_agent.engine.quoting import unmarked
from purpose_agent.engine.run import Run
from purpose_agent.memory.rules import choice_named, first_fit, situation_of, told_by
from purpose_agent.runtime.events import ModelOverruled, ValuesConsulted, ValuesWouldChoose

BEST = 6
"""So many actions of a world are offered to a model."""
VALUE_WEIGHT = 5.0
"""What a value of 1.0 weighs against the model's log-probability: a factor of e⁵, about 150."""
RULE_WEIGHT = 5.0
"""What an answer that rules give weighs: as much as a value of 1.0. A higher value counts instead of it, not beside it."""
LEAST_PROBABILITY = 1e-6
"""For options of which the engine says 0, or nothing."""
RECENT = 3
"""So many of the last actions are told in a prompt."""
MOST_NAMED = 3
"""So many actions that worked, and that did not, are named in a prompt."""
LEAST_WORKED = 0.05
"""Expected return above which an action is said to have worked; less is what the untried is hoped to bring."""
SITUATION_SHARE = 0.4
RECENT_TOKENS = 120

Known = Mapping[str, Ranked]
"""What was learned of each option; empty where nothing is known."""
Told = Mapping[str, tuple[str, ...]]
"""By option, the ids of the rules whose answer it is; empty where none says anything."""
NOTHING_TOLD: Told = MappingProxyType({})
Lettered = Mapping[str, str]
"""By "A. open the door", and so on, each option; empty where none has a letter."""
NO_LETTERS: Lettered = MappingProxyType({})


async def answer_among(ask: Ask, run: Run, values: Values | None, unread: Note) -> Decision:
    """One of the task's choices; after a failed attempt, one that has not failed yet."""
    options = [choice for choice in run.task.choices if choice not in run.wrong] or list(run.task.choices)
    situation = situation_of(run.task.goal, run.task.inputs)
    known = consulted(values, run, situation, options)
    model = run.setup.model
    if model is None:
        decision = _by_value(options, known, run)
    else:
        if known and not model.capabilities.choices:
            options = _within_reach(options, known)
        if options != list(run.task.choices):
            _offer(run, options)
        told = _told(run, situation, options)
        decision = await _asked(ask, run, run.context, options, known, unread, told)
        _tell_what_values_would_choose(values, run, situation, options, decision, told)
    if isinstance(decision.action, Finish):
        # A second attempt is made only where this one was wrong.
        run.past.append(Experienced(situation, decision.action.answer, 0.0, tuple(options)))
    return decision


async def action_among(
    ask: Ask, run: Run, values: Values | None, situation: str, options: Sequence[str], unread: Note
) -> str | GiveUp:
    """The action of the world that is to be taken."""
    known = consulted(values, run, situation, options)
    model = run.setup.model
    if model is None:
        return _chosen(_by_value(options, known, run))
    offered = _best(options, known, run)
    lettered = _lettered(offered) if known and model.capabilities.probabilities else NO_LETTERS
    context = _context_of_step(run, model.capabilities, situation, offered, known, lettered)
    return _chosen(await _asked(ask, run, context, offered, known, unread, lettered=lettered))


def consulted(values: Values | None, run: Run, situation: str, options: Sequence[str]) -> Known:
    """What is known of the options, told in an event; empty if nothing is, or values may not be used."""
    if values is None or not run.uses_values:
        return {}
    ranked = values.rank(run.task, run.setup.agent, situation, options, run.past, draws=run.draws)
    best = sorted(ranked, key=lambda each: each.value, reverse=True)
    if best:
        run.publish(ValuesConsulted(tuple(best[:BEST]), len(options)))
    return {each.option: each for each in best}


def _told(run: Run, situation: str, options: Sequence[str]) -> Told:
    """What the rules in the prompt say. Only those for this agent, and nobody else's word: those the model reads, and that is all."""
    told: dict[str, tuple[str, ...]] = {}
    for memory in (found.memory for found in run.context.notes.shown):
        agents = memory.lesson.scope.agents
        if not is_own(memory) or (agents and run.setup.agent not in agents):
            continue
        answer = _told_by(memory.lesson, situation)
        option = choice_named(answer, options) if answer is not None else None
        if option is not None:
            told[option] = (*told.get(option, ()), memory.id)
    return told


def _told_by(lesson: Lesson, situation: str) -> str | None:
    """What a rule answers; None where it has no line for it but its "otherwise", and may be about another kind of task."""
    if not lesson.scope.families:
        line = first_fit(lesson.lines, situation)
        if line is None or not (line.conditions or line.like):
            return None
    return told_by(lesson.lines, situation)


def _tell_what_values_would_choose(
    values: Values | None, run: Run, situation: str, options: Sequence[str], decision: Decision, told: Told
) -> None:
    """In a run of one attempt that is there to learn, where the model's probabilities are known and nobody asked values.

    With chance of its own, so that it changes nothing in the run.
    """
    if values is None or run.uses_values or run.mode != "learning" or not decision.probabilities:
        return
    if run.meter.limits.retries:  # the run's outcome may be that of a later attempt
        return
    draws = random.Random(f"would/{run.task.key}")
    ranked = values.rank(run.task, run.setup.agent, situation, options, (), draws=draws)
    if ranked:
        known = {each.option: each for each in ranked}
        run.publish(ValuesWouldChoose(_weighed(options, decision.probabilities, known, told)))


def _chosen(decision: Decision) -> str | GiveUp:
    action = decision.action
    assert not isinstance(action, ToolUse), "a choice is no tool call"
    return action.answer if isinstance(action, Finish) else action


def _by_value(options: Sequence[str], known: Known, run: Run) -> Decision:
    """The highest value; of several, or where nothing is known, any of them."""
    if known:
        highest = max(known[option].value for option in options)
        options = [option for option in options if known[option].value == highest]
    return Decision(Finish(run.draws.choice(options)), Message("assistant", ()))


def _best(options: Sequence[str], known: Known, run: Run) -> list[str]:
    """At most `BEST`, in their order: those of the highest values, or any where nothing is known."""
    if len(options) <= BEST:
        return list(options)
    shuffled = run.draws.sample(options, len(options))  # so that it is not the order that decides between equals
    best = sorted(shuffled, key=lambda option: -known[option].value)[:BEST] if known else shuffled[:BEST]
    return [option for option in options if option in best]


def _within_reach(options: Sequence[str], known: Known) -> list[str]:
    """Those that are as good as the best one, within a standard deviation."""
    highest = max(known[option].value for option in options)
    return [option for option in options if known[option].value + known[option].deviation >= highest]


def _lettered(options: Sequence[str]) -> Lettered:
    """With a letter each, if some begin with the same character, and so perhaps with the same token."""
    if len({option[:1] for option in options}) == len(options):
        return NO_LETTERS
    letters = string.ascii_uppercase[: len(options)]
    return {f"{letter}. {option}": option for letter, option in zip(letters, options, strict=True)}


async def _asked(
    ask: Ask,
    run: Run,
    context: Context,
    options: Sequence[str],
    known: Known,
    unread: Note,
    told: Told = NOTHING_TOLD,
    lettered: Lettered = NO_LETTERS,
) -> Decision:
    """The model's choice, weighed with the values and with what rules say; one option alone is no question."""
    if len(options) == 1:
        return Decision(Finish(options[0]), assistant(options[0]))
    asked = tuple(lettered or options)
    decision = await decide(ask, context, asked, temperature=run.setup.temperature, seed=run.step_seed, unread=unread)
    if lettered and isinstance(decision.action, Finish):
        shares = decision.probabilities or {}
        probabilities = {option: shares[line] for line, option in lettered.items() if line in shares} or None
        decision = replace(decision, action=Finish(lettered[decision.action.answer]), probabilities=probabilities)
    if not (known or told) or not decision.probabilities or not isinstance(decision.action, Finish):
        return decision
    chosen = _weighed(options, decision.probabilities, known, told)
    if chosen in told and chosen not in (
        decision.action.answer,
        _weighed(options, decision.probabilities, known, NOTHING_TOLD),
    ):
        run.publish(ModelOverruled(chosen, decision.action.answer, told[chosen]))
    return replace(decision, action=Finish(chosen), message=assistant(chosen))


def _weighed(options: Sequence[str], probabilities: Mapping[str, float], known: Known, told: Told) -> str:
    def weight(option: str) -> float:
        probability = max(probabilities.get(option, 0.0), LEAST_PROBABILITY)
        weight = VALUE_WEIGHT * known[option].value if known else 0.0
        # Not both: they are learned from the same runs.
        return math.log(probability) + (max(weight, RULE_WEIGHT) if option in told else weight)

    return max(options, key=weight)


def _offer(run: Run, options: Sequence[str]) -> None:
    """Say in the instructions that only these are left."""
    assert run.setup.model is not None
    fewer = replace(run.task, choices=tuple(options))
    opened = open_context(run.setup.role, fewer, (), run.setup.model.capabilities, run.context.notes.shown)
    run.context.prefix = opened.prefix


def _context_of_step(
    run: Run,
    capabilities: Capabilities,
    situation: str,
    offered: Sequence[str],
    known: Known,
    lettered: Lettered,
) -> Context:
    """What the model sees before one action: instructions, notes and goal first, which change least in a run."""
    from purpose_agent.prompts.loader import load

    told = unmarked(fitted(situation, int(capabilities.context_tokens * SITUATION_SHARE)))
    facts = {
        "notes": run.context.notes.text,
        "goal": stated(run.task),
        "before": _recent(run) + _named(known),
        "situation": told,
    }
    if capabilities.choices and not lettered:
        instructions, step = load("world"), load("step")
        text = step.fill(**facts)
    else:
        instructions, step = load("world_listed"), load("step_listed")
        text = step.fill(**facts, options="\n".join(lettered or [f"- {option}" for option in offered]))
    return Context(
        capabilities=capabilities,
        tools=(),
        prefix=(system(instructions.fill(role=run.setup.role).strip()), user(text)),
        prompt=step.version,
        notes=run.context.notes,
        history=[],
    )


def _recent(run: Run) -> str:
    """The last actions, and what came back; what came back of the last one is the present situation."""
    last = run.done[-RECENT:]
    lines = [f"> {action}\n{unmarked(fitted(result, RECENT_TOKENS))}" for action, result in last[:-1]]
    lines += [f"> {action}" for action, _ in last[-1:]]
    return "Done last:\n" + "\n".join(lines) + "\n" if lines else ""


def _named(known: Known) -> str:
    """Actions that earlier runs took, here or elsewhere, and of which more than of others is expected; or less.

    Worked: something is expected. Did not work: less than nothing is, or less than what is usual.
    """
    taught = sorted((each for each in known.values() if each.taken), key=lambda each: each.expected, reverse=True)
    if not taught:
        return ""
    mean = sum(each.expected for each in known.values()) / len(known)
    worked = [each.option for each in taught if each.expected > max(mean, LEAST_WORKED)]
    failed = [each.option for each in reversed(taught) if each.expected < min(mean, max(0.0, each.usual))]
    titled = (("worked", worked), ("did not work", failed))
    parts = [f"{title}: {'; '.join(named[:MOST_NAMED])}" for title, named in titled if named]
    return f"In earlier runs: {'. '.join(parts)}.\n" if parts else ""
