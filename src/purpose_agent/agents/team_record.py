"""What the record says of a team of specialists: who was given what and why, what came of it, and what was learned.

In:  the database of a workspace, the names of the agents.
Out: numbers and rows, read at one moment; nothing is kept beside the record.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from purpose_agent.runtime.connection import Row, Value
from purpose_agent.runtime.database import Database

TEAM = "team"
"""The lane of a team's run."""
PURPOSE = "purpose"
"""The value of a run's first state that says whose it is: teams are known by their purpose."""
SENDER = "agent_team"
"""Who hands tasks over, as `HandedOver` has it."""
NAME = "team name"
"""The fact of a run's first state that says which team's it is; "" of a team without a name."""
LAST = 10


@dataclass(frozen=True, slots=True)
class Delegated:
    """A task that somebody was given.

    Attributes:
        run_id: The agent's run.
        why: How the agent was chosen: "words: …", "model: …", "fallback: …" or "asked for".
        success: None if nobody judged.
    """

    task: str
    agent: str
    why: str
    run_id: str
    status: str
    success: bool | None


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """What one agent did for the team, and what was learned from its runs.

    Attributes:
        tasks: That it was given and has begun; one that went on counts once.
        judged: Those of them of which somebody knows whether they succeeded.
        heuristics: Memories in use that came from its runs.
        usd: What its runs cost; None where a price is unknown.
    """

    tasks: int = 0
    judged: int = 0
    succeeded: int = 0
    tokens: int = 0
    usd: float | None = 0.0
    heuristics: int = 0


@dataclass(frozen=True, slots=True)
class TeamRecord:
    """What a team did.

    Attributes:
        episodes: Decisions of runs in the shared replay; what one agent experienced and others were told counts once.
        last: The newest first.
    """

    agents: Mapping[str, AgentRecord]
    episodes: int
    last: tuple[Delegated, ...]


# Records of older versions tell of a task again whenever it went on: its first word on why counts.
_TASKS = """
    FROM runs m JOIN events e ON e.seq = (SELECT min(h.seq) FROM events h WHERE h.run_id = m.parent AND h.kind = 'handed_over'
        AND json_extract(h.payload, '$.run_id') = m.id) AND e.run_id = m.parent
    WHERE m.agent IN (SELECT value FROM json_each(?1)) AND m.parent IS NOT NULL AND m.mode != 'validation'
    AND json_extract(e.payload, '$.sender') = ?2
    AND coalesce((SELECT json_extract(s.payload, '$.state."team name"') FROM events s
        WHERE s.run_id = m.parent AND s.kind = 'run_started'), '') = ?3
"""


def team_record(db: Database, agents: Collection[str], team: str) -> TeamRecord:
    """The record of `agents`, as the team of that name."""
    names = _json(agents)
    told: tuple[Value, ...] = (names, SENDER, team)
    done = db.rows(
        "SELECT m.agent, count(*), count(m.success), total(m.success), total(m.input_tokens + m.output_tokens), total(m.usd),"
        f" count(*) - count(m.usd) {_TASKS} GROUP BY m.agent",
        told,
    )
    learned = db.rows(
        "SELECT lesson ->> '$.provenance.agent', count(*) FROM memories WHERE status = 'promoted'"
        " AND lesson ->> '$.provenance.agent' IN (SELECT value FROM json_each(?)) GROUP BY 1",
        (names,),
    )
    # Values that were learned for one user are kept under the agent's name and the user's.
    episodes = db.rows(
        "SELECT count(DISTINCT run_id) FROM episodes WHERE note = '' AND"
        " CASE instr(agent, char(31)) WHEN 0 THEN agent ELSE substr(agent, 1, instr(agent, char(31)) - 1) END"
        " IN (SELECT value FROM json_each(?))",
        (names,),
    )
    heuristics = {str(agent): int(count) for agent, count in learned}
    found = {str(row[0]): row for row in done}
    last = db.rows(
        "SELECT m.goal, m.agent, json_extract(e.payload, '$.why'), m.id, m.status, m.success"
        f" {_TASKS} ORDER BY e.run_id DESC, e.seq DESC LIMIT {LAST}",
        told,
    )
    return TeamRecord(
        {name: _of_agent(found.get(name), heuristics.get(name, 0)) for name in agents},
        int(episodes[0][0]) if episodes else 0,
        tuple(
            Delegated(str(goal), str(agent), str(why), str(run), str(status), None if success is None else bool(success))
            for goal, agent, why, run, status, success in last
        ),
    )


def outcomes_of(db: Database, purpose: str) -> tuple[int, int, int]:
    """Of the team for that purpose: its runs, those that were judged, those that succeeded."""
    ((runs, judged, succeeded),) = db.rows(
        "SELECT count(*), count(r.success), total(r.success) FROM runs r JOIN events e ON e.run_id = r.id"
        " WHERE r.agent = ? AND e.kind = 'run_started' AND e.payload ->> ? = ?",
        (TEAM, f"$.state.{PURPOSE}", purpose),
    ) or [(0, 0, 0)]
    return int(runs), int(judged), int(succeeded)


def past_of(db: Database, agents: Collection[str], family: str, user: str) -> Mapping[str, tuple[int, int]]:
    """By agent: its judged learning runs on tasks of a family and of one user, or of none, and how many succeeded."""
    rows = db.rows(
        "SELECT agent, count(*), total(success) FROM runs WHERE family = ? AND mode = 'learning' AND success IS NOT NULL"
        " AND coalesce(json_extract(task, '$.labels.user'), '') = ? AND agent IN (SELECT value FROM json_each(?)) GROUP BY agent",
        (family, user, _json(agents)),
    )
    return {str(agent): (int(judged), int(succeeded)) for agent, judged, succeeded in rows}


def _of_agent(row: Row | None, heuristics: int) -> AgentRecord:
    if row is None:
        return AgentRecord(heuristics=heuristics)
    _, tasks, judged, succeeded, tokens, usd, unpriced = row
    price = None if unpriced else float(usd)
    return AgentRecord(int(tasks), int(judged), int(succeeded), int(tokens), price, heuristics)


def _json(names: Collection[str]) -> str:
    import json

    return json.dumps(sorted(names))
