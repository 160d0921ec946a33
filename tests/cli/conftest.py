"""A machine with nothing on it, and servers to put there."""

from collections.abc import Generator
from pathlib import Path

import pytest

from purpose_agent.models.registry import PROVIDERS
from tests.models.wire import ChatServer, Reply, completion, serving

CORRECT = "```python\ndef is_leap(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)\n```"


@pytest.fixture(autouse=True)
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that are told of a workspace tell their program by the variable, which no other test shall see."""
    monkeypatch.delenv("PURPOSE_AGENT_HOME", raising=False)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No keys, no models, no Ollama; the workspace to be is the folder that is returned."""
    for row in PROVIDERS.values():
        for variable in filter(None, (row.key_variable, row.url_variable)):
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("PURPOSE_AGENT_MODEL", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PURPOSE_AGENT_HOME", str(tmp_path / "workspace"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "workspace"


@pytest.fixture
def model(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[ChatServer]:
    """The machine has a server, whose model always gives the same right program."""
    with serving(Reply(body=completion(CORRECT))) as server:
        monkeypatch.setenv("PURPOSE_AGENT_MODEL", f"{server.url}#tiny-1b")
        yield server
