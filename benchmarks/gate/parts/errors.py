"""Errors and power of the test behind the gate, on simulated memories whose worth is known.

In:  a seed.
Out: how often useless and harmful memories are promoted, alone and among many; how many pairs a useful one takes.

Nothing is run and no model is asked: a memory is two success rates here (`simulated.py`), so these figures are about the test,
not about how well tasks and checks tell. The greedy gate keeps whatever scored higher in 16 pairs.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from statistics import mean

from benchmarks.figures import Figure, Figures, share, spread
from benchmarks.gate.options import Options
from benchmarks.gate.simulated import (
    ALPHA,
    BEFORE,
    EVENLY,
    Ended,
    Evidence,
    Fixed,
    Hypothesis,
    Lending,
    e_bh,
    knowing,
    mcnemar_pairs,
    mixed,
    ours,
    row,
    trial,
)
from benchmarks.gate.through import promoted_at_once
from purpose_agent.learning.trial import MOST_PAIRS, PAIRS
from purpose_agent.memory.discoveries import LEVEL

MEMORIES, QUICK_MEMORIES = 2000, 100
LONG = 200
"""Pairs after which a memory that is still undecided is given up here; the gate gives up after 48."""
MANY, REAL = 500, 50
"""Memories at once, and how many of them are real in the mixed setting."""
WORLDS, QUICK_WORLDS = 20, 2
THROUGH = 4
"""Worlds that go through the real gate: each takes some seconds."""
SHARING, WORLDS_EACH = 100, 50
"""Memories that meet the same runs without them; how many such worlds there are for each of the others, which take longer."""
ROWS = (2, 5, 20, 100, 500)
SAME = Hypothesis(0.0, 0.0)
"""It changes no run."""
BASE = 0.3
GAINS = (20, 40, 70)
LONGEST = 2000
"""Pairs: where power is measured no trial is cut short."""
HARMS = (0.1, 0.2, 0.4)
WANTED = {
    "null_promoted": f"useless memories promoted at α = {ALPHA}, each alone, looked at after each of up to {LONG} pairs",
    "null_promoted_harm_ignored": "the same, where evidence of harm does not end a trial",
    "null_promoted_greedy": f"the same memories, kept if the score of {PAIRS} pairs rose",
    "null_promoted_before": f"the same memories, by an even mixture of the stakes {BEFORE}",
    "null_promoted_fdr": f"useless ones among those promoted of {MANY} at once, {REAL} of them real (the gate itself, on disk)",
    "null_worlds_fdr": f"worlds of {MANY} useless memories at once in which one was promoted (the gate itself, on disk)",
    "real_promoted_fdr": f"of the {REAL} real ones (+20 to +80 points), promoted within {MOST_PAIRS} pairs (the gate itself, on disk)",
    "null_promoted_ebh": f"useless ones among those promoted of {MANY} at once, {REAL} of them real (e-BH after every round)",
    "null_worlds_ebh": f"worlds of {MANY} useless memories at once in which one was promoted (e-BH after every round)",
    "null_promoted_stream": f"useless ones among those promoted of {MANY} one after the other, {REAL} of them real (the gate's way)",
    "null_worlds_stream": f"worlds of {MANY} useless memories one after the other in which one was promoted (the gate's way)",
    "null_worlds_shared": f"worlds of {SHARING} useless memories one after the other in which one was promoted (the gate's way), where"
    f" the runs without them are the same {MOST_PAIRS} for all",
    "null_promoted_gate": f"useless memories promoted, of all in rows with {REAL} real ones among {MANY} (the gate's way)",
    "real_promoted_stream": f"of the {REAL} real ones of such a row (+20 to +80 points), promoted within {MOST_PAIRS} pairs",
    "harm_promoted": "harmful memories (−10, −20, −40 points) in a row with useless and useful ones, promoted (the gate's way)",
    "harm_promoted_alone": f"harmful memories (−10, −20, −40 points) promoted at α = {ALPHA}, each alone",
    **{
        f"pairs_{gain}": f"median pairs to promote a memory worth +{gain} points over {BASE:.0%}, α = {ALPHA}" for gain in GAINS
    },
    "oracle_ratio": "the largest ratio of these medians to those of a test that knows both rates",
}
"""Every figure of this part, and what it is."""


def measure(options: Options) -> Figures:
    """Errors first, then power."""
    n, worlds = (QUICK_MEMORIES, QUICK_WORLDS) if options.quick else (MEMORIES, WORLDS)
    figures = {**_alone(options.seed, n), **_at_once(options.seed, worlds), **_in_a_row(options.seed, worlds)}
    figures |= asyncio.run(
        _through_the_gate(options.seed, *((1, MANY // 5, REAL // 5) if options.quick else (THROUGH, MANY, REAL)))
    )
    figures |= _power(options.seed, n)
    _tell_spending(options.seed, worlds)
    return {name: figures[name] for name in WANTED}


def _alone(seed: int, n: int) -> Figures:
    """Each memory with an error rate of its own."""
    nulls = [_useless(random.Random(f"{seed}/useless/{number}")) for number in range(n)]
    harmful = [_harmful(random.Random(f"{seed}/harmful/{number}")) for number in range(n)]

    def promoted(memories: Sequence[Hypothesis], decide: Callable[[Iterator[int]], bool]) -> int:
        return sum(decide(each.pairs(random.Random(f"{seed}/pairs/{number}"))) for number, each in enumerate(memories))

    before = mixed(BEFORE)
    counts = {
        "null_promoted": promoted(nulls, lambda pairs: trial(pairs, ours, most=LONG).promoted),
        "null_promoted_harm_ignored": promoted(nulls, lambda pairs: trial(pairs, ours, most=LONG, harm=None).promoted),
        "null_promoted_greedy": promoted(nulls, _greedy),
        "null_promoted_before": promoted(nulls, lambda pairs: trial(pairs, before, most=LONG).promoted),
        "harm_promoted_alone": promoted(harmful, lambda pairs: trial(pairs, ours, most=LONG).promoted),
    }
    return {name: share(WANTED[name], count, n) for name, count in counts.items()}


def _greedy(pairs: Iterator[int]) -> bool:
    return sum(next(pairs) for _ in range(PAIRS)) > 0


def _at_once(seed: int, worlds: int) -> Figures:
    """All memories get their pairs side by side; after every round those are promoted that e-BH finds, and get no more."""
    false = promoted = alarms = 0
    shares: list[float] = []
    for number in range(worlds):
        rng = random.Random(f"{seed}/at once/{number}")
        found = _rounds([_useless(rng) for _ in range(MANY - REAL)] + [_real(rng) for _ in range(REAL)], rng)
        wrong = sum(place < MANY - REAL for place in found)
        false, promoted = false + wrong, promoted + len(found)
        shares.append(wrong / max(1, len(found)))
        alarms += bool(_rounds([_useless(rng) for _ in range(MANY)], rng))
    return {
        "null_promoted_ebh": _false_share("null_promoted_ebh", false, promoted, shares),
        "null_worlds_ebh": share(WANTED["null_worlds_ebh"], alarms, worlds),
    }


async def _through_the_gate(seed: int, worlds: int, many: int, real: int) -> Figures:
    """The same memories, all in quarantine at once, through learner, accounts, journal and file."""
    false = promoted = alarms = 0
    shares: list[float] = []
    for number in range(worlds):
        rng = random.Random(f"{seed}/through/{number}")
        found = await promoted_at_once([_useless(rng) for _ in range(many - real)] + [_real(rng) for _ in range(real)], rng)
        wrong = sum(each.with_it <= each.without for each in found)
        false, promoted = false + wrong, promoted + len(found)
        shares.append(wrong / max(1, len(found)))
        alarms += bool(await promoted_at_once([_useless(rng) for _ in range(many)], rng))
    return {
        "null_promoted_fdr": _false_share("null_promoted_fdr", false, promoted, shares),
        "null_worlds_fdr": share(WANTED["null_worlds_fdr"], alarms, worlds),
        "real_promoted_fdr": share(WANTED["real_promoted_fdr"], promoted - false, real * worlds),
    }


def _rounds(memories: Sequence[Hypothesis], rng: random.Random) -> set[int]:
    pairs = [each.pairs(rng) for each in memories]
    wins, losses = [0] * len(memories), [0] * len(memories)
    e_values = [1.0] * len(memories)
    found: set[int] = set()
    for _ in range(LONG):
        for place, outcomes in enumerate(pairs):
            if place in found:
                continue
            outcome = next(outcomes)
            wins[place] += outcome > 0
            losses[place] += outcome < 0
            e_values[place] = ours(wins[place], losses[place])
        found.update(e_bh(e_values))
    return found


def _in_a_row(seed: int, worlds: int) -> Figures:
    """Memories come one after the other, and error is spent as the gate spends it."""
    false = promoted = real = alarms = harmful = harmed = 0
    shares: list[float] = []
    for number in range(worlds):
        rng = random.Random(f"{seed}/row/{number}")
        useless = [_useless(rng) for _ in range(MANY - REAL)]
        ended = _row([*useless, *(_real(rng) for _ in range(REAL))], rng)
        wrong = sum(trial.promoted for each, trial in ended if each.with_it <= each.without)
        right = sum(trial.promoted for each, trial in ended if each.with_it > each.without)
        false, promoted, real = false + wrong, promoted + wrong + right, real + right
        shares.append(wrong / max(1, wrong + right))
        alarms += any(each.promoted for _, each in _row([_useless(rng) for _ in range(MANY)], rng))
        makers = (_useless, _harmful, _real)
        ended = _row([makers[place % 3](rng) for place in range(MANY)], rng)
        harm = [trial.promoted for each, trial in ended if each.with_it < each.without]
        harmful, harmed = harmful + len(harm), harmed + sum(harm)
    shared = sum(_shared(random.Random(f"{seed}/shared/{number}")) for number in range(WORLDS_EACH * worlds))
    return {
        "null_worlds_shared": share(WANTED["null_worlds_shared"], shared, WORLDS_EACH * worlds),
        "null_promoted_stream": _false_share("null_promoted_stream", false, promoted, shares),
        "null_worlds_stream": share(WANTED["null_worlds_stream"], alarms, worlds),
        "null_promoted_gate": share(WANTED["null_promoted_gate"], false, (MANY - REAL) * worlds),
        "real_promoted_stream": share(WANTED["real_promoted_stream"], real, REAL * worlds),
        "harm_promoted": share(WANTED["harm_promoted"], harmed, harmful),
    }


def _row(memories: Sequence[Hypothesis], rng: random.Random) -> list[tuple[Hypothesis, Ended]]:
    """In an order that is drawn."""
    shuffled = rng.sample(memories, len(memories))
    return list(zip(shuffled, row(shuffled, rng, Lending(), MOST_PAIRS), strict=True))


def _shared(rng: random.Random) -> bool:
    """A model that always answers alike: the runs without a memory are known from the first trial on. The proof leaves this out."""
    rate = rng.uniform(0.05, 0.95)
    without = [rng.random() < rate for _ in range(MOST_PAIRS)]
    spending = Lending()
    for _ in range(SHARING):
        pairs = ((rng.random() < rate) - each for each in without)
        ended = trial(pairs, ours, alpha=spending.begin(), most=MOST_PAIRS, futile=True)
        spending.end(ended)
        if ended.promoted:
            return True
    return False


def _tell_spending(seed: int, worlds: int) -> None:
    """How many useful memories are found in rows of a few to many: 3 in 10 help, 3 in 10 make no difference in any pair."""
    from rich.console import Console
    from rich.table import Table

    title = f"of the memories that help (+20 to +80 points, 3 in 10), found within {MOST_PAIRS} pairs"
    table = Table("error is spent", *(f"rows of {length}" for length in ROWS), title=title, title_justify="left")
    for name, way in {"lent, and comes back (the gate's way)": Lending, "e-LOND, shares ∝ i^-1.5": Fixed}.items():
        shares: list[str] = []
        for length in ROWS:
            found = there = 0
            for number in range(max(1, worlds * MANY // length // 2)):
                rng = random.Random(f"{seed}/spending/{length}/{number}")
                memories = [
                    _real(rng) if rng.random() < 0.3 else _useless(rng) if rng.random() < 4 / 7 else SAME for _ in range(length)
                ]
                ended = row(memories, rng, way(), MOST_PAIRS)
                real = [each.promoted for memory, each in zip(memories, ended, strict=True) if memory.with_it > memory.without]
                found, there = found + sum(real), there + len(real)
            shares.append(f"{found / max(1, there):.0%}")
        table.add_row(name, *shares)
    Console().print(table)


def _power(seed: int, n: int) -> Figures:
    """The same pairs for every test."""
    figures: Figures = {}
    rivals: dict[str, Evidence] = {
        "this package": ours,
        f"even mixture of {', '.join(map(str, BEFORE))}": mixed(BEFORE),
        "even mixture of all stakes (mSPRT)": mixed(EVENLY),
    }
    medians: dict[str, list[float]] = {}
    fixed: dict[str, list[float]] = {}
    for gain in GAINS:
        memory = Hypothesis(BASE + gain / 100, BASE)
        for name, e in {"knows both rates (oracle)": knowing(memory), **rivals}.items():
            taken = [_taken(memory, e, f"{seed}/{gain}/{number}") for number in range(n)]
            figure = spread(WANTED[f"pairs_{gain}"], taken)
            medians.setdefault(name, []).append(figure.value or 0.0)
            if e is ours:
                figures[f"pairs_{gain}"] = figure
        for power in (0.5, 0.8):
            fixed.setdefault(f"exact McNemar, looked at once, {power:.0%} power", []).append(mcnemar_pairs(memory, power))
    _tell({**medians, **fixed}, n)
    oracle = medians["knows both rates (oracle)"]
    ratio = max(mine / theirs for mine, theirs in zip(medians["this package"], oracle, strict=True))
    return figures | {"oracle_ratio": Figure(WANTED["oracle_ratio"], ratio, n=n)}


def _taken(memory: Hypothesis, e: Evidence, seed: str) -> int:
    return trial(memory.pairs(random.Random(seed)), e, most=LONGEST, harm=None).pairs


def _tell(medians: dict[str, list[float]], n: int) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"median pairs to promote a memory over {BASE:.0%}, α = {ALPHA}, {n} memories each"
    table = Table("test", *(f"+{gain} points" for gain in GAINS), title=title, title_justify="left")
    for name, values in medians.items():
        table.add_row(name, *(f"{value:.0f}" for value in values))
    Console().print(table)


def _false_share(name: str, false: int, promoted: int, shares: Sequence[float]) -> Figure:
    """Of all promoted ones together; the mean over worlds, which is what stays below the level, is told in words."""
    if not promoted:
        return Figure(WANTED[name], None, why=f"{name}: nothing was promoted")
    about = f"{WANTED[name]}; mean over {len(shares)} worlds {mean(shares):.4f}, at most {LEVEL} expected"
    return share(about, false, promoted)


def _useless(rng: random.Random) -> Hypothesis:
    """No difference, anywhere from 5 to 95 %."""
    base = rng.uniform(0.05, 0.95)
    return Hypothesis(base, base)


def _real(rng: random.Random) -> Hypothesis:
    gain = rng.choice((0.2, 0.4, 0.6, 0.8))
    base = rng.uniform(0.05, 1 - gain)
    return Hypothesis(base + gain, base)


def _harmful(rng: random.Random) -> Hypothesis:
    harm = rng.choice(HARMS)
    base = rng.uniform(harm, 0.95)
    return Hypothesis(base - harm, base)
