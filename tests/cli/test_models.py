"""`models`: the catalogue, and what becomes of files that can't be had or can't be trusted."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from purpose_agent.cli.main import app
from purpose_agent.cli.progress import bytes_progress
from purpose_agent.models.catalogue import Progress, get_weights, path_of
from tests.models.wire import Reply, serving


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no index to fetch from."""
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path


def test_the_list_states_size_and_licence_of_each_model() -> None:
    result = CliRunner().invoke(app, ["models", "list"])

    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("qwen2.5-coder:1.5b"))
    assert row.split()[1:5] == ["1.1", "GB", "Apache-2.0", "–"]
    assert "the default" in row
    assert CliRunner().invoke(app, ["models"]).stdout == result.stdout


def test_a_file_with_another_hash_is_discarded_and_said_to_be() -> None:
    path = path_of(get_weights("smollm2-135m"))
    path.write_bytes(b"something else")

    result = CliRunner().invoke(app, ["models", "verify", "smollm2-135m"])

    assert result.exit_code == 1
    assert "was discarded" in result.stderr
    assert not path.exists()


def test_a_file_that_is_not_here_can_not_be_verified() -> None:
    result = CliRunner().invoke(app, ["models", "verify"])

    assert result.exit_code == 1
    assert "purpose-agent models pull qwen2.5-coder:1.5b" in result.stderr


def test_where_no_source_delivers_each_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reply(status=503)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.root)
        result = CliRunner().invoke(app, ["models", "pull", "0.5b"])

    assert result.exit_code == 1
    assert "491.4 MB, licence Apache-2.0" in result.stdout
    assert "answered 503" in result.stderr
    assert "registry: pip could not download" in result.stderr


def _one_megabyte() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))


def test_a_full_disk_is_called_one(cache: Path) -> None:
    with serving(Reply(body=b"x" * 3 * 2**20)) as hub:
        result = subprocess.run(
            [sys.executable, "-m", "purpose_agent", "models", "pull", "0.5b"],
            env={**os.environ, "HF_ENDPOINT": hub.root},
            preexec_fn=_one_megabyte,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    assert result.returncode == 1
    assert "Make room" in result.stderr
    assert "Traceback" not in result.stderr


def _pull_of_100_bytes() -> None:
    with bytes_progress() as report:
        for done in range(0, 101):
            report(Progress("tiny", "download", done, 100, 100.0 - done, "hub"))
        report(Progress("tiny", "done", 100, 100, None, None))


def test_where_nobody_watches_progress_is_a_line_a_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    _pull_of_100_bytes()

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[5] == "fetching tiny from the hub: 50 bytes of 100 bytes, 50 s left"


def test_on_a_terminal_progress_is_a_bar_with_bytes_and_speed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")

    _pull_of_100_bytes()

    drawn = capsys.readouterr().err
    assert "fetching tiny from the hub" in drawn
    assert "100/100 bytes" in drawn
