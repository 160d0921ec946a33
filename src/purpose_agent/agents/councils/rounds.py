"""The rounds of a debate, as a workflow: a round is a superstep, a member's turn in it is a node with a run of its own.

In:  the question, and the last vote of each member.
Out: each member's next vote; whether another round follows.

A member is shown the question, the latest position of each other member, and its own: nothing that grows with the rounds. So
what is recorded, gone on with, paused and heard is what it is for any workflow (`flows/run.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.councils.form import Formed, read_vote, vote_schema
from purpose_agent.agents.councils.past import Whose
from purpose_agent.agents.councils.votes import Vote, tally, votes_in
from purpose_agent.agents.debate_question import is_asked, person_said, same
from purpose_agent.agents.flows.nodes import Asks, Handed, Node, PartStands, Turn, Work, worked
from purpose_agent.agents.flows.result import WorkflowResult
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import NoModelFound, NotFound, RunTaken, UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.origin import OWN
from purpose_agent.core.task import Task, task_from_json
from purpose_agent.engine.quoting import defused, quoted
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import PersonAnswered
from purpose_agent.runtime.trace import Trace

MOST_STEPS = 10_000


class Seats(Workflow):
    """A workflow whose nodes are seats: members, critics, a person. Its state has their votes and verdicts by name."""

    def __init__(self, whose: Whose, workspace: Workspace | str | Path | None) -> None:
        self._whose = whose
        super().__init__(whose.name, merge={"votes": _both, "verdicts": _both}, workspace=workspace, max_steps=MOST_STEPS)

    def seat(self, name: str, work: Work, agent: Agent | None = None) -> None:
        """Add one; `agent` says in which workspace all is."""
        if agent is not None:
            self._is_at(agent.workspace)
        self._plan.nodes[name] = Node(name, work)
        self._plan.graph.add_node(name)

    def kept(self, run_id: str) -> Trace | None:
        """The run as it is kept; None where nothing is, which `resume` says.

        Raises:
            NotFound: There is no such run.
            CantResume: It is another one's, or of other members.
        """
        engine = self._engine_of()
        keeps = engine.checkpointer if engine is not None and engine.checkpointer is not None else self._keeps()
        trace = keeps.load(run_id) if keeps is not None else None
        if keeps is not None and trace is None:
            raise NotFound(f"resume({run_id!r}): there is no such run. List them with: purpose-agent runs list")
        if trace is not None:
            self._whose.check(trace)
        return trace

    def said(self, run_id: str) -> PersonAnswered | None:
        """What a person decided from outside, and the run has not heard yet: the first of them, if there are several."""
        place = self._plan.place
        controls = place.record.said(run_id) if place is not None and self._keeps() is not None else ()
        return next((each.said for each in controls if isinstance(each.said, PersonAnswered)), None)

    async def _resume(
        self,
        run_id: str,
        again: Collection[str],
        done: Mapping[str, object] | None,
        watch: Listener | None,
    ) -> WorkflowResult:
        trace, said = self.kept(run_id), self.said(run_id)
        if not done and said is not None and trace is not None and is_asked(trace):
            done = person_said(said.reason, said.by, task_in(trace.final_state.values).choices)
        return await super()._resume(run_id, again, done, watch)

    async def perform(
        self,
        run_id: str,
        state: object,
        keeps: Checkpointer,
        *,
        parent: str | None = None,
        shares: bool = False,
        task: Task | None = None,
    ) -> WorkflowResult:
        """As every workflow's; a worker knows it by its name, which others may have.

        Raises:
            CantResume: The run is for other members.
        """
        trace = keeps.load(run_id)
        if trace is not None:
            self._whose.check(trace)
        else:
            self._whose.check_first(run_id, self._plan.shape.first(state))
        return await super().perform(run_id, state, keeps, parent=parent, shares=shares, task=task)


@dataclass(frozen=True, slots=True)
class Seat(Asks):
    """A member's turn. One that fails is a vote without a stance, which says why; the others go on.

    Attributes:
        place: Among the members, from 0.
    """

    place: int = 0

    async def perform(self, turn: Turn) -> Handed:
        task, before = task_in(turn.values), self._before(turn)
        number = before.round + 1 if before is not None else 1
        vote = Vote(self.agent.name, number, before=before.last_stance if before is not None else None, run_id=turn.run_id)
        try:
            result = await self._result(task, turn, number)
        # The program is wrong, or somebody else has the run, or a person is waited for: not this member's failure.
        except (UsageError, NoModelFound, RunTaken, PartStands):
            raise
        # A door: whatever one member's turn ends in, the record says so, and the others go on.
        except Exception as error:  # noqa: BLE001
            why = f"{type(error).__name__}: {error}"
            return Handed(_as_vote(replace(vote, error=why)), error=why)
        vote = replace(vote, success=result.success, phi=result.final_phi)
        vote = self._heard(vote, result, task) if result.answer is not None else replace(vote, error=_why(result))
        held = before is not None and before.stance is not None and same(before.stance) == same(vote.stance or "")
        vote = replace(vote, since=before.since if before is not None and held else number)
        then = partial(self.agent.reflected, result, turn.listeners)
        return Handed(_as_vote(vote), result.usage, result.taint.origin, then, vote.error)

    async def _result(self, task: Task, turn: Turn, number: int) -> TaskResult:
        from purpose_agent.prompts.loader import load

        options = task.choices
        form = load("debate_form_options").fill(options=", ".join(options)) if options else load("debate_form").fill()
        votes = votes_in(turn.values)
        if number == 1:
            goal = load("debate_open").fill(question=task.goal, form=form)
        else:
            tell = defused if turn.taint.origin in OWN else quoted
            others = "\n".join(_told(vote) for vote in votes if vote.member != self.agent.name)
            # Without its own name: small models else speak of themselves as somebody else.
            own = "\n".join(_told(vote, "you") for vote in votes if vote.member == self.agent.name)
            goal = load("debate_round").fill(question=task.goal, others=tell(others), own=tell(own), form=form)
        # The same task to the learner, whatever the others say this time.
        asked = Task(goal, limits=task.limits, inputs=task.inputs, labels=task.labels, id=f"{self.flow}/{task.key}")
        agent = self.agent.formed(lambda model: Formed(model, vote_schema(options)))
        return await worked(agent, asked, turn, seed=self._seed(turn, number))

    def _heard(self, vote: Vote, result: TaskResult, task: Task) -> Vote:
        stance, position, why = read_vote(result.answer or "", task.choices)
        return replace(vote, stance=stance, position=position, error=why)

    def _before(self, turn: Turn) -> Vote | None:
        return next((vote for vote in votes_in(turn.values) if vote.member == self.agent.name), None)

    def _seed(self, turn: Turn, number: int) -> int | None:
        seed = turn.values.get("seed")
        return seed + 100 * number + self.place if isinstance(seed, int) else None


def task_in(state: Mapping[str, Json]) -> Task:
    """The question, as the run's state has it."""
    question = state["question"]
    assert isinstance(question, dict), "written by `first_state`"
    return task_from_json(question)


def goes_on(state: Mapping[str, Json]) -> bool:
    """Another round follows: rounds are left, and somebody changed, disagrees, or was not heard."""
    votes, rounds = votes_in(state), state["rounds"]
    assert isinstance(rounds, int), "written by `first_state`"
    if all(vote.stance is None and not vote.position for vote in votes):
        return False  # nobody is there
    is_settled = tally(votes).status == "agreed" and not any(vote.flipped for vote in votes)
    return not is_settled and max(vote.round for vote in votes) < rounds


def checked_members(members: Sequence[Agent], what: str, taken: Sequence[str]) -> tuple[Agent, ...]:
    """The members, if they can be told apart and are in one workspace.

    Raises:
        UsageError: One is no agent, they are fewer than two, two have one name, one has a name that is taken, or they are in several
            workspaces.
    """
    for member in [members] if isinstance(members, Agent) else members:
        if isinstance(members, Agent) or not isinstance(member, Agent):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"{what}({members!r:.80}): give a list of agents, such as [pa.Spark('alice'), pa.Spark('bob')].")
    names = [member.name for member in members]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(f"{what}({names!r}): give at least two agents, and no name twice.")
    if wrong := [name for name in names if name in taken]:
        raise UsageError(f"{what}({names!r}): {wrong[0]!r} is the name of a part of its own; give the agent another one.")
    if len(places := sorted({str(member.workspace.path) for member in members})) > 1:
        raise UsageError(f"{what}: its agents are at {', '.join(places)}. Give all one workspace.")
    return tuple(members)


def check_choices(task: Task, what: str) -> None:
    """Pass silently if the choices of a task can be told apart as votes.

    Raises:
        UsageError: Two are equal but for case and marks, or one is nothing else.
    """
    seen: dict[str, str] = {}
    for choice in task.choices:
        words = same(choice)
        if words in seen or not words:
            told = f"{seen[words]!r} and {choice!r} differ" if words else f"{choice!r} differs from nothing"
            raise UsageError(f"{what}: {told} only in case and marks, which votes are read without. Word them another way.")
        seen[words] = choice


def _both(there: dict[str, Json], fresh: dict[str, Json]) -> dict[str, Json]:
    return {**there, **fresh}


def _as_vote(vote: Vote) -> dict[str, Json]:
    return {"votes": {vote.member: vote.to_json()}}


def _told(vote: Vote, name: str = "") -> str:
    """A vote on one line, so that no position can pass for another member's."""
    if vote.stance is None and not vote.position:
        return f"- {name or vote.member}: no answer"
    return f"- {name or vote.member} ({vote.stance or 'no stance'}): {vote.position}"


def _why(result: TaskResult) -> str:
    return f"{result.status.replace('_', ' ')}{': ' if result.reason else ''}{result.reason}"
