"""How a run ended, in lines for people."""

from typing import TYPE_CHECKING

from purpose_agent.cli.render import counted, phi, say, verdict

if TYPE_CHECKING:
    from purpose_agent.engine.result import TaskResult


def show_result(result: "TaskResult", *, answer: bool = True) -> None:
    """The answer unless it was shown before, a line about the run, and what was learned."""
    if answer:
        say(result.answer if result.answer is not None else f"No answer: {result.reason or result.status}")
    say()
    say(result_line(result), style="bold")
    for memory in result.lessons:
        say(f"lesson ({memory.status}): {memory.lesson.text}  [{memory.id}]")


def result_line(result: "TaskResult") -> str:
    """How a run ended and what it cost, on one line."""
    price = "" if result.usage.usd == 0 else ", price unknown" if result.usage.usd is None else f", ${result.usage.usd:.4f}"
    recalled = f", {counted(len(result.recalled), 'memory', 'memories')} recalled" if result.recalled else ""
    return (
        f"{result.id}: {result.status}, {verdict(result.success)}, Φ {phi(result.final_phi)},"
        f" {counted(result.total_steps, 'step', 'steps')}, {result.usage.tokens:,} tokens{price}{recalled}"
    )
