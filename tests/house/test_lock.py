"""What is installed is locked by hash, comes from the public index, and has a stated reason."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.house.source import ROOT

LISTS = ("requirements/bench.txt", "requirements/build.txt", "requirements/dev.txt")
PUBLIC = {"https://pypi.org", "https://files.pythonhosted.org"}


def _declared() -> set[str]:
    """The names in pyproject.toml: core, extras, groups; extras of a requirement left out."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists: list[list[str]] = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    return {re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower() for names in lists for requirement in names}


def _pinned(path: Path) -> dict[str, str]:
    """Each requirement of a list with the text that belongs to it."""
    blocks = re.split(r"^(?=[a-z0-9])", path.read_text("utf-8"), flags=re.MULTILINE)
    return {block.partition("==")[0]: block for block in blocks if "==" in block}


@pytest.mark.parametrize("name", ["uv.lock", *LISTS])
def test_the_lock_names_public_addresses_only(name: str) -> None:
    found = set(re.findall(r"(?:https?|file)://[^/\"\s]*", (ROOT / name).read_text("utf-8")))

    assert found <= PUBLIC


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_has_a_hash(name: str) -> None:
    assert [pinned for pinned, block in _pinned(ROOT / name).items() if "--hash=sha256:" not in block] == []


def test_every_declared_dependency_is_locked() -> None:
    locked = {name for listed in LISTS for name in _pinned(ROOT / listed)}

    assert sorted(_declared() - locked) == []


def test_every_declared_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs/dependencies.md").read_text("utf-8")

    assert [name for name in sorted(_declared()) if f"`{name}`" not in reasons] == []
