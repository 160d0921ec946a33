"""The package as text: its files, their module names, their syntax trees. Nothing is imported."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "purpose_agent"


def module_name(path: Path) -> str:
    """`src/purpose_agent/core/task.py` → `purpose_agent.core.task`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    return {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def rooms() -> list[Path]:
    """Every folder of the package that holds source, the root left out."""
    return sorted({path.parent for path in PACKAGE.rglob("*.py")} - {PACKAGE})


def _is_typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and all below it that can run: the bodies of `if TYPE_CHECKING` are left out."""
    yield node
    for child in ast.iter_child_nodes(node):
        if _is_typing_only(child):
            assert isinstance(child, ast.If)
            for otherwise in child.orelse:
                yield from executed(otherwise)
        else:
            yield from executed(child)
