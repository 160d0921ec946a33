"""Votes, and what they come to. Nothing here guesses: two stances agree if they are the same words.

In:  what each member said last.
Out: who stands together, how many that is, and whether it is all, most, or neither.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

from purpose_agent.agents.debate_question import same
from purpose_agent.core.messages import Json

Agreed: TypeAlias = Literal["agreed", "majority", "no agreement"]


@dataclass(frozen=True, slots=True)
class Vote:
    """What one member said in one round.

    Attributes:
        round: From 1.
        stance: In a few words, or one of the options; None if there is none, or it could not be read.
        position: One sentence with the reason; of a quorum's member, its whole answer.
        before: The stance it had last, or None.
        since: The round from which on it has held this stance.
        error: Why there is no answer, or no stance; "" if there is.
        run_id: Of the run in which it was said.
        success: Of a quorum's member: whether the task's checks hold; None if nobody judged.
        phi: Of the same: Φ of its answer, 0 to 10, or None.
    """

    member: str
    round: int
    stance: str | None = None
    position: str = ""
    before: str | None = None
    since: int = 1
    error: str = ""
    run_id: str = ""
    success: bool | None = None
    phi: float | None = None

    @property
    def flipped(self) -> bool:
        """Its stance is another one than before."""
        return self.stance is not None and self.before is not None and same(self.stance) != same(self.before)

    @property
    def last_stance(self) -> str | None:
        """Its stance, or the one it had last."""
        return self.stance if self.stance is not None else self.before

    def to_json(self) -> dict[str, Json]:
        """As it is recorded."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> "Vote":
        """The inverse of `to_json`; unknown fields are ignored."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        return cls(**known)  # pyright: ignore[reportArgumentType]  # as `to_json` wrote them


@dataclass(frozen=True, slots=True)
class Group:
    """Those who hold one stance, in their order."""

    stance: str
    votes: tuple[Vote, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of its members."""
        return tuple(vote.member for vote in self.votes)


@dataclass(frozen=True, slots=True)
class Tally:
    """Votes by stance.

    Attributes:
        groups: The largest first; of two as large, the one that was heard first.
        seats: How many could have voted.
        refuted: How many gave answers that fail the task's checks: of no stance, but known not to hold one of these.
    """

    groups: tuple[Group, ...] = ()
    seats: int = 0
    refuted: int = 0
    known: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", sum(len(group.votes) for group in self.groups))

    @property
    def agreement(self) -> float | None:
        """The share of all seats that is known to hold the same stance, 0 to 1; None if fewer than two are known, or none."""
        return len(self.groups[0].votes) / self.seats if self.groups and self.known + self.refuted > 1 else None

    @property
    def status(self) -> Agreed:
        """Agreed: all of them. Majority: more than half of all seats, those that said nothing among them."""
        if self.agreement is None or self.agreement <= 0.5:
            return "no agreement"
        return "agreed" if self.agreement == 1 else "majority"

    def told(self) -> str:
        """Who stands where: "2 for yes (alice, bob), 1 for no (carol)"."""
        parts = [f"{len(group.votes)} for {group.stance} ({', '.join(group.names)})" for group in self.groups]
        parts += [f"{self.refuted} refuted by checks"] if self.refuted else []
        silent = self.seats - self.known - self.refuted
        return ", ".join([*parts, *([f"{silent} unknown"] if silent else [])])


def tally(votes: Iterable[Vote], *, refuted: int = 0) -> Tally:
    """Count them: of every vote, whoever said nothing holds a seat all the same.

    Args:
        refuted: So many of those without a stance have none because the task's checks refute their answer.
    """
    groups: dict[str, list[Vote]] = {}
    seats = 0
    for vote in votes:
        seats += 1
        if vote.stance is not None:
            groups.setdefault(same(vote.stance), []).append(vote)
    ordered = sorted(groups.values(), key=len, reverse=True)
    return Tally(tuple(Group(found[0].stance or "", tuple(found)) for found in ordered), seats, refuted)


def votes_in(state: Mapping[str, Json]) -> tuple[Vote, ...]:
    """The last vote of each member, as a run's state has it."""
    votes = state.get("votes")
    return tuple(Vote.from_json(vote) for vote in votes.values() if isinstance(vote, dict)) if isinstance(votes, dict) else ()
