"""Who speaks when in a team, and what each is shown of the work before.

In:  a team's run (`turns.py`).
Out: turns, the last one of which is the team's answer.

A member is shown the task and what the one before it made, cut to a length: never the conversation. The tester asks no model: it runs
what there is to run. The architect of a large model plans first; that of a small one is asked before the last attempt, see ADR 40.
"""

from collections.abc import Sequence
from dataclasses import replace

from purpose_agent.agents.team_record import TEAM
from purpose_agent.agents.teams.artefacts import (
    Artefact,
    Checked,
    Conclusion,
    Findings,
    artefact_from_json,
    artefact_to_json,
    refutation,
    shown,
    with_sources,
)
from purpose_agent.agents.teams.past import SOURCES, first_speaker, kept_in, kept_passages, passages_to_json
from purpose_agent.agents.teams.turns import Turns
from purpose_agent.core.errors import SandboxUnavailable
from purpose_agent.core.origin import OWN, Taint
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import failures
from purpose_agent.engine.quoting import defused, named, quoted
from purpose_agent.engine.result import TaskResult
from purpose_agent.retrieval.passages import Passage

ATTEMPTS = 3
TESTER = "tester"


async def code(turns: Turns) -> None:
    """The architect plans, the coder writes, the tester tests; what failed goes back to the coder, at most twice."""
    from purpose_agent.prompts.loader import load

    task, coder = turns.task, turns.member("coder")
    brief, sender, why = _sourced(turns), TEAM, ""
    if _plans_first(turns):
        ask = _part(turns, "architect", load("plan_first").fill(goal=task.goal))
        await turns.turn(turns.member("architect"), ask, makes="plan")
        if turns.made is not None:
            brief, sender = load("build").fill(goal=brief, plan=_told(turns, turns.made)), "architect"
    goal = brief
    for attempt in range(1, ATTEMPTS + 1):
        wanted = task if goal == task.goal else replace(task, goal=goal, id=task.key)
        turns.last = await turns.turn(coder, wanted, sender=sender, why=why, makes="code")
        work = turns.made
        tested = await _tested(turns, turns.last)
        if not tested.failed or work is None:
            return
        if attempt == ATTEMPTS:
            turns.refuted = refutation(tested)
            return
        why, sender, advice = tested.failed, TESTER, ""
        told = {"goal": brief, "answer": _told(turns, work), "failed": _told(turns, tested)}
        if attempt == ATTEMPTS - 1:
            ask = _part(turns, "architect", load("plan").fill(**told))
            await turns.turn(turns.member("architect"), ask, sender=TESTER, why=why, makes="plan")
            if turns.made is not None:
                sender, advice = "architect", f"Advice:\n{_told(turns, turns.made)}\n"
        goal = load("retry").fill(**told, plan=advice)


async def line(turns: Turns) -> None:
    """Each goes on from the one before; checks and choices are for the last one, whose answer is the team's."""
    task, sender, goal = turns.task, TEAM, _sourced(turns)
    *before, last = turns.members
    for member in before:
        turns.last = await turns.turn(member, _part(turns, member.name, goal), sender=sender)
        if turns.made is None:
            return
        sender, goal = member.name, _relayed(turns, member.name, turns.made)
    wanted = task if goal == task.goal else replace(task, goal=goal, id=task.key)
    turns.last = await turns.turn(last, wanted, sender=sender)
    # What checks have judged, or a choice, stays to the letter.
    if isinstance(turns.made, Conclusion) and not task.checks and not task.choices:
        turns.said = with_sources(turns.made, None if turns.sources is None else [each.source for each in turns.sources])


def _part(turns: Turns, name: str, goal: str) -> Task:
    task = turns.task
    return Task(goal, limits=task.limits, inputs=task.inputs, labels=task.labels, id=f"{task.key}/{name}")


def _plans_first(turns: Turns) -> bool:
    """Whether the architect speaks before the coder; a run that goes on does as it began."""
    first = first_speaker(turns.before)
    return first == "architect" if first else not turns.member("coder").model.capabilities.small


def _sourced(turns: Turns) -> str:
    """The task for whoever works from the documents: with the passages that fit it, quoted."""
    from purpose_agent.prompts.loader import load

    goal = turns.task.goal
    sources = _looked_up(turns, goal)
    if sources is None:
        return goal
    if not sources:
        return load("sources_none").fill(goal=goal)
    listed = [f"[{n}] {named('document', each.source)}\n{quoted(each.text)}" for n, each in enumerate(sources, start=1)]
    return load("sources").fill(goal=goal, sources="\n".join(listed))


def _looked_up(turns: Turns, question: str) -> Sequence[Passage] | None:
    """The passages to work from are found, or had from the record; None if there are no documents."""
    kept, knowledge = kept_passages(turns.before), turns.way.knowledge
    if kept is None and knowledge is not None:
        kept = tuple(knowledge.search(question))
        turns.keep(TEAM, {SOURCES: passages_to_json(kept)})
    turns.sources = kept
    if kept:
        turns.taint = turns.taint.mixed(Taint("document", kept[0].source))
    return kept


def _relayed(turns: Turns, sender: str, work: Artefact) -> str:
    from purpose_agent.prompts.loader import load

    cites = isinstance(work, (Findings, Conclusion)) and bool(turns.sources)
    return load("relay_cited" if cites else "relay").fill(goal=turns.task.goal, sender=sender, work=_told(turns, work))


def _told(turns: Turns, work: Artefact) -> str:
    """What the next member is shown; quoted if others' words are in it, whoever wrote them down last."""
    return defused(shown(work)) if turns.taint.origin in OWN else quoted(shown(work))


async def _tested(turns: Turns, result: TaskResult) -> Checked:
    """The tester's word on the attempt; of a run that goes on, the one that was recorded."""
    kept = kept_in(turns.before, TESTER, turns.step)
    if kept is not None:
        recorded = artefact_from_json(kept)
        assert isinstance(recorded, Checked), "the tester makes nothing else"
        return recorded
    tested = await _tests(turns, result)
    turns.keep(TESTER, {TESTER: artefact_to_json(tested)})
    return tested


async def _tests(turns: Turns, result: TaskResult) -> Checked:
    """The failed checks; without checks, what running the code ends in, or assertions that a large model's critic broke it with."""
    from purpose_agent.models.decode import extract_code

    score = result.score
    if turns.task.checks:
        if result.success is None:
            return Checked("nobody")
        return Checked("checks", failures(score) if result.success is False and score is not None else "")
    if result.answer is None:
        return Checked("nobody")
    source = extract_code(result.answer)
    if source is None:
        return Checked("run", "- there is no readable Python code in the answer")
    try:
        ran = await turns.place.code_runner.run(source)
    except SandboxUnavailable:  # nobody asked for the code to be run; the score is flagged "no_sandbox"
        return Checked("nobody")
    # A program that waits for input can't be judged by running it alone.
    if ran.status != "ok" and "EOFError" not in ran.stderr:
        # A program that a limit stops may be one that serves, or reckons long: that is no proof against it.
        by = "run" if ran.status == "error" else "limits"
        return Checked(by, f"- running it ends with {ran.status}: {ran.stderr.strip()[-500:]}".rstrip(": "))
    is_small = turns.member("coder").model.capabilities.small
    if score is not None and score.critic == "falsification" and not is_small and failures(score):
        return Checked("assertions", failures(score))
    return Checked("run")
