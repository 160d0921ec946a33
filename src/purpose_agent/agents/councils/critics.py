"""Four critics read what is disputed, each for one thing; then it is chosen among, or all of it is refused.

In:  candidates: answers, or the stances of a debate with their reasons.
Out: verdicts, each with a quote that was looked up in the candidate; the one that is chosen.

Each critic is an agent's run of its own, and sees all candidates at once, as data. Correctness and alignment choose; safety can only
refuse; cost decides between equals. What a critic says without a quote that stands there counts for nothing, except that a thing
is harmless: there is nothing to be quoted where nothing is wrong. Sentences about scoring are not shown (`critics/speech.py`).
Not here: Φ of a step by a panel, which is `critics/ensemble.py`; its rules for evidence are used here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from purpose_agent.agents.councils.form import Formed, object_of, short
from purpose_agent.agents.councils.rounds import task_in
from purpose_agent.agents.flows.nodes import Asks, Handed, Turn, worked
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model
from purpose_agent.core.score import MAX_PHI
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import room_in, shortened
from purpose_agent.critics.rules import ANSWER, Ground, ground, number
from purpose_agent.engine.context import stated
from purpose_agent.engine.quoting import quoted

if TYPE_CHECKING:
    from purpose_agent.prompts.loader import Prompt

ASPECTS: Final = ("correctness", "safety", "cost", "alignment")
DECISIVE: Final = ("correctness", "safety", "alignment")
"""What has to be known of a candidate, and good."""
GOOD_FROM: Final = 5.0
"""What is below this in one of them is refused."""
MOST_CANDIDATES: Final = 6
"""The smallest groups beyond these are not read, and can't be chosen."""
VERDICT_TOKENS: Final = 160
MOST_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """What can be chosen: the stance, and its text for the critics."""

    stance: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one critic says of one candidate.

    Attributes:
        aspect: "correctness", "safety", "cost" or "alignment".
        stance: Of the candidate.
        score: 0 to 10; None if it could not be read, or has no evidence.
        verified: The quote stands in the candidate.
        error: Why there is no score; "" if there is.
    """

    aspect: str
    stance: str
    score: float | None = None
    reason: str = ""
    quote: str = ""
    verified: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the critics come to.

    Attributes:
        stance: Of what is chosen; None: nothing.
        refused: All candidates were refused. Where it is not known what they are worth, they were not.
    """

    stance: str | None
    why: str
    refused: bool = False


CandidatesOf: TypeAlias = Callable[[Mapping[str, Json]], Sequence[Candidate]]
"""What is disputed, from a run's state; the same each time it is asked for."""


def told_of(task: Task, model: Model) -> str:
    """What was asked, with the facts it came with, for a judge's prompt; its middle is left out if it would fill half of it."""
    return shortened(stated(task), max(200, room_in(model.capabilities.context_tokens // 4)))


def critic_name(aspect: str) -> str:
    """Of its agent, and of its node."""
    return f"{aspect} critic"


@dataclass(frozen=True, slots=True)
class CriticSeat(Asks):
    """One critic's turn."""

    aspect: str = ""
    candidates: CandidatesOf = lambda state: ()
    model: Callable[[], Model] | None = None

    async def perform(self, turn: Turn) -> Handed:
        from purpose_agent.models.decode import extract_json_object
        from purpose_agent.prompts.loader import load

        assert self.model is not None, "given by `quorum_escalation`"
        task, found = task_in(turn.values), self.candidates(turn.values)[:MOST_CANDIDATES]
        prompt, model = _prompt(self.aspect), self.model()
        form = load("quorum_form").fill()
        goal = told_of(task, model)
        room = room_in(model.capabilities.context_tokens // 2, prompt.text, form, goal) // max(1, len(found))
        read = [(each, ground(task, State({ANSWER: each.text}))) for each in found]
        shown = "\n\n".join(
            f"Answer {place}:\n{quoted(shortened(on.facts.get(ANSWER, ''), max(200, room)))}"
            for place, (_, on) in enumerate(read, 1)
        )
        words = prompt.fill(goal=goal, answers=shown, form=form)
        asked = Task(words, labels=task.labels, id=f"{self.flow}/{self.aspect}/{task.key}")
        agent = self.agent.on(Formed(model, _schema(len(found)), VERDICT_TOKENS * len(found)))
        result = await worked(agent, asked, turn)
        said = extract_json_object(result.answer or "") or {}
        error = "" if result.answer is not None else f"{result.status.replace('_', ' ')}: {result.reason}"
        verdicts = [
            Verdict(self.aspect, each.stance, error=error) if error else _verdict(self.aspect, each, on, said, place)
            for place, (each, on) in enumerate(read, 1)
        ]
        update: dict[str, Json] = {self.aspect: [asdict(verdict) for verdict in verdicts]}
        return Handed({"verdicts": update}, result.usage, result.taint.origin, error=error)


def verdicts_in(state: Mapping[str, Json]) -> tuple[Verdict, ...]:
    """All verdicts, as a run's state has them; () before there are any."""
    found = state.get("verdicts")
    listed = [each for aspect in ASPECTS for each in _list(found.get(aspect))] if isinstance(found, dict) else []
    return tuple(Verdict(**each) for each in listed if isinstance(each, dict))  # pyright: ignore[reportArgumentType]  # as written above


def chosen(verdicts: Sequence[Verdict]) -> Choice:
    """The candidate that is safe, and best in the lower of correctness and alignment; of equals the one that costs less.

    Refused is what is known to be too low in one of these. What nobody could judge is neither chosen nor refused.
    """
    by: dict[str, dict[str, float | None]] = {}
    for verdict in verdicts:
        by.setdefault(verdict.stance, {})[verdict.aspect] = verdict.score
    judged = {stance: [scores.get(aspect) for aspect in DECISIVE] for stance, scores in by.items()}
    good = [stance for stance, scores in judged.items() if all(score is not None and score >= GOOD_FROM for score in scores)]
    if not good:
        return _none_chosen(judged, verdicts)
    best, *others = sorted(good, key=lambda stance: _worth(by[stance]), reverse=True)
    alike = [best, *(stance for stance in others if _worth(by[stance]) == _worth(by[best]))]
    costs = {stance: by[stance].get("cost") for stance in alike}
    if len(alike) > 1:
        known = {stance: cost for stance, cost in costs.items() if cost is not None}
        cheapest = [stance for stance, cost in known.items() if cost == max(known.values())]
        if len(known) < len(alike) or len(cheapest) > 1:
            unknown = ", and what they cost is unknown" if len(known) < len(alike) else ""
            same = alike if unknown else cheapest
            return Choice(None, f"the critics see no difference between {', '.join(same)}{unknown}")
        best = cheapest[0]
    worth = _worth(by[best])[0]
    return Choice(best, f"{worth:g} of 10 or more for correctness and for alignment, the best of {len(by)}")


def _none_chosen(judged: Mapping[str, Sequence[float | None]], verdicts: Sequence[Verdict]) -> Choice:
    """Why none is: all were refused, or it is not known of all what they are worth."""
    low = {stance: any(score is not None and score < GOOD_FROM for score in scores) for stance, scores in judged.items()}
    if not all(low.values()):
        causes: dict[str, dict[str, None]] = {}
        for each in verdicts:
            if each.error and each.aspect in DECISIVE and not low[each.stance]:
                causes.setdefault(each.error, {})[each.aspect] = None
        told = "; ".join(f"{why} ({', '.join(aspects)})" for why, aspects in causes.items())
        return Choice(None, f"the critics could not judge it: {told}")
    safety = [scores[DECISIVE.index("safety")] for scores in judged.values()]
    if all(score is not None and score < GOOD_FROM for score in safety):
        return Choice(None, "no answer was found to be safe", refused=True)
    return Choice(None, "no answer that is safe was found to be right, and what was asked for", refused=True)


def _worth(scores: Mapping[str, float | None]) -> tuple[float, float]:
    """The lower of correctness and alignment, and both together; of what is known in both."""
    correctness, alignment = scores.get("correctness"), scores.get("alignment")
    assert correctness is not None, "known of what is good"
    assert alignment is not None, "known of what is good"
    return min(correctness, alignment), correctness + alignment


def _verdict(aspect: str, candidate: Candidate, on: Ground, reply: Mapping[str, Json], place: int) -> Verdict:
    said = reply.get(f"answer_{place}")
    if not isinstance(said, dict) or (score := number(said, "score", MAX_PHI)) is None:
        return Verdict(aspect, candidate.stance, error="the critic's reply could not be read")
    reason, quote = said.get("reason"), said.get("quote")
    told = short(reason, MOST_REASON) if isinstance(reason, str) else ""
    seen = on.evidence(quote) if isinstance(quote, str) and quote.strip() else None
    verified = seen is not None and seen.verified
    words = seen.quote if seen is not None else ""
    if not verified and aspect != "safety":
        return Verdict(aspect, candidate.stance, None, told, words, error="what it quotes does not stand in the answer")
    return Verdict(aspect, candidate.stance, score, told, words, verified)


def _prompt(aspect: str) -> "Prompt":
    from purpose_agent.prompts.loader import load

    match aspect:
        case "correctness":
            return load("quorum_correctness")
        case "safety":
            return load("quorum_safety")
        case "cost":
            return load("quorum_cost")
        case _:
            return load("quorum_alignment")


def _schema(candidates: int) -> dict[str, Json]:
    one = object_of(
        {
            "quote": {"type": "string", "maxLength": 160},
            "reason": {"type": "string", "maxLength": MOST_REASON},
            "score": {"type": "integer", "minimum": 0, "maximum": 10},
        }
    )
    return object_of({f"answer_{place}": one for place in range(1, candidates + 1)})


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []
