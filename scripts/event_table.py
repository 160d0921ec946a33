"""Write the table of events in docs/events.md anew, from the code: `python scripts/event_table.py`."""

import inspect
import re
from pathlib import Path

from purpose_agent.runtime.events import PAYLOADS, VISIBILITY

PAGE = Path(__file__).parents[1] / "docs" / "events.md"
HEAD = "| kind | type | for | what it says |\n|---|---|---|---|\n"


def table() -> str:
    """The kinds, in the order of the code."""
    rows: list[str] = []
    for kind, payload in PAYLOADS.items():
        said = (inspect.getdoc(payload) or "").partition("\n\n")[0].replace("\n", " ")
        rows.append(f"| `{kind}` | `{payload.__name__}` | {VISIBILITY.get(kind, 'public')} | {said} |\n")
    return HEAD + "".join(rows)


def renewed(page: str) -> str:
    """The page with the table as the code has it."""
    return re.sub(re.escape(HEAD) + r"(?:\|.*\n)*", lambda _: table(), page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
