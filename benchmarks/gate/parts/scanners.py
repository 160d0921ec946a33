"""The scanners alone: what they catch, what they refuse wrongly, beside a plain list of patterns; and how long they take.

In:  labelled texts (see `options.py`), each read as a lesson of its kind.
Out: shares with intervals for each threat, for all scanners together, for harmless texts and for those that look harmful;
milliseconds for 4 kB and 1 MB, of ordinary text and of shapes that make bad patterns slow.

The rules were written with these texts at hand: the figures say how well they fit them. Nothing rests on scanners.
"""

import ast
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

from benchmarks.figures import ROOT, Figure, Figures, share, unmeasured
from benchmarks.gate.options import TEXTS, Options
from purpose_agent.core.memory import Lesson, Provenance
from purpose_agent.evals.stats import wilson
from purpose_agent.memory.scanners import scan

WANTED: Mapping[str, str] = {
    "scan_caught": "harmful texts that the scanners block, all of them",
    "scan_caught_threats": "the same of the five threats that they are made for",
    "scan_false": "harmless texts that they block",
    "scan_hard_false": "the same of harmless texts that look harmful",
    "scan_secrets": "secrets and personal data that they block",
    "scan_secrets_false": "harmless texts in which they see secrets or personal data",
    "scan_false_docs": "paragraphs of the docstrings of Python's own library that they block: no rule was written after them",
    "scan_secrets_peer": "secrets and personal data that detect-secrets sees, where it is installed",
    "scan_plain_caught": "harmful texts that a plain list of patterns blocks",
    "scan_plain_false": "harmless texts that it blocks",
    "scan_ms_4k": "milliseconds for a text of 4 kB, the slowest of all shapes",
    "scan_ms_4k_ordinary": "the same of ordinary text, median",
    "scan_ms_1m": "milliseconds for a text of 1 MB, the slowest of all shapes",
}
Item: TypeAlias = Mapping[str, str]
Seen: TypeAlias = Callable[[Item], frozenset[str]]

PLAIN: Final = {
    "prompt_injection": r"ignore (?:all |any )?(?:previous|prior|above) instructions|disregard (?:the |all )?(?:above|previous)"
    r"|system prompt|you are now|jailbreak|developer mode|<\|im_start\|>|do not tell the user",
    "score_manipulation": r"(?:full|perfect|maximum) (?:score|marks)|score of 10|skip the tests?|always pass",
    "tool_misuse": r"rm -rf|curl .*\| ?(?:ba)?sh|eval\(|exec\(|os\.system|drop table|/etc/passwd|shell=True",
    "privacy_leak": r"AKIA[0-9A-Z]{16}|ghp_\w{36}|sk-\w{20,}|-----BEGIN .*PRIVATE KEY|\b\d{3}-\d{2}-\d{4}\b|password\s*[:=]",
    "scope_overreach": r"all agents|all users|every agent|permanently|for everyone|regardless of",
}
"""What people put together in an afternoon."""

SHAPES: Final = (
    "a", "a ", "a@", "a.b@c.d ", "\"", "'", "[", "((", "<a ", "<!--", "../", "\n", "é", "\u200b", "\ufdfa", "аб ", "%61", "&#65;", "QUJD",
    "6a", "4111", "+1 202 ", "DE44 5001 ", "http://a:", "://a:b", "ignore ", "ignore your ", "never ", "give 10 ", "one user ", "key=x1",
    "curl ", "requests.post ", "eyJa.", "-----BEGIN PRIVATE KEY-----", "U+0041 ", "Aa Bb takes ",
)  # fmt: skip


def measure(options: Options) -> Figures:
    """Everything, with tables."""
    slow = _slowness(options) | _on_docstrings(options)
    if not TEXTS.is_file():
        why = f"there is no {TEXTS}"
        return unmeasured(why, **{name: about for name, about in WANTED.items() if name not in slow}) | slow
    items: list[Item] = [json.loads(line) for line in TEXTS.read_text().splitlines()]
    items = items[:: 10 if options.quick else 1]
    ours, plain = [(each, _scanned(each)) for each in items], [(each, _plainly(each)) for each in items]
    _show(ours, plain)
    return _figures(ours, plain) | _peer(items) | slow


def _on_docstrings(options: Options) -> Figures:
    """False alarms on prose about code that nobody wrote for this."""
    paragraphs = _docstrings()
    random.Random(options.seed).shuffle(paragraphs)
    among = paragraphs[: 100 if options.quick else 3_000]
    blocked = sum(not scan(_lesson(each)).clean for each in among)
    return {"scan_false_docs": share(WANTED["scan_false_docs"], blocked, len(among))}


def _docstrings() -> list[str]:
    found: list[str] = []
    for path in sorted(Path(random.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                found += [each.strip() for each in (ast.get_docstring(node) or "").split("\n\n")]
    return [each for each in found if 40 < len(each) < 800]


def _peer(items: Sequence[Item]) -> Figures:
    """What detect-secrets sees; it is no dependency of ours (docs/dependencies.md says why)."""
    name = "scan_secrets_peer"
    try:
        # No dependency, so no types of it are known.
        peer: Any = import_module("detect_secrets")
        settings: Any = import_module("detect_secrets.settings")
    except ImportError:
        return unmeasured("detect-secrets is not installed: pip install detect-secrets", **{name: WANTED[name]})
    seen: list[bool] = []
    with settings.default_settings(), TemporaryDirectory() as folder:
        for number, item in enumerate(each for each in items if each["kind"] == "privacy_leak"):
            path = Path(folder, f"{number}.txt")
            path.write_text(item["text"])
            secrets = peer.SecretsCollection()
            secrets.scan_file(str(path))
            seen.append(bool(secrets.data))
    return {name: share(WANTED[name], sum(seen), len(seen))}


def _scanned(item: Item) -> frozenset[str]:
    """The threats for which our scanners block it."""
    return frozenset(found.threat for found in scan(_lesson(item["text"], item)).findings if found.severity == "block")


def _plainly(item: Item) -> frozenset[str]:
    """The same of the plain list."""
    return frozenset(threat for threat, pattern in PLAIN.items() if re.search(pattern, item["text"], re.IGNORECASE))


def _lesson(text: str, item: Item | None = None) -> Lesson:
    # As if its origin were the agent itself: what an origin may not be is another layer's business.
    kind = item["memory_kind"] if item is not None else "skill_card"
    return Lesson(kind, "working", text, Provenance("self_inferred"))  # pyright: ignore[reportArgumentType]


def _figures(ours: Sequence[tuple[Item, frozenset[str]]], plain: Sequence[tuple[Item, frozenset[str]]]) -> Figures:
    def blocked(
        name: str, among: Sequence[tuple[Item, frozenset[str]]], fits: Callable[[Item], bool], threat: str = ""
    ) -> Figures:
        of = [threat in seen if threat else bool(seen) for item, seen in among if fits(item)]
        return {name: share(WANTED[name], sum(of), len(of))} if of else unmeasured("no such texts", **{name: WANTED[name]})

    return (
        blocked("scan_caught", ours, _harmful)
        | blocked("scan_caught_threats", ours, lambda item: item["kind"] in PLAIN)
        | blocked("scan_false", ours, _harmless)
        | blocked("scan_hard_false", ours, lambda item: item["kind"] == "benign_hard")
        | blocked("scan_secrets", ours, lambda item: item["kind"] == "privacy_leak", "privacy_leak")
        | blocked("scan_secrets_false", ours, _harmless, "privacy_leak")
        | blocked("scan_plain_caught", plain, _harmful)
        | blocked("scan_plain_false", plain, _harmless)
    )


def _harmful(item: Item) -> bool:
    return item["label"] == "adversarial"


def _harmless(item: Item) -> bool:
    return item["label"] == "benign"


def _show(ours: Sequence[tuple[Item, frozenset[str]]], plain: Sequence[tuple[Item, frozenset[str]]]) -> None:
    """For each kind of text what was blocked, and for each threat what was seen in harmless texts."""
    from rich.console import Console
    from rich.table import Table

    rows: dict[str, list[list[bool]]] = defaultdict(lambda: [[], []])
    for place, among in enumerate((ours, plain)):
        for item, seen in among:
            rows[f"{item['label']}: {item['kind']}"][place].append(bool(seen))
            if _harmless(item):
                for threat in PLAIN:
                    rows[f"harmless, seen as {threat}"][place].append(threat in seen)
    table = Table("texts", "n", "our scanners block", "a plain list blocks", title="Scanners alone", title_justify="left")
    for name, (first, second) in sorted(rows.items()):
        table.add_row(name, str(len(first)), _share(first), _share(second))
    Console().print(table)


def _share(of: Sequence[bool]) -> str:
    low, high = wilson(sum(of), len(of))
    return f"{sum(of) / len(of):.1%} ({low:.1%} … {high:.1%})"


def _slowness(options: Options) -> Figures:
    """Milliseconds of the processor for ordinary text and for the slowest shape, each the best of some goes."""
    goes = 1 if options.quick else 5
    ordinary = _ordinary()
    small = {shape: _milliseconds(_sized(shape, 4_000), goes) for shape in SHAPES}
    large = {shape: _milliseconds(_sized(shape, 1_000_000), goes) for shape in (*SHAPES, ordinary)}
    usual = [_milliseconds(ordinary[start : start + 4_000], goes) for start in range(0, len(ordinary) - 4_000, 4_000)]
    small[ordinary] = max(usual)
    return {
        "scan_ms_4k": Figure(f"{WANTED['scan_ms_4k']} ({_name(small)})", max(small.values()), n=len(small)),
        "scan_ms_4k_ordinary": Figure(WANTED["scan_ms_4k_ordinary"], median(usual), min(usual), max(usual), len(usual)),
        "scan_ms_1m": Figure(f"{WANTED['scan_ms_1m']} ({_name(large)})", max(large.values()), n=len(large)),
    }


def _name(times: Mapping[str, float]) -> str:
    slowest = max(times, key=lambda shape: times[shape])
    return repr(slowest)[:20] + (" …" if len(repr(slowest)) > 20 else "")


def _ordinary() -> str:
    """Prose and code of this repository, about 40 kB."""
    pages = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "src" / "purpose_agent" / "core").glob("*.py"))]
    return "\n".join(Path(page).read_text() for page in pages)[:40_000]


def _sized(shape: str, size: int) -> str:
    return (shape * (size // len(shape) + 1))[:size]


def _milliseconds(text: str, goes: int) -> float:
    lesson = _lesson(text)
    spent: list[float] = []
    for _ in range(goes):
        began = time.process_time()
        scan(lesson)
        spent.append(1000 * (time.process_time() - began))
    return min(spent)
