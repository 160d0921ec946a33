"""Nothing is an island: every file can be reached from a door.

Imports inside functions count, since lazy imports are policy. Imports for type checkers only don't count.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, executed, modules, rooms, tree_of

DOORS = (
    "purpose_agent",
    "purpose_agent.__main__",
    "purpose_agent.cli.main",
    "purpose_agent.mas_generator",
    "purpose_agent.multi_agent",
    "purpose_agent.testing",
)
"""Of `purpose_agent.testing` every file is a door: people who extend the package import them one by one."""
PROMPTS = sorted(path for path in (PACKAGE / "prompts").glob("*.md") if path.name != "README.md")


def _with_parents(name: str) -> Iterator[str]:
    """Importing `a.b.c` runs `a` and `a.b` first."""
    parts = name.split(".")
    yield from (".".join(parts[: end + 1]) for end in range(len(parts)))


def _imported_by(module: str) -> Iterator[str]:
    """The dotted names that `module` imports or names; some are not modules, and are sorted out by the caller."""
    path = modules()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in executed(tree_of(path)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                origin = ".".join([*above, *([source] if source else [])])
                yield origin
                yield from (f"{origin}.{alias.name}" for alias in names)
            case ast.Constant(value=str(text)):
                yield from _named_in(text, package)
            case _:
                pass


def _named_in(text: str, package: str) -> Iterator[str]:
    """Modules that a string may name: a lazy table's rows, `python -m` of a child, a sibling run as a script."""
    yield text
    yield f"{package}.{text}"
    yield f"{package}{text}"  # import_module(".team", __package__)
    if text.endswith(".py"):
        yield f"{package}.{text.removesuffix('.py')}"


def _reached() -> set[str]:
    reached: set[str] = set()
    waiting: list[str] = [*DOORS, *(name for name in modules() if name.startswith("purpose_agent.testing."))]
    while waiting:
        for name in _with_parents(waiting.pop()):
            if name in modules() and name not in reached:
                reached.add(name)
                waiting.extend(_imported_by(name))
    return reached


@pytest.mark.parametrize("door", DOORS)
def test_the_door_is_there(door: str) -> None:
    assert door in modules()


def test_every_file_is_reached_from_a_door() -> None:
    assert sorted(modules().keys() - _reached()) == []


def _loaded_prompts() -> set[str]:
    """The names in `load("...")` calls; `load("small" if tiny else "large")` names two."""
    names: set[str] = set()
    for path in modules().values():
        for node in executed(tree_of(path)):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).split(".")[-1] in ("load", "load_prompt"):
                constants = (part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant))
                names.update(value.removesuffix(".md") for value in constants if isinstance(value, str))
    return names


def test_every_prompt_is_loaded_somewhere() -> None:
    loaded = _loaded_prompts()

    assert [path.stem for path in PROMPTS if path.stem not in loaded] == []


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_a_room_is_introduced_by_a_readme_that_names_its_files(room: Path) -> None:
    readme = room / "README.md"
    assert readme.is_file(), f"{room.name}/ has no README.md"
    text = readme.read_text("utf-8")
    unnamed = [path.name for path in sorted(room.glob("*.py")) if path.name != "__init__.py" and path.name not in text]
    assert unnamed == [], f"{room.name}/README.md does not name them"
