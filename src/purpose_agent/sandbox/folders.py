"""The folder an execution works in: what is put there, what comes back, and that nothing is left.

Links are never followed, neither on the way in nor out. Standard library only: it runs where this package can't be imported.
"""

import base64
import contextlib
import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping, Sequence

MOST_ENTRIES = 20_000


def put(folder: str, files: Mapping[str, str]) -> None:
    """Write files, given as base64 by their names inside `folder`."""
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(base64.b64decode(data))


def take(folder: str, wanted: Sequence[str], most: int) -> tuple[dict[str, str], list[str]]:
    """The files that match one of the patterns, as base64, and what was left out and why.

    Only ordinary files of one name each, `most` bytes all together. Nobody may be writing there any more.
    """
    found: dict[str, str] = {}
    left_out: list[str] = []
    room = most
    for name, is_file, size in sorted(entries(folder)) if wanted else ():
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted):
            continue
        if not is_file:
            left_out.append(f"{name}: not an ordinary file")
        elif size > room:
            left_out.append(f"{name}: {size} bytes, more than may come back")
        else:
            data = _read(folder, name, room)
            if data is None:
                left_out.append(f"{name}: can't be read")
                continue
            room -= len(data)
            found[name] = base64.b64encode(data).decode("ascii")
    return found, left_out


def entries(folder: str) -> Iterator[tuple[str, bool, int]]:
    """What is in it, however deep, but folders: name, whether it is an ordinary file with one name, size on the disk."""
    waiting, seen = [""], 0
    while waiting and seen < MOST_ENTRIES:
        below = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(os.path.join(folder, below)) as found:
            for entry in found:
                seen += 1
                name = os.path.join(below, entry.name)
                with contextlib.suppress(OSError):
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(about.st_mode):
                        waiting.append(name)
                    else:
                        yield name, stat.S_ISREG(about.st_mode) and about.st_nlink == 1, about.st_size


def _read(folder: str, name: str, most: int) -> bytes | None:
    """The file's bytes, each folder on the way opened by itself, so that none can be a link."""
    fds: list[int] = []
    try:
        fds.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        *folders, last = name.split("/")
        for part in folders:
            fds.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fds[-1]))
        fds.append(os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fds[-1]))
        about = os.fstat(fds[-1])
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1 or about.st_size > most:
            return None
        with open(fds.pop(), "rb") as file:
            return file.read(most)
    except OSError:
        return None
    finally:
        for fd in fds:
            os.close(fd)


def remove_folder(folder: str) -> None:
    """Remove `folder` with all that is in it, however deep, as far as this user may.

    Deep trees are flattened instead of walked down: neither recursion nor open descriptors grow with the depth.
    Call it when nothing lives in the folder any more.
    """
    token = os.urandom(8).hex()
    count = 0
    try:
        while found := list(os.scandir(folder)):
            for entry in found:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                os.chmod(entry.path, 0o700)
                for below in list(os.scandir(entry.path)):
                    if below.is_dir(follow_symlinks=False):
                        os.chmod(below.path, 0o700)
                        count += 1
                        os.rename(below.path, os.path.join(folder, f"{token}.{count}"))
                    else:
                        os.unlink(below.path)
                os.rmdir(entry.path)
        os.rmdir(folder)
    except OSError:  # already gone, or something only another user may remove
        pass
