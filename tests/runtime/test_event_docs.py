"""The page about events tells of every kind, in the words of the code."""

import inspect

from purpose_agent.runtime.events import PAYLOADS, TERMINAL, VISIBILITY
from tests.house.source import ROOT


def table() -> str:
    """The kinds as the page shows them, in the order of the code."""
    rows = ["| kind | type | for | what it says |", "|---|---|---|---|"]
    for kind, payload in PAYLOADS.items():
        said = (inspect.getdoc(payload) or "").partition("\n\n")[0].replace("\n", " ")
        rows.append(f"| `{kind}` | `{payload.__name__}` | {VISIBILITY.get(kind, 'public')} | {said} |")
    return "\n".join(rows)


def test_the_page_has_every_kind_in_the_words_of_the_code() -> None:
    page = (ROOT / "docs" / "events.md").read_text("utf-8")

    assert table() in page


def test_the_page_names_the_ends() -> None:
    page = (ROOT / "docs" / "events.md").read_text("utf-8")

    assert f"({', '.join(f'`{kind}`' for kind in sorted(TERMINAL))})" in page
