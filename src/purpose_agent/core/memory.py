"""One thing learned: a draft (`Lesson`), a stored hypothesis (`Memory`), and the report of its trial."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from purpose_agent.core.forms import Piece
from purpose_agent.core.origin import TRUST, Origin

MemoryKind: TypeAlias = Literal[
    "purpose_contract", "user_preference", "skill_card", "episodic_case", "failure_pattern", "critic_calibration", "tool_policy"
]
MemoryStatus: TypeAlias = Literal["candidate", "quarantined", "promoted", "rejected", "archived"]
CALIBRATION: MemoryKind = "critic_calibration"
"""What a critic learned from its mistakes: for its prompt alone."""
POLICY: MemoryKind = "tool_policy"
"""Learned values of options. Such a memory has no text in a prompt: while it is recalled, options are ranked by value."""

MOST_SHOWN = 60
"""Characters of the first example of a line, where the line is told to people."""

Tier: TypeAlias = Literal["strategic", "procedural", "tool"]
"""What a lesson is about: the way to go about a task, the steps of a kind of task, or the use of one tool."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a memory applies. An empty field means everywhere.

    Attributes:
        agents: Names of agents.
        families: Of tasks, by their label "family".
        users: Whose tasks, by their label "user". A memory of one user never reaches a prompt of another.
        tools: It applies to agents that have one of these.
        teams: Names of teams.
    """

    agents: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()

    @property
    def narrowness(self) -> int:
        """In how many ways it is confined."""
        return sum(bool(names) for names in (self.agents, self.families, self.users, self.tools, self.teams))

    @property
    def text(self) -> str:
        """In words: "for agent coder, family doors", or "for all"."""
        kinds = (
            ("agent", self.agents),
            ("family", self.families),
            ("user", self.users),
            ("tool", self.tools),
            ("team", self.teams),
        )
        named = [f"{kind} {' or '.join(names)}" for kind, names in kinds if names]
        return f"for {', '.join(named) or 'all'}"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a memory came from. Set by the runtime, never by a model.

    Attributes:
        since: The first run it speaks of, where earlier ones followed another rule; "" if it speaks of all.
        beside: The other run, where a lesson comes from the difference between two.
        parents: The memories that a general one was made of.
        step: Of the run, at which it was seen; None if it speaks of the whole run.
        source: The tool, page, document or peer that its origin names, such as "https://example.org/a"; "" for none.
    """

    origin: Origin
    run_id: str = ""
    agent: str = ""
    since: str = ""
    beside: str = ""
    parents: tuple[str, ...] = ()
    step: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A solved case: the situation, and what was right there."""

    situation: str
    answer: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold of a situation: a word is in it, or a number in it lies on one side of a bound.

    Attributes:
        term: A word or two neighbouring ones, in lower case; with a bound, the word beside the number ("" for the only
            number there is).
        above: The number must be greater.
        at_most: The number must be this or less.
    """

    term: str
    above: float | None = None
    at_most: float | None = None

    @property
    def text(self) -> str:
        """In words: "red door", or "kilos above 20"."""
        if self.above is None and self.at_most is None:
            return self.term
        bounds = [f"above {self.above:.12g}"] if self.above is not None else []
        bounds += [f"at most {self.at_most:.12g}"] if self.at_most is not None else []
        return f"{self.term or 'the number'} {' and '.join(bounds)}"


_FORGERY = str.maketrans(dict.fromkeys('"“”„«»＂', "'") | dict.fromkeys(">→⇒⟶➜＞", "-"))


def unquoted(example: str) -> str:
    """On one line, without what would end its quotation in a rule's line and begin an answer of its own: quotes and heads of arrows."""
    return " ".join(example.translate(_FORGERY).split())


@dataclass(frozen=True, slots=True)
class Likeness:
    """Situations in which an answer was right: it is right where a situation means what these mean.

    Attributes:
        examples: The situations.
        embedder: The fingerprint of the one whose vectors tell what they mean.
    """

    examples: tuple[str, ...]
    embedder: str

    @property
    def text(self) -> str:
        """In words: `like "Where is my parcel?" and 7 others`."""
        first, others = (self.examples[0] if self.examples else ""), len(self.examples) - 1
        shown = unquoted(first[: 4 * MOST_SHOWN])[:MOST_SHOWN]
        return f'like "{shown}"{f" and {others} others" if others > 1 else " and another" if others == 1 else ""}'


@dataclass(frozen=True, slots=True)
class RuleLine:
    """Where all `conditions` hold, `answer` is right. Without conditions: in all other situations.

    Attributes:
        form: How the answer is written from parts of the situation, where it is not the same in all; `answer` is "" then.
        like: It is right, besides, only where the situation is clearly more like these than like those of other lines.
    """

    conditions: tuple[Condition, ...]
    answer: str
    form: tuple[Piece, ...] = ()
    like: Likeness | None = None

    @property
    def text(self) -> str:
        """One line: "red door, cellar -> knock", or `the answer is: word after "for:" + "#" + number after "shelf"`."""
        where = ", ".join([*(condition.text for condition in self.conditions), *([self.like.text] if self.like else [])])
        if self.form:
            written = " + ".join(piece.text for piece in self.form)
            return f"{where} -> {written}" if where else f"the answer is: {written}"
        return f"{where or 'otherwise'} -> {self.answer}"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A draft: when this, then that. It has no id and no status until the gate admits it.

    Attributes:
        when: The situation, in words. Empty means always.
        then: What to do; "" if the cases alone show it.
        cases: Solved cases that show it.
        lines: The rule as data, if it is one of lines: the first that fits a situation counts, and is shown alone.
        tier: What it is about, as far as its author could tell; after MUSE (https://arxiv.org/abs/2510.08002).
    """

    kind: MemoryKind
    when: str
    then: str
    provenance: Provenance
    scope: Scope = field(default_factory=Scope)
    cases: tuple[Case, ...] = ()
    lines: tuple[RuleLine, ...] = ()
    tier: Tier = "procedural"

    @property
    def text(self) -> str:
        """The rule as one sentence, or what its cases are."""
        if not self.then.strip() and self.cases:
            first = self.cases[0]
            return f"{len(self.cases)} solved cases, such as: {first.situation} -> {first.answer}"
        return f"When {self.when}: {self.then}" if self.when else self.then


@dataclass(frozen=True, slots=True)
class Memory:
    """A lesson with a life: a status that only the gate changes, and a record of use.

    Attributes:
        used: Judged runs that had it in their prompt since it last entered quarantine.
        helped: Those of them that succeeded.
        version: Counts changes of status; a stale writer is refused.
        supersedes: The memory this one replaced, or None.
    """

    id: str
    lesson: Lesson
    status: MemoryStatus
    created_at: datetime
    used: int = 0
    helped: int = 0
    version: int = 1
    supersedes: str | None = None

    @property
    def utility(self) -> float:
        """Posterior mean that a run with this memory succeeds, 0 to 1, from a uniform prior."""
        return (self.helped + 1) / (self.used + 2)

    @property
    def trust(self) -> float:
        """How much its origin weighs, 0 to 1."""
        return TRUST[self.lesson.provenance.origin]


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory found for a task, and why.

    Attributes:
        relevance: Match with the task, 0 to 1, the best match of this recall being 1.
        score: relevance × utility × trust.
        found: What matched, in words: "family", "always", or how much by words and how much by vectors.
        drawn: The utility that counted, where it was drawn from what it may be; None: its mean counted.
    """

    memory: Memory
    relevance: float
    score: float
    found: str = ""
    drawn: float | None = None

    @property
    def why(self) -> str:
        """The reasons in one line."""
        by = f" ({self.found})" if self.found else ""
        drawn = f" (drawn: {self.drawn:.2f})" if self.drawn is not None else ""
        return (
            f"relevance {self.relevance:.2f}{by} × utility {self.memory.utility:.2f}{drawn} × trust {self.memory.trust:.2f};"
            f" {self.memory.lesson.scope.text}"
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a scanner saw.

    Attributes:
        threat: Which of the five.
        severity: "block" rejects the memory; "note" is only recorded.
        excerpt: At most 80 characters around it.
    """

    threat: Literal["prompt_injection", "score_manipulation", "tool_misuse", "privacy_leak", "scope_overreach"]
    rule: str
    severity: Literal["block", "note"]
    excerpt: str


@dataclass(frozen=True, slots=True)
class ScanReport:
    """All findings about one lesson.

    Attributes:
        version: Of the rules that found them; "" in records of versions that did not keep it.
    """

    findings: tuple[Finding, ...] = ()
    version: str = ""

    @property
    def clean(self) -> bool:
        """Nothing that blocks."""
        return all(finding.severity != "block" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison: the same task and seed with and without the memory. Success is None if unjudged.

    Attributes:
        draw: Equal for two pairs of a task whose answers are the same; "" if they are not known.
        gain: What the run with it is worth more, −1 to 1, where that is judged by degrees; None: right or wrong tells it.
    """

    task: str
    seed: int
    with_memory: bool | None
    without: bool | None
    run_with: str
    run_without: str
    draw: str = ""
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What a trial found. A memory helps or harms when its e-value reaches 1/α.

    Attributes:
        wins: Pairs where only the run with the memory succeeded, or where it was worth more.
        losses: Pairs where only the run without it did, or where that was worth more.
        tasks: Different tasks among the pairs; the report speaks for these.
        e_help: Evidence against "it doesn't help", 0 and above.
        e_harm: Evidence against "it doesn't harm".
        mean_gain: Mean paired difference of success, −1 to 1.
        interval: 95 % range of the mean gain that holds however often one looks, for people; the decision rests on the e-values.
            None for fewer than two judged pairs.
        alpha: Error rate of the promotion, 0 to 1: this memory's share of what all may err together.
        tokens: What the trial cost.
        alpha_harm: Error rate of the rejection, 0 to 1.
    """

    memory_id: str
    pairs: tuple[Pair, ...]
    wins: int
    losses: int
    tasks: int
    e_help: float
    e_harm: float
    mean_gain: float | None
    interval: tuple[float, float] | None
    alpha: float
    tokens: int = 0
    alpha_harm: float = 0.05

    @property
    def helps(self) -> bool:
        """Enough evidence to promote."""
        return self.e_help >= 1 / self.alpha

    @property
    def harms(self) -> bool:
        """Enough evidence to reject."""
        return self.e_harm >= 1 / self.alpha_harm


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """What runs tell in which a coin decided whether they would have the memory. Only runs that were judged are counted.

    Attributes:
        shown: Runs that had it.
        successes: Those of them that succeeded.
        withheld: Runs that would have had it, but for the coin.
        successes_without: Those of them that succeeded.
        e_help: Evidence against "it doesn't help", 0 and above.
        e_harm: Evidence against "it doesn't harm".
        effect: Difference of the two shares of successes, −1 to 1; None where one of them has no run.
        interval: 95 % interval of the effect that holds however often one looks; the decision rests on the e-values.
        alpha: Error rate of the promotion, 0 to 1: this memory's share of what all may err together.
        alpha_harm: Error rate of the rejection or demotion, 0 to 1.
    """

    memory_id: str
    shown: int
    successes: int
    withheld: int
    successes_without: int
    e_help: float
    e_harm: float
    effect: float | None
    interval: tuple[float, float] | None
    alpha: float
    alpha_harm: float = 0.05

    @property
    def helps(self) -> bool:
        """Enough evidence to promote."""
        return self.e_help >= 1 / self.alpha

    @property
    def harms(self) -> bool:
        """Enough evidence to reject, or to take out of use."""
        return self.e_harm >= 1 / self.alpha_harm


@dataclass(frozen=True, slots=True)
class Restoration:
    """A person wants a memory to be what a line of its journal shows.

    Attributes:
        line: Its number.
        at: When it was written.
        status: What the memory became by it.
    """

    memory_id: str
    line: int
    at: datetime
    status: MemoryStatus


@dataclass(frozen=True, slots=True)
class Alteration:
    """A memory was found to be other than its journal left it: somebody edited the file, past the gate.

    Attributes:
        expected: Hash of its card as the last line of its journal has it; "" if the journal has no line.
        found: Hash of the card that was there instead.
    """

    memory_id: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A memory says better what another one said. If that one waited, it goes on with that one's trial.

    Attributes:
        revises: The other one.
        version: Of that one, when it made way; 0 if it is in use.
    """

    memory_id: str
    revises: str
    version: int = 0


Evidence: TypeAlias = ScanReport | TrialReport | ExposureReport | Restoration | Alteration | Revision | None
"""What a change of status rests on."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that happened to a memory.

    Attributes:
        from_status: The status before; "" for its arrival. Equal to `to_status` for a remark.
        actor: Who did it: "gate", "trial", "person", …
        evidence: The report it rests on, or None.
        run_id: The run it comes from, or "".
        line: Its number in the journal of the workspace, from 1.
    """

    memory_id: str
    at: datetime
    from_status: MemoryStatus | Literal[""]
    to_status: MemoryStatus
    actor: str
    why: str
    evidence: Evidence
    run_id: str
    line: int = 0
