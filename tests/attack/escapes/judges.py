"""How the host tells that an attack worked: by its canaries, its clock, and its own list of processes."""

from purpose_agent.core.ports import CodeResult
from tests.attack.escapes.attack import Judge, Outcome
from tests.attack.escapes.ground import Ground

LATE = 1.5
"""Seconds beyond its limit after which an execution counts as not limited."""


def leaked(ground: Ground, outcome: Outcome) -> str:
    """A secret of the host came out."""
    return ground.leaks(*(result for result in (outcome.first, outcome.second) if result))


def changed(ground: Ground, outcome: Outcome) -> str:
    """Something in the host's files is not as it was."""
    return ground.changes()


def reached(ground: Ground, outcome: Outcome) -> str:
    """A listener of the host was spoken to."""
    return ground.contacts()


def disturbed(ground: Ground, outcome: Outcome) -> str:
    """The victim got a signal, died, or was changed from outside."""
    return ground.victim.disturbance()


def hurt_host(ground: Ground, outcome: Outcome) -> str:
    """A signal reached this process, or it could not take a lock of its own."""
    return ground.hurts()


def left_over(ground: Ground, outcome: Outcome) -> str:
    """A process of the attack lives on."""
    count = len(ground.watcher.alive())
    return f"{count} processes live on" if count else ""


def carried(ground: Ground, outcome: Outcome) -> str:
    """The second execution found what the first had left."""
    return "the second execution found it" if outcome.second and ground.token in _text(outcome.second) else ""


def second_is_hurt(ground: Ground, outcome: Outcome) -> str:
    """The second, innocent execution did not end well."""
    if outcome.second is None:
        return outcome.trouble
    return "" if outcome.second.status == "ok" else f"the second execution ended as {outcome.second.status}"


def overran(ground: Ground, outcome: Outcome) -> str:
    """The execution took longer than it may."""
    return f"it took {outcome.seconds:.1f} s" if outcome.seconds > ground.seconds + LATE else ""


def broke(ground: Ground, outcome: Outcome) -> str:
    """The runner raised, or did not come back."""
    return outcome.trouble and f"the runner raised: {outcome.trouble}"


def flooded(ground: Ground, outcome: Outcome) -> str:
    """More text came back than may."""
    if outcome.first is None:
        return outcome.trouble
    size = max(len(outcome.first.stdout), len(outcome.first.stderr), len(outcome.first.value or "") // 1000)
    return f"{size} characters came back" if size > 10 * 2_000 else ""


def counted_ok(ground: Ground, outcome: Outcome) -> str:
    """Code that left before its end counts as well done."""
    return 'the status is "ok"' if outcome.first and outcome.first.status == "ok" else ""


def forged(ground: Ground, outcome: Outcome) -> str:
    """What the code wrote where only the runner writes was believed."""
    return "the forged value was believed" if outcome.first and "forged" in (outcome.first.value or "") else ""


def passed(ground: Ground, outcome: Outcome) -> str:
    """Assertions passed that don't hold."""
    return "it passed" if outcome.passed else ""


def processes(more_than: int) -> Judge:
    """More processes of the attack lived at once."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        count = ground.watcher.most_processes
        return f"{count} processes at once" if count > more_than else ""

    return seen


def threads(more_than: int) -> Judge:
    """More threads of the attack lived at once."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        count = ground.watcher.most_threads
        return f"{count} threads at once" if count > more_than else ""

    return seen


def memory(more_than_mb: int) -> Judge:
    """The attack's processes together, or what they left in shared memory, took more."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        taken = max(ground.watcher.most_memory, ground.watcher.most_shared) // 2**20
        return f"{taken} MiB" if taken > more_than_mb else ""

    return seen


def scratch(largest_mb: float = 1e9, total_mb: float = 1e9, names: float = 1e9) -> Judge:
    """The attack's folder grew beyond one of these. Where the host may not look into it, the code's word is taken."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        look = ground.watcher
        found = (look.largest / 2**20, look.total / 2**20, float(look.names))
        if any(size > most for size, most in zip(found, (largest_mb, total_mb, names), strict=True)):
            return f"largest {found[0]:.0f} MiB, together {found[1]:.0f} MiB, {look.names} names"
        return _own_word(ground, outcome)

    return seen


def held(kind: str) -> Judge:
    """A process of the attack came to hold a descriptor of this kind while it ran."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        return f"it held {kind}" if any(kind in name for name in ground.watcher.gained) else _own_word(ground, outcome)

    return seen


def moved(kind: str) -> Judge:
    """A process of the attack changed its namespace or root of this kind while it ran."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        return f"it moved to another {kind}" if ground.watcher.moved(kind) else _own_word(ground, outcome)

    return seen


def raised_itself(ground: Ground, outcome: Outcome) -> str:
    """A process of the attack goes before the host's own."""
    return ground.watcher.privilege


def ran_a_program(ground: Ground, outcome: Outcome) -> str:
    """A program that the attack started was seen."""
    return "another program ran" if ground.watcher.program else ""


def either(*judges: Judge) -> Judge:
    """One of them saw it."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        return next((words for judge in judges if (words := judge(ground, outcome))), "")

    return seen


def _own_word(ground: Ground, outcome: Outcome) -> str:
    said = outcome.first is not None and outcome.first.value == '"done"'
    return "the code says so, and the host could not look" if said and ground.watcher.blind else ""


def _text(result: CodeResult) -> str:
    return f"{result.stdout} {result.stderr} {result.value} {dict(result.files)}"
