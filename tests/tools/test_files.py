"""Reading, writing and listing inside one folder."""

import os
from pathlib import Path

import pytest

from purpose_agent.core.action import Observation
from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json, ToolCall
from purpose_agent.core.tool import Tool
from purpose_agent.tools.executor import ToolExecutor
from purpose_agent.tools.files import ListFilesTool, ReadFileTool, WriteFileTool

pytestmark = pytest.mark.anyio


async def use(root: Path, name: str, **arguments: Json) -> Observation:
    tools: list[Tool] = [ReadFileTool(root), WriteFileTool(root), ListFilesTool(root)]
    (seen,) = await ToolExecutor(tools).execute((ToolCall("1", name, arguments),))
    return seen


async def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    written = await use(tmp_path, "write_file", path="notes/plan.txt", content="größer\n")

    assert (written.ok, written.content) == (True, "Wrote 7 characters to notes/plan.txt.")
    assert (await use(tmp_path, "read_file", path="./notes//plan.txt")).content == "größer\n"


async def test_writing_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    await use(tmp_path, "write_file", path="a", content="long before")
    await use(tmp_path, "write_file", path="a", content="short")

    assert (tmp_path / "a").read_text() == "short"
    assert os.listdir(tmp_path) == ["a"]


async def test_a_folder_is_listed_with_sizes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("12345")
    (tmp_path / "link").symlink_to("b.txt")

    assert (await use(tmp_path, "list_files")).content == "b.txt (5 bytes)\nlink (symbolic link, refused)\nsub/"
    assert (await use(tmp_path, "list_files", path="sub")).content == "The folder is empty."


@pytest.mark.parametrize(
    ("name", "arguments", "content"),
    [
        ("read_file", {"path": "nothing.txt"}, "'nothing.txt' does not exist."),
        ("read_file", {"path": "sub"}, "'sub' is not a file."),
        ("read_file", {"path": ""}, "read_file needs the path of a file."),
        ("read_file", {"path": "binary"}, "'binary' is not text in UTF-8."),
        ("read_file", {"path": "large"}, "'large' has 3000000 bytes; at most 2097152 are read."),
        ("read_file", {}, "read_file needs the argument path."),
        ("read_file", {"path": 1}, "read_file: path must be text."),
        ("read_file", {"path": "a", "mode": "r"}, "read_file has no argument mode; it takes path."),
        ("read_file", {"path": "x" * 300}, f"'{'x' * 300}' can't be used: File name too long."),
        ("write_file", {"path": "sub", "content": ""}, "'sub' can't be used: Is a directory."),
        ("write_file", {"path": "new/", "content": ""}, "write_file needs the path of a file."),
        ("write_file", {"path": "binary/a", "content": ""}, "'binary' is refused: it is no folder, or a symbolic link."),
        ("write_file", {"path": "a", "content": "x" * 2**22}, "The content has 4194304 bytes; at most 2097152 are written."),
        ("list_files", {"path": "nothing"}, "'nothing' does not exist."),
        ("list_files", {"path": "binary"}, "'binary' is refused: it is no folder, or a symbolic link."),
    ],
)
async def test_what_cannot_be_done_is_explained(tmp_path: Path, name: str, arguments: dict[str, Json], content: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(bytes(3_000_000))

    seen = await use(tmp_path, name, **arguments)

    assert (seen.content, seen.ok) == (content, False)
    assert sorted(os.listdir(tmp_path)) == ["binary", "large", "sub"]


async def test_characters_that_cannot_be_stored_are_refused(tmp_path: Path) -> None:
    assert not (await use(tmp_path, "write_file", path="a", content="\ud800")).ok
    assert not (await use(tmp_path, "read_file", path="\ud800")).ok


async def test_a_root_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        ReadFileTool(tmp_path / "nothing")
