"""Who of a team gets a task, and whether a team under load loses or mixes up anything.

Words: cases written down before the rules were tuned, for four teams: a hundred that the rules were tuned on (`delegation_tuning.jsonl`)
and forty that they were not (`delegation_held_out.jsonl`). Forty more (`delegation_refusals_held_out.jsonl`) say in other ways whom they
are not for; they were written down before refusals were worked on, and no rule is tuned to them. No model is asked: where words don't decide, the first of those in question
counts, as the fallback has it. Beside it plain substring matching: whoever has most names and keywords somewhere in the text; the first of
the team where that is nobody, or several.

Load: threads give tasks to one team in one workspace; each answer says whose task it was and who did it. Lost is a task without its own
answer, its run, or its line in the record; misattributed one whose record or lesson is under another name.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import purpose_agent as pa
from benchmarks.figures import Figure, Figures
from benchmarks.parts import Amount
from purpose_agent.agents.delegation import Delegation, by_words
from purpose_agent.core.model import ModelRequest
from purpose_agent.multi_agent import AgentSpec, AgentTeam
from purpose_agent.runtime.events import HandedOver
from purpose_agent.testing.models import RuleModel

WANTED: Mapping[str, str] = {
    "router_accuracy": "share of tasks given to whom they are for, by words alone; the rules were tuned on these",
    "router_baseline": "the same by plain substring matching",
    "router_accuracy_held_out": "share of other tasks given to whom they are for, by words alone",
    "router_baseline_held_out": "the same by plain substring matching",
    "router_accuracy_refusals_held_out": "share of tasks that refuse somebody given to whom they are for, by words alone",
    "router_baseline_refusals_held_out": "the same by plain substring matching",
    "router_to_the_refused": "of these, tasks that words give to somebody they refuse",
    "team_lost": "tasks lost",
    "team_misattributed": "tasks or lessons under a wrong name",
}
HERE = Path(__file__).parent
CASES = (HERE / "delegation_tuning.jsonl", HERE / "delegation_held_out.jsonl")
REFUSALS = HERE / "delegation_refusals_held_out.jsonl"
TEAMS = HERE / "delegation_teams.json"
THREADS, TASKS = 8, 25
AGENTS = ("red", "green", "blue", "black")


@dataclass(frozen=True, slots=True)
class WrittenCase:
    """A task, whom it is for, and whom it says it is not for."""

    task: str
    agent: str
    kind: str
    team: tuple[AgentSpec, ...]
    refused: tuple[str, ...] = ()


def measure(options: Amount) -> Figures:
    """Quick asks all cases too: they take no time."""
    tuned, held_out = (accuracy_of(cases_in(file)) for file in CASES)
    refusals = cases_in(REFUSALS)
    threads, tasks = options.of(THREADS, 2), options.of(TASKS, 3)
    lost, wrong = _under_load(threads, tasks)
    load = f"of {threads} threads × {tasks}, in one workspace"
    return {
        **_shares(("router_accuracy", "router_baseline"), tuned),
        **_shares(("router_accuracy_held_out", "router_baseline_held_out"), held_out),
        **_shares(("router_accuracy_refusals_held_out", "router_baseline_refusals_held_out"), accuracy_of(refusals)),
        "router_to_the_refused": Figure(WANTED["router_to_the_refused"], to_the_refused(refusals), n=len(refusals)),
        "team_lost": Figure(f"{WANTED['team_lost']} {load}", lost, n=threads * tasks),
        "team_misattributed": Figure(f"{WANTED['team_misattributed']} {load}", wrong, n=threads * tasks),
    }


def cases_in(file: Path) -> list[WrittenCase]:
    """The cases of a file."""
    teams = {
        name: tuple(AgentSpec(agent, expertise_keywords=words) for agent, words in members.items())
        for name, members in json.loads(TEAMS.read_text()).items()
    }
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        WrittenCase(row["task"], row["agent"], row["kind"], teams[row["team"]], tuple(row.get("refused", ()))) for row in rows
    ]


def accuracy_of(cases: Sequence[WrittenCase]) -> tuple[list[bool], list[bool]]:
    """For each case whether our words are right, and whether plain substring matching is."""
    return [_ours(case) == case.agent for case in cases], [_plain(case) == case.agent for case in cases]


def to_the_refused(cases: Sequence[WrittenCase]) -> int:
    """How many tasks words give to somebody whom they refuse."""
    found = [(case, by_words(case.task, case.team)) for case in cases]
    return sum(isinstance(who, Delegation) and who.agent in case.refused for case, who in found)


def _ours(case: WrittenCase) -> str:
    found = by_words(case.task, case.team)
    return found.agent if isinstance(found, Delegation) else found[0]


def _plain(case: WrittenCase) -> str:
    text = case.task.casefold()
    counts = {spec.name: sum(word in text for word in (spec.name, *spec.expertise_keywords)) for spec in case.team}
    most = [name for name, count in counts.items() if count == max(counts.values())]
    return most[0] if len(most) == 1 else case.team[0].name


def _shares(names: tuple[str, str], found: tuple[list[bool], list[bool]]) -> Figures:
    return {name: Figure(WANTED[name], sum(right) / len(right), n=len(right)) for name, right in zip(names, found, strict=True)}


# Under load


def _answers(name: str, request: ModelRequest) -> str:
    """Whose task it is, and who says so; a lesson that has both in it."""
    task = next(word for word in request.text.split() if word.startswith("task-"))
    if request.purpose == "reflect":
        return json.dumps({"when": f"doing {task} of {name}", "then": f"Do {task} as {name} does."})
    return f"{task} by {name}"


def _model(name: str) -> RuleModel:
    return RuleModel(lambda request: _answers(name, request), name=name)


def _under_load(threads: int, tasks: int) -> tuple[int, int]:
    """How many tasks were lost, and how many are under a wrong name."""
    with TemporaryDirectory() as folder:
        place = pa.Workspace(folder)
        specs = [AgentSpec(name, model=_model(name), expertise_keywords=[f"{name}ish"]) for name in AGENTS]
        team = AgentTeam(specs, critic_model="none", persistence_dir=place)
        results: dict[str, pa.TaskResult] = {}
        barrier = threading.Barrier(threads)

        def work(thread: int) -> None:
            barrier.wait()
            for number in range(tasks):
                task = _task(thread, number)
                results[task] = team.run_task(pa.Task(f"A {_who(thread, number)}ish one: {task} now", checks=[_fails(number)]))

        workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        wanted = {_task(thread, number): _who(thread, number) for thread in range(threads) for number in range(tasks)}
        return _lost(team, wanted, results), _misattributed(team, wanted, results)


def _task(thread: int, number: int) -> str:
    return f"task-{thread}-{number}"


def _who(thread: int, number: int) -> str:
    return AGENTS[(thread + number) % len(AGENTS)]


def _fails(number: int) -> pa.Check:
    """Every other task fails, and teaches something."""
    return pa.Check.contains("task-" if number % 2 else "never said")


def _lost(team: AgentTeam, wanted: Mapping[str, str], results: Mapping[str, pa.TaskResult]) -> int:
    rows = {row.id: row for row in team.workspace.runs(limit=10 * len(wanted))}
    handed = {run.id: run for run in rows.values() if run.parent is None}
    lost = 0
    for task in wanted:
        result = results.get(task)
        row = rows.get(result.id) if result is not None else None
        lost += (
            result is None
            or f"{task} by" not in str(result)
            or row is None
            or row.parent not in handed
            or row.finished_at is None
        )
    stats = team.stats
    return max(lost, len(wanted) - sum(each.tasks for each in stats.per_agent.values()))


def _misattributed(team: AgentTeam, wanted: Mapping[str, str], results: Mapping[str, pa.TaskResult]) -> int:
    place = team.workspace
    rows = {row.id: row for row in place.runs(limit=10 * len(wanted))}
    wrong = 0
    for task, who in wanted.items():
        result = results.get(task)
        if result is None:
            continue
        row = rows[result.id]
        (handed,) = place.trace(row.parent or "").of(HandedOver)
        is_right = str(result) == f"{task} by {who}" and row.agent == who and row.model == who
        wrong += not (is_right and (handed.receiver, handed.run_id) == (who, result.id))
    heuristics = team.get_learning_report().heuristics
    assert heuristics, "failed tasks teach something, or attribution is not measured"
    print(f"{len(heuristics)} lessons, from runs of {len({each.agent for each in heuristics})} agents", flush=True)
    for each in heuristics:
        # The lesson itself says whose run of which task it came from.
        run = rows.get(each.run_id)
        task = next(word for word in each.text.split() if word.startswith("task-"))
        told = f"Do {task} as {wanted[task]} does."
        wrong += run is None or each.agent != wanted[task] or results[task].id != each.run_id or told not in each.text
    return wrong
