"""Debate (Council): several agents on one question, in rounds of short positions that may change.

In:  a question, perhaps with the options that it is about.
Out: a `DebateResult`: a decision with votes, reasons and dissent, or that there is none.

Agreement is what members say it is: each names its stance, and equal stances agree. Nothing is read into their sentences. Not
here: the rounds (`rounds.py`), votes and what they come to (`votes.py`), who is asked where members don't
agree (`escalation.py`), and several answers to one task, without a debate (`quorum.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.arguments import check_seed
from purpose_agent.agents.councils.critics import Candidate
from purpose_agent.agents.councils.escalation import (
    DECISION,
    TAKEN,
    Escalation,
    add_escalation,
    check_decision,
    check_escalation,
    check_heard,
    decided,
    first_state,
)
from purpose_agent.agents.councils.past import Whose
from purpose_agent.agents.councils.result import DebateResult
from purpose_agent.agents.councils.rounds import Seat, Seats, check_choices, checked_members, goes_on, task_in
from purpose_agent.agents.councils.votes import Group, tally, votes_in
from purpose_agent.agents.debate_question import person_said
from purpose_agent.agents.flows.graph import END, START
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_whole
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model
from purpose_agent.core.task import Task, as_task
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace

ROUNDS = 3


class Debate:
    """A council. It is a workflow: its runs are recorded, stand still and go on as those do.

    Args:
        members: At least two, in one workspace, each with a model of its own if wanted.
        name: For the record.
        escalate: Who decides where more than half don't hold one stance: "critics" (four of them: correctness, safety, cost,
            alignment), "person" (the run waits, see `resume`), or None: nobody does, and the result says so.
        critic: The critics' model: a spec or an object; None: that of the first member.
        workspace: That of the members, if it is to be made sure of.

    Raises:
        UsageError: Fewer than two members, two of one name, members of several workspaces, or no such escalation.
    """

    def __init__(
        self,
        members: Sequence[Agent],
        *,
        name: str = "council",
        escalate: Escalation | None = None,
        critic: str | Model | None = None,
        workspace: Workspace | str | Path | None = None,
    ) -> None:
        self.members = checked_members(members, "Council", (*TAKEN, name))
        check_escalation(escalate, "Council")
        names = [member.name for member in self.members]
        self._flow = Seats(Whose("council", name, names), workspace)
        for place, member in enumerate(self.members):
            self._flow.seat(member.name, Seat(member, member.name, name, place=place), member)
            self._flow.add_edge(START, member.name)
        self._flow.add_node(DECISION, _decide)
        self._flow.add_edge(DECISION, END)
        others = add_escalation(self._flow, escalate, self.members, critic, _candidates, _question)

        def after_a_round(state: Mapping[str, Json]) -> list[str]:
            if goes_on(state):
                return names
            votes = votes_in(state)
            is_heard = any(vote.stance is not None for vote in votes)
            return list(others) if is_heard and tally(votes).status == "no agreement" else [DECISION]

        # One condition speaks for the round: all members are done when it is asked.
        self._flow.add_conditional_edge(names[0], after_a_round, {each: each for each in (*names, *others, DECISION)})
        for each in names[1:]:
            self._flow.add_edge(each, END)

    def __repr__(self) -> str:
        return f"Council({[member.name for member in self.members]!r})"

    @property
    def workspace(self) -> Workspace:
        """Where it is recorded."""
        return self.members[0].workspace

    def run(
        self,
        question: str | Task,
        rounds: int = ROUNDS,
        *,
        options: Sequence[str] = (),
        seed: int | None = None,
        watch: Listener | None = None,
    ) -> DebateResult:
        """Blocking form of `run_async`."""
        return run_sync(self.run_async(question, rounds, options=options, seed=seed, watch=watch))

    async def run_async(
        self,
        question: str | Task,
        rounds: int = ROUNDS,
        *,
        options: Sequence[str] = (),
        seed: int | None = None,
        watch: Listener | None = None,
    ) -> DebateResult:
        """Debate a question. It ends early once all agree and nobody has just changed.

        In each round the members work side by side; each sees the latest positions of the others, and not those before. Every turn is
        a run of its own, and is learned from. Costs at most a run for each member and round.

        Args:
            question: In words; or a task, whose choices are the options and whose limits hold for each turn.
            rounds: At most so many.
            options: What a stance can be; () for any, in the members' own words.
            seed: Of the models' draws; each turn has another one.
            watch: Called with every event, those of the members' runs too.

        Raises:
            UsageError: No rounds, one option, options that votes can't tell apart, or a task with checks: those are for answers, see
                `Quorum`.
            NoModelFound: A member has no model, and there is none.
        """
        task = _asked(question, options)
        check_whole(f"run(rounds={rounds!r})", rounds, least=1)
        check_seed(seed)
        state = first_state(task, self.members, rounds=rounds, seed=seed)
        return DebateResult(await self._flow.run_async(state, watch=watch))

    def resume(self, run_id: str, *, decision: str | None = None, by: str = "", watch: Listener | None = None) -> DebateResult:
        """Blocking form of `resume_async`."""
        return run_sync(self.resume_async(run_id, decision=decision, by=by, watch=watch))

    async def resume_async(
        self, run_id: str, *, decision: str | None = None, by: str = "", watch: Listener | None = None
    ) -> DebateResult:
        """Go on with a run that waits for a person, was stopped, or whose process died. Turns that are over are not taken again.

        Args:
            decision: Of the person that it waits for; one of the options, if it has some. None: what they said from outside, by
                `workspace.control(run_id).done(...)`, if they did.
            by: Who that is, as far as it is known; nobody checks it.

        Raises:
            UsageError: It waits for no decision, as it is over or was never asked for one; or the decision is none of the options.
            CantResume: It is under way in another process, another one's run, or one of other members.
            RunTaken: Another process went on with it at the same moment.
            NotFound: There is no such run.
        """
        return await resumed(self._flow, self._flow.kept(run_id), run_id, decision, by, watch)


def _asked(question: str | Task, options: Sequence[str]) -> Task:
    """The question with its options.

    Raises:
        UsageError: No council can debate it.
    """
    task = as_task(question)
    if isinstance(options, str) or not all(isinstance(option, str) for option in options):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"run(options={options!r}): give no option or several, as a list of texts.")
    if task.checks:
        raise UsageError(
            f"run({task.goal!r:.80}, with checks): a council comes to a stance with its reason, which no check can judge. Leave the checks"
            " out, or have the same agents answer the task each by itself: Quorum(members).run(task)."
        )
    if options:
        task = replace(task, choices=tuple(options))
    if len(task.choices) == 1:
        raise UsageError(f"run(options={list(task.choices)!r}): give no option or several.")
    check_choices(task, f"run(options={list(task.choices)!r})")
    return task


async def resumed(
    flow: Seats, trace: Trace | None, run_id: str, decision: str | None, by: str, watch: Listener | None
) -> DebateResult:
    """Go on with a run of a council or a quorum, with a person's decision if it waits for one."""
    done = None
    if decision is not None and trace is not None:
        check_decision(trace, decision, by, flow.said(run_id))
        done = person_said(decision, by, task_in(trace.final_state.values).choices)
    return DebateResult(await flow.resume_async(run_id, done=done, watch=watch))


async def _decide(state: dict[str, Json]) -> dict[str, Json]:
    votes = votes_in(state)
    check_heard(votes)
    count, options = tally(votes), task_in(state).choices
    groups = {group.stance: group for group in count.groups}

    def words(stance: str) -> str:
        return stance if options else _in_words(groups[stance])

    outcome = decided(state, count, words, merges=count.status != "no agreement")
    return {"answer": outcome.decision, "outcome": outcome.to_json()}


def _in_words(group: Group) -> str:
    """A stance with its reason: that of the member that has held it longest."""
    longest = min(group.votes, key=lambda vote: vote.since)
    return f"{group.stance}: {longest.position}" if longest.position else group.stance


def _candidates(state: Mapping[str, Json]) -> list[Candidate]:
    groups = tally(votes_in(state)).groups
    return [Candidate(group.stance, "\n".join((group.stance, *(vote.position for vote in group.votes)))) for group in groups]


def _question(state: Mapping[str, Json]) -> str:
    told = tally(votes_in(state)).told()
    return f"The council does not agree on {task_in(state).goal!r}: {told}. Decide with resume(run_id, decision=...)."
