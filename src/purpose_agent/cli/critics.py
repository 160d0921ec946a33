"""`purpose-agent critics`: how far a critic's Φ can be trusted.

In:  a workspace.
Out: a line for each critic, model and family of tasks; what Φ was worth, beside what came of it.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import plain, say, table

if TYPE_CHECKING:
    from purpose_agent.learning.calibration import GroupReport


def critics(
    workspace: Folder = None,
    bins: Annotated[bool, typer.Option("--bins", help="What came of each range of Φ, too.")] = False,
) -> None:
    """How good each critic's Φ is, on runs whose outcome is known."""
    from purpose_agent.agents.workspace import open_workspace

    reports = open_workspace(workspace).critics()
    if not reports:
        say(
            "No critic was asked about a run whose outcome is known. `purpose-agent learn` does that where agents have tasks"
            " without checks."
        )
        return
    table(
        ("critic", "model", "tasks", "runs", "succeeded", "AUC", "Brier", "read by", "Brier then"),
        [_row(report) for report in reports],
    )
    say(
        "\nAUC: how often a success has the higher Φ than a failure; 0.50 is chance. Brier: mean squared error of Φ/10 as a chance of"
        " success,"
        " and of the chance that outcomes of other tasks make of it; 0.25 is what always saying ½ gets. Successes and failures are"
        " asked about alike, so the shares here are not those of all runs."
    )
    for report in reports if bins else ():
        say(f"\n{report.critic}, {plain(report.model)}, {_family(report)}")
        table(
            ("Φ/10", "runs", "succeeded", "95 %"),
            [
                (
                    f"{each.low:.1f} to {each.high:.1f}",
                    str(each.n),
                    f"{each.share:.0%}",
                    f"{each.interval[0]:.0%} to {each.interval[1]:.0%}",
                )
                for each in report.before
            ],
        )


def _row(report: "GroupReport") -> tuple[str, ...]:
    return (
        report.critic + (" with notes" if report.notes else ""),
        plain(report.model),
        _family(report),
        str(report.n),
        str(report.successes),
        _number(report.auc),
        _number(report.brier_before),
        report.kind or "nothing yet",
        _number(report.brier_after),
    )


def _family(report: "GroupReport") -> str:
    return "all" if report.family is None else plain(report.family) or "of no family"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
