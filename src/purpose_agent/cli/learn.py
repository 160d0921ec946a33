"""`purpose-agent learn`: reflection and trials that wait, done now or when the machine has time.

In:  a workspace; agents are made again from its record.
Out: what became of what waited, what could not be done and why, what it cost; exit code 1 if a run of a trial broke.
"""

import os
import time
from collections.abc import Callable
from typing import Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import say, watching
from purpose_agent.runtime.events import Event, RunFinished

LOW_LOAD = 0.5
"""Running threads for each core, as the system averages them over a minute."""
PAUSE_SECONDS = 15.0


def learn(
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="For all agents; else each gets the model that it had. 'none': try only what needs none."
        ),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="For reflection and trials together: '50k tokens' (or a bare number), or '100 runs'.")
    ] = "",
    idle: Annotated[
        bool, typer.Option("--idle", help="Wait until the machine has little to do; then work at the lowest priority.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="A line for each event, as it happens.")] = False,
    workspace: Folder = None,
) -> None:
    """Learn from what was run: reflect, and try the memories that wait in quarantine."""
    from purpose_agent.agents.budget import Budget
    from purpose_agent.agents.rebuild import rebuild_agents
    from purpose_agent.agents.workspace import open_workspace

    cap = Budget.parse(budget, unit="tokens") if budget else None
    place = open_workspace(workspace)
    rebuilt = rebuild_agents(place, model or None)
    for name, why in rebuilt.left.items():
        say(f"{name}: left, {why}", stderr=True)
    if idle and rebuilt.agents:
        os.nice(19)
        wait_until_idle()
    broken: set[str] = set()
    with watching(every=watch) as show_event:

        def seen(event: Event) -> None:
            if isinstance(event.payload, RunFinished) and event.payload.status == "failed":
                broken.add(event.run_id)
            show_event(event)

        settled = place.settle(watch=seen, budget=cap)
    say(settled.summary())
    if broken:
        raise typer.Exit(1)


def wait_until_idle(
    *,
    load: Callable[[], float] = lambda: os.getloadavg()[0],
    pause: Callable[[float], None] = time.sleep,
    cores: int | None = None,
) -> None:
    """Come back when less than half of the cores are busy, by the average of the last minute."""
    while load() > LOW_LOAD * (cores or os.cpu_count() or 1):
        pause(PAUSE_SECONDS)
