"""Who of a team gets a task, and whether a team under load loses or mixes up anything.

Words: cases written down before the rules were tuned, for four teams: a hundred that the rules were tuned on (`delegation_tuning.jsonl`)
and forty that they were not (`delegation_held_out.jsonl`). Forty more (`delegation_refusals_held_out.jsonl`) say in other ways whom they
are not for; they were written down before refusals were worked on, and no rule is tuned to them. No model is asked: where words don't
decide, the first of those in question counts, as the fallback has it. Beside it plain substring matching: whoever has most names and
keywords somewhere in the text; the first of the team where that is nobody, or several.

Whether a team under load loses or mixes up anything is for `team_load.py` to say.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Figures
from benchmarks.orchestration.team_load import under_load
from benchmarks.parts import Amount
from purpose_agent.agents.specialists.delegation import Delegation, by_words
from purpose_agent.multi_agent import AgentSpec

WANTED: Mapping[str, str] = {
    "router_accuracy": "share of tasks given to whom they are for, by words alone; the rules were tuned on these",
    "router_baseline": "the same by plain substring matching",
    "router_accuracy_held_out": "share of other tasks given to whom they are for, by words alone",
    "router_baseline_held_out": "the same by plain substring matching",
    "router_accuracy_refusals_held_out": "share of tasks that refuse somebody given to whom they are for, by words alone",
    "router_baseline_refusals_held_out": "the same by plain substring matching",
    "router_to_the_refused": "of these, tasks that words give to somebody they refuse",
    "team_lost": "tasks and lessons lost",
    "team_misattributed": "tasks or lessons under a wrong name",
}
HERE = Path(__file__).parent
CASES = (HERE / "delegation_tuning.jsonl", HERE / "delegation_held_out.jsonl")
REFUSALS = HERE / "delegation_refusals_held_out.jsonl"
TEAMS = HERE / "delegation_teams.json"
THREADS, TASKS = 8, 25


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
    threads, tasks = options.of(THREADS, 2), options.of(TASKS, 8)
    told = under_load(threads, tasks)
    load = f"of {threads} threads × {tasks}, in one workspace, and {told.lessons} lessons: {told.happened}"
    return {
        **_shares(("router_accuracy", "router_baseline"), tuned),
        **_shares(("router_accuracy_held_out", "router_baseline_held_out"), held_out),
        **_shares(("router_accuracy_refusals_held_out", "router_baseline_refusals_held_out"), accuracy_of(refusals)),
        "router_to_the_refused": Figure(WANTED["router_to_the_refused"], to_the_refused(refusals), n=len(refusals)),
        "team_lost": Figure(f"{WANTED['team_lost']} {load}", told.lost, n=threads * tasks),
        "team_misattributed": Figure(f"{WANTED['team_misattributed']} {load}", told.misattributed, n=threads * tasks),
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
