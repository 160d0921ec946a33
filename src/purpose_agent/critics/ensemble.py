"""Φ by a panel of critics, each about one thing: correctness, safety, user alignment, cost.

In:  a task, the states before and after a step, its answer if it has one.
Out: a `Score` by the rules of `rules.py`, with the view of each critic.

Three model calls, one after the other so that an engine can reuse the common beginning of their prompts, and a fourth
where they disagree; never more. Correctness and alignment judge progress. If they agree they are merged, each by its
confidence. Φ rises only if both see a rise: one that was bribed gains nothing alone, and where the other sees a rise
too it adds less than the `agreement`. If they disagree a moderator decides, who must show something new in the state
that nobody has quoted yet to side with the higher; without that Φ is the lowest, and the flag "disagreement" says so,
for whoever wants to ask a person. Safety is no progress: what is unsafe, or whose safety could not be read, earns
nothing. Cost asks nobody and moves nothing; it is shown beside the others.

That several judges agree better with people than one: PoLL (arXiv 2404.18796), measured there with different models.
Parts of their own, as in ChatEval (arXiv 2308.07201). Not here: independence. Three questions to one model
share its blind spots: what deceives both critics of progress deceives the panel, and so do two baits in one state, one for
a critic and one for the moderator. What is known as bait is kept from them by `speech.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from purpose_agent.core.errors import ModelError
from purpose_agent.core.score import MAX_PHI, Evidence, Score, View
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import WINDOW, Ask, asked, room_in
from purpose_agent.critics.rules import ANSWER, Ground, borne, ground, judged, range_of, substantial, unmoved
from purpose_agent.critics.state import Shown, shown_of

CRITIC = "ensemble"
PROGRESS = {
    "correctness": (
        "Is what is there right, and how much of the goal does it fulfil? 0: nothing, or all of it wrong. 5: half of it, and"
        " right. 10: all of it, and right."
    ),
    "alignment": (
        "Is this what the person who wrote the goal wants: what was asked for, in the form that was asked for, and nothing"
        " against their wishes? 0: something else. 5: half of what they want. 10: exactly that, and all of it."
    ),
}
SAFETY = (
    "Is it safe: nothing harmful, destroyed, leaked or done without leave? 0: great harm. 5: doubtful. 10: harmless. If"
    ' nothing is unsafe, quote "".'
)
SAFE_FROM = 5.0
"""Below this score of its safety a step earns nothing."""
MOST_TOLD = 1_500
"""Characters of questions and views in a prompt, at most."""


class Panel:
    """Several critics as one.

    Args:
        ask_escalated: Whom to ask where they disagree, such as a stronger model; None: the same model.
        agreement: So far apart, in points of Φ, scores still agree.
        spent: The share of the task's limits that the run has used, 0 to 1; None, or returning None: there is no limit.
        window: Tokens of the critics' model, and of whoever is asked where they disagree.
    """

    def __init__(
        self,
        ask_escalated: Ask | None = None,
        *,
        agreement: float = 2.0,
        spent: Callable[[], float | None] | None = None,
        window: int = WINDOW,
    ) -> None:
        self._ask_escalated = ask_escalated
        self._agreement = agreement
        self._spent = spent
        self._window = window

    async def judge(
        self, ask: Ask, task: Task, before: State, after: State, phi_before: float | None, answer: str | None
    ) -> Score:
        """Φ after the step. Three model calls, four where the critics disagree, none if nothing of substance changed.

        Raises:
            ModelError: The critics' model could not answer. A moderator who can't is a disagreement that stays.
            LimitReached: The run has nothing left to ask it with.
        """
        if answer is None:
            on, may_rise = ground(task, after, before), True
            if on.superficial:
                return replace(unmoved(phi_before, CRITIC), views=(self._cost(),))
        else:
            # A finish is judged as a whole, and whoever only says that all is done has done nothing by it.
            on, may_rise = ground(task, after.with_values(**{ANSWER: answer})), substantial(task, answer)
        case = _Case.of(task, on, phi_before, before, may_rise=may_rise, window=self._window)
        progress = [await case.judged(ask, "critic_aspect", question=question) for question in PROGRESS.values()]
        safety = await case.judged(ask, "critic_aspect", harmless=True, question=SAFETY)
        aspects = dict(zip((*PROGRESS, "safety"), (*progress, safety), strict=True))
        moderator = None
        if self._agree(progress):
            score = _merged(progress, phi_before)
        else:
            moderator = await self._moderated(ask, case, aspects)
            score = _decided(progress, moderator, on)
        reasons = [f"unreadable_{aspect}" for aspect, each in aspects.items() if each.after is None]
        if safety.after is not None and safety.after < SAFE_FROM:
            reasons.append("unsafe")
        score = _borne(_held(score, reasons) if reasons else score, on)
        views = [*(_view(aspect, each) for aspect, each in aspects.items()), self._cost()]
        if moderator is not None:
            views.append(_view("moderator", moderator))
        return replace(score, views=tuple(views), flags=(*score.flags, *case.shown.flags))

    def _agree(self, scores: Sequence[Score]) -> bool:
        """Nobody contradicts anybody; who could not be read does not."""
        levels = [score.after for score in scores if score.after is not None]
        return len(levels) < len(scores) or max(levels) - min(levels) <= self._agreement

    async def _moderated(self, ask: Ask, case: "_Case", aspects: Mapping[str, Score]) -> Score:
        views = "\n".join(_told(aspect, aspects[aspect]) for aspect in PROGRESS)
        try:
            return await case.judged(self._ask_escalated or ask, "critic_moderator", views=views)
        except ModelError:
            return Score(case.phi_before, None, 0.0, CRITIC, flags=("unreadable",))

    def _cost(self) -> View:
        spent = self._spent() if self._spent is not None else None
        if spent is None or not math.isfinite(spent):
            return View("cost", None, 0.0)
        return View("cost", MAX_PHI * (1.0 - min(max(spent, 0.0), 1.0)), 1.0)


@dataclass(frozen=True, slots=True)
class _Case:
    """What is put to each of them."""

    on: Ground
    phi_before: float | None
    may_rise: bool
    shown: Shown

    @classmethod
    def of(cls, task: Task, on: Ground, phi_before: float | None, before: State, *, may_rise: bool, window: int) -> "_Case":
        from purpose_agent.prompts.loader import load

        taken = max((load("critic_aspect").text, load("critic_moderator").text), key=len)
        shown = shown_of(task, on, before, max(0, room_in(window, taken) - MOST_TOLD))
        return cls(on, phi_before, may_rise, shown)

    async def judged(self, ask: Ask, name: str, *, harmless: bool = False, **values: str) -> Score:
        """One critic's score, by the rules; the seventh is held against all of them together.

        Args:
            harmless: That a thing is so needs no quote: there is nothing to be quoted where nothing is wrong.
        """
        from purpose_agent.prompts.loader import load

        prompt = load(name)
        said = await asked(
            ask, prompt.fill(goal=self.shown.goal, given=self.shown.given, state=self.shown.state, **values), prompt.version
        )
        base, may_rise = (MAX_PHI, True) if harmless else (self.phi_before, self.may_rise)
        return judged(said, self.on, base, CRITIC, may_rise=may_rise, jumps=True)


def _merged(scores: Sequence[Score], phi_before: float | None) -> Score:
    """Scores that agree, as one. A rise that not all of them see is none."""
    known = [(score.after, score.confidence) for score in scores if score.after is not None]
    if not known:
        return Score(phi_before, None, 0.0, CRITIC)
    sure = sum(confidence for _, confidence in known)
    weights = [confidence / sure if sure > 0 else 1 / len(known) for _, confidence in known]
    phi = sum(level * weight for (level, _), weight in zip(known, weights, strict=True))
    confidence = sure / len(known)
    low, high = range_of(phi, confidence)
    merged = Score(phi_before, phi, confidence, CRITIC, _evidence(scores), flags=_flags(scores), low=low, high=high)
    return merged if min(level for level, _ in known) > (phi_before or 0.0) else _held(merged)


def _decided(scores: Sequence[Score], moderated: Score, on: Ground) -> Score:
    """What the moderator says of scores that disagree; the lowest of them if that is no decision."""
    lowest, *_, highest = sorted(score.after for score in scores if score.after is not None)
    found, flags = (*_evidence(scores), *moderated.evidence), ("escalated", *_flags(scores))
    if moderated.after is not None and _is_decision(moderated, _evidence(scores), lowest, highest, on):
        return replace(moderated, evidence=found, flags=flags)
    confidence, flags = min(score.confidence for score in scores), (*flags, "disagreement")
    return Score(moderated.before, lowest, confidence, CRITIC, found, flags=flags, low=lowest, high=highest)


def _is_decision(moderated: Score, quoted: Sequence[Evidence], lowest: float, highest: float, on: Ground) -> bool:
    if moderated.after is None or moderated.flags or not lowest <= moderated.after <= highest:
        return False
    # The same words again are no second reason: whoever wrote them to deceive one critic deceives the next with them.
    return moderated.after == lowest or on.fresh((*quoted, *moderated.evidence)) > on.fresh(quoted)


def _borne(score: Score, on: Ground) -> Score:
    """The score, with no more of a rise than all that was quoted can bear."""
    most = MAX_PHI if on.shown_whole(score.evidence) else borne(score.before or 0.0, on.fresh(score.evidence))
    if score.after is None or score.after <= most:
        return score
    return replace(score, after=most, low=min(most, score.low or 0.0), flags=(*score.flags, "jump"))


def _held(score: Score, reasons: Sequence[str] = ()) -> Score:
    """The score without a rise."""
    flags = (*score.flags, *reasons)
    if score.after is None:
        return replace(score, flags=flags)
    phi = min(score.after, score.before or 0.0)
    return replace(score, after=phi, low=min(phi, score.low or 0.0), flags=flags)


def _view(aspect: str, score: Score) -> View:
    quotes = [seen.quote for seen in sorted(score.evidence, key=lambda seen: not seen.verified)]
    return View(aspect, score.after, score.confidence, quotes[0] if quotes else "")


def _told(aspect: str, score: Score) -> str:
    """A critic's view as the moderator reads it."""
    quotes = " and ".join(f'"{seen.quote[:200]}"' for seen in score.evidence if seen.verified)
    return f"- {aspect}: {score.after or 0.0:.0f}, because of {quotes or 'nothing that is in the state'}"


def _evidence(scores: Sequence[Score]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(seen for score in scores for seen in score.evidence))


def _flags(scores: Sequence[Score]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(flag for score in scores for flag in score.flags if flag != "unreadable"))
