"""Several answers to one task: given, and compared.

In:  a task, an agent for each answer.
Out: which answers come to the same. Of choices, and of answers that are letter for letter the same, that is a fact; of others a model
     says in a few words what each comes to, in a run that is recorded, and equal words agree. Where it says nothing it is unknown.

It is not asked which answers are the same: a small model then says that all are.

An answer that fails the task's checks is no candidate, however many gave it; one that passes them is right, however few did.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from purpose_agent.agents.councils.critics import Candidate, told_of
from purpose_agent.agents.councils.escalation import Outcome
from purpose_agent.agents.councils.form import Formed, object_of
from purpose_agent.agents.councils.rounds import Seat, task_in
from purpose_agent.agents.councils.votes import Tally, Vote, tally, votes_in
from purpose_agent.agents.debate_question import same
from purpose_agent.agents.flows.nodes import Asks, Handed, Turn, worked
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Model
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import room_in, shortened
from purpose_agent.engine.quoting import quoted
from purpose_agent.engine.result import TaskResult

COMPARISON = "comparison"
MOST_RESULT = 60
MOST_WORDS = 8
"""Of what an answer comes to; whatever is longer was not said in a few words."""
COPIED_WORDS = 3
"""From so many on, words that an answer begins with are taken for a copy."""
RESULTS = "results"
"""In the state: what each different answer comes to."""


@dataclass(frozen=True, slots=True)
class AnswerSeat(Seat):
    """A member's answer to the task, as it would give it alone.

    Attributes:
        given: The task with the functions of its checks, which are not in the state; None: it has none.
    """

    given: Task | None = None

    async def _result(self, task: Task, turn: Turn, number: int) -> TaskResult:
        return await worked(self.agent, self.given or task, turn, seed=self._seed(turn, number))

    def _heard(self, vote: Vote, result: TaskResult, task: Task) -> Vote:
        return replace(vote, position=result.answer or "")


@dataclass(frozen=True, slots=True)
class CompareSeat(Asks):
    """A model says what each answer comes to."""

    model: Callable[[], Model] | None = None

    async def perform(self, turn: Turn) -> Handed:
        from purpose_agent.models.decode import extract_json_object
        from purpose_agent.prompts.loader import load

        assert self.model is not None, "given by `quorum.py`"
        task, answers, prompt, model = task_in(turn.values), distinct(turn.values), load("quorum_compare"), self.model()
        goal = told_of(task, model)
        room = room_in(model.capabilities.context_tokens // 2, prompt.text, goal) // len(answers)
        shown = "\n\n".join(
            f"Answer {place}:\n{quoted(shortened(answer, max(200, room)))}" for place, answer in enumerate(answers, 1)
        )
        words = prompt.fill(goal=goal, answers=shown)
        asked = Task(words, labels=task.labels, id=f"{self.flow}/{COMPARISON}/{task.key}")
        agent = self.agent.on(Formed(model, _schema(len(answers)), 30 + 40 * len(answers)))
        result = await worked(agent, asked, turn)
        said = extract_json_object(result.answer) if result.answer is not None else None
        found = _results(said, answers)
        error = "" if found is not None else "what the answers come to could not be read"
        return Handed({RESULTS: found}, result.usage, result.taint.origin, error=error)


def distinct(state: Mapping[str, Json]) -> list[str]:
    """The different answers that were given and not refuted by checks, in the order of the members."""
    answers: dict[str, str] = {}
    for vote in _standing(state):
        answers.setdefault(_letters(vote.position), vote.position)
    return list(answers.values())


def labelled(state: Mapping[str, Json]) -> tuple[Vote, ...]:
    """The votes, each with what it comes to as its stance; the choice itself; or "answer 1", where answers were not compared.

    Votes that checks refuted have none, and say so.
    """
    is_choice = bool(task_in(state).choices)
    answers = {_letters(answer): place for place, answer in enumerate(distinct(state))}
    groups = state.get(RESULTS)
    found: list[Vote] = []
    for vote in votes_in(state):
        if not vote.position or is_refuted(vote):
            refuted = "its answer fails the task's checks" if vote.position else vote.error
            found.append(replace(vote, stance=None, error=refuted))
            continue
        place = answers[_letters(vote.position)]
        result = str(groups[place]) if isinstance(groups, list) else f"answer {place + 1}"
        found.append(replace(vote, stance=vote.position if is_choice else result))
    return tuple(found)


def counted(state: Mapping[str, Json]) -> Tally:
    """Votes by answer, of all seats: of those whose answers checks refute, and of those who said nothing, too."""
    votes = labelled(state)
    return tally(votes, refuted=sum(is_refuted(vote) for vote in votes))


def right(state: Mapping[str, Json]) -> Tally:
    """Votes of those alone whose answers pass the task's checks, by answer; no groups if none does, or nobody judged."""
    return tally(vote for vote in labelled(state) if vote.success is True and vote.position)


def is_refuted(vote: Vote) -> bool:
    """It is an answer, and fails the task's checks."""
    return bool(vote.position) and vote.success is False


def is_compared(state: Mapping[str, Json]) -> bool:
    """Nothing is left to find out: the answers are choices, all the same, or a model said which are."""
    return bool(task_in(state).choices) or len(distinct(state)) < 2 or isinstance(state.get(RESULTS), list)


def candidates(state: Mapping[str, Json]) -> list[Candidate]:
    """The different answers, for critics."""
    return [Candidate(group.stance, best(group.votes).position) for group in counted(state).groups]


def by_checks(state: Mapping[str, Json]) -> Outcome:
    """Of the answers that pass the task's checks the one that most gave, of equals the first."""
    passing, count = right(state), counted(state)
    told = f"{passing.known} of {count.seats} pass{'es' * (passing.known == 1)} the task's checks"
    share = count.agreement if is_compared(state) else None
    chosen, *others = passing.groups
    if others:
        told += "; taken is the answer that most of them gave, of equals the first"
    return Outcome("decided", best(chosen.votes).position, chosen.stance, "checks", told, share)


def best(votes: Sequence[Vote]) -> Vote:
    """Of those that come to the same: that which checks or Φ say most for, the first of equals."""
    return max(votes, key=lambda vote: (vote.success is True, vote.phi if vote.phi is not None else -1.0))


def _letters(answer: str) -> str:
    """Equal for answers that are the same: to the letter if they have several lines, as code has; else apart from case and a full stop."""
    text = answer.strip()
    return text if "\n" in text else " ".join(text.split()).removesuffix(".").casefold()


def _standing(state: Mapping[str, Json]) -> list[Vote]:
    return [vote for vote in votes_in(state) if vote.position and not is_refuted(vote)]


def _schema(answers: int) -> dict[str, Json]:
    words: dict[str, Json] = {"type": "string", "minLength": 1, "maxLength": MOST_RESULT}
    return object_of({f"answer_{place}": words for place in range(1, answers + 1)})


def _results(said: Mapping[str, Json] | None, answers: Sequence[str]) -> list[Json] | None:
    """What each answer comes to; None if that of one is missing, or is none."""
    found: list[Json] = []
    for place, answer in enumerate(answers, 1):
        words = (said or {}).get(f"answer_{place}")
        if not isinstance(words, str) or not _is_result(words, answer):
            return None
        found.append(" ".join(words.split()))
    return found


def _is_result(words: str, answer: str) -> bool:
    """A few words, and no mere copy of how the answer begins: two that begin alike may come to different things."""
    result, whole = same(words), same(answer)
    count = len(result.split())
    return 0 < count <= MOST_WORDS and (count < COPIED_WORDS or result == whole or not whole.startswith(result))
