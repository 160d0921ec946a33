"""Quorum: several agents do one task by themselves; answers that agree are merged, others are escalated.

In:  a task, with checks if wanted.
Out: a `DebateResult`: one answer, who gave it and who did not; or that there is none.

Nobody sees another's answer before all are there: what agrees then agrees by itself. Not here: rounds in which members hear each
other (`debate.py`), and how answers are compared (`answers.py`).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from purpose_agent.agents.agent import Agent, resolved
from purpose_agent.agents.arguments import check_seed
from purpose_agent.agents.councils.answers import (
    COMPARISON,
    AnswerSeat,
    CompareSeat,
    best,
    by_checks,
    candidates,
    counted,
    is_compared,
    labelled,
    right,
)
from purpose_agent.agents.councils.debate import resumed
from purpose_agent.agents.councils.escalation import (
    DECISION,
    TAKEN,
    Escalation,
    add_escalation,
    check_escalation,
    check_heard,
    decided,
    first_state,
)
from purpose_agent.agents.councils.form import short
from purpose_agent.agents.councils.past import Whose
from purpose_agent.agents.councils.result import DebateResult
from purpose_agent.agents.councils.rounds import Seats, check_choices, checked_members, task_in
from purpose_agent.agents.councils.votes import votes_in
from purpose_agent.agents.flows.graph import END, START
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import CantResume, UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model
from purpose_agent.core.task import Task, as_task
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.sync import run_sync

AGREEMENT = 0.6
MOST_SHOWN = 200
"""Characters of an answer in the question to a person; all of it is in the result's `votes`."""


class Quorum:
    """Agents whose answers count together.

    Args:
        members: At least two, in one workspace.
        agreement: So large a share of all of them has to come to the same, above 0.5, up to 1. Where they don't and the task has checks,
            an answer that passes them is the result, however few gave it: the one that most did, of equals the first.
        escalate: Who decides where neither does: "critics", "person", or None: nobody, and the result says so.
        critic: The model that compares answers and criticises them; None: that of the first member.
        name: For the record.

    Raises:
        UsageError: Fewer than two members, two of one name, members of several workspaces, no such escalation, or no such share.
    """

    def __init__(
        self,
        members: Sequence[Agent],
        *,
        agreement: float = AGREEMENT,
        escalate: Escalation | None = "critics",
        critic: str | Model | None = None,
        name: str = "quorum",
        workspace: Workspace | str | Path | None = None,
    ) -> None:
        self.members = checked_members(members, "Quorum", (*TAKEN, name))
        check_escalation(escalate, "Quorum")
        if isinstance(agreement, bool) or not isinstance(agreement, int | float) or not 0.5 < agreement <= 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(
                f"Quorum(agreement={agreement!r}): give a share above 0.5, so that only one answer can have it, up to 1."
            )
        self.agreement = agreement
        self.name = name
        self._escalate: Escalation | None = escalate
        self._critic = resolved(critic) if critic is not None else None
        self._workspace = workspace
        self._flow = self._drawn(None)

    def __repr__(self) -> str:
        return f"Quorum({[member.name for member in self.members]!r}, agreement={self.agreement})"

    @property
    def workspace(self) -> Workspace:
        """Where it is recorded."""
        return self.members[0].workspace

    def run(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> DebateResult:
        """Blocking form of `run_async`."""
        return run_sync(self.run_async(task, seed=seed, watch=watch))

    async def run_async(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> DebateResult:
        """Have every member do the task, side by side, and see what their answers come to.

        Costs a run for each member; a model call to compare answers that are not the same to the letter; four where critics are asked.

        Args:
            seed: Of the models' draws; each member has another one.
            watch: Called with every event, those of the members' runs too.

        Raises:
            UsageError: Its choices can't be told apart as votes.
            NoModelFound: A member has no model, and there is none.
        """
        given = as_task(task)
        check_choices(given, f"run(choices={list(given.choices)!r})")
        check_seed(seed)
        flow = self._drawn(given) if _has_functions(given) else self._flow
        return DebateResult(await flow.run_async(first_state(given, self.members, seed=seed), watch=watch))

    def resume(
        self,
        run_id: str,
        *,
        decision: str | None = None,
        by: str = "",
        task: Task | None = None,
        watch: Listener | None = None,
    ) -> DebateResult:
        """Blocking form of `resume_async`."""
        return run_sync(self.resume_async(run_id, decision=decision, by=by, task=task, watch=watch))

    async def resume_async(
        self,
        run_id: str,
        *,
        decision: str | None = None,
        by: str = "",
        task: Task | None = None,
        watch: Listener | None = None,
    ) -> DebateResult:
        """Go on with a run that waits for a person, was stopped, or whose process died. Answers that are there are not given again.

        Args:
            decision: The answer, of the person that it waits for; one of the choices, if the task has some. None: what they said
                from outside, by `workspace.control(run_id).done(...)`, if they did.
            by: Who that is, as far as it is known; nobody checks it.
            task: Needed only if checks of it are functions, which are not in the record.

        Raises:
            UsageError: It waits for no decision, as it is over or was never asked for one; or the decision is none of the choices.
            CantResume: It is under way in another process, another one's run, one of other members, or lacks its task.
            RunTaken: Another process went on with it at the same moment.
            NotFound: There is no such run.
        """
        trace = self._flow.kept(run_id)
        if task is None and trace is not None and _has_functions(task_in(trace.final_state.values)):
            raise CantResume(
                f"A check of the task of {run_id} is a function, which is not in the record. Give the task again: resume(run_id, task=...)."
            )
        flow = self._drawn(task) if task is not None else self._flow
        return await resumed(flow, trace, run_id, decision, by, watch)

    def _drawn(self, given: Task | None) -> Seats:
        flow = Seats(Whose("quorum", self.name, [member.name for member in self.members]), self._workspace)
        first = self.members[0]
        for place, member in enumerate(self.members):
            flow.seat(member.name, AnswerSeat(member, member.name, self.name, place=place, given=given), member)
            flow.add_edge(START, member.name)
        judge = Agent(COMPARISON, model=self._critic, critic=None, workspace=first.workspace, mode=first.mode, temperature=0.0)
        compares = CompareSeat(judge, COMPARISON, self.name, model=lambda: self._critic or first.model)
        flow.seat(COMPARISON, compares, judge)
        flow.add_node(DECISION, self._decide)
        flow.add_edge(DECISION, END)
        others = add_escalation(flow, self._escalate, self.members, self._critic, candidates, _question)

        def when_compared(state: Mapping[str, Json]) -> list[str]:
            return [DECISION] if self._is_clear(state) else list(others)

        def when_answered(state: Mapping[str, Json]) -> list[str]:
            return when_compared(state) if is_compared(state) or self._is_clear(state) else [COMPARISON]

        ways: dict[Hashable, str] = {each: each for each in (*others, DECISION)}
        flow.add_conditional_edge(COMPARISON, when_compared, ways)
        # One condition speaks for all members: they are done when it is asked.
        flow.add_conditional_edge(first.name, when_answered, {**ways, COMPARISON: COMPARISON})
        for member in self.members[1:]:
            flow.add_edge(member.name, END)
        return flow

    def _merges(self, state: Mapping[str, Json]) -> bool:
        """So many come to the same, and if anything passes the task's checks, that does."""
        count = counted(state)
        if count.agreement is None or count.agreement < self.agreement:
            return False
        return not right(state).groups or any(vote.success is True for vote in count.groups[0].votes)

    def _is_clear(self, state: Mapping[str, Json]) -> bool:
        """Nobody has to be asked: they agree, checks say what is right, or that nothing is."""
        return self._merges(state) or bool(right(state).groups) or not candidates(state)

    async def _decide(self, state: dict[str, Json]) -> dict[str, Json]:
        check_heard(votes_in(state))
        count = counted(state)
        groups = {group.stance: group for group in count.groups}

        def words(stance: str) -> str:
            return best(groups[stance].votes).position

        outcome = decided(state, count, words, merges=self._merges(state), known=is_compared(state))
        if not outcome.by and right(state).groups:
            outcome = by_checks(state)
        elif not count.groups:
            outcome = replace(outcome, why=f"no answer passes the task's checks ({outcome.why})")
        stances: dict[str, Json] = {vote.member: vote.to_json() for vote in labelled(state)}
        return {"answer": outcome.decision, "outcome": outcome.to_json(), "stances": stances}


def _question(state: Mapping[str, Json]) -> str:
    answers = "; ".join(f"{each.stance}: {short(each.text, MOST_SHOWN)!r}" for each in candidates(state))
    told = f"{counted(state).told()}. {answers}"
    example = candidates(state)[0].stance
    return f"The answers to {task_in(state).goal!r} do not agree: {told}. Decide with resume(run_id, decision={example!r})."


def _has_functions(task: Task) -> bool:
    return any(check.kind == "callable" for check in task.checks)
