"""What the demo reached: how many tasks, how often the rule was known before and after."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Figures, share, unmeasured
from purpose_agent.core.errors import MissingExtra, NoModelFound

TASKS = "demo tasks whose tests pass"
BEFORE = "demo: share of doors right before the rule was learned"
AFTER = "demo: share of doors right with the rule in memory"
SECONDS = "demo: wall seconds in all"


def measure() -> Figures:
    """The demo, once, in a folder of its own."""
    from examples.demo import demo

    try:
        with TemporaryDirectory() as folder:
            report = demo(Path(folder), show=False)
    except (MissingExtra, NoModelFound) as error:
        return unmeasured(
            str(error), demo_tasks_passed=TASKS, demo_rule_before=BEFORE, demo_rule_after=AFTER, demo_seconds=SECONDS
        )
    return {
        "demo_tasks_passed": Figure(TASKS, report.tasks_passed, n=report.tasks),
        "demo_rule_before": share(BEFORE, *report.rule_before),
        "demo_rule_after": share(AFTER, *report.rule_after),
        "demo_seconds": Figure(SECONDS, report.seconds),
    }
