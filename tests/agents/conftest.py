"""A machine with nothing on it."""

from pathlib import Path

import pytest

from purpose_agent.models.registry import PROVIDERS


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No keys, no models, no Ollama; the current folder is the one that is returned."""
    for row in PROVIDERS.values():
        for variable in filter(None, (row.key_variable, row.url_variable)):
            monkeypatch.delenv(variable, raising=False)
    for variable in ("PURPOSE_AGENT_MODEL", "PURPOSE_AGENT_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
