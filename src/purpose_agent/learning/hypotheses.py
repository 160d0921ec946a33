"""What the solved cases of a family suggest: rules, or the cases themselves as demonstrations.

In:  a run, the runs like it, what the memory already holds about them.
Out: lessons to try, at most `MOST_RULES` rules or one card of demonstrations, and which waiting ones they replace.

Which of them is right is for their trials to say. Where the rule in use fails from some case on, only the cases since
then are looked at, and the lesson says from which run on it holds. Where every answer is another text, a rule is the form
in which it is written (`forms.py`). Where words don't decide and the workspace has an embedder, meaning may (`meanings.py`), in
tasks of a family. Where no rule is found, eight solved cases are a hypothesis too: they may show what no rule of ours can say
(after DSPy, arXiv 2310.03714: verified runs as demonstrations).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from purpose_agent.core.memory import Case, Lesson, Memory, MemoryKind, Provenance, Scope
from purpose_agent.core.origin import TEACHERS, Origin, Taint, lowest
from purpose_agent.core.ports import Embedder
from purpose_agent.learning.cases import FEWEST_CASES, SolvedCase, changed_at, known_answer, solved_cases, spread
from purpose_agent.learning.forms import induce_forms
from purpose_agent.learning.induce import CHANCE, Rule, as_text, at_least, induce
from purpose_agent.learning.meanings import induce_by_meaning
from purpose_agent.memory.meaning import is_by_meaning
from purpose_agent.memory.rules import situation_of, told_by
from purpose_agent.memory.scanners import may_be_kept
from purpose_agent.runtime.record import RunRow
from purpose_agent.runtime.taints import read_by

RULE: MemoryKind = "skill_card"
DEMONSTRATIONS: MemoryKind = "episodic_case"
KINDS = (RULE, DEMONSTRATIONS)
MOST_RULES = 2
FEWEST_HALVED = 24
"""From so many cases on, the newer half is looked at alone where all together follow no rule, or one by meaning that may lie
between two."""
FEWEST_SHOWN = 18
"""Cases with choices: from so many on, they are tried as demonstrations. A rule is more likely, and needs fewer tokens."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to try.

    Attributes:
        why: Why there is nothing to try, or "".
        revises: The memory that leaves use when one of the drafts is promoted.
        replaced: Waiting memories that make way.
        better: By a draft that says it better: the one of them whose trial it goes on with.
    """

    drafts: tuple[Lesson, ...] = ()
    why: str = ""
    revises: str | None = None
    replaced: tuple[Memory, ...] = ()
    better: Mapping[Lesson, Memory] = field(default_factory=dict[Lesson, Memory])


def propose(
    run: RunRow,
    alike: Sequence[RunRow],
    in_use: Memory | None,
    waiting: Sequence[Memory],
    taints: Mapping[str, Taint] | None = None,
    embedder: Embedder | None = None,
) -> Proposal:
    """The hypotheses about the tasks that are like the run's.

    Args:
        alike: Runs of those tasks, newest first.
        in_use: The rule or the demonstrations that their prompts have now, or had until the watch sent them back.
        waiting: Those in quarantine; the one whose trial goes on and has come furthest first.
        taints: By the id of a run: the lowest origin of what it had read, where that is not a person's word alone.
        embedder: Tells what situations mean; None: rules are of words alone.
    """
    if _is_promoted(in_use) and run.success:
        return Proposal(why="the rule in use held")
    cases, since = _of_the_present(solved_cases(alike), in_use, waiting)
    when = " since it changed" if since else ""
    if len(cases) < FEWEST_CASES:
        solved = "1 solved case" if len(cases) == 1 else f"{len(cases)} solved cases"
        return Proposal(why=f"{solved} so far{when}; a rule needs {FEWEST_CASES}")
    rules = _rules_behind(cases, run, embedder)
    if len(cases) >= FEWEST_HALVED and not since and (not rules or is_by_meaning(rules[0].lines)):
        newer = cases[len(cases) // 2 :]
        of_newer = _rules_behind(newer, run, embedder)
        if of_newer and (not rules or _is_clearly_better(of_newer[0], rules[0])):
            rules, cases, since = of_newer, newer, newer[0].run_id
    if not any(may_be_kept(each.case) for each in cases):
        return Proposal(why="the scanners would block every case")
    if rules and is_by_meaning(rules[0].lines):
        # Or the tasks that are kept for trials would decide which rules are tried on them.
        if not any(each.run_id == run.id for each in cases):
            return Proposal(why="the run's task is kept for trials")
        if (known := _telling_right(run, in_use, waiting)) is not None:
            return Proposal(why=f"the {known.status} rule tells it right")
    read = read_by(run.id, taints or {}, [each.run_id for each in cases])
    about = _About(run, replace(provenance_of(run, read), since=since), tuple(cases), in_use, waiting)
    return about.rules(rules) if rules else about.demonstrations(f"no rule was found in {len(cases)} solved cases{when}")


def _rules_behind(cases: Sequence[SolvedCase], run: RunRow, embedder: Embedder | None) -> Sequence[Rule]:
    """Which words decide between answers, or else what is meant, or the form of answers: whichever is right more often."""
    told = [each.case for each in cases]
    rules = induce(told, MOST_RULES)
    if rules and rules[0].hits == rules[0].cases:
        return rules
    # Tasks of no family are found by their words, and a rule by meaning has none.
    by_meaning = induce_by_meaning(told, embedder) if embedder is not None and run.family else ()
    if _are_better(by_meaning, rules):
        rules = (*by_meaning, *rules)[:MOST_RULES]
    if run.task.choices:
        return rules
    forms = induce_forms(told)
    return forms if _are_better(forms, rules) else rules


def _are_better(some: Sequence[Rule], others: Sequence[Rule]) -> bool:
    """The first of them is right more often than the first of the others."""
    return bool(some) and (not others or some[0].hits / some[0].cases > others[0].hits / others[0].cases)


def _is_clearly_better(newer: Rule, rule: Rule) -> bool:
    """`rule` lies between two rules, the second of which holds now: the newer cases follow theirs beyond chance more often."""
    return at_least(newer.hits, newer.cases, rule.hits / rule.cases) <= CHANCE


def _telling_right(run: RunRow, in_use: Memory | None, waiting: Sequence[Memory]) -> Memory | None:
    """A rule by meaning that is right about the run already: that the run is one more example makes it no better hypothesis."""
    situation, answer = situation_of(run.goal, run.task.inputs), known_answer(run)
    known = [memory for memory in (in_use, *waiting) if memory is not None and is_by_meaning(memory.lesson.lines)]
    # Not what was in use until the watch sent it back.
    known = [memory for memory in known if memory != in_use or _is_promoted(memory)]
    return next((memory for memory in known if told_by(memory.lesson.lines, situation) == answer), None)


@dataclass(frozen=True, slots=True)
class _About:
    """What a proposal is made of."""

    run: RunRow
    provenance: Provenance
    cases: tuple[SolvedCase, ...]
    in_use: Memory | None
    waiting: Sequence[Memory]

    def rules(self, found: Sequence[Rule]) -> Proposal:
        """Those of `found` that nobody has proposed yet; waiting rules that say something else make way."""
        says = [rule.lines for rule in found]
        if self.in_use is not None and _is_promoted(self.in_use) and self.in_use.lesson.lines == says[0]:
            return Proposal(why="the promoted rule says the same")
        # Not what was in use until the watch sent it back: it makes way when a revision is promoted.
        waiting = [memory for memory in self.waiting if memory.lesson.kind == RULE and memory != self.in_use]
        replaced = [memory for memory in waiting if memory.lesson.lines not in says]
        if replaced and replaced[0] is waiting[0]:
            # The trial that has come furthest goes on with the best rule, also where that one waits already.
            replaced += [memory for memory in waiting if memory.lesson.lines == says[0]]
        staying = [memory for memory in waiting if memory not in replaced]
        known = {memory.lesson.lines for memory in (*staying, *([self.in_use] if self.in_use else []))}
        new = [rule for rule in found if rule.lines not in known]
        if not new and not replaced:
            return Proposal(why="the quarantined rule says the same")
        drafts = tuple(
            Lesson(RULE, "", as_text(rule.lines), self.provenance, scope_of(self.run), self._shown(rule), rule.lines)
            for rule in new
        )
        why = "" if drafts else "the quarantined rule says the same"
        # A revision that makes way for a better one hands on what it revises, and with it since when that fails.
        handed_on = next((memory.supersedes for memory in self.waiting if memory.supersedes is not None), None)
        revises = self.in_use.id if self.in_use is not None else handed_on
        return Proposal(drafts, why, revises, tuple(replaced), dict(zip(drafts, replaced, strict=False)))

    def _shown(self, rule: Rule) -> tuple[Case, ...]:
        """Some of the cases; of a rule by meaning, of its examples."""
        if not is_by_meaning(rule.lines):
            return self._cases_to_show
        return spread([Case(each, line.answer) for line in rule.lines if line.like is not None for each in line.like.examples])

    @property
    def _cases_to_show(self) -> tuple[Case, ...]:
        """One that the scanners would block must not keep the lesson behind all others from the gate."""
        return spread([each.case for each in self.cases if may_be_kept(each.case)])

    def demonstrations(self, why: str) -> Proposal:
        """The cases as they are, unless something is in use or as many cases wait already."""
        fewest = FEWEST_SHOWN if self.run.task.choices else FEWEST_CASES
        if _is_promoted(self.in_use) or len(self.cases) < fewest:
            return Proposal(why=why)
        shown = self._cases_to_show
        waiting = [memory for memory in self.waiting if memory.lesson.kind == DEMONSTRATIONS]
        if any(len(memory.lesson.cases) >= len(shown) for memory in waiting):
            return Proposal(why=why)
        draft = Lesson(DEMONSTRATIONS, "", "", self.provenance, scope_of(self.run), shown)
        return Proposal((draft,), replaced=tuple(waiting), better=dict(zip((draft,), waiting, strict=False)))


def _is_promoted(memory: Memory | None) -> bool:
    return memory is not None and memory.status == "promoted"


def _of_the_present(
    cases: Sequence[SolvedCase], in_use: Memory | None, waiting: Sequence[Memory]
) -> tuple[Sequence[SolvedCase], str]:
    """The cases since the rule last changed, and the first run since then; all, and "", if it never did."""
    # A rule by meaning that waits stays with its time, too: with another one its trial would begin anew.
    revising = [memory for memory in waiting if memory.supersedes is not None or is_by_meaning(memory.lesson.lines)]
    since = max((memory.lesson.provenance.since for memory in (*revising, *([in_use] if in_use else []))), default="")
    cases = [each for each in cases if each.run_id >= since]
    # Only of a rule that proved itself: one that waits may never have been true, and fails on new cases for that reason.
    start = changed_at(in_use.lesson.lines, [each.case for each in cases]) if in_use is not None else None
    return (cases, since) if start is None else (cases[start:], cases[start].run_id)


def concerns(memory: Memory, run: RunRow) -> bool:
    """Whether it is a hypothesis about the tasks that are like the run's. A skill in words, without cases, is none."""
    lesson = memory.lesson
    if lesson.kind not in KINDS or not lesson.cases or lesson.scope != scope_of(run) or lesson.provenance.parents:
        return False
    return bool(run.family) or {case.answer for case in lesson.cases} <= {*run.task.choices}


def are_rivals(one: Memory, other: Memory) -> bool:
    """Whether both are hypotheses about the same tasks. Skills in words, without cases, stand in nobody's way."""
    mine, its = one.lesson, other.lesson
    if not mine.cases or not its.cases:
        return False
    if one.id == other.id or mine.kind not in KINDS or its.kind not in KINDS or mine.scope != its.scope:
        return False
    if not TEACHERS.isdisjoint((mine.provenance.origin, its.provenance.origin)):
        return False
    if mine.provenance.parents or its.provenance.parents:
        return False  # general ones are about the tasks of no family
    return bool(mine.scope.families) or {case.answer for case in mine.cases} == {case.answer for case in its.cases}


def provenance_of(run: RunRow, taint: Taint) -> Provenance:
    """Where a lesson from the run comes from: whoever judged it, what it had read is not the agent's own word.

    Args:
        taint: The lowest origin of what was in the context of the run, and of other runs that the lesson is made from.
    """
    own: Origin = "self_verified" if run.success is not None else "self_inferred"
    origin = lowest(own, taint.origin)
    if origin == own:
        return Provenance(own, run.id, run.agent)
    return Provenance(origin, run.id, run.agent, step=taint.step, source=taint.source)


def scope_of(run: RunRow) -> Scope:
    """Where a lesson from the run applies: nowhere that the run itself was not."""
    user = run.task.user
    return Scope((run.agent,), (run.family,) if run.family else (), (user,) if user else ())
