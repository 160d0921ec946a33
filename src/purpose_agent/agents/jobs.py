"""A job done in this process: by the agent, the flow or the team of that name, under the job's own id.

In:  a job; the workspace whose program made whoever does it; where its events are kept so that another process can go on.
Out: what became of it. A job that comes again goes on where it was, or gives its result again.

Not here: where jobs come from (`durable/`), and flows and swarms that hand them out (`flows/workflow.py`, `swarms/parallel.py`).
"""

from collections.abc import Mapping
from gc import collect

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.continuing import promised, shared
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.known import names_known, places_of
from purpose_agent.agents.teams.team import Team
from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import UsageError
from purpose_agent.core.task import Task, task_from_json
from purpose_agent.engine.result import TaskResult
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.jobs import Job, JobResult


async def perform(job: Job, workspace: Workspace, checkpointer: Checkpointer | None = None) -> JobResult:
    """Do the job, or go on with it.

    Args:
        workspace: Where agents, flows and teams of this program are known by their names.
        checkpointer: Where all machines see its events; None: in the workspace alone.

    Raises:
        UsageError: Nobody here does it: the program that makes them was not loaded, has other names, or another workspace; or several
            could.
        RunTaken: Another process goes on with it.
    """
    who = workspace.known(job.kind, job.name) if job.kind != "flow" else flow_called(workspace, job.name, job.drawing)
    match who:
        case Workflow():
            keeps = checkpointer or workspace.checkpointer
            task = task_from_json(job.task) if isinstance(job.task, Mapping) else None
            shares = checkpointer is not None
            done = await who.perform(job.id, job.input, keeps, parent=job.parent, shares=shares, task=task)
            return JobResult(
                job.id, done.status, dict(done.state), done.success, done.final_phi, error=done.reason, usage=done.usage
            )
        case Agent():
            return _told(job, await _asked(who, job, checkpointer))
        case Team():
            return _told(job, await who.perform(job.id, _task(job), checkpointer, seed=job.seed, parent=job.parent))
        case _:
            raise UsageError(_nobody(job, workspace))


def _nobody(job: Job, workspace: Workspace) -> str:
    """Why a job can't be done here, and what would help."""
    here = ", ".join(map(repr, names_known(workspace.path, job.kind))) or "none"
    found = f"No {job.kind} called {job.name!r} is at {workspace.path}, where this worker works. Of its kind there: {here}."
    if others := places_of(job.kind, job.name):
        return (
            f"{found} Its program makes one at {', '.join(map(str, others))}: start the worker on that workspace, with"
            f" --workspace {others[0]}, or with --app FILE:NAME, where NAME is that Workspace in the program."
        )
    return (
        f"{found} Start the worker with the program that makes it: purpose-agent worker --app FILE. It has to be made when the program is"
        " imported, and not under `if __name__ == '__main__'`."
    )


def flow_called(workspace: Workspace, name: str, drawing: str) -> Workflow | None:
    """The flow of that name and drawing that was made in this process; None if there is none of that name.

    Args:
        drawing: As the record has it; "" for that of any.

    Raises:
        UsageError: Those of that name are drawn in other ways; or several are drawn like that, and are not the same.
    """
    called = _flows(workspace, name)
    if not all(flow.does_as(called[-1]) for flow in called):
        collect()  # those that nobody has any more don't count
        called = _flows(workspace, name)
    fitting = [flow for flow in called if not drawing or flow.drawing == drawing]
    if called and not fitting:
        raise UsageError(
            f"The flow {name!r} that was made in this process, in the workspace {workspace.path}, has other nodes or edges than the one"
            f" that the run began with. It has: {', '.join(called[-1].nodes)}. Load the program that made that one; give each flow a"
            " name of its own."
        )
    if any(not flow.does_as(fitting[-1]) for flow in fitting):
        raise UsageError(
            f"{len(fitting)} flows that were made in this process are called {name!r}, and are not the same. Give each a name of its own:"
            " Flow('name'), Council(name='name')."
        )
    return fitting[-1] if fitting else None


def _flows(workspace: Workspace, name: str) -> list[Workflow]:
    return [flow for flow in workspace.all_called("flow", name) if isinstance(flow, Workflow)]


async def _asked(agent: Agent, job: Job, checkpointer: Checkpointer | None) -> TaskResult:
    if checkpointer is not None and agent.mode != "evaluation":
        agent = shared(agent, job.id, checkpointer)
    return await agent.reflected(await promised(agent, _task(job), job.id, seed=job.seed, parent=job.parent))


def _task(job: Job) -> Task:
    if not isinstance(job.input, Mapping):
        raise UsageError(f"The job {job.id} for {job.kind} {job.name!r} has no task as its input, but {job.input!r:.80}.")
    return task_from_json(job.input)


def _told(job: Job, result: TaskResult) -> JobResult:
    return JobResult(
        job.id, result.status, result.answer, result.success, result.final_phi, error=result.reason, usage=result.usage
    )
