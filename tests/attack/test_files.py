"""Paths that try to leave the folder of the file tools."""

import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.agents.workspace import Workspace
from purpose_agent.core.errors import ToolError
from purpose_agent.tools.files import ListFilesTool, ReadFileTool, WriteFileTool

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with links that lead out, next to a folder with a secret."""
    place = tmp_path_factory.mktemp("place")
    (place / "outside").mkdir()
    (place / "outside/secret").write_text("hush")
    root = place / "root"
    (root / "sub").mkdir(parents=True)
    (root / "file").write_text("mine")
    (root / "to_folder").symlink_to(place / "outside")
    (root / "to_file").symlink_to(place / "outside/secret")
    (root / "to_nothing").symlink_to(place / "outside/new")
    (root / "upwards").symlink_to("..")
    (root / "inside").symlink_to("file")
    (root / "sub/further").symlink_to("../to_folder")
    return place


ESCAPES = [
    "../outside/secret",
    "sub/../../outside/secret",
    "..",
    "sub/..",
    "/etc/passwd",
    "//etc/passwd",
    "~/secret",
    "to_file",
    "to_folder/secret",
    "sub/further/secret",
    "upwards/outside/secret",
    "./to_folder/./secret",
    "to_folder/",
    "inside",
    "file\0/../secret",
    "\\etc",
]


@pytest.mark.parametrize("path", ESCAPES)
async def test_nothing_outside_is_read(place: Path, path: str) -> None:
    with pytest.raises(ToolError):
        await ReadFileTool(place / "root").call({"path": path})


@pytest.mark.parametrize("path", [*ESCAPES, "to_nothing", "to_folder/new", "upwards/new", "../new", "to_folder/deep/new"])
async def test_nothing_outside_is_written(place: Path, path: str) -> None:
    with pytest.raises(ToolError):
        await WriteFileTool(place / "root").call({"path": path, "content": "overwritten"})

    assert {found.name: found.read_text() for found in (place / "outside").iterdir()} == {"secret": "hush"}
    assert sorted(os.listdir(place)) == ["outside", "root"]


@pytest.mark.parametrize("path", ["..", "to_folder", "upwards", "sub/further", "/", "sub/../.."])
async def test_nothing_outside_is_listed(place: Path, path: str) -> None:
    with pytest.raises(ToolError):
        await ListFilesTool(place / "root").call({"path": path})


@pytest.mark.parametrize("moment", ["before the folder is opened", "before the file is opened"])
async def test_a_link_put_there_at_the_last_moment_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The swap is made inside the very call that opens the part of the path: no attacker can come later than that."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("hush")
    folder = tmp_path / "root/folder"
    folder.mkdir(parents=True)
    (folder / "file").write_text("mine")
    part, victim, target = {
        "before the folder is opened": ("folder", folder, tmp_path / "outside"),
        "before the file is opened": ("file", folder / "file", tmp_path / "outside/file"),
    }[moment]
    real_open = os.open

    def late_open(path: Any, *args: Any, **options: Any) -> int:
        if path == part:
            victim.rename(tmp_path / "moved")
            victim.symlink_to(target)
        return real_open(path, *args, **options)

    tool = ReadFileTool(tmp_path / "root")
    monkeypatch.setattr(os, "open", late_open)

    with pytest.raises(ToolError):
        await tool.call({"path": "folder/file"})

    assert victim.is_symlink()


async def test_a_folder_moved_away_while_it_is_open_leads_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are looked up in the folder that was opened, not along a path that now means something else."""
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "root/folder"
    folder.mkdir(parents=True)
    real_rename = os.rename

    def late_rename(source: Any, target: Any, **options: Any) -> None:
        real_rename(folder, tmp_path / "root/moved")
        folder.symlink_to(tmp_path / "outside")
        real_rename(source, target, **options)

    tool = WriteFileTool(tmp_path / "root")
    monkeypatch.setattr(os, "rename", late_rename)

    await tool.call({"path": "folder/file", "content": "mine"})

    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "root/moved/file").read_text() == "mine"


@pytest.mark.parametrize("folder", [".purpose_agent", ".Purpose_Agent", "sub/ws", "."])
async def test_no_page_makes_an_agent_write_over_what_is_remembered(tmp_path: Path, folder: str) -> None:
    workspace = Workspace(tmp_path / folder)
    kept = workspace.teach("say the total in euros")
    workspace.close()
    beside = tmp_path / folder / "deeper"
    beside.mkdir()
    before = {found.name: found.read_bytes() for found in (tmp_path / folder).glob("workspace.sqlite3*")}

    for name in ("workspace.sqlite3", "workspace.sqlite3-wal", "new", "deeper/new", "WORKSPACE.sqlite3"):
        for call in (
            WriteFileTool(tmp_path).call({"path": f"{folder}/{name}", "content": ""}),
            ReadFileTool(tmp_path).call({"path": f"{folder}/{name}"}),
        ):
            with pytest.raises(ToolError, match="refused"):
                await call
    with pytest.raises(ToolError, match="refused"):
        await ListFilesTool(tmp_path).call({"path": folder})

    assert {found.name: found.read_bytes() for found in (tmp_path / folder).glob("workspace.sqlite3*")} == before
    assert list(beside.iterdir()) == []
    assert [memory.id for memory in Workspace(tmp_path / folder).memories()] == [kept.id]


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "sub/.GIT/config", "workspace.sqlite3", "sub/workspace.sqlite3-wal"])
async def test_no_hook_is_planted_and_no_database_put_where_a_workspace_may_come(tmp_path: Path, path: str) -> None:
    with pytest.raises(ToolError, match="not for agents"):
        await WriteFileTool(tmp_path).call({"path": path, "content": "rm -rf /"})

    assert os.listdir(tmp_path) == []


async def test_a_pipe_does_not_make_the_reader_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with anyio.fail_after(5), pytest.raises(ToolError, match="is not a file"):
        await ReadFileTool(tmp_path).call({"path": "pipe"})


PARTS = st.sampled_from(
    ["..", ".", "", "sub", "further", "to_folder", "to_file", "upwards", "outside", "secret", "root", "file", "/", "~"]
)


@given(path=st.lists(PARTS, max_size=6).map("/".join))
def test_no_path_made_of_what_lies_around_reads_the_secret(place: Path, path: str) -> None:
    try:
        text = anyio.run(ReadFileTool(place / "root").call, {"path": path})
    except ToolError:
        return
    assert text == "mine"
