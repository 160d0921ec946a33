"""Is Φ true? Right and subtly wrong programs, judged with a real small model, beside what their hidden tests say.

In:  programs, a local model.
Out: AUC, accuracy and Brier score of each way to judge; tokens and seconds.

Falsification, standard and the plain judge see the answer as the end of a run; delta sees a step that wrote the file. Who cannot tell
credits nothing: that counts as Φ 0, and is counted. Thresholds and calibration come from tasks other than those they are measured on.
Seconds are wall time; a suite of assertions is made once a task, and its time and tokens are spread over all programs.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.figures import Figure, Figures, unmeasured
from benchmarks.phi.account import Account
from benchmarks.phi.attacks.attack import Turn, use
from benchmarks.phi.options import Options
from benchmarks.phi.programs import Program, programs
from purpose_agent.core.action import Finish
from purpose_agent.core.errors import MissingExtra, NoModelFound
from purpose_agent.core.score import MAX_PHI, PhiMode
from purpose_agent.core.state import State
from purpose_agent.models.resolve import resolve_model
from purpose_agent.runtime.sync import run_sync

WAYS = ("falsification", "standard", "delta", "judge")
MODES: Mapping[str, PhiMode] = {"falsification": "falsification", "standard": "standard", "delta": "delta"}
CRITICS = {"falsification": "falsification", "standard": "state", "delta": "delta"}
"""How each signs its scores; another one stood in where it could not judge."""
WANTED = {
    **{f"auc_{way}": f"how often {way} puts a right program above a wrong one" for way in WAYS},
    "brier_before": "Brier score of falsification, Φ/10 taken as the probability of success",
    "brier_after": "the same, Φ read by what other tasks taught",
}
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Judged:
    """Φ of one program."""

    task: str
    phi: float
    right: bool


@dataclass(slots=True)
class Told:
    """What one way to judge said of all programs.

    Attributes:
        silent: Programs that it could not judge.
        replaced: Programs that another critic judged in its place.
    """

    judged: list[Judged] = field(default_factory=list[Judged])
    silent: int = 0
    replaced: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def n(self) -> int:
        """Programs it was asked about."""
        return len(self.judged)


def measure(options: Options) -> Figures:
    """All programs by all ways."""
    try:
        account = Account(resolve_model(options.model))
        told = run_sync(_judged(account, options))
    except (MissingExtra, NoModelFound) as error:
        return unmeasured(str(error), **WANTED)
    return figures_of(told, options)


def figures_of(told: Mapping[str, Told], options: Options) -> Figures:
    """The numbers, shown as a table; and the picture."""
    show(told)
    falsified = told["falsification"].judged
    if options.out is not None and falsified:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "reliability.svg").write_text(picture(falsified, options.model))
    figures = {f"auc_{way}": _figure(WANTED[f"auc_{way}"], told[way].judged, auc_of) for way in WAYS}
    for name, way in (("brier_before", brier_before), ("brier_after", brier_after)):
        figures[name] = _figure(WANTED[name], falsified, way)
    return figures


async def _judged(account: Account, options: Options) -> dict[str, Told]:
    from benchmarks.phi.judges import phi_critic, plain_phi, scores_of
    from purpose_agent.critics.checks import CheckCritic
    from purpose_agent.sandbox.sandbox import Sandbox

    runner = Sandbox()
    sizes = (2, 1, 1) if options.quick else (12, 8, 1)
    every = await programs(CheckCritic(runner), *sizes, options.seed)
    told = {way: Told() for way in WAYS}
    critics = {way: phi_critic(runner, account.ask, mode, window=account.window) for way, mode in MODES.items()}
    for program in every:
        for way in WAYS:
            turn = written(program) if way == "delta" else finished(program)
            account.take()
            if way == "judge":
                phi = await plain_phi(account.ask, program.task, [turn])
                phi = None if phi is None or phi > MAX_PHI else phi
            else:
                [score] = await scores_of(critics[way], program.task, [turn], 0.0 if way == "delta" else None)
                phi = None if score is None else score.after
                told[way].replaced += score is not None and score.critic != CRITICS[way]
            _noted(told[way], program, phi, account)
    return told


def _noted(told: Told, program: Program, phi: float | None, account: Account) -> None:
    tokens, seconds, _ = account.take()
    told.tokens += tokens
    told.seconds += seconds
    told.silent += phi is None
    told.judged.append(Judged(program.task.key, phi or 0.0, program.right))


def finished(program: Program) -> Turn:
    """A run that ends with the program as its answer."""
    before = State(dict(program.task.inputs))
    return Turn(before, Finish(program.answer), before.with_values(answer=program.answer))


def written(program: Program) -> Turn:
    """A step of a run that wrote the program and read it back."""
    before = State({"1.1 list_files": "README.md"})
    code = program.answer.removeprefix("```python\n").removesuffix("\n```")
    return Turn(before, use("read_file", path="answer.py"), before.with_values(**{"2.1 read_file answer.py": code}))


def auc_of(judged: Sequence[Judged]) -> float | None:
    """Area under the ROC curve."""
    from purpose_agent.evals.calibration import auc

    return auc([each.phi for each in judged], [each.right for each in judged])


def brier_before(judged: Sequence[Judged]) -> float | None:
    """Of Φ/10."""
    from purpose_agent.evals.calibration import brier

    return brier([(each.phi / MAX_PHI, each.right) for each in judged])


def brier_after(judged: Sequence[Judged]) -> float | None:
    """Of the probability that the other half of the tasks taught."""
    from purpose_agent.evals.calibration import brier

    return brier(calibrated(judged))


def calibrated(judged: Sequence[Judged]) -> list[tuple[float, bool]]:
    """Forecast and outcome of each, its curve from the other half of the tasks; () for one task."""
    from purpose_agent.evals.calibration import Sample, fit

    pairs: list[tuple[float, bool]] = []
    for learned, measured in halves(judged):
        curve = fit([Sample(each.phi, each.right) for each in learned])
        pairs += [(curve.probability(each.phi), each.right) for each in measured]
    return pairs


def accuracy(judged: Sequence[Judged]) -> float | None:
    """Of the threshold that is best on the other half of the tasks."""
    hits: list[bool] = []
    for learned, measured in halves(judged):
        places = sorted({each.phi for each in learned})
        best = max(places, key=lambda place: sum((each.phi >= place) == each.right for each in learned))
        hits += [(each.phi >= best) == each.right for each in measured]
    return sum(hits) / len(hits) if hits else None


def halves(judged: Sequence[Judged]) -> list[tuple[list[Judged], list[Judged]]]:
    """Every other task, then the rest, each to learn from and to measure on; [] for fewer than two tasks."""
    order = {task: place for place, task in enumerate(dict.fromkeys(each.task for each in judged))}
    even = [each for each in judged if order[each.task] % 2 == 0]
    odd = [each for each in judged if order[each.task] % 2]
    return [(even, odd), (odd, even)] if odd else []


def _figure(about: str, judged: Sequence[Judged], number: Callable[[Sequence[Judged]], float | None]) -> Figure:
    value = number(judged)
    if value is None:
        return Figure(about, None, n=len(judged), why="too few programs were judged")
    low, high = spread_of(judged, number)
    return Figure(about, value, low, high, len(judged))


def spread_of(
    judged: Sequence[Judged], number: Callable[[Sequence[Judged]], float | None], seed: int = 0
) -> tuple[float | None, float | None]:
    """95 % percentile bootstrap; whole tasks are drawn, since programs of one task are alike."""
    rng = random.Random(seed)
    groups = {task: [each for each in judged if each.task == task] for task in dict.fromkeys(each.task for each in judged)}
    names = list(groups)
    values: list[float] = []
    for _ in range(DRAWS):
        # Copies of a task keep its name: it must not be both learned from and measured on.
        value = number([each for name in sorted(rng.choices(names, k=len(names))) for each in groups[name]])
        values += [] if value is None else [value]
    values.sort()
    return (values[int(0.025 * len(values))], values[int(0.975 * len(values)) - 1]) if len(values) > 40 else (None, None)


def show(told: Mapping[str, Told]) -> None:
    """A row for each way."""
    from rich.console import Console
    from rich.table import Table

    columns = ("way", "programs", "silent", "by another critic", "AUC", "accuracy", "Brier", "calibrated", "tokens", "seconds")
    table = Table(*columns, title="Right and wrong programs; tokens and seconds a judgement", title_justify="left")
    for way, each in told.items():
        numbers = (auc_of(each.judged), accuracy(each.judged), brier_before(each.judged), brier_after(each.judged))
        cost = (f"{each.tokens / each.n:.0f}", f"{each.seconds / each.n:.1f}") if each.n else ("–", "–")
        shown = ["–" if number is None else f"{number:.2f}" for number in numbers]
        table.add_row(way, str(each.n), str(each.silent), str(each.replaced), *shown, *cost)
    Console(width=130).print(table)


def picture(judged: Sequence[Judged], note: str) -> str:
    """Forecasts of falsification beside what came of them, before and after."""
    from purpose_agent.evals.calibration import reliability
    from purpose_agent.evals.curve import Point, Series, as_svg

    before = [(each.phi / MAX_PHI, each.right) for each in judged]
    series = [Series("as it should be", (Point(0.0, 0.0), Point(1.0, 1.0)))]
    for name, pairs in (("Φ/10", before), ("calibrated", calibrated(judged))):
        points = tuple(Point(each.forecast, each.share, *each.interval) for each in reliability(pairs, 5))
        series += [Series(name, points)] if points else []
    return as_svg("Falsification: right programs by what was forecast", "forecast", series, note)
