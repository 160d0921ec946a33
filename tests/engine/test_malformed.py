"""Whatever a model says instead of an action, the run ends by itself, with a reason, and earns nothing."""

from pathlib import Path

import pytest

from benchmarks.malformed import violations
from purpose_agent.agents.workspace import Workspace
from tests.malformed import Malformed, corpus

pytestmark = pytest.mark.anyio
OUTPUTS = corpus()
NATIVE = [output for output in OUTPUTS if output.tool_calls]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: making a workspace costs more than a run."""
    return tmp_path_factory.mktemp("malformed")


def test_there_are_two_hundred_different_ones() -> None:
    assert len({output.name for output in OUTPUTS}) == len(OUTPUTS) == 200


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
async def test_a_run_asked_for_json_survives_it(output: Malformed, folder: Path) -> None:
    assert await violations(output, native=False, workspace=Workspace(folder)) == []


@pytest.mark.parametrize("output", NATIVE, ids=lambda output: output.name)
async def test_a_run_with_native_tools_survives_it(output: Malformed, folder: Path) -> None:
    assert await violations(output, native=True, workspace=Workspace(folder)) == []


@pytest.mark.parametrize("output", [output for output in OUTPUTS if not output.tool_calls], ids=lambda output: output.name)
async def test_text_where_a_native_call_could_be_is_never_a_success(output: Malformed, folder: Path) -> None:
    assert await violations(output, native=True, workspace=Workspace(folder)) == []
