"""What a disagreement is put before: four critics, a person, or nobody.

In:  a workflow of seats that is being drawn; what is disputed in it.
Out: its further nodes; what was decided, by whom and why.

A person is waited for: the run stands still, its process may end, and `resume(run_id, decision=...)` goes on with what they said; or
`resume(run_id)`, with what they said from outside (`debate_question.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from purpose_agent.agents.agent import Agent, resolved
from purpose_agent.agents.councils.critics import (
    ASPECTS,
    MOST_CANDIDATES,
    CandidatesOf,
    Choice,
    CriticSeat,
    chosen,
    critic_name,
    verdicts_in,
)
from purpose_agent.agents.councils.rounds import Seats
from purpose_agent.agents.councils.votes import Tally, Vote
from purpose_agent.agents.debate_question import PERSON, is_asked, same
from purpose_agent.agents.flows.nodes import Handed, PartFailed, PartStands, Turn
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model, Usage
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.runtime.events import PersonAnswered
from purpose_agent.runtime.trace import Trace

Escalation: TypeAlias = Literal["critics", "person"]
DECISION: Final = "decision"
TAKEN: Final = (DECISION, PERSON, "comparison", *(critic_name(aspect) for aspect in ASPECTS))
"""Names of nodes that no member can have."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run decided.

    Attributes:
        status: "agreed", "majority", "no agreement"; "decided" by checks, critics or a person; "rejected" by critics.
        decision: The answer in words; None if there is none.
        stance: That was decided for; None if there is none, or a person said something of their own.
        by: "votes", "checks", "critics" or "person"; "" if nobody decided.
        agreement: 0 to 1, or None; see `Tally.agreement`.
    """

    status: str
    decision: str | None
    stance: str | None
    by: str
    why: str
    agreement: float | None

    def to_json(self) -> dict[str, Json]:
        """As it is recorded."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AsksPerson:
    """Waits until a person has decided."""

    question: Callable[[Mapping[str, Json]], str]
    has_run: ClassVar[bool] = False

    @property
    def can_stop(self) -> bool:
        return True

    async def perform(self, turn: Turn) -> Handed:
        outside = f"From outside: purpose-agent runs done {turn.parent} ANSWER"
        raise PartStands(f"{self.question(turn.values)} {outside}", "waiting", Usage())


def check_escalation(escalate: str | None, what: str) -> None:
    """Refuse what is no way to escalate.

    Raises:
        UsageError: It is none.
    """
    if escalate is not None and escalate not in get_args(Escalation):
        raise UsageError(f"{what}(escalate={escalate!r}): it is 'critics', 'person' or None.")


def add_escalation(
    flow: Seats,
    escalate: Escalation | None,
    members: Sequence[Agent],
    critic: str | Model | None,
    candidates: CandidatesOf,
    question: Callable[[Mapping[str, Json]], str],
) -> tuple[str, ...]:
    """Add the nodes of an escalation to a flow that has a decision.

    Args:
        critic: Model of the critics; None: that of the first member.

    Returns:
        The nodes that a disagreement leads to.
    """
    if escalate is None:
        return (DECISION,)
    if escalate == "person":
        flow.seat(PERSON, AsksPerson(question))
        flow.add_edge(PERSON, DECISION)
        return (PERSON,)
    first = members[0]
    found = resolved(critic) if critic is not None else None
    names = [critic_name(aspect) for aspect in ASPECTS]
    for name, aspect in zip(names, ASPECTS, strict=True):
        judge = Agent(name, model=found, critic=None, workspace=first.workspace, mode=first.mode, temperature=0.0)
        seat = CriticSeat(
            judge,
            name,
            flow.name,
            aspect=aspect,
            candidates=candidates,
            model=lambda: found if found is not None else first.model,
        )
        flow.seat(name, seat, judge)
    flow.add_edge(names, DECISION)
    return tuple(names)


def decided(
    state: Mapping[str, Json], count: Tally, words: Callable[[str], str], *, merges: bool, known: bool = True
) -> Outcome:
    """What the votes come to, or whoever was asked where they came to nothing.

    Args:
        words: A stance as the answer.
        merges: The votes decide.
        known: It is known which of them agree.
    """
    share = count.agreement if known or merges else None
    told = count.told() if known or merges else "which of the answers agree is not known"
    if merges:
        stance = count.groups[0].stance
        status = "agreed" if len(count.groups[0].votes) == count.seats else "majority"
        return Outcome(status, words(stance), stance, "votes", told, share)
    said = state.get(PERSON)
    if isinstance(said, dict) and isinstance(decision := said.get("decision"), str):
        stance = next((group.stance for group in count.groups if same(group.stance) == same(decision)), None)
        answer = decision if stance is None else words(stance)
        return Outcome("decided", answer, stance, "person", f"{said.get('by') or 'a person'} decided; {told}", share)
    if verdicts := verdicts_in(state):
        choice = chosen(verdicts)
        if choice.stance is None and (unread := len(count.groups) - MOST_CANDIDATES) > 0:
            choice = Choice(None, f"{choice.why}; {unread} more were not read")
        if choice.stance is not None:
            return Outcome("decided", words(choice.stance), choice.stance, "critics", choice.why, share)
        return Outcome("rejected" if choice.refused else "no agreement", None, None, "", choice.why, share)
    return Outcome("no agreement", None, None, "", told, share)


def outcome_in(state: Mapping[str, Json]) -> Outcome | None:
    """What was decided, as a run's state has it; None before that."""
    found = state.get("outcome")
    return Outcome(**found) if isinstance(found, dict) else None  # pyright: ignore[reportArgumentType]  # as `to_json` wrote it


def check_decision(trace: Trace, decision: str, by: str, before: PersonAnswered | None) -> None:
    """Pass silently if the run waits for a person's decision.

    Args:
        before: What was said from outside, and not heard yet.

    Raises:
        UsageError: It is over, or waits for nothing, or for something else; or somebody was earlier.
    """
    said = f"resume({trace.run_id!r}, decision={decision!r}{f', by={by!r}' if by else ''})"
    outcome = outcome_in(trace.final_state.values)
    if outcome is not None:
        raise UsageError(
            f"{said}: the run is over: {outcome.status}, {outcome.why or 'for no reason it gave'}. It hears nothing more;"
            f" resume({trace.run_id!r}) gives what it came to, and run(...) asks anew."
        )
    if not is_asked(trace):
        end = trace.end
        told = f"{end.status}: {end.reason}" if end is not None else "it is under way"
        raise UsageError(f"{said}: the run waits for no decision ({told}).")
    if before is not None:
        who = before.by or "a person"
        raise UsageError(f"{said}: {who} decided already, on {before.reason!r}. resume({trace.run_id!r}) goes on with that.")


def check_heard(votes: Sequence[Vote]) -> None:
    """Pass silently if anybody said anything.

    Raises:
        PartFailed: Nobody did: that is no outcome, but a failure.
    """
    if all(vote.stance is None and not vote.position for vote in votes):
        raise PartFailed(f"nobody answered: {'; '.join(f'{vote.member}: {vote.error}' for vote in votes)}")


def first_state(task: Task, members: Sequence[Agent], **more: Json) -> dict[str, Json]:
    """The first state of a run of these about `task`."""
    # "task" is where a workflow's goal is read from, "question" all of it.
    return {"task": task.goal, "question": task_to_json(task), "members": [member.name for member in members], **more}
