"""A critic's mistakes become notes for it, tried on outcomes it has not been told.

In:  judgements of runs whose outcome is known, a way to ask the critic again.
Out: drafts of kind "critic_calibration", and the pairs of their trial; the gate decides, as about any other memory.

A draft sets an answer that the critic rated far too high, or too low, beside one of its kind that came out the other way. Its
trial: runs of other tasks are judged again with the note in the critic's prompt, and what counts is the fall of the squared error.
A critic that says nothing about a run is taken to have said ½.

After Meta-Rewarding (https://arxiv.org/abs/2407.19594), where a judge learns from judging, and Self-Taught Evaluators
(https://arxiv.org/abs/2408.02666), where contrasting answers teach it; here outcomes decide, not another judgement, and what is learned
is a note, no weights. Not here: a note for the actor. Such a memory belongs into no prompt but the critic's.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import takewhile

from purpose_agent.core.memory import CALIBRATION, Lesson, Memory, Pair
from purpose_agent.core.ports import Clock
from purpose_agent.core.score import MAX_PHI
from purpose_agent.critics.checks import failures
from purpose_agent.learning.hypotheses import provenance_of, scope_of
from purpose_agent.learning.judging import Judge, ToJudge, judge_outcomes, shown_of
from purpose_agent.learning.trial import PAIRS
from purpose_agent.memory.judgements import Judgement, Judgements
from purpose_agent.memory.recall import would_recall
from purpose_agent.memory.words import likeness
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.record import RunRow, find_run, load_trace, task_keys
from purpose_agent.runtime.taints import read_by, taints_of

TOO_HIGH, TOO_LOW = 7.0, 3.0
"""A failure that has this Φ or more, a success that has this or less: the critic was far off."""
MOST_GOAL_CHARS, MOST_ANSWER_CHARS, MOST_REASON_CHARS = 50, 100, 90
MOST_COMPARED_CHARS = 20_000
MOST_NOTES = 3
"""So many notes are in the critic's prompt."""
LEAD = 30
"""Of two long answers that begin alike, so many characters are shown before they part."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A run, and what a critic said of it."""

    run: RunRow
    judgement: Judgement


def judged_runs(
    db: Database, judgements: Judgements, critic: str, model: str, *, notes: str = "", own: Collection[str] = ()
) -> tuple[Judged, ...]:
    """What that critic has judged so far, with the runs, as far as they are still in the record; none of the tasks `own`."""
    said = [each for each in judgements.of(critic, model, notes=notes) if each.task_key not in own]
    return tuple(Judged(run, each) for each in said if (run := find_run(db, each.run_id)) is not None)


def draft_calibrations(db: Database, judged: Sequence[Judged]) -> tuple[Lesson, ...]:
    """For each family in which the critic was far off: its worst mistake, beside a run that shows what it missed.

    None for a mistake without such a run: one of the same family, or task, and for the same user and agent, that came out the
    other way. The most alike is taken. Their origin is the lowest of all that both runs had read. What a critic said of one user's
    runs is passed over: `notes_for` could never use the note.
    """
    worst: dict[tuple[str, ...], tuple[float, Judged, Judged]] = {}
    for each in judged:
        if scope_of(each.run).users:
            continue
        other = _beside(each, judged) if _is_far_off(each) else None
        if other is None:
            continue
        scope = scope_of(each.run)
        kind = (*scope.agents, each.run.family or each.run.task_key)
        error = _error(each.judgement)
        if kind not in worst or error > worst[kind][0]:
            worst[kind] = (error, each, other)
    return tuple(_draft(db, each, other) for _, each, other in worst.values())


def notes_for(memories: Iterable[Memory], agent: str, family: str, *, limit: int = MOST_NOTES) -> tuple[str, ...]:
    """The promoted notes for the critic of `agent`, about tasks of that family, the most useful first.

    They are the same for all tasks of the family, so that one curve reads what the critic says with them. What came from one
    user's runs is not among them.
    """
    found = [
        memory
        for memory in memories
        if memory.lesson.kind == CALIBRATION
        and memory.status == "promoted"
        and not memory.lesson.scope.users
        and (not memory.lesson.scope.agents or agent in memory.lesson.scope.agents)
        and (not memory.lesson.scope.families or family in memory.lesson.scope.families)
    ]
    found.sort(key=lambda memory: (-memory.utility * memory.trust, memory.id))
    return tuple(memory.lesson.text for memory in found[:limit])


def hash_of_notes(notes: Sequence[str]) -> str:
    """Names a set of notes in the record of judgements, in whatever order: 16 hex digits, or "" for none."""
    return sha256(json.dumps(sorted(notes)).encode()).hexdigest()[:16] if notes else ""


def tasks_behind(db: Database, memories: Iterable[Memory], notes: Collection[str]) -> frozenset[str]:
    """Keys of the tasks that notes were drawn from. Whoever has these in its prompt has been told how such a task ended.

    Args:
        memories: Among which they are looked up by their text, of whatever status.
        notes: As `notes_for` gives them.
    """
    came = [memory.lesson.provenance for memory in memories if memory.lesson.text in notes]
    return task_keys(db, [run_id for each in came for run_id in (each.run_id, each.beside) if run_id])


def held_out_for(db: Database, memory: Memory, judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Those of `judged` that a note may be tried on, in an order that was fixed before anything was tried.

    One of each task that it bears on, the oldest, so that a pair once seen stays one; none of the tasks it was drawn from.
    """
    own = tasks_behind(db, [memory], [memory.lesson.text])
    first: dict[str, Judged] = {}
    for each in sorted(judged, key=lambda each: each.run.id):
        run = each.run
        if run.task_key not in own and would_recall(memory, run.task, run.agent):
            first.setdefault(run.task_key, each)
    return tuple(sorted(first.values(), key=lambda each: sha256(f"{memory.id}/{each.run.id}".encode()).digest()))


async def try_calibration(
    db: Database,
    judgements: Judgements,
    held_out: Sequence[Judged],
    ask_with_note: Judge,
    *,
    critic: str,
    model: str,
    notes: str,
    clock: Clock,
    pairs: int = PAIRS,
    reads: Callable[[float], float] = lambda phi: phi / MAX_PHI,
    may_go_on: Callable[[], bool] = lambda: True,
) -> list[Pair]:
    """Ask the critic again, with the note in its prompt, and compare. What it was asked before is in the record, and free.

    Each pair is about one run; its gain is the squared error without the note less that with it. Its verdicts say whether the critic
    was on the right side of ½.

    Args:
        held_out: As `held_out_for` gives them, with what the critic said without the note.
        ask_with_note: The same critic, with the same notes as before and this one.
        critic: As in `Score.critic`.
        notes: Hash of those notes and this one.
        pairs: At most so many are asked anew.
        reads: Φ → probability of success; the same for both halves.
        may_go_on: Asked before each question: the evidence may suffice, or the budget be spent.

    Returns:
        All pairs so far, in the order of `held_out`, those of earlier calls among them.

    Raises:
        ModelError: The critic's model could not answer; what it said until then is in the record.
    """
    said = {each.run_id: each for each in judgements.of(critic, model, notes=notes)}
    for each in held_out:
        if each.run.id in said:
            continue
        if pairs <= 0:
            break
        shown = shown_of(each.run, load_trace(db, each.run.id))
        waiting = [ToJudge(each.run, shown)] if shown is not None else []
        new = await judge_outcomes(
            judgements, waiting, ask_with_note, critic=critic, model=model, clock=clock, notes=notes, may_go_on=may_go_on
        )
        if waiting and not new:
            break
        said |= {one.run_id: one for one in new}
        pairs -= len(new)
    known = [each for each in held_out if each.run.id in said]
    return [_pair(number, each.judgement, said[each.run.id], reads) for number, each in enumerate(known)]


def _pair(number: int, without: Judgement, with_it: Judgement, reads: Callable[[float], float]) -> Pair:
    before, after = (0.5 if each.phi is None else reads(each.phi) for each in (without, with_it))
    success = without.success
    return Pair(
        task=without.task_key,
        seed=number,
        with_memory=(after >= 0.5) == success,
        without=(before >= 0.5) == success,
        run_with=without.run_id,
        run_without=without.run_id,
        gain=(before - success) ** 2 - (after - success) ** 2,
    )


def _is_far_off(each: Judged) -> bool:
    phi = each.judgement.phi
    return phi is not None and (phi <= TOO_LOW if each.judgement.success else phi >= TOO_HIGH)


def _error(judgement: Judgement) -> float:
    return abs((judgement.phi or 0.0) - MAX_PHI * judgement.success)


def _beside(each: Judged, judged: Sequence[Judged]) -> Judged | None:
    """The run most like it that came out the other way."""
    run = each.run
    others = [
        other
        for other in judged
        if other.judgement.success is not each.judgement.success
        and scope_of(other.run) == scope_of(run)
        and (run.family or other.run.task_key == run.task_key)
    ]
    return max(others, key=lambda other: (other.run.task_key == run.task_key, likeness(run.goal, other.run.goal)), default=None)


def _draft(db: Database, each: Judged, other: Judged) -> Lesson:
    wrong, right = (other, each) if each.judgement.success else (each, other)
    of_wrong, of_right = _answers(db, wrong.run, right.run)
    rated = f"was rated {each.judgement.phi or 0:.0f} of 10"
    why = _one_line(_why(db, wrong.run), MOST_REASON_CHARS)
    if each.judgement.success:
        then = f"one such as {of_right} {rated} and was right; one such as {of_wrong} was wrong ({why})."
    else:
        then = f"one such as {of_wrong} {rated} and was wrong ({why}); one such as {of_right} was right."
    run = each.run
    about = f"a task of the family {run.family[:MOST_GOAL_CHARS]}" if run.family else _quoted(run.goal, MOST_GOAL_CHARS)
    read = read_by(run.id, taints_of(db, [run.id, other.run.id]), [other.run.id])
    provenance = replace(provenance_of(run, read), beside=other.run.id)
    return Lesson(CALIBRATION, f"an answer to {about} is judged", then, provenance, scope_of(run))


def _answers(db: Database, wrong: RunRow, right: RunRow) -> tuple[str, str]:
    """Both, quoted; long ones from where they part. With their tasks, if those are two."""
    said = [_one_line(_said(db, run), MOST_COMPARED_CHARS) for run in (wrong, right)]
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*said, strict=False)))
    start = max(0, alike - LEAD) if max(map(len, said)) > MOST_ANSWER_CHARS else 0
    shown = [("…" if start else "") + text[start:] for text in said]
    quoted = [_quoted(text, MOST_ANSWER_CHARS) for text in shown]
    if wrong.goal != right.goal:
        quoted = [f"{text} to {_quoted(run.goal, MOST_GOAL_CHARS)}" for text, run in zip(quoted, (wrong, right), strict=True)]
    return quoted[0], quoted[1]


def _said(db: Database, run: RunRow) -> str:
    """Its answer; or the last thing that was to be seen, if it acted in a world."""
    if run.answer is not None:
        return run.answer
    steps = load_trace(db, run.id).steps()
    return steps[-1].observations[-1].content if steps and steps[-1].observations else "(none)"


def _why(db: Database, run: RunRow) -> str:
    """What the checks found wrong, if the record has it."""
    scores = [step.score for step in load_trace(db, run.id).steps() if step.score is not None and step.score.checks]
    return failures(scores[-1]).removeprefix("- ") if scores else "the goal was not reached"


def _one_line(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _quoted(text: str, most: int) -> str:
    return f"“{_one_line(text, most)}”"
