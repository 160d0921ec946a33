"""What was spent: calls, tokens, seconds and dollars, added up by agent, model, kind of task or day.

In:  the events of all runs of a workspace.
Out: one row for each agent, model, family or day, the most expensive first.

Each model call counts once, in the run that made it. A team's run makes none of its own, so its members' calls are not counted a
second time with it; calls of critics and of reflection are counted, which a run's own total leaves to others; the steps that a
forked run copied are counted where they were made. Runs in evaluation mode leave no record, and are not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from purpose_agent.core.errors import UsageError
from purpose_agent.runtime.database import Database

CostKey: TypeAlias = Literal["agent", "model", "family", "day"]

_KEYS: Final[Mapping[CostKey, str]] = {
    "agent": "r.agent",
    "model": "json_extract(e.payload, '$.model')",
    "family": "r.family",
    "day": "substr(e.at, 1, 10)",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one agent, model, family or day has cost.

    Attributes:
        key: Its name; the date of a day, in UTC; "" of tasks without a family.
        runs: In which there was a call.
        calls: Of models, failed ones included.
        seconds: Spent in these calls, whether side by side or not.
        usd: All of it; None if the price of a call is unknown.
        usd_known: The part of it whose price is known.
        unpriced_runs: In which the price of a call is unknown.
    """

    key: str
    runs: int
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    seconds: float
    usd: float | None
    usd_known: float
    unpriced_runs: int


def costs(db: Database, by: CostKey = "agent") -> list[Cost]:
    """What was spent, by `by`; the most expensive first, then the most tokens.

    Raises:
        UsageError: There is no such way to add up.
    """
    if by not in _KEYS:
        raise UsageError(f"costs(by={by!r}): give one of {', '.join(get_args(CostKey))}.")
    rows = db.rows(
        f"""
        WITH calls AS (
            SELECT {_KEYS[by]} AS key, e.run_id, json_extract(e.payload, '$.usage.calls') AS calls,
                json_extract(e.payload, '$.usage.input_tokens') AS input, json_extract(e.payload, '$.usage.output_tokens') AS output,
                json_extract(e.payload, '$.usage.cached_tokens') AS cached, json_extract(e.payload, '$.seconds') AS seconds,
                json_extract(e.payload, '$.usage.usd') AS usd
            FROM events e JOIN runs r ON r.id = e.run_id
            WHERE e.kind = 'model_called' AND (r.forked_from IS NULL OR e.seq > (
                SELECT min(s.seq) FROM events s WHERE s.run_id = r.id AND s.kind = 'run_suspended'))
        )
        SELECT key, count(DISTINCT run_id), total(calls), total(input), total(output), total(cached), total(seconds), total(usd),
            count(DISTINCT CASE WHEN usd IS NULL THEN run_id END)
        FROM calls GROUP BY key ORDER BY 8 DESC, total(input) + total(output) DESC, key
        """
    )
    return [
        Cost(
            key=str(key),
            runs=int(runs),
            calls=int(calls),
            input_tokens=int(read),
            output_tokens=int(written),
            cached_tokens=int(cached),
            seconds=float(seconds),
            usd=None if unpriced else float(usd),
            usd_known=float(usd),
            unpriced_runs=int(unpriced),
        )
        for key, runs, calls, read, written, cached, seconds, usd, unpriced in rows
    ]
