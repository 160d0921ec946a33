"""The contracts between rooms hold, and would be seen to break; text is executed in the sandbox only."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, ROOT, modules, tree_of

TEXT_RUNNERS = {"exec", "eval", "compile"}
TEXT_RUNNING_MODULES = {"code", "codeop", "marshal", "pickle", "runpy", "shelve"}
"""Modules whose job is to run text, or whose format can run code when it is read."""


def _lint(source: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the package below `source`, which goes before the installed one."""
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(config_filename=sys.argv[1], no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", command, str(ROOT / "pyproject.toml")],
        cwd=source.parent,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    result = _lint(PACKAGE.parent)

    assert result.returncode == 0, result.stdout + result.stderr


LAYERS = "Rooms import from lower rooms only, and every room has a layer"


@pytest.mark.parametrize(
    ("file", "forbidden", "contract"),
    [
        pytest.param("core/ids.py", "import purpose_agent.runtime", LAYERS, id="a lower room imports a higher one"),
        pytest.param("critics/trespass.py", "import purpose_agent.tools", LAYERS, id="neighbours import each other"),
        pytest.param("attic/__init__.py", "import purpose_agent.core", LAYERS, id="a room has no layer"),
        pytest.param("core/messages.py", "import purpose_agent.core.tool", "No cycles between files or rooms", id="a cycle"),
        pytest.param(
            "engine/trespass.py",
            "import purpose_agent.memory.store",
            "Only memory and the place of assembly touch the store",
            id="the engine opens the store",
        ),
        pytest.param(
            "agents/trespass.py",
            "import purpose_agent.testing",
            "Nothing shipped imports the test doubles",
            id="something shipped imports a double",
        ),
        pytest.param(
            "memory/trespass.py",
            "import xllamacpp",
            "The ground, the run and the memory need no extra",
            id="memory imports the local engine",
        ),
    ],
)
def test_a_forbidden_import_inside_a_function_breaks_its_contract(
    tmp_path: Path, file: str, forbidden: str, contract: str
) -> None:
    source = tmp_path / "src"
    shutil.copytree(PACKAGE.parent, source, ignore=shutil.ignore_patterns("__pycache__"))
    target = source / "purpose_agent" / file
    target.parent.mkdir(exist_ok=True)
    before = target.read_text("utf-8") if target.exists() else ""
    target.write_text(f"{before}\n\ndef trespass() -> None:\n    {forbidden}\n", "utf-8")

    result = _lint(source)

    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contract} BROKEN" in result.stdout


def _runs_text(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(value=ast.Name(id="builtins"), attr=name)):
            return name in TEXT_RUNNERS
        case ast.Import(names=names):
            return any(alias.name in TEXT_RUNNING_MODULES for alias in names)
        case ast.ImportFrom(module=module, level=0):
            return module in TEXT_RUNNING_MODULES
        case _:
            return False


def test_only_the_sandbox_executes_text() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', '?')}"
        for name, path in modules().items()
        if not name.startswith("purpose_agent.sandbox")
        for node in ast.walk(tree_of(path))
        if _runs_text(node)
    ]

    assert found == []
