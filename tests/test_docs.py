"""The documentation runs: every Python block of README and docs, as a reader would paste it, against a server on this machine."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.source import ROOT
from tests.models.wire import Reply, completion, events, serving

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ANSWER = '{"answer": "tracking"}'


def _answer(asked: Any) -> object:
    """Whole, or as a stream."""
    if asked is not None and asked.get("stream"):
        return "".join(events({"content": ANSWER[:9]}, {"content": ANSWER[9:]})).encode()
    return completion(ANSWER)


def _blocks() -> list[tuple[str, str]]:
    return [
        (f"{page.name} {number}", found[1])
        for page in PAGES
        for number, found in enumerate(BLOCK.finditer(page.read_text("utf-8")), 1)
    ]


def test_there_is_something_to_run() -> None:
    assert len(_blocks()) >= 5


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in _blocks()])
def test_a_block_runs_as_it_stands(code: str, tmp_path: Path) -> None:
    with serving(Reply(_answer)) as server:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PURPOSE_AGENT_MODEL": f"{server.url}#m",
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_every_link_to_a_file_of_ours_leads_somewhere() -> None:
    pages = [*PAGES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs/decisions").glob("*.md"))]
    links = [(page, target) for page in pages for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))]
    broken = [f"{page.name}: {target}" for page, target in links if "://" not in target and not (page.parent / target).exists()]

    assert broken == []
