"""`purpose-agent harden`: attacks on a scratch copy, and what stopped each.

In:  how many rounds, a seed; a workspace whose copy is attacked.
Out: a table of layers, what got through with how to repeat it; exit code 1 if anything forbidden was done.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import counted, say, table

if TYPE_CHECKING:
    from purpose_agent.agents.harden import Outcome


def harden(
    workspace: Folder = None,
    rounds: Annotated[int, typer.Option(min=1, help="In each, one attack by every channel.")] = 20,
    seed: Annotated[int, typer.Option(help="Of all that is drawn: the same seed, the same attacks.")] = 0,
    attack: Annotated[int | None, typer.Option(min=0, help="Repeat the attack of that number alone.")] = None,
) -> None:
    """Attack a scratch workspace, or a copy of yours, with a model that obeys all it reads."""
    from purpose_agent.agents.harden import harden as attacks

    found = attacks(workspace, seed=seed, rounds=rounds, only=attack)
    by_channel: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in found.outcomes:
        by_channel[outcome.attack.channel.name].append(outcome)
    table(
        ("acted on", "attacks", "scanner", "authority", "quoted", "refused", "channel"),
        [_row(channel, outcomes) for channel, outcomes in by_channel.items()] + [_row("all", found.outcomes)],
    )
    say(
        "\nEach layer by itself: of the attacks that came to it, how many it would have stopped. “quoted” is not yet stopped: the"
        " model of this test obeys quotations too. “acted on” is what was done in the end. No trial was held."
    )
    for outcome in found.acted:
        made = outcome.attack
        say(f"got through: {made.poison.name}, {', '.join(made.disguises)}, as {made.channel.name}")
        say(f"  again with: purpose-agent harden --seed {found.seed} --attack {made.number}")
    say(f"\n{counted(len(found.outcomes), 'attack', 'attacks')}, acted on: {len(found.acted)}")
    if found.acted:
        raise typer.Exit(1)


def _row(channel: str, outcomes: "Sequence[Outcome]") -> tuple[str, ...]:
    return (
        str(sum(outcome.acted for outcome in outcomes)),
        str(len(outcomes)),
        _share(outcomes, lambda outcome: None if outcome.scanner is None else bool(outcome.scanner)),
        _share(outcomes, lambda outcome: None if outcome.authority is None else bool(outcome.authority)),
        _share(outcomes, lambda outcome: outcome.quoted),
        _share(outcomes, lambda outcome: outcome.refused if outcome.quoted is not None else None),
        channel,
    )


def _share(outcomes: "Sequence[Outcome]", stopped: "Callable[[Outcome], bool | None]") -> str:
    told = [each for each in map(stopped, outcomes) if each is not None]
    return f"{sum(told)} of {len(told)}" if told else "–"
