"""How many attacks succeed at each level, and how many benign programs run: as this user, and as one without rights.

In:  the corpus in `tests/attack/escapes`, which was written before the sandbox. Only the host's canaries judge.
Out: a table for each user, every escape by name, a picture.

An attack that can't be judged counts against us: on the bare child as not real, behind a wall as an escape.
"""

import os
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Figures, machine, share, unmeasured
from benchmarks.gate.picture import Bar, as_bars
from benchmarks.sandbox.attempts import NOBODY, RUNNERS, Attempt, as_nobody, as_us, chosen
from benchmarks.sandbox.options import Options
from tests.attack.escapes import FAMILIES

WANTED = {
    "attacks": "attacks in the corpus",
    "real_on_bare": "of those tried as this user, those that succeed on a child process and trust",
    "escapes_good_core": 'attempts that succeed at "good", of the core (what Landlock and seccomp can stop), all users',
    "escapes_good_all": 'attempts that succeed at "good", of all attacks, all users',
    "escapes_strong": 'attempts that succeed at "strong", of all attacks, all users',
    "escapes_process_only": 'share of attempts that succeed at "process-only", which is no sandbox, all users',
    "benign": "programs that mean no harm, in the corpus",
    "benign_failed": 'runs of them that fail at "strong", all users',
    "benign_failed_good": 'runs of them that fail at "good", all users',
    "users": "users that everything was tried as",
}


def measure(options: Options) -> Figures:
    """The whole corpus on four runners, as one or two users."""
    attempts = list(as_us(options.quick))
    others, why = as_nobody(options.quick)
    attempts += others
    for uid in sorted({each.uid for each in attempts}):
        show(uid, [each for each in attempts if each.uid == uid])
    if why:
        Console().print(f"Not measured as user {NOBODY}: {why}.", markup=False)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "attacks.svg").write_text(picture(attempts))
    return figures(attempts, *map(len, chosen(options.quick)))


def figures(attempts: Sequence[Attempt], attacks: int, programs: int) -> Figures:
    """The figures of all attempts; those of a level that this machine lacks are null."""
    bare = _tried(attempts, lambda each: each.runner == "bare" and _is_attack(each) and each.uid == os.geteuid())
    only = _tried(attempts, lambda each: each.runner == "process-only" and _is_attack(each))
    found: Figures = {
        "attacks": Figure(WANTED["attacks"], attacks),
        "real_on_bare": _count("real_on_bare", bare),
        "escapes_process_only": share(WANTED["escapes_process_only"], sum(each.succeeded for each in only), len(only))
        if only
        else Figure(WANTED["escapes_process_only"], None, why="process-only was not tried"),
        "benign": Figure(WANTED["benign"], programs),
        "users": Figure(WANTED["users"], len({each.uid for each in attempts})),
    }
    good = _tried(attempts, lambda each: each.runner == "good" and _is_attack(each))
    strong = _tried(attempts, lambda each: each.runner == "strong" and _is_attack(each))
    found["escapes_good_core"] = _count("escapes_good_core", [each for each in good if each.core])
    found["escapes_good_all"] = _count("escapes_good_all", good)
    found["escapes_strong"] = _count("escapes_strong", strong)
    for name, runner in (("benign_failed", "strong"), ("benign_failed_good", "good")):
        ran = [each for each in attempts if each.runner == runner and each.family == "benign" and each.tried]
        found[name] = _count(name, ran, lambda each: not each.succeeded)
    return found


def _is_attack(each: Attempt) -> bool:
    return each.family != "benign"


def _tried(attempts: Sequence[Attempt], which: Callable[[Attempt], bool]) -> list[Attempt]:
    return [each for each in attempts if each.tried and which(each)]


def _count(name: str, tried: Sequence[Attempt], counts: Callable[[Attempt], bool] = lambda each: each.succeeded) -> Figure:
    if not tried:
        return unmeasured("this machine has no such level", **{name: WANTED[name]})[name]
    return Figure(WANTED[name], sum(map(counts, tried)), n=len(tried))


def show(uid: int, attempts: Sequence[Attempt]) -> None:
    """Print a row for each family, then what escaped and what failed, by name."""
    title = f"attacks that succeed, as {'root' if uid == 0 else f'user {uid}'} (good: core / all)"
    table = Table("family", "attacks", *RUNNERS, title=title, title_justify="left")
    for family in (*FAMILIES, "together"):
        mine = [each for each in attempts if _is_attack(each) and family in (each.family, "together")]
        table.add_row(family, str(len({(each.family, each.name) for each in mine})), *(_cell(mine, name) for name in RUNNERS))
    ran = [each for each in attempts if each.family == "benign"]
    names = len({each.name for each in ran})
    table.add_row(
        "benign that run", str(names), *(_share_of([each for each in ran if each.runner == name]) for name in RUNNERS)
    )
    console = Console()
    console.print(table)
    for line in map(_news, attempts):
        if line:
            console.print(line, markup=False)


def _news(each: Attempt) -> str:
    """What must be told of an attempt besides its number; mostly nothing."""
    told = f"{each.family}: {each.name}: {each.why}"
    match each:
        case Attempt(tried=False, runner="bare"):
            return f"not tried: {told}"
        case Attempt(tried=False):
            return ""
        case Attempt(family="benign", succeeded=False):
            return f"failed at {each.runner}: {told}"
        case Attempt(family="benign"):
            return ""
        case Attempt(runner="bare", succeeded=False):
            return f"not real: {told}"
        case Attempt(runner="good" | "strong", succeeded=True):
            return f"escaped at {each.runner}{'' if each.core else ' (not core)'}: {told}"
        case _:
            return ""


def _cell(attempts: Sequence[Attempt], runner: str) -> str:
    mine = [each for each in attempts if each.runner == runner]
    if runner == "good" and mine:
        return f"{_share_of([each for each in mine if each.core])}, {_share_of(mine)}"
    return _share_of(mine)


def _share_of(attempts: Sequence[Attempt]) -> str:
    tried = [each for each in attempts if each.tried]
    return f"{sum(each.succeeded for each in tried)} of {len(tried)}" if tried else "–"


def picture(attempts: Sequence[Attempt]) -> str:
    """A bar for each runner: attempts that succeeded, and those that were held."""
    bars: list[Bar] = []
    for runner in RUNNERS:
        tried = _tried(attempts, lambda each: _is_attack(each) and each.runner == runner)  # noqa: B023
        won = sum(each.succeeded for each in tried)
        bars.append(Bar(runner, (won, len(tried) - won)))
    return as_bars("Attacks on the sandbox", ("succeeded", "held"), bars, machine())
