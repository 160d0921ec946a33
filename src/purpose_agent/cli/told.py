"""Memories, and what happened to them, in words for a terminal.

In:  memories, lines of the journal, what was undone.
Out: lines of text.
"""

from typing import assert_never

from purpose_agent.cli.render import counted, one_line, when
from purpose_agent.core.memory import (
    Alteration,
    Evidence,
    ExposureReport,
    JournalEntry,
    Memory,
    Restoration,
    Revision,
    ScanReport,
    TrialReport,
)


def told_change(entry: JournalEntry) -> str:
    """What became of it, by whom and why: one line."""
    change = f"{entry.from_status} → {entry.to_status}" if entry.from_status != entry.to_status else f"still {entry.to_status}"
    run = f" (run {entry.run_id})" if entry.run_id else ""
    return f"{when(entry.at)}  {change.removeprefix(' → ')}, by {entry.actor}: {entry.why}{run}"


def told_entry(entry: JournalEntry) -> str:
    """The same, and what it rests on."""
    return "\n".join([told_change(entry), *(f"    {line}" for line in told_evidence(entry.evidence))])


def told_source(memory: Memory) -> list[str]:
    """Where it came from."""
    came = memory.lesson.provenance
    where = [came.source] if came.source else []
    where += [f"step {came.step}"] if came.step is not None else []
    where += [f"run {came.run_id}"] if came.run_id else []
    where += [f"beside run {came.beside}"] if came.beside else []
    where += [f"since run {came.since}"] if came.since else []
    where += [f"agent {came.agent}"] if came.agent else []
    lines = [f"origin:   {', '.join([came.origin, *where])}; trust {memory.trust:.2f}"]
    lines += [f"made of:  {', '.join(came.parents)}"] if came.parents else []
    lines += [f"replaces: {memory.supersedes}"] if memory.supersedes else []
    return lines


def first_line(memory: Memory) -> str:
    """The beginning of what it says."""
    return one_line(memory.lesson.text, 80)


def told_evidence(report: Evidence) -> list[str]:
    """What a change rests on."""
    match report:
        case None:
            return []
        case ScanReport(findings=findings, version=version):
            rules = f" (rules {version})" if version else ""
            seen = [f"scan: {found.threat} ({found.rule}, {found.severity}): “{found.excerpt}”" for found in findings]
            return [*seen, f"scanned{rules}"] if seen else [f"the scan found nothing{rules}"]
        case TrialReport():
            return _trial(report)
        case ExposureReport():
            return _exposures(report)
        case Restoration(line=line, at=at, status=status):
            return [f"line {line} of the journal, of {when(at)}, shows it {status}"]
        case Revision(revises=revises, version=version):
            return [f"its trial goes on from that of {revises}" if version else f"it is tried against {revises}"]
        case Alteration(expected=expected, found=found):
            return [
                f"its card had the hash {found[:16]}…, and the journal "
                + (f"{expected[:16]}…" if expected else "no line of it")
            ]
        case _:
            assert_never(report)


def _trial(report: TrialReport) -> list[str]:
    pairs = f"{counted(len(report.pairs), 'pair', 'pairs')} of runs on {counted(report.tasks, 'task', 'tasks')}"
    return [
        f"trial: {_verdict(report)}",
        f"{pairs}: better with it {report.wins}, better without it {report.losses}, mean gain {_gain(report.mean_gain, report.interval)}",
        _e_values(report),
        f"cost: {report.tokens:,} tokens",
    ]


def _exposures(report: ExposureReport) -> list[str]:
    return [
        f"in use by chance: {_verdict(report)}",
        f"{report.successes} of {counted(report.shown, 'run', 'runs')} with it succeeded, {report.successes_without} of"
        f" {report.withheld} without it; effect {_gain(report.effect, report.interval)}",
        _e_values(report),
    ]


def _verdict(report: TrialReport | ExposureReport) -> str:
    return "it helps" if report.helps else "it harms" if report.harms else "not enough evidence either way"


def _e_values(report: TrialReport | ExposureReport) -> str:
    """As one number decides both where both rates are the same."""
    helps, harms = 1 / report.alpha, 1 / report.alpha_harm
    decides = f"{helps:.0f} decides" if round(helps) == round(harms) else f"{helps:.0f} and {harms:.0f} decide"
    return f"evidence that it helps {report.e_help:.1f}, that it harms {report.e_harm:.1f}; {decides}"


def _gain(mean: float | None, interval: tuple[float, float] | None) -> str:
    gain = "unknown" if mean is None else f"{mean:+.2f}"
    return gain if interval is None else f"{gain} (95 % interval {interval[0]:+.2f} to {interval[1]:+.2f})"
