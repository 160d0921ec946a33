"""House rules: small tasks whose rule no model can know and a few lines of text give away.

In:  the name of a family (see `families.py`), and the seed that its rule is drawn from.
Out: tasks for training and for the exam, never the same, each judged by `Check.equals`.

An instance belongs to training, to the fold "test" or to the other folds by a hash of what it says, so no order of
drawing can mix them. Answers come equally often. Every goal carries words that decide nothing. This world says how
often an answer is right, not whether a rule was understood: the memory under test must not be written for its words.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.task import Check, Task

Words: TypeAlias = Mapping[str, str]
TRIES = 2000
"""Drawings for one more instance before we say that there are none left."""


@dataclass(frozen=True, slots=True)
class Family:
    """Tasks that follow one rule.

    Attributes:
        level: What is hard about it: "one rule", "interacting", "exception", "numbers", "priority", "default", "format",
            "change", or "control".
        scenes: Sentences with the names of `words` in braces; one is drawn for each task.
        words: What can stand in each place.
        decide: The right answer.
        rule: `decide` in words.
        choices: The possible answers; () where the answer is to be written in a house form.
        apart: The places whose words are never shared by training and exam; () means that only whole goals differ.
        before: The right answer in the first `changes_after` training tasks, where the rule changes.
        control: Memory can't help here: nothing to learn, or nothing left to learn.
    """

    name: str
    level: str
    scenes: Sequence[str]
    words: Mapping[str, Sequence[str]]
    decide: Callable[[Words], str]
    rule: str
    choices: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    before: Callable[[Words], str] | None = None
    changes_after: int = 0
    control: bool = False


@dataclass(frozen=True, slots=True)
class RuleWorld:
    """One family as a world.

    Raises:
        UsageError: There is no family called `family`.
    """

    family: str
    seed: int = 0
    steps: int = 1
    _rule: Family = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from benchmarks.learning.worlds.families import FAMILIES

        if self.family not in FAMILIES:
            raise UsageError(f"No family of house rules is called {self.family!r}. Known: {', '.join(FAMILIES)}.")
        object.__setattr__(self, "_rule", FAMILIES[self.family](_random("rule", self.family, self.seed)))

    @property
    def name(self) -> str:
        """Such as "rules/doors"."""
        return f"rules/{self.family}"

    @property
    def control(self) -> bool:
        """Memory should neither help nor harm."""
        return self._rule.control

    @property
    def level(self) -> str:
        """What is hard about it."""
        return self._rule.level

    @property
    def changes_after(self) -> int:
        """After how many training tasks the answers change; 0 if they never do."""
        return self._rule.changes_after

    def training(self, n: int, seed: int) -> Sequence[Task]:
        """The first `n` tasks of the stream of `seed`; a longer stream begins with the shorter one.

        Raises:
            UsageError: The family has no `n` different instances.
        """
        drawn = self._draw(n, "training", _random("training", self.family, seed))
        old = self._rule.before
        return [
            self._task(goal, old(words) if old is not None and number < self._rule.changes_after else self._rule.decide(words))
            for number, (goal, words) in enumerate(drawn)
        ]

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        """`n` tasks of the exam, judged by the rule as it is in the end. Fold "test" shares none with any other."""
        drawn = self._draw(n, "test" if fold == "test" else "dev", _random("exam", self.family, fold))
        return [self._task(goal, self._rule.decide(words)) for goal, words in drawn]

    def environment(self, task: Task) -> ChoiceEnvironment | None:
        """None: a task is one decision, and its check judges it."""
        return None

    def oracle(self, task: Task) -> str:
        """The rule in words; "" if there is none."""
        return self._rule.rule

    def _task(self, goal: str, answer: str) -> Task:
        return Task(
            goal,
            checks=[Check.equals(answer)],
            choices=self._rule.choices,
            labels={"family": self.family},
            id=f"{self.family}-{_digest(goal, answer):016x}",
        )

    def _draw(self, n: int, side: str, rng: random.Random) -> list[tuple[str, Words]]:
        """Different instances of one side; in every block of as many as there are choices, each is right once."""
        drawn: dict[str, Words] = {}
        block: list[str] = []
        while len(drawn) < n:
            if not block:
                block = rng.sample(self._rule.choices, len(self._rule.choices)) or [""]
            goal, words = self._one(side, block.pop(), drawn, rng)
            drawn[goal] = words
        return list(drawn.items())

    def _one(self, side: str, answer: str, taken: Mapping[str, Words], rng: random.Random) -> tuple[str, Words]:
        rule = self._rule
        for _ in range(TRIES):
            words = {place: rng.choice(several) for place, several in rule.words.items()}
            if answer not in ("", rule.decide(words)):
                continue
            goal = rng.choice(rule.scenes).format_map(words)
            goal = goal[0].upper() + goal[1:]
            if goal not in taken and self._side(goal, words) == side:
                return goal, words
        raise UsageError(f"{self.name} has no {len(taken) + 1} different instances for {side}; ask for fewer.")

    def _side(self, goal: str, words: Words) -> str:
        said = [words[place] for place in self._rule.apart] or [goal]
        return ("training", "training", "dev", "test")[_digest(self.family, *said) % 4]


def worlds(seed: int = 0) -> tuple[RuleWorld, ...]:
    """All families, in the order of `FAMILIES`."""
    from benchmarks.learning.worlds.families import FAMILIES

    return tuple(RuleWorld(name, seed) for name in FAMILIES)


def _digest(*said: str) -> int:
    return int.from_bytes(sha256("\0".join(said).encode()).digest()[:8], "big")


def _random(*said: object) -> random.Random:
    """The same numbers in every process: `hash` of a string differs from run to run."""
    return random.Random(_digest(*map(str, said)))
