"""Eval cases, run: each agent by itself, and the whole flow.

In:  cases, agents, a flow, a goal.
Out: a report in which every case is passed, failed or unknown. None is left out.

Unknown is a case that could not be judged: the model did not answer, a check could not be run, a person is waited for. An agent that
gave up, or spent its steps, has failed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from purpose_agent.agents.agent import Agent
from purpose_agent.agents.flows.workflow import Workflow
from purpose_agent.agents.generated.plan import INPUT, Case
from purpose_agent.core.errors import NoModelFound, PurposeAgentError, UsageError
from purpose_agent.core.ports import CodeRunner
from purpose_agent.core.score import CheckResult
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.runtime.events import RunStatus
from purpose_agent.runtime.sync import run_sync

Verdict: TypeAlias = Literal["passed", "failed", "unknown"]
SHOWN = 160
_OWN_FAULT: frozenset[RunStatus] = frozenset({"gave_up", "exhausted"})


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a case. `str()` says it on a line, with what was answered if it did not pass.

    Attributes:
        why: Which checks failed, or why nobody knows; "" if it passed.
        run_id: Of its run; "" if it did not begin.
    """

    case: Case
    verdict: Verdict
    answer: str | None
    why: str = ""
    run_id: str = ""
    status: RunStatus | None = None

    def __str__(self) -> str:
        who = self.case.agent or "flow"
        if self.verdict == "passed":
            return f"passed   {who}: {self.case.name}"
        said = " ".join((self.answer or "").split())
        shown = f" Answer: {said[:SHOWN]}{'…' if len(said) > SHOWN else ''}" if said else ""
        return f"{self.verdict:8} {who}: {self.case.name}. {' '.join(self.why.split())[:300]}.{shown}"


@dataclass(frozen=True, slots=True)
class EvalReport:
    """All cases, in their order. `str()` has one a line."""

    results: tuple[CaseResult, ...]

    def of(self, verdict: Verdict) -> tuple[CaseResult, ...]:
        """Those that came to that."""
        return tuple(each for each in self.results if each.verdict == verdict)

    @property
    def ok(self) -> bool:
        """All passed; an unknown one did not."""
        return bool(self.results) and len(self.of("passed")) == len(self.results)

    @property
    def counts(self) -> str:
        """How many passed, failed and are unknown, in a line."""
        counts = ", ".join(f"{len(self.of(verdict))} {verdict}" for verdict in ("passed", "failed", "unknown"))
        return f"{len(self.results)} cases: {counts}"

    def summary(self) -> str:
        """A line for each case, and how many passed, failed and are unknown."""
        return "\n".join([*map(str, self.results), self.counts])

    def __str__(self) -> str:
        return self.summary()


async def tells(case: Case, agents: Mapping[str, str], goal: str, runner: CodeRunner) -> bool:
    """Whether it tells work from none: neither a model that repeats what it is shown passes it, nor one that always says "ok".

    Args:
        agents: Their roles, by name.
    """
    state = "\n".join(f"{name}: {value}" for name, value in case.state.items())
    prompt = f"{goal}\n{INPUT}: {case.given}\n{state}"
    for said in ("ok", case.given, prompt, f"{agents.get(case.agent, '')}\n{prompt}"):
        score = await CheckCritic(runner).judge(Task(goal, checks=case.checks), said, None)
        if score.passed is not False:
            return False
    return True


def evaluate(
    cases: Sequence[Case],
    agents: Mapping[str, Agent],
    flow: Workflow,
    goal: str,
    *,
    watch: Callable[[CaseResult], object] | None = None,
) -> EvalReport:
    """Blocking form of `evaluate_async`."""
    return run_sync(evaluate_async(cases, agents, flow, goal, watch=watch))


async def evaluate_async(
    cases: Sequence[Case],
    agents: Mapping[str, Agent],
    flow: Workflow,
    goal: str,
    *,
    watch: Callable[[CaseResult], object] | None = None,
) -> EvalReport:
    """Run all cases, one after the other.

    Args:
        goal: What the system is for: the task of every agent in it.
        watch: Called with each result as it comes.

    Raises:
        UsageError: A case names an agent that isn't there.
        NoModelFound: No model was named, and there is none.
    """
    if unknown := sorted({case.agent for case in cases if case.agent} - agents.keys()):
        raise UsageError(f"evaluate: there is no agent {', '.join(unknown)}; there are: {', '.join(agents)}.")
    results: list[CaseResult] = []
    for case in cases:
        try:
            result = await (_of_agent(case, agents[case.agent], goal) if case.agent else _of_flow(case, flow, agents, goal))
        except (UsageError, NoModelFound):
            raise  # the call is wrong, for all cases
        except PurposeAgentError as error:
            result = CaseResult(case, "unknown", None, f"it could not be run: {error}")
        results.append(result)
        if watch is not None:
            watch(result)
    return EvalReport(tuple(results))


async def _of_agent(case: Case, agent: Agent, goal: str) -> CaseResult:
    task = Task(goal, checks=case.checks, inputs={INPUT: case.given, **case.state})
    result = await agent.run_async(task)
    return _judged(case, result.answer, result.status, result.reason, result.checks, result.id)


async def _of_flow(case: Case, flow: Workflow, agents: Mapping[str, Agent], goal: str) -> CaseResult:
    result = await flow.run_async({"task": goal, INPUT: case.given, **case.state})
    checks: tuple[CheckResult, ...] = ()
    if result.answer is not None:
        runner = next(iter(agents.values())).workspace.code_runner
        checks = (await CheckCritic(runner).judge(Task(goal, checks=case.checks), result.answer, None)).checks
    status = result.status
    if status == "failed" and result.nodes and result.nodes[-1].status in _OWN_FAULT:
        status = result.nodes[-1].status  # the flow failed since that agent did
    return _judged(case, result.answer, status, result.reason, checks, result.id)


def _judged(
    case: Case, answer: str | None, status: RunStatus, reason: str, checks: Sequence[CheckResult], run_id: str
) -> CaseResult:
    if answer is None or status != "finished":
        verdict: Verdict = "failed" if status in _OWN_FAULT else "unknown"
        return CaseResult(case, verdict, answer, f"{status.replace('_', ' ')}: {reason}".rstrip(": "), run_id, status)
    failed = [check.detail or check.spec for check in checks if check.passed is False]
    unjudged = [check.detail or check.spec for check in checks if check.passed is None]
    if failed:
        return CaseResult(case, "failed", answer, "; ".join(failed), run_id, status)
    if unjudged or not checks:
        return CaseResult(case, "unknown", answer, "; ".join(unjudged) or "it has no checks", run_id, status)
    return CaseResult(case, "passed", answer, "", run_id, status)
