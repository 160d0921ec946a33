"""The door as a whole: help, version, errors in words."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from purpose_agent.cli.main import app

COMMANDS = [
    ["run"],
    ["doctor"],
    ["learn"],
    ["lift"],
    ["runs", "list"],
    ["runs", "show"],
    ["memories", "list"],
    ["memories", "show"],
    ["memories", "why"],
    ["models", "list"],
    ["models", "pull"],
    ["models", "verify"],
]


def _child(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def test_the_version_is_the_installed_one() -> None:
    from importlib.metadata import version

    assert CliRunner().invoke(app, ["--version"]).stdout == f"purpose-agent {version('purpose-agent')}\n"


def test_the_module_is_the_command() -> None:
    assert _child("-m", "purpose_agent", "--version").stdout == CliRunner().invoke(app, ["--version"]).stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])

    assert result.exit_code == 0
    assert result.stdout.strip().splitlines()[2].strip(), "a sentence below the usage"


def test_help_loads_nothing_that_only_a_run_needs() -> None:
    code = (
        "import sys; from purpose_agent.cli.main import app; app(['--help'], standalone_mode=False); "
        "sys.stderr.write(','.join({'pydantic', 'anyio', 'apsw', 'httpx2', 'xllamacpp'} & set(sys.modules)))"
    )

    result = _child("-c", code)

    assert (result.returncode, result.stderr) == (0, "")


def test_an_error_of_ours_is_a_message_on_stderr_and_no_traceback() -> None:
    result = CliRunner().invoke(app, ["models", "pull", "gpt-17"])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("The catalogue has no model 'gpt-17'.")


def test_a_workspace_may_be_named_before_the_command_or_after_it(tmp_path: Path) -> None:
    one, other = str(tmp_path / "one"), str(tmp_path / "other")

    assert CliRunner().invoke(app, ["-w", one, "runs", "list"]).stdout == f"No runs yet in {one}.\n"
    assert CliRunner().invoke(app, ["-w", one, "runs", "list", "-w", other]).stdout == f"No runs yet in {other}.\n"


def test_a_terminal_without_greek_still_gets_its_lines(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "purpose_agent", "models", "list"],
        env={"PATH": "", "PYTHONIOENCODING": "ascii", "PURPOSE_AGENT_MODELS": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert "Apache-2.0" in result.stdout
