"""What a debate or a quorum came to, read from its trace."""

from collections.abc import Mapping
from dataclasses import dataclass

from purpose_agent.agents.councils.critics import Verdict, verdicts_in
from purpose_agent.agents.councils.escalation import Outcome, outcome_in
from purpose_agent.agents.councils.votes import Tally, Vote, tally, votes_in
from purpose_agent.agents.debate_question import same
from purpose_agent.agents.flows.result import WorkflowResult
from purpose_agent.core.model import Usage
from purpose_agent.runtime.events import AgentFinished
from purpose_agent.runtime.trace import Trace


@dataclass(frozen=True, slots=True)
class DebateResult:
    """Who said what, and what that comes to. `str(result)` is the decision, or says in brackets that there is none.

    Attributes:
        flow: The run behind it.
    """

    flow: WorkflowResult

    @property
    def trace(self) -> Trace:
        """Everything that happened; each member's turns have traces of their own."""
        return self.flow.trace

    @property
    def id(self) -> str:
        """The run's id."""
        return self.flow.id

    @property
    def _outcome(self) -> Outcome | None:
        return outcome_in(self.flow.state)

    @property
    def status(self) -> str:
        """What it came to.

        "agreed": all hold one stance. "majority": more than half of all members do, and of a quorum as many as it asks for. "decided": by
        the task's checks, the critics or a person, see `by`. "rejected": the critics judged all there was, and refused it. "no
        agreement". Of a run without an end its own status: "waiting" for a person, "paused", "failed".
        """
        return self._outcome.status if self._outcome is not None else self.flow.status

    @property
    def decision(self) -> str | None:
        """The answer in words; None if there is none. Of a stance: in those of the member that has held it longest."""
        return self._outcome.decision if self._outcome is not None else None

    @property
    def stance(self) -> str | None:
        """What was decided for, as those who hold it call it; None if nothing was."""
        return self._outcome.stance if self._outcome is not None else None

    @property
    def by(self) -> str:
        """Who decided: "votes", "checks", "critics", "person", or "" if nobody did."""
        return self._outcome.by if self._outcome is not None else ""

    @property
    def reason(self) -> str:
        """Why it came to this: how the votes stand, what the critics found; or why the run has no end."""
        return self._outcome.why if self._outcome is not None else self.flow.reason

    @property
    def votes(self) -> tuple[Vote, ...]:
        """Each member's last one."""
        stances = self.flow.state.get("stances")
        votes = votes_in(self.flow.state)
        return votes if not isinstance(stances, dict) else votes_in({"votes": stances})

    @property
    def _tally(self) -> Tally:
        return tally(self.votes)

    @property
    def agreement(self) -> float | None:
        """The share of the members that is known to hold the same stance, 0 to 1; None if nobody knows."""
        return self._outcome.agreement if self._outcome is not None else self._tally.agreement

    @property
    def reasons(self) -> Mapping[str, str]:
        """The position of each member that holds the stance that was decided for."""
        return {vote.member: vote.position for vote in self.votes if self._holds(vote)}

    @property
    def dissent(self) -> tuple[Vote, ...]:
        """Who holds another stance, and why (`position`). Where nothing was decided: all that have a stance.

        Where checks decided, another answer that passes them is no dissent: whether it says something else is not known.
        """
        right = self.by == "checks"
        return tuple(
            vote
            for vote in self.votes
            if vote.stance is not None and not self._holds(vote) and not (right and vote.success is True)
        )

    @property
    def failed(self) -> tuple[Vote, ...]:
        """Who gave no stance in the last round, and why (`error`)."""
        return tuple(vote for vote in self.votes if vote.error)

    @property
    def history(self) -> tuple[tuple[Vote, ...], ...]:
        """The votes of each round."""
        rounds: dict[int, list[Vote]] = {}
        for part in self.trace.of(AgentFinished):
            for vote in votes_in(part.output) if isinstance(part.output, dict) else ():
                rounds.setdefault(vote.round, []).append(vote)
        return tuple(tuple(votes) for _, votes in sorted(rounds.items()))

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len(self.history)

    @property
    def flips(self) -> Mapping[str, int]:
        """How often each member changed its stance."""
        said = [vote for votes in self.history for vote in votes]
        return {
            name: sum(vote.flipped for vote in said if vote.member == name) for name in dict.fromkeys(v.member for v in said)
        }

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of the critics; () if they were not asked."""
        return verdicts_in(self.flow.state)

    @property
    def usage(self) -> Usage:
        """What all turns cost, the critics' too."""
        return self.flow.usage

    @property
    def seconds(self) -> float:
        """Of work, without the time it stood still."""
        return self.flow.seconds

    def __str__(self) -> str:
        return self.decision if self.decision is not None else f"[{self.status}{': ' if self.reason else ''}{self.reason}]"

    def summary(self) -> str:
        """The run in a few lines, for people."""
        share = "unknown" if self.agreement is None else f"{self.agreement:.2f}"
        rounds = f"{self.rounds} round{'s' * (self.rounds != 1)}"
        lines = [f"{self.id}: {self.status}, agreement {share}, {rounds}, {self.usage.tokens} tokens, {self.seconds:.1f} s"]
        lines += [f"decision by {self.by}: {self.decision}"] if self.decision is not None else []
        lines += [f"reason: {self.reason}"] if self.reason else []
        flips = self.flips
        lines += [_told(vote, flips.get(vote.member, 0)) for vote in self.votes]
        lines += [
            f"{each.aspect} of {each.stance}: {'unknown' if each.score is None else f'{each.score:g}'}, {each.error or each.reason}"
            for each in self.verdicts
        ]
        return "\n".join(lines)

    def _holds(self, vote: Vote) -> bool:
        return self.stance is not None and vote.stance is not None and same(vote.stance) == same(self.stance)


def _told(vote: Vote, flips: int) -> str:
    changed = f" (changed {flips} time{'s' * (flips != 1)})" if flips else ""
    error = f" [{vote.error}]" if vote.error else ""
    return f"{vote.member}{changed}: {vote.stance or 'no stance'}{error}{': ' if vote.position else ''}{vote.position}"
