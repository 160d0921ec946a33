"""What every test shares: asyncio under anyio's plugin, and hypothesis without luck."""

import pytest
from hypothesis import settings

# The same examples every time: a failure found by chance on one machine is a failure nobody else can see.
settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _no_embedder_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PURPOSE_AGENT_EMBEDDER", raising=False)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What `pytest.mark.anyio` tests run on. The sync façade is asyncio's, so trio is not offered."""
    return "asyncio"
