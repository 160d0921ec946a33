"""Files for agents, inside one folder.

In:  a root, and paths below it as a model writes them.
Out: text read, text written, names listed.

A path is opened one part at a time, each relative to the folder opened before it and none through a symbolic link
(openat(2) with O_NOFOLLOW). So there is no moment between a check and the opening in which a link could be put in its
place. Symbolic links are refused even where they stay inside. Hard links and mounts inside the root are followed: whoever
can make those already has what they lead to.

Nothing of ours is reached: no folder that holds a workspace's database, whether it was there at the start or not, and none
called `.purpose_agent` or `.git`. What an agent remembers changes by the gate of memory alone.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from purpose_agent.core.errors import ToolError, UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import ToolSpec
from purpose_agent.core.origin import Origin
from purpose_agent.core.tool import Effect

MOST_BYTES = 2 * 2**20
"""Of a file read or written."""
MOST_NAMES = 500
FILE = "Path of the file, relative to the working folder"
FOLDER = "Path of the folder, relative to the working folder; empty for the working folder itself"


_OURS = "workspace.sqlite3"
"""The database of a workspace; SQLite's own files beside it begin with the same name."""
_CLOSED = frozenset({".purpose_agent", ".git"})


class _FileTool:
    """What the three have in common: a root, and how arguments are read."""

    seconds = 20.0
    effects: tuple[Effect, ...] = ()
    """None: what happens inside `root` stays there."""
    name: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[Mapping[str, str]]
    optional: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise UsageError(f"{type(self).__name__}: {str(root)!r} is not a folder. Create it first, or give another root.")

    @property
    def spec(self) -> ToolSpec:
        properties: dict[str, Json] = {name: {"type": "string", "description": text} for name, text in self.parameters.items()}
        required: list[Json] = [name for name in self.parameters if name not in self.optional]
        return ToolSpec(
            self.name,
            self.description,
            {"type": "object", "properties": properties, "required": required, "additionalProperties": False},
        )

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        if unknown := sorted(set(arguments) - set(self.parameters)):
            raise ToolError(f"{self.name} has no argument {', '.join(unknown)}; it takes {', '.join(self.parameters)}.")
        for name in self.parameters:
            if name not in arguments and name not in self.optional:
                raise ToolError(f"{self.name} needs the argument {name}.")
            if not isinstance(arguments.get(name, ""), str):
                raise ToolError(f"{self.name}: {name} must be text.")
        return dict(arguments)


class ReadFileTool(_FileTool):
    """Reads a text file inside `root`."""

    name = "read_file"
    origin: Origin = "document"
    idempotent = True  # changes nothing; what it reads may have changed meanwhile, as between any two calls
    description = "Read a text file."
    parameters: ClassVar[Mapping[str, str]] = {"path": FILE}

    async def call(self, arguments: Mapping[str, Any]) -> str:
        import anyio.to_thread

        return await anyio.to_thread.run_sync(_read, self.root, arguments["path"])


class WriteFileTool(_FileTool):
    """Writes a text file inside `root`, whole or not at all; makes the folders on the way."""

    name = "write_file"
    origin: Origin = "operator"  # "Wrote 12 characters": nobody else's words
    idempotent = True  # whole or not at all, and the same content again is the same file
    description = "Write a text file, replacing what it held before."
    parameters: ClassVar[Mapping[str, str]] = {
        "path": FILE,
        "content": "The whole new content",
    }

    async def call(self, arguments: Mapping[str, Any]) -> str:
        import anyio.to_thread

        return await anyio.to_thread.run_sync(_write, self.root, arguments["path"], arguments["content"])


class ListFilesTool(_FileTool):
    """Lists one folder inside `root`."""

    name = "list_files"
    origin: Origin = "document"  # a name can say as much as a file
    idempotent = True
    description = "List the files and folders in a folder."
    parameters: ClassVar[Mapping[str, str]] = {"path": FOLDER}
    optional = frozenset({"path"})

    async def call(self, arguments: Mapping[str, Any]) -> str:
        import anyio.to_thread

        return await anyio.to_thread.run_sync(_list, self.root, arguments.get("path", ""))


def _parts(path: str) -> list[str]:
    """The names on the way.

    Raises:
        ToolError: The path is absolute, goes up, can't be a path, or leads to what no agent may touch.
    """
    if path.startswith(("/", "\\", "~")) or "\0" in path:
        raise ToolError(f"{path!r} is refused: give a path relative to the working folder, such as 'notes/plan.txt'.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ToolError(f"{path!r} is refused: '..' leads out of the working folder.")
    for part in parts:
        # Some file systems take both cases for the same.
        if part.casefold() in _CLOSED or part.casefold().startswith(_OURS):
            raise ToolError(
                f"{path!r} is refused: {part!r} is not for agents. What they remember, and git's own files, are kept there."
            )
    return parts


def _refuse_workspace(folder: int) -> None:
    for name in (_OURS, f"{_OURS}-wal"):
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            raise ToolError("This folder is refused: it is a workspace, where memories are kept. Use a folder beside it.")


@contextlib.contextmanager
def _explained(path: str) -> Generator[None]:
    """Turns the system's refusals into words for the model."""
    try:
        yield
    except FileNotFoundError as error:
        raise ToolError(f"{path!r} does not exist.") from error
    except OSError as error:
        raise ToolError(f"{path!r} can't be used: {error.strerror}.") from error
    except UnicodeEncodeError as error:
        raise ToolError(f"{path!r} or its content has characters that can't be stored: {error.reason}.") from error


@contextlib.contextmanager
def _folder(root: Path, parts: list[str], *, make: bool = False) -> Generator[int]:
    """A descriptor of the folder `parts` leads to, through no link."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _refuse_workspace(here)
        for part in parts:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=here)
            try:
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            except NotADirectoryError as error:  # also what a link to a folder gives
                raise ToolError(f"{part!r} is refused: it is no folder, or a symbolic link.") from error
            os.close(here)
            here = below
            _refuse_workspace(here)
        yield here
    finally:
        os.close(here)


def _read(root: Path, path: str) -> str:
    *folders, name = _parts(path) or [""]
    if not name:
        raise ToolError("read_file needs the path of a file.")
    with _explained(path), _folder(root, folders) as folder:
        _refuse_link(path, name, folder)
        # Not blocking: opening a pipe that nobody writes to would wait for ever.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            os.close(file)
            raise ToolError(f"{path!r} is not a file.")
        with open(file, "rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ToolError(f"{path!r} has {about.st_size} bytes; at most {MOST_BYTES} are read.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{path!r} is not text in UTF-8.") from error


def _refuse_link(path: str, name: str, folder: int) -> None:
    """A better message than the system's; O_NOFOLLOW is what keeps links out."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise ToolError(f"{path!r} is refused: it is a symbolic link.")


def _write(root: Path, path: str, content: str) -> str:
    *folders, name = _parts(path) or [""]
    if not name or path.endswith("/"):
        raise ToolError("write_file needs the path of a file.")
    with _explained(path):
        data = content.encode()
        if len(data) > MOST_BYTES:
            raise ToolError(f"The content has {len(data)} bytes; at most {MOST_BYTES} are written.")
        with _folder(root, folders, make=True) as folder:
            _refuse_link(path, name, folder)
            # Written beside it and renamed over it: a rename replaces a link and never follows one.
            beside = f".{secrets.token_hex(8)}.part"
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=folder)
            try:
                with open(file, "wb") as stream:
                    stream.write(data)
                os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=folder)
                raise
    return f"Wrote {len(content)} characters to {'/'.join([*folders, name])}."


def _list(root: Path, path: str) -> str:
    with _explained(path or "."), _folder(root, _parts(path)) as folder, os.scandir(folder) as entries:
        lines = sorted(_line(entry) for entry in entries)
    if not lines:
        return "The folder is empty."
    more = [f"[… {len(lines) - MOST_NAMES} more]"] if len(lines) > MOST_NAMES else []
    return "\n".join([*lines[:MOST_NAMES], *more])


def _line(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return f"{entry.name} (symbolic link, refused)"
    if entry.is_dir(follow_symlinks=False):
        return f"{entry.name}/"
    with contextlib.suppress(FileNotFoundError):
        return f"{entry.name} ({entry.stat(follow_symlinks=False).st_size} bytes)"
    return entry.name
