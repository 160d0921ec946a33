"""Known shapes of systems, and the words that ask for them.

In:  a description.
Out: a shape: who is in it, what leads where, how each of them is tried.

The examples in cases are made up, and small enough for a small model: they try whether each agent keeps to its place, not whether it
knows the world. Write cases of your own beside them.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from purpose_agent.agents.flows.graph import END, START
from purpose_agent.agents.generated.plan import AskNode, BranchPlan, Case, EdgePlan, Graph, SayNode
from purpose_agent.agents.generated.shape import SENTENCE, SHORT, Shape, Slot, line, own
from purpose_agent.agents.generated.texts import CONTENT, SUPPORT
from purpose_agent.core.task import Check

QUIET = "Nothing to report."
_HOLE = "acme/parser 2.3: CVE-2026-0001, critical, remote code execution, fixed in 2.4. acme/logger 1.8: no advisory."
_NO_HOLE = "All 12 repositories were looked at. No new CVE, no new advisory, nothing to update."
_LOUD = "web-1: disk usage 97 %, the limit is 80 %. web-2: disk usage 41 %, the limit is 80 %."
_CALM = "All 12 servers are within their limits. No errors, no warnings, no open findings."


def _monitored(loud: str, calm: str, where: str, what: str, other: str) -> tuple[Case, ...]:
    """Cases of something that is watched.

    Args:
        loud: An input that somebody has to hear of; it has `where`, and `what` is found in it. `other` is another item of it.
        calm: One that nobody has to.
    """
    named = Check.contains(where)
    item = Check.matches(rf"(?m)^(?=.*{re.escape(where)})(?=.*{what})(?!.*{re.escape(other)})")
    found = {"findings": loud}
    return (
        Case("watcher keeps names and numbers", loud, (item, *own()), "watcher"),
        Case("analyst sounds the alarm", loud, (Check.matches(r"\A\W*ALERT\b"),), "analyst", found),
        Case("analyst stays quiet", calm, (Check.matches(r"\A\W*QUIET\b"),), "analyst", {"findings": calm}),
        Case(
            "notifier says where, shortly",
            loud,
            (named, SHORT, *own(loud)),
            "notifier",
            {**found, "verdict": f"ALERT: {where} needs somebody."},
        ),
        Case("the team hears of a problem", loud, (named, SHORT, *own(loud))),
        Case("nobody is woken for nothing", calm, (Check.equals(QUIET),)),
    )


MONITOR = Shape(
    "monitor",
    "watches something and alerts people",
    ("monitor", "watch", "alert", "detect", "notify", "track", "warn", "cve", "uptime"),
    (
        Slot(
            "watcher",
            "List what the input and your tools report, one item a line, with names and numbers as they are. Add nothing.",
            ("monitor", "watch", "check", "fetch", "scan"),
            work="gather",
        ),
        Slot(
            "analyst",
            "Decide whether somebody has to act on what was found. A limit that is passed, a failure or a security problem needs it.",
            ("severity", "risk", "assess", "urgent", "analyse"),
            "Begin your reply with the word ALERT or the word QUIET. Then give the reason in one sentence.",
            "compute",
        ),
        Slot(
            "notifier",
            "Write the message to the team, at most four sentences: what happened, where, what to do next.",
            ("alert", "notify", "message", "tell", "escalate"),
            work="deliver",
        ),
    ),
    Graph(
        (
            AskNode("watch", "watcher", "findings"),
            AskNode("assess", "analyst", "verdict"),
            AskNode("notify", "notifier", "answer"),
            SayNode("quiet", QUIET),
        ),
        (*line(START, "watch", "assess"), EdgePlan(("notify",), END), EdgePlan(("quiet",), END)),
        (BranchPlan("assess", "verdict", {"ALERT": "notify", "QUIET": "quiet"}, otherwise="ALERT"),),
    ),
    _monitored(_LOUD, _CALM, "web-1", r"97\s*%", "web-2"),
    "analyst",
)

_NOTES = (
    "Question: when do spring tides come? Notes: Tides are caused mainly by the moon. Spring tides come at full moon and at new moon. "
    "Neap tides come at half moon."
)
RESEARCH = Shape(
    "research",
    "finds out and reports",
    ("research", "investigat", "survey", "literature", "report", "study", "compare", "summar", "find out", "papers"),
    (
        Slot(
            "researcher",
            "List the facts that bear on the question, one a line, each with where it is from. Say what you are not sure of.",
            ("research", "find", "search", "sources", "papers"),
            work="gather",
        ),
        Slot(
            "sceptic",
            "Say in at most three lines what could be wrong, missing or out of date in the input.",
            ("doubt", "verify", "criticise", "fact-check"),
            work="compute",
        ),
        Slot(
            "reporter",
            "Write the report from the facts and the doubts, at most 120 words. The answer to the question comes first.",
            ("report", "write", "summarise", "conclude"),
            work="deliver",
        ),
    ),
    Graph(
        (
            AskNode("research", "researcher", "facts"),
            AskNode("doubt", "sceptic", "doubts"),
            AskNode("report", "reporter", "answer"),
        ),
        (
            EdgePlan((START,), "research"),
            EdgePlan((START,), "doubt"),
            EdgePlan(("research", "doubt"), "report"),
            EdgePlan(("report",), END),
        ),
    ),
    (
        Case("researcher finds the fact", _NOTES, (Check.matches(r"(?i)full moon"), *own(_NOTES)), "researcher"),
        Case("sceptic is short", _NOTES, (SENTENCE, SHORT, *own(_NOTES)), "sceptic"),
        Case(
            "reporter answers the question",
            _NOTES,
            (Check.matches(r"(?i)(full|new) moon"), SHORT, *own(_NOTES)),
            "reporter",
            {"facts": "Spring tides come at full moon and at new moon (notes).", "doubts": "The notes name no source."},
        ),
        Case("the report answers the question", _NOTES, (Check.matches(r"(?i)(full|new) moon"), SHORT, *own(_NOTES))),
    ),
    "researcher",
)

_ROWS = "item,amount\npens,10\nink,32\n"
NO_ROWS = "There are no rows to work on."
DATA = Shape(
    "data",
    "takes data in, works on them, tells what came out",
    (
        "data",
        "pipeline",
        "etl",
        "csv",
        "transform",
        "extract",
        "clean",
        "sales",
        "dashboard",
        "metrics",
        "spreadsheet",
        "analy",
    ),
    (
        Slot(
            "extractor",
            "Give back the rows of the input, one a line, values unchanged.",
            ("extract", "load", "import", "read", "rows"),
            "Begin your reply with the word ROWS, or with the word EMPTY if there are none.",
            "gather",
        ),
        Slot(
            "transformer",
            "Do what is asked for with the rows: sums, groups, conversions. Give names with their numbers.",
            ("transform", "calculate", "clean", "convert", "aggregate", "python"),
            work="compute",
        ),
        Slot(
            "reporter",
            "Tell somebody who decides what came out, in at most four sentences, with the numbers.",
            ("report", "tell", "summarise", "export"),
            work="deliver",
        ),
    ),
    Graph(
        (
            AskNode("extract", "extractor", "rows"),
            AskNode("transform", "transformer", "results"),
            AskNode("report", "reporter", "answer"),
            SayNode("empty", NO_ROWS),
        ),
        (*line(START, "extract"), *line("transform", "report", END), EdgePlan(("empty",), END)),
        (BranchPlan("extract", "rows", {"ROWS": "transform", "EMPTY": "empty"}, otherwise="ROWS"),),
    ),
    (
        Case(
            "extractor changes nothing",
            _ROWS,
            (Check.matches(r"\A\W*ROWS\b"), Check.matches(r"pens\W+10"), Check.matches(r"ink\W+32")),
            "extractor",
        ),
        Case(
            "transformer writes code that adds up",
            "Write a Python function total(rows) that gives the sum of row['amount'] over a list of dicts.",
            (Check.python("assert total([{'amount': 10}, {'amount': 32}]) == 42\nassert total([]) == 0"),),
            "transformer",
        ),
        Case(
            "reporter keeps the numbers",
            _ROWS,
            (Check.contains("42"), SHORT, *own(_ROWS)),
            "reporter",
            {"rows": f"ROWS\n{_ROWS}", "results": "Total amount: 42 (pens 10, ink 32)."},
        ),
        Case("the report has the numbers", _ROWS, (Check.matches(r"10|32|42"), SHORT, *own(_ROWS))),
    ),
    "transformer",
)

SECURITY = replace(MONITOR, cases=_monitored(_HOLE, _NO_HOLE, "acme/parser", "CVE-2026-0001", "acme/logger"))
"""The same, tried with what it is about: a small model that is told of CVEs does not see a full disk."""
SHAPES: Sequence[Shape] = (MONITOR, RESEARCH, DATA, SUPPORT, CONTENT)


def shapes_for(description: str) -> tuple[Shape, ...]:
    """The shapes, with examples of its kind where there are several kinds."""
    is_security = re.search(r"\b(cves?|vulnerab|advisor|security)", description.casefold()) is not None
    return tuple(SECURITY if shape is MONITOR and is_security else shape for shape in SHAPES)


def chosen_by_words(description: str) -> tuple[tuple[Shape, ...], tuple[str, ...]]:
    """The shapes that most words ask for, first the one whose word comes first, and its words; () where none does."""
    text = description.casefold()
    found = [(shape, _found(shape, text)) for shape in shapes_for(text)]
    most = max(len(words) for _, words in found)
    best = sorted(((shape, words) for shape, words in found if most and len(words) == most), key=lambda each: each[1][0][0])
    return tuple(shape for shape, _ in best), tuple(word for _, word in best[0][1]) if best else ()


def _found(shape: Shape, text: str) -> list[tuple[int, str]]:
    """Where its words stand, the first one first."""
    found = (re.search(rf"\b{word}", text) for word in shape.words)
    return sorted((at.start(), at[0]) for at in found if at is not None)
