"""Experience replay: what was decided, what it brought, and what such options are worth since.

In:  episodes: the decisions of runs, with their rewards.
Out: options ranked by what is known of them, with the runs that taught it.

After REMEMBERER (arXiv 2306.07929), with values that carry over to options nobody has seen. Values belong to an agent
and a family; a family of few episodes borrows those of all the agent's families together. Whether a run may use them
is for the gate to say, not for this file. Other people's episodes are kept but weigh nothing until they agree with
the agent's own experience (`vouching.py`).
"""

import json
import random
import secrets
from collections.abc import Collection, Sequence
from math import isfinite
from typing import Literal, TypeAlias, get_args

from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.errors import UsageError
from purpose_agent.core.origin import Origin
from purpose_agent.core.secrets import json_without_secrets
from purpose_agent.core.task import Task
from purpose_agent.core.values import Episode, Experienced, Ranked, owner_of
from purpose_agent.memory.episodes import returns_in, taught_by
from purpose_agent.memory.linear import HOPE, Weight, Weights
from purpose_agent.memory.nearest import Neighbours
from purpose_agent.memory.options import features_of, moment_of, whole
from purpose_agent.memory.vouching import FEWEST_DECISIONS, agreeing
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database

Estimator: TypeAlias = Literal["linear", "nearest"]

CAPACITY = 2_000
"""Episodes kept of an agent and a family. The newest half stays, of the others what moved most; what they taught stays."""
OWN_FEWEST = 10
"""A family of fewer episodes is ranked by the values of all the agent's families."""
BOLDNESS = 0.05
"""How far values are drawn from their means, in deviations: they are known better than the weights one by one say."""
JUDGE_FEWEST = 20
"""So many episodes of its own an agent needs before it can tell whether others' agree with them."""
JUDGE_AGAIN = 2
"""Others' episodes that did not agree are judged again when the agent has so many times the episodes it had then."""
FORGOTTEN = -1
"""In place of trusted or not: a person wants nothing learned from it."""
EVERY = "*"
"""The family under which the values of all of an agent's families are kept together."""
OWN: tuple[Origin, ...] = ("self_verified", "operator", "user")
_IS_OWN = f"origin IN ({', '.join(repr(origin) for origin in OWN)})"

_EVICT = """
    DELETE FROM episodes WHERE id IN (
        SELECT id FROM (
            SELECT id, trusted, moved, row_number() OVER (PARTITION BY trusted ORDER BY id DESC) > ? AS old
            FROM episodes WHERE agent = ? AND family = ?
        ) ORDER BY trusted DESC, old, CASE WHEN old THEN moved END DESC, id DESC LIMIT -1 OFFSET ?
    )
"""

_Kind: TypeAlias = tuple[str, str]


class Replay:
    """The store of episodes, and the values learned from them.

    Args:
        estimator: What is concluded from seen to unseen options. "linear": a weight for each feature; "nearest": the
            mean of the most similar ones.

    Attributes:
        capacity: Episodes kept of an agent and a family; None: `CAPACITY`.
    """

    def __init__(self, db: Database, estimator: Estimator = "linear") -> None:
        if estimator not in get_args(Estimator):
            raise UsageError(f"estimator={estimator!r}: it is one of {', '.join(map(repr, get_args(Estimator)))}.")
        self._db = db
        self._estimator: Estimator = estimator
        self.capacity: int | None = None
        self._weights: dict[_Kind, tuple[int, Weights]] = {}
        self._neighbours: dict[_Kind, tuple[int, Neighbours]] = {}
        """With the id of the last episode they know."""

    def rank(
        self,
        task: Task,
        agent: str,
        situation: str,
        options: Sequence[str],
        past: Sequence[Experienced],
        *,
        draws: random.Random,
    ) -> tuple[Ranked, ...]:
        """One for each of `options`, in their order; () if nothing is known of such tasks."""
        kind = self._kind(owner_of(agent, task.user), task.family)
        if kind is None:
            return ()
        single = bool(task.choices)  # learned from without a past, and so ranked without one on a second attempt
        moment = moment_of(task.goal, situation, options, () if single else past, single=single)
        if self._estimator == "nearest":
            known, usual = self._neighbours_of(kind), 0.0
            found = [
                (option, *_hopeful(known.predict(situation, option), moment.here[option]), known.has(option))
                for option in options
            ]
        else:
            weights, common = self._weights_of(kind, fresh=not past), len(moment.features)
            usual = weights.predict(moment.features)[0]
            found = [
                (option, *weights.predict(features_of(option, moment), common), weights.knows(whole(option)))
                for option in options
            ]
        return tuple(
            Ranked(option, mean + BOLDNESS * deviation * draws.gauss(0.0, 1.0), deviation, sources, taken, mean, usual)
            for option, mean, deviation, sources, taken in found
        )

    def learn(self, agent: str, episode: Episode, *, origin: Origin = "self_verified", note: str = "") -> None:
        """Keep an episode and, if it is the agent's own, what it teaches; in one transaction.

        One that is kept already, of the same run and note, changes nothing.

        Args:
            note: What it is, if not what happened: "relabelled".

        Raises:
            UsageError: A reward is no finite number.
        """
        if not all(isfinite(step.reward + step.shaping) for step in episode.steps):
            raise UsageError(
                f"The episode of {episode.run_id} has a reward that is no finite number; nothing is learned from it."
            )
        trusted, apart, text = origin in OWN, episode.apart, json_without_secrets(to_json(Episode, episode))
        # What is learned from is what is kept: a secret is no feature either.
        episode = from_json(Episode, text)
        with self._db.write(learns=True) as cursor:
            added = cursor.execute(
                "INSERT INTO episodes (run_id, agent, family, steps, success, origin, trusted, apart, note, moved)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0.0) ON CONFLICT (agent, run_id, note) DO NOTHING RETURNING id",
                (episode.run_id, agent, episode.family, text, episode.success, origin, trusted, apart, note),
            ).fetchall()
            if added and trusted:
                self._teach(cursor, agent, episode, int(added[0][0]), count=not note)
            capacity = CAPACITY if self.capacity is None else self.capacity
            cursor.execute(_EVICT, (capacity // 2, agent, episode.family, capacity))

    def count(self, agent: str, family: str) -> int:
        """How many episodes of its own the agent had of a family; neither what was relabelled nor what others told."""
        rows = self._db.rows("SELECT episodes FROM value_kinds WHERE agent = ? AND family = ?", (agent, family))
        return int(rows[0][0]) if rows else 0

    def episodes(self, agent: str, family: str = "") -> tuple[Episode, ...]:
        """What an agent learned from, as far as it is kept, oldest first; of one family, or of all ("").

        Without what was relabelled, and without others' episodes that do not agree, or not yet.
        """
        rows = self._db.rows(
            "SELECT steps FROM episodes WHERE agent = ? AND (? = '' OR family = ?) AND note = '' AND trusted = 1 ORDER BY id",
            (agent, family, family),
        )
        return tuple(from_json(Episode, str(row[0])) for row in rows)

    def of_run(self, agent: str, run_id: str) -> tuple[Episode, ...]:
        """What an agent learned from one run of its own, as it happened; () if it is not kept."""
        rows = self._db.rows(
            f"SELECT steps FROM episodes WHERE agent = ? AND run_id = ? AND note = '' AND {_IS_OWN}", (agent, run_id)
        )
        return tuple(from_json(Episode, str(row[0])) for row in rows)

    def count_vouched(self, agent: str, family: str) -> int:
        """How many of others' episodes of a family agree with the agent's own, and teach it too."""
        rows = self._db.rows(
            f"SELECT count(*) FROM episodes WHERE agent = ? AND family = ? AND trusted = 1 AND NOT ({_IS_OWN})", (agent, family)
        )
        return int(rows[0][0]) if rows else 0

    def vouch(self) -> int:
        """Learn from others' episodes that agree with the agent's own experience. Returns how many did.

        All that wait of an agent, a family and an origin are judged together. Those that do not agree stay, and weigh
        nothing; asking again is no new chance until the agent has experienced `JUDGE_AGAIN` times as much.
        """
        batches = self._db.rows("SELECT DISTINCT agent, family, origin FROM episodes WHERE trusted = 0")
        return sum(self._vouched(str(agent), str(family), str(origin)) for agent, family, origin in batches)

    def forget(self, run_ids: Collection[str], origin: Origin | None = None) -> int:
        """Learn nothing more from the episodes of those runs, nor from those of `origin`, and return how many there were.

        They are kept, and weigh nothing. The values of their kinds are learned anew from the episodes that are left; what
        others taught that were evicted since is lost with it.
        """
        runs, kinds = json.dumps(sorted(run_ids)), dict[_Kind, None]()
        with self._db.write(learns=True) as cursor:
            forgotten = cursor.execute(
                f"UPDATE episodes SET trusted = {FORGOTTEN} WHERE trusted != {FORGOTTEN}"
                " AND (run_id IN (SELECT value FROM json_each(?)) OR origin = ?) RETURNING agent, family",
                (runs, origin),
            ).fetchall()
            for agent, family in forgotten:
                kinds |= dict.fromkeys(((str(agent), str(family)), (str(agent), EVERY)))
            for agent, family in kinds:
                cursor.execute("DELETE FROM value_weights WHERE agent = ? AND family = ?", (agent, family))
                cursor.execute("DELETE FROM value_kinds WHERE agent = ? AND family = ?", (agent, family))
                rows = cursor.execute(
                    f"SELECT steps, note = '' AND {_IS_OWN} FROM episodes WHERE agent = ? AND (? = ? OR family = ?)"
                    " AND trusted = 1 ORDER BY id",
                    (agent, family, EVERY, family),
                ).fetchall()
                for text, counts in rows:
                    self._taught(cursor, (agent, family), from_json(Episode, str(text)), count=bool(counts))
        self._neighbours.clear()
        return len(forgotten)

    def _vouched(self, agent: str, family: str, origin: str) -> int:
        batch, own = (agent, family, origin), self.count(agent, family)
        judged = self._db.rows("SELECT own FROM judgements WHERE agent = ? AND family = ? AND origin = ?", batch)
        if own < max([JUDGE_FEWEST, *(JUDGE_AGAIN * int(row[0]) for row in judged)]):
            return 0
        rows = self._db.rows(
            "SELECT id, steps FROM episodes WHERE agent = ? AND family = ? AND origin = ? AND trusted = 0 ORDER BY id", batch
        )
        waiting = [(int(number), from_json(Episode, str(text))) for number, text in rows]
        if sum(len(episode.steps) for _, episode in waiting) < FEWEST_DECISIONS:
            return 0
        rows = self._db.rows(
            f"SELECT steps FROM episodes WHERE {_IS_OWN} AND agent = ? AND family = ? AND trusted = 1 ORDER BY id", batch[:2]
        )
        verdict = agreeing([from_json(Episode, str(row[0])) for row in rows], [episode for _, episode in waiting])
        if verdict is None:
            return 0
        agreed = 0
        with self._db.write(learns=True) as cursor:
            for (number, episode), agrees in zip(waiting, verdict, strict=True):
                vouched = "UPDATE episodes SET trusted = 1 WHERE id = ? AND trusted = 0 RETURNING id"
                if agrees and cursor.execute(vouched, (number,)).fetchall():  # else another process was first
                    self._teach(cursor, agent, episode, number, count=False)
                    agreed += 1
            if any(verdict):
                cursor.execute("DELETE FROM judgements WHERE agent = ? AND family = ? AND origin = ?", batch)
            else:
                cursor.execute("INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?)", (*batch, own))
        self._neighbours.clear()
        return agreed

    def _kind(self, agent: str, family: str) -> _Kind | None:
        """Whose values rank the options of a task."""
        if self.count(agent, family) >= OWN_FEWEST:
            return agent, family
        return (agent, EVERY) if self._version((agent, EVERY)) else None

    def _teach(self, cursor: Cursor, agent: str, episode: Episode, number: int, *, count: bool) -> None:
        """Learn from an episode that is stored under `number`."""
        kinds = dict.fromkeys(((agent, episode.family), (agent, EVERY)))
        moved = max([self._taught(cursor, kind, episode, count=count) for kind in kinds])
        cursor.execute("UPDATE episodes SET moved = ? WHERE id = ?", (moved, number))

    def _taught(self, cursor: Cursor, kind: _Kind, episode: Episode, *, count: bool) -> float:
        """Learn from an episode for one kind; how far it moved what was believed, at most, in units of reward."""
        weights = self._weights_of(kind, fresh=True)
        del self._weights[kind]  # until all went well: they are changed in place
        moved = taught_by(episode, weights)
        # By chance, not counted: what an outer transaction undoes must never look like what another process did.
        version = secrets.randbits(62)
        changed = [(key, weights.all[key]) for key in weights.changed]
        cursor.executemany(
            "INSERT OR REPLACE INTO value_weights (agent, family, feature, mean, variance, moved, run_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*kind, key, weight.mean, weight.variance, weight.moved, weight.run_id) for key, weight in changed],
        )
        weights.changed.clear()
        cursor.execute(
            "INSERT INTO value_kinds (agent, family, version, episodes) VALUES (?, ?, ?, ?) ON CONFLICT (agent, family)"
            " DO UPDATE SET version = excluded.version, episodes = episodes + excluded.episodes",
            (*kind, version, count),
        )
        self._weights[kind] = (version, weights)
        return moved

    def _weights_of(self, kind: _Kind, *, fresh: bool) -> Weights:
        """The weights as the file has them.

        Within a run the file is asked at the first decision only; what this process learns meanwhile is in them all the same.
        """
        held = self._weights.get(kind)
        if held is not None and not fresh:
            return held[1]
        version = self._version(kind)
        if held is None or held[0] != version:
            rows = self._db.rows(
                "SELECT feature, mean, variance, run_id, moved FROM value_weights WHERE agent = ? AND family = ?", kind
            )
            weights = {
                int(key): Weight(float(mean), float(variance), str(run), float(moved))
                for key, mean, variance, run, moved in rows
            }
            held = (version, Weights(weights))
            self._weights[kind] = held
        return held[1]

    def _neighbours_of(self, kind: _Kind) -> Neighbours:
        agent, family = kind
        last, known = self._neighbours.get(kind) or (0, Neighbours())
        rows = self._db.rows(
            "SELECT id, steps FROM episodes WHERE agent = ? AND (? = ? OR family = ?) AND trusted = 1 AND id > ? ORDER BY id",
            (agent, family, EVERY, family, last),
        )
        for number, text in rows:
            episode = from_json(Episode, str(text))
            for step, value in zip(episode.steps, returns_in(episode), strict=True):
                known.add(step.situation, step.option, value, episode.run_id)
            last = int(number)
        self._neighbours[kind] = (last, known)
        return known

    def _version(self, kind: _Kind) -> int:
        rows = self._db.rows("SELECT version FROM value_kinds WHERE agent = ? AND family = ?", kind)
        return int(rows[0][0]) if rows else 0


def _hopeful(known: tuple[float, float, tuple[str, ...]], tried: int) -> tuple[float, float, tuple[str, ...]]:
    """What was not tried in this situation in this run gets the same bonus that a weight begins with."""
    mean, deviation, sources = known
    return mean + (0.0 if tried else HOPE), deviation, sources
