"""Which of a router's models a run gets, by what the record says; and what was chosen, to look at.

In:  a router, a task, the record.
Out: a model with its `Route`; the choices made here, and how each model did.

Reads only: what each model did in earlier runs that were there to learn, for the task's user or for nobody in particular. A run that
went from one model to another counts as a failure of the first and, as it ended, for the last. A team's own row is passed over:
its members' runs are the evidence. Whose turn it is is said in `learning/routing.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import sqrt

from purpose_agent.core.codec import from_json
from purpose_agent.core.model import Model, Usage
from purpose_agent.core.ports import Embedder
from purpose_agent.core.task import Limits, Task
from purpose_agent.engine.run import Route, Rung
from purpose_agent.learning.routing import Bounds, Candidate, Likeness, Seen, choose, word_likeness
from purpose_agent.models.routing import Router, price_of
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import RouteChosen, RunStarted, RunStatus
from purpose_agent.runtime.record import RunRow, find_run, list_runs
from purpose_agent.runtime.trace import Trace

LOOKED_AT = 500
"""So many of the newest runs are evidence."""
SHOWN_FROM = 2_000
"""So many of the newest runs are looked through for choices to show."""
ENDED: frozenset[RunStatus] = frozenset({"finished", "gave_up", "exhausted", "failed"})


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A run that had several models to choose from.

    Attributes:
        chosen: The choice at its start, then those within it.
    """

    run_id: str
    started_at: datetime
    agent: str
    goal: str
    family: str
    status: RunStatus
    success: bool | None
    chosen: tuple[RouteChosen, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """How a model did on tasks of a family, in runs whose outcome is known.

    Attributes:
        family: "" for tasks without one.
        usd: Mean of a run; None if the price of one is unknown.
        seconds: Mean of a run; None where it was not kept.
    """

    family: str
    model: str
    runs: int
    successes: int
    usd: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Routes:
    """What was chosen, newest first, and what each model is known to do, by family."""

    chosen: tuple[RouteRow, ...]
    measured: tuple[Measured, ...]


def routed(
    db: Database, router: Router, task: Task, agent: str, limits: Limits, likeness: Likeness, before: Trace | None = None
) -> tuple[Model, Route]:
    """The model of a run, and which may go on after it.

    Args:
        limits: Of the agent, where the task has none.
        before: What was recorded of the run, if it goes on: it keeps its model, unless the router has it no more.

    Raises:
        UsageError: None of the models may run; the message says why.
    """
    held = task.limits or limits
    bounds = Bounds(_least(router.budget, held.usd), _least(router.latency, held.seconds), router.enough)
    models = {model.name: model for model in router.models}
    candidates = [
        Candidate(model.name, model.capabilities.local, model.capabilities.small, _priced(model)) for model in router.models
    ]
    kept = models.get(last_model(before)) if before is not None else None
    seen = evidence(db, user=task.user, models=frozenset(models), but=before.run_id if before is not None else "")
    chosen = choose(task, agent, candidates, seen, bounds, likeness, keep=kept.name if kept is not None else "")
    expected = {option.model: option for option in chosen.considered}
    names = list(models)
    later = names[names.index(chosen.model) + 1 :] if router.escalates else []
    ladder = tuple(
        Rung(models[name], expected[name].usd, expected[name].seconds) for name in later if not expected[name].refused
    )
    told = chosen if kept is None else None
    return models[chosen.model], Route(told, ladder, bounds.usd, bounds.seconds, chosen.considered, chosen.difficulty)


def last_model(trace: Trace) -> str:
    """The model that a run had last."""
    chosen = trace.of(RouteChosen)
    return chosen[-1].model if chosen else trace.of(RunStarted)[0].model


def model_of_run(db: Database, router: Router, run_id: str) -> Model:
    """The router's model that did a run last: for whoever learns from it; the first one where there is no such run or model."""
    run = find_run(db, run_id) if run_id else None
    if run is None:
        return router.models[0]
    chosen = _chosen(db, [run_id]).get(run_id)
    return router.find(chosen[-1].model if chosen else run.model) or router.models[0]


def evidence(db: Database, *, user: str | None, models: frozenset[str] | None = None, but: str = "") -> list[Seen]:
    """What became of models in runs whose outcome is known, newest first.

    Args:
        user: Whose runs count, beside those of nobody in particular; None: all.
        models: These alone; None: all.
        but: The id of a run that does not count.
    """
    if not db.exists:
        return []
    rows = list_runs(db, limit=LOOKED_AT, mode="learning")
    parents = {row.parent for row in rows}
    chosen = _chosen(db, [row.id for row in rows])
    seen: list[Seen] = []
    for row in rows:
        is_theirs = user is None or row.task.user in ("", user)
        if row.id == but or row.id in parents or row.status not in ENDED or not is_theirs:
            continue
        seen += [each for each in _parts(db, row, chosen.get(row.id, ())) if models is None or each.model in models]
    return seen


def routes(db: Database, *, limit: int, user: str | None) -> Routes:
    """What was chosen in the newest runs, and how each model did; of one user and nobody in particular, or of all."""
    if not db.exists:
        return Routes((), ())
    rows = {row.id: row for row in list_runs(db, limit=max(limit, SHOWN_FROM)) if user is None or row.task.user in ("", user)}
    chosen = _chosen(db, list(rows))
    newest = [row for row in rows.values() if row.id in chosen][:limit]
    told = [
        RouteRow(row.id, row.started_at, row.agent, row.goal, row.family, row.status, row.success, chosen[row.id])
        for row in newest
    ]
    groups: dict[tuple[str, str], list[Seen]] = {}
    for each in evidence(db, user=user):
        groups.setdefault((each.task.family, each.model), []).append(each)
    measured = [
        Measured(
            family,
            model,
            len(group),
            sum(each.success for each in group),
            _mean([each.usd for each in group]),
            _mean([each.seconds for each in group]),
        )
        for (family, model), group in sorted(groups.items())
    ]
    return Routes(tuple(told), tuple(measured))


def by_meaning(embedder: Embedder) -> Likeness:
    """Goals are alike by their words, or by their meaning where that says more."""

    @lru_cache(maxsize=2 * LOOKED_AT)
    def vector(goal: str) -> tuple[float, ...]:
        found = embedder.embed([goal])[0]
        length = sqrt(sum(each * each for each in found)) or 1.0
        return tuple(each / length for each in found)

    def likeness(one: str, other: str) -> float:
        cosine = sum(mine * its for mine, its in zip(vector(one), vector(other), strict=True))
        meant = (cosine - embedder.floor) / (1 - embedder.floor)
        return max(word_likeness(one, other), min(1.0, meant))

    return likeness


def _parts(db: Database, row: RunRow, chosen: Sequence[RouteChosen]) -> list[Seen]:
    """What each model of the run came to."""
    success = bool(row.success) if row.status in ("gave_up", "exhausted", "failed") else row.success
    usage = Usage(row.input_tokens, row.output_tokens, row.cached_tokens, row.usd)
    names = [each.model for each in chosen] or [row.model]
    if len(names) == 1:
        return [] if success is None else [_seen(row, names[0], success, usage, row.seconds)]
    spent = _spent(db, row.id)
    parts = [_seen(row, name, False, *spent.get(name, (Usage(usd=None), None))) for name in names[:-1]]
    if success is not None:
        parts.insert(0, _seen(row, names[-1], success, *spent.get(names[-1], (Usage(usd=None), None))))
    return parts


def _seen(row: RunRow, model: str, success: bool, usage: Usage, seconds: float | None) -> Seen:
    return Seen(row.id, row.agent, model, row.task, success, usage, usage.usd, seconds)


def _chosen(db: Database, run_ids: Sequence[str]) -> Mapping[str, tuple[RouteChosen, ...]]:
    """By run: which models it was given, in their order."""
    marks = ", ".join("?" * len(run_ids))
    found: dict[str, tuple[RouteChosen, ...]] = {}
    rows = db.rows(
        f"SELECT run_id, payload FROM events WHERE run_id IN ({marks}) AND kind = 'route_chosen' ORDER BY run_id, seq",
        tuple(run_ids),
    )
    for run_id, text in rows:
        found[str(run_id)] = (*found.get(str(run_id), ()), from_json(RouteChosen, str(text)))
    return found


def _spent(db: Database, run_id: str) -> Mapping[str, tuple[Usage, float | None]]:
    """By model: what its calls took in that run; its tools' time is nobody's."""
    rows = db.rows(
        "SELECT json_extract(payload, '$.model'), total(json_extract(payload, '$.usage.input_tokens')),"
        " total(json_extract(payload, '$.usage.output_tokens')), total(json_extract(payload, '$.usage.cached_tokens')),"
        " total(json_extract(payload, '$.usage.usd')), count(*) - count(json_extract(payload, '$.usage.usd')),"
        " total(json_extract(payload, '$.seconds'))"
        " FROM events WHERE run_id = ? AND kind = 'model_called' GROUP BY 1",
        (run_id,),
    )
    return {
        str(model): (Usage(int(read), int(written), int(cached), None if unpriced else float(usd)), float(seconds))
        for model, read, written, cached, usd, unpriced, seconds in rows
    }


def _priced(model: Model) -> Callable[[Usage], float | None]:
    return lambda usage: price_of(model, usage)


def _least(one: float | None, other: float | None) -> float | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _mean(values: Sequence[float | None]) -> float | None:
    """None if one is unknown."""
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
