"""The page about events tells of every kind, in the words of the code."""

import pytest

from purpose_agent.runtime.events import PAYLOADS, TERMINAL
from scripts.event_table import PAGE, renewed


@pytest.fixture
def page() -> str:
    return PAGE.read_text("utf-8")


def test_the_page_has_every_kind_in_the_words_of_the_code(page: str) -> None:
    assert page == renewed(page), "the code says something else now: python scripts/event_table.py"
    assert [kind for kind in PAYLOADS if f"| `{kind}` |" not in page] == []


def test_a_page_that_fell_behind_is_seen(page: str) -> None:
    behind = page.replace("| `run_started` | `RunStarted` | public | A run begins. |\n", "")

    assert behind != page
    assert renewed(behind) == page


def test_the_page_names_the_ends(page: str) -> None:
    assert f"({', '.join(f'`{kind}`' for kind in sorted(TERMINAL))})" in page
