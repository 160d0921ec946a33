"""Experience replay: what was decided, what it brought, and what such options are worth since.

In:  episodes: the decisions of runs, with their rewards.
Out: options ranked by what is known of them, with the runs that taught it.

After REMEMBERER (arXiv 2306.07929), with values that carry over to options nobody has seen. Values belong to an agent
and a family; a family of few episodes borrows those of all the agent's families together. Whether a run may use them
is for the gate to say, not for this file. Other people's episodes are kept but weigh nothing until they agree with
the agent's own experience.
"""

import random
import secrets
from collections.abc import Sequence
from math import isfinite
from typing import Literal, TypeAlias

from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import Origin
from purpose_agent.core.task import Task
from purpose_agent.core.values import Episode, Experienced, Ranked
from purpose_agent.memory.linear import HOPE, Weight, Weights
from purpose_agent.memory.nearest import Neighbours
from purpose_agent.memory.options import features_of, moment_of, whole
from purpose_agent.memory.returns import returns
from purpose_agent.runtime.connection import Cursor
from purpose_agent.runtime.database import Database

Estimator: TypeAlias = Literal["linear", "nearest"]

CAPACITY = 2_000
"""Episodes kept of an agent and a family. The ones that moved least go first; what they taught stays."""
OWN_FEWEST = 10
"""A family of fewer episodes is ranked by the values of all the agent's families."""
BOLDNESS = 0.05
"""How far values are drawn from their means, in deviations: they are known better than the weights one by one say."""
JUDGE_FEWEST = 20
"""So many episodes of its own an agent needs before it can tell whether others' agree with them."""
AGREEMENT = 0.3
"""Others' returns must go with the values expected at least so closely (Pearson's r)."""
EVERY = ""
"""The family under which the values of all of an agent's families are kept together."""
OWN: tuple[Origin, ...] = ("self_verified", "operator", "user")

_Kind: TypeAlias = tuple[str, str]


class Replay:
    """The store of episodes, and the values learned from them.

    Args:
        estimator: What is concluded from seen to unseen options. "linear": a weight for each feature; "nearest": the
            mean of the most similar ones.
    """

    def __init__(self, db: Database, estimator: Estimator = "linear") -> None:
        self._db = db
        self._estimator: Estimator = estimator
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
        kind = self._kind(agent, task.family)
        if kind is None:
            return ()
        single = bool(task.choices)  # learned from without a past, and so ranked without one on a second attempt
        moment = moment_of(task.goal, situation, options, () if single else past, single=single)
        if self._estimator == "nearest":
            known = self._neighbours_of(kind)
            found = [
                (option, *_hopeful(known.predict(situation, option), moment.here[option]), known.has(option))
                for option in options
            ]
        else:
            weights, common = self._weights_of(kind, fresh=not past), len(moment.features)
            found = [
                (option, *weights.predict(features_of(option, moment), common), weights.knows(whole(option)))
                for option in options
            ]
        return tuple(
            Ranked(option, mean + BOLDNESS * deviation * draws.gauss(0.0, 1.0), deviation, sources, taken)
            for option, mean, deviation, sources, taken in found
        )

    def learn(self, agent: str, episode: Episode, *, origin: Origin = "self_verified", note: str = "") -> None:
        """Keep an episode and, if it is the agent's own, what it teaches; in one transaction.

        Args:
            note: What it is, if not what happened: "relabelled".

        Raises:
            UsageError: A reward is no finite number.
        """
        if not all(isfinite(step.reward + step.shaping) for step in episode.steps):
            raise UsageError(
                f"The episode of {episode.run_id} has a reward that is no finite number; nothing is learned from it."
            )
        trusted = origin in OWN
        with self._db.write() as cursor:
            kinds = list(dict.fromkeys(((agent, episode.family), (agent, EVERY))))
            moved = max([self._taught(cursor, kind, episode) for kind in kinds]) if trusted else 0.0
            cursor.execute(
                "INSERT INTO episodes (run_id, agent, family, steps, success, origin, trusted, apart, note, moved)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    episode.run_id,
                    agent,
                    episode.family,
                    to_json(Episode, episode),
                    episode.success,
                    origin,
                    trusted,
                    episode.apart,
                    note,
                    moved,
                ),
            )
            cursor.execute(
                "DELETE FROM episodes WHERE id IN (SELECT id FROM episodes WHERE agent = ? AND family = ?"
                " ORDER BY trusted DESC, moved DESC, id DESC LIMIT -1 OFFSET ?)",
                (agent, episode.family, CAPACITY),
            )

    def count(self, agent: str, family: str) -> int:
        """How many episodes of its own taught the values of a family."""
        rows = self._db.rows("SELECT episodes FROM value_kinds WHERE agent = ? AND family = ?", (agent, family))
        return int(rows[0][0]) if rows else 0

    def episodes(self, agent: str, family: str = EVERY) -> tuple[Episode, ...]:
        """What is kept of an agent, oldest first; of one family, or of all. Without what was relabelled."""
        rows = self._db.rows(
            "SELECT steps FROM episodes WHERE agent = ? AND (? = '' OR family = ?) AND note = '' ORDER BY id",
            (agent, family, family),
        )
        return tuple(from_json(Episode, str(row[0])) for row in rows)

    def vouch(self) -> int:
        """Learn from others' episodes that agree with the agent's own experience. Returns how many did.

        An episode agrees if the returns it tells of go with those the agent would expect (Pearson's r of at least
        `AGREEMENT`), and if none of them is further from that than anything the agent experienced itself. Those that
        don't stay, and weigh nothing; they are asked again next time.
        """
        rows = self._db.rows("SELECT DISTINCT agent, family FROM episodes WHERE trusted = 0")
        return sum(self._vouched(str(agent), str(family)) for agent, family in rows)

    def _vouched(self, agent: str, family: str) -> int:
        if self.count(agent, family) < JUDGE_FEWEST:
            return 0
        rows = self._db.rows(
            "SELECT id, steps FROM episodes WHERE agent = ? AND family = ? AND trusted = 0 ORDER BY id", (agent, family)
        )
        ((furthest,),) = self._db.rows(
            "SELECT max(moved) FROM episodes WHERE agent = ? AND family = ? AND trusted = 1", (agent, family)
        )
        agreed = 0
        for number, text in rows:
            episode = from_json(Episode, str(text))
            believed, told = self._told((agent, family), episode)
            if _correlation(believed, told) < AGREEMENT or _surprise(believed, told) > float(furthest or 0.0):
                continue
            with self._db.write() as cursor:
                moved = [self._taught(cursor, kind, episode) for kind in dict.fromkeys(((agent, family), (agent, EVERY)))]
                cursor.execute("UPDATE episodes SET trusted = 1, moved = ? WHERE id = ?", (max(moved), number))
            agreed += 1
        self._neighbours.clear()
        return agreed

    def _kind(self, agent: str, family: str) -> _Kind | None:
        """Whose values rank the options of a task."""
        if family and self.count(agent, family) >= OWN_FEWEST:
            return agent, family
        return (agent, EVERY) if self.count(agent, EVERY) else None

    def _told(self, kind: _Kind, episode: Episode) -> tuple[list[float], list[float]]:
        """What its decisions were believed to be worth, and what the episode says."""
        weights = self._weights_of(kind, fresh=True)
        believed = [weights.predict(features)[0] for features in _features(episode)]
        return believed, _returns(episode, believed)

    def _taught(self, cursor: Cursor, kind: _Kind, episode: Episode) -> float:
        """Learn from an episode for one kind; how far it moved what was believed, at most, in units of reward."""
        weights = self._weights_of(kind, fresh=True)
        del self._weights[kind]  # until all went well: they are changed in place
        features = _features(episode)
        believed = [weights.predict(each)[0] for each in features]
        told = _returns(episode, believed)
        # From the end, so that a decision is learned after what it led to.
        for each, value in reversed(list(zip(features, told, strict=True))):
            weights.learn(each, value, episode.run_id)
        # By chance, not counted: what an outer transaction undoes must never look like what another process did.
        version = secrets.randbits(62)
        cursor.executemany(
            "INSERT OR REPLACE INTO value_weights (agent, family, feature, mean, variance, run_id) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (*kind, key, weights.all[key].mean, weights.all[key].variance, weights.all[key].run_id)
                for key in weights.changed
            ],
        )
        weights.changed.clear()
        cursor.execute(
            "INSERT INTO value_kinds (agent, family, version, episodes) VALUES (?, ?, ?, 1) ON CONFLICT (agent, family)"
            " DO UPDATE SET version = excluded.version, episodes = episodes + 1",
            (*kind, version),
        )
        self._weights[kind] = (version, weights)
        return _surprise(believed, told)

    def _weights_of(self, kind: _Kind, *, fresh: bool) -> Weights:
        """The weights as the file has them. Within a run they are taken as they were at its first decision."""
        held = self._weights.get(kind)
        if held is not None and not fresh:
            return held[1]
        version = self._version(kind)
        if held is None or held[0] != version:
            rows = self._db.rows(
                "SELECT feature, mean, variance, run_id FROM value_weights WHERE agent = ? AND family = ?", kind
            )
            weights = {int(key): Weight(float(mean), float(variance), str(run)) for key, mean, variance, run in rows}
            held = (version, Weights(weights))
            self._weights[kind] = held
        return held[1]

    def _neighbours_of(self, kind: _Kind) -> Neighbours:
        agent, family = kind
        last, known = self._neighbours.get(kind) or (0, Neighbours())
        rows = self._db.rows(
            "SELECT id, steps FROM episodes WHERE agent = ? AND (? = '' OR family = ?) AND trusted = 1 AND id > ? ORDER BY id",
            (agent, family, family, last),
        )
        for number, text in rows:
            episode = from_json(Episode, str(text))
            told = _returns(episode, [0.0] * len(episode.steps))
            for step, value in zip(episode.steps, told, strict=True):
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


def _features(episode: Episode) -> list[tuple[str, ...]]:
    steps, goal, apart = episode.steps, episode.goal, episode.apart
    moments = [
        moment_of(goal, step.situation, step.options, () if apart else steps[:number], single=apart)
        for number, step in enumerate(steps)
    ]
    return [features_of(step.option, moment) for step, moment in zip(steps, moments, strict=True)]


def _returns(episode: Episode, believed: Sequence[float]) -> list[float]:
    rewards = [step.reward + step.shaping for step in episode.steps]
    return rewards if episode.apart else returns(rewards, believed)


def _surprise(believed: Sequence[float], told: Sequence[float]) -> float:
    """How far the two are apart, at most."""
    return max((abs(one - other) for one, other in zip(believed, told, strict=True)), default=0.0)


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's r; 0 where either does not vary."""
    n = len(one)
    if n < 2:
        return 0.0
    mean_one, mean_other = sum(one) / n, sum(other) / n
    spread_one = sum((value - mean_one) ** 2 for value in one)
    spread_other = sum((value - mean_other) ** 2 for value in other)
    if spread_one <= 0 or spread_other <= 0:
        return 0.0
    both = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    return float(both / (spread_one * spread_other) ** 0.5)
