"""Importing the package costs nothing that wasn't asked for.

Counted: third-party modules, writes, output. CPU time is measured in `benchmarks/`, where a loaded machine
can't fail a build.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypedDict, cast

from tests.house.source import modules

WATCHED = """
import importlib, json, os, sys

writes = []

def watch(event, args):
    if event == "open":
        path, mode, flags = args
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            writes.append(f"open {path}")
    elif event in ("os.mkdir", "os.rename", "os.remove", "sqlite3.connect", "socket.connect", "subprocess.Popen"):
        writes.append(f"{event} {args[0]}")

ours = sys.argv[1:]
before = set(sys.modules)
sys.addaudithook(watch)
for name in ours:
    importlib.import_module(name)
new = {name.partition(".")[0] for name in set(sys.modules) - before}
foreign = sorted(new - set(sys.stdlib_module_names) - {"purpose_agent"})
report = {"foreign": foreign, "writes": list(writes)}
sys.stderr.write("REPORT" + json.dumps(report))
"""


class Report(TypedDict):
    """What an import was seen to do."""

    foreign: list[str]
    writes: list[str]


def _import(names: list[str], home: Path) -> tuple[Report, str]:
    """Import `names` in a fresh interpreter; what it did, and what it printed.

    `-B`, so that the interpreter's own bytecode files are not taken for ours.
    """
    result = subprocess.run(
        [sys.executable, "-I", "-B", "-c", WATCHED, *names],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    printed, _, report = result.stderr.partition("REPORT")
    return cast(Report, json.loads(report)), result.stdout + printed


def test_importing_the_package_pulls_in_nothing_writes_nothing_and_prints_nothing(tmp_path: Path) -> None:
    report, printed = _import(["purpose_agent"], tmp_path)

    assert report == {"foreign": [], "writes": []}
    assert printed == ""
    assert list(tmp_path.iterdir()) == []


def test_no_module_but_the_terminal_door_needs_a_third_party_package_before_it_is_used(tmp_path: Path) -> None:
    names = [name for name in modules() if not name.startswith(("purpose_agent.cli", "purpose_agent.__main__"))]

    report, printed = _import(names, tmp_path)

    assert report == {"foreign": [], "writes": []}
    assert printed == ""
    assert list(tmp_path.iterdir()) == []


def test_every_public_name_can_be_had() -> None:
    names = "import purpose_agent as pa; missing = [n for n in pa.__all__ if getattr(pa, n, None) is None]; assert not missing, missing"

    result = subprocess.run([sys.executable, "-I", "-c", names], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
