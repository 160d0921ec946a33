"""Team: several agents on one task, with one memory.

In:  a task.
Out: one `TaskResult`: each member's turn is a step of the team's own run, and a run of its own.

Not here: who speaks when (`work.py`), how turns are recorded and go on (`turns.py`), routing by expertise, debate and graphs.
"""

from collections.abc import Sequence
from pathlib import Path

from purpose_agent.agents.agent import Agent, resolved
from purpose_agent.agents.arguments import check_run_id, check_seed
from purpose_agent.agents.callbacks import quietly
from purpose_agent.agents.continuing import brought, find_trace, is_over
from purpose_agent.agents.recipe import Recipe
from purpose_agent.agents.streaming import RunStream
from purpose_agent.agents.team_learning import concerns
from purpose_agent.agents.team_record import PURPOSE
from purpose_agent.agents.teams import work
from purpose_agent.agents.teams.artefacts import Makes
from purpose_agent.agents.teams.choosing import Choice
from purpose_agent.agents.teams.past import Way, check_members
from purpose_agent.agents.teams.templates import Member, Template
from purpose_agent.agents.teams.turns import Turns
from purpose_agent.agents.workspace import Workspace, open_workspace
from purpose_agent.core.approval import Approver
from purpose_agent.core.errors import CantResume, UsageError, WorkspaceError
from purpose_agent.core.given import check_list
from purpose_agent.core.memory import Memory
from purpose_agent.core.model import Model
from purpose_agent.core.origin import TEACHERS
from purpose_agent.core.task import Task, as_task, task_to_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.retrieval.passages import Passages
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.event_bus import Listener
from purpose_agent.runtime.events import RunStarted, Visibility
from purpose_agent.runtime.feed import CAPACITY
from purpose_agent.runtime.forking import OVER
from purpose_agent.runtime.jobs import Engine, Job
from purpose_agent.runtime.sync import run_sync
from purpose_agent.runtime.trace import Trace

ASKED, TEMPLATE = "asked", "template"
"""What the first state of a run says: of one question to the speaker, its name; of a task, the template."""


class Team:
    """Agents that share a workspace. Made by `purpose()` or `Team.build()`.

    Args:
        purpose: What it is for, in words.
        members: In the order they speak.
        template: How they work together.
        workspace: Shared by all members.
        choice: How the template was chosen; None: whoever made the team named it.
        knowledge: Documents to work from; answers cite them by number.
        recipe: What makes it again in another process; None: only the program that made it can.
    """

    def __init__(
        self,
        purpose: str,
        members: Sequence[Agent],
        template: Template,
        workspace: Workspace,
        *,
        choice: Choice | None = None,
        knowledge: Passages | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        self.purpose = purpose
        self.members = tuple(members)
        self.template = template
        self.workspace = workspace
        self.choice = choice
        self.knowledge = knowledge
        self.recipe = recipe
        workspace.join(purpose, [member.name for member in self.members])
        workspace.know("team", purpose, self)

    @classmethod
    def build(
        cls,
        purpose: str,
        agents: Sequence[str | Agent],
        model: str | Model | None = None,
        workspace: Workspace | str | Path | None = None,
        approve: Approver | None = None,
    ) -> "Team":
        """A team of named agents that work in a line: each goes on from the one before, the last one answers.

        Args:
            approve: For the agents that are made here; see `Agent`.

        Raises:
            UsageError: No agents, two of one name, or agents of different workspaces.
            NoModelFound: No model was named, and there is none.
        """
        check_list(
            f"Team.build(agents={agents!r:.80})",
            agents,
            (str, Agent),
            "give a list of names or agents, such as ['writer', 'editor']",
        )
        names = [agent if isinstance(agent, str) else agent.name for agent in agents]
        if not names or len(set(names)) < len(names):
            raise UsageError(f"Team.build(agents={names!r}): name at least one, and no name twice.")
        own = {agent.workspace.path: agent.workspace for agent in agents if not isinstance(agent, str)}
        place = next(iter(own.values())) if own and workspace is None else open_workspace(workspace)
        if own.keys() - {place.path}:
            raise UsageError(
                f"Team.build: the team is at {place.path}, and agents of it at {', '.join(map(str, own))}. Give all one workspace."
            )
        found = resolved(model) if any(isinstance(agent, str) for agent in agents) else None
        role = "You are the {} of a team. Purpose of the team: {}."
        members = [
            Agent(agent, role=role.format(agent, purpose), model=found, workspace=place, approve=approve)
            if isinstance(agent, str)
            else agent
            for agent in agents
        ]
        template = Template("custom", "line", tuple(Member(member.name, member.role) for member in members))
        return cls(purpose, members, template, place)

    def __repr__(self) -> str:
        return f"Team({self.purpose!r}, members={[member.name for member in self.members]!r})"

    def member(self, name: str) -> Agent:
        """The member of that name.

        Raises:
            UsageError: There is none.
        """
        found = next((member for member in self.members if member.name == name), None)
        if found is None:
            raise UsageError(f"No member is called {name!r}. Members: {', '.join(member.name for member in self.members)}.")
        return found

    def run(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> TaskResult:
        """Blocking form of `run_async`."""
        return run_sync(self.run_async(task, seed=seed, watch=watch))

    async def run_async(self, task: str | Task, *, seed: int | None = None, watch: Listener | None = None) -> TaskResult:
        """Work on a task together, then reflect on what went wrong on the way.

        Args:
            task: In words, or with checks and limits. Its limits hold for all turns together; without them, each member has its own.
            seed: Of the models' draws; None for any.
            watch: Called with every event, those of the members' runs too. Not where an engine does the work.

        Raises:
            UsageError: An engine is to do the work, and a check of the task is a function, which can't be sent to it.
            WorkspaceError: The engine could not do it.
            ExceptionGroup: `watch` raised; the run went on without it, and is over and saved.
        """
        check_seed(seed)
        engine = self.workspace.engine()
        if engine is not None:
            return await self._elsewhere(engine, as_task(task), seed)
        with quietly() as callbacks:
            listeners = callbacks.listeners(watch)
            return await self._worked(Turns(self.members, self.workspace, as_task(task), listeners, seed, way=self._way()))

    def resume(self, run_id: str, *, task: Task | None = None, watch: Listener | None = None) -> TaskResult:
        """Blocking form of `resume_async`."""
        return run_sync(self.resume_async(run_id, task=task, watch=watch))

    async def resume_async(self, run_id: str, *, task: Task | None = None, watch: Listener | None = None) -> TaskResult:
        """Go on with a run of the team that waits, failed, was stopped, or whose process died.

        Turns that are over are not done again; the one that was under way goes on after its last complete step. A run that is over gives
        its result again.

        Args:
            task: Needed only if checks of it are functions, which are not in the record.

        Raises:
            CantResume: A person ended it, it is under way in another process, is no run of this team, or lacks its task.
            RunTaken: Another process went on with it at the same moment.
            NotFound: There is no such run.
        """
        check_run_id("resume", run_id)
        if self.workspace.run(run_id).status in OVER:
            check_members(self.workspace.trace(run_id), [member.name for member in self.members])
            return self.workspace.result(run_id)
        _, trace = self.workspace.resumable(run_id)
        with quietly() as callbacks:
            return await self._worked(self._after(trace, self.workspace, task, callbacks.listeners(watch)))

    async def perform(
        self, run_id: str, task: Task, keeps: Checkpointer | None, *, seed: int | None = None, parent: str | None = None
    ) -> TaskResult:
        """The run of that id, begun or gone on with: for workers, which have it from a queue.

        Args:
            keeps: Where all machines see it; None: in the workspace alone.
        """
        place = self.workspace if keeps is None else self.workspace.keeping(keeps)
        trace = find_trace(place, run_id) if keeps is None else brought(place, run_id, keeps)
        if trace is None:
            turns = Turns(self.members, place, task, [], seed, run_id=run_id, parent=parent, keeps=keeps, way=self._way())
        elif is_over(trace):
            return TaskResult(trace)
        else:
            turns = self._after(trace, place, task, [], keeps=keeps)
        return await self._worked(turns)

    def stream(
        self,
        task: str | Task,
        *,
        seed: int | None = None,
        visibility: Visibility = "public",
        capacity: int | None = CAPACITY,
        detached: bool = False,
    ) -> RunStream:
        """`run_async`, to be read while it goes on; the members' events are in it too. The arguments are those of `Agent.stream`."""
        wanted = as_task(task)
        check_seed(seed, "stream")

        async def streamed(put: Listener) -> TaskResult:
            turns = Turns(self.members, self.workspace, wanted, [put], seed, streams=True, way=self._way())
            return await self._worked(turns)

        return RunStream(streamed, visibility=visibility, capacity=capacity, detached=detached)

    async def _elsewhere(self, engine: Engine, task: Task, seed: int | None) -> TaskResult:
        """By a worker that knows a team for the same purpose. The lessons are drawn there."""
        if any(check.kind == "callable" for check in task.checks):
            raise UsageError(
                f"A check of the task {task.goal[:60]!r} is a function, which can't be sent to a worker. Give checks that are data."
            )
        job = Job(self.workspace.ids("run"), "team", self.purpose, task_to_json(task), seed)
        (done,) = await engine.perform([job])
        keeps = engine.checkpointer or self.workspace.checkpointer
        trace = keeps.load(job.id)
        if trace is None or trace.end is None:
            why = done.error or done.status
            raise WorkspaceError(f"The engine could not run the team for {self.purpose!r} as {job.id}: {why}")
        return TaskResult(trace)

    def _way(self) -> Way:
        makes: dict[str, Makes] = {member.name: member.makes for member in self.template.members}
        return Way(makes, self.knowledge, {TEMPLATE: self.template.name, PURPOSE: self.purpose}, self.recipe)

    def _after(
        self,
        trace: Trace,
        place: Workspace,
        task: Task | None,
        listeners: Sequence[Listener],
        keeps: Checkpointer | None = None,
    ) -> Turns:
        first = trace.of(RunStarted)[0].state
        if ASKED not in first and TEMPLATE not in first:
            raise CantResume(f"{trace.run_id} is the run of another kind of team; resume it with what began it.")
        asked = first.get(ASKED)
        members = tuple(member for member in self.members if asked in (None, member.name))
        return Turns.after(
            trace, members, place, task, listeners, keeps=keeps, way=self._way() if asked is None else self._way_to_ask()
        )

    def _way_to_ask(self) -> Way:
        return Way(knowledge=self.knowledge, state={ASKED: self.members[-1].name, PURPOSE: self.purpose}, recipe=self.recipe)

    async def _worked(self, turns: Turns) -> TaskResult:
        has_coder = self.template.shape == "code" and len(turns.members) > 1
        await turns.guarded(work.code if has_coder else work.line)
        return await turns.result()

    def ask(self, question: str, *, watch: Listener | None = None) -> TaskResult:
        """Blocking form of `ask_async`."""
        return run_sync(self.ask_async(question, watch=watch))

    async def ask_async(self, question: str, *, watch: Listener | None = None) -> TaskResult:
        """A question to the team's speaker, the last member that has a model, with what the team has learned: a run of one turn.

        Where the team has documents, the answer is made from them and cites them.
        """
        with quietly() as callbacks:
            listeners = callbacks.listeners(watch)
            turns = Turns(self.members[-1:], self.workspace, as_task(question), listeners, None, way=self._way_to_ask())
            return await self._worked(turns)

    def teach(self, text: str, *, when: str = "", user: str = "") -> Memory:
        """A lesson from a person, for the tasks of one user or of all: scanned, and in use at once unless the scan blocks it."""
        return self.workspace.teach(text, when=when, user=user)

    def status(self) -> str:
        """Who is in the team, and why; how its own runs went, and what its members have learned or were taught."""
        places = [f"  {place.name}: {place.role}" for place in self.template.members]
        names = [member.name for member in self.members]
        memories = [memory for memory in self.workspace.memories() if concerns(memory, names, self.purpose)]
        counts = {
            status: sum(memory.status == status for memory in memories) for status in ("promoted", "quarantined", "rejected")
        }
        runs, judged, succeeded = self.workspace.outcomes_of(self.purpose)
        lines = [
            f"Team for: {self.purpose}",
            f"Template {self.template.name!r}, on {self.members[-1].model.name}:",
            *places,
            f"Why this team: {self.choice.why if self.choice is not None else 'it was named'}",
            *([_documents(self.knowledge)] if self.knowledge is not None else []),
            f"Runs: {runs}, of {judged} that were judged {succeeded} succeeded",
            f"Memories: {counts['promoted']} in use, {counts['quarantined']} in quarantine, {counts['rejected']} rejected",
            *(
                f"  [{_origin(memory)}] {memory.lesson.text}{_reach(memory)}"
                for memory in memories
                if memory.status == "promoted"
            ),
            f"Workspace: {self.workspace.path}",
        ]
        return "\n".join(lines)


def _origin(memory: Memory) -> str:
    return "taught" if memory.lesson.provenance.origin in TEACHERS else f"helped {memory.helped} of {memory.used}"


def _reach(memory: Memory) -> str:
    """Said of what is not the team's alone."""
    scope = memory.lesson.scope
    return "" if scope.agents or scope.teams else " (for all agents of the workspace)"


def _documents(knowledge: Passages) -> str:
    unread = (
        f"; not read: {', '.join(knowledge.unread[:5])}{' …' if len(knowledge.unread) > 5 else ''}" if knowledge.unread else ""
    )
    return f"Documents: {len(knowledge)} passages of {knowledge.files} files at {knowledge.path}{unread}"
