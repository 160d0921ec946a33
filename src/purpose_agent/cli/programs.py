"""The user's program, imported so that its agents, flows and teams are there: they are functions, and in no record.

In:  "package.module", or the path of a Python file.
Out: the module, whose agents have registered themselves with their workspace.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from purpose_agent.core.errors import UsageError


def load_program(app: str, workspace: Path | None = None) -> ModuleType:
    """Import the program, from the current folder or from anywhere on the path; a file with its own folder on the path.

    Args:
        workspace: Where those of its agents are that name no folder; None: in the usual one.

    Raises:
        UsageError: There is no such module or file, or importing it fails.
    """
    if workspace is not None:
        from purpose_agent.agents.workspace import HOME_VARIABLE

        os.environ[HOME_VARIABLE] = str(workspace)
    try:
        if app.endswith(".py"):
            return _from_file(Path(app))
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(app)
    except (ImportError, OSError) as error:
        raise UsageError(
            f"--app {app} can't be imported: {error}. Give a module such as mypackage.agents, or a file such as agents.py."
        ) from error


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"--app {path}: there is no such Python file.")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python FILE` has it: a program of several files imports the others
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
