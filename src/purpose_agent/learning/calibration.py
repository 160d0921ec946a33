"""What a critic's Φ says about success, by critic, model and family of tasks.

In:  judgements of runs whose outcome is known.
Out: the probability of success behind a Φ, or None where too little is known; a table of how good each critic is.

A family with enough judgements has its own curve; else all families of that critic and model have one together. Judgements are
chosen by their outcome (`judging.py`), so each curve is put right by the share of successes among all runs in the record.
What a critic says of a task that a note in its prompt was drawn from counts for nothing. The table tells of the judged runs as they are.

Not here: how the judgements come about (`judging.py`), and the curves themselves (`evals/calibration.py`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from purpose_agent.core.score import MAX_PHI
from purpose_agent.evals.calibration import Bin, Calibration, Kind, Sample, auc, brier, fit, held_out, reliability
from purpose_agent.learning.judging import known_outcomes
from purpose_agent.memory.judgements import Judgement, Judgements
from purpose_agent.runtime.database import Database

FEWEST = 10
"""Judgements before anything is said."""
FEWEST_OF_FAMILY = 20
"""Judgements of a family before it has a curve of its own."""
BETTER_THAN_SHARE = 0.8
"""Of the squared error that forecasting the mere share of successes has: a critic with more than this judges no trial."""


@dataclass(frozen=True, slots=True)
class GroupReport:
    """How good the Φ of one critic is on the runs it judged.

    Attributes:
        family: Of tasks; None: all together.
        notes: Hash of the calibration memories that the critic had; "" without.
        n: Judged runs with a Φ.
        kind: Of the curve that is in use for the group, its own or that of all families; None: there is none yet.
        brier_before: Of Φ/10 as a forecast, 0 to 1; ¼ is what always saying ½ gets.
        brier_after: Of forecasts by curves fitted to other tasks only; None for fewer than two tasks.
        auc: How often Φ ranks a success above a failure, 0 to 1; None with one class only.
        before: Φ/10 beside what came of it.
        after: The forecasts of `brier_after` beside what came of them.
    """

    critic: str
    model: str
    family: str | None
    notes: str
    n: int
    successes: int
    kind: Kind | None
    brier_before: float | None
    brier_after: float | None
    auc: float | None
    before: tuple[Bin, ...]
    after: tuple[Bin, ...]


class Calibrations:
    """The curves of one workspace. Each is fitted when it is first asked for, and again when judgements have come."""

    def __init__(self, db: Database, judgements: Judgements) -> None:
        self._db = db
        self._judgements = judgements
        self._curves: dict[tuple[str, str, str, frozenset[str]], tuple[int, dict[str | None, Calibration | None]]] = {}

    def probability(
        self, critic: str, model: str, family: str, phi: float, *, notes: str = "", own: Collection[str] = ()
    ) -> float | None:
        """That a run of that family which this critic gives `phi` succeeds, 0 to 1; None where too little is known.

        Costs one look at an index, unless judgements have come since.

        Args:
            critic: As in `Score.critic`.
            model: The name of the critic's model.
            notes: Hash of the calibration memories that the critic has.
            own: Keys of the tasks that those were drawn from.

        Raises:
            ValueError: `phi` is not a number from 0 to 10.
        """
        curve = self.curve(critic, model, family, notes=notes, own=own)
        return curve.probability(phi) if curve is not None else None

    def curve(
        self, critic: str, model: str, family: str | None, *, notes: str = "", own: Collection[str] = ()
    ) -> Calibration | None:
        """The curve in use for that family, its own or that of all; None where too little is known. `family` None: of all."""
        key = critic, model, notes, frozenset(own)
        newest = self._judgements.newest(critic, model, notes=notes)
        if key not in self._curves or self._curves[key][0] != newest:
            self._curves[key] = (newest, {})
        curves = self._curves[key][1]
        if family not in curves:
            judged = self._judgements.of(critic, model, notes=notes)
            curves[family] = self._fitted([each for each in judged if each.task_key not in own], family)
        return curves[family]

    def may_judge(self, critic: str, model: str, family: str, *, notes: str = "", own: Collection[str] = ()) -> bool:
        """Whether that critic tells successes of that family from failures well enough to judge trials where nothing else can.

        It takes outcomes of the family itself, and forecasts of those left out that are better than their share alone: with less, what
        pleases a critic would be taken for what helps.
        """
        judged = self._judgements.of(critic, model, family=family, notes=notes)
        known = [each for each in judged if each.phi is not None and each.task_key not in own]
        if len(known) < FEWEST_OF_FAMILY:
            return False
        line = self._line(known, family, None)
        share = line.successes / line.n
        return line.brier_after is not None and line.brier_after < BETTER_THAN_SHARE * share * (1 - share)

    def report(self) -> tuple[GroupReport, ...]:
        """A line for each critic, model and family, after that of all families together where there are several."""
        groups: dict[tuple[str, str, str], list[str]] = {}
        for group in self._judgements.groups():
            groups.setdefault((group.critic, group.model, group.notes), []).append(group.family)
        lines: list[GroupReport] = []
        for (critic, model, notes), families in groups.items():
            judged = self._judgements.of(critic, model, notes=notes)
            for family in [*([None] if len(families) > 1 else []), *families]:
                kept = [each for each in judged if family is None or each.family == family]
                lines.append(self._line(kept, family, self.curve(critic, model, family, notes=notes)))
        return tuple(lines)

    def _fitted(self, judged: Sequence[Judgement], family: str | None) -> Calibration | None:
        known = [each for each in judged if each.phi is not None]
        own = [each for each in known if each.family == family]
        if family is not None and len(own) >= FEWEST_OF_FAMILY:
            return fit(_samples(own), self._share(family))
        if len(known) < FEWEST or len({each.success for each in known}) < 2:
            return None
        return fit(_samples(known), self._share(None))

    def _share(self, family: str | None) -> float | None:
        """Of successes among all runs that could be judged; None if there is none, as in a record of judgements alone."""
        outcomes = [run.success for run in known_outcomes(self._db, family=family)]
        return sum(map(bool, outcomes)) / len(outcomes) if outcomes else None

    def _line(self, judged: Sequence[Judgement], family: str | None, curve: Calibration | None) -> GroupReport:
        first = judged[0]
        known = [each for each in judged if each.phi is not None]
        samples = _samples(known)
        outcomes = [sample.success for sample in samples]
        plain = [(sample.phi / MAX_PHI, sample.success) for sample in samples]
        forecasts = held_out(samples, [each.task_key for each in known])
        after = [*zip(forecasts, outcomes, strict=True)] if forecasts is not None else []
        return GroupReport(
            first.critic,
            first.model,
            family,
            first.notes,
            len(samples),
            sum(outcomes),
            curve.kind if curve is not None else None,
            brier(plain),
            brier(after),
            auc([sample.phi for sample in samples], outcomes),
            reliability(plain),
            reliability(after),
        )


def _samples(judged: Sequence[Judgement]) -> list[Sample]:
    return [Sample(each.phi, each.success) for each in judged if each.phi is not None]
